"""The study of AlexNet's features: where its photos and weights come from, and that val decides nothing."""

from pathlib import Path

import numpy as np
import pytest
from class_photos import photos

from fastnn import studies
from fastnn.alexnet import Weights
from fastnn.studies.transfer.heads import fit_b
from fastnn.studies.transfer.photos import PHOTOS, Photos, parts_of_train

pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos in train/ and val/, with weights in alexnet/ beside them."""
    for part, n in (("train", 4), ("val", 2)):
        photos(tmp_path / "photos" / part, n, seed=n)
    (tmp_path / "alexnet").mkdir()
    Weights.random("torchvision", seed=1, up_to="conv5").save(tmp_path / "alexnet" / "w.safetensors")
    return tmp_path


def test_photos_and_the_weights_beside_them(folder: Path) -> None:
    data, banner = PHOTOS.load(folder)
    assert banner is None
    assert isinstance(data, Photos)
    assert data.train_images.shape == (8, 256, 256, 3)
    assert data.test_labels.tolist() == [0, 0, 1, 1]
    assert data.class_names == ("dark", "light")
    assert data.weights is not None
    assert data.weights.form.name == "torchvision"
    assert [d.subject for d in data.decisions] == ["weights"]
    assert "w.safetensors" in data.decisions[0].taken


def test_other_weights_make_another_key(folder: Path) -> None:
    before = PHOTOS.load(folder)[0].sha256()
    Weights.random("torchvision", seed=2, up_to="conv5").save(folder / "alexnet" / "w.safetensors")
    assert PHOTOS.load(folder)[0].sha256() != before


def test_who_trained_plain_arrays_is_read_from_the_name_and_said(folder: Path) -> None:
    weights = Weights.random("theano", seed=1, up_to="conv5")
    (folder / "alexnet" / "w.safetensors").unlink()
    np.savez(folder / "alexnet" / "of_theano.npz", **weights.tensors)
    data, _ = PHOTOS.load(folder)
    assert isinstance(data, Photos)
    assert data.decisions[0].taken == "of_theano.npz, like theano"
    assert "fastnn alexnet convert --like" in data.decisions[0].override


@pytest.mark.filterwarnings("ignore:image_files. files. without dark, light")  # of the case "no classes"
@pytest.mark.parametrize("case", ["none", "two", "unknown", "too short", "other classes", "no classes"])
def test_what_does_not_decide_is_an_error(folder: Path, case: str) -> None:
    own = folder / "alexnet" / "w.safetensors"
    if case == "none":
        own.unlink()
    elif case == "two":
        Weights.random("torchvision", seed=2, up_to="conv5").save(folder / "alexnet" / "v.safetensors")
    elif case == "unknown":
        own.unlink()
        np.savez(folder / "alexnet" / "w.npz", **Weights.random("theano", up_to="conv5").tensors)
    elif case == "too short":
        Weights.random("torchvision", up_to="conv4").save(own)
    elif case == "other classes":
        (folder / "photos" / "val" / "dark").rename(folder / "photos" / "val" / "dusk")
    else:
        for file in list((folder / "photos" / "val" / "dark").iterdir()):
            file.rename(folder / "photos" / "val" / file.name)
        for file in list((folder / "photos" / "val" / "light").iterdir()):
            file.unlink()
    text = {
        "none": "got 0",
        "two": "got 2",
        "unknown": "does not tell how its network was trained",
        "too short": r"conv5.w \(256, 256, 3, 3\) is missing",
        "other classes": "train has the classes dark, light, val dusk, light",
        "no classes": "no folder of photos for each class",
    }[case]
    with pytest.raises(ValueError, match=text):
        PHOTOS.load(folder)


def test_settings_are_chosen_on_training_photos() -> None:
    labels = np.repeat([0, 1], [20, 12])
    rows, held = parts_of_train(labels, 0, 0.25)
    assert sorted([*rows, *held]) == list(range(32))
    assert np.bincount(labels[held]).tolist() == [5, 3]


def test_head_b_takes_as_many_steps_as_it_is_told() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((45, 30), np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    columns, model = fit_b({"": (x, y), "val": (x, y)}, 0.5, 0, steps=200, batch=15)
    assert len(columns["steps"]) == 201  # 67 epochs of three
    assert [layer.name for layer in model.layers if layer.parameters] == ["dense1", "dense2"]
    assert columns["val_accuracy"][-1] > 0.9


def test_the_study_is_one_of_all() -> None:
    assert "transfer" in studies.NAMES
    assert list(studies.get("transfer").parts)[-1] == "summary"
