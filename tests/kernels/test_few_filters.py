"""Convolutions with few filters in a group, especially depthwise ones, on every instruction set."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import DTYPES, same_bits, seeds

import fastnn
from fastnn import kernels
from fastnn.kernels import reference

if "native" not in kernels.available_backends():
    pytest.skip("no native module", allow_module_level=True)
from fastnn.kernels import _native

ISAS = _native.isa_tables()
THREADS = fastnn.get_num_threads()


class Case(NamedTuple):
    x: tuple[int, ...]
    w: tuple[int, ...]
    out: tuple[int, ...]
    window: tuple[int, ...]  # the scalars of the kernels

    def arrays(self, seed, dtype, integers=False):
        """Return x, w, b and dout."""
        rng = np.random.default_rng(seed)
        draw = (lambda shape: rng.integers(-6, 7, shape)) if integers else rng.standard_normal
        return [np.asarray(draw(shape), dtype) for shape in (self.x, self.w, self.w[:1], self.out)]


def case(n, groups, inner, each, image, size, stride=(1, 1), pad=(0, 0), dilation=(1, 1)):
    reach = [(size[i] - 1) * dilation[i] + 1 for i in (0, 1)]
    image = [max(image[i], reach[i] - 2 * pad[i]) for i in (0, 1)]
    count = [(image[i] + 2 * pad[i] - reach[i]) // stride[i] + 1 for i in (0, 1)]
    filters = groups * each
    window = (*stride, *pad, *dilation, 0)
    return Case((n, groups * inner, *image), (filters, inner, *size), (n, filters, *count), window)


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


cases = st.builds(
    case,
    n=st.integers(1, 3),
    groups=st.integers(1, 6),
    inner=st.sampled_from((1, 1, 1, 2, 4)),
    each=st.sampled_from((1, 1, 2, 3, 5, 8)),
    image=pairs(1, 40),
    size=pairs(1, 6),
    stride=pairs(1, 3),
    pad=pairs(0, 4),
    dilation=pairs(1, 2),
)
DEPTHWISE = {
    "3x3": case(2, 20, 1, 1, (56, 56), (3, 3), pad=(1, 1)),
    "two filters a channel": case(2, 20, 1, 2, (28, 28), (5, 5), pad=(2, 2)),
    "stride 2": case(3, 17, 1, 1, (57, 112), (3, 3), stride=(2, 2), pad=(1, 1)),
    "small images": case(5, 33, 1, 1, (7, 7), (3, 3), pad=(1, 1)),
    "few channels, large images": case(1, 3, 1, 2, (150, 131), (5, 3), pad=(2, 1)),
    "four channels a group": case(2, 8, 4, 4, (28, 28), (3, 3), pad=(1, 1)),
    "one filter of many channels": case(2, 1, 40, 1, (28, 28), (3, 3)),
}


def run(table, shape, arrays):
    """Return the output, dx, dw and db."""
    x, w, b, dout = arrays
    out, dx, dw, db = (np.full(of.shape, np.nan, x.dtype) for of in (dout, x, w, b))
    table["conv_forward"](x, w, b, out, *shape.window)
    table["conv_backward_input"](dout, w, dx, None, *shape.window)
    table["conv_backward_weight"](x, dout, dw, db, *shape.window, 0.0)
    return out, dx, dw, db


REFERENCE = {name: getattr(reference, name) for name in ("conv_forward", "conv_backward_input", "conv_backward_weight")}


def in_torch(shape, arrays):
    torch = pytest.importorskip("torch")
    *leaves, dout = (torch.tensor(a, dtype=torch.float64) for a in arrays)
    for leaf in leaves:
        leaf.requires_grad_(True)
    stride, pad, dilation = shape.window[:2], shape.window[2:4], shape.window[4:6]
    groups = shape.x[1] // shape.w[1]
    out = torch.nn.functional.conv2d(*leaves, stride=stride, padding=pad, dilation=dilation, groups=groups)
    return [out.detach().numpy(), *(g.numpy() for g in torch.autograd.grad(out, leaves, dout))]


def check_against_torch(isa, shape, dtype, seed):
    arrays = shape.arrays(seed, dtype)
    want, sizes = in_torch(shape, arrays), in_torch(shape, [abs(a) for a in arrays])
    windows = math.prod(shape.out) // shape.out[1]
    lengths = (math.prod(shape.w[1:]), math.prod(shape.w) // shape.w[1], windows, windows)
    u = np.finfo(dtype).eps / 2
    for ours, theirs, terms, length in zip(run(ISAS[isa], shape, arrays), want, sizes, lengths, strict=True):
        assert np.all(abs(ours - theirs) <= (9 + math.sqrt(length)) * u * terms + 1e-15 * terms)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=cases, seed=seeds)
def test_values_and_gradients_are_those_of_torch(isa, dtype, shape, seed):
    check_against_torch(isa, shape, dtype, seed)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", DEPTHWISE)
def test_images_of_several_strips_agree_with_torch_too(isa, name):
    check_against_torch(isa, DEPTHWISE[name], np.float32, 1)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=cases, seed=seeds)
def test_integers_are_exact(isa, dtype, shape, seed):
    arrays = shape.arrays(seed, dtype, integers=True)
    for ours, exact in zip(run(ISAS[isa], shape, arrays), run(REFERENCE, shape, arrays), strict=True):
        np.testing.assert_array_equal(ours, exact)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=cases, seed=seeds)
@settings(max_examples=10)
def test_a_group_has_the_bits_of_a_separate_convolution(isa, dtype, shape, seed):
    """All groups in one call give the same bits, forward and for the input, as each group in a call of its own."""
    x, w, b, dout = shape.arrays(seed, dtype)
    groups, inner = shape.x[1] // shape.w[1], shape.w[1]
    each = len(w) // groups
    out, dx, _, _ = run(ISAS[isa], shape, (x, w, b, dout))
    rng = np.random.default_rng(seed)
    for g in range(groups):
        channels, filters = slice(g * inner, (g + 1) * inner), slice(g * each, (g + 1) * each)
        many = np.concatenate([w[filters], rng.standard_normal((20, *w.shape[1:])).astype(dtype)])
        biases = np.concatenate([b[filters], np.ones(20, dtype)])
        alone = np.empty((len(x), len(many), *out.shape[2:]), dtype)
        part = np.ascontiguousarray(x[:, channels])
        ISAS[isa]["conv_forward"](part, many, biases, alone, *shape.window)
        assert same_bits(np.ascontiguousarray(alone[:, :each]), np.ascontiguousarray(out[:, filters]))
        wide = np.concatenate([w[filters], rng.standard_normal((each, 20, *w.shape[2:])).astype(dtype)], axis=1)
        slopes = np.empty((len(x), inner + 20, *x.shape[2:]), dtype)
        ISAS[isa]["conv_backward_input"](np.ascontiguousarray(dout[:, filters]), wide, slopes, None, *shape.window)
        assert same_bits(np.ascontiguousarray(slopes[:, :inner]), np.ascontiguousarray(dx[:, channels]))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", DEPTHWISE)
def test_the_number_of_threads_changes_no_bit(isa, name):
    arrays = DEPTHWISE[name].arrays(3, np.float32)
    results = []
    try:
        for threads in (1, 2, 3, 4):
            fastnn.set_num_threads(threads)
            results.append(run(ISAS[isa], DEPTHWISE[name], arrays))
    finally:
        fastnn.set_num_threads(THREADS)
    for other in results[1:]:
        assert all(same_bits(one, two) for one, two in zip(results[0], other, strict=True))


@pytest.mark.parametrize("isa", ISAS)
@given(shape=cases, seed=seeds, value=st.sampled_from([np.nan, np.inf, -np.inf]))
@settings(max_examples=15)
def test_a_nonfinite_value_reaches_what_reads_it_and_nothing_else(isa, shape, seed, value):
    rng = np.random.default_rng(seed)
    for place in (0, 3):  # of x and of dout
        arrays = shape.arrays(seed, np.float32)
        array = arrays[place]
        array.flat[rng.integers(array.size)] = value
        with np.errstate(all="ignore"):
            want = run(REFERENCE, shape, arrays)
        for ours, theirs in zip(run(ISAS[isa], shape, arrays), want, strict=True):
            np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))


@pytest.mark.parametrize("backend", kernels.available_backends())
@pytest.mark.parametrize("size", [(0, 3), (2, 0), (0, 0)])
@pytest.mark.parametrize(("groups", "each"), [(1, 1), (3, 2), (1, 30)])
def test_an_empty_filter_gives_the_bias_and_no_gradient(backend, size, groups, each):
    """Plain images and images in NCHW16n are tried."""
    rng = np.random.default_rng(0)
    for suffix, x_shape, count in (("", (16, 2 * groups, 5, 6), (16,)), ("_nchw16n", (1, 2 * groups, 5, 6, 16), (1,))):
        lanes = x_shape[4:]
        filters = groups * each
        x, w = rng.standard_normal(x_shape), np.empty((filters, 2, *size))
        b, dout = rng.standard_normal(filters), rng.standard_normal((*count, filters, 4, 3, *lanes))
        out, dx, db = np.full(dout.shape, np.nan), np.full(x.shape, np.nan), np.full(filters, np.nan)
        window = (1, 2, 1, 0, 1, 1, 0)
        kernels.get("conv_forward" + suffix, backend)(x, w, b, out, *window)
        kernels.get("conv_backward_input" + suffix, backend)(dout, w, dx, None, *window)
        kernels.get("conv_backward_weight" + suffix, backend)(x, dout, w, db, *window, 0.0)
        np.testing.assert_array_equal(out, np.broadcast_to(b.reshape(-1, 1, 1, *[1] * len(lanes)), out.shape))
        assert not dx.any()
        np.testing.assert_allclose(db, dout.sum(axis=(0, *range(2, dout.ndim))), atol=1e-12)
