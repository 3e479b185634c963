"""Running a study writes its report, caches its results, and finds them again."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from small_study import COUNT, TINY, results, small_study

from fastnn import studies
from fastnn.data import load
from fastnn.studies.cache_key import cache_key
from fastnn.studies.sources import Source

pytest.importorskip("matplotlib").use("Agg")


def test_a_run_writes_report_numbers_figures_and_configuration(tmp_path: Path) -> None:
    report = studies.run(small_study(), out=tmp_path, quiet=True)
    assert report == tmp_path / "report.html"
    found = results(tmp_path)
    assert found["results"]["first"]["compared"] == [
        {"what": "sum", "reported": 6, "rerun": None, "ours": 6, "ratio": 1.0, "not comparable": "", "note": ""}
    ]
    assert found["results"]["second"]["found"] == {"twice": [0, 2, 4, 6], "cores": [1, 4, 9]}
    assert min(found["results"]["first"][kind] for kind in ("seconds", "cpu_seconds")) >= 0
    assert "s of processor time" in report.read_text()
    assert found["seed"] == 0
    assert re.fullmatch("[0-9a-f]{64}", found["data sha256"])
    assert {"fastnn", "numpy", "machine"} <= found["environment"].keys()
    assert json.loads((tmp_path / "config.json").read_text())["parts"]["first"] == {"size": 4}
    assert (tmp_path / "figures" / "first-line.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "figures" / "first-line.png").read_bytes().startswith(b"\x89PNG")


class Loads(HTMLParser):
    """Collects the resources that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe", "object"}
        self.found += [value or "" for name, value in attributes if name in {"src", "srcset", "data", "poster"}]


def test_the_report_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    text = studies.run(small_study(), out=tmp_path, quiet=True).read_text()
    loads = Loads()
    loads.feed(text)
    assert len(loads.found) == 1
    assert all(source.startswith("data:image/") for source in loads.found)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert 'name="viewport"' in text
    assert "A line &lt;&amp;&gt;." in text


def test_a_part_is_explained_in_words_that_may_stand_out(tmp_path: Path) -> None:
    study = studies.Study("words", "Words", TINY)

    @study.part("Part")
    def part(run: studies.Run) -> dict[str, Any]:
        """The *largest* of ``a < b``; 2 * 3 * 4 is 24."""
        return {}

    text = studies.run(study, out=tmp_path, quiet=True).read_text()
    assert "<p>The <em>largest</em> of <code>a &lt; b</code>; 2 * 3 * 4 is 24.</p>" in text


def test_a_repeated_run_only_draws_the_report(tmp_path: Path) -> None:
    study = small_study()
    studies.run(study, out=tmp_path, quiet=True)
    first = results(tmp_path)["results"]
    studies.run(study, out=tmp_path, quiet=True)
    assert COUNT.computed == 2
    assert results(tmp_path)["results"] == first


@pytest.mark.parametrize("changed", [{"seed": 1}, {"quick": True}])
def test_another_configuration_is_computed(tmp_path: Path, changed: dict[str, Any]) -> None:
    study = small_study()
    studies.run(study, out=tmp_path, quiet=True)
    studies.run(study, out=tmp_path, quiet=True, **changed)
    assert COUNT.computed == 4


def test_other_data_are_computed(tmp_path: Path) -> None:
    study = small_study()
    studies.run(study, out=tmp_path, quiet=True)
    study.source = Source("t", (), TINY.read, lambda: load("glyphs", train=41, test=20), "letters")
    studies.run(study, out=tmp_path, quiet=True)
    assert COUNT.computed == 4


def test_other_code_is_computed(tmp_path: Path) -> None:
    for body in ("1", "2", "2"):
        study = studies.Study("code", "Code", TINY)
        names: dict[str, Any] = {"__name__": "own", "COUNT": COUNT}
        exec(
            f"def part(run):\n    COUNT.computed += 1\n    return {{'x': helper()}}\ndef helper(): return {body}", names
        )
        study.part("Part")(names["part"])
        COUNT.computed = 0 if body == "1" else COUNT.computed
        studies.run(study, out=tmp_path, quiet=True)
    assert COUNT.computed == 2


def test_a_table_of_functions_is_known_by_what_they_do() -> None:
    """Their addresses do not count, because another process would never find the cached results."""

    def key_of(body: str) -> str:
        names: dict[str, Any] = {"__name__": "own"}
        exec(f"TABLE = {{'a': lambda x: x, 'b': ('b', [lambda x: {body}])}}\ndef part(run): return TABLE", names)
        return cache_key(names["part"], {})

    assert key_of("x + 1") == key_of("x + 1") != key_of("x + 2")


@pytest.mark.filterwarnings("error")  # of a file that is left open
def test_a_damaged_cache_is_computed_again(tmp_path: Path) -> None:
    study = small_study()
    studies.run(study, out=tmp_path, quiet=True)
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(file.read_bytes()[:50])
    studies.run(study, out=tmp_path, quiet=True)
    gc.collect()
    assert COUNT.computed == 4


def test_an_interrupted_run_keeps_finished_parts_and_resumes_as_it_was_begun(tmp_path: Path) -> None:
    study = small_study()
    COUNT.fail = True
    with pytest.raises(KeyboardInterrupt):
        studies.run(study, out=tmp_path, quiet=True, quick=True, seed=3)
    COUNT.fail = False
    studies.run(study, out=tmp_path, quiet=True, resume=True)
    assert COUNT.computed == 2
    found = results(tmp_path)
    assert (found["seed"], found["quick"]) == (3, True)
    assert found["results"]["second"]["found"]["twice"] == [0, 8]


def test_a_resumed_run_looks_for_its_data_where_it_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = small_study()
    study.source = Source("letters", ("here",), lambda _: load("glyphs", train=30, test=20), TINY.fallback, "others")
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    studies.run(study, out=tmp_path / "out", quiet=True)
    monkeypatch.delenv("FASTNN_DATA")
    text = studies.run(study, out=tmp_path / "out", quiet=True, resume=True).read_text()
    assert COUNT.computed == 2
    assert '<p class="banner">' not in text


def test_all_studies_resume_as_they_were_begun(tmp_path: Path) -> None:
    first, second = small_study(), small_study()
    second.name = "other"
    COUNT.fail = True
    with pytest.raises(KeyboardInterrupt):
        list(studies.run_all([first, second], out=tmp_path, quick=True, seed=3, quiet=True))
    COUNT.fail = False
    reports = list(studies.run_all([first, second], out=tmp_path, quiet=True, resume=True))
    assert reports == [tmp_path / "small" / "report.html", tmp_path / "other" / "report.html", tmp_path / "index.html"]
    assert COUNT.computed == 4
    assert [(found["seed"], found["quick"]) for found in map(results, (tmp_path / "small", tmp_path / "other"))] == [
        (3, True),
        (3, True),
    ]


def test_an_interrupted_part_continues_after_its_last_piece(tmp_path: Path) -> None:
    study = studies.Study("pieces", "Pieces", TINY)
    done: list[int] = []
    COUNT.fail = True

    @study.part("Part", items=(1, 2, 3))
    def part(run: studies.Run, items: tuple[int, ...]) -> dict[str, Any]:
        def one(item: int) -> dict[str, Any]:
            if COUNT.fail and item == 3:
                raise KeyboardInterrupt
            done.append(item)
            time.sleep(0.05)
            return {"square": item * item}

        return {"squares": [found["square"] for found in run.each_cached(one, items)]}

    with pytest.raises(KeyboardInterrupt):
        studies.run(study, out=tmp_path, quiet=True)
    COUNT.fail = False
    studies.run(study, out=tmp_path, quiet=True, resume=True)
    assert done == [1, 2, 3]
    found = results(tmp_path)["results"]["part"]
    assert found["found"]["squares"] == [1, 4, 9]
    assert found["seconds"] >= 0.15  # the time of the pieces before the interruption counts
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_only_computes_what_it_needs_and_shows_what_was_asked_for(tmp_path: Path) -> None:
    studies.run(small_study(), out=tmp_path, only=["second"], quiet=True)
    assert list(results(tmp_path)["results"]) == ["second"]
    assert COUNT.computed == 2


def test_progress_names_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studies.run(small_study(), out=tmp_path)
    said = capsys.readouterr().err
    assert "[1/2] first: First" in said
    assert "[2/2] second: Second" in said


def test_a_study_of_ones_own_is_short() -> None:
    example = [line.strip() for line in (studies.Study.__doc__ or "").splitlines()]
    code = [line for line in example if line.startswith((">>>", "..."))]
    assert 10 < len(code) < 40


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fastnn", "study", "digits", "--out", str(tmp_path)]
    quick = ["--quick", "--only", "data,forward,gradient"]
    environment = {name: value for name, value in os.environ.items() if name != "FASTNN_DATA"}
    with subprocess.Popen([*command, *quick], stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[3/3] gradient"):
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
    assert process.returncode == 130
    assert said == "fastnn study: interrupted\n"
    again = subprocess.run([*command, "--resume"], stderr=subprocess.PIPE, text=True, env=environment, check=True)
    assert again.stderr.count("cached by an earlier run") == 2
    assert list(results(tmp_path)["results"]) == ["data", "forward", "gradient"]
