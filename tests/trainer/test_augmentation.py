"""Training with augmentation uses the images that `Augmentation` returns for the seed, the epoch and the sample."""

import numpy as np
import pytest

import fastnn
from fastnn.data import Augmentation, read_npy
from fastnn.layers import Dense, ReLU
from fastnn.trainer import sample_source

AUGMENT = Augmentation(shift=1, rotate=20, noise=3, cutout=2, seed=3)


def data():
    rng = np.random.default_rng(0)
    return rng.random((53, 6, 5), np.float32), rng.integers(0, 3, 53)


def trainer(epochs=3, *callbacks, **options):
    model = fastnn.Sequential([Dense(9), ReLU(), Dense(3)], input_shape=(30,), seed=1)
    given = {"optimizer": "adam", "batch_size": 7, "seed": 4, "augmentation": AUGMENT, **options}
    return fastnn.Trainer(model, epochs=epochs, callbacks=callbacks, **given)


def trained(x, y, **options):
    made = trainer(**options)
    history = made.fit(x, y)
    return made.model.params.copy(), history.steps


def test_an_epoch_is_trained_on_what_the_augmentation_gives():
    x, y = data()
    for a, b in zip(trained(x, y, epochs=1), trained(AUGMENT(x, epoch=1), y, epochs=1, augmentation=None), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("piece", [1, 3000, 1 << 20])
@pytest.mark.parametrize("processors", [1, 1000])
def test_bits_do_not_depend_on_how_many_images_are_made_at_once_or_when(monkeypatch, compiled, piece, processors):
    x, y = data()
    expected = trained(x, y)
    monkeypatch.setattr(sample_source, "_HALF_BYTES", piece)
    monkeypatch.setattr(sample_source, "granted_processors", lambda: processors)
    for a, b in zip(trained(x.reshape(53, 1, 6, 5), y, compile=compiled), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_threads_change_no_bit():
    before = fastnn.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            fastnn.set_num_threads(threads)
            found.append(trained(*data())[0])
    finally:
        fastnn.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_a_checkpoint_continues_to_the_same_bits(tmp_path):
    pytest.importorskip("safetensors")
    x, y = data()
    whole = trainer(4)
    whole.fit(x, y)
    trainer(2, fastnn.Checkpoint(tmp_path, every_steps=13)).fit(x, y)
    again = fastnn.Trainer.from_checkpoint(tmp_path, epochs=4)
    assert again.augmentation == AUGMENT
    again.resume(tmp_path, x, y)
    np.testing.assert_array_equal(again.model.params, whole.model.params)


def test_rows_of_pixels_need_a_shape():
    x, y = data()
    with pytest.raises(ValueError, match=r"expected \(N, H, W\)"):
        trained(x.reshape(53, 30), y)
    shaped = Augmentation(shift=1, rotate=20, noise=3, cutout=2, seed=3, shape=(6, 5))
    np.testing.assert_array_equal(trained(x.reshape(53, 30), y, augmentation=shaped)[0], trained(x, y)[0])


@pytest.mark.parametrize("moved", [False, True])
def test_images_in_a_file_give_the_same_bits(tmp_path, moved):
    x, y = data()
    np.save(tmp_path / "x.npy", x)
    mapped = read_npy(tmp_path / "x.npy", mapped=True)
    if moved:  # then the file cannot be found, so that its mapping is read
        (tmp_path / "x.npy").rename(tmp_path / "y.npy")
    np.testing.assert_array_equal(trained(mapped, y)[0], trained(x, y)[0])
