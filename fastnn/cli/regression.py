"""``fastnn train`` and ``fastnn evaluate`` of a table of which a number is to be predicted."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn import architecture, metrics, optim, schedule_texts
from fastnn.cli import record, run_config
from fastnn.cli.defaults import settle_length, settle_rate, standardising
from fastnn.cli.inputs import Split, architecture_of, resolved_data
from fastnn.cli.output import CONFIG_FILE, CURVE_FILE, HISTORY_FILE, OPTIONS_FILE, Output, save_figure
from fastnn.cli.prediction_rows import csv_text
from fastnn.cli.reading import say
from fastnn.cli.streams import EpochTable, fitting
from fastnn.cli.train_options import HIDDEN
from fastnn.data import Standardizer, split_indices
from fastnn.data.table_targets import Targets, read_targets, target_texts
from fastnn.decisions import Decision
from fastnn.decisions.cells import is_missing
from fastnn.decisions.split import drawn_split
from fastnn.decisions.task import Task, decide_task
from fastnn.decisions.training import standardised
from fastnn.files import write_whole
from fastnn.layers import Dense, Standardize
from fastnn.model import Sequential
from fastnn.plots import learning_curve, residuals
from fastnn.population import Population
from fastnn.trainer import EarlyStopping, Trainer

PREDICTIONS_FILE = "predictions.csv"
RESIDUALS_FILE = "residuals.png"
TEST_SHARE = 1 / 6
_OF_FILES = ("mapped", "skip_damaged", "class_names", "size", "mode", "background", "axes")
_USELESS = (*_OF_FILES, "class_weight", "augment", "label_smoothing")
_LATER = ("checkpoint", "resume", "scale", "ensemble")


class Errors(NamedTuple):
    """How far predictions are from their targets, in the units of the target; R² without a unit."""

    mean_absolute: float
    root_mean_square: float
    r_squared: float

    @classmethod
    def of(cls, targets: NDArray[Any], predicted: NDArray[Any]) -> Errors:
        """Measure them, see `fastnn.metrics`."""
        figures = (metrics.mean_absolute_error, metrics.root_mean_squared_error, metrics.r2)
        return cls(*(figure(targets, predicted) for figure in figures))

    def __str__(self) -> str:
        return (
            f"mean absolute error {self.mean_absolute:.4g}, root mean square error {self.root_mean_square:.4g}, "
            f"R² {self.r_squared:.3f}"
        )


def settle_task(options: argparse.Namespace, path: Path) -> tuple[Task, tuple[Decision, ...]]:
    """Return what is to be learned of a table, and what is to be said about it."""
    if options.task is not None:
        return options.task, ()
    texts = [text for text in target_texts(path, options.label) or () if not is_missing(text)]
    task, decision = ("classification", None) if not texts else decide_task(texts)
    return task, () if decision is None else (decision,)


def train(options: argparse.Namespace, path: Path, said: tuple[Decision, ...]) -> int:
    """Train a network on a table, write the files of the run, and return the exit status."""
    for name in (*_USELESS, *_LATER):
        if getattr(options, name) not in (None, False):
            option = f"--{name.replace('_', '-')}"
            instead = "; leave it out: the same command trains the same network again" if name in _LATER[:2] else ""
            raise ValueError(f"{option}: expected none for a regression, got {getattr(options, name)!r}{instead}")
    if isinstance(options.validation, str):
        raise ValueError("--validation: expected a share for a regression, got the path of a data set")
    options.task = "regression"
    table = read_targets(path, label=options.label)
    if table.targets is None:
        raise ValueError(f"DATA: {path}: no column to be predicted is known; give --target, its name")
    if len(table.targets) < 10:
        raise ValueError(f"DATA: {path}: expected at least 10 rows, got {len(table.targets)}")
    test, held, rest = parts(len(table.targets), options.validation)
    center, spread = _center_and_spread(table.targets[rest])
    scaled = (table.targets - center) / spread
    validation = (table.values[held], scaled[held]) if len(held) else None
    split = Split((table.values[rest], scaled[rest]), validation)  # type: ignore[arg-type]
    chosen = [*said, drawn_split(len(test), len(table.targets), "drawn at random"), *settle_length(options, len(rest))]
    options.schedule = schedule_texts.resolved(options.schedule, options.epochs)
    rates = schedule_texts.from_text(options.schedule)
    model, more = _model(options, table, split)
    output = Output(options.output, options.overwrite)
    common: dict[str, Any] = {"loss": "mean_squared_error", "batch_size": options.batch, "seed": options.seed}
    try:
        chosen += [*more, *settle_rate(options, lambda rule: Trainer(model, optimizer=rule, **common), split)]
        rule = optim.get(options.optimizer, learning_rate=options.learning_rate, weight_decay=options.weight_decay)
        trainer = Trainer(
            model,
            optimizer=rule,
            schedule=rates,
            average=options.average,
            precision=options.precision,
            epochs=options.epochs,
            progress=False if options.quiet else None,
            callbacks=[
                *([] if options.early_stopping is None else [EarlyStopping(patience=options.early_stopping)]),
                *([] if options.quiet else [EpochTable(options.epochs)]),
            ],
            **common,
        )
        if not options.quiet:
            say("train", (*table.decisions, *chosen))
            counts = f"{len(rest):,} rows to train, {len(held):,} to validate, {len(test):,} to test"
            print(fitting(f"{path.stem}: {counts}; the loss is in units of the variance of {table.name}"), flush=True)
        stopped = _fit(trainer, split)
    except BaseException:
        output.discard()
        raise
    _unscale(model, center, spread)
    options.data = resolved_data(options.data)
    predicted = model.predict(table.values[test])[:, 0].astype(np.float64)
    true = table.targets[test]
    errors = Errors.of(true, predicted)
    data = {"target": table.name, "column_names": table.column_names, "shape": table.values.shape}
    result: dict[str, Any] = {"epochs": len(trainer.history), "last_epoch": trainer.history.epochs[-1]}
    made = record.described(options, trainer, data, result if stopped else result | {"test": errors._asdict()})
    rows = list(zip((test + 1).tolist(), true.tolist(), predicted.tolist(), strict=True))
    of_the_test: dict[str, Callable[[Path], Any]] = {
        PREDICTIONS_FILE: lambda file: write_whole(file, csv_text([("Id", "target", "predicted"), *rows])),
        RESIDUALS_FILE: lambda file: save_figure(file, residuals, true, predicted, name=table.name),
    }
    written = record.write_others(
        output,
        record.save_model(model, output),
        {
            CONFIG_FILE: lambda file: write_whole(file, record.as_json(made)),
            OPTIONS_FILE: lambda file: run_config.write(file, options),
            HISTORY_FILE: trainer.history.to_csv,
            CURVE_FILE: lambda file: save_figure(file, learning_curve, trainer.history),
            **({} if stopped else of_the_test),
        },
    )
    if stopped:
        return record.interrupted(written, len(trainer.history), options.epochs)
    print(fitting(f"test: {errors} ({len(test):,} rows); {written}"))
    return 1 if written.missing else 0


def _fit(trainer: Trainer, split: Split) -> bool:
    """Train; return whether Ctrl-C ended it, after an epoch at least."""
    try:
        trainer.fit(*split.train, validation=split.validation)
    except KeyboardInterrupt:
        if not len(trainer.history):
            raise
        return True
    return False


def predictions(
    model: Sequential | Population, path: Path, label: str | None
) -> tuple[NDArray[Any], NDArray[Any], tuple[Decision, ...]]:
    """Return the targets of all rows of a table, what a model predicts for them, and how the table was read."""
    table = read_targets(path, label=label, like=architecture_of(model))
    if table.targets is None:
        raise ValueError(f"DATA: {path}: no column of targets; give --target, its name")
    return table.targets, model.predict(table.values)[:, 0].astype(np.float64), table.decisions


def parts(rows: int, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows to test, to validate and to train on, the same for every seed of the training."""
    tested = max(1, round(rows * TEST_SHARE))
    held = round((rows - tested) * share)
    one_class = np.zeros(rows, np.int64)
    test, held_out, rest = split_indices(one_class, (tested, held, rows - tested - held), seed=0)
    return test, held_out, rest


def _center_and_spread(targets: NDArray[np.float64]) -> tuple[float, float]:
    found = Standardizer.fit(targets[:, None])
    return float(found.mean[0]), float(found.std[0])


def _model(options: argparse.Namespace, table: Targets, split: Split) -> tuple[Sequential, list[Decision]]:
    if options.model is None:
        options.model = f"mlp:{table.values.shape[1]}-{HIDDEN}-1"
    model = architecture.parse(
        options.model,
        activation=options.activation,
        init=options.init,
        dtype=options.dtype,
        seed=options.seed,
        input_shape=table.values.shape[1:],
        first=standardising(options),
    )
    if model.input_shape != table.values.shape[1:] or model.output_shape != (1,):
        raise ValueError(
            f"--model: {options.model}: expected {table.values.shape[1]} inputs and 1 output for a regression, got "
            f"{model.input_shape} and {model.output_shape}"
        )
    if not isinstance(model.layers[-1], Dense):
        raise ValueError(f"--model: {options.model}: expected a dense layer at the end, got {model.layers[-1]!r}")
    model.column_names = table.column_names
    model.reading = {"label": int(options.label) if table.name is None else table.name}
    first = model.layers[0]
    if not isinstance(first, Standardize):
        return model, []
    found = Standardizer.fit(split.train[0])
    first.set_statistics(found.mean, found.std)
    return model, [standardised("each column")]


def _unscale(model: Sequential, center: float, spread: float) -> None:
    """Give the outputs the units of the targets, which were standardised to train on."""
    last = model.layers[-1].name
    weights, bias = model.parameters[f"{last}.w"], model.parameters[f"{last}.b"]
    weights *= spread
    bias *= spread
    bias += center
