"""Messages of the library in the words of the command line: options in place of arguments of Python."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastnn.cli.inputs import READING

_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in READING} | {"label": "--target", "mapped": "--mapped"}
# an argument, behind which the option may stand as well: "label= (--target)", "size=, --size", "skip_damaged=True"
_ARGUMENT = re.compile(rf"(?<=[ (])({'|'.join(_OPTIONS)})=(?:True\b|, --[a-z-]+| \(--[a-z-]+\))?(?=(\w|['\"(])?)")
OF_OPTIMISERS = {name: name for name in ("learning_rate", "weight_decay")}  # and the options that set them
_OF_PYTHON_ALONE = re.compile(r"test_fraction= of fastnn\.data\.load, or ")


def in_options(message: str) -> str:
    """The message with the options that stand for arguments of `fastnn.data.load`.

    Parameters
    ----------
    message : str

    Examples
    --------
    >>> from fastnn.cli.wording import in_options
    >>> in_options("two columns may each be the labels; give label= (--target)")
    'two columns may each be the labels; give --target'
    """
    message = _OF_PYTHON_ALONE.sub("", message)
    return _ARGUMENT.sub(lambda found: _OPTIONS[found[1]] + (" " if found[2] else ""), message)


def of_parameters(message: str, options: Mapping[str, str]) -> str:
    """The message of an estimator about one of its parameters, about the option that set it.

    Parameters
    ----------
    message : str
    options : mapping of str to str
        Parameters, and the names of the options that set them.

    Examples
    --------
    >>> from fastnn.cli.wording import of_parameters
    >>> of_parameters("TableRegressor: alpha: expected a number, got -1", {"alpha": "weight_decay"})
    '--weight-decay: expected a number, got -1'
    """
    found = re.match(r"\w+: (\w+): ", message)
    if found is None or found[1] not in options:
        return message
    return f"--{options[found[1]].replace('_', '-')}: {message[found.end() :]}"
