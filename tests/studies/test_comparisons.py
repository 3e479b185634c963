"""A reported number stands only beside the same quantity of the same size and data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_study import TINY, results

from fastnn import studies
from fastnn.studies import Comparison
from fastnn.studies.page import spread

pytest.importorskip("matplotlib").use("Agg")


def study_of(settings: Mapping[str, Any], quick: Mapping[str, Any], **source: Any) -> studies.Study:
    study = studies.Study("small", "Small", replace(TINY, **source))

    @study.part("Part", quick=quick, **settings)
    def part(run: studies.Run, **used: Any) -> dict[str, Any]:
        """Trained for {epochs} epochs."""
        return {}

    @part.shows
    def show(page: studies.Page, found: dict[str, Any]) -> None:
        page.compare([
            Comparison("accuracy", 0.5, 0.75, rerun=0.625),
            Comparison("size of a layer", 4, 4, always=True),
            ("ours alone", None, 1.0),
        ])  # fmt: skip

    return study


def compared(study: studies.Study, folder: Path, quick: bool) -> tuple[list[dict[str, Any]], str]:
    text = studies.run(study, out=folder, quick=quick, quiet=True).read_text()
    return results(folder)["results"]["part"]["compared"], text


def test_a_full_run_is_compared(tmp_path: Path) -> None:
    rows, text = compared(study_of({"epochs": 10}, {"epochs": 3}), tmp_path, False)
    assert [row["ratio"] for row in rows] == [1.5, 1.0, None]
    assert "not comparable" not in text
    assert "<th>re-run</th>" in text
    assert "Trained for 10 epochs." in text


def test_a_smaller_run_is_not(tmp_path: Path) -> None:
    rows, text = compared(study_of({"epochs": 10}, {"epochs": 3}), tmp_path, True)
    assert [row["ratio"] for row in rows] == [None, 1.0, None]
    assert text.count("<td class=apart>not comparable</td>") == 2  # the reported and the re-run accuracy
    assert "0.625" not in text
    assert "Trained for 3 epochs." in text
    assert "Smaller than in the full run, whose settings are in brackets: epochs 3 (10)." in text


def test_fewer_repetitions_of_the_same_training_are_no_smaller_run(tmp_path: Path) -> None:
    rows, _ = compared(study_of({"epochs": 10, "seeds": 5}, {"seeds": 1}), tmp_path, True)
    assert rows[0]["ratio"] == 1.5


def test_a_part_that_uses_a_smaller_one_is_not_compared(tmp_path: Path) -> None:
    study = study_of({"epochs": 10}, {"epochs": 3})

    @study.part("Next", needs=["part"])
    def following(run: studies.Run) -> dict[str, Any]:
        return {}

    following.shows(lambda page, found: page.compare([("accuracy", 0.5, 0.75)]))
    studies.run(study, out=tmp_path, quick=True, quiet=True)
    assert results(tmp_path)["results"]["following"]["compared"][0]["ratio"] is None


def test_synthetic_data_are_not_compared_and_the_terminal_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    study = study_of({"epochs": 10}, {}, folders=("faces",), substitute="some letters")
    studies.run(study, out=tmp_path)
    said = capsys.readouterr().err
    assert re.search(r"^fastnn study small: Not found: tiny .* made on some letters", said)
    row = results(tmp_path)["results"]["part"]["compared"][0]
    assert (row["ratio"], row["not comparable"]) == (None, "synthetic data")


def test_data_that_nobody_has_are_named_in_the_remark(tmp_path: Path) -> None:
    rows, text = compared(study_of({"epochs": 10}, {}, elsewhere="other photos"), tmp_path, False)
    assert rows[0]["ratio"] is None
    assert "reported 0.5 on other photos" in text
    assert rows[1]["ratio"] == 1.0


def test_no_ratio_where_it_means_nothing() -> None:
    assert Comparison("best size", 12, 24).ratio == 2
    assert Comparison("best size", 12, 24, as_ratio=False).ratio is None


def test_one_run_has_no_spread() -> None:
    assert spread([0.5], "seed") == "one seed"
    assert spread([0.5, 0.75], "seed") == "mean of 2 seeds, from 50.0 % to 75.0 %"


def test_a_text_that_names_no_setting_is_refused(tmp_path: Path) -> None:
    study = studies.Study("small", "Small", TINY)

    @study.part("Part", epochs=3)
    def part(run: studies.Run, epochs: int) -> dict[str, Any]:
        """{epoch} epochs."""
        return {}

    with pytest.raises(ValueError, match=r"the text names \{epoch\}, but the settings are epochs"):
        studies.run(study, out=tmp_path, quiet=True)


def test_nothing_is_hidden_under_how_this_was_made(tmp_path: Path) -> None:
    _, text = compared(study_of({"epochs": 10}, {}), tmp_path, False)
    facts = text[text.index("How this was made") :]
    assert "<details" not in text
    assert re.search(r"<td>SHA-256 of the data</td><td>[0-9a-f]{64}</td>", facts)
    assert "<td>instruction set</td>" in facts


def test_an_index_leads_to_every_report(tmp_path: Path) -> None:
    first, second = study_of({"epochs": 2}, {}), study_of({"epochs": 2}, {})
    second.name, second.title = "other", "The other <study>"
    index = list(studies.run_all([first, second], out=tmp_path, quiet=True))[-1]
    text = index.read_text()
    assert index == tmp_path / "index.html"
    assert 'href="small/report.html"' in text
    assert 'href="other/report.html">The other &lt;study&gt;' in text
