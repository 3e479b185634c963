"""Dot products of factors rounded to bf16, on AMD's processors: their bits, bound, and where they are as in float32."""

import numpy as np
import pytest
from kernel_arguments import make
from trainings import needs_native, threads

from fastnn import kernels
from fastnn.kernels import SIGNATURES, UpdateRule
from fastnn.kernels.backend import faster_precisions, native_isa, panel_columns
from fastnn.kernels.precisions import Precision

IS_FAST = Precision.BF16 in faster_precisions() and native_isa() == "avx512"
only_where_fast = pytest.mark.skipif(not IS_FAST, reason="no fast dot products of bf16 here")


def rounded(x):
    """To the nearest bf16 number, ties to even; below the smallest normal number 0."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    even = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    small = (bits & 0x7F800000) == 0
    return np.where(small, bits & 0x80000000, even).astype(np.uint32).view(np.float32)


def product(a, b):
    """The product of a (m, k) and b (k, n) as the instruction computes it: chains, of each pair the second first."""
    a, b = rounded(a).astype(np.float64), rounded(b).astype(np.float64)
    odd = a.shape[1] % 2
    a, b = np.pad(a, ((0, 0), (0, odd))), np.pad(b, ((0, odd), (0, 0)))
    total = np.zeros((len(a), b.shape[1]), np.float32)
    for p in range(0, a.shape[1], 2):
        for q in (p + 1, p):  # a product of two such numbers is exact in float64, and so is the sum with a float here
            total = (total + a[:, q : q + 1] * b[q]).astype(np.float32)
    return total


def panels_of(w):
    """A matrix in panels, as a training keeps it."""
    rows, columns = w.shape
    width = panel_columns(w.dtype)
    panels = np.zeros((-(-columns // width), rows, width), w.dtype)
    kernels.get("to_panels", "native")(w, panels)
    return panels


SHAPES = [(24, 64, 32), (25, 65, 33), (100, 131, 70), (37, 300, 97), (200, 784, 50)]


def small_integers(rng, *shape):
    return rng.integers(-8, 9, shape).astype(np.float32)


@only_where_fast
@pytest.mark.parametrize("panels", [False, True])
@pytest.mark.parametrize("n_d_m", SHAPES)
def test_the_bits_are_those_of_the_instruction(n_d_m, panels):
    n, d, m = n_d_m
    rng = np.random.default_rng(n)
    x, w, dout = (rng.standard_normal(s).astype(np.float32) for s in ((n, d), (d, m), (n, m)))
    b = rng.standard_normal(m).astype(np.float32)
    held = panels_of(w) if panels else w
    out, dx, dw = np.empty((n, m), np.float32), np.empty((n, d), np.float32), np.empty((d, m), np.float32)
    kernels.get("affine_forward")(x, held, b, out, 0, 0.0, 1)
    np.testing.assert_array_equal(out, product(x, w) + b)
    kernels.get("affine_backward_weight")(x, dout, dw, None, 0.0, 1)
    # a chain is as long as there are samples; one of few is not worth packing
    expected = product(x.T, dout) if n >= 64 else None
    if expected is None:
        plain = np.empty_like(dw)
        kernels.get("affine_backward_weight")(x, dout, plain, None, 0.0)
        expected = plain
    np.testing.assert_array_equal(dw, expected)
    if m >= 64:
        kernels.get("affine_backward_input")(dout, held, dx, None, 0, 0.0, 1)
        np.testing.assert_array_equal(dx, product(dout, w.T))


@only_where_fast
@pytest.mark.parametrize("kernel", ["affine_forward", "affine_backward_input", "affine_backward_weight"])
@pytest.mark.parametrize("n_d_m", SHAPES)
def test_integers_are_exact(kernel, n_d_m):
    dims = dict(zip("ndm", n_d_m, strict=True))
    given = make(kernel, dims, np.float32, 1, integers=True, precision=1)
    plain = given.copy()
    kernels.get(kernel)(*given.values())
    kernels.get(kernel, "reference")(*plain.values())
    for a in SIGNATURES[kernel].arrays:
        if a.writes and given[a.name] is not None:
            np.testing.assert_array_equal(given[a.name], plain[a.name])


@pytest.mark.parametrize("backend", kernels.available_backends())
@pytest.mark.parametrize("n_d_m", SHAPES)
def test_the_error_is_within_its_bound(n_d_m, backend):
    n, d, m = n_d_m
    rng = np.random.default_rng(d)
    x, w = rng.standard_normal((n, d)).astype(np.float32), rng.standard_normal((d, m)).astype(np.float32)
    out = np.empty((n, m), np.float32)
    kernels.get("affine_forward", backend)(x, w, None, out, 0, 0.0, 1)
    wide = x.astype(np.float64), w.astype(np.float64)
    error = np.abs(out - wide[0] @ wide[1])
    assert np.all(error <= np.abs(wide[0]) @ np.abs(wide[1]) / 127)
    if backend == "native" and IS_FAST:
        assert error.max() > 1e-3  # it was rounded


@needs_native
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_d_m", [(8, 784, 200), (200, 784, 10), (200, 40, 64), (1, 64, 32)])
def test_products_that_do_not_gain_are_those_of_float32(n_d_m, dtype):
    n, d, m = n_d_m
    if dtype is np.float32 and min(n // 24, d // 64, m // 32):
        pytest.fail("this one gains")
    results = []
    for precision in (0, 1):
        given = make("affine_forward", {"n": n, "d": d, "m": m}, dtype, 3, precision=precision, kind=0)
        kernels.get("affine_forward")(*given.values())
        results.append(given["out"])
    np.testing.assert_array_equal(*results)


@only_where_fast
@pytest.mark.parametrize("rule", [UpdateRule.SGD, UpdateRule.ADAM, UpdateRule.LION])
@pytest.mark.parametrize("panels", [False, True])
def test_a_fused_update_is_the_gradient_and_then_the_update(rule, panels):
    n, d, m = 100, 90, 70
    rng = np.random.default_rng(4)
    x, dout = rng.standard_normal((n, d)).astype(np.float32), rng.standard_normal((n, m)).astype(np.float32)
    w, b = rng.standard_normal((d, m)).astype(np.float32), rng.standard_normal(m).astype(np.float32)
    rate, t = np.array([0.1]), np.array([3])
    numbers = {0: (0.0, 0.0, 0.0), 5: (0.9, 0.99, 1e-8), 7: (0.9, 0.99, 0.0)}[int(rule)]
    state = [np.zeros_like(w) if slot in rule.slots else None for slot in "mv"]
    bias = [np.zeros_like(b) if slot in rule.slots else None for slot in "mv"]
    held = [a if a is None or not panels else panels_of(a) for a in (w, *state)]
    fused_b = b.copy()
    arrays = (x, dout, *(None if a is None else a.copy() for a in held), fused_b)
    copies = [None if a is None else a.copy() for a in bias]
    kernels.get("affine_backward_weight_update")(*arrays, *copies, rate, t, int(rule), 0.01, 0.0, *numbers, 1)
    dw, db = np.empty_like(w), np.empty_like(b)
    kernels.get("affine_backward_weight")(x, dout, dw, db, 0.0, 1)
    kernels.get("update")(w, *state, dw, rate, t, int(rule), 0.01, *numbers)
    kernels.get("update")(b, *bias, db, rate, t, int(rule), 0.0, *numbers)
    np.testing.assert_array_equal(arrays[2], panels_of(w) if panels else w)
    np.testing.assert_array_equal(fused_b, b)


@only_where_fast
def test_the_number_of_threads_changes_nothing():
    rng = np.random.default_rng(6)
    x, w = rng.standard_normal((200, 500)).astype(np.float32), rng.standard_normal((500, 300)).astype(np.float32)
    results = []
    for count in (1, 2, 3, 4):
        out, dw = np.empty((200, 300), np.float32), np.empty((500, 300), np.float32)
        with threads(count):
            kernels.get("affine_forward")(x, w, None, out, 0, 0.0, 1)
            kernels.get("affine_backward_weight")(x, out, dw, None, 0.0, 1)
        results.append((out, dw))
    for out, dw in results[1:]:
        np.testing.assert_array_equal(out, results[0][0])
        np.testing.assert_array_equal(dw, results[0][1])


@only_where_fast
def test_special_values_go_through_and_the_smallest_count_as_zero():
    x, w = np.ones((24, 64), np.float32), np.ones((64, 32), np.float32)
    x[0, 3], x[1, 3], x[2, 3], x[3, :], x[4, :] = np.nan, np.inf, 3.4e38, 1e-40, -1e-40
    out = np.empty((24, 32), np.float32)
    kernels.get("affine_forward")(x, w, None, out, 0, 0.0, 1)
    assert np.isnan(out[0]).all()
    assert np.all(out[1:3] == np.inf)  # the third was rounded up
    assert not out[3:5].any()
    assert np.all(out[5:] == 64)
