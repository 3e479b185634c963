"""Every kernel of every backend agrees with the oracles, exactly on integers, and does not change its inputs."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arguments import make
from kernel_oracles import ORACLES, expected
from strategies import DTYPES, lengths, same_bits, seeds, sizes

from fastnn import kernels
from fastnn.kernels import SIGNATURES

BACKENDS = kernels.available_backends()


def implemented(kernel_names):
    """The pairs (kernel, backend) in which the backend has the kernel itself and does not fall back to the next one."""
    pairs, names = [], list(kernel_names)
    for backend in BACKENDS:
        with kernels.use_backend(backend):
            pairs += [(name, backend) for name in names if kernels.backend_of(name) == backend]
    return sorted(pairs)


# sums and products of small integers and powers of two, which have one exact result
EXACT = (
    "affine_forward",
    "affine_backward_input",
    "affine_backward_weight",
    "conv_forward",
    "conv_backward_input",
    "conv_backward_weight",
    "max_pool_forward",
    "max_pool_backward",
    "add",
    "penalty",
    "im2col",
    "col2im",
    "squared_error",
    "gather_rows",
    "gather_labels",
    "embedding_forward",
    "embedding_backward",
    "affine_backward_input_nchw16n",
    "conv_forward_nchw16n",
    "conv_backward_input_nchw16n",
    "conv_backward_weight_nchw16n",
    "max_pool_forward_nchw16n",
    "max_pool_backward_nchw16n",
    "rows_to_nchw16n",
    "nchw16n_to_rows",
    "gather_nchw16n",
    "to_panels",
    "from_panels",
    "update",
    "multiclass_hinge",
    "clip_value",
    "warp_images",
)


# sizes of images, filters, windows and groups of 16 images, which multiply
_SMALL = {
    "n": 3,
    "*": 1,
    "g": 2,
    "c": 5,
    "h": 13,
    "w": 37,
    "f": 27,
    "k": 5,
    "r": 4,
    "s": 5,
    "p": 9,
    "q": 19,
    "e": 2,
    "j": 1,
    "i": 1,
    "u": 4,
    "v": 5,
}


def dims_of(kernel):
    """A strategy for ``{letter: size}`` of a kernel."""
    if set(SIGNATURES[kernel].dims) & {"p", "e", "h"} or {"g", "s"} <= set(SIGNATURES[kernel].dims):
        return st.fixed_dictionaries({d: st.integers(1, _SMALL[d]) for d in SIGNATURES[kernel].dims})
    return st.fixed_dictionaries({d: lengths if d == "*" else sizes for d in SIGNATURES[kernel].dims})


def check(kernel, backend, arguments, dtype, *, exact=False):
    """Run ``kernel`` once and compare what it wrote with the oracle."""
    want = expected(kernel, arguments, dtype)
    before = arguments.copy()
    kernels.get(kernel, backend)(*arguments.values())
    assert arguments.padding_untouched()
    for a in SIGNATURES[kernel].arrays:
        got = arguments[a.name]
        if got is None:
            continue
        if not a.writes:
            assert same_bits(got, before[a.name]), f"{a.name} was written"
            continue
        if a.name == "work":  # intermediate values
            continue
        value, bound = want[a.name]
        if exact:
            np.testing.assert_array_equal(got, value.astype(got.dtype), err_msg=a.name)
            continue
        error = np.where(np.isnan(got) & np.isnan(value), 0, np.abs(got - value))  # NaN where it is expected
        worst = np.argmax(error - bound)
        assert np.all(error <= bound), (
            f"{a.name}: {got.flat[worst]!r} should be {value.flat[worst]!r}; "
            f"error {error.flat[worst]:.3g}, bound {bound.flat[worst]:.3g}"
        )


def test_every_kernel_has_an_oracle_or_is_a_sequence_of_others():
    from test_fused import SEQUENCES

    assert set(ORACLES) | set(SEQUENCES) == set(SIGNATURES)
    # products have an oracle of their own, and with the activation that is their argument they are a sequence
    with_activation = {
        name for name, s in SIGNATURES.items() if "kind" in {a.name for a in s.scalars if a.default == 0}
    }
    assert set(ORACLES) & set(SEQUENCES) == with_activation & set(SEQUENCES)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "backend"), implemented(ORACLES))
@given(data=st.data(), seed=seeds)
def test_values_are_within_the_bounds(kernel, dtype, backend, data, seed):
    check(kernel, backend, make(kernel, data.draw(dims_of(kernel)), dtype, seed), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "backend"), implemented(EXACT))
@given(data=st.data(), seed=seeds)
def test_integers_are_exact(kernel, dtype, backend, data, seed):
    arguments = make(kernel, data.draw(dims_of(kernel)), dtype, seed, integers=True)
    check(kernel, backend, arguments, dtype, exact=True)


LARGE = {
    "affine_forward": [
        (67, 131, 97),
        (300, 337, 129),
        (1, 784, 200),
        (331, 1, 300),
        (5, 1000, 3),
        (37, 784, 10),
        (129, 523, 1),
        (1, 640, 10),
        (19, 1030, 21),
    ],
    "affine_backward_input": [(67, 131, 97), (300, 337, 129), (1, 784, 200), (331, 300, 1), (128, 785, 10)],
    "affine_backward_weight": [(67, 131, 97), (300, 337, 129), (8, 784, 200), (1021, 33, 10), (1, 300, 300)],
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "shape"), [(k, s) for k, shapes in LARGE.items() for s in shapes])
def test_shapes_larger_than_a_tile_are_within_the_bounds(kernel, shape, dtype, backend):
    dims = dict(zip("ndm", shape, strict=True))
    check(kernel, backend, make(kernel, dims, dtype, prod(shape), integers=True), dtype, exact=True)
    if dtype is np.float32 or prod(shape) < 10**6:  # long double has no fast product
        check(kernel, backend, make(kernel, dims, dtype, prod(shape)), dtype)


# n c h w f k r s p q, where c gives the number of groups (see _Maker)
LARGE_IMAGES = {
    "many taps and windows": (2, 1, 9, 11, 50, 30, 3, 3, 10, 11),
    "a chain of several blocks": (1, 0, 5, 6, 13, 300, 2, 1, 4, 6),
    "many filters": (1, 0, 3, 4, 1400, 2, 1, 1, 3, 4),
    "few filters, many windows": (2, 0, 40, 43, 3, 1, 3, 2, 38, 42),
    "depthwise": (2, 2, 17, 18, 3, 1, 5, 5, 17, 18),
    "one window": (3, 0, 6, 6, 40, 20, 6, 6, 1, 1),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", LARGE_IMAGES)
@pytest.mark.parametrize(
    ("kernel", "backend"), implemented(["conv_forward", "conv_backward_input", "conv_backward_weight"])
)
def test_images_larger_than_a_tile_are_within_the_bounds(kernel, shape, dtype, backend):
    dims = dict(zip("nchwfkrspq", LARGE_IMAGES[shape], strict=True))
    check(kernel, backend, make(kernel, dims, dtype, 1, integers=True), dtype, exact=True)
    if dtype is np.float32:
        check(kernel, backend, make(kernel, dims, dtype, 2), dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4096, 10), (64, 1000), (3, 20_011), (1, 200_001)])
@pytest.mark.parametrize("kernel", [k for k in ORACLES if "softmax" in k or "entropy" in k or "hinge" in k])
def test_long_and_many_rows_are_within_the_bounds(kernel, shape, dtype, backend):
    check(kernel, backend, make(kernel, dict(zip("nc", shape, strict=True)), dtype, sum(shape)), dtype)


@pytest.mark.parametrize("backend", BACKENDS)
def test_response_norm_takes_many_channels(backend):
    """A channel has the results that it has among its neighbours alone."""
    x, dout = np.random.default_rng(0).standard_normal((2, 1, 70_001, 2), np.float32)
    found = []
    for part in (slice(None), slice(65_000, 66_000)):
        here, gradient = np.ascontiguousarray(x[:, part]), np.ascontiguousarray(dout[:, part])
        out, scale, dx = np.empty((3, *here.shape), np.float32)
        kernels.get("local_response_norm_forward", backend)(here, out, scale, 5, 1e-1, 0.75, 2.0)
        kernels.get("local_response_norm_backward", backend)(gradient, here, scale, dx, 5, 1e-1, 0.75)
        found.append((out, scale, dx))
    for whole, alone in zip(*found, strict=True):
        np.testing.assert_array_equal(whole[:, 65_004:65_996], alone[:, 4:-4])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", ["f4", "f8", "u1", "i1", "u2", "i2", "i4", "i8"])
@given(data=st.data(), seed=seeds)
@settings(max_examples=5)
def test_gather_reads_every_dtype(source, dtype, backend, data, seed):
    dims = data.draw(dims_of("gather_rows"))
    rng = np.random.default_rng(seed)
    values = rng.uniform(-120, 120, (max(dims["n"], dims["r"]), dims["d"])).astype(source)
    check("gather_rows", backend, make("gather_rows", dims, dtype, seed, source=values), dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", ["f4", "f8", "u1", "i1", "u2", "i2", "i4", "i8"])
@given(data=st.data(), seed=seeds, integers=st.booleans())
@settings(max_examples=8)
def test_warp_reads_every_dtype(source, dtype, backend, data, seed, integers):
    dims = data.draw(dims_of("warp_images"))
    low = 0 if source.startswith("u") else -120
    shape = (max(dims["r"], dims["n"]), dims["c"], dims["h"], dims["w"])
    values = np.random.default_rng(seed).integers(low, 120 if source == "i1" else 256, shape).astype(source)
    arguments = make("warp_images", dims, dtype, seed, integers=integers, source=values)
    check("warp_images", backend, arguments, dtype, exact=integers)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", ["f4", "u1"])
def test_warp_takes_planes_larger_than_the_workspace(source, dtype, backend):
    dims = {**dict.fromkeys("rncuv", 1), "h": 1100, "w": 1000, "p": 9, "q": 21}
    values = np.random.default_rng(0).integers(0, 256, (1, 1, 1100, 1000)).astype(source)
    check("warp_images", backend, make("warp_images", dims, dtype, 1, source=values), dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [4096, 16_384, 300_007])
def test_the_norm_of_a_long_gradient_is_as_exact_as_a_sum_of_so_many_products(count, dtype, backend):
    for seed in range(5):
        check("clip_norm", backend, make("clip_norm", {"*": count}, dtype, seed, limit=0.5), dtype)


_OF_PARAMETERS = ("moving_average", "orthogonal_update")  # which are never empty


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kernel", [kernel for kernel in SIGNATURES if kernel not in _OF_PARAMETERS])
def test_kernels_take_no_rows(kernel, backend):
    """With an empty batch nothing is written, and gradients and losses are zero."""
    rows = {"n", "g", "*"} if kernel != "winograd_weights" else {"f"}
    if not rows & set(SIGNATURES[kernel].dims):
        pytest.fail("a kernel without rows or elements needs a case of its own")
    dims = {d: 0 if d in rows else 3 for d in SIGNATURES[kernel].dims}
    given = {"beta": 0.0} if "beta" in [a.name for a in SIGNATURES[kernel].scalars] else {}
    arguments = make(kernel, dims, np.float64, 1, integers=True, **given)
    before = arguments.copy()
    kernels.get(kernel, backend)(*arguments.values())
    if given:
        gradients = (arguments.get(name) for name in ("dw", "db"))
        assert all(gradient is None or not gradient.any() for gradient in gradients)
    for name in ("loss", "correct"):
        assert name not in arguments or arguments[name][0] == (before["loss"][0] if kernel == "penalty" else 0)
