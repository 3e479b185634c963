"""The floor of a row is what its kernel calls must do, counted by hand."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest
from trainings import needs_native

from bench import floor, peers, workloads
from bench.floor import Call

LIMITS = {"fma_gflops": 200.0, "read_gbs": 40.0, "update_gbs": 50.0}


def work_of(key: str, **changes: object) -> list[Call]:
    """What fastnn says that a step of a row must do."""
    workload = dataclasses.replace(workloads.find(key), **changes)
    ours = peers.load("fastnn")
    runner = ours.prepare(workload, ours.settings(workload, 1)[0])
    runner.check()
    return runner.work()


def sum_of(work: list[Call], name: str) -> int:
    return sum(call.times * getattr(call, name) for call in work)


@needs_native
class TestCounts:
    def test_a_dense_step(self):
        work = work_of("dense-b8", rows=400)
        # two layers forward, two weight gradients, one input gradient
        assert sum_of(work, "multiply_adds") == 8 * (2 * (784 * 200 + 200 * 10) + 200 * 10)
        rows = {call.kernel: call.rows for call in work if call.rows}
        # images once, although the weight gradient reads them again, and labels
        assert rows == {"affine_forward": 8 * 784 * 4, "gather_labels": 8 * 8}
        first = next(call for call in work if call.multiply_adds == 8 * 784 * 200)
        assert first.read >= 784 * 200 * 4 + 200 * 4
        assert first.written == 8 * 200 * 4

    def test_a_convolution_without_its_padding_and_its_empty_lanes(self):
        # LeNet-5 with 20 images: two groups of 16 lanes, of which 12 are empty
        work = work_of("lenet-b128", batch=20, rows=100)
        conv1, conv2 = 6 * 24 * 24 * 25, 16 * 6 * 8 * 8 * 25
        dense = 256 * 120 + 120 * 84 + 84 * 10
        assert sum_of(work, "multiply_adds") == 20 * (2 * conv1 + 3 * conv2 + 3 * dense)

    def test_taps_on_the_padding_do_not_count(self):
        work = work_of("conv-1-grad")
        # one axis of 28 with a padded border: 28 taps in the middle of three, 27 at either side
        assert sum_of(work, "multiply_adds") == 3 * 32 * 32 * (28 + 27 + 27) ** 2

    def test_winograd_counts_as_the_direct_algorithm(self):
        direct = sum_of(work_of("conv-32-direct"), "multiply_adds")
        assert direct == 32 * 64 * 32 * 82**2
        assert sum_of(work_of("conv-32"), "multiply_adds") == direct

    def test_predictions_in_blocks_with_a_rest(self):
        work = work_of("predict-10000", rows=1000, batch=600)
        assert [call.times for call in work if call.multiply_adds][:1] == [2]
        assert sum_of(work, "multiply_adds") == 600 * (784 * 200 + 200 * 10)
        assert sum_of(work, "rows") == 600 * 784 * 4

    @pytest.mark.parametrize("key", ["linear-b128", "tanh-b60", "gemm-200"])
    def test_without_padding_the_count_is_that_of_the_workload(self, key):
        assert 2 * sum_of(work_of(key), "multiply_adds") == workloads.find(key).flops


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((5, 5, 3, 1, 1, 1), 13), ((5, 3, 3, 1, 0, 1), 9), ((7, 3, 3, 2, 0, 1), 9), ((5, 5, 3, 1, 2, 2), 11)],
)
def test_pairs_of_outputs_and_taps_inside_of_an_image(shape, expected):
    assert floor.taps_inside(*shape) == expected
    inputs, outputs, taps, stride, pad, dilation = shape
    inside = [o * stride + t * dilation - pad in range(inputs) for o, t in product(range(outputs), range(taps))]
    assert sum(inside) == expected


class TestTime:
    def test_of_multiply_adds(self):
        call = Call("affine_forward", 10**9, 0, 10**6, 10**6)
        assert floor.seconds(call, LIMITS, 0, 0) == pytest.approx(2 / 200)

    def test_of_reading_what_caches_cannot_hold(self):
        call = Call("update", 0, 0, 50 * 10**6, 0)
        assert floor.seconds(call, LIMITS, 10 * 10**6, 0) == pytest.approx(40 / 40e3)
        assert floor.seconds(call, LIMITS, 60 * 10**6, 0) == 0

    def test_of_reading_and_writing(self):
        call = Call("update", 0, 0, 50 * 10**6, 30 * 10**6)
        assert floor.seconds(call, LIMITS, 10 * 10**6, 0) == pytest.approx((40 + 20) / 50e3)

    def test_rows_of_a_data_set_that_caches_cannot_hold(self):
        call = Call("gather_rows", 0, 8 * 10**6, 0, 0)
        assert floor.seconds(call, LIMITS, 10**7, 4 * 10**7) == pytest.approx(6 / 40e3)
        assert floor.seconds(call, LIMITS, 10**7, 10**7) == 0

    def test_the_larger_counts_in_each_call_and_calls_add_up(self):
        products, moves = Call("a", 10**9, 0, 10**6, 0), Call("b", 0, 0, 4 * 10**6, 0, times=3)
        assert floor.floor([products, moves], LIMITS, 0, 0) == pytest.approx(0.01 + 3e-4)
