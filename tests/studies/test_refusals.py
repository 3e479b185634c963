"""Running a study refuses bad arguments and data, in clear words."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_study import COUNT, TINY, small_study

from fastnn import studies
from fastnn.cli import main
from fastnn.studies.sources import Source

pytest.importorskip("matplotlib").use("Agg")


def test_all_studies_refuse_missing_data_before_the_first_begins(tmp_path: Path) -> None:
    first, second = small_study(), small_study()
    second.source = Source("faces", ("faces",), TINY.read, TINY.fallback, "some letters")
    with pytest.raises(ValueError, match="no faces there"):
        list(studies.run_all([first, second], out=tmp_path, data=tmp_path, quiet=True))
    assert COUNT.computed == 0


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no run of small in .* to resume"):
        studies.run(small_study(), out=tmp_path, quiet=True, resume=True)


def test_a_full_disk_is_one_clear_error_and_loses_no_finished_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study()
    fsync, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 4:  # two calls for each file: the configuration and the first part fit
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


def test_unreadable_data_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data given by --data are an error; those found by FASTNN_DATA are replaced, and the report says why."""
    study = small_study()
    study.source = replace(studies.MNIST, fallback=TINY.fallback)
    (tmp_path / "mnist").mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                 "t10k-labels-idx1-ubyte"):  # fmt: skip
        (tmp_path / "mnist" / name).write_bytes(b"no images")
    with pytest.raises(ValueError, match=r"--data .*: no MNIST there \(.*ubyte"):
        studies.run(study, out=tmp_path / "out", data=tmp_path, quiet=True)
    assert COUNT.computed == 0
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    text = studies.run(study, out=tmp_path / "out", quiet=True).read_text()
    assert re.search(r"Not readable \(.*ubyte.*\): MNIST .* This report was made on", text)


def test_declarations_that_cannot_work_are_refused() -> None:
    study = small_study()
    with pytest.raises(ValueError, match="part: needs 'third'"):
        study.part("x", needs=["third"])
    with pytest.raises(ValueError, match="quick has epoch"):
        study.part("x", quick={"epoch": 1}, epochs=2)
    with pytest.raises(ValueError, match="two parts called 'first'"):
        study.part("x")(study.parts["first"].compute)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], f"there is no study 'nonsense'; the studies are {', '.join(studies.NAMES)}, and all"),
        (["digits", "--only", "nonsense"], "digits has no part 'nonsense'; its parts are data, forward, gradient"),
        (["all", "--only", "data"], "--only: names parts of one study"),
        (["digits", "--data", "/nowhere"], "no MNIST there"),
        (["digits", "--list", "people.txt"], "--list: MNIST is not read from a list of photos; faces are"),
        (["faces", "--list", "/nowhere.txt"], "--list: cannot read /nowhere.txt (No such file or directory)"),
        (["faces", "--accept", "x"], "--accept: expected a --list of photos"),
        (["all", "--list", "people.txt"], "--list: names the photos of one study"),
    ],
)
def test_wrong_commands_are_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
