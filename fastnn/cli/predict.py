"""``fastnn predict``: write the predictions of a trained model as CSV."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fastnn.cli import table_runs
from fastnn.cli.inputs import add_data, add_model, architecture_of, load_model, model_file, settle_data
from fastnn.cli.options import HelpFormatter, whole
from fastnn.cli.output import check_file
from fastnn.cli.precision import add_precision_of_predictions, set_precision
from fastnn.cli.prediction_rows import Row, class_rows, csv_text, number_rows, top_rows
from fastnn.cli.reading import add_reading, reading, say
from fastnn.cli.samples import Inputs, load_inputs
from fastnn.files import write_whole
from fastnn.model import Sequential
from fastnn.population import Population

_EPILOG = """\
DATA is an image, a folder of images, a table, an .npy file, an .npz file with one array (images (N, 28, 28) or
rows of pixels (N, 784)), or - for one of these on standard input. Images are brought to the size and mode of
the training, the columns of a table are found by the names that the model keeps, and every row is predicted,
with labels or without. Values are on the scale that the model was trained on (or say --scale). From any other
data set the unlabelled images are used, or the test images if it has no unlabelled ones.

The output has the header Id,Category: the number of the sample, from 1, or the name of its file, and the name
of its class. --probabilities adds a column for each class, --top K has the K most probable classes instead, each
with its probability.

examples:
  fastnn predict flowers-run photo.jpg --top 3
  fastnn predict flowers-run new-photos -o predictions.csv
  fastnn predict houses-run new-houses.csv --probabilities
  fastnn predict fastnn-run-1 my-images.npy | head
  cat photo.jpg | fastnn predict flowers-run -
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "predict",
        help="write a trained network's predictions as CSV",
        description="Write what a trained network predicts for each sample.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    add_model(parser)
    add_data(parser)
    parser.add_argument("--part", choices=("test", "train", "unlabelled"), help="which samples of a data set")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--probabilities", action="store_true", help="add the probability of each class")
    shown.add_argument(
        "--top", type=whole(at_least=1), metavar="K", help="the K most probable classes with their probabilities"
    )
    add_precision_of_predictions(parser)
    add_reading(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="file to write the table to (default: standard output)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the predictions and return the exit status."""
    settle_data(options)
    net = table_runs.loaded(options.model)
    model = load_model(options.model) if net is None else None
    set_precision(net or model, options.precision)
    target = None if options.output == "-" else _target(options)
    if model is None:
        assert net is not None
        rows, which, decisions = table_runs.predict(options, net)
    else:
        inputs = load_inputs(options.data, options.part, architecture_of(model), **reading(options))
        rows, which, decisions = (
            _rows(model, inputs, options.probabilities, options.top),
            inputs.which,
            inputs.decisions,
        )
    say("predict", decisions)
    text = csv_text(rows)
    if target is None:
        print(text, end="")
        return 0
    write_whole(target, text)
    print(f"{len(rows) - 1:,} predictions of {which} in {target}", file=sys.stderr)
    return 0


def _rows(model: Sequential | Population, inputs: Inputs, probabilities: bool, top: int | None) -> list[Row]:
    """Return the lines of the output, the first one with the names of the columns."""
    ids = range(1, len(inputs.values) + 1) if inputs.names is None else inputs.names
    like = architecture_of(model)
    if like.task == "regression":
        if probabilities or top is not None:
            raise ValueError("--probabilities, --top: expected a model of classes, got one that predicts numbers")
        target = like.reading.get("label")
        numbers = model.predict(inputs.values).reshape(len(inputs.values), -1)[:, 0]
        return number_rows(ids, target if isinstance(target, str) else None, numbers)
    names = like.class_names or tuple(map(str, range(like.output_shape[0])))
    if top is not None:
        return top_rows(ids, names, model.predict_proba(inputs.values), top)
    categories = [names[k] for k in model.predict(inputs.values).tolist()]
    return class_rows(ids, names, categories, model.predict_proba(inputs.values) if probabilities else None)


def _target(options: argparse.Namespace) -> Path:
    """The file to write, which is neither the model nor the data."""
    data = Path(options.data).expanduser()
    return check_file("--output", Path(options.output).expanduser(), model_file(options.model), data)
