"""``fastnn study``: a study by name in, its report out."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn import studies
from fastnn.cli.options import HelpFormatter, add_seed

_ALL = "all"

_EPILOG = """\
The report stands in OUT/report.html, one file that opens anywhere; OUT/results.json has every number, OUT/figures the
pictures, OUT/config.json how it was made. What a part found is kept: a second run with the same settings, seed and
data only draws again. Ctrl-C keeps the finished parts, --resume goes on as the run was begun.

studies:
  digits   a softmax network on MNIST, by hand
  faces    a small fully connected network on faces
  mlp      modular layers, a solver and a grid search on MNIST
  init     initialisation, sizes and gradient validation of a 784-666-666-10 network
  letters  notMNIST: a wide network by hand, and a convolutional one
  all      one after the other, each in a folder of its own below OUT

examples:
  fastnn study digits --quick
  fastnn study digits --data ~/mnist --only gradient,momentum
  FASTNN_DATA=~/data fastnn study all --out studies
"""


def add(commands: Any) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "study",
        help="run a study and write its report",
        description="Run a study, an experiment from data to a report with the reported numbers beside ours.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("name", metavar="NAME", help=f"{', '.join(studies.NAMES)}, or {_ALL}")
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="the data set, or a folder above it (default: what FASTNN_DATA names, else made-up images)",
    )
    parser.add_argument("--out", metavar="DIR", help="output folder (default: fastnn-study-NAME)")
    parser.add_argument("--quick", action="store_true", help="less data and fewer epochs: under a minute a study")
    parser.add_argument("--only", metavar="PART,...", help="these parts, and what they need")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, as it was begun")
    parser.add_argument("--quiet", action="store_true", help="print where the report is, nothing else")
    add_seed(parser, "of everything random")


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit status."""
    everything = options.name == _ALL
    if everything and options.only:
        raise ValueError("--only: it names parts of one study, but all studies are asked for")
    if everything:
        every = [studies.get(name) for name in studies.NAMES]
        reports = studies.run_all(
            every,
            out=options.out or "fastnn-studies",
            data=options.data,
            quick=options.quick,
            seed=options.seed,
            resume=options.resume,
            quiet=options.quiet,
        )
        for report in reports:
            print(report, flush=True)
        return 0
    report = studies.run(
        studies.get(options.name),
        data=options.data,
        out=options.out,
        quick=options.quick,
        only=options.only.split(",") if options.only else None,
        seed=options.seed,
        resume=options.resume,
        quiet=options.quiet,
    )
    print(report)
    return 0
