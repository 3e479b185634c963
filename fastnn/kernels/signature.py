"""How a kernel's signature is written, and what it says about each argument.

``name(x[n,d], w[d,m], b[m]?, out[n,m]!, alpha)``

- ``x[n,d]`` an array and its dimensions; a letter that stands twice is the same number. ``x[n,16]``: must be 16.
  ``x[*]`` is an array of any shape, seen as one run of elements; every ``*`` has the same length.
  ``w[d,m+]``: rows may lie further apart than m elements; native also takes (panels, d, columns).
  ``x[n,d]@``: native also reads row ``index[i]`` of a longer array as row i (`Program` binds the index).
- ``?`` the array may be ``None``; ``!`` the kernel writes it (``!`` alone: it is not read before).
  ``~`` the kernel reads it and writes it in place.
- ``:i64`` ``:f64`` ``:u8`` a fixed dtype, ``:any`` a dtype of its own; without it the dtype of the call,
  float32 or float64.
- a bare name is a scalar (a Python float or int), ``alpha=0`` one with a default. Scalars stand last, those with a
  default behind the others; a call may leave them out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DTYPES = {"i64": "int64", "f64": "float64", "u8": "uint8"}  # those that a signature may fix
SOURCE_DTYPES = frozenset(["f4", "f8", "u1", "i1", "u2", "i2", "i4", "i8"])  # that samples may have

_ARGUMENT = re.compile(r"(\w+)(?:\[([^\]]*)\](?::(\w+))?([?!~@]*)|=(\w+))?$")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a kernel."""

    name: str
    dims: tuple[str, ...] | None  # None: a scalar
    dtype: str  # "real", "any" or a key of DTYPES
    optional: bool
    reads: bool
    writes: bool
    spaced: bool = False  # rows may lie further apart than they are long
    by_index: bool = False  # rows may be read by an index
    default: float | None = None  # of a scalar that a call may leave out

    @property
    def is_array(self) -> bool:
        return self.dims is not None


@dataclass(frozen=True, slots=True)
class Signature:
    """Name, arguments and dimension letters (in order of first appearance) of a kernel."""

    text: str
    name: str
    arguments: tuple[Argument, ...]
    dims: tuple[str, ...]

    @property
    def arrays(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if a.is_array)

    @property
    def scalars(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if not a.is_array)

    @property
    def defaults(self) -> tuple[float, ...]:
        """Values of the last scalars, which a call may leave out."""
        return tuple(a.default for a in self.arguments if a.default is not None)


def parse(text: str) -> Signature:
    """Read one signature.

    Raises
    ------
    ValueError
        If the text does not follow the grammar in this module's header.
    """
    name, _, rest = text.partition("(")
    if not rest.endswith(")"):
        raise ValueError(f"parse: expected 'name(arguments)', got {text!r}")
    arguments = []
    dims: list[str] = []
    for part in re.split(r",\s+", rest[:-1]):
        match = _ARGUMENT.match(part)
        if match is None:
            raise ValueError(f"parse: cannot read argument {part!r} of {text!r}")
        argument_name, shape, dtype, marks, default = match.groups()
        if shape is None:
            value = None if default is None else float(default)
            arguments.append(Argument(argument_name, None, "real", False, True, False, default=value))
            continue
        spaced = shape.endswith("+")
        letters = tuple(shape.removesuffix("+").split(","))
        dims += [d for d in letters if d not in dims and not d.isdigit()]
        marks = marks or ""
        arguments.append(
            Argument(
                argument_name,
                letters,
                dtype or "real",
                "?" in marks,
                "!" not in marks,
                "!" in marks or "~" in marks,
                spaced,
                "@" in marks,
            )
        )
    return Signature(text, name, tuple(arguments), tuple(dict.fromkeys(dims)))
