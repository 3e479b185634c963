"""Fine-tuning: AlexNet's layers and a head as one model, trained, interrupted, and brought back to the two."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from class_photos import photos
from strategies import same_bits

from fastnn.alexnet import Extractor, Weights
from fastnn.alexnet.classifier import Classifier, head_of
from fastnn.alexnet.fine_tuning import joined, parted, points_below
from fastnn.alexnet.views import VIEWS
from fastnn.cli import main
from fastnn.trainer.snapshot import Snapshot

pytest.importorskip("PIL.Image")
LIKE = {"original": "theano", "torchvision": "torchvision"}


@pytest.mark.parametrize("above", [None, "conv1.norm", "conv2.relu"])
def test_a_joined_model_computes_what_features_and_head_do(above):
    """With the head's factor between the two, and the response norm that belongs to the weights."""
    weights = Weights.random("theano", seed=1, up_to="conv3")
    head = head_of("drop0.5,9,tanh", weights, "conv3.pool", ["a", "b", "c"], seed=2)
    head.input_scale = 0.125
    model = joined(weights, "conv3.pool", head, above)
    images = np.random.default_rng(0).standard_normal((2, 3, 227, 227), np.float32) * 60
    want = head.forward(weights.model("conv3.pool").forward(images))
    inputs = images if above is None else weights.model(above).forward(images)
    assert np.abs(model.forward(inputs) - want).max() <= 1e-5 * np.abs(want).max()
    assert np.abs(want).max() > 0
    back = parted(model, weights, "conv3.pool", head, above)
    assert same_bits(back.head.params, head.params)
    assert back.head.input_scale == 0.125
    for name, tensor in weights.tensors.items():
        assert same_bits(back.weights.tensors[name], tensor)


def test_only_layers_behind_the_point_change():
    weights = Weights.random("torchvision", seed=1, up_to="conv2")
    head = head_of("", weights, "conv2.pool", ["a", "b"])
    model = joined(weights, "conv2.pool", head, "conv1.pool")
    model.params[...] += 1
    back = parted(model, weights, "conv2.pool", head, "conv1.pool")
    assert same_bits(back.weights.tensors["conv1.w"], weights.tensors["conv1.w"])
    assert same_bits(back.weights.tensors["conv2.w"], weights.tensors["conv2.w"] + np.float32(1))
    assert same_bits(back.head.params, head.params + np.float32(1))


@pytest.mark.parametrize("form", LIKE)
def test_points_below_a_cut_leave_layers_to_train(form):
    weights = Weights.random(LIKE[form], up_to="conv1")
    for cut in weights.form.cuts:
        below = points_below(weights, cut)
        for point in below:
            assert point in weights.form.cuts
        assert cut not in below
    assert "conv4.pool" not in points_below(weights, "conv5.pool")  # that way skips conv5
    assert points_below(weights, "conv1.relu") == ()


def test_prepared_images_are_the_features_before_the_network(tmp_path):
    weights = Weights.random("torchvision", seed=1, up_to="conv1")
    images = np.random.default_rng(0).integers(0, 256, (3, 30, 40, 3), dtype=np.uint8)
    inputs = Extractor(weights, None, cache=tmp_path)(images, views=VIEWS[2])
    assert inputs.features.shape == (6, 3 * 224 * 224)
    assert inputs.kept.tolist() == [0, 0, 1, 1, 2, 2]
    pictures = np.asarray(inputs.features).reshape(6, 3, 224, 224)
    assert same_bits(np.ascontiguousarray(pictures[::2, :, :, ::-1]), np.ascontiguousarray(pictures[1::2]))
    found = Extractor(weights, "conv1.pool", cache=False)(images).features
    assert same_bits(
        weights.model("conv1.pool").forward(np.ascontiguousarray(pictures[::2])).reshape(3, -1), np.asarray(found)
    )


# --- the command line ---


@pytest.fixture
def call(tmp_path):
    """Arguments of a fine-tuning that takes moments."""
    Weights.random("theano", seed=1, up_to="conv1").save(tmp_path / "w.safetensors")
    photos(tmp_path / "photos", 6)
    fixed = ["--cut", "conv1.pool", "--cache", str(tmp_path / "cache"), "--batch", "3", "--quiet"]
    source = ["--data", str(tmp_path / "photos"), "--weights", str(tmp_path / "w.safetensors")]
    return ["alexnet", "train", *source, *fixed, "--head", "drop0.5,4,tanh", "--fine-tune"]


def kept(folder):
    classifier = Classifier.load(folder / "classifier.safetensors")
    return np.concatenate([classifier.weights.tensors["conv1.w"].ravel(), classifier.head.params])


def test_the_result_is_a_classifier_like_any_other(call, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*call, "--epochs", "2", "--output", str(run)]) == 0
    assert "validation accuracy" in capsys.readouterr().out
    assert {p.name for p in run.iterdir()} >= {"classifier.safetensors", "history.csv", "checkpoints", "config.json"}
    before = Weights.random("theano", seed=1, up_to="conv1").tensors["conv1.w"]
    assert not np.array_equal(Classifier.load(run / "classifier.safetensors").weights.tensors["conv1.w"], before)
    for action in ("evaluate", "predict"):
        assert main(["alexnet", action, str(run), "--data", str(tmp_path / "photos")]) == 0
    assert "accuracy" in capsys.readouterr().out


@pytest.mark.slow
def test_begun_by_torch_and_ended_here_and_back(call, tmp_path):
    """A run that a GPU began goes on without one, up to rounding."""
    pytest.importorskip("torch")
    found = []
    for name, devices in (("here", ("cpu", "cpu")), ("away", ("torch-cpu", "cpu")), ("back", ("cpu", "torch-cpu"))):
        run = tmp_path / name
        assert main([*call, "--epochs", "2", "--output", str(run), "--device", devices[0]]) == 0
        described = json.loads((run / "config.json").read_text())
        described["alexnet train"]["epochs"] = 4
        (run / "config.json").write_text(json.dumps(described))
        assert main(["alexnet", "train", "--resume", str(run), "--device", devices[1], "--quiet"]) == 0
        assert len((run / "history.csv").read_text().splitlines()) == 5
        found.append(kept(run))
    for other in found[1:]:
        assert np.abs(found[0] - other).max() <= 1e-3 * np.abs(found[0]).max()
        assert not np.array_equal(found[0], other)


def test_a_head_begun_on_features_of_another_device_goes_on(call, tmp_path):
    pytest.importorskip("torch")
    head = [*call[:-1], "--epochs", "2", "--checkpoint", "1", "--output", str(tmp_path / "run")]
    assert main([*head, "--device", "torch-cpu"]) == 0
    before = kept(tmp_path / "run")
    assert main(["alexnet", "train", "--resume", str(tmp_path / "run"), "--device", "cpu", "--quiet"]) == 0
    assert same_bits(before, kept(tmp_path / "run"))  # it had been ended


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--fine-tune", "conv9"], "expected a point below conv1.pool with layers to train between the two, one of"),
        (["--device", "cuda:99"], "'cuda:99' is not there"),
        (["--precision", "bf16"], 'precision with device="cpu": expected'),
        (["--resume", "nowhere"], "--resume: nowhere is not the folder of a run with checkpoints"),
    ],
)  # fmt: skip
def test_bad_arguments_end_before_any_work(call, tmp_path, capsys, more, text):
    if "cuda:99" in more:
        pytest.importorskip("torch")
    assert main([*call, *more, "--output", str(tmp_path / "run")]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").glob("*/index"))


def test_without_pytorch_the_command_to_install_it_is_named(call, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main([*call, "--device", "cuda", "--output", str(tmp_path / "run")]) == 2
    assert "this device needs PyTorch: pip install 'fastnn-cpu[torch]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_neither_data_nor_weights_are_guessed(capsys):
    assert main(["alexnet", "train", "--weights", "w"]) == 2
    assert "--data: needed, unless --resume goes on with a run" in capsys.readouterr().err
    assert main(["alexnet", "train", "--data", "d"]) == 2
    assert "--weights: needed" in capsys.readouterr().err


@pytest.mark.slow
def test_killed_on_the_way_it_goes_on_to_the_same_bits(call, tmp_path, capsys):
    epochs = ["--epochs", "12"]
    assert main([*call, *epochs, "--output", str(tmp_path / "whole")]) == 0
    run = tmp_path / "run"
    command = [sys.executable, "-m", "fastnn", *call, *epochs, "--output", str(run), "--checkpoint", "2steps"]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}) as process:
        deadline = time.monotonic() + 300
        while not list(run.glob("checkpoints/*.safetensors")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (run / "classifier.safetensors").exists()
    assert Snapshot.read(run / "checkpoints").position.epoch < 12
    assert main([*call, *epochs, "--output", str(run)]) == 2
    assert "holds the checkpoints of a run: --resume" in capsys.readouterr().err
    assert main(["alexnet", "train", "--resume", str(run), "--quiet"]) == 0
    assert same_bits(kept(run), kept(tmp_path / "whole"))
