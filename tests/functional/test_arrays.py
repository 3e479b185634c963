"""Functions take any layout, dtype and shape that they should, and do not change their inputs."""

import numpy as np
import pytest
from function_cases import LOSSES, PAIRS, outputs, run_all
from hypothesis import given
from hypothesis import strategies as st
from strategies import DTYPES, LAYOUTS, same_bits, seeds

import fastnn
from fastnn import functional as F
from fastnn import kernels


def cotangent(pair, args, seed=1):
    out, _ = pair.forward(*args)
    return np.random.default_rng(seed).standard_normal(out.shape).astype(out.dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_any_layout_gives_the_same_bits_and_stays_as_it_was(pair, dtype, layout):
    plain = pair.arguments(dtype)
    dout = cotangent(pair, plain)
    want = run_all(pair, plain, dout)
    laid = [LAYOUTS[layout](a) for a in [*plain, dout]]
    before = [a.tobytes() for a in laid]
    got = run_all(pair, laid[:-1], laid[-1])
    assert [a.tobytes() for a in laid] == before
    for one, other in zip(want, got, strict=True):
        assert same_bits(one, other)
        assert one.dtype == dtype
        assert other.flags.c_contiguous
        assert other.flags.writeable


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", LOSSES)
def test_losses_take_any_layout(case, dtype, layout):
    loss, plain = LOSSES[case](dtype)
    laid = [LAYOUTS[layout](a) for a in plain]
    before = [a.tobytes() for a in laid]
    (want, want_dx), (got, got_dx) = loss(*plain), loss(*laid)
    assert [a.tobytes() for a in laid] == before
    assert type(got) is float
    assert got == want
    assert same_bits(got_dx, want_dx)
    assert got_dx.dtype == dtype


@given(data=st.data(), seed=seeds)
def test_elementwise_functions_take_any_shape(data, seed):
    shape = tuple(data.draw(st.lists(st.integers(0, 5), max_size=4)))
    x = np.random.default_rng(seed).standard_normal(shape)
    for pair in PAIRS:
        if not any(w in pair.name for w in ("affine", "conv", "softm", "pool", "norm", "dropout", "prelu")):
            out, cache = pair.forward(x)
            dx = pair.backward(np.ones(shape), cache)
            assert out.shape == dx.shape == shape
            flat, flat_cache = pair.forward(x.ravel())
            assert same_bits(out.ravel(), flat)
            assert same_bits(dx.ravel(), pair.backward(np.ones(x.size), flat_cache))


@given(data=st.data(), seed=seeds)
def test_softmax_runs_along_the_last_axis(data, seed):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    x = np.random.default_rng(seed).standard_normal(shape)
    for name in ("softmax", "softmin", "log_softmax"):
        out, cache = getattr(F, f"{name}_forward")(x)
        assert out.shape == shape
        sums = (np.exp(out) if name == "log_softmax" else out).sum(axis=-1)
        np.testing.assert_allclose(sums, 1, rtol=1e-14)
        dx = getattr(F, f"{name}_backward")(x, cache)
        assert dx.shape == shape
        np.testing.assert_allclose(dx.sum(axis=-1), 0, atol=1e-13)
    assert same_bits(F.log_softmax(x), F.log_softmax_forward(x)[0])


def test_softmin_is_the_softmax_of_the_negative():
    x = np.random.default_rng(0).standard_normal((6, 5))
    assert same_bits(F.softmin_forward(x)[0], F.softmax_forward(-x)[0])


@pytest.mark.parametrize("backend", kernels.available_backends())
def test_arrays_without_samples_are_taken(backend):
    with fastnn.use_backend(backend):
        for pair in PAIRS:
            args = pair.arguments(np.float32)
            args[0] = args[0][:0]
            for got in run_all(pair, args, cotangent(pair, args)):
                assert got.size == 0 or not got.any()  # a gradient summed over no samples is zero


def test_affine_flattens_samples_in_c_order():
    x = np.arange(24.0).reshape(2, 3, 4)
    w, b = np.random.default_rng(0).standard_normal((12, 5)), np.zeros(5)
    out, cache = F.affine_forward(x, w, b)
    assert same_bits(out, F.affine_forward(x.reshape(2, 12), w, b)[0])
    assert F.affine_backward(out, cache)[0].shape == x.shape


def test_lists_and_subclasses_are_arrays():
    assert F.relu_forward([[-1.0, 2.0]])[0].tolist() == [[0.0, 2.0]]
    matrix = np.asarray([[-1.0, 2.0]]).view(type("Sub", (np.ndarray,), {}))
    assert type(F.relu_forward(matrix)[0]) is np.ndarray


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_backward_can_be_called_twice(pair):
    args = pair.arguments(np.float64)
    dout = cotangent(pair, args)
    _, cache = pair.forward(*args)
    first, second = pair.backward(dout, cache), pair.backward(dout, cache)
    for one, two in zip(outputs(first), outputs(second), strict=True):
        assert same_bits(one, two)
        assert not np.shares_memory(one, two)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_the_chosen_backend_runs(pair, monkeypatch):
    """Kernels are looked up at each call, in the backend in use."""
    seen = []
    get = kernels.get
    monkeypatch.setattr(kernels, "get", lambda name: seen.append(kernels.current_backend()) or get(name))
    args = pair.arguments(np.float64)
    with fastnn.use_backend("reference"):
        run_all(pair, args, cotangent(pair, args))
    assert seen
    assert set(seen) == {"reference"}


def test_labels_may_have_every_integer_dtype():
    x = np.random.default_rng(0).standard_normal((4, 3))
    want = F.softmax_loss(x, np.array([0, 2, 1, 2]))
    for dtype in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">u8"):
        loss, dx = F.softmax_loss(x, np.array([0, 2, 1, 2], dtype))
        assert loss == want[0]
        assert same_bits(dx, want[1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_hot_targets_equal_labels(dtype):
    x = np.random.default_rng(0).standard_normal((40, 7)).astype(dtype)
    labels = np.random.default_rng(1).integers(0, 7, 40)
    loss, dx = F.softmax_loss(x, labels)
    one_hot_loss, one_hot_dx = F.softmax_loss(x, np.eye(7, dtype=dtype)[labels])
    u = np.finfo(dtype).eps / 2
    assert abs(loss - one_hot_loss) <= 32 * u * loss
    np.testing.assert_allclose(dx, one_hot_dx, rtol=0, atol=4 * u / 40)


def test_mean_is_the_sum_divided_by_the_number():
    x, y = np.random.default_rng(0).standard_normal((2, 8, 4))
    for loss, target, count in ((F.softmax_loss, np.arange(8) % 4, 8), (F.mse_loss, y, 32)):
        mean, dx = loss(x, target)
        total, total_dx = loss(x, target, reduction="sum")
        assert mean == total / count  # a power of two: exact
        assert same_bits(dx, total_dx / count)
