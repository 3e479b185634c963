"""``fastnn train``: train a model on a data set."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from fastnn import architecture, optim, schedule_texts
from fastnn.cli import record, regression, run_config, tables
from fastnn.cli.defaults import USUAL_RATES, set_statistics, settle_length, settle_rate, standardising, warning
from fastnn.cli.ensemble import EnsembleTrainer, check_ensemble, check_layers, spread
from fastnn.cli.inputs import Split, load_data, resolved_data, settle_data, split_data
from fastnn.cli.options import (
    HelpFormatter,
    checkpoint_options,
    class_weights,
    parse_augmentation,
)
from fastnn.cli.output import CHECKPOINTS, FILES, OPTIONS_FILE, Output, described
from fastnn.cli.reading import reading, say
from fastnn.cli.streams import (
    EpochTable,
    fitting,
    fitting_lines,
    fitting_table,
    print_prose,
    unbroken_output,
)
from fastnn.cli.table_files import is_parquet
from fastnn.cli.train_options import HIDDEN, add_options, settle_network
from fastnn.data import Dataset
from fastnn.data.formats import is_table
from fastnn.data.table_text import tables_kept
from fastnn.data.tables import NotNumbersError
from fastnn.decisions import Decision
from fastnn.losses import SoftmaxCrossEntropy
from fastnn.model import Sequential
from fastnn.trainer import Callback, Checkpoint, EarlyStopping, Trainer
from fastnn.trainer.average import as_average

_EPILOG = f"""\
A share of the training samples (--validation) is held out and evaluated after every epoch. The test samples are
evaluated once, at the end. On one instruction set the same options and seed give the same model, bit for bit,
whatever the number of threads (FASTNN_NUM_THREADS).

The files written are {", ".join(FILES)}.
A table with text, dates or empty cells, and one of which a number is to be predicted, is learned by several networks,
averaged, unless an option asks for one network (--model, --optimizer, ...). Its run has predictions.csv and
residuals.png or reliability.png, of the rows to test, and no learning curve.
Ctrl-C ends the training and writes the model as it is at that moment.
--config with the {OPTIONS_FILE} of a run repeats the run.

examples:
  fastnn train
  fastnn train digits --model mlp:784-300-100-10 --epochs 20
  fastnn train ~/mnist --output mnist-run
  fastnn train ~/mnist --model mlp:784-666-666-10 --optimizer sgd --batch 100
  fastnn train --activation tanh --weight-decay 1e-4 --seed 7
  fastnn train ~/mnist --model lenet5 --augment shift=1,rotate=10
  fastnn train ~/mnist --ensemble 8
  fastnn train ~/mnist --checkpoint 1 --output long-run
  fastnn train --resume long-run
  fastnn train houses.csv --target price
  fastnn train --config long-run/config.toml --seed 2
  fastnn train --recipe mnist-99 --seed 1
  FASTNN_DATA=~/data fastnn train notmnist --dtype float64 --explain
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "train",
        help="train a network on a data set",
        description="Train a network on labelled images or table rows and measure it on some that it has not seen.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """Train the model, write the files and return the exit status."""
    record.check_can_write()
    settle_data(options, "glyphs")
    given = argparse.Namespace(**vars(options))
    settle_network(options)
    with unbroken_output() as output, tables_kept():
        status = _run(options, given)
    if output.closed:
        raise BrokenPipeError
    return status


def _run(options: argparse.Namespace, given: argparse.Namespace) -> int:
    if options.early_stopping is not None and options.validation == 0:
        raise ValueError("--early-stopping: needs validation images, but --validation is 0")
    check_ensemble(options)
    rate = USUAL_RATES[options.optimizer] if options.learning_rate is None else options.learning_rate
    optim.get(options.optimizer, learning_rate=rate, weight_decay=options.weight_decay)  # says what is wrong with them
    schedule_texts.from_text(schedule_texts.resolved(options.schedule, options.epochs or 1))
    path = Path(options.data).expanduser()
    said: tuple[Decision, ...] = ()
    if is_parquet(path):
        return tables.train(given, path, (), "a Parquet file, whose columns have kinds")
    if path.is_file() and is_table(path):
        if given.categorical is not None:
            return tables.train(given, path, (), "columns are said to be categories")
        if given.quantiles is not None:
            return tables.train(given, path, (), "quantiles are asked for")
        task, said = regression.settle_task(options, path)
        if task == "regression" and tables.suits(given):
            return tables.train(given, path, (), "a number is to be predicted, and no option asks for one network")
    else:
        task = options.task or "classification"
        if options.task == "regression":
            raise ValueError(f"--task: expected a table for a regression, got {options.data}")
        for name in ("categorical", "quantiles"):
            if getattr(options, name) is not None:
                raise ValueError(f"--{name}: expected a table, got {options.data}")
    how_read = reading(options)
    try:
        if task == "regression":
            return regression.train(options, path, said)
        as_average(options.average)
        loss = SoftmaxCrossEntropy(options.label_smoothing)
        data = load_data(options.data, "DATA", mapped=options.mapped, **how_read)
    except NotNumbersError:
        if not path.is_file():
            raise
        return tables.train(given, path, (), "it holds text or empty cells")
    augmentation = None if options.augment is None else parse_augmentation(options.augment, options.seed)
    weights = None if options.class_weight is None else class_weights(options.class_weight, data.class_names)
    split = split_data(data, options.validation, **{name: how_read[name] for name in how_read if name != "class_names"})
    chosen = settle_length(options, len(split.train[1]))
    options.schedule = schedule_texts.resolved(options.schedule, options.epochs)
    rates = schedule_texts.from_text(options.schedule)
    if options.model is None:
        options.model = f"mlp:{data.train_images[0].size}-{HIDDEN}-{len(data.class_names)}"
    model = _model(options, data)
    check_layers(options, model)
    chosen += set_statistics(model, data, split.train[0])
    options.data = resolved_data(options.data)
    common: dict[str, Any] = {
        "loss": loss,
        "batch_size": options.batch,
        "seed": options.seed,
        "class_weight": weights,
        "augmentation": augmentation,
    }
    output = Output(options.output, options.overwrite)
    try:
        chosen += settle_rate(options, lambda rule: Trainer(model, optimizer=rule, **common), split)
    except BaseException:
        output.discard()
        raise
    optimizer = optim.get(options.optimizer, learning_rate=options.learning_rate, weight_decay=options.weight_decay)
    callbacks = _callbacks(options, output)
    trainer = _trainer(options, model, common)(
        optimizer=optimizer,
        schedule=rates,
        average=options.average,
        precision=options.precision,
        epochs=options.epochs,
        progress=False if options.quiet else None,
        callbacks=callbacks if options.quiet else [*callbacks, EpochTable(options.epochs)],
    )
    if not options.quiet:
        say("train", (*said, *data.decisions, *chosen))
        say("train: --validation", split.decisions, split=False)
        print(_introduction(data, split, model, options.ensemble), flush=True)
    started = time.perf_counter()
    interrupted = _fit(options, trainer, split, output)
    seconds = time.perf_counter() - started
    done = len(trainer.history)
    result: dict[str, Any] = {
        "epochs": done,
        "seconds": round(seconds, 3),
        "compiled": trainer.compiled,
        "last_epoch": trainer.history.epochs[-1],
    }
    if not interrupted:
        result["test"] = trainer.model.evaluate(*data.test)
        if isinstance(trainer, EnsembleTrainer):
            result["test"]["accuracy of members"] = spread(trainer.model, *data.test)
    written = record.write(output, options, data, trainer, result)
    if interrupted:
        return record.interrupted(written, done, options.epochs)
    if not options.quiet:
        _print_steps(options, trainer, seconds)
    unmoved = warning(trainer.history, split.train[1], len(data.class_names))
    if unmoved is not None:
        print_prose(f"fastnn train: {unmoved}")
    accuracy, total = result["test"]["accuracy"], len(data.test_labels)
    count = f"{round(accuracy * total):,} of {total:,} {data.noun}"
    if isinstance(trainer, EnsembleTrainer):
        alone = result["test"]["accuracy of members"]
        count += f"; members by themselves {alone['least']:.2%} to {alone['largest']:.2%}"
    print(fitting(f"test accuracy {accuracy:.2%} ({count}); {written}"))
    return 1 if written.missing else 0


def _trainer(
    options: argparse.Namespace, model: Sequential, common: dict[str, Any]
) -> Callable[..., Trainer | EnsembleTrainer]:
    """Return what makes the trainer of one network or of several."""
    if options.ensemble is None:
        return partial(Trainer, model, **common)
    plain = {name: value for name, value in common.items() if value is not None}
    return partial(EnsembleTrainer, model, options.ensemble, **plain)


def _fit(options: argparse.Namespace, trainer: Trainer | EnsembleTrainer, split: Split, output: Output) -> bool:
    """Train, or go on; return whether Ctrl-C ended it. A model that has been trained for an epoch is not lost."""
    try:
        if options.resume is None:
            if options.checkpoint is not None:
                run_config.write(output.path(OPTIONS_FILE), options)
            trainer.fit(*split.train, validation=split.validation)
        else:
            trainer.resume(output.path(CHECKPOINTS), *split.train, validation=split.validation)
    except KeyboardInterrupt:
        if len(trainer.history):
            return True
        output.discard()
        raise
    except OSError as error:  # a checkpoint cannot be written
        if not len(trainer.history):
            output.discard()
            raise
        kept = record.save_model(trainer.model, output)
        raise OSError(f"{described(error)}; the model after {len(trainer.history)} epochs is in {kept}") from None
    except BaseException:
        output.discard()
        raise
    return False


def _callbacks(options: argparse.Namespace, output: Output) -> list[Callback]:
    found: list[Callback] = []
    if options.early_stopping is not None:
        found.append(EarlyStopping(patience=options.early_stopping))
    if options.checkpoint is not None:
        every: dict[str, Any] = checkpoint_options(options.checkpoint)
        found.append(Checkpoint(output.path(CHECKPOINTS), **every, overwrite=options.overwrite))
    return found


def _model(options: argparse.Namespace, data: Dataset) -> Sequential:
    named = options.model.lower() in architecture.NETWORKS  # its number of outputs comes from the class names
    model = architecture.parse(
        options.model,
        activation=options.activation,
        init=options.init,
        dtype=options.dtype,
        seed=options.seed,
        input_scale=data.scale,
        class_names=data.class_names if named else None,
        input_shape=data.train_images.shape[1:],
        first=standardising(options),
    )
    _check_fits(model, options.model, data)
    model.class_names, model.column_names = data.class_names, data.column_names
    model.reading = _reading(options, data)
    return model


def _reading(options: argparse.Namespace, data: Dataset) -> dict[str, Any]:
    """Return how further files are to be read, as the model keeps it."""
    found = data.reading
    if options.background is not None:
        found["background"] = options.background
    if options.label is not None and "label" not in found:  # of a table without names the number of the column
        found["label"] = int(options.label)
    return found


def _check_fits(model: Sequential, text: str, data: Dataset) -> None:
    pixels, classes = data.train_images[0].size, len(data.class_names)
    if prod(model.input_shape) != pixels:
        shape = " x ".join(map(str, data.train_images.shape[1:]))
        raise ValueError(
            f"--model: {text} has {prod(model.input_shape)} inputs, but the {data.noun} of {data.name} have {pixels} "
            f"{'pixels' if data.noun == 'images' else 'values'} ({shape})"
        )
    if model.output_shape != (classes,):
        raise ValueError(
            f"--model: {text} has {model.output_shape[0]} outputs, but {data.name} has {classes} classes "
            f"({', '.join(data.class_names[:12])}{', ...' if classes > 12 else ''})"
        )


def _introduction(data: Dataset, split: Split, model: Sequential, members: int | None) -> str:
    counts = [f"{len(split.train[1]):,} {data.noun} to train"]
    if split.validation is not None:
        counts.append(f"{len(split.validation[1]):,} to validate")
    counts.append(f"{len(data.test_labels):,} to test")
    head = fitting(f"{data.name}: {', '.join(counts)}; {len(data.class_names)} classes")
    alike = "" if members is None else f"{members} networks that differ in their seeds, each of them:\n"
    return f"{head}\n\n{alike}{fitting_table(model.summary(), _outline(model))}\n"


def _outline(model: Sequential) -> str:
    """Return the layers with their outputs alone, for a narrow terminal."""
    lines = [f"{layer.name:<16} {'x'.join(map(str, layer.output_shape)):>12}" for layer in model.layers]
    return "\n".join([*lines, f"{model.params.size:,} parameters"])


def _print_steps(options: argparse.Namespace, trainer: Trainer | EnsembleTrainer, seconds: float) -> None:
    how = "compiled steps" if trainer.compiled else "layer by layer"
    if isinstance(trainer, EnsembleTrainer):
        of = f"{int(trainer.model.epochs_done.sum()):,} epochs of {len(trainer.model)} networks"
    else:
        of = f"{len(trainer.history.steps):,} steps"
    print(f"\n{of} in {seconds:.1f} s, {how}")
    if options.explain and isinstance(trainer, Trainer):
        print(f"\n{fitting_lines(trainer.explain())}\n")
