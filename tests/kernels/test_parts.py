"""Products of factors that are split into bf16 numbers: their parts, their bits in AMX's arithmetic, their bounds."""

import numpy as np
import pytest
from guarded import guarded
from hypothesis import given
from hypothesis import strategies as st
from kernel_arguments import make
from kernel_oracles import left_out
from trainings import threads

from fastnn import kernels
from fastnn.kernels import SIGNATURES, UpdateRule
from fastnn.kernels.backend import panel_columns
from fastnn.kernels.precisions import PRECISIONS, Precision
from fastnn.kernels.reference import parts

U = 2.0**-24  # half a unit in the last place of 1 in float32
SMALLEST = 2.0**-126  # normal number
SPLIT = [Precision.BF16, Precision.FAST3, Precision.FAST]
SHAPES = [(32, 64, 32), (33, 65, 33), (50, 131, 70), (37, 300, 97)]

LARGEST = float(np.finfo(np.float32).max)
normal = st.floats(2.0**-100, LARGEST, width=32) | st.floats(-LARGEST, -(2.0**-100), width=32)


def relative_error(precision, k):
    """The bound of a product, as a share of Σ|a||b|: what is left out, and what is rounded as in float32."""
    return left_out(precision) + (8 + np.sqrt(k)) * U


def run(kernel, arguments, backend="native"):
    """Call a kernel on copies; return what it wrote."""
    called = arguments.copy()
    kernels.get(kernel, backend)(*called.values())
    return {a.name: called[a.name] for a in SIGNATURES[kernel].arrays if a.writes and called[a.name] is not None}


def test_the_members_are_the_names_of_the_option():
    assert [Precision.of(name).name.lower() for name in PRECISIONS] == list(PRECISIONS)
    assert len(PRECISIONS) == len(Precision)
    assert [len(parts.pairs_of_parts(p)) for p in SPLIT] == [1, 3, 6]


# --- parts ---


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40))
def test_the_nearest_bf16_number_is_the_nearest_one(words):
    x = np.array(words, np.uint32).view(np.float32)
    found = parts.nearest_bf16(x)
    assert not np.any(found.view(np.uint32) & 0xFFFF)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(x))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(x))
    small = np.abs(x) < SMALLEST
    assert not found[small].any()
    for value, near in zip(x[~small & np.isfinite(x)], found[~small & np.isfinite(x)], strict=True):
        ulp = 2.0 ** (np.floor(np.log2(abs(float(value)))) - 7)
        error = abs(float(value) - float(near))
        at_the_end = abs(near) == 2.0**128 - 2.0**120
        assert error <= (ulp if at_the_end else ulp / 2)
        if error == ulp / 2 and not at_the_end:
            assert float(near) / ulp % 2 == 0


@given(st.lists(normal, min_size=1, max_size=40))
def test_three_parts_are_the_float_and_two_are_nearly(values):
    x = np.array(values, np.float32)
    first, second, third = parts.parts_of(x, 3)
    exact = x.astype(np.float64)
    np.testing.assert_array_equal(exact, first.astype(np.float64) + second + third)
    assert np.all(np.abs(exact - first) <= 2.0**-8 * np.abs(exact))
    assert np.all(np.abs(exact - first - second) <= 2.0**-17 * np.abs(exact))


# --- products ---


@pytest.mark.parametrize("precision", SPLIT)
@pytest.mark.parametrize("n_d_m", SHAPES)
@pytest.mark.parametrize("panels", [False, True])
def test_native_products_have_the_bits_of_the_reference(amx, precision, n_d_m, panels):
    n, d, m = n_d_m
    rng = np.random.default_rng(n)
    x, w, dout = (rng.standard_normal(s).astype(np.float32) for s in ((n, d), (d, m), (n, m)))
    b, saved = rng.standard_normal(m).astype(np.float32), np.abs(x)
    held = w
    if panels:
        held = np.zeros((-(-m // panel_columns(w.dtype)), d, panel_columns(w.dtype)), np.float32)
        kernels.get("to_panels", "native")(w, held)
    out, dx, dw = np.empty((n, m), np.float32), np.empty((n, d), np.float32), np.ones((d, m), np.float32)
    kernels.get("affine_forward")(x, held, b, out, 1, 0.0, precision)
    expected = parts.product(x, w, precision) + b
    np.testing.assert_array_equal(out, np.where(expected > 0, expected, 0))
    kernels.get("affine_backward_input")(dout, held, dx, saved, 1, 0.0, precision)
    if m >= 64:
        expected = parts.product(dout, w.T, precision)
        np.testing.assert_array_equal(dx, np.where(saved > 0, expected, 0))
    else:  # so few products stay floats, whose order is another one on each instruction set
        wide = dout.astype(np.float64), w.T.astype(np.float64)
        bound = (8 + np.sqrt(m)) * U * (np.abs(wide[0]) @ np.abs(wide[1]))
        assert np.all(np.abs(dx - np.where(saved > 0, wide[0] @ wide[1], 0)) <= bound)
    if n >= 64:
        kernels.get("affine_backward_weight")(x, dout, dw, None, 1.0, precision)
        np.testing.assert_array_equal(dw, 1 + parts.product(x.T, dout, precision))


@pytest.mark.parametrize("precision", SPLIT)
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_weight_gradients_have_the_bits_of_the_reference(amx, precision, beta):
    rng = np.random.default_rng(1)
    x, dout = rng.standard_normal((70, 45)).astype(np.float32), rng.standard_normal((70, 50)).astype(np.float32)
    dw = rng.standard_normal((45, 50)).astype(np.float32)
    expected = parts.product(x.T, dout, precision) + np.float32(beta) * dw
    kernels.get("affine_backward_weight")(x, dout, dw, None, beta, precision)
    np.testing.assert_array_equal(dw, expected)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("precision", SPLIT)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.sampled_from([64, 65, 100, 257]),
    spread=st.sampled_from([0, 3, 12]),
    positive=st.booleans(),
)
def test_the_error_is_within_its_bound(backend, precision, seed, k, spread, positive):
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(s) * 2.0 ** rng.uniform(-spread, spread, s) for s in ((32, k), (k, 32)))
    a, b = (np.abs(v) if positive else v for v in (a.astype(np.float32), b.astype(np.float32)))
    out = np.empty((32, 32), np.float32)
    kernels.get("affine_forward", backend)(a, b, None, out, 0, 0.0, precision)
    wide = a.astype(np.float64), b.astype(np.float64)
    bound = relative_error(precision, k) * (np.abs(wide[0]) @ np.abs(wide[1]))
    assert np.all(np.abs(out - wide[0] @ wide[1]) <= bound)


@pytest.mark.parametrize("precision", SPLIT)
def test_each_precision_is_as_exact_as_its_parts_allow(precision):
    """A split that did nothing, or a product that was left out, would be far from these."""
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((32, 256)).astype(np.float32), rng.standard_normal((256, 32)).astype(np.float32)
    wide = a.astype(np.float64), b.astype(np.float64)
    error = np.abs(parts.product(a, b, precision) - wide[0] @ wide[1]) / (np.abs(wide[0]) @ np.abs(wide[1])) / U
    least, most = {Precision.BF16: (5e3, 5e4), Precision.FAST3: (5, 100), Precision.FAST: (0.1, 2)}[precision]
    assert least < error.max() < most


@pytest.mark.parametrize("kernel", ["affine_forward", "affine_backward_input", "affine_backward_weight"])
@pytest.mark.parametrize("precision", SPLIT)
@pytest.mark.parametrize("n_d_m", [(64, 64, 64), (70, 131, 97)])
def test_integers_are_exact(amx, kernel, precision, n_d_m):
    dims = dict(zip("ndm", n_d_m, strict=True))
    arguments = make(kernel, dims, np.float32, 1, integers=True, precision=int(precision))
    plain = arguments.copy()
    plain["precision"] = 0
    expected = run(kernel, plain, "reference")
    for name, array in run(kernel, arguments).items():
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("precision", SPLIT)
def test_infinity_and_nan_are_what_they_are_in_float32(amx, precision):
    x, w = np.full((32, 64), 0.3, np.float32), np.full((64, 32), 0.7, np.float32)
    x[0, 3], x[1, 3], x[2, 3], x[3, 3:5] = np.nan, np.inf, -np.inf, (np.inf, -np.inf)
    w[7, 0], w[3, 1] = np.inf, 0
    out, plain = np.empty((32, 32), np.float32), np.empty((32, 32), np.float32)
    kernels.get("affine_forward")(x, w, None, out, 0, 0.0, precision)
    kernels.get("affine_forward")(x, w, None, plain, 0, 0.0)
    finite = np.isfinite(plain)
    assert 0 < finite.sum() < finite.size
    np.testing.assert_array_equal(out[~finite], plain[~finite])
    np.testing.assert_allclose(out[finite], plain[finite], rtol=1e-2)
    np.testing.assert_array_equal(out, parts.product(x, w, precision))


@pytest.mark.parametrize("precision", SPLIT)
def test_the_largest_numbers_stay_finite(amx, precision):
    x, w = np.zeros((32, 64), np.float32), np.eye(64, 32, dtype=np.float32)
    # two parts of the largest float make the next power of two, which is infinite
    largest = 2.0**128 - 2.0**120 if precision == Precision.FAST3 else LARGEST
    x[:, 0], x[:, 1] = largest, -largest
    out = np.empty((32, 32), np.float32)
    kernels.get("affine_forward")(x, w, None, out, 0, 0.0, precision)
    np.testing.assert_allclose(
        out[:, :2], x[:, :2], rtol=0 if precision == Precision.FAST else relative_error(precision, 1)
    )


@pytest.mark.parametrize("precision", SPLIT)
def test_subnormal_numbers_count_as_zero_and_small_ones_lose_what_is_below(amx, precision):
    """Beyond its bound a product may err by 10 t Σ max(1, |a|, |b|), t the smallest normal number."""
    rng = np.random.default_rng(3)
    x = np.zeros((40, 64), np.float32)
    x[0], x[1] = 1e-40, -1e-40
    x[2:] = rng.standard_normal((38, 64)) * 2.0 ** rng.uniform(-126, -100, (38, 64))
    w = rng.standard_normal((64, 33)).astype(np.float32)
    out = np.empty((40, 33), np.float32)
    kernels.get("affine_forward")(x, w, None, out, 0, 0.0, precision)
    np.testing.assert_array_equal(out, parts.product(x, w, precision))
    assert not out[:2].any()
    wide = x.astype(np.float64), w.astype(np.float64)
    largest = np.maximum(1, np.maximum(np.abs(wide[0])[:, :, None], np.abs(wide[1])[None])).sum(1)
    bound = relative_error(precision, 64) * (np.abs(wide[0]) @ np.abs(wide[1])) + 10 * SMALLEST * largest
    assert np.all(np.abs(out - wide[0] @ wide[1]) <= bound)


@pytest.mark.parametrize("precision", SPLIT)
@pytest.mark.parametrize("rule", [UpdateRule.SGD, UpdateRule.ADAM])
def test_a_fused_update_is_the_gradient_and_then_the_update(amx, precision, rule):
    n, d, m = 70, 90, 50
    rng = np.random.default_rng(4)
    x, dout = rng.standard_normal((n, d)).astype(np.float32), rng.standard_normal((n, m)).astype(np.float32)
    w = rng.standard_normal((d, m)).astype(np.float32)
    rate, t = np.array([0.1]), np.array([3])
    numbers = {UpdateRule.SGD: (0.0, 0.0, 0.0), UpdateRule.ADAM: (0.9, 0.99, 1e-8)}[rule]
    state = [np.zeros_like(w) if slot in rule.slots else None for slot in "mv"]
    fused, copies = w.copy(), [None if a is None else a.copy() for a in state]
    none = (None, None, None)
    arguments = (x, dout, fused, *copies, *none, rate, t, int(rule), 0.01, 0.0, *numbers, precision)
    kernels.get("affine_backward_weight_update")(*arguments)
    dw = np.empty_like(w)
    kernels.get("affine_backward_weight")(x, dout, dw, None, 0.0, precision)
    kernels.get("update")(w, *state, dw, rate, t, int(rule), 0.01, *numbers)
    np.testing.assert_array_equal(fused, w)


@pytest.mark.parametrize("precision", SPLIT)
def test_the_number_of_threads_and_the_place_in_the_matrix_change_nothing(amx, precision):
    rng = np.random.default_rng(6)
    x, w = rng.standard_normal((200, 500)).astype(np.float32), rng.standard_normal((500, 300)).astype(np.float32)
    whole = None
    for count in (1, 2, 3, 4):
        out, dw = np.empty((200, 300), np.float32), np.empty((500, 300), np.float32)
        with threads(count):
            kernels.get("affine_forward")(x, w, None, out, 0, 0.0, precision)
            kernels.get("affine_backward_weight")(x, out, dw, None, 0.0, precision)
        whole = (out, dw) if whole is None else whole
        np.testing.assert_array_equal(out, whole[0])
        np.testing.assert_array_equal(dw, whole[1])
    part = np.empty((90, 90), np.float32)
    kernels.get("affine_forward")(x[57:147].copy(), w[:, 111:201].copy(), None, part, 0, 0.0, precision)
    np.testing.assert_array_equal(part, whole[0][57:147, 111:201])


@pytest.mark.parametrize("precision", SPLIT)
@pytest.mark.parametrize("kernel", ["affine_forward", "affine_backward_input", "affine_backward_weight"])
@pytest.mark.parametrize("at_end", [True, False])
def test_nothing_is_read_or_written_beyond_the_arrays(amx, precision, kernel, at_end):
    """An access to the pages before or behind an array would end the process."""
    plain = make(kernel, {"n": 67, "d": 97, "m": 77}, np.float32, 5, precision=int(precision))
    arrays = {name: guarded(v, at_end=at_end) if isinstance(v, np.ndarray) else v for name, v in plain.items()}
    kernels.get(kernel)(*arrays.values())
    for name, array in run(kernel, plain).items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("precision", SPLIT)
@pytest.mark.parametrize("n_d_m", [(31, 784, 200), (200, 784, 31), (200, 63, 64), (40, 20_000, 40)])
def test_products_that_are_not_worth_packing_are_those_of_float32(amx, precision, n_d_m):
    arguments = make("affine_forward", dict(zip("ndm", n_d_m, strict=True)), np.float32, 3, precision=int(precision))
    plain = arguments.copy()
    plain["precision"] = 0
    np.testing.assert_array_equal(run("affine_forward", arguments)["out"], run("affine_forward", plain)["out"])


def test_without_amx_it_is_not_used():
    native = pytest.importorskip("fastnn.kernels._native")
    try:
        assert native.use_tiles("amx") <= native.has_amx()  # the system may refuse what the processor has
    finally:
        assert native.use_tiles("none")
