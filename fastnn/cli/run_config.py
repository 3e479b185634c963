"""Reads and writes the options of ``fastnn train`` as a TOML file."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastnn.cli.output import CHECKPOINTS, OPTIONS_FILE
from fastnn.files import write_whole
from fastnn.recipes import RECIPES

_NOT_OPTIONS = ("run", "command")
_ON_THE_COMMAND_LINE = ("config", "recipe", "resume")  # the options that say where to read the others from
NOT_REPEATED = (*_NOT_OPTIONS, "data_set", *_ON_THE_COMMAND_LINE, "output", "overwrite", "explain", "quiet")


def expand(arguments: Sequence[str], defaults: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Put the options of the TOML file, or of the recipe, that the arguments of ``fastnn train`` name in front of them.

    argparse uses the last value it sees, so the arguments override those options.

    Parameters
    ----------
    arguments : sequence of str
        The arguments after "train".
    defaults : mapping
        The default of each option, by its name in Python.
    given : mapping
        The value of each option as `arguments` alone have it. A data set that they name takes the place of the file's.

    Raises
    ------
    ValueError
        If the file is not valid TOML, or holds an unknown option or a value of the wrong type.
    OSError
        If the file cannot be read.
    """
    left_out = ("data",) if given["data_set"] is not None else ()
    sources = [name for name in _ON_THE_COMMAND_LINE if given[name] is not None]
    if "recipe" in sources and len(sources) > 1:
        raise ValueError(
            f"--recipe: expected no other source of options, got {' and '.join('--' + s for s in sources)}"
        )
    if given["resume"] is not None:
        folder = Path(given["resume"]).expanduser()
        options = folder / OPTIONS_FILE
        if not (options.is_file() and (folder / CHECKPOINTS).is_dir()):
            raise ValueError(
                f"--resume: {folder} is not the folder of a run with checkpoints ({OPTIONS_FILE} and {CHECKPOINTS}/)"
            )
        return [*_arguments(options, defaults, left_out), "--output", str(folder), "--overwrite", *arguments]
    if given["recipe"] is not None:
        recipe = RECIPES[given["recipe"]].options
        return [*_as_arguments({name: value for name, value in recipe.items() if name not in left_out}), *arguments]
    if given["config"] is None:
        return list(arguments)
    return [*_arguments(Path(given["config"]), defaults, left_out), *arguments]


def _arguments(path: Path, defaults: Mapping[str, Any], left_out: Sequence[str]) -> list[str]:
    others = (*_NOT_OPTIONS, *_ON_THE_COMMAND_LINE, "data_set")
    known = [name.replace("_", "-") for name in defaults if name not in others]
    found: dict[str, Any] = {}
    for key, value in _read(path.expanduser()).items():
        name = key.replace("_", "-")
        if name not in known:
            raise ValueError(f"--config: {path} has an unknown key {key!r}; expected some of {', '.join(known)}")
        if name in left_out:
            continue
        is_flag = isinstance(defaults[name.replace("-", "_")], bool)
        if is_flag and not isinstance(value, bool):
            raise ValueError(f"--config: {path}: {key} must be true or false, got {value!r}")
        if not is_flag and (isinstance(value, bool) or not isinstance(value, str | int | float)):
            raise ValueError(f"--config: {path}: {key} must be text or a number, got {value!r}")
        found[name] = value
    return _as_arguments(found)


def _as_arguments(options: Mapping[str, Any]) -> list[str]:
    """Options as the command line has them; a flag that is false is left out."""
    return [f"--{n}" if value is True else f"--{n}={value}" for n, value in options.items() if value is not False]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"--config: there is no file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"--config: {path} is not readable as TOML ({error})") from None


def write(path: Path, options: argparse.Namespace) -> None:
    """Write the options that determine a training, so that ``--config`` repeats it."""
    lines = ["# fastnn train --config with this file gives the same weights"]
    for name, value in vars(options).items():
        if value is not None and name not in NOT_REPEATED:
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value).lower()
            lines.append(f"{name.replace('_', '-')} = {text}")
    write_whole(path, "\n".join(lines) + "\n")
