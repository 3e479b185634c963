"""The splits of the studies, and subsets with a number of samples from each class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data import per_class_split, study_split


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=80),
    st.lists(st.integers(0, 9), min_size=1, max_size=3).filter(any),
    st.integers(0, 1000),
)
def test_each_class_gives_its_count_or_fraction(labels, counts, seed):
    parts = per_class_split(labels, counts, seed=seed)
    together = np.concatenate(parts)
    assert np.unique(together).size == together.size
    for label in set(labels):
        have = labels.count(label)
        found = [int((np.array(labels)[part] == label).sum()) for part in parts]
        if have >= sum(counts):
            assert found == counts
        else:
            assert sum(found) == have
            assert all(abs(f - have * c / sum(counts)) < 1 for f, c in zip(found, counts, strict=True))


def test_the_seed_decides_the_samples():
    labels = np.repeat(np.arange(6), 110)
    first, again, other = (per_class_split(labels, (70, 20, 20), seed=seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] != other[0]).any()


@pytest.mark.parametrize(
    ("study", "labels", "sizes"),
    [
        ("mlp", np.zeros(60_000), (50_000, 10_000, 0)),
        ("init", np.zeros(60_000), (50_000, 10_000, 0)),
        ("letters", np.zeros(18_724), (10_000, 6_000, 2_724)),
        ("letters-15000", np.zeros(18_724), (15_000, 1_000, 2_724)),
        ("faces", np.repeat(np.arange(6), 130), (420, 120, 120)),
        ("faces-60", np.repeat(np.arange(6), 130), (360, 60, 120)),
        ("faces", np.repeat(np.arange(40), 10), (240, 80, 80)),
        ("mlp", np.zeros(600), (500, 100, 0)),
        ("letters", np.zeros(1000), (534, 320, 146)),
    ],
)
def test_the_splits_have_the_reported_sizes(study, labels, sizes):
    split = study_split(study, labels)
    assert tuple(part.size for part in split) == sizes
    together = np.concatenate(split)
    assert np.unique(together).size == together.size
    assert together.max() < labels.size


def test_init_keeps_the_order_and_the_others_do_not():
    split = study_split("init", np.zeros(60_000))
    assert (split.train == np.arange(50_000)).all()
    assert (split.validation == np.arange(50_000, 60_000)).all()
    assert (study_split("mlp", np.zeros(60_000)).train[:10] != np.arange(10)).any()


def test_the_letters_are_shuffled_by_seed_421():
    labels = np.arange(18_724) % 10
    assert (study_split("letters", labels).test == study_split("letters", labels, seed=421).test).all()
    assert (study_split("letters", labels).test != study_split("letters", labels, seed=521).test).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: study_split("cnn", [1]), "no split 'cnn'; there are mlp, init, letters"),
        (lambda: study_split("mlp", [[1]]), r"labels: expected shape \(N,\)"),
        (lambda: study_split("faces", []), "0 samples are too few for 'faces'"),
        (lambda: per_class_split([1], (0, 0)), "counts: expected numbers of at least 0, not all 0"),
        (lambda: per_class_split([1], (2, -1)), "counts: expected numbers of at least 0, not all 0"),
        (lambda: per_class_split([[1]], (2,)), r"labels: expected shape \(N,\)"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
