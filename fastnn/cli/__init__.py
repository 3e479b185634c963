"""The command ``fastnn``. Each subcommand is a module with `add`, for its arguments, and `run`, which does the work."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from fastnn._version import __version__
from fastnn.cli import alexnet, data, evaluate, export, gradcheck, info, predict, run_config, study, train
from fastnn.cli.options import HelpFormatter, Parser
from fastnn.cli.wording import OF_OPTIMISERS, in_options, of_parameters
from fastnn.trainer import NonFiniteLossError

_EPILOG = """\
first steps:
  fastnn train                train on synthetic letters, in a few seconds
  fastnn train PATH           train on your own data: a folder of images for each class, a table (.csv), MNIST's
                              files, .mat or .npz
  fastnn evaluate fastnn-run-1 glyphs
  fastnn predict fastnn-run-1 photo.jpg
  fastnn train --help         every option, with examples
"""

_BAD_INPUT = 2
_FAILED = 1
_INTERRUPTED = 130  # 128 + SIGINT, the status that shells report


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = Parser(
        prog="fastnn",
        description="Train and use small neural networks, fast on a CPU.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"fastnn {__version__}")
    commands = top.add_subparsers(title="commands", metavar="<subcommand>", dest="command", required=True)
    for command in (train, evaluate, predict, export, study, alexnet, data, gradcheck, info):
        command.add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments without the program's name. By default they are those of the process.

    Returns
    -------
    int
        Exit status: 0 for success, 1 if a check or a training failed, 2 for bad input, 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        Raised by argparse for --help and for arguments that it cannot parse (status 2).

    Examples
    --------
    >>> from fastnn.cli import main
    >>> main(["gradcheck", "mlp:6-5-3", "--quiet"])
    0
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    top = parser()
    if arguments[:1] == ["train"]:
        try:
            given = vars(top.parse_args(arguments))
            arguments = ["train", *run_config.expand(arguments[1:], vars(top.parse_args(["train"])), given)]
        except (ValueError, OSError) as error:
            return _say(argparse.Namespace(command="train"), f"error: {error}", _BAD_INPUT)
    options = top.parse_args(arguments)
    try:
        status: int = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()  # so that a closed pipe is noticed here and not at exit
        return status
    except KeyboardInterrupt:
        return _say(options, "interrupted", _INTERRUPTED)
    except BrokenPipeError:  # the reader of the output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except NonFiniteLossError as error:
        return _say(options, f"error: {error}", _FAILED)
    except MemoryError as error:
        return _say(options, f"error: not enough memory ({error})", _BAD_INPUT)
    except (ValueError, TypeError, OSError, ImportError) as error:
        return _say(options, f"error: {of_parameters(str(error), OF_OPTIMISERS)}", _BAD_INPUT)


def _say(options: argparse.Namespace, message: str, status: int) -> int:
    if sys.stderr is not None:  # print would take standard output instead
        print(f"fastnn {options.command}: {in_options(message)}", file=sys.stderr)
    return status
