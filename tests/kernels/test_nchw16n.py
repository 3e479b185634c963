"""In the layout NCHW16n, native kernels give the bits of the plain kernels, on every instruction set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arguments import make
from strategies import DTYPES, same_bits, seeds
from test_backends_agree import dims_of

from fastnn import kernels
from fastnn.kernels import SIGNATURES
from fastnn.kernels.backend import panel_columns
from fastnn.kernels.reference.nchw16n import images_of
from fastnn.program.panels import Panels

pytestmark = pytest.mark.skipif("native" not in kernels.available_backends(), reason="no native module")

# these have one chain over channel, filter row and filter column in either layout
SAME_CHAINS = ("conv_forward",)
# these are exact on integers, because nothing is divided or transformed
NAMES = [
    name
    for name in (*(n for n in SIGNATURES if n.endswith("_nchw16n")), "nchw16n_to_rows")
    if not any(part in name for part in ("winograd", "avg_pool", "batch_norm", "statistics"))
]


def isa_tables():
    from fastnn.kernels import _native

    return _native.isa_tables()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", SAME_CHAINS)
@given(data=st.data(), seed=seeds)
def test_kernels_give_the_bits_of_the_plain_kernel(kernel, dtype, data, seed):
    if kernels.backend_of(kernel) != "native":
        pytest.skip("no native plain kernel")
    a = make(f"{kernel}_nchw16n", data.draw(dims_of(f"{kernel}_nchw16n")), dtype, seed)
    plain = [images_of(v) if isinstance(v, np.ndarray) and v.ndim == 5 else v for v in a.values()]
    kernels.get(f"{kernel}_nchw16n", "native")(*a.values())
    kernels.get(kernel, "native")(*plain)
    assert same_bits(images_of(a["out"]), plain[list(a).index("out")])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", NAMES)
@given(data=st.data(), seed=seeds)
@settings(max_examples=30)
def test_every_instruction_set_agrees_on_integers(kernel, dtype, data, seed):
    given = {"kind": data.draw(st.sampled_from([0, 1]))} if "kind" in str(SIGNATURES[kernel].text) else {}
    first = make(kernel, data.draw(dims_of(kernel)), dtype, seed, integers=True, **given)
    expected = first.copy()
    kernels.get(kernel, "reference")(*expected.values())
    for isa, table in isa_tables().items():
        run = first.copy()
        table[kernel](*run.values())
        for a in SIGNATURES[kernel].arrays:
            if a.writes and run[a.name] is not None:
                np.testing.assert_array_equal(run[a.name], expected[a.name], err_msg=f"{isa} {a.name}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(32, 70, 300), (17, 9000, 13), (1, 33, 100), (64, 784, 61), (50, 96, 12)])
def test_the_dense_input_gradient_gives_the_bits_of_the_plain_kernel(shape, dtype):
    """The weights are in rows, in padded rows or in panels."""
    n, m, d = shape
    rng = np.random.default_rng(m)
    dout, w = rng.normal(size=(n, m)).astype(dtype), rng.normal(size=(d, m)).astype(dtype)
    rows, lanes = np.empty((n, d), dtype), np.empty((-(-n // 16), d, 16), dtype)
    kernels.get("affine_backward_input", "native")(dout, w, rows, None)
    wide = np.full((d, m + 3), 7, dtype)
    wide[:, :m] = w
    for weights in (w, wide[:, :m], Panels(w, panel_columns(np.dtype(dtype))).panels):
        lanes[...] = np.nan
        kernels.get("affine_backward_input_nchw16n", "native")(dout, weights, lanes)
        assert same_bits(np.ascontiguousarray(images_of(lanes)[:n]), rows)
        assert not images_of(lanes)[n:].any()


@pytest.mark.parametrize("n", [1, 15, 16, 17, 31, 33])
def test_converting_there_and_back_restores_images(n):
    x = np.arange(n * 37, dtype=np.float32).reshape(n, 37)
    inner, back = np.empty((-(-n // 16), 37, 16), np.float32), np.empty_like(x)
    kernels.get("rows_to_nchw16n", "native")(x, inner)
    kernels.get("nchw16n_to_rows", "native")(inner, back)
    assert same_bits(x, back)
    assert not images_of(inner)[n:].any()


def test_large_windows_and_many_positions_give_the_same_bits():
    """There are more positions than in a block of an axis, and more weights than fit the workspace."""
    rng = np.random.default_rng(2)
    for shape, weight, count, window in (
        ((1, 1, 1, 2500, 16), (3, 1, 1, 4), (1, 2503), (1, 1, 0, 3, 1, 1, 0)),
        ((1, 1, 2300, 1, 16), (2, 1, 7, 1), (1150, 1), (2, 1, 3, 0, 1, 1, 0)),
        ((1, 700, 14, 14, 16), (2, 700, 14, 14), (1, 1), (1, 1, 0, 0, 1, 1, 0)),
    ):
        x, w = rng.integers(-3, 4, shape).astype(np.float32), rng.integers(-3, 4, weight).astype(np.float32)
        dout = rng.integers(-3, 4, (1, weight[0], *count, 16)).astype(np.float32)
        for kernel, arguments in (
            ("conv_forward_nchw16n", [x, w, None, np.empty_like(dout), *window]),
            ("conv_backward_input_nchw16n", [dout, w, np.empty_like(x), None, *window]),
            (
                "conv_backward_weight_nchw16n",
                [x, dout, np.empty_like(w), np.empty(weight[0], np.float32), *window, 0.0],
            ),
        ):
            results = []
            for backend in ("native", "reference"):
                kernels.get(kernel, backend)(*arguments)
                results.append([a.copy() for a in arguments if isinstance(a, np.ndarray)])
            for one, two in zip(*results, strict=True):
                np.testing.assert_array_equal(one, two, err_msg=kernel)
