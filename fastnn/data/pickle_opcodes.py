"""The opcodes of a pickle and their arguments."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any, BinaryIO


def is_pickle(start: bytes) -> bool:
    """Return whether a file that begins with these bytes may be a pickle of protocol 2 or later."""
    return len(start) >= 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def pickle_opcodes(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Yield the name and the argument of each opcode of a pickle up to STOP.

    `pickletools.genops` does the same, but expects ASCII in the text of Python 2's protocol 0, where an escape may
    stand for any byte.

    Parameters
    ----------
    file : binary file
        At the beginning of the pickle; it is left behind the opcode that was yielded last.

    Raises
    ------
    ValueError
        If the pickle ends before STOP, or holds an unknown opcode or a malformed argument.
    """
    import pickletools  # here, because few programs that import fastnn read pickles

    known = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
    while True:
        code = file.read(1)
        opcode = known.get(code)
        if opcode is None:
            raise ValueError(f"unknown opcode {code!r}" if code else "no STOP opcode")
        if opcode.name == "STRING":
            yield opcode.name, _quoted(file.readline())
        else:
            yield opcode.name, None if opcode.arg is None else opcode.arg.reader(file)
        if opcode.name == "STOP":
            return


def _quoted(line: bytes) -> str:
    """Return the text that a line holds as Python 2 wrote it, in quotes and with escapes, decoded as Latin-1."""
    text = line.removesuffix(b"\n")
    if text == line or len(text) < 2 or text[:1] not in (b"'", b'"') or text[-1:] != text[:1]:
        raise ValueError(f"text without quotes or its end: {line[:40]!r}")
    return codecs.escape_decode(text[1:-1])[0].decode("latin-1")
