"""The options of ``fastnn train``."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn import architecture
from fastnn.cli.defaults import USUAL_RATES
from fastnn.cli.inputs import MAPPED_HELP, add_data
from fastnn.cli.options import (
    AUGMENT_HELP,
    add_activation_and_init,
    add_seed,
    checkpoint_every,
    number,
    share_or_data,
    whole,
)
from fastnn.cli.output import CHECKPOINTS
from fastnn.cli.precision import add_precision
from fastnn.cli.reading import add_reading
from fastnn.kernels.precisions import PRECISIONS
from fastnn.recipes import RECIPES
from fastnn.schedule_texts import SCHEDULE_HELP
from fastnn.trainer.average import KEEP

HIDDEN = 200
"""The hidden units of the network that is trained if no option names one."""

NETWORK: dict[str, Any] = {
    "activation": "relu",
    "init": "glorot_uniform",
    "dtype": "float32",
    "optimizer": "adam",
    "weight_decay": 0.0,
    "schedule": "exponential",
    "validation": 0.1,
}
"""What options of one network are where they are not given. The networks of tables have defaults of their own."""


def settle_network(options: argparse.Namespace) -> None:
    """Set the options of one network that are not given."""
    for name, value in NETWORK.items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options, in groups."""
    what = parser.add_argument_group("the data and the model")
    add_data(what, default="glyphs")
    what.add_argument(
        "--task",
        choices=("classification", "regression"),
        help="whether a table's --target is a class or a number (default: found out)",
    )
    what.add_argument(
        "--categorical",
        metavar="NAMES",
        help="columns of a table, joined by commas, whose numbers are names of categories",
    )
    what.add_argument(
        "--quantiles",
        metavar="LEVELS",
        help="of a table's number also these quantiles, joined by commas, such as .1,.5,.9; the prediction is .5",
    )
    what.add_argument("--mapped", action="store_true", help=MAPPED_HELP)
    what.add_argument(
        "--model",
        metavar="MODEL",
        help="sizes from inputs to outputs, such as mlp:784-200-10 (the name of an activation after a hidden layer "
        "replaces --activation for that layer: mlp:784-200-tanh-10); layers, such as "
        "conv:32x3,relu,bn,pool2,fc784,drop0.5,relu,fc10; or "
        f"one of {', '.join(architecture.NETWORKS)} (default: mlp with {HIDDEN} hidden units)",
    )
    add_activation_and_init(what, NETWORK)
    what.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        help=f"type of all numbers (default: {NETWORK['dtype']})",
    )
    add_precision(what, f"training (default: {PRECISIONS[0]})", PRECISIONS[0])
    what.add_argument(
        "--no-standardize",
        action="store_true",
        help="give the network the scaled values as they are, not standardised by their mean and deviation",
    )
    add_reading(parser)
    how = parser.add_argument_group("the training")
    how.add_argument(
        "--epochs",
        type=whole(at_least=1),
        metavar="N",
        help="passes over the samples (default: by their number, and then --early-stopping is on)",
    )
    how.add_argument(
        "--batch", type=whole(at_least=1), metavar="N", help="samples per step (default: 64, or fewer of few samples)"
    )
    how.add_argument("--optimizer", choices=tuple(USUAL_RATES), help=f"update rule (default: {NETWORK['optimizer']})")
    how.add_argument(
        "--learning-rate",
        type=number,
        metavar="RATE",
        help="rate of the first epoch, above 0 (default: where the loss falls fastest in a short range test)",
    )
    how.add_argument(
        "--weight-decay",
        type=number,
        metavar="X",
        help=f"X times each weight is added to its gradient (default: {NETWORK['weight_decay']})",
    )
    how.add_argument(
        "--schedule",
        metavar="NAME",
        help=f"the learning rate by epoch: {SCHEDULE_HELP}; exponential without a number ends at a tenth of the first "
        f"rate, cosine and onecycle without a number last for all epochs (default: {NETWORK['schedule']})",
    )
    how.add_argument(
        "--average",
        metavar="ema[:SHARE]",
        help="validate and keep a moving average of the weights, of which each step keeps the SHARE "
        f"(default: no average; SHARE {KEEP:g})",
    )
    how.add_argument(
        "--label-smoothing",
        type=number,
        default=0.0,
        metavar="X",
        help="share of each target that is spread evenly over all classes (default: %(default)s)",
    )
    recipes = "; ".join(f"{name}, {recipe.what}" for name, recipe in RECIPES.items())
    how.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        help="options that are known to go well together, which those of the command line override: "
        + recipes.replace("%", "%%"),  # a single one is argparse's own
    )
    how.add_argument(
        "--validation",
        "--val",
        type=share_or_data,
        metavar="SHARE",
        help="share of the training samples held out for validation, 0 for none; or the path of a data set to validate "
        f"on (default: {NETWORK['validation']})",
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
    how.add_argument(
        "--ensemble",
        type=whole(at_least=2),
        metavar="K",
        help="train K networks of dense layers that differ in their seeds (--seed and the next ones) side by side; the "
        "file holds them all, and predict and evaluate take the mean of their probabilities",
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
