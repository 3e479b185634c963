"""``fastnn study``: run a study and write its report."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn import studies
from fastnn.cli.options import HelpFormatter, add_seed

_ALL = "all"

_EPILOG = """\
The report is OUT/report.html, a single file that any browser opens and prints; OUT/results.json holds every number,
OUT/figures the pictures, OUT/config.json the settings. The results of each part are cached: a second run with the
same settings, seed and data only draws the pictures again. After Ctrl-C the finished parts remain, and --resume
continues the run with its original settings.

studies:
  digits   a softmax network on MNIST, by hand
  faces    a small fully connected network on faces
  transfer AlexNet's features and a small classifier
  mlp      modular layers, a solver and a grid search on MNIST
  init     initialisation, sizes and gradient validation of a 784-666-666-10 network
  letters  notMNIST: a wide network by hand, and a convolutional one
  all      all of them in turn, each in its own folder below OUT, and OUT/index.html, which leads to their reports

examples:
  fastnn study digits --quick
  fastnn study digits --data ~/mnist --only gradient,momentum
  fastnn study faces --data ~/photos-by-person
  fastnn study faces --list actors.txt --data ~/downloaded-photos
  FASTNN_DATA=~/data fastnn study all --out studies
"""


def add(commands: Any) -> None:
    """Add the subcommand and its arguments."""
    parser = commands.add_parser(
        "study",
        help="run a study and write its report",
        description="Run a study, an experiment that ends with a report of the reported numbers beside our own.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("name", metavar="NAME", help=f"{', '.join(studies.NAMES)}, or {_ALL}")
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="the data set, or a folder that contains it (default: the folder FASTNN_DATA, else synthetic images)",
    )
    parser.add_argument(
        "--list",
        metavar="FILE",
        help="for faces: a text file with the URL, box and SHA-256 of each photo; --data is then the folder of the "
        "photos (default: that of FILE)",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="TEXT",
        help="the URL or SHA-256 of a listed photo that is accepted although its SHA-256 differs; may be repeated",
    )
    parser.add_argument("--out", "--output", metavar="DIR", help="output folder (default: fastnn-study-NAME)")
    parser.add_argument("--quick", action="store_true", help="less data and fewer epochs: under a minute per study")
    parser.add_argument("--only", metavar="PART,...", help="run only these parts and those that they need")
    parser.add_argument("--resume", action="store_true", help="continue the run in --out with its original settings")
    parser.add_argument("--quiet", action="store_true", help="print only the path of the report")
    add_seed(parser, "seed for all random numbers")


def run(options: argparse.Namespace) -> int:
    """Run the study and return the exit status."""
    everything = options.name == _ALL
    if everything and options.only:
        raise ValueError("--only: names parts of one study, but all studies are to be run")
    if everything and (options.list or options.accept):
        raise ValueError("--list: names the photos of one study, faces, but all studies are to be run")
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
        photo_list=options.list,
        accept=options.accept,
    )
    print(report)
    return 0
