"""A reader for pickled data sets that can build numbers, text, containers and plain arrays, and nothing else.

It interprets the opcodes of a pickle itself. If a pickle names a function, the name is looked up in a table of the few
functions that rebuild an array, and fastnn's own version is called. Nothing that a file names is ever imported or run.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from fastnn.data.inflate import file_sizes, gunzip, is_gzip
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate, check_memory
from fastnn.data.pickle_opcodes import pickle_opcodes
from fastnn.data.pickled_arrays import NotPlainData, PickledArray, PickledDtype, PickledFunction
from fastnn.files import names_its_file

_MAX_OPCODES = 1 << 19  # each makes an object of up to a few hundred bytes; a file of CIFAR-10 has 30,000
_LEAST_ITEM = 4  # bytes: a key and a value, and a tuple or a list of them
# The opcodes that push a constant or their argument.
_PUSHED = {
    *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT"),
    *("BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, type] = {"EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict}


@names_its_file
def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Read a pickle of plain data, gzipped or not, such as mnist.pkl.gz or a batch of CIFAR-10.

    Parameters
    ----------
    path : path-like
        A gzipped file is recognised by its content.

    Returns
    -------
    object
        Lists, tuples and dicts of None, booleans, numbers, str, bytes and arrays of booleans, integers, real floats
        or text (in native byte order). Text that Python 2 pickled is returned as str, decoded as Latin-1.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the content needs more memory than is available; raised before anything is read.
    ValueError
        If the file holds anything else, is damaged, or has more than half a million opcodes. No code in it runs; the
        message names what is not data.

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
    check_memory(lambda: pickle_memory(path), _where(path), SAVE_AS_NPY)
    return read_pickle_unchecked(path)


def read_pickle_unchecked(path: str | os.PathLike[str]) -> Any:
    """Do what `read_pickle` does, without checking that the content fits into memory."""
    data = Path(path).read_bytes()
    return parse_pickle(gunzip(data, _where(path)) if is_gzip(data) else data, _where(path))


def pickle_memory(path: str | os.PathLike[str]) -> MemoryEstimate:
    """Estimate the memory for reading a pickle, from the size of the file; OSError if that cannot be read."""
    stored, size = file_sizes(path)
    compressed = 0 if size == stored else stored
    return MemoryEstimate(size, size + compressed)  # the content, and the compressed file if there is one


def parse_pickle(data: bytes, where: str) -> Any:
    """Return the object that the content of a pickle holds.

    Raises
    ------
    ValueError
        As for `read_pickle`; `where` begins the message.
    """
    return run_pickle(Machine(where), io.BytesIO(data))


def run_pickle(machine: Machine, file: io.BytesIO) -> Any:
    """Return the object that the pickle at the position of a file holds, and leave the position after its end.

    Raises
    ------
    ValueError
        As for `read_pickle`; ``machine.where`` begins the message.
    """
    where, at = machine.where, file.tell()
    size = file.seek(0, io.SEEK_END)  # a view of the buffer would copy it
    file.seek(at)
    try:
        for count, (opcode, argument) in enumerate(pickle_opcodes(file)):
            if count >= _MAX_OPCODES:
                raise ValueError(f"{where}: more than {_MAX_OPCODES} opcodes, at offset {at}")
            machine.step(opcode, argument)
            at = file.tell()
            if machine.made_bytes > 2 * size:  # what is pickled as text becomes bytes, and these an array
                raise ValueError(f"{where}: calls that make more bytes than the {size} of the pickle, at offset {at}")
    except NotPlainData as error:
        raise ValueError(f"{where}: {error} at offset {at}") from None
    except (IndexError, KeyError, TypeError, OverflowError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{where}: damaged pickle at offset {at} ({type(error).__name__})") from None
    except ValueError as error:
        if str(error).startswith(f"{where}: "):
            raise
        raise ValueError(f"{where}: truncated or damaged pickle after offset {at} ({error})") from None
    return machine.result()


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_pickle: {os.fspath(path)}"


class Machine:
    """The pickle machine: a stack, the positions of marks on it, and the memo.

    A subclass may know functions besides those of plain arrays (`function`) and further opcodes. The method for an
    opcode is called ``_do_`` and the name of the opcode in lower case; it takes the opcode's argument.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.ended = False
        self.made_bytes = 0  # of all that calls have built: a pickle may name one argument for many calls

    def step(self, opcode: str, argument: Any) -> None:
        """Execute one opcode."""
        if opcode in _PUSHED:
            self.stack.append(_CONSTANTS.get(opcode, argument))
            return
        if opcode in _EMPTY:
            self.stack.append(_EMPTY[opcode]())
            return
        method = getattr(self, f"_do_{opcode.lower()}", None)
        if method is None:
            raise NotPlainData(f"opcode {opcode}, which plain data does not need,")
        method(argument)

    def result(self) -> Any:
        """Return the object that is left on the stack at the end of the pickle."""
        if not self.ended or len(self.stack) != 1 or self.marks:
            raise ValueError(f"{self.where}: truncated or damaged pickle: it does not end with one object")
        return _plain(self.stack[0], self.where)

    def function(self, name: str) -> PickledFunction:
        """Return what stands for a function or a class that the file names."""
        return PickledFunction(name)

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
            raise NotPlainData(f"pickle protocol {version}")

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

    def _do_put(self, key: int) -> None:
        self.memo[key] = self._top()

    _do_binput = _do_long_binput = _do_put

    def _do_get(self, key: int) -> None:
        self.stack.append(self.memo[key])

    _do_binget = _do_long_binget = _do_get

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
        self.stack.append({})
        _put_items(self.stack[-1], items)

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
        self.stack.append(self.function(name))

    def _do_stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self.stack.append(self.function(f"{module} {name}"))

    def _do_reduce(self, _: Any) -> None:
        arguments, name = self._pop(), self._pop()
        if not isinstance(name, PickledFunction) or name.function is None:
            raise NotPlainData("a call of something that is not a function")
        self.stack.append(name.function(*_as(tuple, arguments)))
        self.made_bytes += _bytes_of(self.stack[-1])

    def _do_build(self, _: Any) -> None:
        state = self._pop()
        made = self._top()
        if not isinstance(made, PickledArray | PickledDtype):
            raise NotPlainData(f"a state for {type(made).__name__}")
        made.build(state)
        self.made_bytes += _bytes_of(made)


def _bytes_of(made: Any) -> int:
    """The size of what a call has built; of a dict, the least that its items can have in a pickle."""
    values = made.values if isinstance(made, PickledArray) else made
    if isinstance(values, dict):
        return _LEAST_ITEM * len(values)
    return len(values) if isinstance(values, bytes | str) else getattr(values, "nbytes", 0)


def _as(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise NotPlainData(f"a {type(value).__name__} instead of a {kind.__name__}")
    return value


def _put_items(into: dict[Any, Any], items: list[Any]) -> None:
    if len(items) % 2:
        raise NotPlainData("a key without a value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str | bytes | int):
            raise NotPlainData(f"a dict key that is a {type(key).__name__}")
        into[key] = value


def _plain(value: Any, where: str) -> Any:
    """Return `value` with PickledArrays replaced by arrays, visiting each container once: it may contain itself."""
    done: dict[int, Any] = {}
    keep: list[Any] = []  # keeps containers alive, so that no two have the same id

    def finished(item: Any) -> Any:
        if isinstance(item, PickledArray):
            if item.values is None:
                raise ValueError(f"{where}: an array without values")
            return finished(item.values)
        if isinstance(item, PickledDtype | PickledFunction):
            raise ValueError(f"{where}: holds a dtype or a function, which is not data")
        if type(item) is tuple and id(item) not in done:
            keep.append(item)
            done[id(item)] = None  # a tuple can contain itself only inside a list
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
