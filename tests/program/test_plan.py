"""In the arena, arrays that are alive at the same time do not overlap, and the memory of dead ones is reused."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import OPTIMIZERS, fit, mlp, needs_native, samples

from fastnn.kernels.layout import LINE_BYTES
from fastnn.program.plan import apart_bytes, lifetimes, plan
from fastnn.program.record import Buffer, Operation, Recorder


def copy(source, out):
    return Operation("activation_forward", (source, out, 0, 0.0))


@st.composite
def programs(draw):
    """Operations that read some earlier buffer and write a new or an earlier one, whole or reshaped."""
    sizes = draw(st.lists(st.integers(1, 3000), min_size=1, max_size=12))
    dtypes = draw(st.lists(st.sampled_from(["float32", "float64", "int64"]), min_size=len(sizes), max_size=len(sizes)))
    buffers = [Buffer((n,), np.dtype(d)) for n, d in zip(sizes, dtypes, strict=True)]
    pick = st.sampled_from(buffers)
    operations = []
    for _ in range(draw(st.integers(1, 25))):
        source, out = draw(pick), draw(pick)
        if draw(st.booleans()):
            source = source.reshape(1, -1)
        operations.append(copy(source, out))
    return operations


LARGE = 1 << 24
apart = st.sampled_from([0, 5000, LARGE])


def overlap(a, b):
    return a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes


@given(programs(), apart)
def test_arrays_that_are_alive_together_do_not_overlap(operations, most_apart):
    places, total = plan(operations, most_apart=most_apart)
    used = {value.root for op in operations for _, value in op.arrays()}
    assert set(places) == used
    for buffer, place in places.items():
        touched = [i for i, op in enumerate(operations) if op.reads(buffer) or op.writes(buffer)]
        assert (place.first, place.last) == (touched[0], touched[-1])
        assert place.offset % LINE_BYTES == 0
        assert buffer.nbytes <= place.nbytes < buffer.nbytes + LINE_BYTES
        assert 0 <= place.offset <= total - place.nbytes
        for other, there in places.items():
            together = place.first <= there.last and there.first <= place.last
            assert other is buffer or not (together and overlap(place, there))
    assert total == max(p.offset + p.nbytes for p in places.values())


@given(programs())
def test_in_a_small_arena_arrays_share_memory_with_arrays_of_their_size_alone(operations):
    places, total = plan(operations, most_apart=LARGE)
    assert total <= LARGE
    for a in places.values():
        assert all((a.offset, a.nbytes) == (b.offset, b.nbytes) or not overlap(a, b) for b in places.values())


@given(programs(), apart)
def test_the_arena_is_between_the_size_of_what_is_alive_at_once_and_of_everything(operations, most_apart):
    places, total = plan(operations, most_apart=most_apart)
    alive = [sum(p.nbytes for p in places.values() if p.first <= i <= p.last) for i in range(len(operations))]
    assert max(alive) <= total <= sum(p.nbytes for p in places.values())


@given(programs(), apart, st.data())
def test_a_double_buffered_array_has_memory_for_two_during_the_whole_step(operations, most_apart, data):
    twice = data.draw(st.sampled_from(sorted(plan(operations)[0], key=lambda b: b.nbytes)))
    places, total = plan(operations, twice, most_apart)
    place = places[twice]
    assert (place.first, place.last) == (0, len(operations) - 1)
    assert 2 * twice.nbytes <= place.nbytes < 2 * (twice.nbytes + LINE_BYTES)
    assert place.offset + place.nbytes <= total
    assert not any(overlap(place, other) for buffer, other in places.items() if buffer is not twice)


def test_sizes_are_apart_where_there_are_blocks_of_images():
    a, b = (Buffer((16,), np.dtype("float32")) for _ in range(2))
    assert apart_bytes([copy(a, b)]) == 0
    assert apart_bytes([copy(a, b), Operation("batch_norm_apply_nchw16n", (a, b))]) > 0


def test_a_chain_needs_memory_for_two_arrays():
    buffers = [Buffer((64,), np.dtype("float32")) for _ in range(20)]
    _, total = plan([copy(a, b) for a, b in pairwise(buffers)])
    assert total == 2 * 256


def test_a_reshape_keeps_its_buffer_alive():
    a, b, c, d = (Buffer((16,), np.dtype("float32")) for _ in range(4))
    operations = [copy(a, b), copy(b, c), copy(c, d), copy(a.reshape(4, 4), d)]
    assert lifetimes(operations)[a] == (0, 3)


def test_streams_and_arrays_from_outside_have_no_place():
    ops = Recorder("float32")
    rows, out = ops.stream((4, 2), "float32"), ops.empty((4, 2))
    operations = [copy(rows, out), copy(out, np.zeros((4, 2), "f4")), copy(rows.reshape(8), out)]
    places, total = plan(operations)
    assert set(places) == {out}
    assert total == 64
    assert plan([]) == ({}, 0)


@needs_native
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_places_of_a_real_step_do_not_overlap(optimizer):
    x, y = samples(64, 30, 3)
    trainer = fit(mlp(30, 50, 40, 20, 3), x, y, optimizer=OPTIMIZERS[optimizer](), batch_size=64, epochs=1)
    ((program, times),) = trainer.run.session.programs
    assert times == 1
    places = list(program.places.values())
    for i, a in enumerate(places):
        for b in places[:i]:
            together = a.first <= b.last and b.first <= a.last
            assert not (together and overlap(a, b))
    assert program.arena_bytes < sum(p.nbytes for p in places)
