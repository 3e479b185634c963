"""``fastnn train`` of a table by an estimator of tables, which takes text, dates and missing values as they are."""

from __future__ import annotations

import argparse
import csv
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.cli import record, run_config
from fastnn.cli.inputs import resolved_data
from fastnn.cli.options import class_weights, numbers_of
from fastnn.cli.output import CONFIG_FILE, CURVE_FILE, HISTORY_FILE, OPTIONS_FILE, Output
from fastnn.cli.reading import say
from fastnn.cli.regression import TEST_SHARE, parts
from fastnn.cli.streams import fitting, print_prose
from fastnn.cli.table_files import read_table_file
from fastnn.cli.table_results import Tested, draw_curve, history_text
from fastnn.cli.wording import of_parameters
from fastnn.data import train_test_split
from fastnn.data.mixed_tables import MixedTable
from fastnn.decisions import Decision
from fastnn.decisions.cells import is_missing
from fastnn.decisions.columns import is_number
from fastnn.decisions.label_column import check_labels_recur, class_texts
from fastnn.decisions.split import drawn_split
from fastnn.decisions.task import decide_task
from fastnn.files import write_whole

if TYPE_CHECKING:
    from fastnn.tabular import TableClassifier, TableRegressor

_FEWEST_ROWS = 10
_HELD_OUT = 0.1  # of a regression's rows, as one network has them, so that the rows to test are the same

# options of one network, of images and of runs that go on
_OF_NETWORKS = (
    *("model", "init", "dtype", "optimizer", "schedule", "validation", "no_standardize", "explain", "scale"),
    *("average", "label_smoothing"),
)
_OF_IMAGES = ("mapped", "skip_damaged", "class_names", "size", "mode", "background", "axes", "augment")
_LATER = ("checkpoint", "resume", "ensemble")
_BEGIN_AGAIN = "; Ctrl-C keeps the networks that are trained, and the same command trains the same ones again"
_INSTEAD = {
    "checkpoint": _BEGIN_AGAIN,
    "resume": _BEGIN_AGAIN,
    "ensemble": "; several networks are averaged without it",
}
_PARAMETERS = {
    "activation": "activation",
    "batch": "batch_size",
    "epochs": "max_iter",
    "learning_rate": "learning_rate_init",
    "weight_decay": "alpha",
    "early_stopping": "n_iter_no_change",
}


class Target(NamedTuple):
    """What is to be predicted of the rows that have it.

    Parameters
    ----------
    rows : (N,) int64
        The numbers of these rows in the file.
    values : (N,) float64, or texts
    names : tuple of str or None
        The classes, None where numbers are to be predicted.
    """

    rows: NDArray[np.int64]
    values: NDArray[Any]
    names: tuple[str, ...] | None


def suits(options: argparse.Namespace) -> bool:
    """Whether nothing that is asked for needs one network, and the estimators of tables are there."""
    asked = any(getattr(options, name) not in (None, False) for name in (*_OF_NETWORKS, *_OF_IMAGES, *_LATER))
    return not asked and find_spec("sklearn") is not None


def train(options: argparse.Namespace, path: Path, said: tuple[Decision, ...], why: str) -> int:
    """Train networks on a table, write the files of the run, and return the exit status.

    Parameters
    ----------
    options : argparse.Namespace
        As they were given.
    path : Path
    said : tuple of Decision
        About the task, if it is settled.
    why : str
        Why an estimator of tables is taken.
    """
    for name in (*_OF_NETWORKS, *_OF_IMAGES, *_LATER):
        if getattr(options, name) not in (None, False):
            raise ValueError(
                f"--{name.replace('_', '-')}: expected none for a table that one network cannot read ({why}), got "
                f"{getattr(options, name)!r}{_INSTEAD.get(name, '')}"
            )
    categorical = (
        [] if options.categorical is None else [name.strip() for name in next(csv.reader([options.categorical]))]
    )
    table = read_table_file(path, label=options.label, categorical=categorical)
    if table.targets is None:
        raise ValueError(f"DATA: {path}: no column to be predicted is known; give --target, its name")
    target, more = _target(options, path, table)
    if len(target.rows) < _FEWEST_ROWS:
        raise ValueError(f"DATA: {path}: expected at least {_FEWEST_ROWS} rows, got {len(target.rows)}")
    rest, test = _split(target)
    net = _estimator(options, target)
    output = Output(options.output, options.overwrite)
    learned = table.taken(target.rows[rest])
    try:
        if not options.quiet:
            members = f"{net.n_estimators} networks, averaged"
            how = "drawn at random" if target.names is None else "drawn from each class"
            taken = Decision("model", members, why, "--model, for columns of numbers")
            say("train", (*said, *table.decisions, *more, taken, drawn_split(len(test), len(target.rows), how)))
            classes = "" if target.names is None else f"; {len(target.names)} classes"
            print(fitting(f"{path.stem}: {len(rest):,} rows to train, {len(test):,} to test{classes}"), flush=True)
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            net.fit(learned.columns, target.values[rest], sample_weight=_weights(options, target, rest))
    except (ValueError, TypeError) as error:
        output.discard()
        names = {ours: name for name, ours in (*_PARAMETERS.items(), ("quantiles", "quantiles"))}
        raise ValueError(of_parameters(str(error), names)) from None
    except BaseException:
        output.discard()
        raise
    net.target_name_ = table.target_name
    for one in noted:
        print_prose(f"fastnn train: {one.message}")
    options.data, options.task = resolved_data(options.data), "regression" if target.names is None else "classification"
    tested = Tested(target.rows[test], target.values[test], table.target_name)
    result, line, writers = tested.by(net, table.taken(target.rows[test]).columns)
    about = {"target": table.target_name, "columns": table.kinds, "rows": len(target.rows)}
    made = record.made_with(options, {"data": about, "model": net.get_params(), "result": result})
    written = record.write_others(
        output,
        record.save_model(net, output),
        {
            CONFIG_FILE: lambda file: write_whole(file, record.as_json(made)),
            OPTIONS_FILE: lambda file: run_config.write(file, options),
            HISTORY_FILE: lambda file: write_whole(file, history_text(net)),
            CURVE_FILE: lambda file: draw_curve(file, net),
            **writers,
        },
    )
    print(fitting(f"test: {line} ({len(test):,} rows); {written}"))
    if len(net.members_) < net.n_estimators:
        return 130
    return 1 if written.missing else 0


def _target(options: argparse.Namespace, path: Path, table: MixedTable) -> tuple[Target, list[Decision]]:
    """What is to be predicted, and what is to be said about it."""
    assert table.targets is not None
    rows = np.array([k for k, text in enumerate(table.targets) if not is_missing(text)], np.int64)
    texts = [table.targets[k] for k in rows.tolist()]
    said = []
    if len(texts) < len(table.targets):
        gone = len(table.targets) - len(texts)
        said.append(Decision("rows", f"{gone:,} left out", "their target is missing", "fill in the target"))
    if not texts:
        raise ValueError(f"DATA: {path}: the column to be predicted is empty")
    task = options.task
    if task is None:
        task, decision = decide_task(texts)
        said += [] if decision is None else [decision]
    if task == "regression":
        wrong = next((k for k, text in enumerate(texts) if not is_number(text)), None)
        if wrong is not None:
            raise ValueError(
                f"DATA: {path}: sample {rows[wrong]}: expected a number to be predicted, got {texts[wrong]!r:.40}"
            )
        return Target(rows, np.array(texts, np.float64), None), said
    check_labels_recur(texts, table.target_name, options.label is not None, f"DATA: {path}")
    spelled, names = class_texts(texts)
    if len(names) < 2:
        raise ValueError(f"DATA: {path}: expected at least two classes, got {', '.join(names)} alone")
    return Target(rows, np.array([spelled[text] for text in texts]), names), said


def split_rows(values: NDArray[Any], classes: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places to train on and those to test, the same for every seed and every command."""
    if classes:
        train, test = train_test_split(values, TEST_SHARE)
        return train, test
    test, held, rest = parts(len(values), _HELD_OUT)
    return np.concatenate([rest, held]), test


def _split(target: Target) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    try:
        return split_rows(target.values, target.names is not None)
    except ValueError as error:
        raise ValueError(f"DATA: no rows can be held out for a test ({error})") from None


def _estimator(options: argparse.Namespace, target: Target) -> TableClassifier | TableRegressor:
    from fastnn.tabular import TableClassifier, TableRegressor

    given: dict[str, Any] = {
        ours: getattr(options, name) for name, ours in _PARAMETERS.items() if getattr(options, name) is not None
    }
    seed = options.seed if options.seed < 2**32 else int(np.random.SeedSequence(options.seed).generate_state(1)[0])
    if options.quantiles is not None:
        if target.names is not None:
            raise ValueError(f"--quantiles: expected none where classes are predicted, got {options.quantiles!r}")
        given["quantiles"] = numbers_of("--quantiles", options.quantiles)
    cls = TableRegressor if target.names is None else TableClassifier
    return cls(random_state=seed, verbose=False if options.quiet else "members", **given)


def _weights(options: argparse.Namespace, target: Target, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Weights of the rows to train on, by their classes."""
    if options.class_weight is None:
        return None
    if target.names is None:
        raise ValueError(f"--class-weight: expected none for a regression, got {options.class_weight!r}")
    from sklearn.utils import compute_sample_weight

    found = class_weights(options.class_weight, target.names)
    by_name = found if isinstance(found, str) else {name: found.get(k, 1.0) for k, name in enumerate(target.names)}
    return np.asarray(compute_sample_weight(by_name, target.values[rows]), np.float64)
