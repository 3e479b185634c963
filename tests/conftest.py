"""Settings that hold for every test, and what they share."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings

# processes that tests start get the fastnn under test, not the uncompiled source tree around the working directory
os.environ["PYTHONSAFEPATH"] = "1"

settings.register_profile("dev", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True)
# for who asks whether a test fails, not at what: the search for a smaller example takes minutes
settings.register_profile("unshrunk", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
settings.register_profile("deep", settings.get_profile("dev"), max_examples=60)
settings.register_profile("campaign", settings.get_profile("dev"), max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_configure() -> None:
    """Let processes that tests start have Ctrl-C, also where what started the tests ignores it, as nohup may."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave the tests out of a run of the benchmarks, which would only list them as skipped."""
    return True if config.getoption("benchmark_only", default=False) else None


@pytest.fixture
def amx() -> Iterator[None]:
    """The kernels of AMX: their instructions where the processor has them, or the functions that stand for these."""
    from fastnn.environment import ISA
    from fastnn.kernels import backend

    if backend.current_backend() != "native":
        pytest.skip(f"the backend is {backend.current_backend()}, which has no other precision")
    backend._own_kernels("native")  # those of the set that the tests run on, which may not be the best one
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ISA, "amx")
        choose_again = (backend.native_isa.cache_clear, backend._native_precisions.cache_clear)
        for forget in choose_again:
            forget()
        if not backend.faster_precisions():
            pytest.skip("the system gives no leave to use AMX")
        yield
    for forget in choose_again:
        forget()
    backend._native.use_tiles("none")


@pytest.fixture(scope="session", autouse=True)
def threads_without_processors() -> None:
    """Threads that were asked for work at once, even if there are fewer processors: so they meet in every order."""
    from fastnn.kernels.threads import _native

    if _native is not None:
        _native.set_processors(8)


@pytest.fixture(autouse=True)
def figures_are_closed() -> Iterator[None]:
    """Figures that a test leaves open are not counted among those of the next one: matplotlib warns of many."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test asks the network for a named data set, nor finds one in the user's cache."""
    from fastnn.data import NAMED_DATASETS

    for name, named in NAMED_DATASETS.items():
        monkeypatch.setitem(NAMED_DATASETS, name, replace(named, mirrors=("http://127.0.0.1:9/",)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
