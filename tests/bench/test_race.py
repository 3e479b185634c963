"""The ratios, verdicts, tables and workloads of the race."""

from __future__ import annotations

import numpy as np
import pytest

from bench import command as race
from bench import heat, probe, results, table, workloads
from bench.peers import base


def _row(ours: float | None, eager: float | None, isa: str | None = None, **others: float):
    row = table.Row(workloads.find("dense-b8"), isa)
    if ours is not None:
        row.ours = table.Entry("fastnn", "2 threads", [ours])
    if eager is not None:
        row.eager = table.Entry("torch", "2 threads, eager", [eager])
    row.peers = {name: table.Entry(name, "1 thread", [us]) for name, us in others.items()}
    return row


class TestRatios:
    def test_median_and_spread_are_over_the_rounds(self):
        entry = table.Entry("numpy", "1 thread", [4.0, 1.0, 100.0, 3.0, 2.0])
        assert entry.median == 3.0
        assert entry.spread == pytest.approx((52.0 - 1.5) / 2 / 3.0)
        assert table.Entry("numpy", "1 thread", [4.0]).spread == 0.0

    def test_best_peer_is_the_fastest_and_eager_counts(self):
        assert _row(10, 150, numpy=120.0, jax=46.0).best.side == "jax"
        assert _row(10, 30, numpy=120.0, jax=46.0).best.side == "torch"

    def test_ratio_is_peer_over_ours(self):
        row = _row(10, 85, jax=25.0)
        assert row.ratio(row.eager) == 8.5
        assert row.ratio(row.best) == 2.5

    @pytest.mark.parametrize(
        ("jax", "floor", "verdict"),
        [
            (13.5, 7.8, "pass"),
            (13.5, 7.7, "short: share of the floor 0.77 < 0.78"),
            (13.4, 7.8, "short: best peer 1.34 < 1.35"),
            (13.4, 7.7, "short: best peer 1.34 < 1.35, share of the floor 0.77 < 0.78"),
            (13.5, None, "not judged: share of the floor missing"),
        ],
    )
    def test_verdict_by_best_peer_and_floor(self, jax, floor, verdict):
        row = _row(10, 80, jax=jax)
        row.workload, row.floor_us = workloads.find("wide-b100"), floor
        assert row.verdict() == verdict

    def test_kinds_of_processors_have_their_own_aims(self):
        row = _row(10, 80, jax=13.5)
        row.workload, row.floor_us = workloads.find("wide-b100"), 8.7
        assert row.verdict() == "pass"
        row.kind = "halves"
        assert row.verdict() == "short: share of the floor 0.87 < 0.88"

    def test_avx2_has_its_own_aim(self):
        assert _row(10, 55, "avx2", jax=12.0).verdict() == "pass"
        assert _row(10, 45, "avx2", jax=12.0).verdict() == "short: eager 4.50 < 5"

    def test_a_row_without_a_needed_side_does_not_pass(self):
        assert _row(None, 80, jax=46.0).verdict() == "no fastnn"
        assert _row(10, None).verdict() == "not judged: best peer missing"
        assert _row(10, None, "avx2", jax=46.0).verdict() == "not judged: eager missing"

    def test_a_busy_machine_is_reported(self):
        row = _row(10, 85, jax=25.0)
        row.ours.times, row.ours.noisy_rounds = [10.0] * 4, 2
        assert row.verdict() == "pass"
        row.ours.noisy_rounds = 3
        assert row.verdict() == "pass (on a busy machine: race again)"

    def test_shortfall_shows_even_if_a_side_is_missing(self):
        assert _row(10, None, jax=11.0).verdict() == "short: best peer 1.10 < 2"

    def test_zen_4_has_halves_and_later_processors_have_not(self):
        assert probe.halves("AMD EPYC, family 25, model 17, avx2 fma avx512f")
        assert not probe.halves("AMD Ryzen 7 5800X, family 25, model 33, avx2 fma")
        assert not probe.halves("AMD EPYC, family 26, model 2, avx2 fma avx512f")


class TestTables:
    @staticmethod
    def cells(row: table.Row) -> dict[str, str]:
        row.made = {"commit": "abc1234"}
        header, _, line = (text.strip("| ").split("|") for text in table.row_table([row]).splitlines())
        return dict(zip(map(str.strip, header), map(str.strip, line), strict=True))

    def test_the_table_names_peer_setting_and_aim(self):
        row = _row(10, 85, jax=25.0)
        row.floor_us = 6.04
        cells = self.cells(row)
        assert cells["share of floor"] == "60%"
        assert cells["eager ÷ fastnn"] == "8.50"
        assert cells["best ÷ fastnn"] == "2.50 (≥ 2)"
        assert cells["best peer"] == "jax (1 thread)"
        assert cells["GFLOP/s"] == "511"
        assert cells["commit"] == "abc1234"

    def test_what_falls_short_is_bold(self):
        row = _row(10, 85, jax=19.0)
        assert self.cells(row)["best ÷ fastnn"] == "**1.90 (≥ 2)**"
        row = _row(10, 85, jax=13.5)
        row.workload, row.floor_us = workloads.find("wide-b100"), 7.0
        assert self.cells(row)["share of floor"] == "**70% (≥ 78%)**"

    def test_screened_times_stand_in_brackets(self):
        row = _row(10, 85, jax=25.0)
        row.peers["numpy"] = table.Entry("numpy", "1 thread", [123.4], screened=True)
        assert "(123)" in table.settings_list([row])

    def test_the_list_has_the_floor(self):
        row = _row(10, 85, jax=25.0)
        assert "floor" not in table.settings_list([row])
        row.floor_us = 6.04
        assert f"- {row.workload.title}: floor 6.04 µs; jax: 1 thread, 25 µs" in table.settings_list([row])

    @pytest.mark.parametrize(
        ("value", "text"), [(1.2345, "1.23"), (12.345, "12.3"), (123.45, "123"), (12345.6, "12,346")]
    )
    def test_microseconds_have_three_digits(self, value, text):
        assert table.microseconds(value) == text

    def test_a_file_gives_rows_and_settings_back(self, tmp_path):
        row = _row(10, 85, jax=25.0, numpy=40.0)
        row.floor_us, row.limits, row.kind = 6.0, {"fma_gflops": 231.0}, "halves"
        row.peers["numpy"].screened, row.eager.noisy_rounds = True, 1
        row.made = {"commit": "abc1234", "date": "2026-11-30", "versions": {"numpy": "2"}}
        file = tmp_path / "folder" / "kind.json"
        results.merge(file, {"machine": "A machine."}, row)
        assert results.rows_of(file) == [row]
        assert race.earlier_settings(file) == {
            (key, side): "1 thread" for key in ("dense-b8", "dense-b8-real") for side in ("jax", "numpy")
        }

    def test_a_row_takes_the_place_of_the_one_before_and_the_order_is_that_of_the_race(self, tmp_path):
        file = tmp_path / "kind.json"
        late, first = _row(10, 85), _row(20, 85)
        late.workload = workloads.find("gemm-200")
        for row in (late, first, _row(30, 85, "avx2"), _row(40, 85)):
            results.merge(file, {"machine": "A machine."}, row)
        assert [(row.name, row.ours.median) for row in results.rows_of(file)] == [
            ("dense-b8", 40), ("gemm-200", 10), ("dense-b8 avx2", 30),
        ]  # fmt: skip

    def test_the_tables_of_the_document_are_those_of_the_files(self):
        document = results.DOCUMENT.read_text(encoding="utf-8")
        assert results.filled(document) == document
        marked = {name for _, name, _, _ in results.MARKED.findall(document)}
        assert marked == {file.stem for file in results.FOLDER.glob("*.json")}

    def test_a_changed_file_changes_the_document(self, tmp_path):
        results.merge(tmp_path / "kind.json", {"machine": "A machine."}, _row(10, 85, jax=25.0))
        found = results.filled("Before.\n\n<!-- race: kind -->\nold\n<!-- end of race -->\nAfter.\n", tmp_path)
        assert "A machine.\n\n| workload" in found
        assert "old" not in found
        assert found.startswith("Before.\n\n<!-- race: kind -->\n")
        assert found.endswith("\n<!-- end of race -->\nAfter.\n")


MODES = [base.Setting(name, 2) for name in ("eager", "compile", "graph")]


class TestFixedSettings:
    def test_the_best_before_and_eager_of_torch(self):
        assert [s.name for s in heat.fixed_settings(MODES, "torch", "graph")] == ["eager", "graph"]
        assert [s.name for s in heat.fixed_settings(MODES, "torch", "eager")] == ["eager"]
        assert [s.name for s in heat.fixed_settings(MODES, "jax", "graph")] == ["graph"]

    @pytest.mark.parametrize("wanted", [None, "its best setting"])
    def test_all_if_the_best_is_not_known(self, wanted):
        assert heat.fixed_settings(MODES, "torch", wanted) == MODES


class TestWorkloads:
    def test_keys_are_unique_and_select_finds_groups_and_keys(self):
        keys = [w.key for w in workloads.WORKLOADS]
        assert len(set(keys)) == len(keys)
        assert [w.key for w in workloads.select(["gemm", "dense-b4"])] == [
            "dense-b4",
            "gemm-2048-one",
            "gemm-2048",
            "gemm-200-one",
            "gemm-200",
        ]
        with pytest.raises(ValueError, match="nothing came"):
            workloads.select(["nothing"])

    def test_the_operations_of_a_step_are_counted(self):
        # forward 784·200 + 200·10, weight gradients the same, input gradient of the second layer only
        assert workloads.find("dense-b8").flops == 2 * 8 * (2 * (784 * 200 + 200 * 10) + 200 * 10)
        assert workloads.find("gemm-200").flops == 2 * 200 * 784 * 666

    @pytest.mark.parametrize("kind", ["avx512", "halves", "avx2"])
    def test_every_row_of_the_race_has_an_aim(self, kind):
        for workload in workloads.WORKLOADS:
            aim = workload.aim(kind)
            assert aim.best is not None or aim.share is not None, workload.key

    def test_order_covers_every_row_once_an_epoch(self):
        workload = workloads.find("dense-b8")
        order = base.Order(workload)
        rows = np.concatenate([order.take(7000), order.take(500)])
        assert rows.shape == (7500, 8)
        assert np.array_equal(np.sort(rows.ravel()), np.arange(60_000))
        again = order.take(9000)
        assert again.shape == (9000, 8)
        assert np.array_equal(np.sort(again[:7500].ravel()), np.arange(60_000))
        assert not np.array_equal(again[:7500], rows)


def test_interleaving_rotates():
    assert heat.rotate(["a", "b", "c"], 0) == ["a", "b", "c"]
    assert heat.rotate(["a", "b", "c"], 4) == ["b", "c", "a"]


def test_unknown_rows_are_refused_before_any_work(capsys):
    assert race.main(["--rows", "everything"]) == 2
    assert "everything came" in capsys.readouterr().err


def test_no_rounds_are_refused(capsys):
    assert race.main(["--rows", "gemm", "--repeats", "0"]) == 2
    assert "--repeats 0" in capsys.readouterr().err


def test_the_list_names_rows_and_peers(capsys):
    assert race.main(["--list", "--peers", "numpy"]) == 0
    out = capsys.readouterr().out
    assert "dense-b8" in out
    assert "numpy" in out


def test_the_best_of_noisy_probes_counts():
    found = [probe.Probe(2, 117.0, 34.0, 20.0, "a"), probe.Probe(2, 231.0, 30.0, 54.0, "a")]
    assert probe.best_of(found) == probe.Probe(2, 231.0, 34.0, 54.0, "a")
