"""Warnings that point at the user's line."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

# Packages whose lines are not the user's: what happens below a search of scikit-learn is about the line that called it.
_ON_THE_WAY = {"fastnn", "sklearn", "joblib", "importlib", "contextlib"}


def _users_frame(frame: FrameType) -> FrameType:
    """Return the innermost frame that calls into the given packages; the outermost frame if none does."""
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _ON_THE_WAY:
        frame = frame.f_back
    return frame


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn about the line outside fastnn that led here, however many calls lie between.

    Parameters
    ----------
    message : str
    category : type of Warning

    Notes
    -----
    ``warnings.warn`` counts frames, and how many there are depends on the way on which a line is reached; skipping
    those of a package, its ``skip_file_prefixes``, exists from Python 3.12.

    Examples
    --------
    >>> import warnings
    >>> from fastnn.caller import warn_caller
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_caller("fit: something to know")
    >>> [str(warning.message) for warning in caught]
    ['fit: something to know']
    """
    frame = _users_frame(sys._getframe(1))
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__", "__main__"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )
