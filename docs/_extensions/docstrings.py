"""Docstrings are written to be read with ``help()``; here they become valid reStructuredText.

Shapes such as ``(N, *input_shape)`` and absolute values such as ``|x|`` are marks of that language, and are escaped.
Methods that come from scikit-learn are documented there.
"""

from __future__ import annotations

import re
from typing import Any

STAR = re.compile(r"(?<=[(, ])\*(?=[a-z_]+\b(?!\*))")
LITERAL = re.compile(r"(``.+?``|`[^`]+`)")
CODE = re.compile(r"\s*(>>>|\.\.\. |\.\. )")
SKLEARN_REQUEST = re.compile(r"set_\w+_request|get_metadata_routing")


def escaped(line: str) -> str:
    """A line of a docstring with the marks that are meant as themselves escaped."""
    if CODE.match(line):
        return line
    parts = LITERAL.split(line)
    return "".join(
        part if number % 2 else STAR.sub(r"\\*", part).replace("|", r"\|") for number, part in enumerate(parts)
    )


def escape(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape a docstring before numpydoc sees it."""
    lines[:] = [escaped(line) for line in lines]


def skip(app: Any, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn documents."""
    function = getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None) or ""
    return True if module.startswith("sklearn") or SKLEARN_REQUEST.fullmatch(name) else None


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", escape, priority=100)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
