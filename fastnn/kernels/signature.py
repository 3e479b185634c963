"""How the signature of a kernel is written, and what it says about each argument.

``name(x[n,d], w[d,m], b[m]?, out[n,m]!, alpha)``

- ``x[n,d]`` is an array with its dimensions. The same letter stands for the same number, and 16 for itself. ``x[*]``
  is an array of any shape, seen as one run of elements; every ``*`` has the same length. In ``w[d,m+]``, rows may be
  more than m elements apart; native kernels also take an array (panels, d, columns). For ``x[n,d]@``, native kernels
  can also read row ``index[i]`` of a longer array as row i (`Program` binds the index).
- ``?``: the array may be ``None``. ``!``: the kernel writes it without reading it first. ``~``: the kernel reads it
  and writes it in place.
- ``:i64``, ``:f64``, ``:u8``: the dtype is fixed. ``:any``: it is the array's own. Otherwise it is the dtype of the
  call, float32 or float64.
- A bare name is a scalar (a Python float or int); ``alpha=0`` is a scalar with a default, which a call may leave out.
  Scalars come last, those with a default after the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DTYPES = {"i64": "int64", "f64": "float64", "u8": "uint8"}  # the dtypes that a signature can fix
SOURCE_DTYPES = frozenset(["f4", "f8", "u1", "i1", "u2", "i2", "i4", "i8"])  # the dtypes that samples may have

GRADIENTS = frozenset(["dw", "db"])  # the arguments that receive gradients of parameters

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
    spaced: bool = False  # rows may be further apart than they are long
    by_index: bool = False  # rows may be read by an index
    default: float | None = None  # the value of a scalar that a call may leave out

    @property
    def is_array(self) -> bool:
        return self.dims is not None


@dataclass(frozen=True, slots=True)
class Signature:
    """The name, the arguments and the dimension letters of a kernel, these in the order of their first appearance."""

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
    def may_be_left(self) -> bool:
        """Whether a call may end before it is done: nothing but a gradient is changed in place."""
        return all(a.name in GRADIENTS for a in self.arrays if a.reads and a.writes)

    @property
    def defaults(self) -> tuple[float, ...]:
        """The values of the last scalars, which a call may leave out."""
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
