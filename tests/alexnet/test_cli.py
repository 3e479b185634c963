"""``fastnn alexnet`` converts, lists cuts, trains, evaluates and predicts, and refuses bad input."""

import csv
import re

import numpy as np
import pytest
from class_photos import photos
from data_files import shared
from strategies import same_bits

from fastnn.alexnet import Weights, load_weights
from fastnn.alexnet.classifier import Classifier, head_of, one_scale
from fastnn.cli import main

pil = pytest.importorskip("PIL.Image")


@pytest.fixture
def files(tmp_path):
    """A file of weights, and a folder of photos by class."""
    path = tmp_path / "w.safetensors"
    Weights.random("theano", seed=1, up_to="conv1").save(path)
    return path, photos(tmp_path / "photos", 6), tmp_path


def train(files, *more):
    weights, data, folder = files
    fixed = ["--cut", "conv1.pool", "--cache", str(folder / "cache"), "--output", str(folder / "run"), "--quiet"]
    return main(["alexnet", "train", "--data", str(data), "--weights", str(weights), *fixed, *more])


def test_a_head_is_trained_evaluated_and_predicts(files, capsys):
    _, data, folder = files
    assert train(files, "--epochs", "20", "--head", "8,tanh", "--batch", "4", "--learning-rate", "1e-5") == 0
    said = capsys.readouterr().out
    assert "validation accuracy 100.00%" in said
    assert {p.name for p in (folder / "run").iterdir()} == {
        "classifier.safetensors",
        "history.csv",
        "learning_curve.png",
    }
    computing = ["--cache", str(folder / "cache")]
    assert main(["alexnet", "evaluate", str(folder / "run"), "--data", str(data), *computing]) == 0
    assert "accuracy 100.00% (12 of 12 photos)" in capsys.readouterr().out
    table = str(folder / "answers.csv")
    assert main(["alexnet", "predict", str(folder / "run"), "--data", str(data), "-o", table, *computing]) == 0
    rows = list(csv.reader((folder / "answers.csv").read_text().splitlines()))
    assert rows[0] == ["File", "Category", "dark", "light"]
    assert [row[1] for row in rows[1:]] == ["dark"] * 6 + ["light"] * 6
    assert all(abs(float(row[2]) + float(row[3]) - 1) < 2e-4 for row in rows[1:])
    again = Classifier.load(folder / "run" / "classifier.safetensors")
    assert again.views == 12
    assert again.head.input_scale != 1


def test_the_same_seed_trains_to_the_same_file(files):
    _, _, folder = files
    kept = []
    for _ in range(2):
        assert train(files, "--epochs", "2", "--overwrite", "--seed", "4") == 0
        kept.append(Classifier.load(folder / "run" / "classifier.safetensors").head.params)
    assert same_bits(*kept)


def test_folders_called_train_and_val_are_the_splits(files, capsys):
    _, _, folder = files
    photos(folder / "sets" / "train", 4, 1)
    photos(folder / "sets" / "val", 2, 2)
    assert train((files[0], folder / "sets", folder), "--epochs", "15", "--raw", "--views", "1") == 0
    assert "of 4 photos" in capsys.readouterr().out
    classifier = Classifier.load(folder / "run" / "classifier.safetensors")
    assert (classifier.head.input_scale, classifier.views) == (1.0, 1)
    photos(folder / "other" / "train", 2, 1)
    photos(folder / "other" / "val", 2, 2, ("dark", "bright"))
    assert train((files[0], folder / "other", folder), "--overwrite") == 2
    assert "expected the classes dark, light in" in capsys.readouterr().err


def test_a_damaged_photo_is_named_and_skipped(files, capsys):
    _, data, _ = files
    (data / "dark" / "3.png").write_bytes(b"none")
    with pytest.warns(UserWarning, match=r"damaged and skipped: .*3.png"):
        assert train(files, "--epochs", "1") == 0
    assert train(files, "--epochs", "1", "--overwrite", "--strict") == 2
    assert "3.png: not a PNG, JPEG, PGM, BMP, GIF, WebP or TIFF file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--cut", "conv9"], "train: cut: expected one of conv1, "),
        (["--cut", "conv2"], "conv2.w (256, 48, 5, 5) is missing"),
        (["--head", "fifty"], "unknown layer 'fifty'"),
        (["--device", "tpu"], 'device: expected "cpu"'),
        (["--weights", "nowhere.pth"], "there is no such file"),
        (["--like", "caffenet"], "has a description of its own"),
        (["--optimizer", "momentum", "--momentum", "1.5"], "momentum"),
    ],
)
def test_bad_input_is_refused(files, capsys, more, text):
    assert train(files, *more) == 2
    assert text in capsys.readouterr().err


def test_too_few_classes_or_photos_are_refused(files, capsys):
    _, data, folder = files
    photos(folder / "one", 3, classes=("dark",))
    assert train((files[0], folder / "one", folder)) == 2
    assert "expected images of at least two classes, got dark" in capsys.readouterr().err
    for i in range(5):
        (data / "light" / f"{i}.png").unlink()
    assert train(files) == 2
    assert "expected two photos or more of each class, got one of light" in capsys.readouterr().err
    assert main(["alexnet", "evaluate", str(files[0]), "--data", str(data)]) == 2
    assert "not a classifier on AlexNet" in capsys.readouterr().err


def test_weights_are_converted_and_cuts_listed(files, capsys):
    weights, _, folder = files
    np.savez(folder / "plain.npz", **load_weights(weights).tensors)
    assert main(["alexnet", "convert", str(folder / "plain.npz"), str(folder / "out.safetensors")]) == 2
    assert "does not tell how its network was trained" in capsys.readouterr().err
    call = ["alexnet", "convert", str(folder / "plain.npz"), str(folder / "out.safetensors"), "--like", "theano"]
    assert main(call) == 0
    assert "the original form, conv1; " in capsys.readouterr().out
    assert load_weights(folder / "out.safetensors").digest("conv1") == load_weights(weights).digest("conv1")
    assert main(["alexnet", "convert", str(weights), str(folder / "out.npz")]) == 2
    assert main(["alexnet", "cuts"]) == 0
    assert "conv3.relu    384 x 13 x 13     64,896" in capsys.readouterr().out


def test_heads_are_parsed():
    weights = Weights.random(up_to="conv1")
    a = head_of("drop0.5,2048,relu,drop0.5,12,relu", weights, "conv5.pool", list("abcdef"))
    assert [layer.name for layer in a.layers if layer.parameters] == ["dense1", "dense2", "dense3"]
    assert (a.layers[2].units, a.output_shape, a.params.size) == (2048, (6,), 9216 * 2048 + 2048 + 2048 * 12 + 12 + 78)
    assert head_of("", weights, "fc7.relu", ["a", "b"]).params.size == 4096 * 2 + 2
    assert one_scale(np.array([[1, 3]], "f4")) == 1
    with pytest.raises(ValueError, match="expected numbers that differ"):
        one_scale(np.ones((2, 3), "f4"))


@pytest.mark.slow
def test_ants_and_bees_are_told_apart(tmp_path, capsys):
    """With features standardised by one scale, twelve views and dropout; five seeds."""
    weights = load_weights(shared("alexnet/alexnet_conv_theano.npz"), like="theano")
    weights.save(tmp_path / "w.safetensors")
    accuracies = []
    for seed in range(5):
        run = tmp_path / f"run{seed}"
        call = ["--data", str(shared("photos")), "--weights", str(tmp_path / "w.safetensors"), "--seed", str(seed)]
        assert main(["alexnet", "train", *call, "--cache", str(tmp_path / "c"), "--output", str(run), "--quiet"]) == 0
        accuracies.append(float(re.search(r"validation accuracy ([\d.]+)%", capsys.readouterr().out)[1]) / 100)
    assert np.mean(accuracies) >= 0.915, accuracies
    assert min(accuracies) >= 0.9, accuracies
