"""``fastnn evaluate``: accuracy and loss of a trained model, class by class."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.cli.inputs import add_data, add_model, load_data, load_model, samples_of
from fastnn.cli.options import HelpFormatter

_EPILOG = """\
A data set without its own test images is split as in `fastnn train`, so the test images are the same.

examples:
  fastnn evaluate fastnn-run-1 --data glyphs
  fastnn evaluate mnist-run/model.safetensors --data ~/mnist --part train
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a trained network on labelled images",
        description="Measure accuracy and loss of a trained network, class by class.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    add_model(parser)
    add_data(parser)
    parser.add_argument("--part", choices=("test", "train"), default="test", help="which images (default: %(default)s)")
    parser.add_argument("--quiet", action="store_true", help="print the last line only")


def run(options: argparse.Namespace) -> int:
    """Evaluate the model and return the exit status."""
    model = load_model(options.model)
    data = load_data(options.data)
    images, labels = data.test if options.part == "test" else data.train
    if model.output_shape != (len(data.class_names),):
        raise ValueError(
            f"--data: {data.name} has {len(data.class_names)} classes, but the model has outputs of shape "
            f"{model.output_shape}"
        )
    if model.class_names is not None and model.class_names != data.class_names:
        print(
            f"fastnn evaluate: warning: the model was trained on classes {', '.join(model.class_names)}, "
            f"{data.name} has {', '.join(data.class_names)}",
            file=sys.stderr,
        )
    images = samples_of(model, images)
    figures = model.evaluate(images, labels)
    if not options.quiet:
        print(by_class(data.class_names, labels, model.predict(images)), end="\n\n")
    right = round(figures["accuracy"] * len(labels))
    print(
        f"{options.part} accuracy {figures['accuracy']:.2%} ({right:,} of {len(labels):,} images), "
        f"loss {figures['loss']:.4f} nats"
    )
    return 0


def by_class(names: tuple[str, ...], labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> str:
    """Return a table of the images, the right answers and the most frequent wrong answer of each class."""
    classes = len(names)
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    wrong = counts - np.diag(np.diag(counts))
    width = max(5, *map(len, names))
    lines = [f"{'class':<{width}}  {'images':>7}  {'right':>7}  accuracy  most often taken for"]
    for k, name in enumerate(names):
        total, right, other = int(counts[k].sum()), int(counts[k, k]), int(wrong[k].argmax())
        accuracy = f"{right / total:8.2%}" if total else f"{'-':>8}"
        confused = f"  {names[other]} ({wrong[k, other]})" if wrong[k, other] else ""
        lines.append(f"{name:<{width}}  {total:7d}  {right:7d}  {accuracy}{confused}")
    return "\n".join(lines)
