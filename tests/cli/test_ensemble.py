"""``fastnn train --ensemble``, and the commands that are given its file."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from populations import ctrl_c_before

import fastnn
from fastnn.cli import main

OPTIONS = ("--batch", "16", "--model", "mlp:16-12-3", "--epochs", "6", "--learning-rate", "0.01")


def train(data: Path, folder: Path, *options: str) -> int:
    return main(["train", str(data), "--output", str(folder), *OPTIONS, *options])


@pytest.fixture(scope="module")
def ensemble(toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "ensemble"
    assert train(toy_data, folder, "--ensemble", "5", "--seed", "3") == 0
    return folder


def test_the_file_holds_all_members_and_what_they_share(ensemble: Path, toy_data: Path) -> None:
    members = fastnn.load(ensemble / "model.safetensors")
    assert isinstance(members, fastnn.Population)
    assert members.seeds == [3, 4, 5, 6, 7]
    assert members[0].class_names == ("0", "1", "2")
    data = fastnn.data.load(toy_data)
    result = json.loads((ensemble / "config.json").read_text())["result"]
    assert result["test"]["accuracy"] == np.mean(members.predict(data.test_images) == data.test_labels)
    each = (members.predict(data.test_images, how="members") == data.test_labels).mean(axis=1)
    assert result["test"]["accuracy of members"]["largest"] == each.max()
    with (ensemble / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(r["loss"]) for r in rows], members.column("loss").mean(axis=1))


def test_a_member_is_the_network_of_its_seed(ensemble: Path, toy_data: Path, tmp_path: Path) -> None:
    assert train(toy_data, tmp_path / "one", "--seed", "5", "--quiet") == 0
    one = fastnn.load(tmp_path / "one" / "model.safetensors")
    member = fastnn.load(ensemble / "model.safetensors")[2]
    np.testing.assert_allclose(member.params, one.params, rtol=1e-3, atol=1e-4)
    for name, array in one.state.items():
        np.testing.assert_array_equal(member.state[name], array)


def test_the_last_line_has_the_accuracies(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(toy_data, tmp_path / "r", "--ensemble", "2") == 0
    out = capsys.readouterr().out
    assert "2 networks that differ in their seeds" in out
    assert "12 epochs of 2 networks" in out
    assert "members by themselves" in out.splitlines()[-1]


def test_evaluate_and_predict_take_the_mean(ensemble: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members, data = fastnn.load(ensemble / "model.safetensors"), fastnn.data.load(toy_data)
    assert main(["evaluate", str(ensemble), str(toy_data), "--quiet"]) == 0
    figures = members.evaluate(*data.test)
    assert f"accuracy {figures['accuracy']:.2%}" in (line := capsys.readouterr().out)
    assert f"loss {figures['loss']:.4f} nats" in line
    assert main(["predict", str(ensemble), str(toy_data), "--probabilities"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["Category"] for row in rows] == [str(k) for k in members.predict(data.test_images)]
    shares = [[float(row[f"P({name})"]) for name in "012"] for row in rows]
    np.testing.assert_allclose(shares, members.predict_proba(data.test_images), rtol=1e-4, atol=1e-6)


def test_the_options_repeat_it(ensemble: Path, tmp_path: Path) -> None:
    assert main(["train", "--config", str(ensemble / "config.toml"), "--output", str(tmp_path / "r"), "--quiet"]) == 0
    same = fastnn.load(tmp_path / "r" / "model.safetensors")
    assert same.params.tobytes() == fastnn.load(ensemble / "model.safetensors").params.tobytes()


def test_an_interrupted_one_keeps_what_there_is_and_is_resumed_to_the_same_bits(
    ensemble: Path, toy_data: Path, tmp_path: Path
) -> None:
    with ctrl_c_before(4):
        assert train(toy_data, tmp_path / "r", "--ensemble", "5", "--seed", "3", "--checkpoint", "2") == 130
    kept = fastnn.load(tmp_path / "r" / "model.safetensors")
    assert len(kept.history) == 3
    assert main(["train", "--resume", str(tmp_path / "r"), "--quiet"]) == 0
    again = fastnn.load(tmp_path / "r" / "model.safetensors")
    assert again.params.tobytes() == fastnn.load(ensemble / "model.safetensors").params.tobytes()


def test_early_stopping_counts_for_each_member(toy_data: Path, tmp_path: Path) -> None:
    options = ("--ensemble", "8", "--early-stopping", "1", "--epochs", "40", "--learning-rate", "0.05", "--quiet")
    assert train(toy_data, tmp_path / "r", *options) == 0
    members = fastnn.load(tmp_path / "r" / "model.safetensors")
    assert len(set(members.epochs_done.tolist())) > 1
    assert (members.best_epoch == members.epochs_done - 1).any()


def test_export_asks_for_one_network(ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(ensemble), "-o", str(tmp_path / "model.npz")]) == 2
    assert "MODEL: expected one network, got the 5 of an ensemble" in capsys.readouterr().err
    assert not (tmp_path / "model.npz").exists()


REFUSED = {
    "one": (("--ensemble", "1"), "--ensemble"),
    "augment": (("--ensemble", "2", "--augment", "shift=1"), "--augment: expected none with --ensemble"),
    "weights": (("--ensemble", "2", "--class-weight", "balanced"), "--class-weight: expected none with --ensemble"),
    "smoothing": (("--ensemble", "2", "--label-smoothing", "0.1"), "--label-smoothing: expected none with --ensemble"),
    "explain": (("--ensemble", "2", "--explain"), "--explain: expected none with --ensemble"),
    "steps": (("--ensemble", "2", "--checkpoint", "10steps"), "--checkpoint: expected a number of epochs"),
    "layers": (("--ensemble", "2", "--model", "conv:4x3,relu,fc3"), "--ensemble: models: expected dense layers"),
    "seeds": (("--ensemble", "2", "--seed", str(2**64 - 1)), "--seed: expected 2 seeds below"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_ensemble_cannot_do_is_one_error(
    name: str, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, message = REFUSED[name]
    try:
        status = train(toy_data, tmp_path / "r", *options)
    except SystemExit as error:  # of argparse
        status = int(str(error.code))
    assert status != 0
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
    shutil.rmtree(tmp_path / "r", ignore_errors=True)
