"""Parameters in a file. (The hand-out pickled them; these files hold arrays and nothing that could be run.)"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from os import PathLike
from pathlib import Path

import numpy as np

from fastnn.compat.cs231n.arrays import Array
from fastnn.files import write_whole


def save_arrays(fname: str | PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write arrays to exactly this file, in NumPy's format for several arrays, and print that."""
    whole = BytesIO()
    np.savez(whole, **arrays)  # type: ignore[arg-type]  # the names are the caller's
    write_whole(fname, whole.getvalue())
    print(f"{fname} saved.")


def load_arrays(fname: str | PathLike[str]) -> dict[str, Array] | None:
    """Read arrays that `save_arrays` wrote, or print that there is no such file and return None."""
    if not Path(fname).is_file():
        print(f"{fname} not available.")
        return None
    with np.load(fname, allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    print(f"{fname} loaded.")
    return arrays
