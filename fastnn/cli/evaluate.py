"""``fastnn evaluate``: accuracy and loss of a trained model, class by class."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.cli import regression, table_runs
from fastnn.cli.by_class import by_class
from fastnn.cli.inputs import add_data, add_model, architecture_of, load_data, load_model, samples_of, settle_data
from fastnn.cli.options import HelpFormatter
from fastnn.cli.output import check_picture, save_figure
from fastnn.cli.precision import add_precision_of_predictions, set_precision
from fastnn.cli.reading import add_reading, reading, say
from fastnn.cli.streams import fitting, fitting_lines, fitting_table, print_prose
from fastnn.data.assembling import unknown_classes
from fastnn.metrics import reliability_curve
from fastnn.plots import reliability, residuals

_EPILOG = """\
A data set without its own test samples is split as in `fastnn train`, so they are the same; --part all
measures all of a file. Classes and the columns of tables are compared with those of the model by their names.

examples:
  fastnn evaluate fastnn-run-1 glyphs
  fastnn evaluate mnist-run/model.safetensors ~/mnist --part train
  fastnn evaluate flowers-run new-flowers.csv --part all --target species
  fastnn evaluate houses-run sold-houses.csv --plot residuals.png
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a trained network on labelled samples",
        description="Measure accuracy and loss of a trained network, class by class.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    add_model(parser)
    add_data(parser)
    parser.add_argument(
        "--part",
        choices=("test", "train", "all"),
        help="which samples (default: test, but all rows where a number is predicted)",
    )
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="a picture of the errors: .png, .svg or .pdf; of classes, whether their probabilities mean what they say",
    )
    parser.add_argument("--quiet", action="store_true", help="print the last line only")
    add_precision_of_predictions(parser)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Evaluate the model and return the exit status."""
    settle_data(options)
    picture = None if options.plot is None else check_picture("--plot", Path(options.plot).expanduser())
    net = table_runs.loaded(options.model)
    if net is not None:
        set_precision(net, options.precision)
        return table_runs.evaluate(options, net, picture)
    model = load_model(options.model)
    set_precision(model, options.precision)
    like = architecture_of(model)
    if like.task == "regression":
        if options.part not in (None, "all"):
            raise ValueError(f"--part: expected all for a network that predicts numbers, got {options.part}")
        true, predicted, said = regression.predictions(model, Path(options.data).expanduser(), options.label)
        if not options.quiet:
            say("evaluate", said)
        if picture is not None:
            save_figure(picture, residuals, true, predicted, name=like.reading.get("label"))
        print(fitting(f"all rows: {regression.Errors.of(true, predicted)} ({len(true):,} rows)"))
        return 0
    options.part = options.part or "test"
    if len(like.output_shape) != 1:
        raise ValueError(f"MODEL: expected one output for each class, got outputs of shape {like.output_shape}")
    data = load_data(options.data, "DATA", like=like, **reading(options))
    parts = {"test": data.test, "train": data.train}
    if options.part == "all":
        images, labels = (np.concatenate(pair) for pair in zip(data.train, data.test, strict=True))
    else:
        images, labels = parts[options.part]
    images = samples_of(like, images)
    known = labels < like.output_shape[0]
    unknown = unknown_classes(labels, data.class_names, like.output_shape[0])
    if not known.any():
        raise ValueError(f"DATA: the model knows none of the classes of {options.part}: {unknown}")
    figures = model.evaluate(images[known], labels[known]) if unknown else model.evaluate(images, labels)
    if not options.quiet:
        say("evaluate", data.decisions, split=options.part != "all")
        wide, narrow = by_class(data.class_names, labels, model.predict(images), data.noun)
        print(fitting_lines(fitting_table(wide, narrow)), end="\n\n")
    if unknown:
        message = f"classes that the model does not know, counted as wrong and left out of the loss: {unknown}"
        print_prose(f"fastnn evaluate: {message}")
    if picture is not None:
        shares = model.predict_proba(images[known])
        save_figure(picture, reliability, *reliability_curve(labels[known], shares))
    right = round(figures["accuracy"] * int(known.sum()))
    accuracy = right / len(labels) if unknown else figures["accuracy"]
    print(
        fitting(
            f"{options.part} accuracy {accuracy:.2%} ({right:,} of {len(labels):,} {data.noun}), "
            f"loss {figures['loss']:.4f} nats"
        )
    )
    return 0
