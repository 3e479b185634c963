"""Running a study: what is kept, what is found again, what is refused."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastnn import plots, studies
from fastnn.cli import main
from fastnn.data import load
from fastnn.studies.sources import Source

pytest.importorskip("matplotlib").use("Agg")

TINY = Source("tiny", (), lambda path: load(str(path)), lambda: load("glyphs", train=40, test=20), "letters")
COUNT = SimpleNamespace(computed=0, fail=False)  # no constant that a part's key would hold


def small_study() -> studies.Study:
    """Two parts, the second on the first; it counts how often they are computed."""
    COUNT.computed, COUNT.fail = 0, False
    study = studies.Study("small", "A small study", TINY)

    @study.part("First", size=4, quick={"size": 2})
    def first(run: studies.Run, size: int) -> dict[str, Any]:
        """Some text."""
        COUNT.computed += 1
        return {"numbers": np.arange(size) * (1 + run.seed), "nothing": None}

    @first.shows
    def show(page: studies.Page, found: dict[str, Any]) -> None:
        page.compare([("sum", 6, int(found["numbers"].sum()))])
        page.figure("line", plots.sweep(found["numbers"], found["numbers"], xlabel="x"), "A line <&>.")

    @study.part("Second", needs=("first",))
    def second(run: studies.Run) -> dict[str, Any]:
        if COUNT.fail:
            raise KeyboardInterrupt
        COUNT.computed += 1
        return {"twice": 2 * run.found("first")["numbers"], "cores": run.on_cores(lambda n: n * n, [1, 2, 3])}

    return study


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text())


def test_a_run_writes_report_numbers_figures_and_configuration(tmp_path: Path) -> None:
    report = studies.run(small_study(), out=tmp_path, quiet=True)
    assert report == tmp_path / "report.html"
    found = results(tmp_path)
    assert found["results"]["first"]["compared"] == [
        {"what": "sum", "reported": 6, "ours": 6, "ratio": 1.0, "note": ""}
    ]
    assert found["results"]["second"]["found"] == {"twice": [0, 2, 4, 6], "cores": [1, 4, 9]}
    assert found["seed"] == 0
    assert re.fullmatch("[0-9a-f]{64}", found["data sha256"])
    assert {"fastnn", "numpy", "machine"} <= found["environment"].keys()
    assert json.loads((tmp_path / "config.json").read_text())["parts"]["first"] == {"size": 4}
    assert (tmp_path / "figures" / "first-line.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "figures" / "first-line.png").read_bytes().startswith(b"\x89PNG")


class Loads(HTMLParser):
    """Collects what a page would load."""

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


def test_a_repeated_run_only_draws(tmp_path: Path) -> None:
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


def test_a_damaged_cache_is_computed_again(tmp_path: Path) -> None:
    study = small_study()
    studies.run(study, out=tmp_path, quiet=True)
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(file.read_bytes()[:50])
    studies.run(study, out=tmp_path, quiet=True)
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


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no run of small in .* to resume"):
        studies.run(small_study(), out=tmp_path, quiet=True, resume=True)


def test_only_computes_what_it_needs_and_shows_what_was_asked_for(tmp_path: Path) -> None:
    studies.run(small_study(), out=tmp_path, only=["second"], quiet=True)
    assert list(results(tmp_path)["results"]) == ["second"]
    assert COUNT.computed == 2


def test_a_full_disk_is_one_clear_error_and_loses_no_finished_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study()
    fsync, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 4:  # a file and its folder each: the configuration and the first part fit
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"cannot write .*No space left.*--resume continues"):
        studies.run(study, out=tmp_path, quiet=True)
    monkeypatch.undo()
    assert not [path for path in tmp_path.rglob(".*") if path.name != ".lock"]
    assert COUNT.computed == 2
    studies.run(study, out=tmp_path, quiet=True, resume=True)
    assert COUNT.computed == 3


@pytest.mark.skipif(os.name != "posix", reason="holds the lock by flock")
def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    code = (
        "import fcntl, sys\n"
        f"f = open({str(tmp_path / '.lock')!r}, 'ab'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ValueError, match="is in use by another run"):
            studies.run(small_study(), out=tmp_path, quiet=True)
        other.communicate("")
    studies.run(small_study(), out=tmp_path, quiet=True)


def test_a_missing_data_set_is_replaced_with_a_banner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    study = small_study()
    study.source = Source("faces", ("faces",), TINY.read, TINY.fallback, "some letters")
    text = studies.run(study, out=tmp_path, quiet=True).read_text()
    assert '<p class="banner">' in text
    assert "made on some letters" in text
    with pytest.raises(ValueError, match="no faces there"):
        studies.run(study, out=tmp_path, data=tmp_path / "nowhere", quiet=True)


def test_declarations_that_cannot_work_are_refused() -> None:
    study = small_study()
    with pytest.raises(ValueError, match="it needs 'third'"):
        study.part("x", needs=["third"])
    with pytest.raises(ValueError, match="quick has epoch"):
        study.part("x", quick={"epoch": 1}, epochs=2)
    with pytest.raises(ValueError, match="two parts called 'first'"):
        study.part("x")(study.parts["first"].compute)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], f"there is no study 'nonsense'; there are {', '.join(studies.NAMES)}, and all"),
        (["digits", "--only", "nonsense"], "digits has no part 'nonsense'; its parts are data, forward, gradient"),
        (["all", "--only", "data"], "--only: it names parts of one study"),
        (["digits", "--data", "/nowhere"], "no MNIST there"),
    ],
)
def test_wrong_commands(arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_progress_names_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studies.run(small_study(), out=tmp_path)
    said = capsys.readouterr().err
    assert "[1/2] first: First" in said
    assert "[2/2] second: Second" in said
