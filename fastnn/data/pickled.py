"""A reader for pickled data sets that builds numbers, text, containers and plain arrays, and can build nothing else.

It follows the opcodes of a pickle itself. What names a function is looked up in a table of the few that rebuild
an array, and these are written here: nothing is imported and nothing is called that a file asks for.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from fastnn.data.inflate import content_size, gunzip, is_gzip
from fastnn.data.memory import AS_NPY, Need, check_fits
from fastnn.data.pickled_arrays import Array, Name, Refused, Type

__all__ = ["Machine", "is_pickle", "parse_pickle", "pickle_need", "read_pickle", "run_pickle"]

_MAX_OPCODES = 1 << 19  # each makes an object of up to some hundred bytes; CIFAR-10 takes 30,000 a file
_PUSHED = {
    "NONE",
    "NEWTRUE",
    "NEWFALSE",
    "INT",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG",
    "LONG1",
    "LONG4",
    "FLOAT",
    "BINFLOAT",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
    "BINBYTES",
    "SHORT_BINBYTES",
    "BINBYTES8",
    "BYTEARRAY8",
    "UNICODE",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Read a pickle of plain data, gzipped or not, such as mnist.pkl.gz or a batch of CIFAR-10.

    Parameters
    ----------
    path : path-like
        Whether it is gzipped is told by its content.

    Returns
    -------
    object
        Lists, tuples and dicts of None, booleans, numbers, str, bytes and arrays of booleans, integers or real
        floats (in native byte order). Text that Python 2 pickled is str, decoded as Latin-1.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If it needs more memory than is available; before anything is read.
    ValueError
        If it holds anything else, is damaged, or has more than half a million objects. No code in it runs: what
        is not data is refused by name.

    Examples
    --------
    >>> import pickle, tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from fastnn.data import read_pickle
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "batch"
    ...     size = path.write_bytes(pickle.dumps({"data": np.arange(3), "labels": [1, 0, 1]}))
    ...     read_pickle(path)
    {'data': array([0, 1, 2]), 'labels': [1, 0, 1]}
    """
    where = f"read_pickle: {os.fspath(path)}"
    check_fits(lambda: pickle_need(path), where, AS_NPY)
    data = Path(path).read_bytes()
    return parse_pickle(gunzip(data, where) if is_gzip(data) else data, where)


def pickle_need(path: str | os.PathLike[str]) -> Need:
    """What `read_pickle` takes, by the file's size; raises OSError as it does."""
    stored, size = content_size(path)
    return Need(size, size + (0 if size == stored else stored))  # the content, and where it is packed the file too


def is_pickle(start: bytes) -> bool:
    """Tell whether a file with these first bytes may be a pickle of protocol 2 or later."""
    return len(start) >= 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def parse_pickle(data: bytes, where: str) -> Any:
    """Return what a pickle holds; `where` begins the error messages."""
    return run_pickle(Machine(where), io.BytesIO(data))


def run_pickle(machine: Machine, file: io.BytesIO) -> Any:
    """Return what the pickle at the file's position holds, and leave the file behind its end.

    Raises
    ------
    ValueError
        As `read_pickle`.
    """
    import pickletools

    where, at = machine.where, 0
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(file)):
            at = position or 0
            if count >= _MAX_OPCODES:
                raise ValueError(f"{where}: more than {_MAX_OPCODES} opcodes, at offset {at}")
            machine.step(opcode.name, argument, at)
    except Refused as refused:
        raise ValueError(f"{where}: {refused} at offset {at}") from None
    except (IndexError, KeyError, TypeError, OverflowError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{where}: damaged pickle at offset {at} ({type(error).__name__})") from None
    except ValueError as error:
        if str(error).startswith(where):
            raise
        raise ValueError(f"{where}: truncated or damaged pickle after offset {at} ({error})") from None
    return machine.result()


class Machine:
    """The stack and the memo that the opcodes work on.

    A subclass may know more names than those of plain arrays (`name`), and carry out further opcodes: a method
    ``_do_`` with the opcode's name in lower case, which takes its argument.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.ended = False

    def step(self, opcode: str, argument: Any, at: int) -> None:
        """Carry out one opcode."""
        if opcode in _PUSHED:
            self.stack.append(_CONSTANTS.get(opcode, argument))
            return
        method = getattr(self, f"_do_{opcode.lower()}", None)
        if method is None:
            raise Refused(f"opcode {opcode}, which plain data do not need,")
        method(argument)

    def result(self) -> Any:
        """What is left when the pickle has ended."""
        if not self.ended or len(self.stack) != 1 or self.marks:
            raise ValueError(f"{self.where}: truncated or damaged pickle: it does not end with one object")
        return _plain(self.stack[0], self.where)

    def name(self, text: str) -> Name:
        """What stands for a function or a class that the file names."""
        return Name(text)

    def _pop(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise IndexError
        return self.stack.pop()

    def _top(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise IndexError
        return self.stack[-1]

    def _since_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _do_proto(self, version: int) -> None:
        if version > 5:
            raise Refused(f"pickle protocol {version}")

    def _do_frame(self, _: Any) -> None:
        pass

    def _do_stop(self, _: Any) -> None:
        self.ended = True

    def _do_mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def _do_pop(self, _: Any) -> None:
        self._pop()

    def _do_pop_mark(self, _: Any) -> None:
        self._since_mark()

    def _do_dup(self, _: Any) -> None:
        self.stack.append(self._top())

    def _do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self._top()

    def _do_put(self, place: int) -> None:
        self.memo[place] = self._top()

    _do_binput = _do_long_binput = _do_put

    def _do_get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    _do_binget = _do_long_binget = _do_get

    def _do_empty_list(self, _: Any) -> None:
        self.stack.append([])

    def _do_empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def _do_empty_dict(self, _: Any) -> None:
        self.stack.append({})

    def _do_list(self, _: Any) -> None:
        self.stack.append(self._since_mark())

    def _do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._since_mark()))

    def _do_tuple1(self, _: Any) -> None:
        self.stack.append((self._pop(),))

    def _do_tuple2(self, _: Any) -> None:
        second = self._pop()
        self.stack.append((self._pop(), second))

    def _do_tuple3(self, _: Any) -> None:
        third, second = self._pop(), self._pop()
        self.stack.append((self._pop(), second, third))

    def _do_dict(self, _: Any) -> None:
        items = self._since_mark()
        made: dict[Any, Any] = {}
        self.stack.append(made)
        _put_items(made, items)

    def _do_append(self, _: Any) -> None:
        item = self._pop()
        _as(list, self._top()).append(item)

    def _do_appends(self, _: Any) -> None:
        items = self._since_mark()
        _as(list, self._top()).extend(items)

    def _do_setitem(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        _put_items(_as(dict, self._top()), [key, value])

    def _do_setitems(self, _: Any) -> None:
        items = self._since_mark()
        _put_items(_as(dict, self._top()), items)

    def _do_global(self, name: str) -> None:
        self.stack.append(self.name(name))

    def _do_stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self.stack.append(self.name(f"{module} {name}"))

    def _do_reduce(self, _: Any) -> None:
        arguments, name = self._pop(), self._pop()
        if not isinstance(name, Name) or name.function is None:
            raise Refused("a call of something that is no function")
        self.stack.append(name.function(*_as(tuple, arguments)))

    def _do_build(self, _: Any) -> None:
        state = self._pop()
        made = self._top()
        if not isinstance(made, Array | Type):
            raise Refused(f"a state for {type(made).__name__}")
        made.build(state)


def _as(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise Refused(f"{type(value).__name__} in the place of a {kind.__name__}")
    return value


def _put_items(into: dict[Any, Any], items: list[Any]) -> None:
    if len(items) % 2:
        raise Refused("a key without a value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str | bytes | int):
            raise Refused(f"a dict key that is a {type(key).__name__}")
        into[key] = value


def _plain(value: Any, where: str) -> Any:
    """Return `value` with its arrays finished; each container once, so that one in itself ends."""
    done: dict[int, Any] = {}
    keep: list[Any] = []  # so that no id is used twice

    def finished(item: Any) -> Any:
        if isinstance(item, Array):
            if item.values is None:
                raise ValueError(f"{where}: an array without values")
            return item.values
        if isinstance(item, Type | Name):
            raise ValueError(f"{where}: holds {type(item).__name__.lower()}s, which are not data")
        if type(item) is tuple and id(item) not in done:
            keep.append(item)
            done[id(item)] = None  # a tuple can reach itself through a list only
            done[id(item)] = tuple([finished(part) for part in item])
        elif type(item) in (list, dict) and id(item) not in done:
            keep.append(item)
            done[id(item)] = item
            for key, part in list(item.items()) if isinstance(item, dict) else enumerate(item):
                item[key] = finished(part)
        return done.get(id(item), item)

    try:
        return finished(value)
    except RecursionError:
        raise ValueError(f"{where}: containers nested too deep") from None
