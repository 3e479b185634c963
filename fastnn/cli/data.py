"""``fastnn data``: the contents of a data set as a table and as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal

from fastnn.cli.inputs import DATA_HELP, MAPPED_HELP, SYNTHETIC, load_data, locate
from fastnn.cli.options import HelpFormatter, add_seed, whole
from fastnn.cli.output import check_picture, save_figure
from fastnn.cli.reading import add_reading, reading, say, sides_of
from fastnn.cli.streams import fitting, fitting_lines, print_prose
from fastnn.cli.wording import in_options
from fastnn.data import Dataset, memory_needed
from fastnn.data.formats import is_table
from fastnn.data.memory import available_bytes, size_text
from fastnn.data.table_preview import TablePreview, preview_table
from fastnn.data.table_text import tables_kept
from fastnn.data.tables import NotNumbersError
from fastnn.decisions.cells import is_missing
from fastnn.plots import data_preview, table_preview
from fastnn.views import text_lines

_FEW_COLUMNS = 12  # a table that has no more is not one of pixels

_EPILOG = """\
examples:
  fastnn data info ~/mnist
  fastnn data info photos --size 64
  fastnn data info large-set --mapped
  fastnn data info flowers.csv --target species
  fastnn data preview kmnist -o grid.png
  fastnn data preview houses.csv --target price
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
        "preview",
        help="a picture of some images of each class, or of the first rows of a table",
        description="Draw some images of each class. Of a table, whose values need not all be there, draw the first "
        "rows with a mark in each empty cell, and print what its columns hold.",
        formatter_class=HelpFormatter,
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
        help="images per class, or rows of a table (default: %(default)s)",
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
    here = Path(options.data).expanduser()
    with tables_kept():
        try:
            data = _load(options)
        except ValueError as error:  # a table of text, or none whose labels are known, has columns all the same
            if not (here.is_file() and is_table(here)):
                raise
            _print_columns(preview_table(here, options.label, 1))
            if not isinstance(error, NotNumbersError):
                print_prose(f"fastnn data: no classes are counted ({in_options(str(error))})")
            return 0
    print(fitting_lines(in_options(data.summary())))
    share = f"the smallest class has {data.balance():.0%} of the {data.noun} of the largest (training {data.noun})"
    print(f"\n{fitting(share)}")
    if options.data not in SYNTHETIC:
        print(fitting(_memory(options)))
    return 0


def run_preview(options: argparse.Namespace) -> int:
    """Write the picture and return the exit status."""
    path = check_picture("--output", Path(options.output).expanduser())
    here = Path(options.data).expanduser()
    if here.is_file() and is_table(here):
        with tables_kept():
            found = preview_table(here, options.label, options.columns)
            if len(found.columns) <= _FEW_COLUMNS or not _holds_images(options):
                return _preview_table(found, here, path)
    data = _load(options)
    say("data", data.decisions)
    images, labels = data.train if options.split == "train" else data.test
    if data.noun != "images":
        return _preview_rows(options, data, path)
    title = f"{data.name}: {options.split} images"
    save_figure(
        path, data_preview, images, labels, data.class_names, columns=options.columns, seed=options.seed, title=title
    )
    print(path)
    return 0


def _holds_images(options: argparse.Namespace) -> bool:
    """Whether the rows of a table are pixels; not if it cannot be read to the end."""
    try:
        return _load(options).noun == "images"
    except ValueError:
        return False


def _print_columns(found: TablePreview) -> None:
    """Print what the columns of a table hold."""
    head = ["column", "empty", "values"]
    columns = [[f"{c.name} (target)" if c.target else c.name, str(c.empty or "-"), c.values] for c in found.columns]
    print(fitting_lines("\n".join(line.rstrip() for line in text_lines([head, *columns], left={0, 2}))))
    empty = sum(column.empty for column in found.columns)
    gaps = f"; {empty:,} cells are empty, in {sum(c.empty > 0 for c in found.columns)} columns" if empty else ""
    print(f"\n{fitting(f'{found.total:,} rows{gaps}')}")


def _preview_table(found: TablePreview, here: Path, path: Path) -> int:
    """Print what the columns of a table hold and draw its first rows."""
    _print_columns(found)
    target = next((k for k, column in enumerate(found.columns) if column.target), None)
    title = f"{here.name}: {len(found.rows)} of {found.total:,} rows"
    names = [column.name for column in found.columns]
    save_figure(path, table_preview, names, found.rows, is_empty=is_missing, target=target, title=title)
    print(path)
    return 0


def _preview_rows(options: argparse.Namespace, data: Dataset, path: Path) -> int:
    """Draw the first rows of a data set of rows that is no single table."""
    values, labels = data.train if options.split == "train" else data.test
    names = [*(data.column_names or (f"value {k}" for k in range(values.shape[1]))), "class"]
    few = range(min(options.columns, len(labels)))
    rows = [[*(f"{value:.5g}" for value in values[k]), data.class_names[labels[k]]] for k in few]
    title = f"{data.name}: {len(few)} of {len(labels):,} {options.split} samples"
    save_figure(path, table_preview, names, rows, target=len(names) - 1, title=title)
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
