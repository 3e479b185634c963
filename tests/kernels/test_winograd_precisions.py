"""Winograd's products from factors split into bf16 numbers: bounds, special values, and where they stay floats."""

import numpy as np
import pytest
from guarded import guarded
from kernel_oracles import left_out, winograd_bound
from strategies import same_bits
from trainings import needs_native, threads

from fastnn import kernels
from fastnn.kernels import reference
from fastnn.kernels.backend import native_isa
from fastnn.kernels.convolution import winograd_parts, winograd_shape, winograd_work
from fastnn.kernels.precisions import PRECISIONS, Precision
from fastnn.kernels.reference.nchw16n import images_of
from fastnn.kernels.reference.winograd import ROUNDINGS, filter_gradient

U = 2.0**-24  # half a unit in the last place of 1 in float32
SMALLEST = 2.0**-126  # normal number
SPLIT = [Precision.of(name) for name in PRECISIONS if name != "float32"]


@pytest.fixture(params=SPLIT, ids=lambda p: p.option)
def precision(request, amx):
    """A precision whose products are computed by AMX's instructions, or by what stands for them."""
    return request.param


# groups of images, groups of channels, channels and filters of a group, taps, image, padding before and after
SHAPES = [
    (1, 1, 64, 32, 3, (8, 8), (1, 1, 1, 1)),
    (2, 1, 65, 33, 3, (5, 6), (0, 1, 2, 0)),
    (1, 2, 70, 66, 5, (3, 4), (2, 2, 2, 1)),
    (1, 1, 131, 97, 3, (5, 4), (1, 0, 1, 2)),
]


class Convolution:
    """A convolution of stride 1 on random images, and what its gradients take."""

    def __init__(self, images, groups, k, filters, size, image, pads):
        rng = np.random.default_rng(k + filters)
        self.images, self.groups, self.k, self.filters, self.size = images, groups, k, filters, size
        (h, w), (top, left, below, right) = image, pads
        self.pad, self.turned_pad = (top, left), (size - 1 - top, size - 1 - left)
        self.x = rng.standard_normal((images, groups * k, h, w, 16)).astype(np.float32)
        self.weight = rng.standard_normal((groups * filters, k, size, size)).astype(np.float32)
        self.b = rng.standard_normal(groups * filters).astype(np.float32)
        extent = h + top + below - size + 1, w + left + right - size + 1
        self.dout = rng.standard_normal((images, groups * filters, *extent, 16)).astype(np.float32)

    def forward(self, precision, backend=None):
        """The outputs."""
        return self._filtered(self.x, self.k, self.filters, 0, self.b, self.dout.shape, self.pad, precision, backend)

    def input_gradient(self, precision, backend=None):
        shape = self.x.shape
        return self._filtered(self.dout, self.filters, self.k, 1, None, shape, self.turned_pad, precision, backend)

    def _filtered(self, x, k, filters, flip, b, shape, pad, precision, backend):
        u = np.full(winograd_shape(filters, k, self.groups), np.nan, np.float32)
        out = np.full(shape, np.nan, np.float32)
        work = np.full(winograd_parts(filters, k, self.groups, precision), np.nan, np.float32)
        kernels.get("winograd_weights", backend)(self.weight, u, flip)
        run = kernels.get("winograd_forward_nchw16n", backend)
        run(x, u, b, out, work if precision else None, self.size, *pad, 0, 0.0, precision)
        return out

    def weight_gradient(self, precision, backend=None, beta=0.0):
        dw = np.full_like(self.weight, 1 if beta else np.nan)
        work = np.full(winograd_work(self.filters, self.k), np.nan, np.float32)
        run = kernels.get("winograd_backward_weight_nchw16n", backend)
        run(self.x, self.dout, dw, None, work, *self.pad, beta, precision)
        return dw

    def results(self, precision, backend=None):
        """The outputs, the input gradient and the weight gradient."""
        passes = (self.forward, self.input_gradient, self.weight_gradient)
        return [one(precision, backend) for one in passes]

    def expected(self, error):
        """Their exact values and bounds, where products may err by `error` beyond those of float32."""
        x, dout, weight, b = (
            v.astype(np.float64) for v in (images_of(self.x), images_of(self.dout), self.weight, self.b)
        )
        window, shape = (1, 1, *self.pad, 1, 1, 0), (len(self.weight) // self.groups, self.k, self.size, self.size)
        out, dx, dw = np.empty(dout.shape), np.empty(x.shape), np.empty(self.weight.shape)
        reference.conv_forward(x, weight, b, out, *window)
        reference.conv_backward_input(dout, weight, dx, None, *window)
        reference.conv_backward_weight(x, dout, dw, None, *window, 0.0)
        turned = (
            self.weight.reshape(self.groups, *shape).swapaxes(1, 2)[..., ::-1, ::-1].reshape(-1, *shape[:1], *shape[2:])
        )
        sizes = (abs(v.astype(np.float64)) for v in (self.x, self.dout))
        terms = filter_gradient(*sizes, dw.shape, self.pad, magnitudes=True)
        summed = 8 + np.sqrt(self.dout[:, 0].size) + ROUNDINGS
        bounds = (
            images_of(winograd_bound(self.x, self.weight, self.b, self.dout.shape, self.pad, error)),
            images_of(winograd_bound(self.dout, turned, None, self.x.shape, self.turned_pad, error)),
            (error + summed * U) * terms,
        )
        return [out, dx, dw], bounds


def by_images(results):
    """Results as images in place of blocks of 16."""
    return [images_of(v) if v.ndim == 5 else v for v in results]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_is_within_its_bound_and_as_large_as_the_parts_leave_it(precision, shape):
    c = Convolution(*shape)
    exact, bounds = c.expected(left_out(precision))
    found, plain = (by_images(c.results(p)) for p in (precision, Precision.FLOAT32))
    for got, value, bound, single in zip(found, exact, bounds, plain, strict=True):
        assert np.all(np.abs(got - value) <= bound)
        if precision == Precision.FAST:
            assert np.abs(got - value).max() < 2 * np.abs(single - value).max()
        elif not same_bits(got, single):
            assert np.abs(got - value).max() > 3 * np.abs(single - value).max()
    changed = [not same_bits(*pair) for pair in zip(found[:2], plain[:2], strict=True)]
    assert changed == [c.k >= 64 and c.filters >= 32, c.filters >= 64 and c.k >= 32]


@pytest.mark.parametrize("precision", SPLIT)
def test_the_reference_is_within_the_bound_too(precision):
    c = Convolution(1, 2, 40, 3, 3, (4, 4), (1, 1, 1, 1))
    exact, bounds = c.expected(left_out(precision))
    found, plain = (by_images(c.results(p, "reference")) for p in (precision, Precision.FLOAT32))
    for got, value, bound, single in zip(found, exact, bounds, plain, strict=True):
        assert np.all(np.abs(got - value) <= bound)
        assert not same_bits(got, single)


def test_weight_gradients_of_many_tiles_are_rounded_and_added_to_what_is_there(precision):
    c = Convolution(2, 1, 33, 35, 3, (8, 8), (1, 1, 1, 1))
    (_, _, exact), (_, _, bound) = c.expected(left_out(precision))
    dw = c.weight_gradient(precision)
    assert not same_bits(dw, c.weight_gradient(Precision.FLOAT32))
    assert np.all(np.abs(dw - exact) <= bound)
    np.testing.assert_array_equal(c.weight_gradient(precision, beta=1.0), 1 + dw)


def test_threads_and_other_images_change_no_bit(precision):
    c = Convolution(3, 1, 66, 34, 3, (9, 4), (1, 1, 1, 1))
    whole = c.results(precision)
    for count in (1, 2, 3):
        with threads(count):
            assert all(map(same_bits, c.results(precision), whole))
    c.x, c.dout = c.x[1:2].copy(), c.dout[1:2].copy()
    assert same_bits(c.forward(precision), whole[0][1:2])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_nonfinite_value_reaches_all_that_read_it_and_at_most_its_tile(precision, value):
    c = Convolution(1, 2, 64, 40, 3, (9, 4), (1, 1, 1, 1))
    clean = c.forward(precision)
    c.x[0, 70, 4, 2, 3] = value
    out, direct = c.forward(precision), np.empty(images_of(c.dout).shape, np.float32)
    reference.conv_forward(images_of(c.x), c.weight, c.b, direct, 1, 1, *c.pad, 1, 1, 0)
    assert not np.isfinite(images_of(out)[~np.isfinite(direct)]).any()
    far = np.ones(out.shape, bool)
    far[0, 40:, :, :, 3] = False
    far[0, 40:, 0:1] = True  # of another tile
    assert same_bits(out[far], clean[far])
    clean = c.weight_gradient(precision)
    assert np.isfinite(clean[:40]).all()  # the other group
    assert not np.isfinite(clean[40:, 70 - 64]).any()


def test_numbers_that_bf16_cannot_hold_may_become_infinite_but_never_wrong(precision):
    c = Convolution(1, 1, 64, 32, 3, (4, 4), (1, 1, 1, 1))
    c.x[...], c.b[...] = 0, 0
    c.x[0, 0, 1, 1] = 1e38
    out = c.forward(precision)
    exact, bounds = c.expected(left_out(precision))
    held = np.isfinite(images_of(out))
    assert np.all(np.abs(images_of(out) - exact[0])[held] <= bounds[0][held])


def test_subnormal_numbers_count_as_zero_and_small_ones_lose_what_is_below(precision):
    """Beyond the bound, a product may err by 10 t Σ max(1, |u|, |v|), t the smallest normal number."""
    c = Convolution(1, 1, 64, 32, 3, (4, 4), (1, 1, 1, 1))
    c.b[...] = 0
    c.x[...] = 1e-40
    assert not c.forward(precision).any()
    rng = np.random.default_rng(3)
    c.x[...] = rng.standard_normal(c.x.shape) * 2.0 ** rng.uniform(-126, -100, c.x.shape)
    exact, bounds = c.expected(left_out(precision))
    ones = Convolution(1, 1, 64, 32, 3, (4, 4), (1, 1, 1, 1))
    ones.x[...], ones.b[...] = 1, 0
    ones.weight[...] = np.maximum(1, np.abs(c.weight))
    lost = 10 * SMALLEST * ones.expected(1.0)[1][0]
    assert np.all(np.abs(images_of(c.forward(precision)) - exact[0]) <= bounds[0] + lost)


@pytest.mark.parametrize("at_end", [True, False])
def test_nothing_is_read_or_written_beyond_the_arrays(precision, at_end):
    """An access to the pages before or behind an array would end the process."""
    c = Convolution(2, 1, 67, 41, 3, (5, 8), (1, 1, 1, 1))
    expected = c.results(precision)
    u = np.empty(winograd_shape(41, 67, 1), np.float32)
    kernels.get("winograd_weights")(c.weight, u, 0)
    work = np.empty(winograd_parts(41, 67, 1, precision), np.float32)
    arrays = [guarded(v, at_end=at_end) for v in (c.x, u, c.b, np.empty_like(c.dout), work)]
    kernels.get("winograd_forward_nchw16n")(*arrays, 3, *c.pad, 0, 0.0, precision)
    assert same_bits(arrays[3], expected[0])
    work = np.empty(winograd_work(41, 67), np.float32)
    x, dout, dw, work = (guarded(v, at_end=at_end) for v in (c.x, c.dout, np.empty_like(c.weight), work))
    kernels.get("winograd_backward_weight_nchw16n")(x, dout, dw, None, work, *c.pad, 0.0, precision)
    assert same_bits(dw, expected[2])


@needs_native
@pytest.mark.parametrize("precision", SPLIT)
@pytest.mark.parametrize(("k", "filters"), [(63, 64), (49, 40), (3, 64), (64, 31)])
def test_products_that_are_too_few_are_those_of_float32(amx, precision, k, filters):
    c = Convolution(1, 1, k, filters, 3, (8, 8), (1, 1, 1, 1))
    assert same_bits(c.forward(precision), c.forward(Precision.FLOAT32))


@needs_native
@pytest.mark.parametrize("precision", SPLIT)
def test_without_memory_for_the_parts_they_are_floats(precision):
    c = Convolution(*SHAPES[0])
    u, out = np.empty(winograd_shape(32, 64, 1), np.float32), np.empty_like(c.dout)
    kernels.get("winograd_weights")(c.weight, u, 0)
    kernels.get("winograd_forward_nchw16n")(c.x, u, c.b, out, None, 3, 1, 1, 0, 0.0, precision)
    assert same_bits(out, c.forward(Precision.FLOAT32))


@needs_native
@pytest.mark.skipif(native_isa() == "amx", reason="tiles are in use")
@pytest.mark.parametrize("precision", SPLIT)
def test_where_tiles_are_not_in_use_they_are_floats(precision):
    c = Convolution(2, 1, 64, 64, 3, (9, 8), (1, 1, 1, 1))
    assert all(map(same_bits, c.results(precision), c.results(Precision.FLOAT32)))


@pytest.mark.parametrize("precision", SPLIT)
def test_in_float64_they_are_as_always(amx, precision):
    rng = np.random.default_rng(9)
    x, u = rng.standard_normal((1, 64, 8, 8, 16)), rng.standard_normal(winograd_shape(32, 64, 1))
    out, plain = np.empty((2, 1, 32, 8, 8, 16))
    run = kernels.get("winograd_forward_nchw16n")
    run(x, u, None, out, np.empty(winograd_parts(32, 64, 1, precision)), 3, 1, 1, 0, 0.0, precision)
    run(x, u, None, plain, None, 3, 1, 1)
    assert same_bits(out, plain)
