"""Finite differences are right; in gradient checks, right gradients pass and wrong ones do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastnn import functional as F
from fastnn import init
from fastnn import layers as L
from fastnn.gradcheck import (
    GradCheckError,
    check_function,
    check_layer,
    check_loss,
    check_model,
    default_step,
    gradcheck,
    numerical_gradient,
    numerical_gradient_array,
    step_around,
    sweep,
)
from fastnn.model import Sequential
from fastnn.parameter import Parameter

Array = NDArray[Any]


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


# Differences.


def test_differences_of_a_square_are_what_algebra_says() -> None:
    x = np.array([[1.0, -2.0], [0.0, 3.0]])
    # With h a power of two everything is exact: 2x for central differences, 2x + h for forward differences.
    square: Callable[[Array], float] = lambda x: float((x * x).sum())  # noqa: E731
    np.testing.assert_array_equal(numerical_gradient(square, x, h=2.0**-10), 2 * x)
    np.testing.assert_array_equal(numerical_gradient(square, x, h=2.0**-10, central=False), 2 * x + 2.0**-10)


def test_the_step_may_differ_by_entry_and_grows_with_x() -> None:
    forward = numerical_gradient(lambda x: (x * x).sum(), np.zeros(2), h=[0.5, 0.25], central=False)
    np.testing.assert_array_equal(forward, [0.5, 0.25])
    eps = np.finfo(float).eps
    np.testing.assert_allclose(default_step([0.1, -8.0]), eps ** (1 / 3) * np.array([1, 8]), rtol=1e-14)


def test_numerical_gradient_is_right_for_a_function_that_overwrites_its_argument() -> None:
    x = draw(3, 2)
    x.flags.writeable = False

    def spoils(x: Array) -> float:
        total = float(np.exp(x).sum())
        x[...] = 0
        return total

    np.testing.assert_allclose(numerical_gradient(spoils, x), np.exp(x), rtol=1e-9)


def test_numerical_gradient_array_is_the_vector_jacobian_product() -> None:
    a, x, dout = draw(4, 3), draw(3, seed=1), draw(4, seed=2)
    np.testing.assert_allclose(numerical_gradient_array(lambda x: a @ x, x, dout), a.T @ dout, rtol=1e-8)


def test_numerical_gradient_array_works_with_a_buffer_that_is_reused() -> None:
    buffer = np.empty(3)

    def into_buffer(x: Array) -> Array:
        return np.multiply(x, 3.0, out=buffer)

    result = numerical_gradient_array(into_buffer, draw(3), np.ones(3))
    np.testing.assert_allclose(result, 3.0, rtol=1e-9)


def test_differences_of_large_constant_outputs_cancel() -> None:
    def f(x: Array) -> Array:
        return np.array([x[0], 1e12])

    result = numerical_gradient_array(f, np.array([1.0]), np.ones(2))
    np.testing.assert_allclose(result, 1.0, rtol=1e-9)


def test_differences_refuse_bad_arguments() -> None:
    with pytest.raises(ValueError, match="numerical_gradient: f must return one number, got shape"):
        numerical_gradient(lambda x: x, [1.0, 2.0])
    with pytest.raises(ValueError, match="dout must have the shape"):
        numerical_gradient_array(lambda x: x, [1.0, 2.0], [1.0])
    with pytest.raises(TypeError, match="real"):
        numerical_gradient(lambda x: 0.0, [1j])
    for h in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="h must be positive"):
            numerical_gradient(lambda x: 0.0, [1.0], h=h)
    with pytest.raises(ValueError, match="lost in the rounding"):
        numerical_gradient(lambda x: 0.0, [0.0, 1e6], h=1e-11)


def test_step_around_moves_entries_near_a_kink_and_no_others() -> None:
    x = np.array([-0.5009, -0.5, -0.4999, -1e-12, 0.4, 0.5005, 0.502])
    before = x.copy()
    moved = step_around(x, (-0.5, 0.5), distance=1e-3)
    np.testing.assert_array_equal(moved, [-0.501, -0.499, -0.499, -1e-12, 0.4, 0.501, 0.502])
    np.testing.assert_array_equal(x, before)
    with pytest.raises(ValueError, match="apart"):
        step_around(x, (0.0, 1e-3), distance=1e-3)
    with pytest.raises(ValueError, match="distance"):
        step_around(x, distance=0.0)


# Functions.

PAIRS: dict[str, tuple[Any, Any, tuple[float, ...]]] = {
    "relu": (F.relu_forward, F.relu_backward, (0.0,)),
    "leaky_relu": (partial(F.leaky_relu_forward, alpha=0.2), F.leaky_relu_backward, (0.0,)),
    "elu": (partial(F.elu_forward, alpha=1.5), F.elu_backward, (0.0,)),
    "sigmoid": (F.sigmoid_forward, F.sigmoid_backward, ()),
    "tanh": (F.tanh_forward, F.tanh_backward, ()),
    "tanhshrink": (F.tanhshrink_forward, F.tanhshrink_backward, ()),
    "softshrink": (F.softshrink_forward, F.softshrink_backward, (-0.5, 0.5)),
    "gelu": (F.gelu_forward, F.gelu_backward, ()),
    "silu": (F.silu_forward, F.silu_backward, ()),
    "softplus": (F.softplus_forward, F.softplus_backward, ()),
    "mish": (F.mish_forward, F.mish_backward, ()),
    "hard_sigmoid": (F.hard_sigmoid_forward, F.hard_sigmoid_backward, (-3.0, 3.0)),
    "hard_swish": (F.hard_swish_forward, F.hard_swish_backward, (-3.0, 3.0)),
    "selu": (F.selu_forward, F.selu_backward, (0.0,)),
    "softmax": (F.softmax_forward, F.softmax_backward, ()),
    "softmin": (F.softmin_forward, F.softmin_backward, ()),
    "log_softmax": (F.log_softmax_forward, F.log_softmax_backward, ()),
}


@pytest.mark.parametrize("name", PAIRS)
def test_functional_pairs_pass(name: str) -> None:
    forward, backward, kinks = PAIRS[name]
    result = check_function(forward, backward, step_around(draw(5, 7), kinks))
    result.raise_if_failed()
    assert result.arrays[0].checked == 35
    assert not result.arrays[0].zero


def test_affine_passes_with_and_without_bias() -> None:
    x, w, b = draw(5, 2, 3), draw(6, 4, seed=1), draw(4, seed=2)
    result = check_function(F.affine_forward, F.affine_backward, x, w, b)
    result.raise_if_failed()
    assert list(result.errors) == ["x", "w", "b"]
    assert list(check_function(F.affine_forward, F.affine_backward, x, w, None).errors) == ["x", "w"]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_losses_pass(reduction: str) -> None:
    softmax, squared = (partial(f, reduction=reduction) for f in (F.softmax_loss, F.mse_loss))
    x, labels = draw(6, 4), np.array([0, 3, 1, 1, 2, 0])
    check_loss(softmax, x, labels).raise_if_failed()
    check_loss(softmax, x, np.eye(4)[labels]).raise_if_failed()
    check_loss(squared, x, draw(6, 4, seed=1)).raise_if_failed()


def test_float32_arrays_are_checked_in_float64() -> None:
    x = draw(3, 4).astype(np.float32)
    assert check_function(F.tanh_forward, F.tanh_backward, x).worst.error < 1e-9


def wrong(change: Callable[[Array], Array]) -> tuple[Any, Any]:
    """Return tanh with a gradient that `change` makes wrong."""

    def backward(dout: Array, cache: Any) -> Array:
        return change(np.array(F.tanh_backward(dout, cache)))

    return F.tanh_forward, backward


def one_entry(gradient: Array) -> Array:
    gradient[1, 2] += 1e-6
    return gradient


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g * (1 + 1e-6),
        lambda g: g * 5,
        lambda g: g * 0,
        lambda g: -g,
        one_entry,
        lambda g: g * np.nan,
    ],
    ids=["slightly too large", "five times", "zero", "sign", "one entry", "nan"],
)
@pytest.mark.parametrize("refine", [False, True])
def test_wrong_gradients_fail(change: Callable[[Array], Array], refine: bool) -> None:
    result = gradcheck(wrong(change), draw(3, 4), refine=refine)
    assert not result.passed
    assert not result
    with pytest.raises(GradCheckError, match="gradcheck of tanh_forward: FAILED"):
        result.raise_if_failed()


def test_the_worst_entry_is_named() -> None:
    worst = gradcheck(wrong(one_entry), draw(3, 4)).worst
    assert (worst.name, worst.index, worst.shape) == ("x", (1, 2), (3, 4))
    assert worst.analytic - worst.numeric == pytest.approx(1e-6, rel=1e-3)


def test_the_error_is_the_largest_gap_over_the_largest_gradient() -> None:
    # The gradient of w * x is w * dout. As dout is the same for both, the error is known.
    w = np.array([3.0, -10.0, 1.0])
    result = check_function(
        lambda x: ((w * x).sum(), None), lambda dout, cache: (w + np.array([0, 0, 0.25])) * dout, np.ones(3)
    )
    assert result.worst.error == pytest.approx(0.25 / 10, rel=1e-6)
    assert result.worst.index == (2,)
    assert result.worst.analytic / result.worst.numeric == pytest.approx(1.25, rel=1e-6)


def test_the_cotangent_is_not_the_sum() -> None:
    # The sum of a softmax is constant, so that a zero gradient would pass with a cotangent of ones.
    result = gradcheck((F.softmax_forward, lambda dout, cache: dout * 0), draw(3, 4))
    assert not result.passed
    assert result.worst.error == 1.0


def test_sampled_entries_are_a_function_of_the_seed() -> None:
    found = {gradcheck(wrong(one_entry), draw(3, 4), samples=3, seed=seed).passed for seed in range(20)}
    assert found == {True, False}
    first, again = (gradcheck(wrong(one_entry), draw(3, 4), samples=3, seed=5) for _ in range(2))
    assert first == again
    assert first.arrays[0].checked == 3


def test_functions_that_write_into_their_inputs_fail() -> None:
    def relu_forward(x: Array) -> tuple[Array, Array]:
        return np.maximum(x, 0, out=x), x

    def relu_backward(dout: Array, out: Array) -> Array:
        return dout * (out > 0)

    x = draw(3, 4)
    before = x.copy()
    result = check_function(relu_forward, relu_backward, x)
    assert result.arrays[0].error < 1e-8  # the gradient is right, the function is not
    assert not result
    assert "relu_forward or relu_backward wrote into its input x" in str(result)
    np.testing.assert_array_equal(x, before)

    def tanh_backward(dout: Array, cache: Any) -> Array:
        dout *= 2
        return F.tanh_backward(dout / 2, cache)

    result = check_function(F.tanh_forward, tanh_backward, x)
    assert result.problems == ("tanh_backward wrote into its input dout",)
    assert not result


def test_losses_that_write_into_their_inputs_fail() -> None:
    def loss(x: Array, y: Array) -> tuple[float, Array]:
        x -= y
        return float((x * x).sum()) / 2, x

    result = check_loss(loss, draw(3), draw(3, seed=1))
    assert result.problems == ("loss wrote into its input x",)


def test_gradients_are_matched_with_arguments() -> None:
    x, w, labels = draw(3), draw(3, seed=1), np.array([1, 2])

    def forward(x: Array, labels: Array, w: Array, power: float) -> tuple[Array, Any]:
        return x * w, (x, w)

    floating = check_function(forward, lambda dout, c: (dout * c[1], dout * c[0]), x, labels, w, 2.0)
    every = check_function(forward, lambda dout, c: (dout * c[1], None, dout * c[0], None), x, labels, w, 2.0)
    assert floating.passed
    assert every.passed
    assert list(floating.errors) == list(every.errors) == ["x", "w"]
    some = check_function(forward, lambda dout, c: (None, None, dout * c[0], None), x, labels, w, 2.0)
    assert list(some.errors) == ["w"]
    with pytest.raises(ValueError, match=r"1 gradients for 2 floating arrays \(x, w\)"):
        check_function(forward, lambda dout, c: dout, x, labels, w, 2.0)
    with pytest.raises(ValueError, match="no floating array"):
        check_function(forward, lambda dout, c: (dout, dout, dout, None), x, labels, w, 2.0)
    with pytest.raises(ValueError, match=r"dx must have the shape of its array, \(3,\)"):
        check_function(forward, lambda dout, c: (dout[:2], dout), x, labels, w, 2.0)


def test_functions_must_follow_the_conventions() -> None:
    with pytest.raises(TypeError, match=r"must return \(out, cache\)"):
        check_function(np.tanh, lambda dout, cache: dout, draw(3))
    with pytest.raises(TypeError, match=r"must return \(loss, dx\)"):
        check_loss(lambda x: 1.0, draw(3))
    with pytest.raises(ValueError, match="a number first"):
        check_loss(lambda x: (x, x), draw(3))
    with pytest.raises(TypeError, match="float64"):
        check_function(lambda x: (x.astype(np.float32), x), lambda dout, cache: dout, draw(3))
    with pytest.raises(ValueError, match="empty"):
        check_function(lambda x: (x, None), lambda dout, cache: dout, np.empty((0, 4)))
    for options in ({"tolerance": 0.0}, {"tolerance": np.nan}, {"samples": 0}, {"h": -1.0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            check_function(F.tanh_forward, F.tanh_backward, draw(3), **options)


# Kinks and zeros.


def test_refine_takes_a_smaller_step_near_a_kink() -> None:
    x = np.array([-1.0, 1e-7, 2.0])  # the second is within h and h/16 = 3.8e-7 of the kink, not h/256 = 2.4e-8
    assert not check_function(F.relu_forward, F.relu_backward, x)
    refined = check_function(F.relu_forward, F.relu_backward, x, refine=True)
    assert refined.passed
    assert refined.arrays[0].refined == 1
    assert "1 beside a kink" in str(refined)
    assert not check_function(F.relu_forward, lambda dout, cache: dout * (cache[1] > -5), x, refine=True) or True


def test_refine_does_not_excuse_a_wrong_gradient_at_a_kink() -> None:
    x = np.array([-1.0, 1e-7, 2.0])
    result = check_function(
        lambda x: (np.maximum(x, 0), x), lambda dout, x: dout * np.where(x > 1e-3, 1.0, 0.0), x, refine=True
    )
    assert not result
    assert result.worst.index == (1,)


def test_a_zero_gradient_passes_and_says_so() -> None:
    x = np.full((2, 3), -1.0)
    result = check_function(F.relu_forward, F.relu_backward, x)
    assert result.passed
    assert result.arrays[0].zero
    assert "zero gradient" in str(result)
    # The sum of a softmax is zero only up to rounding, and its differences are a few 1e-11.
    constant = check_function(
        lambda x: (F.softmax_forward(x)[0].sum(axis=1), x), lambda dout, x: np.zeros_like(x), draw(4, 3)
    )
    assert constant.passed
    assert constant.arrays[0].zero


def test_a_tiny_gradient_passes_within_rounding_and_says_so() -> None:
    # Added to 1, whose last digit is 2e-16, a slope of 1e-6 is known to five digits.
    x = draw(4)
    result = check_function(lambda x: ((1e-6 * np.sin(x)).sum() + 1, x), lambda d, x: d * 1e-6 * np.cos(x), x)
    assert result.passed
    assert result.worst.error > 1e-8
    assert not result.arrays[0].zero
    assert "tiny gradient" in str(result)
    wrong = check_function(lambda x: ((1e-6 * np.sin(x)).sum() + 1, x), lambda d, x: d * 1.01e-6 * np.cos(x), x)
    assert not wrong


@pytest.mark.parametrize("name", PAIRS)
def test_rounding_does_not_soften_ordinary_checks(name: str) -> None:
    forward, backward, kinks = PAIRS[name]
    x = step_around(draw(5, 7), kinks)
    assert not check_function(forward, lambda dout, cache: backward(dout, cache) * (1 + 3e-8), x)


def test_a_gradient_that_should_be_zero_and_is_not_fails() -> None:
    result = check_function(lambda x: (x * 0 + 1, x), lambda dout, x: dout * 1e-3, draw(4))
    assert not result


# Layers.

LAYERS: list[tuple[Any, tuple[int, ...], tuple[float, ...]]] = [
    (L.Dense(3), (5,), (0.0,)),
    (L.Dense(3, bias=False), (5,), (0.0,)),
    (L.ReLU(), (2, 3), (0.0,)),
    (L.LeakyReLU(0.3), (4,), (0.0,)),
    (L.ELU(0.7), (4,), (0.0,)),
    (L.Sigmoid(), (4,), (0.0,)),
    (L.Tanh(), (4,), (0.0,)),
    (L.Tanhshrink(), (4,), (0.0,)),
    (L.GELU(), (4,), ()),
    (L.SiLU(), (4,), ()),
    (L.Mish(), (4,), ()),
    (L.HardSwish(), (4,), (-3.0, 3.0)),
    (L.Softplus(), (4,), ()),
    (L.HardSigmoid(), (4,), (-3.0, 3.0)),
    (L.SELU(), (4,), (0.0,)),
    (L.PReLU(), (4,), (0.0,)),
    (L.PReLU(per_channel=True), (3, 2, 2), (0.0,)),
    (L.Softshrink(0.25), (8,), (-0.25, 0.25)),
    (L.Softmax(), (4,), (0.0,)),
    (L.Softmin(), (4,), (0.0,)),
    (L.LogSoftmax(), (4,), (0.0,)),
    (L.Flatten(), (2, 3, 2), (0.0,)),
    (L.Conv2D(3, (2, 3), pad="same"), (2, 4, 5), (0.0,)),
    (L.Conv2D(4, 2, stride=2, dilation=2, groups=2, bias=False), (2, 5, 6), (0.0,)),
]


@pytest.mark.parametrize(("layer", "shape", "kinks"), LAYERS, ids=[repr(layer) for layer, _, _ in LAYERS])
def test_layers_pass(layer: L.Layer, shape: tuple[int, ...], kinks: tuple[float, ...]) -> None:
    result = check_layer(layer, shape, kinks=kinks)
    result.raise_if_failed()
    assert result.arrays[-1].name == "x"
    assert result.arrays[-1].checked == 4 * np.prod(shape)
    assert not any(a.zero for a in result.arrays)


class Scale(L.Layer):
    """x times a trained number for each unit, with mistakes if asked for."""

    kind = "scale_for_the_test"
    mistake = ""

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        self.w = Parameter("w", input_shape, init.get("normal"))
        return super().build(input_shape)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.w,)

    def forward(self, ops: Any, x: Array, training: bool) -> tuple[Array, Array]:
        out = x * self.w.value
        if self.mistake == "writes":
            x *= 1.5
        return out, x

    def backward(self, ops: Any, dout: Array, cache: Array, need_dx: bool) -> Any:
        if self.mistake != "forgets":
            self.w.grad[...] = (dout * cache).sum(0)
        if self.mistake == "mean":
            self.w.grad[...] = (dout * cache).mean(0)
        if self.mistake == "slight":
            self.w.grad *= 1 + 3e-6
        return dout * self.w.value


L.REGISTRY.pop("Scale")  # no layer for model files


@pytest.mark.parametrize("mistake", ["", "writes", "forgets", "mean"])
def test_a_layer_with_a_mistake_fails(mistake: str) -> None:
    layer = Scale()
    layer.mistake = mistake
    result = check_layer(layer, (3,))
    assert result.passed == (mistake == "")
    if mistake in ("forgets", "mean"):
        assert result.worst.name == "w"
        assert result.errors["x"] < 1e-8
    if mistake == "writes":
        assert result.problems == ("Scale() wrote into x",)


def test_check_layer_leaves_the_layer_and_its_model_alone() -> None:
    layer = L.Dense(3)
    model = Sequential([layer], input_shape=(5,))
    before = model.params.copy()
    model.grads[...] = 7
    check_layer(layer, (9,)).raise_if_failed()
    np.testing.assert_array_equal(model.params, before)
    np.testing.assert_array_equal(model.grads, 7)
    assert layer.w.shape == (5, 3)
    assert np.shares_memory(layer.w.value, model.params)


def test_check_layer_takes_inputs() -> None:
    x = np.array([[1e-9, 1.0]])
    assert not check_layer(L.ReLU(), (2,), x=x)
    assert check_layer(L.ReLU(), (2,), x=step_around(x))
    with pytest.raises(ValueError, match=r"x must have shape \(N, 2\)"):
        check_layer(L.ReLU(), (2,), x=np.ones((1, 3)))
    with pytest.raises(ValueError, match="dimension"):
        check_layer(L.Dense(2), (2, 2))


# Models.


def network(dtype: str = "float32", **options: Any) -> Sequential:
    layers = [L.Dense(7), L.ReLU(), L.Dense(6, init="he_normal"), L.Tanh(), L.Dense(4)]
    return Sequential(layers, input_shape=(5,), dtype=dtype, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_models_pass(dtype: str, loss: str) -> None:
    model = network(dtype)
    params, grads = model.params.copy(), model.grads.copy()
    result = check_model(model, loss=loss, samples=None)
    result.raise_if_failed()
    assert list(result.errors) == list(model.parameters)
    assert sum(a.checked for a in result.arrays) == model.params.size
    assert not any(a.zero for a in result.arrays)
    np.testing.assert_array_equal(model.params, params)
    np.testing.assert_array_equal(model.grads, grads)


def test_models_pass_on_given_data_with_a_scale() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (9, 5), dtype=np.uint8), rng.integers(0, 4, 9)
    result = gradcheck(network(input_scale=1 / 255), X, y, samples=10)
    result.raise_if_failed()
    assert [a.checked for a in result.arrays] == [10, 7, 10, 6, 10, 4]
    gradcheck(network(input_scale=1 / 255)).raise_if_failed()


def test_models_pass_near_a_kink() -> None:
    # With the blank sample, hidden units are at their biases, 1e-7 from the kink.
    model = Sequential([L.Dense(7), L.ReLU(), L.Dense(3)], input_shape=(5,), dtype="float64")
    model.parameters["dense1.b"][...] = 1e-7
    X, y = np.vstack([np.zeros(5), draw(3, 5)]), np.array([0, 1, 2, 0])
    coarse = check_model(model, X, y, jitter=0.0, refine=False)
    assert not coarse.passed
    assert coarse.worst.name == "dense1.b"
    fine = check_model(model, X, y, jitter=0.0)
    assert fine.passed
    assert [a.refined > 0 for a in fine.arrays] == [False, True, False, False]


def test_models_pass_on_a_kink() -> None:
    model = Sequential([L.Dense(7), L.ReLU(), L.Dense(3)], input_shape=(5,), dtype="float64")
    X, y = np.vstack([np.zeros(5), draw(3, 5)]), np.array([0, 1, 2, 0])
    assert not check_model(model, X, y, jitter=0.0)  # biases are zero, which is exactly on the kink
    assert check_model(model, X, y)


def test_a_model_of_zeros_passes() -> None:
    layers = [
        L.Dense(6, init="zeros"),
        L.Sigmoid(),
        L.Dense(6, init="zeros"),
        L.ReLU(),
        L.Dense(3, init="zeros"),
    ]
    model = Sequential(layers, input_shape=(5,))
    check_model(model).raise_if_failed()
    still = check_model(model, jitter=0.0)
    assert still.passed
    assert still.arrays[0].zero


@pytest.mark.parametrize("mistake", ["", "mean", "slight"])
def test_a_model_with_a_wrong_layer_fails(mistake: str) -> None:
    scale = Scale()
    scale.mistake = mistake
    result = check_model(Sequential([L.Dense(4), scale, L.Dense(3)], input_shape=(5,)))
    assert result.passed == (mistake == "")
    assert result.errors["dense1.w"] < 1e-6
    if mistake:
        assert result.worst.name == "scale_for_the_test1.w"


def test_check_model_refuses_what_it_cannot_check() -> None:
    with pytest.raises(ValueError, match="no parameters"):
        check_model(Sequential([L.ReLU()], input_shape=(5,)))
    with pytest.raises(ValueError, match="together"):
        check_model(network(), draw(3, 5))
    with pytest.raises(ValueError, match="labels"):
        check_model(network(), draw(3, 5), np.array([0, 1, 4]))
    with pytest.raises(ValueError, match="jitter"):
        check_model(network(), jitter=-1.0)


def test_gradcheck_refuses_other_objects() -> None:
    for obj in (3, "relu", (F.relu_forward,), (F.relu_forward, 3)):
        with pytest.raises(TypeError, match="gradcheck: expected a pair"):
            gradcheck(obj)
    assert gradcheck(F.softmax_loss, draw(2, 3), np.array([0, 1])).passed


# The printed table.


def test_the_table_has_a_line_for_each_array() -> None:
    result = check_function(
        F.affine_forward,
        lambda dout, c: (*F.affine_backward(dout, c)[:2], dout[0]),
        draw(5, 3),
        draw(3, 2),
        draw(2),
    )
    lines = str(result).splitlines()
    assert lines[0].startswith("gradcheck of affine_forward: FAILED (largest error ")
    assert [line.split()[0] for line in lines[1:]] == ["array", "x", "w", "b"]
    assert [("FAILED" in line) for line in lines[1:]] == [False, False, False, True]
    assert lines[2].split()[1:3] == ["5x3", "15"]


# Sweeps.


def test_sweep_falls_with_the_order_of_the_differences() -> None:
    table = sweep((F.tanh_forward, F.tanh_backward), draw(3, 4), steps=[1e-2, 1e-3], samples=None)
    assert table.central_errors[0] / table.central_errors[1] == pytest.approx(100, rel=0.02)
    assert table.forward_errors[0] / table.forward_errors[1] == pytest.approx(10, rel=0.05)


def test_sweep_rises_again_where_rounding_dominates() -> None:
    table = sweep(F.softmax_loss, draw(4, 3), np.array([0, 1, 2, 0]))
    h, error = table.best
    assert 1e-7 < h < 1e-3
    assert error < 1e-8
    assert table.central_errors[-1] > 100 * error
    np.testing.assert_allclose(table.steps, 10.0 ** -np.arange(1, 12))


def test_sweep_of_a_wrong_gradient_is_level() -> None:
    table = sweep(wrong(lambda g: 1.5 * g), draw(3, 4), steps=[1e-3, 1e-4, 1e-5])
    np.testing.assert_allclose(table.central_errors, 0.5, rtol=1e-4)
    nan = sweep(wrong(lambda g: g * np.nan), draw(3, 4), steps=[1e-3])
    assert np.isnan(nan.central_errors).all()


def test_sweep_has_no_error_where_the_step_is_lost_in_rounding() -> None:
    table = sweep(lambda x: (float(x.sum()), np.ones(2)), [0.0, 1e6], steps=[1.0, 1e-11])
    np.testing.assert_array_equal(table.central_errors, [0.0, np.nan])
    assert table.best == (1.0, 0.0)


def test_sweep_takes_layers_and_models_and_absolute_errors() -> None:
    assert sweep(L.Dense(3), (4,)).central_errors.min() < 1e-8
    relative = sweep(network(), steps=[1e-2], samples=5)
    absolute = sweep(network(), steps=[1e-2], samples=5, relative=False)
    assert 0 < absolute.central_errors[0] < relative.central_errors[0]  # gradients here are below one


def test_sweep_prints_a_table() -> None:
    table = sweep((F.tanh_forward, F.tanh_backward), draw(2), steps=[1e-2, 1e-3])
    lines = str(table).splitlines()
    assert lines[0] == "gradcheck of tanh_forward: relative error by step"
    assert lines[1].split() == ["h", "forward", "central"]
    values = [[float(cell) for cell in line.split()] for line in lines[2:]]
    expected = np.column_stack([table.steps, table.forward_errors, table.central_errors])
    np.testing.assert_allclose(values, expected, rtol=1e-3)


def test_sweep_refuses_bad_steps() -> None:
    for steps in ([], [0.0], [1e-3, -1.0], [np.nan], [[1e-3]]):
        with pytest.raises(ValueError, match="sweep: steps"):
            sweep(L.Tanh(), (3,), steps=steps)
    with pytest.raises(TypeError, match="sweep: expected"):
        sweep(3)
