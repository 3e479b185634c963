"""The list of the reports' figures and tables agrees with what the studies show."""

from __future__ import annotations

import re
from pathlib import Path

from reported_figures import listed, missing

from fastnn import studies


def test_the_list_names_parts_of_every_study_and_all_five_reports() -> None:
    rows = listed()
    assert {name for _, name, _, _ in rows} == set(studies.NAMES)
    for _, name, part, _ in rows:
        assert part in studies.get(name).parts, (name, part)
    assert set(", ".join(reports for reports, *_ in rows).split(", ")) == set("ABCDE")


def test_every_part_with_numbers_of_a_report_is_listed() -> None:
    parts = {(name, part) for _, name, part, _ in listed()}
    own = {("letters", "helpers"), ("mlp", "today")}  # ours: no report has them
    every = {(name, part) for name in studies.NAMES for part in studies.get(name).parts}
    assert every - parts == own


def test_what_the_list_misses_is_found(tmp_path: Path) -> None:
    """The check that the slow tests make of every study sees a figure that is not there."""
    html = '<section id="layers"><table></table></section>' + "".join(
        f'<section id="{part}">x</section>' for part in studies.get("mlp").parts if part != "layers"
    )
    lost = missing("mlp", tmp_path, html)
    assert "layers: table" not in lost
    assert {"grid: best", "solver: predictions.csv", "masks: table"} <= set(lost)


def test_texts_name_settings_that_exist() -> None:
    from fastnn.studies.study import filled

    for name in studies.NAMES:
        study = studies.get(name)
        assert not re.search(r"[{}]", study.about)
        for part in study.parts.values():
            for quick in (False, True):
                text = filled(part.text, part.settings_for(quick))
                assert not re.search(r"[{}]", text), (name, part.name)
