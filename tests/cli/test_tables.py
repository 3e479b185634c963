"""Tables with text, dates and empty cells, from the command line: trained, measured, predicted, one command each."""

import csv
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
from fastnn.cli import main
from fastnn.cli.table_results import mean_curves
from fastnn.cli.tables import suits
from fastnn.data.mixed_tables import WantedKinds, read_mixed
from fastnn.decisions.cells import cells_of
from fastnn.trainer import History

pytest.importorskip("sklearn")
FAST = ["--epochs", "20"]


def lines(rows=180, seed=0):
    """The lines of a table of houses, of every kind of column; some cells are empty."""
    random = np.random.default_rng(seed)
    size, place = random.uniform(30, 200, rows), random.choice(["city", "town", "village"], rows)
    price = size * np.select([place == "city", place == "town"], [30, 20], 10)
    found = ["id,size,place,heating,built,price"]
    for k in range(rows):
        area = "" if random.random() < 0.1 else f"{size[k]:.1f}"
        heating = random.choice(["gas", "oil", "n/a"])
        found.append(f"{k + 1},{area},{place[k]},{heating},{1950 + k % 70}-0{k % 9 + 1}-11,{price[k]:.2f}")
    return found


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "houses.csv"
    path.write_text("\n".join(lines()))
    return path


@pytest.fixture(scope="module")
def run(houses):
    folder = houses.parent / "run"
    assert main(["train", str(houses), "--target", "price", "--output", str(folder), "--epochs", "60", "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def classes(houses):
    """A table whose target is a class, and a run of it."""
    rows = [line.rsplit(",", 1) for line in houses.read_text().splitlines()]
    path = houses.parent / "dear.csv"
    named = [f"{rest},{'dear' if float(price) > 2000 else 'cheap'}" for rest, price in rows[1:]]
    path.write_text("\n".join([f"{rows[0][0]},sort", *named]))
    folder = houses.parent / "classes"
    assert main(["train", str(path), "--target", "sort", "--output", str(folder), *FAST, "--quiet"]) == 0
    return path, folder


def table_of(text):
    return list(csv.reader(text.splitlines()))


def test_a_table_of_every_kind_becomes_a_model_a_picture_and_predictions(houses, run):
    assert sorted(path.name for path in run.iterdir()) == [
        *("config.json", "config.toml", "history.csv", "learning_curve.png", "model.safetensors"),
        *("predictions.csv", "residuals.png"),
    ]
    head, *rows = table_of((run / "predictions.csv").read_text())
    assert head == ["Id", "target", "predicted"]
    numbers = np.array(rows, float)
    price = [float(line.rsplit(",", 1)[1]) for line in houses.read_text().splitlines()[1:]]
    np.testing.assert_array_equal(numbers[:, 1], [price[int(k) - 1] for k in numbers[:, 0]])
    errors = json.loads((run / "config.json").read_text())["result"]["test"]
    assert errors["mean_absolute"] == pytest.approx(np.abs(numbers[:, 1] - numbers[:, 2]).mean())
    assert errors["r_squared"] > 0.9
    net = fastnn.load(run / "model.safetensors")
    assert net.inputs_.kinds == {"size": "number", "place": "category", "heating": "category", "built": "date"}
    assert net.target_name_ == "price"


def test_quantiles_are_trained_measured_and_predicted(houses, tmp_path, capsys):
    folder = tmp_path / "run"
    train = ["train", str(houses), "--target", "price", "--quantiles", ".1,.5,.9", "--epochs", "30", "--quiet"]
    assert main([*train, "--output", str(folder)]) == 0
    line = capsys.readouterr().out
    head, *rows = table_of((folder / "predictions.csv").read_text())
    assert head == ["Id", "target", "predicted", "quantile 0.1", "quantile 0.5", "quantile 0.9"]
    numbers = np.array(rows, float)
    low, middle, high = numbers[:, 3:].T
    assert ((low <= middle) & (middle <= high)).all()
    np.testing.assert_array_equal(middle, numbers[:, 2])
    inside = np.mean((low <= numbers[:, 1]) & (numbers[:, 1] <= high))
    assert f"{inside:.1%} of the targets between the quantiles 0.1 and 0.9" in line
    assert main(["predict", str(folder), str(houses)]) == 0
    head, first, *_ = table_of(capsys.readouterr().out)
    assert head == ["Id", "price", "quantile 0.1", "quantile 0.5", "quantile 0.9"]
    assert first[1] == first[3]


def test_the_curve_is_the_mean_of_the_networks_that_are_still_trained():
    net = SimpleNamespace(histories_=[History(), History()])
    for history, losses in zip(net.histories_, ((1.0, 3.0), (2.0,)), strict=True):
        history.epochs += [{"epoch": k, "loss": loss, "seconds": 1.0} for k, loss in enumerate(losses, 1)]
    assert mean_curves(net) == {"loss": [1.5, 3.0]}


def test_what_was_decided_is_said_in_a_line_each(houses, tmp_path, capsys):
    assert main(["train", str(houses), "--target", "price", "--output", str(tmp_path / "r"), "--epochs", "1"]) == 0
    said = capsys.readouterr().err
    assert "columns: column 'id' left out (it numbers the rows" in said
    assert "columns: numbers in size; categories in place, heating; dates in built; " in said
    assert (
        "cells are missing, in size, heating (by what their cells hold; to change it: --categorical NAME,...)" in said
    )
    assert "task: regression (" in said
    assert "model: 5 networks, averaged (" in said


def test_another_process_reads_a_table_as_in_the_training(houses, run, tmp_path):
    turned = [",".join(line.split(",")[k] for k in (4, 2, 1, 3)) for line in houses.read_text().splitlines()[:4]]
    (tmp_path / "new.csv").write_text("\n".join([*turned, "2026-01-31,hamlet,?,coal", "1999-12-31,city,80,"]))
    command = [sys.executable, "-m", "fastnn", "predict", str(run), "new.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    head, *rows = table_of(done.stdout)
    assert head == ["Id", "price"]
    assert len(rows) == 5
    net = fastnn.load(run / "model.safetensors")
    kinds = WantedKinds(net.inputs_.kinds, "price")
    table = read_mixed(tmp_path / "new.csv", like=kinds)
    np.testing.assert_allclose([float(row[1]) for row in rows], net.predict(table.columns), rtol=1e-6)
    piped = subprocess.run(
        [*command[:-1], "-"], input=(tmp_path / "new.csv").read_text(), capture_output=True, text=True
    )
    assert piped.stdout == done.stdout


def test_evaluation_repeats_the_test_of_the_training_and_draws_its_picture(houses, run, tmp_path, capsys):
    picture = tmp_path / "residuals.png"
    assert main(["evaluate", str(run), str(houses), "--part", "test", "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    errors = json.loads((run / "config.json").read_text())["result"]["test"]
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(f"test rows: mean absolute error {errors['mean_absolute']:.4g}, ")
    assert main(["evaluate", str(run), str(houses)]) == 0
    assert "(180 rows)" in capsys.readouterr().out


def test_classes_are_trained_measured_and_predicted(classes, tmp_path, capsys):
    path, folder = classes
    assert (folder / "reliability.png").is_file()
    head, *rows = table_of((folder / "predictions.csv").read_text())
    assert head == ["Id", "target", "predicted", "P(cheap)", "P(dear)"]
    right = np.mean([row[1] == row[2] for row in rows])
    test = json.loads((folder / "config.json").read_text())["result"]["test"]
    assert (test["accuracy"], right > 0.7) == (right, True)
    capsys.readouterr()
    assert main(["evaluate", str(folder), str(path), "--plot", str(tmp_path / "r.svg")]) == 0
    assert f"test accuracy {right:.2%}" in capsys.readouterr().out
    assert main(["predict", str(folder), str(path), "--top", "1"]) == 0
    head, *rows = table_of(capsys.readouterr().out)
    assert head == ["Id", "Category 1", "Probability 1"]
    assert len(rows) == 180
    assert main(["predict", str(folder), str(path), "--probabilities", "-o", str(tmp_path / "p.csv")]) == 0
    assert table_of((tmp_path / "p.csv").read_text())[0] == ["Id", "Category", "P(cheap)", "P(dear)"]


def test_a_run_is_repeated_from_its_file(run, tmp_path):
    again = tmp_path / "again"
    assert main(["train", "--config", str(run / "config.toml"), "--output", str(again), "--quiet"]) == 0
    assert (again / "predictions.csv").read_text() == (run / "predictions.csv").read_text()


@pytest.mark.parametrize("package", ["pyarrow", "polars"])
def test_parquet_is_read_as_text_is(houses, run, tmp_path, capsys, package):
    pytest.importorskip("narwhals")
    pytest.importorskip(package)
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(houses, parse_dates=["built"])
    frame.to_parquet(tmp_path / "houses.parquet", engine="pyarrow")
    assert main(["predict", str(run), str(houses), "-o", str(tmp_path / "text.csv")]) == 0
    assert main(["predict", str(run), str(tmp_path / "houses.parquet"), "-o", str(tmp_path / "parquet.csv")]) == 0
    assert (tmp_path / "parquet.csv").read_text() == (tmp_path / "text.csv").read_text()
    command = ["train", str(tmp_path / "houses.parquet"), "--target", "price", "--epochs", "1", "--quiet"]
    assert main([*command, "--output", str(tmp_path / "r")]) == 0
    net = fastnn.load(tmp_path / "r" / "model.safetensors")
    assert net.inputs_.kinds == fastnn.load(run / "model.safetensors").inputs_.kinds
    (tmp_path / "houses.parquet").write_bytes((tmp_path / "houses.parquet").read_bytes()[:-9])
    assert main(["predict", str(run), str(tmp_path / "houses.parquet")]) == 2
    assert "is not a readable Parquet file" in capsys.readouterr().err


def test_rows_without_a_target_are_left_out_and_that_is_said(tmp_path, capsys):
    changed = lines(60)
    changed[5] = changed[5].rsplit(",", 1)[0] + ",?"
    (tmp_path / "h.csv").write_text("\n".join(changed))
    command = ["train", str(tmp_path / "h.csv"), "--target", "price", "--epochs", "1", "--output", str(tmp_path / "r")]
    assert main(command) == 0
    assert "rows: 1 left out (their target is missing" in capsys.readouterr().err


def test_whole_numbers_become_categories_where_that_is_said(tmp_path):
    rows = ["code,y", *(f"{k % 3},{(k % 3 == 1) * 10 + k / 100}" for k in range(60))]
    (tmp_path / "c.csv").write_text("\n".join(rows))
    for options, kind in (([], "number"), (["--categorical", "code"], "category")):
        folder = tmp_path / kind
        command = ["train", str(tmp_path / "c.csv"), "--target", "y", "--epochs", "1", "--quiet", *options]
        assert main([*command, "--output", str(folder)]) == 0
        assert fastnn.load(folder / "model.safetensors").inputs_.kinds == {"code": kind}


def test_weights_of_classes_count(classes, tmp_path):
    path, _ = classes
    shares = []
    for weights in ("dear=100", "cheap=100"):
        folder = tmp_path / weights
        command = ["train", str(path), "--target", "sort", "--class-weight", weights, *FAST, "--quiet"]
        assert main([*command, "--output", str(folder)]) == 0
        rows = table_of((folder / "predictions.csv").read_text())[1:]
        shares.append(np.mean([row[2] == "dear" for row in rows]))
    assert shares[0] > shares[1]


def test_what_cannot_be_is_one_error(houses, run, classes, tmp_path, capsys):
    train = ["train", str(houses), "--target", "price", "--output", str(tmp_path / "r")]
    new = tmp_path / "new.csv"
    new.write_text("size,place,heating,built\nlarge,city,gas,1990-01-01")
    odd = tmp_path / "odd.csv"
    odd.write_text("size,price\n" + "\n".join(f"{'big' if k == 7 else k + 0.5},{k * 1.5}" for k in range(40)))
    for command, message in (
        ([*train, "--model", "mlp:4-8-1"], "--model: expected none for a table that one network cannot read"),
        ([*train, "--optimizer", "sgd"], "--optimizer: expected none for a table"),
        ([*train, "--weight-decay", "-1"], "train: error: --weight-decay: expected a finite number of at least 0"),
        ([*train, "--quantiles", ".1,.9"], "--quantiles: expected 0.5 among them, got [0.1, 0.9]"),
        ([*train, "--quantiles", "low"], "--quantiles: expected numbers, joined by commas, got 'low'"),
        ([*train, "--activation", "softplus"], "error: --activation: expected 'relu'"),
        ([*train, "--checkpoint", "1"], "--checkpoint: expected none for a regression, got '1'; leave it out"),
        ([*train, "--class-weight", "balanced"], "--class-weight: expected none for a regression"),
        ([*train, "--categorical", "colour"], "categorical: expected names of columns (size, place"),
        ([*train, "--activation", "softsign"], "activation: expected 'relu'"),
        ([*train[:2], "--target", "place", "--task", "regression"], "expected a number to be predicted, got"),
        (["train", "glyphs", "--categorical", "a"], "--categorical: expected a table, got glyphs"),
        (["predict", str(run), str(new)], "column 'size': expected a number in each cell"),
        (["predict", str(run), str(new), "--top", "2"], "column 'size'"),
        (["predict", str(run), str(houses), "--part", "test"], "--part: expected none for a table"),
        (["predict", str(run), str(houses), "--scale", "2"], "--scale: expected another kind of file"),
        (["predict", str(run), str(houses), "--probabilities"], "expected a model of classes"),
        (["predict", str(run), "glyphs"], "DATA: expected the file of a table, got glyphs"),
        (["evaluate", str(run), str(classes[0])], "expected a number as target, got 'dear'"),
        (["evaluate", str(run), str(houses), "--plot", "a.txt"], "--plot: a.txt must end in .png"),
        (
            ["export", str(run), "-o", str(tmp_path / "m.onnx")],
            "expected a model of layers, got an estimator of tables",
        ),
        (["train", str(odd), "--target", "price"], "'big' in row 7; 39 cells are numbers. Mend or empty it"),
    ):
        assert main(command) == 2, command
        assert message in capsys.readouterr().err, command
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("texts", "kind", "first"),
    [
        (["1", " 2.5 ", "NA", ""], "number", 1.0),
        (["1", "2", "A"], "category", "1"),
        (["3.0", "4", "x"], "category", "3"),
        (["007", "a"], "category", "007"),
        (["2020-01-31", "?", "1999-12-01"], "date", "2020-01-31 00:00:00"),
        (["2020-01-31T12:30", "2020-02-01 08:15:59.5Z"], "date", "2020-01-31 12:30:00"),
        (["31.01.2020", "1.2.2021"], "date", "2020-01-31 00:00:00"),
        (["02/03/2020", "31/01/2020"], "date", "2020-03-02 00:00:00"),
        (["02/03/2020", "01/31/2020"], "date", "2020-02-03 00:00:00"),
        (["2020-01-31", "soon"], "category", "2020-01-31"),
        (["?", ""], "number", None),
    ],
)
def test_cells_say_what_a_column_holds(texts, kind, first):
    found = cells_of("f", "column 'a'", texts)
    value = found.values[texts[0]]
    assert (found.kind, value if value is None or kind != "date" else str(value)) == (kind, first)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["1.5", "2.5", "many"], "expected a number in each cell that is not empty, got 'many' in row 2"),
        (["01/02/2020", "03/04/2020"], "the day or the month may come first"),
        (["2020-13-31"], "is no date"),
    ],
)
def test_cells_of_two_readings_are_refused(texts, message):
    with pytest.raises(ValueError, match=rf"f: column 'a': .*{message}"):
        cells_of("f", "column 'a'", texts)


def test_options_of_one_network_ask_for_one(houses):
    from fastnn.cli import parser

    def asked(*options):
        return suits(parser().parse_args(["train", str(houses), *options]))

    assert asked()
    assert asked("--epochs", "3", "--seed", "4", "--batch", "8", "--activation", "tanh")
    assert not any(map(asked, ("--dtype=float64", "--optimizer=adam", "--model=mlp:2-3-1", "--val=0.2", "--explain")))
