"""Seeded, stratified splits."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data import split_indices, train_test_split
from fastnn.random import Purpose, permutation

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60)


@given(LABELS, st.data(), st.integers(0, 2**64 - 1), st.booleans())
def test_parts_are_disjoint_and_of_the_size_asked_for(labels, data, seed, stratify):
    first = data.draw(st.integers(1, len(labels) - 1))
    second = data.draw(st.integers(1, len(labels) - first))
    parts = split_indices(labels, (first, second), seed=seed, stratify=stratify)
    assert [part.size for part in parts] == [first, second]
    together = np.concatenate(parts)
    assert together.dtype == np.int64
    assert np.unique(together).size == first + second
    assert together.min() >= 0
    assert together.max() < len(labels)


@given(LABELS, st.data(), st.integers(0, 1000))
def test_first_part_is_within_one_sample_of_each_class(labels, data, seed):
    count = data.draw(st.integers(1, len(labels)))
    (part,) = split_indices(labels, (count,), seed=seed)
    counts = np.bincount(np.array(labels)[part], minlength=5)
    for label, have in enumerate(counts.tolist()):
        assert abs(have - Fraction(labels.count(label) * count, len(labels))) < 1


def test_large_splits_of_several_parts_keep_the_mixture():
    labels = np.repeat(np.arange(10), np.arange(1000, 2000, 100))
    parts = split_indices(labels, (8000, 4000, 2500), seed=421)
    for part in parts:
        exact = np.arange(1000, 2000, 100) * part.size / labels.size
        assert np.abs(np.bincount(labels[part]) - exact).max() < 3


def test_fractions_and_counts_agree():
    labels = np.arange(60) % 3
    for by_share, by_count in zip(split_indices(labels, (0.5, 0.25)), split_indices(labels, (30, 15)), strict=True):
        np.testing.assert_array_equal(by_share, by_count)


def test_without_stratification_the_parts_are_pieces_of_a_permutation():
    labels = np.repeat([0, 1, 2], 20)
    parts = split_indices(labels, (10, 30), seed=9, stratify=False)
    np.testing.assert_array_equal(np.concatenate(parts), permutation(9, Purpose.SPLIT, 0, 60)[:40])


def test_the_order_within_a_part_is_random_and_the_seed_decides():
    labels = np.repeat([0, 1], 500)
    train, test = train_test_split(labels, 200, seed=1)
    assert np.array_equal(np.bincount(labels[test]), [100, 100])
    assert abs(np.corrcoef(np.arange(800), labels[train])[0, 1]) < 0.15
    again = train_test_split(labels, 200, seed=1)
    other = train_test_split(labels, 200, seed=2)
    assert np.array_equal(again[0], train)
    assert np.array_equal(again[1], test)
    assert not np.array_equal(other[1], test)


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=40), st.integers(0, 99))
def test_train_and_test_make_up_the_set(labels, seed):
    train, test = train_test_split(labels, 1, seed=seed)
    assert test.size == 1
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(len(labels)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: split_indices([[0, 1]], (1,)),
            ValueError,
            r"labels: expected shape \(N,\), got \(1, 2\)",
        ),
        (
            lambda: split_indices([0, 1], (2, 1)),
            ValueError,
            r"sizes \(2, 1\) need 3 samples, but there are 2",
        ),
        (lambda: split_indices([0, 1], (0,)), ValueError, "at least 1 sample per part"),
        (lambda: split_indices([0, 1], (-1,)), ValueError, "at least 1 sample per part"),
        (
            lambda: split_indices([0, 1], (0.01,)),
            ValueError,
            r"1 sample per part, got 0 \(0.01 of 2\)",
        ),
        (lambda: split_indices([0, 1], (1.5,)), ValueError, "sizes: expected a number above 0 and below 1, got 1.5"),
        (lambda: split_indices([0, 1], (float("nan"),)), ValueError, "sizes: expected a number above 0 and below 1"),
        (
            lambda: split_indices([0, 1], ("1",)),
            TypeError,
            "expected numbers of samples, or fractions above 0 and below 1, got '1'",
        ),
        (
            lambda: split_indices([0, 1], (True,)),
            TypeError,
            "expected numbers of samples, or fractions above 0 and below 1, got True",
        ),
        (lambda: train_test_split([0, 1], 2), ValueError, "takes 2 of 2 samples and leaves none"),
        (
            lambda: train_test_split([0, 1], 1, seed=-1),
            ValueError,
            "seed: expected a whole number of at least 0 and below 2..64",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
