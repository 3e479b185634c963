"""Collects the bench files only if pytest is run with `--benchmark-only`, and of each the typical sizes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.environment import refuse_handicaps
from bench.probe import measure, processor
from fastnn import get_num_threads
from fastnn.kernels import available_backends, backend_of, get, use_backend

Kernel = Callable[..., None]
SIZES = ("shape", "size", "name")  # the parameters of benchmarks that are sizes


def _asked(config: pytest.Config) -> bool:
    return bool(config.getoption("benchmark_only", default=False))


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run if the environment slows NumPy down."""
    if _asked(config):
        try:
            refuse_handicaps(os.environ)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        # A backend that lacks a kernel is no news: without this, the table is followed by a line for each of them.
        config.option.reportchars = config.option.reportchars.replace("a", "fExX").replace("s", "")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore bench files without `--benchmark-only`."""
    if collection_path.name.startswith("bench_") and not _asked(config):
        return True
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that asks for every size."""
    parser.addoption("--all-sizes", action="store_true", help="benchmarks: every size, not the typical ones alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the sizes that are not in the TYPICAL of their file, unless all are wanted."""
    if not _asked(config) or config.getoption("all_sizes"):
        return
    left_out = [item for item in items if not _is_typical(item)]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)


def _is_typical(item: pytest.Item) -> bool:
    typical = getattr(getattr(item, "module", None), "TYPICAL", None)
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return typical is None or all(parameters[name] in typical for name in SIZES if name in parameters)


@pytest.fixture(scope="session")
def machine_probe() -> dict[str, Any]:
    """The processor, and its FMA peak and memory bandwidth with the threads in use."""
    found = measure(get_num_threads())
    return {"processor": processor(), "threads": found.threads, "fma_gflops": round(found.fma_gflops, 1),
            "read_gbs": round(found.read_gbs, 1), "update_gbs": round(found.update_gbs, 1),
            "source": found.source}  # fmt: skip


@pytest.fixture(params=available_backends())
def backend(request: pytest.FixtureRequest) -> str:
    """Every backend of this installation."""
    return str(request.param)


@pytest.fixture
def kernel(backend: str) -> Callable[[str], Kernel]:
    """Returns a kernel by name; skips the test if the backend would use that of another."""

    def find(name: str) -> Kernel:
        with use_backend(backend):
            if backend_of(name) != backend:
                pytest.skip(f"{backend} has no {name} of its own")
        return get(name, backend=backend)

    return find


@pytest.fixture
def timed(benchmark: Any, kernel: Callable[[str], Kernel], machine_probe: dict[str, Any]) -> Callable[..., None]:
    """Returns `timed(name, case, *args, flops=0, traffic=0)`, which benchmarks a kernel in the group of its case.

    A group lists the backends below each other, so that their ratio can be read off.
    """

    def run(name: str, case: str, *args: Any, flops: float = 0, traffic: float = 0) -> None:
        call = kernel(name)
        call(*args)
        benchmark.group = f"{name} {case}"
        benchmark.extra_info["machine"] = machine_probe
        benchmark(call, *args)
        if benchmark.stats is None:  # with --benchmark-disable
            return
        seconds = benchmark.stats.stats.median
        if flops:
            gflops = flops / seconds / 1e9
            benchmark.extra_info["gflops"] = round(gflops, 2)
            benchmark.extra_info["share_of_fma_peak"] = round(gflops / machine_probe["fma_gflops"], 3)
        if traffic:
            benchmark.extra_info["gbs"] = round(traffic / seconds / 1e9, 2)

    return run
