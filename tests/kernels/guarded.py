"""Arrays whose memory ends or begins at a page that must not be accessed."""

import ctypes
import mmap
from itertools import product
from typing import Any

import numpy as np
from kernel_arguments import make
from strategies import DTYPES, Array

from fastnn.kernels import SIGNATURES
from fastnn.kernels._native import isa_tables

_PAGE = mmap.PAGESIZE
_protect = ctypes.CDLL(None, use_errno=True).mprotect
_protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_LETTERS = {"*": (1, 2, 7, 15, 17, 33, 64, 131, 1021), "p": (1, 2, 5, 9), "q": (1, 2, 7, 9, 17)}
_SIZES = (1, 2, 3, 5, 8, 13, 16, 17, 31, 33)
_IMAGE = {"n": 3, "g": 2, "c": 5, "h": 13, "w": 37, "f": 27, "k": 5, "r": 4, "s": 5, "p": 9, "q": 19, "e": 2}


def guarded(a: Array, *, at_end: bool) -> Array:
    """A copy of ``a`` with equal strides, whose last byte is before such a page or whose first byte is after one."""
    extent = sum((n - 1) * s for n, s in zip(a.shape, a.strides, strict=True)) + a.itemsize if a.size else 0
    room = max(_PAGE, -(-extent // _PAGE) * _PAGE)
    memory = mmap.mmap(-1, room + _PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if _protect(address + room * at_end, _PAGE, 0) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")
    copy = np.ndarray(a.shape, a.dtype, memory, room - extent if at_end else _PAGE, a.strides)
    copy[...] = a
    return copy


def _dims(kernel: str, rng: np.random.Generator) -> dict[str, int]:
    letters = SIGNATURES[kernel].dims
    if set(letters) & {"p", "e", "h"}:  # sizes of images and windows multiply
        return {d: int(rng.integers(1, _IMAGE.get(d, 1) + 1)) for d in letters}
    return {d: int(rng.choice(_LETTERS.get(d, _SIZES))) for d in letters}


def call_all(cases: int) -> None:
    """Call every kernel of every instruction set on such arrays; print each call before it, to trace a crash."""
    for isa, table in isa_tables().items():
        for name, kernel in table.items():
            for dtype, case, at_end in product(DTYPES, range(cases), (True, False)):
                dims = _dims(name, np.random.default_rng(case))
                arguments: dict[str, Any] = make(name, dims, dtype, case)
                print(isa, name, dtype.__name__, dims, f"seed {case}", "end" if at_end else "begin", flush=True)
                kernel(*(guarded(v, at_end=at_end) if isinstance(v, np.ndarray) else v for v in arguments.values()))
