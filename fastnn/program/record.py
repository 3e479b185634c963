"""Records the kernel calls of a step, with stand-ins for the arrays that do not exist yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from fastnn.kernels import SIGNATURES, Argument
from fastnn.kernels.eager import Counter
from fastnn.lazy import lazy_attribute

Shape = tuple[int, ...]


class NotRecordableError(TypeError):
    """A layer computes with something other than kernels."""


def _no_data(*args: Any, **kwargs: Any) -> NoReturn:
    raise NotRecordableError("a compiled step has no data yet while it is recorded; use the kernels of `ops`")


class Buffer:
    """A stand-in for an intermediate array. `root` is the buffer that owns its memory: itself, unless it is a reshape.

    It has a shape and a dtype; everything else that one can do with an array raises `NotRecordableError`.
    """

    def __init__(self, shape: Shape, dtype: np.dtype[Any], root: Buffer | None = None) -> None:
        self.shape, self.dtype = shape, dtype
        self.root: Buffer = self if root is None else root

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def reshape(self, *shape: Any) -> Buffer:
        """The same memory in another shape; arguments as in NumPy."""
        sizes = list(shape[0] if len(shape) == 1 and not hasattr(shape[0], "__index__") else shape)
        if sizes.count(-1) == 1:
            known = prod(n for n in sizes if n != -1)
            sizes[sizes.index(-1)] = self.size // known if known else 0
        if min(sizes, default=0) < 0 or prod(sizes) != self.size:
            raise ValueError(f"reshape: {self.shape} does not hold as many elements as {tuple(sizes)}")
        return Buffer(tuple(sizes), self.dtype, self.root)

    def __len__(self) -> int:
        return self.shape[0]

    def __getattr__(self, name: str) -> NoReturn:
        _no_data()

    __array__ = __array_ufunc__ = __array_function__ = _no_data
    __getitem__ = __setitem__ = __iter__ = __contains__ = _no_data
    __bool__ = __int__ = __float__ = __index__ = __abs__ = __neg__ = __pos__ = __invert__ = _no_data
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _no_data
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = _no_data
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = _no_data
    __rmatmul__ = __and__ = __or__ = __xor__ = __rand__ = __ror__ = __rxor__ = _no_data
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Buffer({self.shape}, {self.dtype})"


class Stream(Buffer):
    """A stand-in for a part of stream `index`, which moves by `stride` bytes from step to step."""

    def __init__(self, index: int, shape: Shape, dtype: np.dtype[Any], stride: int) -> None:
        super().__init__(shape, dtype)
        self.index, self.stride = index, stride


_INDEX = Argument("index", ("n",), "i64", optional=True, reads=True, writes=False)


@dataclass(frozen=True)
class Operation:
    """One kernel call, with its arrays (Buffer, NumPy array or None) and then its scalars.

    ``operation["dout"]`` is the argument of that name. With an `index`, the argument that the signature marks ``@``
    consists of the first rows of a longer array, and row i of the call is row ``index[i]`` of that array.
    """

    kernel: str
    arguments: tuple[Any, ...]
    index: Stream | None = None

    @classmethod
    def of(cls, kernel: str, **named: Any) -> Operation:
        """Make a call of `kernel` with these arguments; scalars that have a default may be left out."""
        arguments = SIGNATURES[kernel].arguments
        unknown = named.keys() - {a.name for a in arguments}
        if unknown:
            raise TypeError(f"{kernel}: there is no argument {', '.join(sorted(unknown))}")
        given = {a.name: a.default for a in arguments if a.default is not None} | named
        return cls(kernel, tuple(given[a.name] for a in arguments))

    @lazy_attribute
    def named(self) -> dict[str, Any]:
        """The arguments by name."""
        return {a.name: v for a, v in zip(SIGNATURES[self.kernel].arguments, self.arguments, strict=True)}

    def __getitem__(self, name: str) -> Any:
        return self.named[name]

    def pick(self, *names: str) -> dict[str, Any]:
        """Some of the arguments, by name."""
        return {name: self.named[name] for name in names}

    def change(self, **changes: Any) -> Operation:
        """The same call with other values for some arguments."""
        return Operation(self.kernel, Operation.of(self.kernel, **{**self.named, **changes}).arguments, self.index)

    @lazy_attribute
    def sizes(self) -> dict[str, int]:
        """The sizes of the arrays by the letters of the signature."""
        pairs = zip(SIGNATURES[self.kernel].arguments, self.arguments, strict=True)
        shapes = [(a.dims, v.shape) for a, v in pairs if a.dims not in (None, ("*",)) and v is not None]
        return {letter: size for dims, shape in shapes for letter, size in zip(dims or (), shape, strict=True)}

    @lazy_attribute
    def _arrays(self) -> list[tuple[Argument, Any]]:
        pairs = zip(SIGNATURES[self.kernel].arguments, self.arguments, strict=True)
        arrays = [(a, value) for a, value in pairs if a.is_array and value is not None]
        return arrays if self.index is None else [*arrays, (_INDEX, self.index)]

    def arrays(self) -> list[tuple[Argument, Any]]:
        """The array arguments that are not None, each after its description in the signature."""
        return self._arrays

    def reads(self, array: Any) -> bool:
        """Whether the call reads `array`."""
        return any(a.reads and same_memory(value, array) for a, value in self.arrays())

    def writes(self, array: Any) -> bool:
        """Whether the call writes `array`."""
        return any(a.writes and same_memory(value, array) for a, value in self.arrays())


def same_memory(a: Any, b: Any) -> bool:
    """Whether two arguments name the same array."""
    if isinstance(a, Buffer) and isinstance(b, Buffer):
        return a.root is b.root
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return bool(np.shares_memory(a, b)) if a is not b else True
    return False


class Recorder:
    """Records the calls of kernels instead of running them.

    Parameters
    ----------
    dtype : dtype
        The dtype of the arrays for which `empty` makes stand-ins.
    beta, precision
        See `fastnn.kernels.eager.Ops`.
    """

    def __init__(self, dtype: DTypeLike, beta: float = 0.0, precision: int = 0) -> None:
        self.dtype = np.dtype(dtype)
        self.beta, self.precision = beta, precision
        self.counter = Counter.at()
        self.operations: list[Operation] = []
        self.streams = 0

    def empty(self, shape: Shape, dtype: DTypeLike | None = None) -> Any:
        """A stand-in for an uninitialised array."""
        return Buffer(tuple(shape), self.dtype if dtype is None else np.dtype(dtype))

    def stream(self, shape: Shape, dtype: DTypeLike, stride: int | None = None) -> Any:
        """A stand-in for the next array given to `Compiled.run`; by default it moves by its own size in each step."""
        item = np.dtype(dtype)
        stream = Stream(self.streams, tuple(shape), item, prod(shape) * item.itemsize if stride is None else stride)
        self.streams += 1
        return stream

    def __getattr__(self, kernel: str) -> Callable[..., None]:
        if kernel not in SIGNATURES:
            raise AttributeError(f"no kernel is called {kernel!r}")

        signature = SIGNATURES[kernel]

        def record_call(*arguments: Any) -> None:
            missing = len(signature.arguments) - len(arguments)
            if 0 < missing <= len(signature.defaults):
                arguments += signature.defaults[-missing:]
            for argument, value in zip(signature.arguments, arguments, strict=True):
                if argument.is_array and not isinstance(value, Buffer | np.ndarray | None):
                    raise NotRecordableError(f"{kernel}: {argument.name} is a {type(value).__name__}, not an array")
            self.operations.append(Operation(kernel, arguments))

        return record_call
