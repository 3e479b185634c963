"""The environment of the process: the variables that fastnn reads, and whether a stream is a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

BACKEND = "FASTNN_BACKEND"
ISA = "FASTNN_ISA"
NUM_THREADS = "FASTNN_NUM_THREADS"
OMP_NUM_THREADS = "OMP_NUM_THREADS"  # read if NUM_THREADS is not set
DATA = "FASTNN_DATA"  # the folder that contains the folders of the named data sets

VARIABLES = (BACKEND, ISA, NUM_THREADS, OMP_NUM_THREADS, DATA)


def user_cache() -> Path:
    """The folder for what fastnn keeps on behalf of the user, which may not exist yet.

    Examples
    --------
    >>> from fastnn.environment import user_cache
    >>> user_cache().name
    'fastnn'
    """
    caches = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "fastnn"


def is_terminal(stream: Any) -> bool:
    """Whether a stream is shown on a terminal.

    A program without a console, or one whose output was closed, has None in the place of its standard streams, and
    others put objects there that can do nothing but write.

    Parameters
    ----------
    stream : file or None

    Examples
    --------
    >>> from fastnn.environment import is_terminal
    >>> is_terminal(None)
    False
    """
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # a file that is closed raises the latter
        return False


def in_notebook() -> bool:
    """Whether the process is the kernel of a notebook, which shows what IPython displays.

    Examples
    --------
    >>> from fastnn.environment import in_notebook
    >>> in_notebook()
    False
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
