"""``fastnn evaluate`` and ``fastnn predict`` by an estimator of tables, which reads a table as in its training."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.cli.by_class import by_class
from fastnn.cli.inputs import model_file
from fastnn.cli.output import save_figure
from fastnn.cli.prediction_rows import Row, class_rows, number_rows, quantile_rows, top_rows
from fastnn.cli.reading import reading, say
from fastnn.cli.regression import Errors
from fastnn.cli.samples import STANDARD_INPUT, check_used, file_of
from fastnn.cli.streams import fitting, fitting_lines, fitting_table, print_prose
from fastnn.cli.table_files import read_table_file
from fastnn.cli.tables import split_rows
from fastnn.data.mixed_tables import MixedTable, WantedKinds
from fastnn.decisions import Decision
from fastnn.decisions.cells import is_missing
from fastnn.decisions.columns import is_number
from fastnn.decisions.label_column import class_texts
from fastnn.metrics import log_loss, reliability_curve
from fastnn.model.file import TABLE, describes
from fastnn.plots import reliability, residuals

if TYPE_CHECKING:
    from fastnn.tabular import TableClassifier, TableRegressor


def loaded(file: str) -> TableClassifier | TableRegressor | None:
    """Return the estimator of tables in a file or in the folder of a run, None if it holds another model.

    Raises
    ------
    ValueError
        If the file is damaged.
    ImportError
        If scikit-learn is missing.
    """
    path = model_file(file)
    if not describes(path, TABLE):
        return None
    from fastnn.tabular import load

    return load(path)


def predict(
    options: argparse.Namespace, net: TableClassifier | TableRegressor
) -> tuple[list[Row], str, tuple[Decision, ...]]:
    """Return the lines of the predictions for all rows of a table, which they are, and how it was read."""
    if options.part is not None:
        raise ValueError(f"--part: expected none for a table, of which every row is predicted, got {options.part}")
    check_used(reading(options), ("label",), options.data)
    with file_of(options.data) as data:
        table = _read(Path(data).expanduser(), options.label, net)
    ids = range(1, table.rows + 1)
    which = "the rows on standard input" if options.data == STANDARD_INPUT else f"the rows of {options.data}"
    if not hasattr(net, "classes_"):
        if options.probabilities or options.top is not None:
            raise ValueError("--probabilities, --top: expected a model of classes, got one that predicts numbers")
        predicted = net.predict(table.columns)
        if net.quantiles is None:
            return number_rows(ids, net.target_name_, predicted), which, table.decisions
        found = net.predict_quantiles(table.columns)
        return quantile_rows(ids, net.target_name_, predicted, net.quantiles, found), which, table.decisions
    shares, names = net.predict_proba(table.columns), list(map(str, net.classes_))
    if options.top is not None:
        return top_rows(ids, names, shares, options.top), which, table.decisions
    categories = [names[k] for k in shares.argmax(axis=1).tolist()]
    return class_rows(ids, names, categories, shares if options.probabilities else None), which, table.decisions


def evaluate(options: argparse.Namespace, net: TableClassifier | TableRegressor, picture: Path | None) -> int:
    """Measure an estimator on a table, and return the exit status."""
    check_used(reading(options), ("label",), options.data)
    path = Path(options.data).expanduser()
    table = _read(path, options.label, net)
    if table.targets is None:
        raise ValueError(f"DATA: {path}: no column of targets; give --target, its name")
    rows = np.array([k for k, text in enumerate(table.targets) if not is_missing(text)], np.int64)
    if not rows.size:
        raise ValueError(f"DATA: {path}: the column of targets is empty")
    texts = [table.targets[k] for k in rows.tolist()]
    if not options.quiet:
        gone = len(table.targets) - len(texts)
        lacking = Decision("rows", f"{gone:,} left out", "their target is missing", "fill in the target")
        say("evaluate", (*table.decisions, *([lacking] if gone else [])))
    if not hasattr(net, "classes_"):
        return _numbers(options, net, table, rows, texts, picture)
    return _classes(options, net, table, rows, texts, picture)


def _read(path: Path, label: str | None, net: TableClassifier | TableRegressor) -> MixedTable:
    """The table with the columns of the training."""
    if not path.is_file():
        raise ValueError(f"DATA: expected the file of a table, got {path}")
    return read_table_file(path, label=label, like=WantedKinds(net.inputs_.kinds, net.target_name_))


def _chosen(part: str, values: NDArray[Any], classes: bool) -> NDArray[np.int64]:
    if part == "all":
        return np.arange(len(values))
    return split_rows(values, classes)[part == "test"]


def _numbers(
    options: argparse.Namespace,
    net: Any,
    table: MixedTable,
    rows: NDArray[np.int64],
    texts: list[str],
    picture: Path | None,
) -> int:
    wrong = next((k for k, text in enumerate(texts) if not is_number(text)), None)
    if wrong is not None:
        raise ValueError(f"DATA: sample {rows[wrong]}: expected a number as target, got {texts[wrong]!r:.40}")
    part = options.part or "all"
    chosen = _chosen(part, np.array(texts), False)
    true = np.array(texts, np.float64)[chosen]
    predicted = net.predict(table.taken(rows[chosen]).columns)
    if picture is not None:
        save_figure(picture, residuals, true, predicted, name=net.target_name_)
    print(fitting(f"{part} rows: {Errors.of(true, predicted)} ({len(true):,} rows)"))
    return 0


def _classes(
    options: argparse.Namespace,
    net: Any,
    table: MixedTable,
    rows: NDArray[np.int64],
    texts: list[str],
    picture: Path | None,
) -> int:
    spelled, _ = class_texts(texts)
    true = np.array([spelled[text] for text in texts])
    part = options.part or "test"
    chosen = _chosen(part, true, True)
    true, names = true[chosen], tuple(map(str, net.classes_))
    unknown = sorted(set(true.tolist()) - set(names))
    known = np.isin(true, names)
    if not known.any():
        raise ValueError(f"DATA: the model knows none of the classes of {part}: {', '.join(unknown)}")
    shares = net.predict_proba(table.taken(rows[chosen]).columns)
    every = (*names, *unknown)
    indices = np.array([every.index(one) for one in true.tolist()], np.int64)
    answers = shares.argmax(axis=1)
    if not options.quiet:
        print(fitting_lines(fitting_table(*by_class(every, indices, answers, "rows"))), end="\n\n")
    if unknown:
        listed = ", ".join(unknown)
        print_prose(f"fastnn evaluate: classes that the model does not know, counted as wrong: {listed}")
    if picture is not None:
        save_figure(picture, reliability, *reliability_curve(indices[known], shares[known]))
    right, loss = int((answers == indices).sum()), log_loss(indices[known], shares[known])
    print(fitting(f"{part} accuracy {right / len(true):.2%} ({right:,} of {len(true):,} rows), loss {loss:.4f} nats"))
    return 0
