"""The active configuration: versions, instruction set, threads, and the backend of each kernel."""

from __future__ import annotations

import os
import platform
from collections import Counter

import numpy as np

from fastnn._version import __version__
from fastnn.environment import VARIABLES
from fastnn.kernels import SIGNATURES, available_backends, backend_of, current_backend
from fastnn.kernels.backend import isa_in_words
from fastnn.kernels.threads import get_num_threads


def config() -> dict[str, str]:
    """Return the names and values of everything that determines how fastnn runs on this machine.

    Returns
    -------
    dict of str to str
        Versions, processor, backend, instruction set, threads, and the environment variables that are set.

    Examples
    --------
    >>> from fastnn.config import config
    >>> sorted(config())[:3]
    ['backend', 'environment', 'fastnn']
    """
    kernels = Counter(backend_of(name) for name in SIGNATURES)
    return {
        "fastnn": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "backend": f"{current_backend()} (available: {', '.join(available_backends())})",
        "instruction set": isa_in_words() or "none: the native module is not installed",
        "threads": str(get_num_threads()),
        "kernels": ", ".join(f"{count} {backend}" for backend, count in kernels.most_common()),
        "environment": ", ".join(f"{v}={os.environ[v]}" for v in VARIABLES if v in os.environ) or "nothing set",
    }


def show_config() -> None:
    """Print the versions, the instruction set, the number of threads and the backends.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.show_config()  # doctest: +ELLIPSIS
    fastnn           ...
    """
    for name, value in config().items():
        print(f"{name:<16} {value}")
