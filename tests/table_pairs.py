"""Pairs of tables, one to train on and one to test on, written in every way that tables are written."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from fastnn.data import Dataset

NAMES = ("petal width", "height", "age", "mass")
WORDS = ("ant", "bee, wild", "cat")


@dataclass(frozen=True)
class Writing:
    """How a table is written."""

    order: tuple[int, ...] = (0, 1, 2, 3)
    label_place: int = 4  # among the columns, from the left
    header: bool = True
    spelling: str = "plain"  # of the names: plain, upper, spaces, underscores, twice, missing, numbers
    label_name: str = "label"
    labels: str = "words"  # words, from 0, from 1, savetxt, padded
    delimiter: str = ","
    numbers: str = "plain"  # plain, savetxt, quoted, comma, dotted
    line_end: str = "\n"
    start: str = ""  # what comes before the first line
    encoding: str = "utf-8"
    extra: str = "none"  # none, id, index, constant, noise, empty
    trailing: bool = False
    blank: str = "none"  # none, end, middle, delimiters
    zipped: bool = False
    rows: str = "all"  # all, reversed, without a class
    reduced: bool = False  # whole numbers 0 ... 9 instead of decimals


@dataclass(frozen=True)
class Content:
    """The samples of a table, in the order of NAMES, and the index of the class of each."""

    values: np.ndarray
    classes: np.ndarray


def clean(count: int, seed: int) -> Content:
    """Samples of three classes that cannot be told apart once two columns are exchanged."""
    random = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    centres = np.array([[1.0, 7.0, 4.0, 2.0], [7.0, 1.0, 2.0, 4.0], [4.0, 4.0, 7.0, 7.0]])
    values = np.abs(centres[classes] + random.normal(size=(count, 4)) * 2)
    order = random.permutation(count)
    return Content(np.round(values, 2)[order] + 0.0, classes[order])


def chosen(content: Content, writing: Writing) -> Content:
    """The samples that are written."""
    values, classes = content.values, content.classes
    if writing.reduced:
        values = np.clip(np.round(values), 0, 9)
    keep = np.arange(len(classes))
    if writing.rows == "without a class":
        keep = keep[classes != 1]
    return Content(values[keep], classes[keep]) if writing.rows != "reversed" else Content(values[::-1], classes[::-1])


def _number(value: float, how: str) -> str:
    text = f"{value:g}"
    return {
        "savetxt": f"{value:.18e}",
        "quoted": f'"{text}"',
        "comma": text.replace(".", ","),
        "dotted": f"{value:.3f}",
    }.get(how, text)


def _label(index: int, how: str) -> str:
    if how == "words":
        return WORDS[index]
    return {"from 0": f"{index}", "from 1": f"{index + 1}", "padded": f"0{index}"}.get(how, f"{index:.18e}")


def _name(name: str, spelling: str) -> str:
    return {
        "upper": name.upper(),
        "spaces": f" {name} ",
        "underscores": name.replace(" ", "_"),
        "title": name.title(),
    }.get(spelling, name)


def write(path: Path, content: Content, writing: Writing) -> None:
    """Write a table."""
    names = [_name(NAMES[k], writing.spelling) for k in writing.order]
    if writing.spelling == "numbers":
        names = [str(k) for k in range(4)]
    if writing.spelling == "twice":
        names[1] = names[0]
    places = list(writing.order)
    if writing.spelling == "missing":
        names, places = names[1:], places[1:]
    lines = [names] if writing.header else []
    rows = [[_number(value, writing.numbers) for value in row[places]] for row in content.values]
    texts = [_label(index, writing.labels) for index in content.classes]
    if writing.delimiter in "".join(texts) or '"' in "".join(texts):
        texts = [f'"{text}"' for text in texts]
    for row, text in zip(rows, texts, strict=True):
        row.insert(writing.label_place, text)
    if writing.header:
        names.insert(writing.label_place, writing.label_name)
    lines += rows
    if writing.extra != "none":
        random = np.random.default_rng(5)
        title = {"id": "id", "index": "", "empty": ""}.get(writing.extra, writing.extra)
        for number, line in enumerate(lines):
            value = {"constant": "3.5", "noise": f"{random.normal():.3f}", "empty": "7"}.get(writing.extra, f"{number}")
            line.insert(0, title if writing.header and number == 0 else value)
    end = writing.delimiter if writing.trailing else ""
    text = [writing.delimiter.join(line) + end for line in lines]
    if writing.blank == "end":
        text += ["", " "]
    elif writing.blank == "middle":
        text.insert(len(text) // 2, "")
    elif writing.blank == "delimiters":
        text.append(writing.delimiter * (len(lines[0]) - 1 + writing.trailing))
    start = writing.start.replace("DELIMITER", writing.delimiter)
    data = (start + "\n".join(text) + "\n").replace("\n", writing.line_end).encode(writing.encoding)
    path.write_bytes(gzip.compress(data, 1) if writing.zipped else data)


def accuracy(train: Content, test: Content) -> tuple[int, int]:
    """How many test samples the nearest mean of a class gets right, and of how many."""
    means = np.array([train.values[train.classes == k].mean(axis=0) for k in range(3)])
    distances = ((test.values[:, None] - means) ** 2).sum(axis=-1)
    return int((distances.argmin(axis=1) == test.classes).sum()), len(test.classes)


def accuracy_of(data: Dataset) -> tuple[int, int]:
    """The same, of a data set as it was loaded."""
    present = np.unique(data.train_labels)
    means = np.array([data.train_images[data.train_labels == k].mean(axis=0, dtype=float) for k in present])
    distances = ((data.test_images[:, None].astype(float) - means) ** 2).sum(axis=-1)
    return int((present[distances.argmin(axis=1)] == data.test_labels).sum()), len(data.test_labels)


ways = {
    "order": st.permutations(range(4)).map(tuple),
    "label_place": st.sampled_from([0, 4, 2]),
    "header": st.booleans(),
    "spelling": st.sampled_from(["upper", "spaces", "underscores", "title", "twice", "missing", "numbers"]),
    "label_name": st.sampled_from(["Class", "species", "kind", "LABEL", "y", "id"]),
    "labels": st.sampled_from(["from 0", "from 1", "savetxt", "padded"]),
    "delimiter": st.sampled_from([";", "\t"]),
    "numbers": st.sampled_from(["savetxt", "quoted", "comma", "dotted"]),
    "line_end": st.sampled_from(["\r\n", "\r"]),
    "start": st.sampled_from(["# made, by hand\n", "sep=DELIMITER\n", "\n\n", "#\n# two, lines; here\n\n"]),
    "encoding": st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le"]),
    "extra": st.sampled_from(["id", "index", "constant", "noise", "empty"]),
    "trailing": st.just(True),
    "blank": st.sampled_from(["end", "middle", "delimiters"]),
    "zipped": st.just(True),
    "rows": st.sampled_from(["reversed", "without a class"]),
    "reduced": st.just(True),
}


@st.composite
def writings(draw: st.DrawFn, base: Writing, most: int) -> Writing:
    """A way to write a table that differs from another one in a few points."""
    changed = draw(st.lists(st.sampled_from(sorted(ways)), max_size=most, unique=True))
    return replace(base, **{name: draw(ways[name]) for name in changed})
