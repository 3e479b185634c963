"""Compiles a user's functions with Numba, once, and keeps the machine code in the user's cache folder.

The text of the functions is written into a module of a folder whose name is a digest of everything that the machine
code depends on: the text, the versions of fastnn, Numba and Python, and the numbers of `elementary`. Numba keeps its
code beside that module, by processor. Where the folder cannot be written, the code is made anew in each process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from fastnn._version import __version__
from fastnn.environment import user_cache
from fastnn.files import write_whole

DTYPES = ("float32", "float64")
_HEAD = '''"""Written by fastnn {version}: {title}."""

import numba
from numba import carray

from fastnn.custom.elementary import fma, functions, wide_vectors

globals().update(vars(functions("{dtype}")))
compiled = numba.njit(nogil=True, error_model="numpy")
bounded = numba.njit(nogil=True, error_model="numpy", boundscheck=True)

'''
_SLOW = 0.3  # seconds, from which on the compiling is announced
_loaded: dict[str, ModuleType] = {}


@dataclass(frozen=True)
class Entry:
    """A compiled function: its name in the text, and what its arguments are.

    `arguments` has a letter for each one: ``r`` a pointer to the float type, ``d`` one to float64, ``n`` a count.
    """

    name: str
    arguments: str


def require_numba(owner: str) -> None:
    """Refuse to go on without Numba.

    Raises
    ------
    ImportError
        With the command that installs it.
    """
    if find_spec("numba") is None:
        raise ImportError(f"{owner}: Numba compiles operations of your own: pip install 'fastnn-cpu[numba]'")


def addresses(title: str, text: str, entries: Sequence[Entry], dtype: str) -> tuple[list[int], list[Any]]:
    """Compile the functions of a text, or find them in the cache; `CustomKernel.prepare` lets one thread at a time.

    Parameters
    ----------
    title : str
        What is compiled, for the line that says so.
    text : str
        Functions of Python, without imports; a line before each of them says ``@compiled`` where others call it.
    entries : sequence of Entry
    dtype : {"float32", "float64"}

    Returns
    -------
    addresses : list of int
    functions : list
        To be kept as long as the addresses are used.

    Raises
    ------
    ValueError
        If Numba cannot compile one, with its reason in one line.
    """
    require_numba(title)
    import numba
    from numba.core.errors import NumbaError

    began = time.perf_counter()
    module, kept = _module(title, text, dtype)
    real = getattr(numba, dtype)
    pointer: Any = numba.types.CPointer
    kinds = {"r": pointer(real), "d": pointer(numba.float64), "n": numba.int64}
    made: list[Any] = []
    for entry in entries:
        signature = numba.void(*(kinds[letter] for letter in entry.arguments))
        compiler = numba.cfunc(signature, cache=kept, error_model="numpy")
        try:
            made.append(compiler(getattr(module, entry.name)))
        except NumbaError as error:
            raise ValueError(f"{title}: Numba cannot compile it: {_reason(error)}") from None
    seconds = time.perf_counter() - began
    if seconds > _SLOW and not all(_from_cache(function) for function in made):
        after = "kept for next time" if kept else f"not kept, because {user_cache()} cannot be written"
        print(f"compiling {title} … {seconds:.1f} s, {after}", file=sys.stderr)
    return [function.address for function in made], made


def _from_cache(function: Any) -> bool:
    return bool(function.cache_hits)


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith(("Failed in nopython", "File ", "def ", "^", "During"))]
    first, *others = useful or lines or ["no reason given"]
    return " ".join([first, *others[:1]] if first.endswith(":") else [first])[:200]


def _module(title: str, text: str, dtype: str) -> tuple[ModuleType, bool]:
    """The module of a text, and whether it is in a file, beside which Numba can keep machine code."""
    whole = _HEAD.format(version=__version__, title=title, dtype=dtype) + text + "\n"
    key = _key(whole)
    if key in _loaded:
        return _loaded[key], _loaded[key].__file__ is not None
    module = _written(key, whole)
    _loaded[key] = module
    return module, module.__file__ is not None


def _key(text: str) -> str:
    import llvmlite
    import numba

    spec = find_spec("fastnn.custom.elementary")
    assert spec is not None
    assert spec.origin is not None
    parts = (text, numba.__version__, llvmlite.__version__, sys.version, Path(spec.origin).read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _written(key: str, text: str) -> ModuleType:
    folder = user_cache() / "custom" / key
    path = folder / "functions.py"
    name = f"fastnn_custom_{key}"
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except OSError:
        module = ModuleType(name)
        module.__file__ = None
        sys.modules[name] = module
        exec(compile(text, f"<{name}>", "exec"), vars(module))
    return module
