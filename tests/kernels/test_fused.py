"""A fused kernel gives the bits of the kernels that it replaces, run in turn on the same backend.

On the native backend this also holds if the fused kernel has weights with padded rows and the others do not.
"""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_arguments import make
from strategies import DTYPES, same_bits, seeds
from test_backends_agree import BACKENDS, dims_of, implemented

from fastnn import kernels
from fastnn.kernels import SIGNATURES
from fastnn.kernels.limits import WINDOW_CELLS


def _activation(run, a):
    run("activation_forward", a["out"], a["out"], a["kind"], a["alpha"])


def _slope(run, a):
    if a["saved"] is not None:
        run("activation_backward", a["dx"], a["saved"], a["dx"], a["kind"], a["alpha"])


def _affine_forward(run, a):
    run("affine_forward", a["x"], a["w"], a["b"], a["out"])
    _activation(run, a)


def _affine_backward_input(run, a):
    run("affine_backward_input", a["dout"], a["w"], a["dx"], None)
    _slope(run, a)


def _affine_backward_weight_update(run, a):
    dw = np.full_like(a["w"], np.nan)
    db = None if a["b"] is None else np.full_like(a["b"], np.nan)
    run("affine_backward_weight", a["x"], a["dout"], dw, db, 0.0)
    coefficients = (a["c0"], a["c1"], a["c2"])
    for p, gradient, decay in (("w", dw, a["decay"]), ("b", db, a["decay_b"])):
        if gradient is not None:
            state = (a["m" + p], a["v" + p])
            run("update", a[p], *state, gradient, a["rate"], a["t"], a["rule"], decay, *coefficients)


def _affine_backward_update_nchw16n(run, a):
    run("affine_backward_input_nchw16n", a["dout"], a["w"], a["dx"])
    _affine_backward_weight_update(run, a)


def _conv(a):
    window = ("stride_h", "stride_w", "pad_h", "pad_w", "dilation_h", "dilation_w", "algorithm")
    return tuple(a[name] for name in window)


def _conv_forward(run, a, suffix=""):
    run("conv_forward" + suffix, a["x"], a["weight"], a["b"], a["out"], *_conv(a))
    _activation(run, a)


def _conv_backward_input(run, a, suffix=""):
    run("conv_backward_input" + suffix, a["dout"], a["weight"], a["dx"], None, *_conv(a))
    _slope(run, a)


def _conv_statistics_forward_nchw16n(run, a):
    _conv_forward(run, a, "_nchw16n")
    state = (a["running_mean"], a["running_var"], a["mean"], a["var"], a["work"])
    run("batch_norm_statistics_nchw16n", a["out"], *state, a["images"], a["momentum"])


def _conv_max_pool_forward_nchw16n(run, a):
    size = (a["size_h"], a["size_w"])
    groups, filters, rows, cols, lanes = a["out"].shape
    image = np.empty((groups, filters, rows * size[0], cols * size[1], lanes), a["out"].dtype)
    run("conv_forward_nchw16n", a["x"], a["weight"], a["b"], image, *_conv(a), a["kind"], a["alpha"])
    run("max_pool_forward_nchw16n", image, a["out"], a["argmax"], *size, *size, 0, 0)


def _batch_norm_max_pool_forward_nchw16n(run, a):
    normal = np.empty_like(a["x"])
    planes = [v.reshape(*v.shape[:2], -1, 16) for v in (a["x"], normal)]
    run("batch_norm_apply_nchw16n", planes[0], a["w"], a["b"], a["mean"], a["var"], planes[1], a["eps"])
    size = [have // windows for have, windows in zip(normal.shape[2:4], a["out"].shape[2:4], strict=True)]
    run("max_pool_forward_nchw16n", normal, a["out"], a["argmax"], *size, *size, 0, 0)


SEQUENCES = {
    "conv_forward": _conv_forward,
    "conv_forward_nchw16n": partial(_conv_forward, suffix="_nchw16n"),
    "conv_backward_input": _conv_backward_input,
    "conv_backward_input_nchw16n": partial(_conv_backward_input, suffix="_nchw16n"),
    "conv_statistics_forward_nchw16n": _conv_statistics_forward_nchw16n,
    "conv_max_pool_forward_nchw16n": _conv_max_pool_forward_nchw16n,
    "batch_norm_max_pool_forward_nchw16n": _batch_norm_max_pool_forward_nchw16n,
    "affine_forward": _affine_forward,
    "affine_backward_input": _affine_backward_input,
    "affine_backward_weight_update": _affine_backward_weight_update,
    "affine_backward_update_nchw16n": _affine_backward_update_nchw16n,
}


def check(kernel, backend, fused):
    with kernels.use_backend(backend):
        backend = kernels.backend_of(kernel)  # the backend that has the kernel
    before = fused.copy()
    # NumPy's products may add in another order if rows are padded; the native ones must not
    apart = fused.unpadded() if backend == "native" else fused.copy()
    kernels.get(kernel, backend)(*fused.values())
    assert fused.padding_untouched()
    SEQUENCES[kernel](lambda name, *args: kernels.get(name, backend)(*args), apart)
    for a in SIGNATURES[kernel].arrays:
        if fused[a.name] is None or a.name == "work":
            continue
        assert same_bits(fused[a.name], (apart if a.writes else before)[a.name]), a.name
        assert np.all(np.isfinite(fused[a.name])), a.name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "backend"), implemented(SEQUENCES))
@given(data=st.data(), seed=seeds)
def test_fused_kernels_give_the_same_bits(kernel, dtype, backend, data, seed):
    check(kernel, backend, make(kernel, data.draw(dims_of(kernel)), dtype, seed))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "backend"), implemented(k for k in SEQUENCES if k.startswith("affine")))
@pytest.mark.parametrize("shape", [(8, 784, 200), (100, 331, 333), (1021, 67, 10), (1, 300, 1)])
def test_fused_kernels_give_the_same_bits_for_shapes_larger_than_a_tile(kernel, shape, dtype, backend):
    check(kernel, backend, make(kernel, dict(zip("ndm", shape, strict=True)), dtype, sum(shape)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("window", [(16, 64), (1, WINDOW_CELLS), (2, 2), (3, 1)])
def test_windows_whose_strips_take_several_passes_give_the_same_bits(window, dtype, backend):
    """The passes are over the filters, over the columns, or over both."""
    size_h, size_w = window
    cols = max(3, 1100 // size_w)
    dims = {"g": 1, "c": 1, "h": 5, "w": cols * size_w, "f": 19, "k": 1, "r": 2, "s": 1, "p": 2, "q": cols}
    given = {"stride_h": 1, "stride_w": 1, "pad_h": 0, "pad_w": 0, "dilation_h": 1, "dilation_w": 1}
    made = make("conv_max_pool_forward_nchw16n", dims, dtype, 1, **given, size_h=size_h, size_w=size_w, kind=5)
    check("conv_max_pool_forward_nchw16n", backend, made)
