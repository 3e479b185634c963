"""Kernels are right for NaN, infinities, zeros, overflow and underflow, and if outputs share memory with inputs."""

import numpy as np
import pytest
from hypothesis import given
from kernel_arguments import make
from kernel_oracles import activation, activation_bound
from strategies import DTYPES, lengths, same_bits, seeds
from test_backends_agree import BACKENDS

from fastnn import kernels
from fastnn.kernels import Activation
from fastnn.kernels.activations import SELU_SCALES

nan, inf = np.nan, np.inf

pytestmark = [pytest.mark.parametrize("backend", BACKENDS), pytest.mark.parametrize("dtype", DTYPES)]

# kind: (alpha, f(-inf), f(inf))
LIMITS = {
    Activation.IDENTITY: (0.0, -inf, inf),
    Activation.RELU: (0.0, 0, inf),
    Activation.LEAKY_RELU: (0.25, -inf, inf),
    Activation.ELU: (1.5, -1.5, inf),
    Activation.SIGMOID: (0.0, 0, 1),
    Activation.TANH: (0.0, -1, 1),
    Activation.TANHSHRINK: (0.0, -inf, inf),
    Activation.SOFTSHRINK: (0.5, -inf, inf),
    Activation.GELU: (0.0, 0, inf),
    Activation.SILU: (0.0, 0, inf),
    Activation.SOFTPLUS: (0.0, 0, inf),
    Activation.MISH: (0.0, 0, inf),
    Activation.HARD_SIGMOID: (0.0, 0, 1),
    Activation.HARD_SWISH: (0.0, 0, inf),
    Activation.SELU: (0.0, -SELU_SCALES[1], inf),
}


@pytest.mark.parametrize("kind", Activation)
@pytest.mark.parametrize("at", [0, 7, 16, 40])
def test_activations_of_special_values_are_right(kind, at, dtype, backend):
    """They may stand anywhere in the array, in a full vector or in its remainder."""
    alpha, low, high = LIMITS[kind]
    x = np.ones(43, dtype)
    x[at : at + 3] = nan, -inf, inf
    out = np.empty_like(x)
    kernels.get("activation_forward", backend)(x, out, int(kind), alpha)
    assert np.isnan(out[at])
    assert out[at + 1] == dtype(low)
    assert out[at + 2] == high
    rest = np.delete(out, [at, at + 1, at + 2])
    assert np.all(rest == rest[0])


# where scripts/sweep_unary.py, which takes every float32, has found the largest errors of some
HARDEST = [-5.982666015625, -13.802742004394531, -82.11388397216797]


@pytest.mark.parametrize("kind", Activation)
def test_activations_are_right_over_the_whole_range(kind, dtype, backend):
    info = np.finfo(dtype)
    alpha = LIMITS[kind][0]
    with np.errstate(over="ignore"):
        powers = np.exp2(np.arange(np.log2(info.smallest_subnormal), info.maxexp - 1, 0.37, np.longdouble))
    grid = [np.linspace(-120, 120, 4801), np.linspace(-3, 3, 3001)]
    x = np.concatenate([powers, -powers, [0.0], HARDEST, *grid])
    x = x.astype(dtype)
    out = np.empty_like(x)
    kernels.get("activation_forward", backend)(x, out, int(kind), alpha)
    with np.errstate(all="ignore"):
        value = activation(x.astype(np.longdouble), kind, np.longdouble(dtype(alpha)))
        error, bound = np.abs(out - value), activation_bound(x.astype(np.longdouble), value, kind, dtype)
    worst = np.argmax(error / bound)
    assert np.all(error <= bound), (x[worst], out[worst], value[worst])


SLOPES_AT_ZERO = {Activation.GELU: 0.5, Activation.SILU: 0.5, Activation.MISH: 0.6, Activation.HARD_SWISH: 0.5}


@pytest.mark.parametrize("kind", SLOPES_AT_ZERO)
def test_the_slope_of_a_gated_activation_is_right_at_the_ends(kind, dtype, backend):
    x = np.array([-inf, np.finfo(dtype).min, -1e4, 0, 1e4, np.finfo(dtype).max, inf, nan] * 5, dtype)
    dx = np.empty_like(x)
    kernels.get("activation_backward", backend)(np.ones_like(x), x, dx, int(kind), 0.0)
    middle = SLOPES_AT_ZERO[kind]
    np.testing.assert_allclose(dx, np.array([0, 0, 0, middle, 1, 1, 1, nan] * 5, dtype), rtol=4 * np.finfo(dtype).eps)


def test_lion_takes_no_step_at_zero_and_keeps_nan(dtype, backend):
    w, m, dw = (np.tile(np.array(v, dtype), 5) for v in ([1, 1, 1, 1], [0, 0, 0, 0], [0, nan, inf, -3]))
    rate, lion = np.array([0.25]), kernels.UpdateRule.LION
    kernels.get("update", backend)(w, m, None, dw, rate, np.array([1]), lion, 2.0, 0.9, 0.5)
    np.testing.assert_array_equal(w, np.tile(np.array([0.5, nan, 0.25, 0.75], dtype), 5))
    np.testing.assert_array_equal(m, np.tile(np.array([0, nan, inf, -1.5], dtype), 5))


@pytest.mark.parametrize("kind", [k for k in Activation if k is not Activation.TANHSHRINK])
def test_a_nan_output_gives_a_nan_gradient_or_passes_dout(kind, dtype, backend):
    out = np.full(37, nan, dtype)
    dx = np.empty_like(out)
    kernels.get("activation_backward", backend)(np.full(37, 2, dtype), out, dx, int(kind), LIMITS[kind][0])
    passes = kind in (Activation.IDENTITY, Activation.RELU, Activation.LEAKY_RELU, Activation.SOFTSHRINK)
    assert np.all(dx == 2) if passes else np.all(np.isnan(dx))


def test_slopes_at_the_kinks_are_those_of_one_side(dtype, backend):
    out = np.zeros(35, dtype)
    dx = np.empty_like(out)
    slopes = {
        Activation.RELU: 0.0,
        Activation.LEAKY_RELU: 0.25,
        Activation.ELU: 1.5,
        Activation.SOFTSHRINK: 0.0,
        Activation.HARD_SIGMOID: 0.0,
        Activation.SELU: SELU_SCALES[1],
    }
    for kind, slope in slopes.items():
        kernels.get("activation_backward", backend)(np.ones_like(out), out, dx, int(kind), LIMITS[kind][0])
        assert np.all(dx == dtype(slope)), kind


def test_a_masked_gradient_is_zero_even_where_dout_is_infinite(dtype, backend):
    out, dout = np.zeros(35, dtype), np.full(35, inf, dtype)
    dout[::2] = nan
    dx = np.empty_like(out)
    for kind in (Activation.RELU, Activation.SOFTSHRINK):
        kernels.get("activation_backward", backend)(dout, out, dx, int(kind), 0.5)
        assert np.all(dx == 0), kind


def test_a_nan_poisons_only_its_own_row_of_a_product(dtype, backend):
    a = make("affine_forward", {"n": 29, "d": 35, "m": 37}, dtype, 1)
    clean = a.copy()
    kernels.get("affine_forward", backend)(*clean.values())
    a["x"][13, 5] = nan
    kernels.get("affine_forward", backend)(*a.values())
    assert np.all(np.isnan(a["out"][13]))
    others = np.arange(29) != 13
    assert same_bits(a["out"][others], clean["out"][others])


def test_infinity_times_zero_is_nan_in_a_product(dtype, backend):
    out = np.empty((2, 2), dtype)
    x, w = np.array([[inf, 1], [inf, 1]], dtype), np.array([[0, 1], [1, 1]], dtype)
    kernels.get("affine_forward", backend)(x, w, None, out)
    np.testing.assert_array_equal(out, [[nan, inf], [nan, inf]])


ROWS = [[-inf, -inf, -inf], [0, nan, 0], [1, inf, 0], [-inf, 0, -inf], [0, 0, 0]]


WINDOWS = [  # size, stride, padding
    ((2, 2), (2, 2), (0, 0)),
    ((2, 2), (1, 1), (0, 0)),
    ((3, 3), (2, 2), (1, 1)),
    ((3, 2), (1, 3), (0, 1)),
    ((1, 5), (1, 2), (0, 2)),
    ((9, 20), (1, 1), (0, 0)),
]


def first_largest(x, size, stride, pad, at):
    """The place in its window and the value of the first NaN, or else of the first largest cell, by definition."""
    place, best = None, -inf
    for r in range(size[0]):
        for s in range(size[1]):
            row, col = at[0] * stride[0] - pad[0] + r, at[1] * stride[1] - pad[1] + s
            if not (0 <= row < x.shape[0] and 0 <= col < x.shape[1]):
                continue
            if place is None or (not np.isnan(best) and (x[row, col] > best or np.isnan(x[row, col]))):
                place, best = r * size[1] + s, x[row, col]
    return place, best


@pytest.mark.parametrize(("size", "stride", "pad"), WINDOWS)
def test_the_first_nan_of_a_window_is_its_largest_cell(size, stride, pad, dtype, backend):
    draw = np.random.default_rng(0)
    x = draw.integers(-3, 3, (2, 3, 9, 20)).astype(dtype)
    x[draw.random(x.shape) < 0.1] = nan
    x[draw.random(x.shape) < 0.1] = -inf
    shape = [(n + 2 * p - k) // d + 1 for n, p, k, d in zip(x.shape[2:], pad, size, stride, strict=True)]
    out, places = np.empty((2, 3, *shape), dtype), np.empty((2, 3, *shape), np.uint8)
    window = (*size, *stride, *pad)
    kernels.get("max_pool_forward", backend)(x, out, places, *window)
    for at in np.ndindex(out.shape):
        np.testing.assert_equal((places[at], out[at]), first_largest(x[at[:2]], size, stride, pad, at[2:]))
    blocked = np.zeros((1, 3, 9, 20, 16), dtype)
    blocked[0, ..., :2] = np.moveaxis(x, 0, -1)
    lanes, numbers = np.empty((1, 3, *shape, 16), dtype), np.empty((1, 3, *shape, 16), np.uint8)
    kernels.get("max_pool_forward_nchw16n", backend)(blocked, lanes, numbers, *window)
    np.testing.assert_array_equal(np.moveaxis(lanes[0, ..., :2], -1, 0), out)
    np.testing.assert_array_equal(np.moveaxis(numbers[0, ..., :2], -1, 0), places)


def test_softmax_of_special_rows_is_right(dtype, backend):
    x = np.array(ROWS, dtype)
    out = np.empty_like(x)
    kernels.get("softmax_forward", backend)(x, out, 1.0)
    np.testing.assert_array_equal(np.isnan(out).all(axis=1), [True, True, True, False, False])
    np.testing.assert_array_equal(out[3], [0, 1, 0])
    np.testing.assert_allclose(out[4], 1 / 3, rtol=1e-6)
    kernels.get("log_softmax_forward", backend)(x, out)
    np.testing.assert_array_equal(np.isnan(out).all(axis=1), [True, True, True, False, False])
    np.testing.assert_array_equal(out[3], [-inf, 0, -inf])


def test_softmax_of_huge_scores_does_not_overflow(dtype, backend):
    big = np.finfo(dtype).max
    x = np.array([[big, 0, -big], [-big, -big, -big]], dtype)
    out = np.empty_like(x)
    kernels.get("softmax_forward", backend)(x, out, 1.0)
    np.testing.assert_array_equal(out[0], [1, 0, 0])
    np.testing.assert_allclose(out[1], 1 / 3, rtol=1e-6)
    kernels.get("softmax_forward", backend)(x, out, -1.0)
    np.testing.assert_array_equal(out[0], [0, 0, 1])


def test_softmax_finds_a_score_far_from_the_others_in_any_column(dtype, backend):
    for columns in (3, 67, 131):
        others = 1 - np.eye(columns, dtype=dtype)
        out = np.empty_like(others)
        kernels.get("softmax_forward", backend)(5000 * others, out, 1.0)
        np.testing.assert_array_equal(np.diag(out), 0)
        np.testing.assert_allclose(out, others / (columns - 1), rtol=1e-6)
        kernels.get("softmax_forward", backend)(5000 * others, out, -1.0)
        np.testing.assert_array_equal(out, np.eye(columns))


def _loss(backend, kernel, x, targets):
    dx, loss, correct = np.empty_like(x), np.empty(1), np.empty(1, np.int64)
    kernels.get(kernel, backend)(x, targets, dx, loss, correct, None, 1.0)
    return dx, loss[0], correct[0]


def test_cross_entropy_of_special_rows_is_right(dtype, backend):
    for row in ROWS[:3]:
        x = np.array([row, [3, 0, 0]], dtype)
        labels = np.array([int(np.argmax(row)), 0])
        for kernel, targets in (
            ("softmax_cross_entropy", labels),
            ("soft_cross_entropy", np.eye(3, dtype=dtype)[labels]),
        ):
            dx, loss, correct = _loss(backend, kernel, x, targets)
            assert np.isnan(loss), kernel
            assert correct == 1, kernel  # a row whose softmax is NaN is never correct
            assert np.all(np.isnan(dx[0])), kernel
            assert np.all(np.isfinite(dx[1])), kernel


def test_cross_entropy_is_finite_where_the_probability_is_zero(dtype, backend):
    x = np.array([[0, -5000.0]], dtype)
    for kernel, targets in (
        ("softmax_cross_entropy", np.array([1])),
        ("soft_cross_entropy", np.array([[0, 1]], dtype)),
    ):
        dx, loss, correct = _loss(backend, kernel, x, targets)
        assert loss == 5000, kernel
        assert correct == 0, kernel
        np.testing.assert_array_equal(dx, [[1, -1]])


def test_losses_are_added_up_in_float64(dtype, backend):
    """The sum of 70,001 equal whole numbers is exact in float64 and not in float32."""
    x = np.tile(np.array([0, -5001.0], dtype), (70_001, 1))
    wrong = np.ones(70_001, np.int64)
    assert _loss(backend, "softmax_cross_entropy", x, wrong)[1] == 70_001 * 5001
    assert _loss(backend, "soft_cross_entropy", x, np.eye(2, dtype=dtype)[wrong])[1] == 70_001 * 5001
    loss = np.empty(1)
    kernels.get("squared_error", backend)(x[:, 1:].copy(), np.zeros((70_001, 1), dtype), None, loss, None, 1.0)
    assert loss[0] == 70_001 * 5001**2


def test_a_zero_target_adds_nothing_where_the_probability_is_zero(dtype, backend):
    x = np.array([[0, -inf, 0]], dtype)
    dx, loss, correct = _loss(backend, "soft_cross_entropy", x, np.array([[1, 0, 0]], dtype))
    np.testing.assert_allclose(loss, np.log(2), rtol=1e-6)
    np.testing.assert_array_equal(dx, [[-0.5, 0, 0.5]])
    assert correct == 1


def test_the_first_of_equal_maxima_is_the_prediction(dtype, backend):
    for columns in (2, 10, 33, 131):
        for first in {0, columns // 2, columns - 2}:
            x = np.zeros((columns, columns), dtype)
            x[:, first] = x[:, columns - 1] = 1
            assert _loss(backend, "softmax_cross_entropy", x, np.arange(columns))[2] == 1
            assert _loss(backend, "softmax_cross_entropy", x, np.full(columns, first))[2] == columns
            assert _loss(backend, "soft_cross_entropy", x, np.eye(columns, dtype=dtype))[2] == 1
            assert _loss(backend, "soft_cross_entropy", np.eye(columns, dtype=dtype), x)[2] == 1


def test_hinge_and_binary_losses_of_special_rows_are_right(dtype, backend):
    hinge = kernels.get("multiclass_hinge", backend)
    loss, correct = np.empty(1), np.empty(1, np.int64)
    for row, value, right in [
        ([0, inf, 1], 0, 1),
        ([-inf, 2, 1.5], 0.5, 1),
        ([nan, 2, 0], nan, 0),
        ([inf, 2, 0], inf, 0),
    ]:
        hinge(np.array([row], dtype), np.array([1]), None, loss, correct, None, 1.0, 1.0)
        np.testing.assert_array_equal((loss[0], correct[0]), (value, right))
    for score, target, value, right in [
        (inf, 1, 0, 1),
        (-inf, 0, 0, 1),
        (-inf, 1, inf, 0),
        (-5000, 1, 5000, 0),
        (5000, 1, 0, 1),
        (nan, 1, nan, 0),
        (0, 1, np.log(2), 0),
        (0, 0, np.log(2), 1),
    ]:
        x, t = np.array([[score]], dtype), np.array([[target]], dtype)
        dx, loss[0], correct[0] = _loss(backend, "binary_cross_entropy", x, t)
        np.testing.assert_allclose((loss[0], correct[0]), (value, right), rtol=1e-6)
        assert np.isnan(dx[0, 0]) == np.isnan(score)


def test_a_margin_of_zero_has_no_slope(dtype, backend):
    dx, loss, correct = np.empty((1, 3), dtype), np.empty(1), np.empty(1, np.int64)
    x = np.array([[1, 2, 1]], dtype)
    kernels.get("multiclass_hinge", backend)(x, np.array([1]), dx, loss, correct, None, 1.0, 1.0)
    assert (loss[0], correct[0], dx.any()) == (0, 1, False)


def test_clipping_of_special_values_is_right(dtype, backend):
    g = np.array([nan, -inf, inf, 0.5, -3], dtype)
    kernels.get("clip_value", backend)(g, 2.0)
    np.testing.assert_array_equal(g, np.array([nan, -2, 2, 0.5, -2], dtype))
    g = np.array([inf, 1], dtype)
    kernels.get("clip_norm", backend)(g, 2.0)
    np.testing.assert_array_equal(g, np.array([nan, 0], dtype))


def test_decay_of_zero_leaves_the_term_out(dtype, backend):
    w = np.full(19, inf, dtype)
    kernels.get("update", backend)(
        w, None, None, np.ones(19, dtype), np.array([0.5]), np.array([1]), kernels.UpdateRule.SGD, 0.0
    )
    assert np.all(w == inf)


SHARED = {  # kernel: (output, the inputs whose memory it may have)
    "activation_forward": ("out", ("x",)),
    "activation_backward": ("dx", ("dout", "saved")),
    "softmax_forward": ("out", ("x",)),
    "softmax_backward": ("dx", ("dout", "out")),
    "log_softmax_forward": ("out", ("x",)),
    "log_softmax_backward": ("dx", ("dout", "out")),
    "softmax_cross_entropy": ("dx", ("x",)),
    "soft_cross_entropy": ("dx", ("x",)),
    "squared_error": ("dx", ("x",)),
    "multiclass_hinge": ("dx", ("x",)),
    "binary_cross_entropy": ("dx", ("x",)),
    "focal_cross_entropy": ("dx", ("x",)),
    "elementwise_loss": ("dx", ("x",)),
}


@pytest.mark.parametrize("kernel", SHARED)
@given(n=lengths, c=lengths, seed=seeds)
def test_an_output_may_be_an_input(kernel, dtype, backend, n, c, seed):
    output, inputs = SHARED[kernel]
    apart = make(kernel, {"n": n % 67 + 1, "c": c % 301 + 1, "*": n}, dtype, seed)
    if apart[output] is None:
        return
    for shared in inputs:
        together = apart.copy()
        together[output] = together[shared]
        once = apart.copy()
        kernels.get(kernel, backend)(*once.values())
        kernels.get(kernel, backend)(*together.values())
        assert same_bits(together[output], once[output]), shared


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ([1, 3, 3, 2], 1),
        ([-np.inf, -np.inf], 0),
        ([1, np.nan, np.inf, np.nan], -1),
        ([np.nan, 5], -1),
        ([-0.0, 0.0], 0),
    ],
)
def test_argmax_takes_the_first_of_equals_and_finds_none_beside_nan(backend, dtype, row, place):
    out = np.full(1, 99)
    kernels.get("argmax", backend)(np.array([row], dtype), out)
    assert out.tolist() == [place]
