"""Rows are read in the data set where that is possible, and no bit changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import needs_native

from fastnn.kernels import UpdateRule
from fastnn.program import compiled
from fastnn.program.compiled import Compiled, record
from fastnn.program.fuse_gather import read_in_place
from fastnn.program.record import Recorder

pytestmark = needs_native

STEPS = 3
RATE = np.array([0.5])
COUNT = np.array([7], np.int64)


def operands(rng, dtype, d, m):
    """A source (301, d), and w (d, m) and b (m) with two states each."""
    source = rng.normal(size=(301, d)).astype(dtype)
    w, mw, vw = (np.abs(rng.normal(size=(d, m))).astype(dtype) for _ in range(3))
    b, mb, vb = (np.abs(rng.normal(size=m)).astype(dtype) for _ in range(3))
    return source, [w, mw, vw], [b, mb, vb]


UPDATES = {
    "": lambda w, b: (w[0], b[0], 0.0),
    "sgd": lambda w, b: (w[0], None, None, b[0], None, None, RATE, COUNT, UpdateRule.SGD, 0.0, 0.0),
    "momentum": lambda w, b: (
        *(w[0], None, w[2], b[0], None, b[2], RATE, COUNT),
        *(UpdateRule.MOMENTUM, 0.01, 0.0, 0.9),
    ),
    "adagrad": lambda w, b: (
        *(w[0], None, w[2], b[0], None, b[2], RATE, COUNT),
        *(UpdateRule.ADAGRAD, 0.0, 0.01, 1e-6),
    ),
    "adam": lambda w, b: (*w, *b, RATE, COUNT, UpdateRule.ADAM, 0.0, 0.02, 0.9, 0.99, 1e-6),
    "adamw": lambda w, b: (*w, *b, RATE, COUNT, UpdateRule.ADAMW, 0.01, 0.0, 0.9, 0.99, 1e-6),
}


def step_of(source, n, w, b, update):
    """Gather n rows of `source`, multiply them, and update w and b by a gradient that is made from the result."""
    m = w[0].shape[1]

    def step(ops):
        index, out = ops.stream((n,), np.int64), ops.stream((n, m), w[0].dtype)
        x = ops.empty((n, source.shape[1]))
        ops.gather_rows(source, index, x, 1.0)
        ops.affine_forward(x, w[0], b[0], out)
        dout = ops.empty((n, m))
        ops.gather_rows(out, None, dout, 0.125)
        kernel = "affine_backward_weight_update" if update else "affine_backward_weight"
        getattr(ops, kernel)(x, dout, *UPDATES[update](w, b))

    return step


def run(step, dtype, n, m, index):
    out = np.zeros((STEPS, n, m), dtype)
    program = Compiled(record(step, np.dtype(dtype)))
    assert program.run((index, out), 0, STEPS) == STEPS
    return program, out


@given(
    st.sampled_from(["f4", "f8"]),
    st.sampled_from([1, 4, 12, 13, 40, 131, 301]),
    st.sampled_from([1, 3, 33, 120, 700]),
    st.sampled_from([1, 3, 10, 14, 30, 33, 70]),
    st.sampled_from(sorted(UPDATES)),
)
def test_reading_in_place_changes_no_bit(dtype, n, d, m, update):
    index = np.random.default_rng(n).integers(301, size=(STEPS, n))
    results = []
    for passes in (read_in_place, list):
        source, w, b = operands(np.random.default_rng(d + m), dtype, d, m)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "read_in_place", passes)
            program, out = run(step_of(source, n, w, b, update), dtype, n, m, index)
        first = program.recording.operations[0].kernel
        assert (first == "gather_rows") == (passes is list)
        results.append([out, *w, *b])
    for there, copied in zip(*results, strict=True):
        np.testing.assert_array_equal(there, copied)


@pytest.mark.parametrize("n", [700, 4500])
def test_gradients_that_are_added_up_in_blocks_read_in_place_too(n):
    index = np.random.default_rng(0).integers(5000, size=(2, n))
    results = []
    for passes in (read_in_place, list):
        rng = np.random.default_rng(1)
        source, dout = rng.normal(size=(5000, 40)).astype("f4"), rng.normal(size=(n, 30)).astype("f4")
        dw, db = np.ones((40, 30), np.float32), np.ones(30, np.float32)

        def step(ops, source=source, dout=dout, dw=dw, db=db):
            x = ops.empty((n, 40))
            ops.gather_rows(source, ops.stream((n,), np.int64), x, 1.0)
            ops.affine_backward_weight(x, dout, dw, db, 1.0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "read_in_place", passes)
            program = Compiled(record(step, np.dtype("f4")))
        assert len(program.recording.operations) == (1 if passes is read_in_place else 2)
        assert program.run((index,), 0, 2) == 2
        results.append(dw)
    np.testing.assert_array_equal(*results)


def kernels_of(step, dtype="float32"):
    recorder = Recorder(np.dtype(dtype))
    step(recorder)
    return [op.kernel for op in read_in_place(recorder.operations)]


@pytest.mark.parametrize(
    ("dtype", "scale", "rows", "in_place"),
    [
        ("f4", 1.0, 50, True),
        ("f4", 0.5, 50, False),
        ("u1", 1.0, 50, False),
        ("f8", 1.0, 50, False),
        ("f4", 1.0, 7, False),
    ],
)
def test_only_unscaled_data_of_the_dtype_of_the_step_are_read_in_place(dtype, scale, rows, in_place):
    source, w = np.zeros((rows, 5), dtype), np.zeros((5, 2), np.float32)

    def step(ops):
        x, out = ops.empty((8, 5)), ops.empty((8, 2))
        ops.gather_rows(source, ops.stream((8,), np.int64), x, scale)
        ops.affine_forward(x, w, None, out)

    assert kernels_of(step) == (["affine_forward"] if in_place else ["gather_rows", "affine_forward"])


@pytest.mark.parametrize("other", ["activation", "second argument", "reshaped"])
def test_rows_that_another_kernel_reads_too_are_gathered(other):
    source, w = np.zeros((50, 5), np.float32), np.zeros((5, 5), np.float32)

    def step(ops):
        x, out = ops.empty((5, 5)), ops.empty((5, 5))
        ops.gather_rows(source, ops.stream((5,), np.int64), x, 1.0)
        ops.affine_forward(x, w, None, out)
        if other == "activation":
            ops.activation_forward(x, out, 1, 0.0)
        elif other == "second argument":
            ops.affine_forward(w, x, None, out)
        else:
            ops.affine_forward(x.reshape(1, 25), np.zeros((25, 5), np.float32), None, ops.empty((1, 5)))

    assert kernels_of(step)[0] == "gather_rows"


def test_rows_that_are_the_same_in_every_step_are_not_read_by_an_index():
    source, w = np.zeros((50, 5), np.float32), np.zeros((5, 2), np.float32)

    def step(ops):
        x, out = ops.empty((8, 5)), ops.empty((8, 2))
        ops.gather_rows(source, np.arange(8), x, 1.0)
        ops.affine_forward(x, w, None, out)

    assert kernels_of(step) == ["gather_rows", "affine_forward"]
