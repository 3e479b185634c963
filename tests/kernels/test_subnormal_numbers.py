"""Kernels of sums of products and of soft-max take subnormal numbers as 0, all others compute with them."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_arguments import make
from strategies import DTYPES, same_bits, seeds
from test_backends_agree import check, dims_of
from test_fused import SEQUENCES
from trainings import needs_native, output_of

import fastnn
from fastnn import kernels
from fastnn.kernels import SIGNATURES, Activation
from fastnn.kernels.signatures import flushes_subnormals
from fastnn.layers import BatchNorm, Dense

pytestmark = needs_native

# those that leave the weights of inputs out which are zero in every row
FUSED_UPDATES = ("affine_backward_weight_update", "affine_backward_update_nchw16n")
FLUSHING = [name for name in SIGNATURES if flushes_subnormals(name)]
TABLES = {}
if "native" in kernels.available_backends():
    from fastnn.kernels._native import isa_tables

    TABLES = isa_tables()


def subnormal(array):
    """Where an array holds numbers below the smallest normal one."""
    return (array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)


def reals(arguments, kernel):
    """The float arguments of a call that are arrays of the dtype of the call."""
    return [a for a in SIGNATURES[kernel].arrays if a.dtype == "real" and arguments[a.name] is not None]


def with_subnormals(arguments, kernel, seed):
    """Make some elements of what a call reads subnormal, and others so small that a product of two is."""
    draw = np.random.default_rng(seed)
    for a in reals(arguments, kernel):
        array = arguments[a.name]
        if a.reads and a.name not in ("var", "running_var"):
            tiny = np.finfo(array.dtype).tiny
            factors = np.array([1, tiny / 8, tiny / 8, np.sqrt(tiny) / 2, tiny], array.dtype)
            array *= factors[draw.integers(0, len(factors), array.shape)]
    return arguments


def zeros_where_they_may_stay(arguments, kernel):
    """Write zeros for the subnormal numbers of results that a kernel copies, or leaves as they were."""
    copied = {"winograd_weights": ("u",)}  # some points of a filter are its own weights
    left = ("w",) if kernel in FUSED_UPDATES else copied.get(kernel, ())  # where all its inputs are zero
    for name in left:
        arguments[name][subnormal(arguments[name])] *= 0  # of the same sign


def check_parts(kernel, isa, fused, holds=None):
    """A fused kernel has the bits of its parts; before that, `holds` of its weights."""
    apart = fused.unpadded()
    TABLES[isa][kernel](*fused.values())
    SEQUENCES[kernel](lambda name, *args: TABLES[isa][name](*args), apart)
    assert holds is None or holds(np.ascontiguousarray(fused["w"]))
    zeros_where_they_may_stay(fused, kernel)
    for a in SIGNATURES[kernel].arrays:
        if fused[a.name] is not None and a.name != "work":
            assert same_bits(np.ascontiguousarray(fused[a.name]), apart[a.name]), a.name


def without_activation(kernel):
    return {"kind": int(Activation.IDENTITY)} if "kind" in {a.name for a in SIGNATURES[kernel].scalars} else {}


@pytest.mark.parametrize("isa", TABLES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", FLUSHING)
@given(data=st.data(), seed=seeds)
def test_they_are_taken_and_written_as_zeros(kernel, dtype, isa, data, seed):
    arguments = make(kernel, data.draw(dims_of(kernel)), dtype, seed, **without_activation(kernel))
    arguments = with_subnormals(arguments, kernel, seed)
    flushed = arguments.copy()
    for a in reals(flushed, kernel):
        flushed[a.name][subnormal(flushed[a.name])] = 0
    for each in (arguments, flushed):
        TABLES[isa][kernel](*each.values())
        zeros_where_they_may_stay(each, kernel)
    for a in reals(arguments, kernel):
        if a.writes and a.name != "work" and "running" not in a.name:
            np.testing.assert_array_equal(arguments[a.name], flushed[a.name], err_msg=a.name)
            if a.name not in ("mean", "var"):  # statistics are taken with subnormal numbers, of results without
                assert not subnormal(arguments[a.name]).any(), a.name


BOUNDED = ("affine_forward", "affine_backward_input", "affine_backward_weight", "conv_forward", "conv_backward_input")
BOUNDED += (
    "conv_backward_weight",
    "softmax_forward",
    "softmax_backward",
    "log_softmax_forward",
    "log_softmax_backward",
)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", BOUNDED)
@given(data=st.data(), seed=seeds)
def test_results_are_within_the_bounds(kernel, dtype, backend, data, seed):
    arguments = make(kernel, data.draw(dims_of(kernel)), dtype, seed, **without_activation(kernel))
    check(kernel, backend, with_subnormals(arguments, kernel, seed), dtype)


@pytest.mark.parametrize("isa", TABLES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", [k for k in SEQUENCES if k in FLUSHING])
@given(data=st.data(), seed=seeds)
def test_a_fused_kernel_has_the_bits_of_its_parts_where_numbers_are_subnormal(kernel, dtype, isa, data, seed):
    check_parts(kernel, isa, with_subnormals(make(kernel, data.draw(dims_of(kernel)), dtype, seed), kernel, seed))


@pytest.mark.parametrize("isa", TABLES)
@pytest.mark.parametrize("seed", [29, 624171979])
def test_weights_of_inputs_that_are_zero_may_stay_subnormal_and_are_the_only_ones(isa, seed):
    kernel = "affine_backward_update_nchw16n"
    fused = with_subnormals(make(kernel, {"n": 1, "d": 64, "m": 128, "g": 1}, np.float32, seed), kernel, seed)
    unused = (np.abs(fused["x"]) < np.finfo(np.float32).tiny).all(axis=0)
    check_parts(kernel, isa, fused, lambda w: subnormal(w[~unused]).sum() == 0 and subnormal(w[unused]).any())


@pytest.mark.parametrize("isa", TABLES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_threads_of_a_call_do_so(dtype, isa):
    tiny = np.finfo(dtype).tiny
    x, w = np.full((256, 300), tiny / 4, dtype), np.full((300, 256), 2, dtype)
    before = fastnn.get_num_threads()
    try:
        for threads in (1, 4):
            fastnn.set_num_threads(threads)
            out = np.empty((256, 256), dtype)
            TABLES[isa]["affine_forward"](x, w, None, out)
            assert not out.any()
            for kind, alpha in ((Activation.LEAKY_RELU, 0.25), (Activation.IDENTITY, 0.0)):
                large = np.full(1 << 18, -tiny, dtype)
                TABLES[isa]["activation_forward"](large, large, int(kind), alpha)
                assert (large == (-tiny / 4 if alpha else -tiny)).all()
    finally:
        fastnn.set_num_threads(before)


@pytest.mark.parametrize("isa", TABLES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_elementwise_kernels_compute_with_them(dtype, isa):
    tiny = np.finfo(dtype).tiny
    x = np.array([tiny / 2, -tiny / 8, tiny, 3 * tiny / 2, 1] * 9, dtype)
    out = np.empty_like(x)
    TABLES[isa]["add"](x, x, out)
    np.testing.assert_array_equal(out, 2 * x)
    TABLES[isa]["activation_forward"](x, out, int(Activation.LEAKY_RELU), 0.5)
    np.testing.assert_array_equal(out, np.where(x > 0, x, x / 2))


def test_inputs_are_scaled_before_they_are_taken_as_zeros():
    """The rows of the next step are gathered while a product of this one runs, which must not change their values."""
    draw = np.random.default_rng(0)
    y, x = draw.integers(0, 3, 4096), (draw.standard_normal((4096, 800)) * 1e-38).astype("f4")
    found = []
    for compile in (True, False):
        model = fastnn.Sequential([BatchNorm(), Dense(64), Dense(3)], input_shape=(800,), seed=1, input_scale=1e38)
        fastnn.Trainer(model, batch_size=64, epochs=1, progress=False, compile=compile).fit(x, y)
        found.append(model.params)
    np.testing.assert_array_equal(*found)
    (variances,) = (value for name, value in model.state.items() if name.endswith("running_var"))
    np.testing.assert_allclose(variances, 1, atol=0.3)


MODE = """
import threading
import numpy as np

def computes_with_subnormals():
    return bool(np.float32(1e-40) * np.float32(0.5) > 0)

import fastnn
from fastnn import functional as F
x = np.full((200, 200), 1e-39, "f4")
assert computes_with_subnormals()
F.affine_forward(x, x, x[0])
fastnn.Sequential([fastnn.layers.Dense(3)], input_shape=(200,)).forward(x)
try:
    F.affine_forward(x, x[:5], x[0])
except ValueError:
    pass
assert computes_with_subnormals()
print("done")
"""


def test_the_mode_of_the_process_stays_as_it_is():
    assert output_of(MODE).endswith("done")


def test_the_mode_of_the_process_changes_no_bit():
    torch = pytest.importorskip("torch")
    x = np.full((40, 40), 1e-39, "f4")
    w = np.random.default_rng(0).standard_normal((40, 40), np.float32)
    found = []

    def compute():
        out, active = np.empty_like(x), np.empty_like(x)
        kernels.get("affine_forward", "native")(x, w, None, out)
        kernels.get("activation_forward", "native")(x, active, int(Activation.LEAKY_RELU), 0.5)
        found.append([out, active])

    def flushing():
        if torch.set_flush_denormal(True):
            compute()
            assert np.float32(1e-40) * np.float32(0.5) == 0  # as it was

    compute()
    worker = threading.Thread(target=flushing)
    worker.start()
    worker.join()
    for other in found[1:]:
        assert all(map(same_bits, found[0], other))
