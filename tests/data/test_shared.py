"""The shared data sets are those in their list, and they can be read."""

import hashlib

import numpy as np
import pytest
from data_files import shared

from fastnn.data import load, memory_needed, read_npz


def test_every_file_has_the_listed_sha256():
    listed = [line.split(maxsplit=1) for line in shared("SHA256SUMS").read_text().splitlines()]
    assert len(listed) > 800
    for digest, name in listed:
        with shared(name.strip()).open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == digest, name


def test_weights_and_golden_activations_are_read():
    weights = read_npz(shared("alexnet/alexnet_conv_theano.npz"))
    shapes = {"conv1": (96, 3, 11, 11), "conv2": (256, 48, 5, 5), "conv3": (384, 256, 3, 3), "conv5": (256, 192, 3, 3)}
    assert {name: weights[f"{name}.w"].shape for name in shapes} == shapes
    trace = read_npz(shared("alexnet/caffenet_trace.npz"))
    assert trace["input"].shape[-3:] == (3, 227, 227)
    assert all(np.isfinite(array).all() for array in trace.values())


@pytest.mark.parametrize("name", ["mnist", "mnist/mnist_all.mat", "notmnist", "faces/orl"])
def test_the_estimate_is_above_what_is_loaded(name):
    data = load(shared(name))
    kept = data.train_images.nbytes + data.test_images.nbytes
    assert kept < memory_needed(shared(name)) < 6 * kept


def test_the_estimate_for_photos_is_their_number_by_their_size():
    assert memory_needed(shared("photos"), size=64) == 2 * (123 + 121 + 70 + 83) * 3 * 64 * 64
