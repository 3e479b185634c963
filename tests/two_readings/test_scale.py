"""Pixels or other figures: what is divided by 255, and that training and evaluation agree about it."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.data import load
from fastnn.layers import Dense

RANDOM = np.random.default_rng(0)
LABELS = np.arange(30) % 3


def table(path: Path, values: np.ndarray, names: str = "") -> Path:
    head = f"{names},label" if names else ",".join([*(f"f{k}" for k in range(values.shape[1])), "label"])
    rows = [",".join(map(str, [*row, k])) for row, k in zip(values.tolist(), LABELS, strict=False)]
    path.write_text("\n".join([head, *rows]))
    return path


@pytest.mark.parametrize("one_half", [False, True])
def test_figures_from_0_to_9_keep_their_values(tmp_path: Path, one_half: bool) -> None:
    values = RANDOM.integers(0, 10, (30, 4)).astype(float) if one_half else RANDOM.integers(0, 10, (30, 4))
    if one_half:
        values[0, 0] = 0.5
    data = load(table(tmp_path / "a.csv", values))
    assert data.scale == 1
    assert one_half or any(decision.subject == "scale" for decision in data.decisions)


@pytest.mark.parametrize(
    ("shape", "top", "names", "expected"),
    [
        ((64,), 256, "", 1 / 255),
        ((192,), 256, "", 1 / 255),
        ((64,), 17, "", 1),  # digits of 8 x 8 in seventeen levels
        ((49,), 256, "", 1),
        ((30,), 256, "", 1),
        ((6,), 100, ",".join(f"pixel{k}" for k in range(6)), 1 / 255),
        ((6,), 100, ",".join(f"1x{k}" for k in range(6)), 1 / 255),
        ((64,), 2, "", 1),
    ],
)
def test_a_table_is_pixels_by_evidence(tmp_path: Path, shape: tuple, top: int, names: str, expected: float) -> None:
    values = RANDOM.integers(0, top, (30, *shape))
    values[0, 0] = top - 1
    data = load(table(tmp_path / "a.csv", values, names))
    assert data.scale == expected
    (decision,) = (each for each in data.decisions if each.subject == "scale")
    assert "to change it: scale=, --scale" in str(decision)
    assert load(tmp_path / "a.csv", scale=0.5).scale == 0.5
    assert all(each.subject != "scale" for each in load(tmp_path / "a.csv", scale=0.5).decisions)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8"])
def test_rows_of_other_formats_are_decided_alike(tmp_path: Path, dtype: str) -> None:
    np.savez(tmp_path / "a.npz", x=RANDOM.integers(0, 10, (30, 4)).astype(dtype), y=LABELS)
    assert load(tmp_path / "a.npz").scale == 1


def test_images_of_bytes_are_divided_without_a_word(tmp_path: Path) -> None:
    images = RANDOM.integers(0, 256, (30, 5, 7)).astype(np.uint8)
    images[0, 0, 0] = 255
    np.savez(tmp_path / "a.npz", x_train=images, y_train=LABELS, x_test=images, y_test=LABELS)
    data = load(tmp_path / "a.npz")
    assert (data.scale, data.decisions) == (1 / 255, ())
    np.savez(tmp_path / "a.npz", x_train=images // 8, y_train=LABELS, x_test=images // 8, y_test=LABELS)
    data = load(tmp_path / "a.npz")
    assert (data.scale, [each.subject for each in data.decisions]) == (1 / 255, ["scale"])
    np.savez(tmp_path / "a.npz", x_train=images // 128, y_train=LABELS, x_test=images // 128, y_test=LABELS)
    assert load(tmp_path / "a.npz").scale == 1


def test_the_seed_of_the_split_does_not_decide(tmp_path: Path) -> None:
    values = np.zeros((30, 64), int)
    values[17, 5] = 255
    assert {load(table(tmp_path / "a.csv", values), seed=seed).scale for seed in range(8)} == {1 / 255}


def model(scale: float) -> fastnn.Sequential:
    return fastnn.Sequential([fastnn.layers.Dense(3)], input_shape=(64,), input_scale=scale)


def test_data_of_a_model_are_scaled_as_in_training_or_refused(tmp_path: Path) -> None:
    pixels, dark, shares = (RANDOM.integers(0, top, (30, 64)) for top in (256, 20, 2))
    bytes_, decimals = table(tmp_path / "b.csv", pixels), table(tmp_path / "d.csv", np.round(pixels / 255, 4))
    faint, binary = table(tmp_path / "f.csv", dark), table(tmp_path / "z.csv", shares)
    for path in (bytes_, faint):
        data = load(path, like=model(1 / 255))
        assert data.scale == 1 / 255
        assert data.train_images.dtype == np.uint8
    for path in (decimals, binary):
        with pytest.raises(ValueError, match=r"training took pixels of 0 \.\.\. 255"):
            load(path, like=model(1 / 255))
    with pytest.raises(ValueError, match="look like pixels, but the training took its values as they are"):
        load(bytes_, like=model(1))
    for path in (decimals, faint, binary):
        assert load(path, like=model(1)).scale == 1


def test_a_scale_that_is_given_converts_the_values(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 256, (30, 64))
    path, shares = table(tmp_path / "b.csv", pixels), table(tmp_path / "d.csv", pixels / 255)
    trained = model(1 / 255)
    expected = trained.forward(load(path, like=trained).test_images)
    np.testing.assert_allclose(trained.forward(load(shares, like=trained, scale=1).test_images), expected, 1e-4, 1e-5)
    other = model(1)
    np.testing.assert_allclose(other.forward(load(path, like=other, scale=1 / 255).test_images), expected, 1e-4, 1e-5)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "1", True])
def test_a_scale_is_a_number_above_0(wrong: object) -> None:
    with pytest.raises((ValueError, TypeError), match="load: scale: expected a finite number above 0"):
        load("glyphs", scale=wrong)  # type: ignore[arg-type]


def test_pixels_that_are_scaled_already_are_not_scaled_again_in_silence() -> None:
    model = fastnn.Sequential([Dense(2)], input_shape=(16,), input_scale=1 / 255)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16))
    labels = np.arange(20) % 2
    message = "x holds decimals from 0 to 1, which the model's input_scale of 1/255 divides by 255"
    with pytest.warns(UserWarning, match=f"^fit: {message}"):
        fastnn.Trainer(model, epochs=1, progress=False).fit(pixels / pixels.max(), labels)
    for call in (model.predict, model.predict_proba, model.forward):
        with pytest.warns(UserWarning, match=f"^Sequential: {message}"):
            call(pixels / pixels.max())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for samples in (pixels, pixels.astype(np.uint8), pixels.astype(np.float32), np.zeros((3, 16)), -pixels / 255):
            model.predict(samples)
        model.predict(pixels[:7] / 127.5 - 1)
        model.predict(np.concatenate([np.zeros((1, 16)), pixels]))
    with pytest.warns(UserWarning, match=f"^Sequential: {message}"):
        model.predict(np.concatenate([np.zeros((1, 16)), pixels / pixels.max()]))


def test_a_training_on_bytes_as_they_are_is_warned_of() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8)).astype(np.uint8)
    labels = np.arange(20) % 2

    def train(x: np.ndarray, *layers: fastnn.layers.Layer, scale: float = 1) -> None:
        model = fastnn.Sequential([*layers, Dense(2)], input_shape=x.shape[1:], input_scale=scale)
        fastnn.Trainer(model, epochs=1, progress=False).fit(x, labels)

    for first in ([], [fastnn.layers.Flatten()], [fastnn.layers.Conv2D(2, 3), fastnn.layers.Flatten()]):
        x = pixels if first else pixels.reshape(20, 64)
        with pytest.warns(
            UserWarning, match="^fit: x holds bytes up to 2.* looks like pixels.*make the model with input_scale=1/255"
        ):
            train(x, *first)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(pixels, fastnn.layers.Flatten(), scale=1 / 255)
        train(pixels, fastnn.layers.BatchNorm(), fastnn.layers.Flatten())
        train(pixels.reshape(20, 64)[:, :30].copy())  # the features of a table
        train(pixels // 2, fastnn.layers.Flatten())
        train(pixels.astype(np.float32) / 255, fastnn.layers.Flatten())
