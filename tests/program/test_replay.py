"""The replay loop reads and writes the right rows in each step, returns in time, and needs no memory."""

import json
import time

import numpy as np
import pytest
from trainings import needs_native, output_of

from fastnn.program.compiled import Compiled, _native, record, replay

pytestmark = needs_native


def scaled_copy(scale):
    """A step that copies one row of stream 0, times `scale`, to one row of stream 1, through a buffer."""

    def step(ops):
        source, out = ops.stream((1, 3), "float32"), ops.stream((1, 3), "float64")
        between = ops.empty((1, 3))
        ops.gather_rows(source, None, between, scale)
        ops.gather_rows(between, None, out, 1.0)

    return Compiled(record(step, np.dtype("float64")))


@pytest.fixture
def rows():
    return np.arange(30, dtype=np.float32).reshape(10, 3), np.full((10, 3), -1.0)


def test_streams_move_by_one_row_in_each_step(rows):
    source, out = rows
    assert scaled_copy(2.0).run((source, out), 0, 10) == 10
    np.testing.assert_array_equal(out, 2 * source)


def test_only_the_given_steps_are_run(rows):
    source, out = rows
    assert scaled_copy(2.0).run((source, out), 3, 4) == 4
    np.testing.assert_array_equal(out[3:7], 2 * source[3:7])
    assert (out[:3] == -1).all()
    assert (out[7:] == -1).all()
    assert scaled_copy(2.0).run((source, out), 9, 0) == 0


@pytest.mark.parametrize("kernel", ["gather_rows", "gather_nchw16n"])
@pytest.mark.parametrize(("rows", "width"), [(5, 3), (70, 3000), (70, 3001)])
@pytest.mark.parametrize(("dtype", "scale"), [("f4", 1.0), ("f4", 0.5), ("u1", 0.25), ("f8", 1.0), ("i2", 2.0)])
def test_rows_are_gathered_by_an_index_that_is_a_stream(kernel, rows, width, dtype, scale):
    """Those of the next step are gathered while a step computes, except after the last step."""
    source = np.random.default_rng(0).integers(100, size=(97, width)).astype(dtype)
    weight = np.eye(width, 20, dtype=np.float32)

    def step(ops):
        index, out = ops.stream((rows,), np.int64), ops.stream((rows, 20), "float32")
        x = ops.empty((rows, width))
        if kernel == "gather_nchw16n":
            inner = ops.empty((-(-rows // 16), width, 16))
            ops.gather_nchw16n(source, index, inner, scale)
            ops.nchw16n_to_rows(inner, x)
        else:
            ops.gather_rows(source, index, x, scale)
        ops.affine_forward(x, weight, None, out)

    program = Compiled(record(step, np.dtype("float32")))
    index = np.random.default_rng(1).integers(len(source), size=(9, rows))
    out = np.zeros((9, rows, 20), np.float32)
    assert program.run((index, out), 0, 4) == 4
    assert program.run((index, out), 4, 5) == 5
    np.testing.assert_array_equal(out, (scale * source @ weight)[index])


def test_an_index_that_is_no_stream_is_refused():
    with pytest.raises(ValueError, match="Program: there is no stream argument 1 to gather by"):
        _native.Program([], [], 1)


def test_it_returns_after_the_first_value_that_is_not_finite():
    def step(ops):
        x, loss = ops.stream((1, 2), "float64"), ops.stream((1,), "float64")
        ops.squared_error(x, np.zeros((1, 2)), None, loss, None, 1.0)

    program = Compiled(record(step, np.dtype("float64")))
    x = np.ones((20, 2))
    for bad in (np.nan, np.inf, -np.inf):
        x[7, 1] = bad
        loss = np.zeros(20)
        assert program.run((x, loss), 2, 18, watch=loss) == 6
        np.testing.assert_array_equal(loss[2:7], 2.0)
        assert not np.isfinite(loss[7])
        assert (loss[8:] == 0).all()
        assert program.run((x, loss), 2, 18) == 18


def test_it_returns_when_the_time_is_over(rows):
    program = scaled_copy(1.0)
    many = np.zeros((2_000_000, 3), np.float32), np.zeros((2_000_000, 3))
    assert program.run(many, 0, len(many[0]), seconds=0.0) == 1
    start = time.perf_counter()
    done = program.run(many, 0, len(many[0]), seconds=0.01)
    assert time.perf_counter() - start < 0.5
    assert 1 < done < len(many[0])


def test_too_few_streams_are_refused(rows):
    with pytest.raises(ValueError, match="expected 2 to 16 streams, got 1"):
        scaled_copy(1.0).run(rows[:1], 0, 1)


def test_operations_are_timed_in_some_steps(rows):
    program = scaled_copy(1.0)
    assert np.isnan(program.seconds_per_operation).all()
    program.run(rows, 0, 1)
    assert all(0 < s < 1 for s in program.seconds_per_operation)


def test_two_programs_of_one_recording_do_not_share_memory(rows):
    first, second = scaled_copy(2.0), scaled_copy(3.0)
    source, out = rows
    first.run(rows, 0, 5)
    second.run(rows, 5, 5)
    first.run(rows, 0, 2)
    np.testing.assert_array_equal(out, source * np.array([2.0] * 5 + [3.0] * 5)[:, None])


def test_a_run_of_many_steps_faults_no_page_and_allocates_nothing():
    """In a separate process, page faults and traced bytes do not grow with the number of steps."""
    code = """
import json, resource, tracemalloc
import numpy as np
import fastnn
from fastnn.program.segment import Segment
from fastnn.program.session import CompiledSession
from trainings import mlp, samples
from fastnn import losses, optim
from fastnn.program.step import Problem

fastnn.set_num_threads(2)
x, y = samples(2000, 100, 10)
x = x.astype("float32")
model = mlp(100, 64, 10)
optimizer = optim.Adam()
state = {n: {s: np.zeros_like(p.value) for s in optimizer.slots} for n, p in model.named_parameters.items()}
session = CompiledSession(Problem(model, losses.get("softmax_cross_entropy"), optimizer, state, x, y), 20, False)
session.load()
rng = np.random.default_rng(0)
(epoch,) = Segment.several([rng.integers(0, 2000, (3000, 20))], 0)
epoch.loss[...] = epoch.correct[...] = epoch.rate[...] = 1e-3  # so that its pages are mapped
session.run(epoch, 0, 100, 1e9)
found = {}
for first, count in ((100, 20), (200, 2500)):
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    assert session.run(epoch, first, count, 1e9) == count
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    found[count] = (faults, tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
print(json.dumps(found))
"""
    found = json.loads(output_of(code))
    assert found["2500"][0] <= found["20"][0] + 20
    assert found["2500"][1] <= found["20"][1] + 1024


def test_parts_run_in_turn():
    source, out = np.arange(30, dtype=np.float32).reshape(10, 3), np.full((10, 3), -1.0)
    parts = [(scaled_copy(2.0), (source[:4], out[:4]), 4, None), (scaled_copy(3.0), (source[4:], out[4:]), 5, None)]
    done, seconds = replay(parts, 1e9)
    assert done == 9
    assert all(0 < s < 1 for s in seconds)
    np.testing.assert_array_equal(out[:9], source[:9] * np.repeat([2.0, 3.0], [4, 5])[:, None])
    assert (out[9] == -1).all()


def test_with_no_time_one_step_of_the_parts_is_done(rows):
    source, out = rows
    program = scaled_copy(2.0)
    assert replay([(program, (source, out), 4, None)] * 2, 0.0)[0] == 1
    assert replay([], 0.0) == (0, [])


@pytest.mark.parametrize("bad", [0, 3])  # in the middle of a part and at its end
def test_parts_end_after_the_first_value_that_is_not_finite(rows, bad):
    source, out = rows
    watch = np.zeros(4)
    watch[bad] = np.nan
    program = scaled_copy(2.0)
    assert replay([(program, (source, out), 4, watch), (program, (source, out), 4, None)], 1e9)[0] == bad + 1
