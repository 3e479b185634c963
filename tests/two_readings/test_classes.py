"""Classes of a model and of a data set: compared by name, and the unknown ones are reported."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn.cli import main
from fastnn.data import load

IMAGES = np.zeros((40, 4, 4), np.uint8)
for _k in range(40):
    IMAGES[_k].reshape(-1)[3 * (_k % 5) : 3 * (_k % 5) + 3] = 250
CLASSES = np.arange(40) % 5  # of IMAGES[k]: which pixels are bright


def model(names: tuple[str, ...] | None = tuple("0123")) -> fastnn.Sequential:
    """A model that knows the first four classes."""
    made = fastnn.Sequential(
        [fastnn.layers.Dense(4)], input_shape=(16,), input_scale=1 / 255, class_names=names, seed=None
    )
    for k in range(4):
        made.parameters["dense1.w"][3 * k : 3 * k + 3, k] = 1
    return made


def stored(path: Path, keep: np.ndarray, names: np.ndarray | None = None) -> Path:
    labels = CLASSES if names is None else names[CLASSES]
    np.savez(path, x_train=IMAGES[keep], y_train=labels[keep], x_test=IMAGES[keep], y_test=labels[keep])
    return path


def test_classes_without_a_name_are_compared_by_number(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.npz", np.isin(CLASSES, (0, 2, 3)))
    data = load(path, like=model())
    assert data.class_names == tuple("0123")
    assert model().evaluate(*data.test)["accuracy"] == 1


def test_an_unknown_class_comes_after_the_known_ones(tmp_path: Path) -> None:
    data = load(stored(tmp_path / "a.npz", np.isin(CLASSES, (0, 2, 3, 4))), like=model())
    assert data.class_names == tuple("01234")
    assert set(data.test_labels.tolist()) == {0, 2, 3, 4}


def test_evaluate_reports_unknown_classes_with_their_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model().save(tmp_path / "m.safetensors")
    path = stored(tmp_path / "a.npz", np.isin(CLASSES, (0, 2, 3, 4)))
    assert main(["evaluate", str(tmp_path / "m.safetensors"), "--data", str(path)]) == 0
    out, err = capsys.readouterr()
    assert "does not know, counted as wrong and left out of the loss: 4 (8 samples)" in err
    assert "test accuracy 75.00% (24 of 32 images)" in out
    rows = {line.split()[0]: line.split()[1:4] for line in out.splitlines()[1:6]}
    assert rows["3"] == ["8", "8", "100.00%"]
    assert rows["4"] == ["8", "0", "0.00%"]


def table(path: Path, names: list[str], rows: list[int]) -> Path:
    lines = [",".join([*(f"p{k}" for k in range(16)), "label"])]
    lines += [",".join(map(str, [*IMAGES[k].reshape(-1), names[CLASSES[k]]])) for k in rows]
    path.write_text("\n".join(lines))
    return path


@given(names=st.permutations(["ant", "bee", "cat", "dog", "10", "9"]))
def test_any_names_of_the_classes_give_the_same_figure(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("classes")
    path = table(folder / "a.csv", names, [k for k in range(40) if CLASSES[k] < 4])
    data = load(path, like=model(tuple(names[:4])), scale=1 / 255)
    assert data.class_names == tuple(names[:4])
    assert model().evaluate(*data.test)["accuracy"] == 1


def test_none_in_common_is_an_error(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", list("vwxyz"), list(range(40)))
    with pytest.raises(
        ValueError, match=r"has 5 classes \(v, w, x, y, z\), none of which the model knows \(0, 1, 2, 3\)"
    ):
        load(path, like=model(), scale=1 / 255)


def test_new_names_for_named_classes_are_a_decision(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", list("vwxyz"), list(range(40)))
    data = load(path, class_names=["one", "two", "three", "four", "five"])
    assert data.class_names[0] == "one"
    assert "classes: one for v, two for w" in data.summary()
    with pytest.raises(ValueError, match="class_names: expected 5 new names"):
        load(path, class_names=list("zyxwv"))


def test_validation_data_are_matched_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["ant", "bee", "cat", "dog", "emu"]
    train = table(tmp_path / "train.csv", names, [k for k in range(40) if CLASSES[k] < 4])
    few = table(tmp_path / "few.csv", names, [k for k in range(40) if CLASSES[k] in (1, 3)])
    other = table(tmp_path / "other.csv", names, list(range(40)))
    command = ["train", "--data", str(train), "--output", str(tmp_path / "run"), "--epochs", "30", "--batch", "4"]
    assert main([*command, "--validation", str(few)]) == 0
    last = [line for line in capsys.readouterr().out.splitlines() if line.lstrip().startswith("30 ")][-1]
    assert last.split()[4] == "100.0%"  # the accuracy on validation data
    assert main([*command, "--overwrite", "--validation", str(other)]) == 2
    assert "has classes that train lacks: emu (8 samples)" in capsys.readouterr().err
