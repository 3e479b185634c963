"""Checks of single arguments: a number in a range, a whole number, one of several choices, a flag.

Each function returns the value as a plain Python object or raises before any work is done, always with a message
``function: argument: expected …, got …``: a TypeError for a value of the wrong kind, a ValueError for a number outside
its range or an unknown choice. NumPy's scalars are accepted, a bool is not a number, and NaN lies in no range.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypedDict, TypeVar, Unpack

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnn import frames
from fastnn.named import suggestion

T = TypeVar("T")


class Range(TypedDict, total=False):
    """The ends of a range of numbers; an end that is left out does not exist."""

    at_least: float
    above: float
    at_most: float
    below: float


_INSIDE: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": operator.ge,
    "above": operator.gt,
    "at_most": operator.le,
    "below": operator.lt,
}


def number(function: str, argument: str, value: object, *, finite: bool = True, **ends: Unpack[Range]) -> float:
    """A real number in a range, as a float.

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    value : object
    finite : bool
        Whether infinity is refused even where the range has no end on that side.
    **ends
        `at_least` or `above`, `at_most` or `below`.

    Raises
    ------
    TypeError
        If the value is not a real number.
    ValueError
        If it is NaN or outside the range.

    Examples
    --------
    >>> from fastnn.checks import number
    >>> number("Adam", "beta1", 1, at_least=0, below=1)
    Traceback (most recent call last):
    ValueError: Adam: beta1: expected a number of at least 0 and below 1, got 1
    """
    kind = "a finite number" if finite and len(ends) < 2 else "a number"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(_message(function, argument, kind, ends, value))
    try:
        result = float(value)
    except OverflowError:  # an integer beyond the largest float
        result = math.inf
    if math.isnan(result) or (finite and math.isinf(result)) or not inside(result, ends):
        raise ValueError(_message(function, argument, kind, ends, value))
    return result


def whole(function: str, argument: str, value: object, **ends: Unpack[Range]) -> int:
    """A whole number in a range, as an int; a float is refused even where it is integral.

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    value : object
    **ends
        As for `number`.

    Raises
    ------
    TypeError
        If the value is not an integer.
    ValueError
        If it is outside the range.

    Examples
    --------
    >>> from fastnn.checks import whole
    >>> whole("Trainer", "seed", -1, at_least=0, below=2**64)
    Traceback (most recent call last):
    ValueError: Trainer: seed: expected a whole number of at least 0 and below 2**64, got -1
    """
    result = value if type(value) is int else _as_index(value)
    if result is None:
        raise TypeError(_message(function, argument, "a whole number", ends, value))
    if not inside(result, ends):
        raise ValueError(_message(function, argument, "a whole number", ends, value))
    return result


def wholes(function: str, argument: str, values: Sequence[Any], **ends: Unpack[Range]) -> list[int]:
    """Each value as by `whole`, with its place in the message of an error; many that are right are checked together."""
    if set(map(type, values)) == {int} and inside(min(values), ends) and inside(max(values), ends):
        return list(values)
    return [whole(function, f"{argument}[{k}]", value, **ends) for k, value in enumerate(values)]


def _as_index(value: Any) -> int | None:
    """The integer that a value is; None if it is none, as truth values and floats are not."""
    try:
        return None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        return None


def choice(function: str, argument: str, value: object, choices: Iterable[T]) -> T:
    """The one of the choices that the value is equal to.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> from fastnn.checks import choice
    >>> choice("softmax_loss", "reduction", "avg", ("mean", "sum"))
    Traceback (most recent call last):
    ValueError: softmax_loss: reduction: expected 'mean' or 'sum', got 'avg'
    """
    known = tuple(choices)
    for wanted in known:
        if value is wanted or (isinstance(value, type(wanted)) and value == wanted):
            return wanted
    words = [*map(repr, known)]
    expected = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)
    hint = suggestion(value, (wanted for wanted in known if isinstance(wanted, str)))
    raise ValueError(f"{function}: {argument}: expected {expected}, got {value!r:.80}{hint}")


def flag(function: str, argument: str, value: object) -> bool:
    """A bool.

    Raises
    ------
    TypeError
        If the value is anything else, a number or a string included.

    Examples
    --------
    >>> from fastnn.checks import flag
    >>> flag("Dense", "bias", "no")
    Traceback (most recent call last):
    TypeError: Dense: bias: expected True or False, got 'no'
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{function}: {argument}: expected True or False, got {value!r:.80}")
    return bool(value)


def float_dtype(function: str, dtype: DTypeLike) -> np.dtype[Any]:
    """The argument `dtype` as a NumPy dtype: float32 or float64.

    Raises
    ------
    TypeError
        If it is another one.

    Examples
    --------
    >>> from fastnn.checks import float_dtype
    >>> float_dtype("Sequential", "float16")
    Traceback (most recent call last):
    TypeError: Sequential: dtype: expected float32 or float64, got float16
    """
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise TypeError(f"{function}: dtype: expected float32 or float64, got {found}")
    return found


def without_mask(function: str, argument: str, value: object) -> Any:
    """A value itself, or the data of a masked array, or of a list of some, that hides none of its values.

    `numpy.asarray` drops masks without a word.

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    value : object

    Raises
    ------
    ValueError
        If a mask hides values.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.checks import without_mask
    >>> without_mask("mean", "x", np.ma.masked_equal([3.0, -999.0], -999))
    Traceback (most recent call last):
    ValueError: mean: x: expected values without a mask, got 1 of 2 that are masked; fill them or leave them out
    """
    if type(value) is np.ndarray:  # as nearly always
        return value
    parts = value if isinstance(value, list | tuple) else (value,)
    if not any(isinstance(part, np.ma.MaskedArray) for part in parts):
        return value
    whole: Any = np.ma.array(value)
    hidden = int(np.count_nonzero(whole.mask))
    if hidden:
        raise ValueError(
            f"{function}: {argument}: expected values without a mask, got {hidden} of {whole.size} that are masked; "
            "fill them or leave them out"
        )
    return np.ma.getdata(whole)


def as_array(function: str, argument: str, value: object) -> NDArray[Any]:
    """Return what the user gave as an array, if nothing of it is lost on the way.

    Parameters
    ----------
    function, argument : str
        The function and the argument, for the error message.
    value : array_like

    Returns
    -------
    ndarray, of any dtype
        The values themselves, not copied where they are an array already.

    Raises
    ------
    ValueError
        If it is a nested sequence whose parts differ in length, or hides values behind a mask.
    TypeError
        If it is a sparse matrix, or refuses to become an array, as PyTorch's tensors with a gradient do.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.checks import as_array
    >>> as_array("mean", "x", [[3.0, 4.0], (5, 6)]).shape
    (2, 2)
    """
    value = without_mask(function, argument, value)
    if hasattr(value, "toarray"):
        kind = type(value).__name__
        raise TypeError(f"{function}: {argument} must be an array, got a {kind}; {argument}.toarray() makes it one")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{function}: {argument} must be an array of numbers ({error})") from None
    except (TypeError, RuntimeError, OverflowError) as error:
        raise TypeError(f"{function}: {argument} must be an array of numbers ({error})") from None


def real_array(function: str, argument: str, value: object) -> NDArray[Any]:
    """Return what the user gave as an array of bool, integers or floating-point numbers.

    Parameters
    ----------
    function, argument : str
        The function and the argument, for the error message.
    value : array_like

    Raises
    ------
    ValueError, TypeError
        As `as_array`; and TypeError for complex numbers, text, dates, records and Python objects.

    Examples
    --------
    >>> from fastnn.checks import real_array
    >>> real_array("mean", "x", [1.5, None])
    Traceback (most recent call last):
    TypeError: mean: x must be real numbers, got dtype object
    """
    array = (
        frames.as_numbers(function, argument, value) if frames.is_frame(value) else as_array(function, argument, value)
    )
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{function}: {argument} must be real numbers, got dtype {array.dtype}")
    return array


def inside(value: float, ends: Range) -> bool:
    """Whether a number lies in a range; NaN lies in none that has an end."""
    for name, end in ends.items():  # noqa: SIM110 - called often, and `all` takes twice as long
        if not _INSIDE[name](value, end):
            return False
    return True


def in_words(kind: str, ends: Range) -> str:
    """The kind of number and its range, as "a number of at least 0 and below 1"."""
    words = " and ".join(f"{name.replace('_', ' ')} {_end(end)}" for name, end in ends.items())
    return f"{kind} of {words}" if words.startswith("at") else f"{kind} {words}".rstrip()


def _message(function: str, argument: str, kind: str, ends: Range, value: object) -> str:
    return f"{function}: {argument}: expected {in_words(kind, ends)}, got {value!r:.80}"


def _end(end: Any) -> str:
    """An end of a range as text, large powers of two as such."""
    size = abs(end)
    if size >= 2**16 and size == 2 ** (int(size).bit_length() - 1):
        return f"{'-' if end < 0 else ''}2**{int(size).bit_length() - 1}"
    return f"{end:g}" if isinstance(end, float) else str(end)
