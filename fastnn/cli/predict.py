"""``fastnn predict``: write the predictions of a trained model as CSV."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from fastnn.cli.inputs import add_data, add_model, load_inputs, load_model
from fastnn.cli.options import HelpFormatter
from fastnn.cli.output import check_file
from fastnn.cli.reading import add_reading, reading, say
from fastnn.files import write_whole

_EPILOG = """\
The table has the header Id,Category: the number of the image, from 1, and the name of its predicted class.
--data may also be an .npy file, or an .npz file with one array: images (N, 28, 28) or rows of pixels (N, 784),
on the scale that the model was trained on (or say --scale). Of a text table every row is predicted, with labels or
without, and its columns are found by the names that the model keeps. From any other data set the unlabelled images
are used, or the test images if it has no unlabelled ones.

examples:
  fastnn predict fastnn-run-1 --data glyphs -o predictions.csv
  fastnn predict fastnn-run-1 --data my-images.npy | head
  fastnn predict flowers-run --data new-flowers.csv
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "predict",
        help="write a trained network's predictions as CSV",
        description="Write the class that a trained network predicts for each image.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    add_model(parser)
    add_data(parser)
    parser.add_argument("--part", choices=("test", "train", "unlabelled"), help="which samples of a data set")
    add_reading(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="file to write the table to (default: standard output)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the predictions and return the exit status."""
    model = load_model(options.model)
    target = None if options.output == "-" else check_file("--output", Path(options.output).expanduser())
    inputs = load_inputs(options.data, options.part, model, **reading(options))
    predicted = model.predict(inputs.values).tolist()
    say("predict", inputs.decisions)
    names = model.class_names or tuple(map(str, range(model.output_shape[0])))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("Id", "Category"))
    table.writerows((number, names[k]) for number, k in enumerate(predicted, 1))
    if target is None:
        print(text.getvalue(), end="")
        return 0
    write_whole(target, text.getvalue())
    print(f"{len(predicted):,} predictions of {inputs.which} in {target}", file=sys.stderr)
    return 0
