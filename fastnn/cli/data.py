"""``fastnn data``: the contents of a data set as a table and as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal

from fastnn.cli.inputs import DATA_HELP, MAPPED_HELP, SYNTHETIC, load_data, locate
from fastnn.cli.options import HelpFormatter, add_seed, whole
from fastnn.cli.output import check_picture, save_figure
from fastnn.cli.reading import add_reading, reading, say, sides_of
from fastnn.data import Dataset, memory_needed
from fastnn.data.memory import available_bytes, size_text
from fastnn.plots import data_preview

_EPILOG = """\
examples:
  fastnn data info ~/mnist
  fastnn data info photos --size 64
  fastnn data info large-set --mapped
  fastnn data info flowers.csv --target species
  fastnn data preview kmnist -o grid.png
"""


def add(commands: Any) -> None:
    """Add the subcommand, its two actions and their arguments."""
    parser = commands.add_parser(
        "data",
        help="look at a data set",
        description="Show the shapes of a data set and the balance of its classes, or some of its images.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="<action>", dest="action", required=True)
    info = actions.add_parser("info", help="shapes, and how many samples each class has", formatter_class=HelpFormatter)
    info.set_defaults(run=run_info)
    _add_source(info)
    preview = actions.add_parser(
        "preview", help="a picture of some images of each class", formatter_class=HelpFormatter
    )
    preview.set_defaults(run=run_preview)
    _add_source(preview)
    preview.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="preview.png",
        help="the picture: .png, .svg or .pdf (default: %(default)s)",
    )
    preview.add_argument(
        "--columns",
        type=whole(at_least=1, at_most=100),
        default=10,
        metavar="N",
        help="images per class (default: %(default)s)",
    )
    preview.add_argument(
        "--split", choices=("train", "test"), default="train", help="which images to show (default: %(default)s)"
    )
    add_seed(preview, "seed for the choice of images")


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help=DATA_HELP)
    add_reading(parser)
    parser.add_argument("--mapped", action="store_true", help=MAPPED_HELP)


def run_info(options: argparse.Namespace) -> int:
    """Print the table and return the exit status."""
    data = _load(options)
    print(data.summary())
    print(f"\nthe smallest class has {data.balance():.0%} of the {data.noun} of the largest (training {data.noun})")
    if options.data not in SYNTHETIC:
        print(_memory(options))
    return 0


def run_preview(options: argparse.Namespace) -> int:
    """Write the picture and return the exit status."""
    path = check_picture("--output", Path(options.output).expanduser())
    data = _load(options)
    say("data", data.decisions)
    images, labels = data.train if options.split == "train" else data.test
    title = f"{data.name}: {options.split} images"
    save_figure(
        path, data_preview, images, labels, data.class_names, columns=options.columns, seed=options.seed, title=title
    )
    print(path)
    return 0


def _memory(options: argparse.Namespace) -> str:
    size: int | tuple[int, int] | Literal["common"] = "common" if options.size is None else sides_of(options.size)
    needed = memory_needed(**locate(options.data, "DATA"), size=size, mode=options.mode, mapped=options.mapped)
    free = available_bytes()
    amount = "an unknown amount" if needed is None else f"about {size_text(needed)}"
    available = "" if free is None else f"; {size_text(free)} are available"
    return f"reading it takes {amount} of memory{available}"


def _load(options: argparse.Namespace) -> Dataset:
    return load_data(options.data, "DATA", mapped=options.mapped, **reading(options))
