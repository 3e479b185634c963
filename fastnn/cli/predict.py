"""``fastnn predict``: a trained model's answers as CSV."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from fastnn.cli.inputs import add_data, add_model, load_images, load_model
from fastnn.cli.options import HelpFormatter
from fastnn.cli.output import check_file
from fastnn.files import write_whole

_EPILOG = """\
The table has the header Id,Category: the number of the image, from 1, and the name of its class. --data may
also be an .npy file, or an .npz file with one array: images (N, 28, 28) or rows of pixels (N, 784), in the
range that the model was trained on. Of a data set the images without labels are taken if it has any, else the
test images.

examples:
  fastnn predict fastnn-run-1 --data glyphs -o predictions.csv
  fastnn predict fastnn-run-1 --data my-images.npy | head
"""


def add(commands: Any) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "predict",
        help="write a trained network's answers as CSV",
        description="Write which class a trained network takes each image for.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    add_model(parser)
    add_data(parser)
    parser.add_argument("--part", choices=("test", "train", "unlabelled"), help="which images of a data set")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="where the table goes (default: standard output)"
    )


def run(options: argparse.Namespace) -> int:
    """Predict; return the exit status."""
    model = load_model(options.model)
    target = None if options.output == "-" else check_file("--output", Path(options.output).expanduser())
    images, which = load_images(options.data, options.part)
    answers = model.predict(images).tolist()
    names = model.class_names or tuple(map(str, range(model.output_shape[0])))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("Id", "Category"))
    table.writerows((number, names[answer]) for number, answer in enumerate(answers, 1))
    if target is None:
        print(text.getvalue(), end="")
        return 0
    write_whole(target, text.getvalue())
    print(f"{len(answers):,} predictions of {which} in {target}", file=sys.stderr)
    return 0
