"""Which of several files is the data set: said, wherever something is left out."""

from pathlib import Path

import numpy as np
import pytest

from fastnn.data import load

TABLE = "a,label\n" + "".join(f"{k / 4},{k % 2}\n" for k in range(12))


def said(path: Path) -> list[str]:
    return [str(decision) for decision in load(path).decisions if decision.subject == "files"]


def test_other_tables_beside_a_pair_are_named(tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).write_text(TABLE)
    assert said(tmp_path) == []
    (tmp_path / "sample_submission.csv").write_text("Id,Category\n1,0\n")
    (line,) = said(tmp_path)
    assert "train.csv, test.csv (the folder also holds sample_submission.csv" in line


def test_files_of_other_formats_and_folders_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((8, 4)), y=np.arange(8) % 2)
    (tmp_path / "notes.md").write_text("hello")
    assert said(tmp_path) == []
    (tmp_path / "b.csv").write_text(TABLE)
    (tmp_path / "cats").mkdir()
    assert ["the folder also holds b.csv, cats/" in line for line in said(tmp_path)] == [True]


def test_a_name_that_only_contains_train_or_test_is_not_a_split(tmp_path: Path) -> None:
    for name in ("constrained.csv", "latest.csv"):
        (tmp_path / name).write_text(TABLE)
    with pytest.raises(
        ValueError, match=r"several \.csv files \(constrained\.csv, latest\.csv\); give the path of one"
    ):
        load(tmp_path)
