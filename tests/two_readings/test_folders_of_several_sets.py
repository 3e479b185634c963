"""A folder that could be read in several ways: which was chosen is said."""

import numpy as np
import pytest
from picture_files import encoded, grey, write

from fastnn.data import load


def parts(folder, kinds):
    for kind in kinds:
        if kind == "npz":
            np.savez(folder / "a.npz", images=np.zeros((12, 5, 4), np.uint8), labels=np.arange(12) % 2)
        elif kind == "csv":
            rows = "".join(f"{k},{k * 0.5},{'ab'[k % 2]}\n" for k in range(12))
            write(folder / "b.csv", f"one,two,label\n{rows}".encode())
        elif kind == "images":
            for k in range(12):
                write(folder / f"class{k % 2}" / f"{k}.png", encoded(grey(seed=k)))
        else:
            write(folder / "notes.txt", b"words")


@pytest.mark.parametrize("kinds", [("npz", "csv"), ("npz", "images"), ("csv", "images"), ("npz", "csv", "images")])
def test_the_choice_between_formats_is_said(tmp_path, kinds):
    parts(tmp_path, kinds)
    said = [str(decision) for decision in load(tmp_path).decisions if decision.subject == "data set"]
    assert len(said) == 1
    assert said[0].count(" or a ") >= len(kinds) - 2
    assert ("folder of PNG" in said[0]) == ("images" in kinds)


@pytest.mark.parametrize("kind", ["npz", "csv", "images"])
def test_one_data_set_leaves_nothing_to_say(tmp_path, kind):
    parts(tmp_path, (kind, "notes"))
    assert [decision for decision in load(tmp_path).decisions if decision.subject == "data set"] == []
