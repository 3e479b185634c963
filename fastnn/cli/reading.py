"""The options that say how a data set is read, the same for every command that reads one, and what was decided."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from fastnn.cli.inputs import READING
from fastnn.cli.streams import print_prose
from fastnn.cli.wording import in_options
from fastnn.decisions import Decision
from fastnn.decisions.scale import scale_text
from fastnn.decisions.split import TEST_SPLIT

_LARGEST = 8192  # pixels, of a side


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a data set is read."""
    group = parser.add_argument_group("how the data are read")
    group.add_argument(
        "--target",
        "--label",
        dest="label",
        metavar="COLUMN",
        help="column of a table that is to be predicted: its name or index (default: found out)",
    )
    group.add_argument(
        "--scale",
        type=factor,
        metavar="X",
        help=f"factor on the values, such as {scale_text(1 / 255)} for pixels or 1 for values as they are (default: by "
        "what the data hold; to evaluate and predict, as in training)",
    )
    group.add_argument(
        "--class-names", metavar="NAMES", help="names of the classes, joined by commas, in the order of their numbers"
    )
    group.add_argument(
        "--size",
        type=size,
        metavar="N",
        help="resize image files to N x N or to HxW pixels (default: as they are, or 64 x 64 if they differ; to "
        "evaluate and predict, as in training)",
    )
    group.add_argument(
        "--mode", choices=("grey", "rgb"), help="convert image files to this mode (default: as they are)"
    )
    group.add_argument("--skip-damaged", action="store_true", help="leave out damaged image files")
    group.add_argument(
        "--background",
        choices=("white", "black"),
        help="what shows through transparent pixels (default: white, or black where an image shows nothing on white)",
    )
    group.add_argument(
        "--axes", metavar="ORDER", help="order of the axes of stored arrays, such as NHWC or HWCN (default: found out)"
    )


def size(text: str) -> int | str:
    """Check text such as 64 or 112x92, one side or height and width, for argparse; a single side becomes a number."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() and 1 <= int(side) <= _LARGEST for side in sides):
        raise argparse.ArgumentTypeError(
            f"expected pixels, such as 64 or 112x92, each from 1 to {_LARGEST}, got {text!r}"
        )
    return int(text) if len(sides) == 1 else text.lower()


def sides_of(value: int | str) -> int | tuple[int, int]:
    """Return the argument ``size=`` of `fastnn.data.load` that the option stands for."""
    if isinstance(value, int):
        return value
    height, _, width = value.partition("x")
    return int(height), int(width)


def factor(text: str) -> float:
    """Convert text such as 0.5 or 1/255 to a number above 0, for argparse."""
    try:
        value = float(Fraction(text)) if "/" in text else float(text)
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, such as 1/255 or 0.01, got {text!r}")
    return value


def reading(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `fastnn.data.load` that the options stand for, without those that are not given."""
    given = {name: getattr(options, name) for name in READING if getattr(options, name) not in (None, False)}
    if "class_names" in given:
        given["class_names"] = [name.strip() for name in next(csv.reader([given["class_names"]]))]
    if "size" in given:
        given["size"] = sides_of(given["size"])
    return given


def say(command: str, decisions: Iterable[Decision], *, split: bool = True) -> None:
    """Print what was decided, a line each, to standard error; of a test split only if `split` is true."""
    for decision in decisions:
        if decision.subject == TEST_SPLIT and not split:
            continue
        print_prose(f"fastnn {command}: {in_options(str(decision))}")
