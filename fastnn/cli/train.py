"""``fastnn train``: train a model on a data set."""

from __future__ import annotations

import argparse
import sys
import time
from math import prod
from typing import Any

from fastnn import architecture, optim
from fastnn.cli import record, run_config
from fastnn.cli.inputs import (
    MAPPED_HELP,
    MODEL_FILE,
    Split,
    add_data,
    load_data,
    resolved_data,
    settle_data,
    split_data,
)
from fastnn.cli.options import (
    AUGMENT_HELP,
    SCHEDULE_HELP,
    HelpFormatter,
    add_activation_and_init,
    add_seed,
    checkpoint_every,
    checkpoint_options,
    class_weights,
    number,
    parse_augmentation,
    resolved_schedule,
    schedule,
    share_or_data,
    whole,
)
from fastnn.cli.output import CHECKPOINTS, FILES, OPTIONS_FILE, Output
from fastnn.cli.reading import add_reading, reading, say
from fastnn.data import Dataset
from fastnn.model import Sequential
from fastnn.trainer import Callback, Checkpoint, EarlyStopping, Trainer

_HIDDEN = 200
_TRIED = {"adam": 0.002, "adamw": 0.002, "adagrad": 0.02, "momentum": 0.05, "nesterov": 0.05, "sgd": 0.3}
_RATES = {name: _TRIED.get(name, optim.get(name).learning_rate) for name in optim.OPTIMIZERS}

_EPILOG = f"""\
A share of the training samples (--validation) is held out and evaluated after every epoch. The test samples are
evaluated once, at the end. On one instruction set the same options and seed give the same model, bit for bit,
whatever the number of threads (FASTNN_NUM_THREADS).

The files written are {", ".join(FILES)}.
Ctrl-C ends the training and writes the model as it is at that moment.
--config with the {OPTIONS_FILE} of a run repeats the run.

examples:
  fastnn train
  fastnn train digits --model mlp:784-300-100-10 --epochs 20
  fastnn train ~/mnist --output mnist-run
  fastnn train ~/mnist --model mlp:784-666-666-10 --optimizer sgd --batch 100
  fastnn train --activation tanh --weight-decay 1e-4 --seed 7
  fastnn train ~/mnist --model lenet5 --augment shift=1,rotate=10
  fastnn train ~/mnist --checkpoint 1 --output long-run
  fastnn train --resume long-run
  fastnn train --config long-run/config.toml --seed 2
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
    what = parser.add_argument_group("the data and the model")
    add_data(what, default="glyphs")
    what.add_argument("--mapped", action="store_true", help=MAPPED_HELP)
    what.add_argument(
        "--model",
        metavar="MODEL",
        help="sizes from inputs to outputs, such as mlp:784-200-10 (the name of an activation after a hidden layer "
        "replaces --activation for that layer: mlp:784-200-tanh-10); layers, such as "
        "conv:32x3,relu,bn,pool2,fc784,drop0.5,relu,fc10; or "
        f"one of {', '.join(architecture.NETWORKS)} (default: mlp with {_HIDDEN} hidden units)",
    )
    add_activation_and_init(what)
    what.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        default="float32",
        help="type of all numbers (default: %(default)s)",
    )
    add_reading(parser)
    how = parser.add_argument_group("the training")
    how.add_argument(
        "--epochs",
        type=whole(at_least=1),
        default=10,
        metavar="N",
        help="passes over the samples (default: %(default)s)",
    )
    how.add_argument(
        "--batch", type=whole(at_least=1), default=64, metavar="N", help="samples per step (default: %(default)s)"
    )
    how.add_argument("--optimizer", choices=tuple(_RATES), default="adam", help="update rule (default: %(default)s)")
    rates = ", ".join(f"{rate} for {name}" for name, rate in _RATES.items())
    how.add_argument(
        "--learning-rate", type=number, metavar="RATE", help=f"rate of the first epoch, above 0 (default: {rates})"
    )
    how.add_argument(
        "--weight-decay",
        type=number,
        default=0.0,
        metavar="X",
        help="X times each weight is added to its gradient (default: %(default)s)",
    )
    how.add_argument(
        "--schedule",
        default="exponential",
        metavar="NAME",
        help=f"the learning rate by epoch: {SCHEDULE_HELP}; exponential without a number ends at a tenth of the first "
        "rate, cosine and onecycle without a number last for all epochs (default: %(default)s)",
    )
    how.add_argument(
        "--validation",
        "--val",
        type=share_or_data,
        default=0.1,
        metavar="SHARE",
        help="share of the training samples held out for validation, 0 for none; or the path of a data set to validate "
        "on (default: %(default)s)",
    )
    how.add_argument(
        "--early-stopping",
        type=whole(at_least=1),
        metavar="N",
        help="stop when the validation loss has not improved for N epochs, and restore the best weights",
    )
    how.add_argument(
        "--class-weight",
        metavar="WEIGHTS",
        help="weight of each class in the loss: balanced (rare classes count more), or NAME=WEIGHT,... (others 1)",
    )
    how.add_argument("--augment", metavar="HOW", help=f"augment the images anew in each epoch: {AUGMENT_HELP}")
    how.add_argument(
        "--config",
        metavar="FILE",
        help="a TOML file with options by name, such as epochs = 20; the command line overrides it",
    )
    add_seed(how, "seed for the initial weights and the order of the samples")
    out = parser.add_argument_group("the output")
    out.add_argument(
        "--output",
        metavar="FOLDER",
        help="folder for the files, created if missing (default: fastnn-run-1, or the next number that is free)",
    )
    out.add_argument("--overwrite", action="store_true", help="replace the files of an earlier run in --output")
    out.add_argument(
        "--checkpoint",
        type=checkpoint_every,
        metavar="EVERY",
        help=f"write a checkpoint to {CHECKPOINTS}/ in --output every EVERY epochs, or every 500steps or 60s",
    )
    out.add_argument(
        "--resume",
        metavar="FOLDER",
        help="continue the run in that folder from its last checkpoint, with its options; the weights are the same as "
        "without the interruption",
    )
    out.add_argument(
        "--explain",
        action="store_true",
        help="at the end, show the compiled training step with measured times",
    )
    out.add_argument("--quiet", action="store_true", help="print the last line only")


def run(options: argparse.Namespace) -> int:
    """Train the model, write the files and return the exit status."""
    record.check_can_write()
    settle_data(options, "glyphs")
    if options.learning_rate is None:
        options.learning_rate = _RATES[options.optimizer]
    optimizer = optim.get(options.optimizer, learning_rate=options.learning_rate, weight_decay=options.weight_decay)
    options.schedule = resolved_schedule(options.schedule, options.epochs)
    rates = schedule(options.schedule)
    if options.early_stopping is not None and options.validation == 0:
        raise ValueError("--early-stopping: needs validation images, but --validation is 0")
    augmentation = None if options.augment is None else parse_augmentation(options.augment, options.seed)
    how_read = reading(options)
    data = load_data(options.data, "DATA", mapped=options.mapped, **how_read)
    weights = None if options.class_weight is None else class_weights(options.class_weight, data.class_names)
    split = split_data(data, options.validation, **{name: how_read[name] for name in how_read if name != "class_names"})
    if options.model is None:
        options.model = f"mlp:{data.train_images[0].size}-{_HIDDEN}-{len(data.class_names)}"
    model = _model(options, data)
    options.data = resolved_data(options.data)
    output = Output(options.output, options.overwrite)
    trainer = Trainer(
        model,
        optimizer=optimizer,
        schedule=rates,
        batch_size=options.batch,
        epochs=options.epochs,
        seed=options.seed,
        progress=False if options.quiet else None,
        print_every=None if options.quiet else 1,
        callbacks=_callbacks(options, output),
        class_weight=weights,
        augmentation=augmentation,
    )
    if not options.quiet:
        say("train", data.decisions)
        say("train: --validation", split.decisions, split=False)
        print(_introduction(data, split, model), flush=True)
    started = time.perf_counter()
    interrupted = False
    try:
        if options.resume is None:
            if options.checkpoint is not None:
                run_config.write(output.path(OPTIONS_FILE), options)
            trainer.fit(*split.train, validation=split.validation)
        else:
            trainer.resume(output.path(CHECKPOINTS), *split.train, validation=split.validation)
    except KeyboardInterrupt:
        interrupted = True
    except BaseException:
        output.discard()
        raise
    seconds = time.perf_counter() - started
    done = len(trainer.history)
    if interrupted and not done:
        output.discard()
        raise KeyboardInterrupt
    result: dict[str, Any] = {
        "epochs": done,
        "seconds": round(seconds, 3),
        "compiled": trainer.compiled,
        "last_epoch": trainer.history.epochs[-1],
    }
    if not interrupted:
        result["test"] = model.evaluate(*data.test)
    written = record.write(output, options, data, trainer, result)
    if interrupted:
        print(
            f"fastnn train: interrupted after {done} of {options.epochs} epochs; the model at that moment is in "
            f"{output.path(MODEL_FILE)}",
            file=sys.stderr,
        )
        return 130
    if not options.quiet:
        _print_steps(options, trainer, seconds)
    accuracy, total = result["test"]["accuracy"], len(data.test_labels)
    print(
        f"test accuracy {accuracy:.2%} ({round(accuracy * total):,} of {total:,} {data.noun}); "
        f"in {output.folder}/: {', '.join(written)}"
    )
    return 0


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


def _introduction(data: Dataset, split: Split, model: Sequential) -> str:
    counts = [f"{len(split.train[1]):,} {data.noun} to train"]
    if split.validation is not None:
        counts.append(f"{len(split.validation[1]):,} to validate")
    counts.append(f"{len(data.test_labels):,} to test")
    return f"{data.name}: {', '.join(counts)}; {len(data.class_names)} classes\n\n{model.summary()}\n"


def _print_steps(options: argparse.Namespace, trainer: Trainer, seconds: float) -> None:
    how = "compiled steps" if trainer.compiled else "layer by layer"
    steps = len(trainer.history.steps)
    print(f"\n{steps:,} steps in {seconds:.1f} s, {how}")
    if options.explain:
        print(f"\n{trainer.explain()}\n")
