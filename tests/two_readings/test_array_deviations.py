"""A data set stored in any small deviation is read as the clean one, or refused: never as another."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from array_files import (
    COLOUR_LAYOUTS,
    GREY_LAYOUTS,
    IMAGE_DTYPES,
    KINDS,
    LABEL_DTYPES,
    LABEL_LAYOUTS,
    NAMES,
    SIDEWAYS,
    clean_set,
    differences,
    stored_images,
    stored_labels,
    write_arrays,
    write_idx,
)
from data_files import IDX_TYPES
from hypothesis import given, target
from hypothesis import strategies as st

from fastnn.data import load

SIDES = st.integers(2, 7)
CLASS_NAMES = [("0", "1", "2"), ("10", "9", "8"), ("cat", "Cat", "dog"), ("ä", "b c", "日本")]


@st.composite
def stored_sets(draw, grey_layouts=GREY_LAYOUTS):
    """A clean set, and how it is stored."""
    colours = draw(st.sampled_from([None, 1, 3, 4]))
    shape = (draw(SIDES), draw(SIDES))
    classes = draw(st.integers(2, 3))
    dtype = draw(st.sampled_from(IMAGE_DTYPES))
    clean = clean_set(
        shape if colours is None else (colours, *shape),
        train=draw(st.integers(classes, 9)),
        test=draw(st.integers(1, 8)),
        classes=classes,
        seed=draw(st.integers(0, 999)),
        most=2 if dtype == "?" else 200,
    )
    names = draw(st.sampled_from([None, *CLASS_NAMES]))
    return {
        "clean": clean,
        "kind": draw(st.sampled_from(KINDS)),
        "layout": draw(st.sampled_from(grey_layouts if colours is None else COLOUR_LAYOUTS)),
        "dtype": dtype,
        "fortran": draw(st.booleans()),
        "label_layout": draw(st.sampled_from(LABEL_LAYOUTS if names is None else LABEL_LAYOUTS[:3])),
        "label_dtype": draw(st.sampled_from(LABEL_DTYPES)),
        "first": draw(st.sampled_from([0, 1])),
        "names": names,
        "as_bytes": draw(st.booleans()),
        "array_names": draw(st.sampled_from(NAMES)),
        "extra": draw(st.booleans()),
    }


def written(folder, stored):
    """Write a set as it is stored, and return its path and the names that its classes have."""
    clean, names = stored["clean"], stored["names"]
    texts = names and (np.char.encode(np.array(names), "utf-8") if stored["as_bytes"] else np.array(names))
    if names and stored["kind"].startswith("mat"):
        texts = np.array(names)
    arrays = {}
    for split, (images, labels) in enumerate((clean.train, clean.test)):
        own = stored["array_names"][2 * split : 2 * split + 2]
        arrays[own[0]] = stored_images(images, stored["layout"], stored["dtype"], stored["fortran"])
        layout, dtype, first = stored["label_layout"], stored["label_dtype"], stored["first"]
        arrays[own[1]] = stored_labels(labels, clean.classes, layout, dtype, first, texts)
    if stored["extra"]:
        arrays["weights"] = np.ones(3)
    first = 0 if stored["label_layout"].startswith("one-hot") else stored["first"]
    shown = names or [str(k + first) for k in range(clean.classes)]
    return write_arrays(folder, stored["kind"], arrays), shown


def outcome(path, clean, names, **options):
    """Return "" if what is loaded is the clean set, in what it differs, or the error as an exception."""
    try:
        data = load(path, **options)
    except ValueError as error:
        return error
    return differences(data, clean, names)


@given(stored_sets())
def test_a_stored_set_is_read_as_it_is_or_refused(stored):
    with tempfile.TemporaryDirectory() as folder:
        path, names = written(Path(folder) / "set", stored)
        found = outcome(path, stored["clean"], names)
    target(float(not isinstance(found, Exception)))
    assert isinstance(found, ValueError) or found == ""


@given(stored_sets([*GREY_LAYOUTS, *SIDEWAYS]))
def test_axes_that_are_named_leave_nothing_open(stored):
    with tempfile.TemporaryDirectory() as folder:
        path, names = written(Path(folder) / "set", stored)
        found = outcome(path, stored["clean"], names, axes=stored["layout"])
    if isinstance(found, ValueError):  # as many samples as classes: one-hot rows that may be columns
        assert stored["label_layout"].startswith("one-hot")
        assert stored["clean"].classes in (len(stored["clean"].train[1]), len(stored["clean"].test[1]))
    else:
        assert found == ""


def plain(**changes):
    """A set whose numbers of samples, rows, columns and channels all differ: it has one reading."""
    shape = changes.pop("shape", (5, 6))
    clean = clean_set(shape, most=2 if changes.get("dtype") == "?" else 200)
    stored = {
        **{"clean": clean, "kind": "npz", "layout": "NHW" if len(shape) == 2 else "NCHW", "dtype": "u1"},
        **{"fortran": False, "label_layout": "vector", "label_dtype": "i8", "first": 0, "names": None},
        **{"as_bytes": False, "array_names": NAMES[0], "extra": False},
    }
    return stored | changes


COLOURED = (3, 5, 6)
CLEAR = [
    *(plain(kind=kind, first=first) for kind in KINDS for first in (0, 1)),
    *(plain(dtype=dtype, fortran=fortran) for dtype in IMAGE_DTYPES for fortran in (False, True)),
    *(plain(layout=layout) for layout in GREY_LAYOUTS),
    *(plain(shape=COLOURED, layout=layout) for layout in COLOUR_LAYOUTS),
    *(plain(shape=(1, 5, 6), layout=layout, kind="mat") for layout in COLOUR_LAYOUTS),
    *(plain(shape=(4, 5, 6), layout=layout, kind="pkl 4") for layout in COLOUR_LAYOUTS),
    *(plain(label_layout=layout, label_dtype=dtype) for layout in LABEL_LAYOUTS for dtype in LABEL_DTYPES),
    *(plain(names=names, as_bytes=b, kind=k) for names in CLASS_NAMES for b in (False, True) for k in ("npz", "pkl 2")),
    *(plain(names=names, kind="mat", label_layout="column") for names in CLASS_NAMES),
    *(plain(array_names=names, extra=True) for names in NAMES),
]


@pytest.mark.parametrize("stored", CLEAR, ids=range(len(CLEAR)))
def test_a_set_with_one_reading_is_read(tmp_path, stored):
    path, names = written(tmp_path / "set", stored)
    found = outcome(path, stored["clean"], names)
    assert found == "", found


@pytest.mark.parametrize("dtype", IDX_TYPES)
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("shape", [(5, 6), (11, 6), (11, 11), (3, 5, 6), (5, 6, 3)])
def test_idx_files_are_read_with_samples_first(tmp_path, dtype, first, shape):
    channels_last = shape == (5, 6, 3)
    clean = clean_set((3, 5, 6) if channels_last else shape, most=120)
    arrays = [array + first * (array.ndim == 1) for array in (*clean.train, *clean.test)]
    arrays = [a.transpose(0, 2, 3, 1) if channels_last and a.ndim == 4 else a for a in arrays]
    path = write_idx(tmp_path / "set", *(a.astype(dtype) for a in arrays))
    assert outcome(path, clean, [str(k + first) for k in range(clean.classes)]) == ""
