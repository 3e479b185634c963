"""More threads never make a step longer, as far as that can be counted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from trainings import needs_native

from bench import pool_model

pytestmark = needs_native
ROWS = pool_model.dense_rows()


@pytest.mark.parametrize("workload", ROWS, ids=[w.key for w in ROWS])
def test_a_step_is_not_longer_on_more_threads(workload):
    work = pool_model.work_of(workload)
    assert any(call.multiply_adds for call in work)
    # When two threads are worth using is fixed, as measured where a transfer takes about 100.
    for transfer in (50, 100, 200):
        times = [pool_model.step(work, threads, transfer) for threads in range(1, pool_model.MOST + 1)]
        longer = [(i + 1, a, b) for i, (a, b) in enumerate(pairwise(times)) if b > a * (1 + 1e-12)]
        assert longer == [], transfer


def test_threads_in_groups_exchange_fewer_lines():
    counts = range(2, pool_model.MOST + 1)
    grouped, flat = ([f(n) for n in counts] for f in (pool_model.transfers, pool_model.transfers_without_groups))
    assert all(one <= other for one, other in zip(grouped, flat, strict=True))
    assert grouped[-1] < flat[-1] / 7
    assert grouped == sorted(grouped)
