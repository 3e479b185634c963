"""A pair of tables in which one is written a little differently gives the figure of the clean pair, or an error."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from table_pairs import WORDS, Content, Writing, accuracy, accuracy_of, chosen, clean, write, writings

from fastnn.cli import main
from fastnn.data import load

TRAIN, TEST = clean(90, 1), clean(60, 2)


def told_apart(train: Writing, test: Writing) -> None:
    """Leave out the pairs that no reader can tell from a clean pair: they have two equal readings in every respect."""
    by_name = train.header and test.header and "numbers" not in (train.spelling, test.spelling)
    assume(by_name or train.order == test.order)  # columns without names in another order
    for way in (train, test):
        assume(way.header or way.spelling != "missing")  # another column without a name in the place of a missing one
    assume(not train.spelling == test.spelling == "missing")  # tables of three features
    assume(not train.extra == test.extra == "noise")  # tables of five
    numbers = {way.labels for way in (train, test)} & {"from 1"}
    assume(not (numbers and train.labels != test.labels and "without a class" in (train.rows, test.rows)))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Writing, Writing]:
    """A training and a test table: a way to write both, and a few points in which each differs from it."""
    both = draw(writings(Writing(), 4))
    return draw(writings(both, 1)), draw(writings(both, 2))


@given(pair=pairs())
def test_a_pair_that_is_loaded_gives_the_figure_of_the_clean_pair(
    tmp_path_factory: pytest.TempPathFactory, pair: tuple[Writing, Writing]
) -> None:
    told_apart(*pair)
    folder = tmp_path_factory.mktemp("pair")
    contents = [chosen(content, way) for content, way in zip((TRAIN, TEST), pair, strict=True)]
    for name, content, way in zip(("train", "test"), contents, pair, strict=True):
        write(folder / f"{name}.csv{'.gz' * way.zipped}", content, way)
    try:
        data = load(folder)
    except ValueError as error:
        event(str(error).split(": ", 2)[-1][:30])
        return
    event("taken")
    if data.unlabelled_images is not None:
        pytest.fail("the labels of the test table were overlooked")
    if pair[0].rows == "without a class":
        known = contents[1].classes != 1
        assert known.all(), "a class of the test table is unknown, and nothing was said"
    assert accuracy_of(data) == expected(*contents)


def expected(train: Content, test: Content) -> tuple[int, int]:
    if (train.classes == 1).any():
        return accuracy(train, test)
    far = Content(np.vstack([train.values, np.full((1, 4), 1e6)]), np.append(train.classes, 1))
    return accuracy(far, test)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Models trained on the clean table: labels as words or as numbers, features as decimals or as whole numbers."""
    models = {}
    for labels in ("words", "from 0"):
        for reduced in (False, True):
            folder = tmp_path_factory.mktemp("run")
            way = Writing(labels=labels, reduced=reduced)
            write(folder / "train.csv", chosen(TRAIN, way), way)
            command = ["train", "--data", str(folder / "train.csv"), "--output", str(folder / "run"), "--epochs", "40"]
            assert main([*command, "--batch", "8", "--quiet"]) == 0
            models[f"{labels} {reduced}"] = folder / "run"
    return models


def evaluated(model: Path, table: Path) -> tuple[int, int] | None:
    """How many samples are right and of how many, None if the command refuses the table or speaks of other classes."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["evaluate", str(model), "--data", str(table), "--part", "all", "--quiet"])
    if status:
        assert status == 2
        assert "error: " in err.getvalue()
        return None
    found = re.search(r"\((\d+) of (\d+) samples\)", out.getvalue())
    assert found is not None
    if "does not know" in err.getvalue():
        return None
    return int(found[1]), int(found[2])


@pytest.mark.slow
@given(way=writings(Writing(), 4))
def test_a_table_that_is_evaluated_gives_the_figure_of_the_clean_table(
    tmp_path_factory: pytest.TempPathFactory,
    trained: dict[str, Path],
    way: Writing,
) -> None:
    told_apart(Writing(), way)
    words = way.labels == "words"
    assume(not (way.labels == "from 1" and way.rows == "without a class"))
    model = trained[f"{'words' if words else 'from 0'} {way.reduced}"]
    folder = tmp_path_factory.mktemp("evaluated")
    content = chosen(TEST, way)
    write(folder / "test.csv", content, way)
    plain = replace(Writing(), labels="words" if words else "from 0", reduced=way.reduced, rows=way.rows)
    write(folder / "clean.csv", content, plain)
    figure = evaluated(model, folder / "test.csv")
    event("refused" if figure is None else "taken")
    assert figure is None or figure == evaluated(model, folder / "clean.csv")


def test_the_clean_pair_is_read(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", TRAIN, Writing())
    write(tmp_path / "test.csv", TEST, Writing())
    data = load(tmp_path)
    assert data.class_names == WORDS
    assert accuracy_of(data) == accuracy(TRAIN, TEST)
    right, count = accuracy(TRAIN, TEST)
    assert count == 60
    assert 40 < right < 60  # so that an exchange of two columns shows
