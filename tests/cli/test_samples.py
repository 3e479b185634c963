"""What ``fastnn predict`` and the other commands take as data: images, folders, tables, standard input."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fastnn
from fastnn.cli import main


def photo(path: Path, hue: int, seed: int, size: tuple[int, int]) -> None:
    """Write a noisy image of one colour, `size` (width, height) pixels."""
    pixels = np.random.default_rng(seed).integers(0, 60, (size[1], size[0], 3), np.uint8)
    pixels[..., hue] += 150
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of red and one of blue images, of several sizes, in train and in val."""
    folder = tmp_path_factory.mktemp("photos")
    for split, count in (("train", 12), ("val", 5)):
        for hue, name in ((0, "red"), (2, "blue")):
            for k in range(count):
                photo(folder / split / name / f"{k}.png", hue, 100 * hue + k, (20 + k, 30))
    return folder


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on these photos, with no option but the network's."""
    folder = tmp_path_factory.mktemp("run") / "run"
    command = ["train", str(photos), "--model", "mlp:12288-8-2", "--epochs", "3", "--output", str(folder), "--quiet"]
    assert main(command) == 0
    return folder


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_photos_of_several_sizes_train_without_an_option_and_the_model_keeps_how(
    trained: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fastnn.load(trained / "model.safetensors")
    assert model.reading == {"size": [64, 64], "mode": "rgb"}
    assert main(["data", "info", str(photos)]) == 0
    assert "size: 64 x 64 (images differ in size, such as 30 x 20 and 30 x 21;" in capsys.readouterr().out
    assert main(["evaluate", str(trained), str(photos), "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("test accuracy 100.00% (10 of 10 images)")


def test_predict_takes_an_image_a_flat_folder_and_standard_input(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, hue in (("s10", 2), ("s2", 0)):
        photo(tmp_path / "new" / f"{name}.png", hue, 7, (40, 25))
    (tmp_path / "new" / "notes.txt").write_text("no image")
    assert main(["predict", str(trained), str(tmp_path / "new" / "s2.png")]) == 0
    out, err = capsys.readouterr()
    assert table(out) == [["Id", "Category"], ["s2.png", "red"]]
    assert "size: 64 x 64, as in training (an image has another size;" in err
    assert main(["predict", str(trained), str(tmp_path / "new")]) == 0
    out, err = capsys.readouterr()
    assert table(out) == [["Id", "Category"], ["s2.png", "red"], ["s10.png", "blue"]]
    assert "files: without notes.txt (they are no images" in err
    content = io.BytesIO((tmp_path / "new" / "s10.png").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content))
    assert main(["predict", str(trained), "-"]) == 0
    assert table(capsys.readouterr().out)[1][1] == "blue"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    assert main(["predict", str(trained), "-"]) == 2
    assert "DATA: expected data on standard input, got nothing" in capsys.readouterr().err


def test_predict_shows_probabilities_of_all_classes_or_of_the_most_probable(
    run_folder: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = fastnn.data.load(toy_data).test_images
    expected = fastnn.load(run_folder / "model.safetensors").predict_proba(images)
    assert main(["predict", str(run_folder), str(toy_data), "--probabilities"]) == 0
    head, *rows = table(capsys.readouterr().out)
    assert head == ["Id", "Category", "P(0)", "P(1)", "P(2)"]
    np.testing.assert_allclose(np.array(rows)[:, 2:].astype(float), expected, rtol=1e-5)
    assert main(["predict", str(run_folder), str(toy_data), "--top", "2"]) == 0
    head, *top = table(capsys.readouterr().out)
    assert head == ["Id", "Category 1", "Probability 1", "Category 2", "Probability 2"]
    for row, full in zip(top, rows, strict=True):
        assert row[1] == full[1]
        assert float(row[2]) >= float(row[4])
        assert row[2] == full[2 + int(row[1])]
        assert row[4] == full[2 + int(row[3])]
    assert main(["predict", str(run_folder), str(toy_data), "--top", "9"]) == 0  # no more than there are
    assert len(table(capsys.readouterr().out)[0]) == 1 + 2 * 3


def test_predict_finds_the_channels_of_an_array_or_takes_their_order(
    trained: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = fastnn.data.load(photos, size=64).test_images
    answers = []
    for name, images in (("first", first), ("last", first.transpose(0, 2, 3, 1))):
        np.save(tmp_path / f"{name}.npy", images)
        assert main(["predict", str(trained), str(tmp_path / f"{name}.npy")]) == 0
        out, err = capsys.readouterr()
        answers.append(out)
        assert ("axes: samples x rows x columns x channels" in err) == (name == "last")
    assert answers[0] == answers[1]
    assert main(["predict", str(trained), str(tmp_path / "last.npy"), "--axes", "NHWC"]) == 0
    assert capsys.readouterr().out == answers[0]


def test_data_are_named_once(run_folder: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run_folder), str(toy_data), "--data", str(toy_data)]) == 2
    assert "DATA: expected one data set" in capsys.readouterr().err
    assert main(["evaluate", str(run_folder)]) == 2
    assert "DATA: expected the name or the path of a data set, got none" in capsys.readouterr().err


def test_the_data_of_a_configuration_file_give_way_to_those_of_the_command_line(
    run_folder: Path, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--config", str(run_folder / "config.toml"), "digits", "--output", str(tmp_path / "out")]
    assert main([*command, "--model", "mlp:784-4-10", "--epochs", "1"]) == 0
    assert "digits: " in capsys.readouterr().out


def test_the_target_column_is_kept_and_found_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{'ab'[k % 2]},{k % 2}.5,{k % 7}.25,{'uv'[k % 3 == 0]}" for k in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["kind,x,z,other", *rows]))
    assert main(["data", "info", str(tmp_path / "t.csv")]) == 0  # two columns of words
    assert "give --target" in capsys.readouterr().err
    lines = [line.rpartition(",")[0] for line in ["kind,x,z,other", *rows]]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    command = ["train", str(tmp_path / "t.csv"), "--target", "kind", "--output", str(tmp_path / "run"), "--quiet"]
    assert main([*command, "--epochs", "2"]) == 0
    assert fastnn.load(tmp_path / "run" / "model.safetensors").reading == {"label": "kind"}
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), str(tmp_path / "t.csv"), "--part", "all"]) == 0
    assert "labels:" not in capsys.readouterr().err  # nothing had to be guessed
