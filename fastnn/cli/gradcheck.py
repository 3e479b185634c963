"""``fastnn gradcheck``: are a network's gradients right?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fastnn import architecture
from fastnn.cli.options import HelpFormatter, add_activation_and_init, add_seed, number, whole
from fastnn.cli.output import check_picture, save_figure
from fastnn.gradcheck import check_model, sweep
from fastnn.plots import gradcheck_error

_SWEPT = 20

_EPILOG = """\
Each gradient that back-propagation gives is compared with central differences of the loss, in float64,
on random images and labels. The error of an array is max|analytic - numeric| / max|numeric|. The exit
status is 1 if a check fails. --sweep shows the same error for one step size after another: large steps
miss the curvature, small ones drown in rounding, and central differences beat forward ones.

examples:
  fastnn gradcheck
  fastnn gradcheck mlp:64-32-16-10 --activation tanh --samples 0
  fastnn gradcheck mlp:64-32-10 --sweep --plot errors.png
"""


def add(commands: Any) -> None:
    """Add the command and its arguments."""
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
        help="of the outputs (default: %(default)s)",
    )
    parser.add_argument(
        "--batch", type=whole(at_least=1), default=8, metavar="N", help="random images (default: %(default)s)"
    )
    parser.add_argument(
        "--samples",
        type=whole(at_least=0),
        default=100,
        metavar="N",
        help="entries of each array that are checked, drawn at random; 0 for all (default: %(default)s)",
    )
    parser.add_argument(
        "--tolerance",
        type=number,
        default=1e-6,
        metavar="X",
        help="largest error that passes (default: %(default)s)",
    )
    add_seed(parser, "of the weights, the images and the choice of entries")
    parser.add_argument(
        "--sweep",
        action="store_true",
        help=f"also print the error for a row of step sizes, of at most {_SWEPT} entries of each array",
    )
    parser.add_argument("--plot", metavar="FILE", help="also draw that row into a picture: .png, .svg or .pdf")
    parser.add_argument("--quiet", action="store_true", help="print nothing; the exit status says it")


def run(options: argparse.Namespace) -> int:
    """Check; return the exit status."""
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
        swept = min(samples or _SWEPT, _SWEPT)
        table = sweep(model, loss=options.loss, batch=options.batch, seed=options.seed, samples=swept)
        if not options.quiet:
            print(f"\n{table}")
        if picture:
            save_figure(picture, gradcheck_error, table)
            if not options.quiet:
                print(f"\nthe picture is {picture}")
    return 0 if result.passed else 1
