"""Ratios of benchmarks are stored and compared by processor; what fell once by chance is not reported."""

from __future__ import annotations

import json

import pytest

from bench import track

BACKENDS = ("native", "numba", "reference")


def report(**speeds: float) -> dict[str, object]:
    """A report in which NumPy takes so many times longer than native, by benchmark."""
    return {
        "datetime": "2026-11-29T12:00:00",
        "benchmarks": [
            {
                "fullname": f"bench/bench_{name}.py::test_forward[{backend}-8x10]",
                "params": {"backend": backend, "shape": [8, 10]},
                "stats": {"median": 1e-6 * {"native": 1.0, "numba": 2.0, "reference": speed}[backend]},
            }
            for name, speed in speeds.items()
            for backend in BACKENDS
        ],
    }


def key(name: str) -> str:
    return f"bench_{name}.py::test_forward[8x10]"


class Runs:
    """Gives one report after the other, and keeps what it was asked to run."""

    def __init__(self, *reports: dict[str, object]) -> None:
        self.reports = list(reports)
        self.asked: list[list[str]] = []

    def __call__(self, arguments):
        self.asked.append(list(arguments))
        return self.reports.pop(0)


def test_a_ratio_is_the_time_of_another_backend_over_that_of_native():
    assert track.ratios(report(loss=12.5)) == {key("loss"): {"numba": 2.0, "reference": 12.5}}


def test_a_benchmark_without_native_has_no_ratio():
    found = report(loss=3.0)
    found["benchmarks"] = found["benchmarks"][1:]
    assert track.ratios(found) == {}


@pytest.mark.parametrize(("now", "falls"), [(8.51, False), (8.49, True), (20.0, False)])
def test_more_than_15_percent_is_a_fall(now, falls):
    assert (key("a") in track.fallen(track.ratios(report(a=10.0)), track.ratios(report(a=now)))) == falls


def test_a_benchmark_that_is_gone_has_not_fallen():
    assert track.fallen(track.ratios(report(a=10.0, b=10.0)), track.ratios(report(a=10.0))) == {}


def test_what_fell_once_of_three_times_is_not_reported_and_only_suspects_run_again():
    runs = Runs(report(a=5.0, b=10.0), report(a=9.9), report(a=10.1))
    assert track.compare(track.ratios(report(a=10.0, b=10.0)), runs, []) == {}
    suspects = [f"bench/bench_a.py::test_forward[{backend}-8x10]" for backend in BACKENDS]
    assert runs.asked == [[], suspects, suspects]


def test_what_fell_twice_of_three_times_is_reported_with_both_numbers():
    runs = Runs(report(a=5.0, b=2.0), report(a=9.9, b=2.0), report(a=5.5))
    found = track.compare(track.ratios(report(a=10.0, b=10.0)), runs, [])
    assert found == {key("a"): "reference ÷ native 10.00 -> 5.00", key("b"): "reference ÷ native 10.00 -> 2.00"}


def test_what_is_stored_is_compared_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(track, "ROOT", tmp_path)
    monkeypatch.setattr(track, "FOLDER", tmp_path / "baselines")
    with pytest.raises(SystemExit, match=r"track: check: nothing is stored .*; expected baselines.*json"):
        track.main(["check"], Runs())
    assert track.main(["store"], Runs(report(a=10.0, b=4.0))) == 0
    assert track.main(["store", "bench/bench_b.py"], Runs(report(b=5.0))) == 0  # keeps the others
    (file,) = (tmp_path / "baselines").iterdir()
    stored = json.loads(file.read_text())
    assert {name: found["reference"] for name, found in stored["ratios"].items()} == {key("a"): 10.0, key("b"): 5.0}
    assert {"processor", "threads", "date", "versions", "command"} <= set(stored)
    assert track.main(["check"], Runs(report(a=10.0, b=5.0))) == 0
    assert track.main(["check"], Runs(*[report(a=2.0, b=5.0)] * 3)) == 1
    assert "reference ÷ native 10.00 -> 2.00" in capsys.readouterr().out


def test_processors_have_files_of_their_own():
    one = track.baseline_file("AMD EPYC 9R14, family 25, model 17, avx2 fma avx512f", 2)
    assert one.name == "amd-epyc-9r14-family-25-model-17-avx2-fma-avx512f-2-threads.json"
    assert one != track.baseline_file("AMD EPYC 9R14, family 25, model 17, avx2 fma avx512f", 1)
