"""``fastnn gradcheck``: check a network's gradients against finite differences."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fastnn import architecture
from fastnn.cli.options import HelpFormatter, add_activation_and_init, add_seed, number, whole
from fastnn.cli.output import check_picture, save_figure
from fastnn.gradcheck import check_model, sweep
from fastnn.plots import gradcheck_error

_SWEEP_SAMPLES = 20

_EPILOG = """\
The gradients that back-propagation computes are compared with central differences of the loss, in
float64, on random images and labels. The error of an array is max|analytic - numeric| / max|numeric|.
The exit status is 1 if a check fails. --sweep shows this error for a range of step sizes: large steps
suffer from the curvature of the loss, small ones from rounding, and central differences are more
accurate than forward differences.

examples:
  fastnn gradcheck
  fastnn gradcheck mlp:64-32-16-10 --activation tanh --samples 0
  fastnn gradcheck mlp:64-32-10 --sweep --plot errors.png
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "gradcheck",
        help="check a network's gradients against finite differences",
        description="Check the gradients of a network against finite differences.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "model",
        nargs="?",
        default="mlp:784-200-10",
        metavar="MODEL",
        help="as in `fastnn train --model` (default: %(default)s)",
    )
    add_activation_and_init(parser)
    parser.add_argument(
        "--loss",
        choices=("softmax_cross_entropy", "mean_squared_error"),
        default="softmax_cross_entropy",
        help="loss of the outputs (default: %(default)s)",
    )
    parser.add_argument(
        "--batch", type=whole(at_least=1), default=8, metavar="N", help="number of random images (default: %(default)s)"
    )
    parser.add_argument(
        "--samples",
        type=whole(at_least=0),
        default=100,
        metavar="N",
        help="number of randomly chosen entries to check in each array; 0 for all (default: %(default)s)",
    )
    parser.add_argument(
        "--tolerance",
        type=number,
        default=1e-6,
        metavar="X",
        help="largest error that passes (default: %(default)s)",
    )
    add_seed(parser, "seed for the weights, the images and the choice of entries")
    parser.add_argument(
        "--sweep",
        action="store_true",
        help=f"also print the error for a range of step sizes, from at most {_SWEEP_SAMPLES} entries of each array",
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="also draw the error against the step size into a .png, .svg or .pdf file"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing; the exit status is the result")


def run(options: argparse.Namespace) -> int:
    """Check the gradients and return the exit status."""
    model = architecture.parse(
        options.model, activation=options.activation, init=options.init, dtype="float64", seed=options.seed
    )
    picture = None if options.plot is None else check_picture("--plot", Path(options.plot).expanduser())
    samples = options.samples or None
    result = check_model(
        model,
        loss=options.loss,
        batch=options.batch,
        seed=options.seed,
        tolerance=options.tolerance,
        samples=samples,
    )
    if not options.quiet:
        print(result)
    if options.sweep or picture:
        few = min(samples or _SWEEP_SAMPLES, _SWEEP_SAMPLES)
        table = sweep(model, loss=options.loss, batch=options.batch, seed=options.seed, samples=few)
        if not options.quiet:
            print(f"\n{table}")
        if picture:
            save_figure(picture, gradcheck_error, table)
            if not options.quiet:
                print(f"\nthe picture is in {picture}")
    return 0 if result.passed else 1
