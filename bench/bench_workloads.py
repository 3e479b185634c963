"""Training steps of the small workloads, compiled and layer by layer, on every backend.

A run is one epoch of STEPS steps through `Trainer.fit`; `extra_info` has the time per step.
"""

from __future__ import annotations

from typing import Any

import pytest

from bench.peers import base, fastnn_peer
from bench.workloads import WORKLOADS, Workload
from fastnn import Trainer, use_backend

STEPS = 200
SMALL = [w for w in WORKLOADS if w.kind == "train" and w.flops < 1e8 and not w.full_batch and w.data == "random"]


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "layer by layer"])
@pytest.mark.parametrize("workload", SMALL, ids=[w.key for w in SMALL])
def test_steps(benchmark: Any, backend: str, machine_probe: dict[str, Any], workload: Workload, compiled: bool) -> None:
    x, y = base.training_data(workload)
    rows = slice(0, STEPS * workload.batch)
    with use_backend(backend):
        model = fastnn_peer.network(workload)
        trainer = Trainer(
            model, optimizer=fastnn_peer.optimizer(workload), batch_size=workload.batch, epochs=1,
            compile=compiled, progress=False,
        )  # fmt: skip
        benchmark.group = f"{STEPS} steps of {workload.title}"
        benchmark.extra_info["machine"] = machine_probe
        benchmark.pedantic(trainer.fit, args=(x[rows], y[rows]), rounds=7, warmup_rounds=1)
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_step"] = round(benchmark.stats.stats.median / STEPS * 1e6, 2)
