"""The ratios, verdicts, tables and workloads of the race."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench import command as race
from bench import heat, probe, table, workloads
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
        ("eager", "jax", "verdict"),
        [
            (80.0, 20.0, "pass"),
            (79.0, 20.0, "short: eager 7.90 < 8"),
            (80.0, 19.0, "short: best peer 1.90 < 2"),
            (79.0, 19.0, "short: eager 7.90 < 8, best peer 1.90 < 2"),
        ],
    )
    def test_verdict(self, eager, jax, verdict):
        assert _row(10, eager, jax=jax).verdict() == verdict

    def test_avx2_has_its_own_requirement(self):
        assert _row(10, 55, "avx2", jax=12.0).verdict() == "pass"
        assert _row(10, 45, "avx2", jax=12.0).verdict() == "short: eager 4.50 < 5"

    def test_a_row_without_a_needed_side_does_not_pass(self):
        assert _row(None, 80, jax=46.0).verdict() == "no fastnn"
        assert _row(10, None, jax=46.0).verdict() == "not judged: eager missing"
        assert _row(10, None).verdict() == "not judged: eager and best peer missing"

    def test_a_busy_machine_is_reported(self):
        row = _row(10, 85, jax=25.0)
        row.ours.times, row.ours.noisy_rounds = [10.0] * 4, 2
        assert row.verdict() == "pass"
        row.ours.noisy_rounds = 3
        assert row.verdict() == "pass (on a busy machine: race again)"

    def test_shortfall_shows_even_if_a_side_is_missing(self):
        assert _row(10, None, jax=11.0).verdict() == "short: best peer 1.10 < 2"

    def test_the_verdict_on_a_product_is_its_fraction_of_the_peak(self):
        product = workloads.find("gemm-2048")
        us = product.flops / 180e3  # 180 GFLOP/s
        ours = table.Entry("fastnn", "1 thread", [us])
        assert table.GemmRow(product, 1, 200.0, [ours]).verdict() == "pass"
        assert table.GemmRow(product, 1, 210.0, [ours]).verdict() == "short: 86% < 90%"
        assert table.GemmRow(product, 1, 200.0, []).verdict() == "no fastnn"


class TestTables:
    def test_columns_line_up(self):
        lines = table.markdown(["a", "long header"], [["1", "2"], ["a long cell", "3"]]).splitlines()
        assert len({len(line) for line in lines}) == 1
        assert set(lines[1]) == {"|", "-"}

    def test_step_table_names_peer_setting_and_requirement(self):
        text = table.step_table([_row(10, 85, jax=25.0)], ["numpy", "jax"])
        header, _, row = (line.strip("| ").split("|") for line in text.splitlines())
        cells = dict(zip(map(str.strip, header), map(str.strip, row), strict=True))
        assert cells["eager ÷ fastnn"] == "8.50 (≥ 8)"
        assert cells["best ÷ fastnn"] == "2.50 (≥ 2)"
        assert cells["best peer"] == "jax (1 thread)"
        assert cells["numpy µs"] == cells["numpy ÷ fastnn"] == "–"
        assert cells["fastnn GFLOP/s"] == "511"
        assert cells["verdict"] == "pass"

    def test_screened_times_stand_in_brackets(self):
        row = _row(10, 85, jax=25.0)
        row.peers["numpy"] = table.Entry("numpy", "1 thread", [123.4], screened=True)
        assert "(123)" in table.step_table([row], ["numpy", "jax"])

    @pytest.mark.parametrize(
        ("value", "text"), [(1.2345, "1.23"), (12.345, "12.3"), (123.45, "123"), (12345.6, "12,346")]
    )
    def test_microseconds_have_three_digits(self, value, text):
        assert table.microseconds(value) == text

    def test_json_gives_settings_back(self, tmp_path):
        row = _row(10, 85, jax=25.0, numpy=40.0)
        file = tmp_path / "race.json"
        file.write_text(json.dumps({"rows": table.as_json([row], [])}))
        assert race.earlier_settings(file) == {
            ("dense-b8", "jax"): "1 thread", ("dense-b8", "numpy"): "1 thread",
        }  # fmt: skip


class TestWorkloads:
    def test_keys_are_unique_and_select_finds_groups_and_keys(self):
        keys = [w.key for w in workloads.WORKLOADS]
        assert len(set(keys)) == len(keys)
        assert [w.key for w in workloads.select(["gemm", "dense-b4"])] == [
            "dense-b4",
            "gemm-2048",
            "gemm-200",
        ]
        with pytest.raises(ValueError, match="nothing came"):
            workloads.select(["nothing"])

    def test_the_operations_of_a_step_are_counted(self):
        # forward 784·200 + 200·10, weight gradients the same, input gradient of the second layer only
        assert workloads.find("dense-b8").flops == 2 * 8 * (2 * (784 * 200 + 200 * 10) + 200 * 10)
        assert workloads.find("gemm-200").flops == 2 * 200 * 784 * 666

    def test_every_row_of_the_race_has_a_requirement(self):
        for workload in workloads.WORKLOADS:
            if workload.kind == "gemm":
                assert workload.key in workloads.GEMM_SHARE
            else:
                assert None not in (workload.avx512.eager, workload.avx512.best, workload.avx2.eager)

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
