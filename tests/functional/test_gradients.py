"""Gradients agree with central differences in float64."""

from functools import partial

import numpy as np
import pytest
from function_cases import LOSSES, PAIRS

from fastnn import functional as F
from fastnn.gradcheck import check_function, check_loss


def test_every_function_is_covered():
    pairs = {f"{p.name}_{half}" for p in PAIRS for half in ("forward", "backward")}
    losses = {key.split()[0] for key in LOSSES}
    others = {"log_softmax", "im2col", "col2im", "true_convolution", "derivative_mask", "prewitt_mask"}
    others |= {"mask_response_forward", "mask_response_backward"}  # test_masks.py
    assert pairs | losses | others == set(F.__all__)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_right(pair, seed):
    result = check_function(pair.forward, pair.backward, *pair.arguments(np.float64, seed), seed=seed)
    assert result.passed, str(result)


def test_affine_without_a_bias_has_right_gradients():
    x, w = PAIRS[0].arguments(np.float64)[:2]
    result = check_function(lambda x, w: F.affine_forward(x, w, None), lambda d, c: F.affine_backward(d, c)[:2], x, w)
    assert result.passed, str(result)
    out, cache = F.affine_forward(x, w, None)
    assert F.affine_backward(out, cache)[2] is None


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("case", LOSSES)
def test_losses_have_right_gradients(case, reduction):
    loss, args = LOSSES[case](np.float64)
    result = check_loss(partial(loss, reduction=reduction), *args)
    assert result.passed, str(result)


def test_the_check_would_notice_a_wrong_gradient():
    """With a sum instead of a mean, or without a factor, the error is above the tolerance."""
    x, y = LOSSES["softmax_loss labels"](np.float64)[1]
    assert not check_loss(lambda x: (F.softmax_loss(x, y)[0], F.softmax_loss(x, y)[1] * (1 + 1e-6)), x)


@pytest.mark.parametrize(
    ("name", "options", "x", "slope"),
    [
        ("relu", {}, 0.0, 0.0),
        ("leaky_relu", {"alpha": 0.2}, 0.0, 0.2),
        ("elu", {"alpha": 0.6}, 0.0, 0.6),
        ("softshrink", {"lambd": 0.5}, 0.5, 0.0),
        ("softshrink", {"lambd": 0.5}, -0.5, 0.0),
        ("softshrink", {"lambd": 0.0}, 0.0, 0.0),
    ],
)
def test_the_slope_at_a_kink_is_that_of_one_side(name, options, x, slope):
    _, cache = getattr(F, f"{name}_forward")(np.array([x]), **options)
    assert getattr(F, f"{name}_backward")(np.ones(1), cache)[0] == slope
