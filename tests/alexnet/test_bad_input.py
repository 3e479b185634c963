"""Photos and arguments of every kind through the command line: each is right, or one clear error."""

import csv
import io

import numpy as np
import pytest
from class_photos import photos

from fastnn.alexnet import Weights
from fastnn.cli import main

pil = pytest.importorskip("PIL.Image")


@pytest.fixture
def files(tmp_path):
    """Weights, photos by class, and where the run goes."""
    path = tmp_path / "w.safetensors"
    Weights.random("theano", seed=1, up_to="conv1").save(path)
    return path, photos(tmp_path / "photos", 5), tmp_path


def train(files, *more, epochs="1"):
    weights, data, folder = files
    fixed = ["--cut", "conv1.pool", "--cache", str(folder / "cache"), "--output", str(folder / "run"), "--quiet"]
    source = ["--data", str(data), "--weights", str(weights)]
    return main(["alexnet", "train", *source, *fixed, "--epochs", epochs, "--head", "4,tanh", *more])


def predicted(files, folder):
    out = files[2] / "answers.csv"
    call = ["alexnet", "predict", str(files[2] / "run"), "--data", str(folder), "-o", str(out)]
    assert main([*call, "--cache", str(files[2] / "cache")]) == 0
    return list(csv.DictReader(out.read_text().splitlines()))


def kinds(colour):
    """The same picture of one colour, as files of many kinds."""
    red, green, blue = colour
    flat = pil.new("RGB", (50, 40), colour)
    grey = pil.new("L", (50, 40), red)
    turned = pil.Exif()
    turned[0x0112] = 6
    deep = pil.fromarray(np.full((40, 50), red * 257, np.uint16))
    clear = pil.new("RGBA", (50, 40), (red, green, blue, 255))
    cmyk = pil.new("CMYK", (50, 40), (255 - red, 255 - green, 255 - blue, 0))
    files = {
        "grey.png": grey,
        "alpha.png": clear,
        "deep.png": deep,
        "pixel.png": pil.new("RGB", (1, 1), colour),
        "palette.png": flat.convert("P", palette=pil.Palette.ADAPTIVE),
        "bits.png": pil.new("1", (50, 40), red > 127),
    }
    found = {}
    for name, image in files.items():
        out = io.BytesIO()
        image.save(out, "png")
        found[name] = out.getvalue()
    for name, image, more in (("cmyk.jpg", cmyk, {}), ("turned.jpg", flat, {"exif": turned})):
        out = io.BytesIO()
        image.save(out, "jpeg", quality=98, **more)
        found[name] = out.getvalue()
    return found


def test_a_picture_has_the_same_answer_as_a_file_of_every_kind(files, tmp_path):
    """And such files can be trained on."""
    data = tmp_path / "kinds"
    for name, level in (("dark", 40), ("light", 220)):
        (data / name).mkdir(parents=True)
        for file, content in kinds((level, level, level)).items():
            (data / name / file).write_bytes(content)
    assert train((files[0], data, tmp_path), "--strict") == 0
    settings = ["--head", "8,tanh", "--batch", "4", "--learning-rate", "1e-5"]
    assert train(files, *settings, "--overwrite", epochs="20") == 0
    rows = predicted(files, data)
    assert len(rows) == 16
    chances = {
        name: [float(row["light"]) for row in rows if f"/{name}/" in row["File"] and "bits" not in row["File"]]
        for name in ("dark", "light")
    }
    assert [len(found) for found in chances.values()] == [7, 7]
    for found in chances.values():
        assert max(found) - min(found) < 0.05
    assert max(chances["dark"]) < min(chances["light"]) - 0.1


def test_damaged_photos_among_many_are_counted_and_named(files, capsys):
    _, data, folder = files
    for i in range(3):
        whole = (data / "dark" / f"{i}.png").read_bytes()
        (data / "dark" / f"{i}.png").write_bytes(whole[: len(whole) // 2] if i else b"")
    with pytest.warns(UserWarning, match=r"images are damaged and skipped: .*dark/\d.png"):
        assert train(files) == 0
    with pytest.warns(UserWarning, match="3 of 10 images are damaged and skipped"):
        rows = predicted(files, data)
    assert len(rows) == 7
    assert train(files, "--overwrite", "--strict") == 2
    assert "dark/" in capsys.readouterr().err
    call = ["alexnet", "predict", str(folder / "run"), "--data", str(data), "--strict"]
    assert main([*call, "--cache", str(folder / "cache")]) == 2
    assert "dark/0.png" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:AlexNetFeatures")
def test_a_class_of_which_no_photo_can_be_read_is_an_error(files, capsys):
    _, data, _ = files
    for i in range(5):
        (data / "light" / f"{i}.png").write_bytes(b"none")
    assert train(files) == 2
    assert "--data: every photo of light to train on is damaged" in capsys.readouterr().err
    assert not (files[2] / "run").exists()


@pytest.mark.parametrize("content", ["text", "cut off", "another model", "empty", "a folder", "not there"])
def test_a_file_that_holds_no_weights(files, tmp_path, capsys, content):
    import fastnn

    wrong = tmp_path / "wrong.safetensors"
    if content == "text":
        wrong.write_text("weights")
    elif content == "cut off":
        wrong.write_bytes(files[0].read_bytes()[:1000])
    elif content == "another model":
        fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,)).save(wrong)
    elif content == "empty":
        wrong.touch()
    elif content == "a folder":
        wrong.mkdir()
    assert train((wrong, *files[1:])) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "wrong.safetensors" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--cut", "conv6"], "expected one of conv1, conv1.relu, conv1.pool"),
        (["--validation", "0"], "got 0"),
        (["--validation", "1"], "got 1"),
        (["--validation", "0.01"], "0.01"),
        (["--learning-rate", "-1"], "--learning-rate: expected a finite number above 0, got -1.0"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_arguments_that_do_not_fit(files, tmp_path, capsys, more, text):
    assert train(files, *more) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_share_beside_a_folder_of_held_out_photos_has_two_readings(files, tmp_path, capsys):
    photos(tmp_path / "sets" / "train", 3, 1)
    photos(tmp_path / "sets" / "val", 2, 2)
    call = (files[0], tmp_path / "sets", tmp_path)
    assert train(call, "--validation", "0.5") == 2
    assert "holds photos for it" in capsys.readouterr().err
    assert train(call) == 0


def test_a_class_with_one_photo(files, tmp_path, capsys):
    """It can be trained on where others are held out in a folder; else nothing would be left to validate with."""
    photos(tmp_path / "sets" / "train", 3, 1)
    photos(tmp_path / "sets" / "val", 2, 2)
    for i in (1, 2):
        (tmp_path / "sets" / "train" / "light" / f"{i}.png").unlink()
    assert train((files[0], tmp_path / "sets", tmp_path)) == 0
    capsys.readouterr()
    assert train((files[0], tmp_path / "sets" / "train", tmp_path), "--overwrite") == 2
    assert "expected two photos or more of each class, got one of light" in capsys.readouterr().err
