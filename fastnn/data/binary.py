"""Giving the flat content of a file the shape that the file announces."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

__all__ = ["shaped"]


def shaped(values: NDArray[Any], shape: tuple[int, ...], where: str, order: Literal["C", "F"] = "C") -> NDArray[Any]:
    """Reshape values whose count is right; `where` begins the message if NumPy cannot hold the shape."""
    try:
        return values.reshape(shape, order=order)
    except (ValueError, OverflowError) as error:  # an empty array with dimensions beyond NumPy's limit
        raise ValueError(f"{where}: impossible shape {shape} ({error})") from None
