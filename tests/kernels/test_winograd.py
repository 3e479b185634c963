"""Winograd's algorithm is a convolution, within its bound, on every instruction set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracles import winograd_bound
from strategies import DTYPES, same_bits, seeds
from trainings import needs_native

from fastnn import kernels
from fastnn.kernels import Activation, reference
from fastnn.kernels.convolution import winograd_shape, winograd_tile_work, winograd_work
from fastnn.kernels.reference.nchw16n import images_of
from fastnn.kernels.reference.winograd import (
    OVERLAPS,
    ROUNDINGS,
    filter_gradient,
    filtered_plain,
    given_back,
    transformed,
)

ISAS = [None]
if "native" in kernels.available_backends():
    from fastnn.kernels import _native

    ISAS += list(_native.isa_tables())


def run(isa, kernel, *arguments):
    """Run a kernel on instruction set `isa`; None stands for the reference."""
    (getattr(reference, kernel) if isa is None else _native.isa_tables()[isa][kernel])(*arguments)


@st.composite
def shapes(draw):
    """Groups of images and of channels, channels and filters of a group, taps, image, padding before and after."""
    size = draw(st.sampled_from([3, 5]))
    pads = [draw(st.integers(0, size)) for _ in range(4)]
    height, width = (draw(st.integers(max(1, size - sum(pads[i::2])), 15)) for i in (0, 1))
    return (
        draw(st.integers(1, 2)),
        draw(st.integers(1, 2)),
        draw(st.integers(1, 9)),
        draw(st.integers(1, 60)),
        size,
        height,
        width,
        pads,
    )


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=seeds)
@settings(max_examples=15)
def test_forward_is_the_convolution(isa, dtype, shape, seed):
    images, groups, k, filters, size, h, w, (top, left, below, right) = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((images, groups * k, h, w, 16)).astype(dtype)
    weight = rng.standard_normal((groups * filters, k, size, size)).astype(dtype)
    b = rng.standard_normal(groups * filters).astype(dtype)
    u = np.full(winograd_shape(filters, k, groups), np.nan, dtype)
    out = np.full((images, len(weight), h + top + below - size + 1, w + left + right - size + 1, 16), np.nan, dtype)
    run(isa, "winograd_weights", weight, u, 0)
    run(isa, "winograd_forward_nchw16n", x, u, b, out, None, size, top, left, Activation.IDENTITY, 0.0)
    wide = [v.astype(np.float64 if dtype is np.float32 else np.longdouble) for v in (images_of(x), weight, b)]
    exact = np.empty((16 * images, *out.shape[1:4]), wide[0].dtype)
    reference.conv_forward(*wide, exact, 1, 1, top, left, 1, 1, 0)
    assert np.all(abs(images_of(out) - exact) <= images_of(winograd_bound(x, weight, b, out.shape, (top, left))))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=seeds)
@settings(max_examples=15)
def test_with_flipped_weights_it_is_the_input_gradient(isa, dtype, shape, seed):
    images, groups, k, filters, size, h, w, (top, left, below, right) = shape
    rng = np.random.default_rng(seed)
    dout = rng.standard_normal((images, groups * filters, h + top + below - size + 1, w + left + right - size + 1, 16))
    dout = dout.astype(dtype)
    weight = rng.standard_normal((groups * filters, k, size, size)).astype(dtype)
    u = np.full(winograd_shape(k, filters, groups), np.nan, dtype)
    dx = np.full((images, groups * k, h, w, 16), np.nan, dtype)
    run(isa, "winograd_weights", weight, u, 1)
    pad = (size - 1 - top, size - 1 - left)
    run(isa, "winograd_forward_nchw16n", dout, u, None, dx, None, size, *pad, Activation.IDENTITY, 0.0)
    turned = (
        weight.reshape(groups, filters, k, size, size).swapaxes(1, 2)[..., ::-1, ::-1].reshape(-1, filters, size, size)
    )
    bound = winograd_bound(dout, turned, None, dx.shape, pad)
    wide = [v.astype(np.float64 if dtype is np.float32 else np.longdouble) for v in (images_of(dout), weight)]
    exact = np.empty((16 * images, *dx.shape[1:4]), wide[0].dtype)
    reference.conv_backward_input(*wide, exact, None, 1, 1, top, left, 1, 1, 0)
    assert np.all(abs(images_of(dx) - exact) <= images_of(bound))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=seeds, activated=st.booleans())
@settings(max_examples=15)
def test_its_transpose_is_the_input_gradient(isa, dtype, shape, seed, activated):
    images, groups, k, filters, size, h, w, (top, left, below, right) = shape
    rng = np.random.default_rng(seed)
    dout = rng.standard_normal((images, groups * filters, h + top + below - size + 1, w + left + right - size + 1, 16))
    dout = dout.astype(dtype)
    weight = rng.standard_normal((groups * filters, k, size, size)).astype(dtype)
    u = np.full(winograd_shape(filters, k, groups), np.nan, dtype)
    dx = np.full((images, groups * k, h, w, 16), np.nan, dtype)
    out = rng.integers(0, 3, dx.shape).astype(dtype) if activated else None  # the output of a ReLU
    run(isa, "winograd_weights", weight, u, 0)
    run(isa, "winograd_backward_input_nchw16n", dout, u, dx, out, size, top, left, Activation.RELU, 0.0)
    wide = [v.astype(np.float64 if dtype is np.float32 else np.longdouble) for v in (images_of(dout), weight)]
    exact = np.empty((16 * images, *dx.shape[1:4]), wide[0].dtype)
    reference.conv_backward_input(*wide, exact, None, 1, 1, top, left, 1, 1, 0)
    if out is not None:
        exact[images_of(out) == 0] = 0
    sizes = np.empty(u.shape)
    sizes[...] = transformed(abs(weight.astype(float)), u.shape, 0, magnitudes=True)
    terms = given_back(abs(dout.astype(float)), sizes, dx.shape, size, (top, left), magnitudes=True)
    bound = (8 + np.sqrt(filters) + ROUNDINGS + OVERLAPS) * np.finfo(dtype).eps / 2 * terms
    assert np.all(abs(images_of(dx) - exact) <= images_of(bound))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=seeds, images=st.integers(1, 15))
@settings(max_examples=15)
def test_for_few_images_it_is_the_convolution_and_its_input_gradient(isa, dtype, shape, seed, images):
    _, groups, k, filters, size, h, w, (top, left, below, right) = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((images, groups * k, h, w)).astype(dtype)
    weight = rng.standard_normal((groups * filters, k, size, size)).astype(dtype)
    b = rng.standard_normal(groups * filters).astype(dtype)
    out = np.full((images, len(weight), h + top + below - size + 1, w + left + right - size + 1), np.nan, dtype)
    dout = rng.standard_normal(out.shape).astype(dtype)
    dx = np.full(x.shape, np.nan, dtype)
    wide = np.float64 if dtype is np.float32 else np.longdouble
    eps = np.finfo(dtype).eps / 2
    for kernel, source, flip, bias, result, pad in (
        ("conv_forward", x, 0, b, out, (top, left)),
        ("conv_backward_input", dout, 1, None, dx, (size - 1 - top, size - 1 - left)),
    ):
        work = np.full(winograd_tile_work(images, source.shape[1], groups, result.shape[2:], size), np.nan, dtype)
        run(isa, "winograd_forward", source, weight, bias, result, work, *pad, flip, Activation.IDENTITY, 0.0)
        exact = np.empty(result.shape, wide)
        results = [exact, None] if flip else [b.astype(wide), exact]
        getattr(reference, kernel)(source.astype(wide), weight.astype(wide), *results, 1, 1, top, left, 1, 1, 0)
        sizes = (abs(source.astype(float)), abs(weight.astype(float)))
        terms = filtered_plain(*sizes, result.shape, pad, flip, magnitudes=True)
        terms += 0 if flip else abs(b[:, None, None])
        bound = (8 + np.sqrt(filters if flip else k) + ROUNDINGS) * eps * terms
        assert np.all(abs(result - exact) <= bound)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=seeds, beta=st.sampled_from([0.0, 1.0]))
@settings(max_examples=15)
def test_the_weight_gradient_is_that_of_the_convolution(isa, dtype, shape, seed, beta):
    images, groups, k, filters, size, h, w, (top, left, below, right) = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((images, groups * k, h, w, 16)).astype(dtype)
    dout = rng.standard_normal((images, groups * filters, h + top + below - size + 1, w + left + right - size + 1, 16))
    dout = dout.astype(dtype)
    dw, db = np.ones((groups * filters, k, size, size), dtype), np.ones(groups * filters, dtype)
    work = np.full(winograd_work(filters, k), np.nan, dtype)
    run(isa, "winograd_backward_weight_nchw16n", x, dout, dw, db, work, top, left, beta)
    wide = np.float64 if dtype is np.float32 else np.longdouble
    exact, exact_b = np.ones(dw.shape, wide), np.ones(db.shape, wide)
    arrays = [images_of(v).astype(wide) for v in (x, dout)]
    reference.conv_backward_weight(*arrays, exact, exact_b, 1, 1, top, left, 1, 1, 0, beta)
    u = np.finfo(dtype).eps / 2
    summed = 8 + np.sqrt(dout[:, 0].size)
    terms = filter_gradient(abs(x.astype(float)), abs(dout.astype(float)), dw.shape, (top, left), magnitudes=True)
    assert np.all(abs(dw - exact) <= (summed + ROUNDINGS) * u * (terms + beta))
    assert np.all(abs(db - exact_b) <= summed * u * (abs(arrays[1]).sum(axis=(0, 2, 3)) + beta))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@given(shape=shapes(), seed=seeds)
@settings(max_examples=10)
def test_forward_a_nonfinite_value_reaches_all_that_read_it_and_at_most_its_tile(isa, value, shape, seed):
    images, groups, k, filters, size, h, w, (top, left, below, right) = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((images, groups * k, h, w, 16)).astype(np.float32)
    weight = rng.standard_normal((groups * filters, k, size, size)).astype(np.float32)
    u = np.full(winograd_shape(filters, k, groups), np.nan, np.float32)
    out = np.empty((images, len(weight), h + top + below - size + 1, w + left + right - size + 1, 16), np.float32)
    run(isa, "winograd_weights", weight, u, 0)
    window = (size, top, left, Activation.IDENTITY, 0.0)
    run(isa, "winograd_forward_nchw16n", x, u, None, out, None, *window)
    clean = out.copy()
    image, channel, row, col, lane = (int(rng.integers(n)) for n in x.shape)
    x[image, channel, row, col, lane] = value
    run(isa, "winograd_forward_nchw16n", x, u, None, out, None, *window)
    direct = np.empty((16 * images, *out.shape[1:4]), np.float32)
    reference.conv_forward(images_of(x), weight, None, direct, 1, 1, top, left, 1, 1, 0)
    assert not np.isfinite(images_of(out)[~np.isfinite(direct)]).any()
    far = np.ones(out.shape, bool)
    of_group = slice(channel // k * filters, (channel // k + 1) * filters)
    near = [slice(max(0, at - 5), at + 6) for at in (row + top, col + left)]
    far[image, of_group, near[0], near[1], lane] = False
    assert same_bits(out[far], clean[far])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["x", "dout"])
@given(shape=shapes(), seed=seeds)
@settings(max_examples=10)
def test_gradient_a_nonfinite_value_reaches_all_that_read_it_and_only_its_channel_or_filter(
    isa, place, value, shape, seed
):
    images, groups, k, filters, size, h, w, (top, left, below, right) = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((images, groups * k, h, w, 16)).astype(np.float32)
    dout = rng.standard_normal((images, groups * filters, h + top + below - size + 1, w + left + right - size + 1, 16))
    dout = dout.astype(np.float32)
    dw, db = np.empty((groups * filters, k, size, size), np.float32), np.empty(groups * filters, np.float32)
    work = np.full(winograd_work(filters, k), np.nan, np.float32)
    run(isa, "winograd_backward_weight_nchw16n", x, dout, dw, db, work, top, left, 0.0)
    clean = dw.copy(), db.copy()
    array = x if place == "x" else dout
    at = tuple(int(rng.integers(n)) for n in array.shape)
    array[at] = value
    run(isa, "winograd_backward_weight_nchw16n", x, dout, dw, db, work, top, left, 0.0)
    direct, direct_b = np.empty_like(dw), np.empty_like(db)
    reference.conv_backward_weight(images_of(x), images_of(dout), direct, direct_b, 1, 1, top, left, 1, 1, 0, 0.0)
    assert not np.isfinite(dw[~np.isfinite(direct)]).any()
    np.testing.assert_array_equal(np.isfinite(db), np.isfinite(direct_b))
    others = np.ones(dw.shape, bool)
    if place == "x":
        others[at[1] // k * filters : (at[1] // k + 1) * filters, at[1] % k] = False
    else:
        others[at[1]] = False
    assert same_bits(dw[others], clean[0][others])


@needs_native
@pytest.mark.parametrize("channels", [3, 64, 384])
def test_float32_is_almost_as_accurate_as_the_direct_algorithm(channels):
    """The RMS error is below 4 times that of direct convolution, and the maximum below 4e-6 of the largest output."""
    rng = np.random.default_rng(channels)
    x = rng.standard_normal((1, channels, 13, 13, 16)).astype(np.float32)
    weight = rng.standard_normal((24, channels, 3, 3)).astype(np.float32)
    u = np.empty(winograd_shape(24, channels, 1), np.float32)
    fast, direct = np.empty((1, 24, 13, 13, 16), np.float32), np.empty((16, 24, 13, 13), np.float32)
    exact = np.empty(direct.shape)
    kernels.get("winograd_weights")(weight, u, 0)
    kernels.get("winograd_forward_nchw16n")(x, u, None, fast, None, 3, 1, 1, Activation.IDENTITY, 0.0)
    kernels.get("conv_forward")(images_of(x), weight, None, direct, 1, 1, 1, 1, 1, 1, 0)
    reference.conv_forward(images_of(x).astype(float), weight.astype(float), None, exact, 1, 1, 1, 1, 1, 1, 0)
    error = abs(images_of(fast) - exact)
    assert error.max() < 4e-6 * abs(exact).max()
    assert np.sqrt(np.mean(error**2)) < 4 * np.sqrt(np.mean((direct - exact) ** 2))
