"""The synthetic glyphs have the same bytes everywhere, independent samples, and a medium difficulty."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fastnn.data import glyphs

KINDS = st.sampled_from(["letters", "digits"])
SPLITS = st.sampled_from(["train", "test"])


def digest(*arrays):
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize(
    ("kind", "split", "expected"),
    [
        ("letters", "train", "8646cc3ee65b00900f985e04e26b6cc2d7fdaf2fabb176b0bddadbfbca379de2"),
        ("letters", "test", "861c8a03e9061e6aad0bc9b78d0e896510682910f67cd4429cf693ae6efd1a03"),
        ("digits", "train", "09f28249677166b36a21260ee486626da95103041a73cf0d291fe24362bfc785"),
        ("digits", "test", "0e24aad712b2ea57c8259cf5b3ef506939a588a0ad5d0ac2ae3c38372c9208fd"),
    ],
)
def test_the_same_bytes_on_every_machine(kind, split, expected):
    assert digest(*glyphs(300, kind=kind, split=split, seed=2024)) == expected


def test_bytes_do_not_depend_on_the_blas(monkeypatch):
    images, _ = glyphs(200, seed=5)
    product = np.matmul

    def backwards_in_float64(a, b):
        return product(a[..., ::-1].astype(np.float64), b[::-1].astype(np.float64)).astype(np.float32)

    monkeypatch.setattr(np, "matmul", backwards_in_float64)
    np.testing.assert_array_equal(glyphs(200, seed=5)[0], images)


@given(KINDS, SPLITS, st.integers(0, 2**64 - 1), st.integers(0, 150), st.integers(0, 70), st.integers(0, 70))
def test_an_image_depends_on_its_number_alone(kind, split, seed, n, start, length):
    images, labels = glyphs(n, kind=kind, split=split, seed=seed)
    assert images.shape == (n, 28, 28)
    assert images.dtype == np.uint8
    assert labels.shape == (n,)
    assert labels.dtype == np.int64
    piece, piece_labels = glyphs(length, kind=kind, split=split, seed=seed, start=start)
    both = slice(start, min(n, start + length))
    shared_count = max(0, both.stop - start)
    np.testing.assert_array_equal(piece[:shared_count], images[both])
    np.testing.assert_array_equal(piece_labels[:shared_count], labels[both])


def test_images_with_large_numbers_can_be_made():
    images, labels = glyphs(3, start=2**40)
    assert images.max() > 100
    assert labels.max() < 10


def test_seed_kind_and_split_each_change_the_images():
    sets = [
        glyphs(50, kind=kind, split=split, seed=seed)[0]
        for kind in ("letters", "digits")
        for split in ("train", "test")
        for seed in (0, 1)
    ]
    assert len({array.tobytes() for array in sets}) == 8
    everything = np.concatenate(sets).reshape(-1, 784)
    assert len(np.unique(everything, axis=0)) == len(everything)


@pytest.mark.parametrize("kind", ["letters", "digits"])
def test_classes_are_equally_likely(kind):
    _, labels = glyphs(6000, kind=kind, seed=1)
    assert stats.chisquare(np.bincount(labels, minlength=10)).pvalue > 0.01


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("kind", ["letters", "digits"])
def test_glyphs_are_bright_on_dark_and_inside_the_frame(kind, split):
    images, _ = glyphs(1000, kind=kind, split=split, seed=3)
    middle, corners = images[:, 4:24, 4:24], images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.mean() < 40
    assert (np.percentile(middle, 98, axis=(1, 2)) > corners.max(axis=1) + 20).mean() > 0.99
    ink = images > 0.5 * images.max(axis=(1, 2), keepdims=True)
    edge = np.concatenate([ink[:, 0], ink[:, -1], ink[:, :, 0], ink[:, :, -1]], axis=1)
    assert edge.mean() < 0.02
    assert 0.05 < ink.mean() < 0.35


@pytest.mark.parametrize("kind", ["letters", "digits"])
def test_a_linear_classifier_gets_most_of_it_but_not_all(kind):
    def features(images):
        return np.hstack([images.reshape(-1, 784) / 255.0, np.ones((len(images), 1))])

    images, labels = glyphs(4000, kind=kind, seed=7)
    test_images, test_labels = glyphs(1000, kind=kind, split="test", seed=7)
    x = features(images)
    weights = np.linalg.solve(x.T @ x + 10 * np.eye(785), x.T @ np.eye(10)[labels])
    accuracy = ((features(test_images) @ weights).argmax(1) == test_labels).mean()
    assert 0.7 < accuracy < 0.93


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["letters", "digits"])
def test_a_small_network_learns_the_held_out_fonts(kind):
    from sklearn.neural_network import MLPClassifier

    images, labels = glyphs(20_000, kind=kind)
    test_images, test_labels = glyphs(2000, kind=kind, split="test")
    network = MLPClassifier((200,), batch_size=64, max_iter=8, random_state=0, n_iter_no_change=100)
    network.fit(images.reshape(-1, 784) / np.float32(255), labels)
    assert network.score(test_images.reshape(-1, 784) / np.float32(255), test_labels) > 0.955


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n": -1}, ValueError, "glyphs: n: expected a whole number of at least 0, got -1"),
        ({"n": 2.0}, TypeError, "glyphs: n: expected a whole number of at least 0, got 2.0"),
        ({"n": 2, "start": -1}, ValueError, "start: expected a whole number of at least 0"),
        ({"n": 2, "kind": "greek"}, ValueError, "kind: expected 'letters' or 'digits', got 'greek'"),
        ({"n": 2, "split": "dev"}, ValueError, "split: expected 'train' or 'test', got 'dev'"),
        ({"n": 0, "seed": -1}, ValueError, "seed: expected a whole number of at least 0 and below 2..64"),
        ({"n": 2, "seed": 1.5}, TypeError, "seed: expected a whole number of at least 0 and below 2..64"),
    ],
)
def test_bad_arguments_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        glyphs(**options)


def test_the_data_modules_import_nothing_heavy():
    code = (
        "import sys, numpy; before = set(sys.modules); import fastnn.data; new = set(sys.modules) - before;"
        "print(*sorted({m.partition('.')[0] for m in new} & {'scipy', 'matplotlib', 'torch', 'numba',"
        "'sklearn', 'PIL', 'zipfile', 'gzip', 'statistics', 'pooch', 'tqdm'}))"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
