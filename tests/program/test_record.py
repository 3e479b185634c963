"""Recording a step: the calls, their stand-ins, and what is refused."""

import numpy as np
import pytest

from fastnn.program.record import Buffer, NotRecordableError, Operation, Recorder, Stream, same_memory

F32, F64 = np.dtype("float32"), np.dtype("float64")


@pytest.fixture
def ops():
    return Recorder("float32")


def test_calls_are_recorded_in_order_with_their_arguments(ops):
    x, w, b = np.ones((2, 3), F32), np.ones((3, 4), F32), np.ones(4, F32)
    out = ops.empty((2, 4))
    ops.affine_forward(x, w, b, out)
    ops.activation_forward(out, out, 1, 0.0)
    first, second = ops.operations
    assert (first.kernel, second.kernel) == ("affine_forward", "activation_forward")
    assert all(got is given for got, given in zip(first.arguments, (x, w, b, out), strict=False))
    assert first.arguments[4:] == (0, 0.0, 0)  # the scalars that the call omitted
    assert second.arguments[2:] == (1, 0.0)


def test_nothing_is_computed(ops):
    w = np.ones((3, 4), F32)
    ops.update(w, None, None, np.ones((3, 4), F32), np.ones(1), np.ones(1, np.int64), 0, 0.0)
    assert (w == 1).all()


def test_empty_has_the_dtype_of_the_model_by_default(ops):
    assert (ops.empty((2, 3)).shape, ops.empty((2,)).dtype) == ((2, 3), F32)
    assert ops.empty((2,), "int64").dtype == np.int64
    assert Recorder("float64").empty((1,)).dtype == F64


def test_a_buffer_has_sizes():
    buffer = Buffer((5, 3, 2), F64)
    assert (buffer.size, buffer.nbytes, len(buffer), buffer.ndim) == (30, 240, 5, 3)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [(((6, 5),), (6, 5)), ((6, 5), (6, 5)), ((5, -1), (5, 6)), ((-1,), (30,)), (((5, -1, 2),), (5, 3, 2))],
)
def test_reshape_is_the_same_memory(shape, expected):
    buffer = Buffer((5, 3, 2), F64)
    other = buffer.reshape(*shape)
    assert (other.shape, other.dtype) == (expected, F64)
    assert other.root is buffer
    assert other.reshape(30).root is buffer
    assert same_memory(other, buffer)


@pytest.mark.parametrize("shape", [(7,), (4, -1), (-1, -1), (0, -1), (-30,)])
def test_reshape_to_another_size_is_refused(shape):
    with pytest.raises(ValueError, match="does not hold as many elements"):
        Buffer((5, 6), F64).reshape(*shape)


def test_streams_are_numbered_and_know_their_stride(ops):
    rows, loss = ops.stream((8, 3), "float32"), ops.stream((1,), np.float64)
    apart = ops.stream((2, 2), np.int64, stride=256)
    assert [s.index for s in (rows, loss, apart)] == [0, 1, 2]
    assert [s.stride for s in (rows, loss, apart)] == [96, 8, 256]
    assert ops.streams == 3
    assert isinstance(rows.reshape((24,)).root, Stream)


def test_same_memory_is_that_of_the_same_root():
    a, b = Buffer((4,), F32), Buffer((4,), F32)
    flat = np.zeros(10)
    assert same_memory(a, a.reshape((2, 2)))
    assert not same_memory(a, b)
    assert same_memory(flat, flat)
    assert same_memory(flat[:6], flat[5:])
    assert not same_memory(flat[:5], flat[5:])
    assert not same_memory(a, flat)
    assert not same_memory(None, a)
    assert not same_memory(None, None)


def test_reads_and_writes_follow_the_signature():
    x, w, out = Buffer((2, 3), F32), np.zeros((3, 4), F32), Buffer((2, 4), F32)
    forward = Operation("affine_forward", (x, w, None, out, 0, 0.0, 0))
    assert [forward.reads(a) for a in (x, w, out)] == [True, True, False]
    assert [forward.writes(a) for a in (x, w, out)] == [False, False, True]
    update = Operation.of(
        "update", w=w, m=None, v=None, dw=np.zeros((3, 4), F32), rate=np.zeros(1), t=np.ones(1, "i8"), rule=0, decay=0.0
    )
    assert update.reads(w)
    assert update.writes(w)
    assert [a.name for a, _ in forward.arrays()] == ["x", "w", "out"]


def test_an_unknown_kernel_is_an_attribute_error(ops):
    with pytest.raises(AttributeError, match="no kernel is called 'convolve'"):
        ops.convolve()


def test_an_argument_that_is_no_array_cannot_be_recorded(ops):
    with pytest.raises(NotRecordableError, match="affine_forward: x is a list"):
        ops.affine_forward([[1.0]], np.zeros((1, 1)), None, ops.empty((1, 1)))


# what a layer that is written for arrays may do; each of these must lead to the layer-by-layer path
USES = {
    "x * 2": lambda x: x * 2,
    "2 - x": lambda x: 2 - x,
    "x / x": lambda x: x / x,
    "-x": lambda x: -x,
    "x @ w": lambda x: x @ np.ones((3, 2)),
    "w @ x": lambda x: np.ones((2, 4)) @ x,
    "w * x": lambda x: np.ones((4, 3)) * x,
    "w += x": lambda x: np.ones((4, 3)).__iadd__(x),
    "x > 0": lambda x: x > 0,
    "x == 0": lambda x: x == 0,
    "x != 0": lambda x: x != 0,
    "x ** 2": lambda x: x**2,
    "abs": abs,
    "x[0]": lambda x: x[0],
    "x[:, 0] = 1": lambda x: x.__setitem__((slice(None), 0), 1),
    "x.T": lambda x: x.T,
    "x.sum()": lambda x: x.sum(axis=1),
    "x.astype": lambda x: x.astype("float64"),
    "x.copy": lambda x: x.copy(),
    "np.maximum": lambda x: np.maximum(x, 0),
    "np.exp": np.exp,
    "np.sum": np.sum,
    "np.where": lambda x: np.where(x, 1, 0),
    "np.concatenate": lambda x: np.concatenate([x, x]),
    "np.empty_like": np.empty_like,
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.einsum": lambda x: np.einsum("ij->i", x),
    "iteration": list,
    "if x": bool,
    "float": float,
    "w[...] = x": lambda x: np.ones((4, 3)).__setitem__(..., x),
}


@pytest.mark.parametrize("use", USES)
def test_arithmetic_on_a_stand_in_cannot_be_recorded(use):
    with pytest.raises(NotRecordableError, match="no data yet"):
        USES[use](Buffer((4, 3), F32))


def test_stand_ins_are_keys_by_identity():
    a, b = Buffer((4,), F32), Buffer((4,), F32)
    assert {a: 1, b: 2}[b] == 2
    assert "Buffer((4,), float32)" in repr(a)
