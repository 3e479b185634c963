"""Learned rows for codes: of values that stand for one of some categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fastnn import init as initializers
from fastnn.checks import whole
from fastnn.init import Initializer
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape, row_shape
from fastnn.layers.onnx_graph import Graph
from fastnn.parameter import Parameter

__all__ = ["CategoricalEmbedding", "Embedding"]

_MOST = 2**24  # codes up to here are whole numbers in float32
_INT64 = 7  # the number of the dtype in ONNX


class _Coded(Layer):
    """What the two layers share: a table of rows, and where the codes stand that number them."""

    w: Parameter

    def _place(self, columns: int, codes: Mapping[int, int], shared: bool, init: Initializer, dim: int) -> None:
        """Note which columns are passed on and which hold codes, and make the table.

        Parameters
        ----------
        columns : int
            Of the inputs.
        codes : mapping of int to int
            The number of categories of each column of codes.
        shared : bool
            Whether all columns have the same rows.
        init, dim
            Of the table.
        """
        count = np.array(list(codes.values()), np.int64)
        ends = np.cumsum(count)
        kept = np.setdiff1d(np.arange(columns), list(codes))
        first = np.zeros_like(count) if shared else ends - count
        places = (kept, np.array(list(codes)), first, count)
        self._places = tuple(np.ascontiguousarray(place, np.int64) for place in places)
        rows = int(count.max() if shared else ends[-1])
        self.w = Parameter("w", (rows, dim), init, (1, dim))
        self.kept, self.codes = kept.tolist(), dict(codes)

    @property
    def _width(self) -> int:
        """The numbers that come of a sample."""
        return len(self.kept) + len(self.codes) * self.w.shape[1]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.w,)

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((x.shape[0], self._width))
        ops.embedding_forward(x, self.w.value, *self._places, out)
        return out.reshape((x.shape[0], *self.output_shape)), x

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        dx = ops.empty(cache.shape) if need_dx else None
        dw = None if self.frozen else self.w.grad
        if dx is not None or dw is not None:
            rows = dout.reshape((dout.shape[0], self._width))
            ops.embedding_backward(rows, cache, *self._places, dx, dw, ops.beta)
        return dx

    def rows_of_columns(self) -> list[tuple[int, int, int]]:
        """For each column of codes its number, its first row in the table and how many there are."""
        column, first, count = (place.tolist() for place in self._places[1:])
        return list(zip(column, first, count, strict=True))

    def onnx(self, graph: Graph, x: str) -> str:
        table, parts = np.asarray(self.w.value), []
        if self.kept:
            columns = graph.constant(f"{self.name}.kept", self._places[0])
            parts.append(graph.node("Gather", x, columns, axis=1))
        for column, first, count in self.rows_of_columns():
            place = graph.constant(f"{self.name}.column", np.array(column, np.int64))
            codes = graph.node("Cast", graph.node("Gather", x, place, axis=1), to=_INT64)
            # an index of -1 is the last row: zeros, for what is of no category
            rows = np.vstack([table[first : first + count], np.zeros_like(table[:1])])
            parts.append(graph.node("Gather", graph.constant(f"{self.name}.w", rows), codes, axis=0))
        joined = parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)
        return joined if len(self.output_shape) == 1 else graph.reshape(self.name, joined, self.output_shape)


def _table_of(owner: str, categories: Any, dim: Any, init: str | Initializer) -> tuple[int, int, Initializer]:
    return (
        whole(owner, "categories", categories, at_least=1, at_most=_MOST),
        whole(owner, "dim", dim, at_least=1),
        initializers.get(init),
    )


class Embedding(_Coded):
    """A learned row for each code: out[l] = w[x[l]].

    Inputs are rows (N, L) of codes, whole numbers from 0 to categories - 1 in the model's dtype; outputs are (N, L,
    dim), all taken of the same table. The code -1 gives zeros and learns nothing. Put a `Flatten` behind the layer for
    dense layers.

    Parameters
    ----------
    categories : int
        Rows of the table w (categories, dim), at least 1 and at most 2**24, up to which float32 holds whole numbers.
    dim : int
        Length of a row, at least 1.
    init : str or callable
        Initialiser of w, see `fastnn.init`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range; in a model, if samples are not rows.

    Notes
    -----
    The gradient of a row is the sum of those of the places that took it. Codes have none. The update of an optimiser
    goes over the whole table, so that decay and moments also move rows that a batch did not take. What is no code gives
    NaN; in the first layer, a training refuses it before it begins.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Embedding(10, 2)], input_shape=(3,))
    >>> out = model.forward([[4, 9, 4]])
    >>> out.shape, bool((out[0, 0] == out[0, 2]).all())
    ((1, 3, 2), True)
    """

    kind = "embedding"

    def __init__(self, categories: int, dim: int, *, init: str | Initializer = "normal") -> None:
        self.categories, self.dim, self.init = _table_of("Embedding", categories, dim, init)

    def build(self, input_shape: Shape) -> Shape:
        length = row_shape(self, input_shape)
        self._place(length, dict.fromkeys(range(length), self.categories), True, self.init, self.dim)
        self.input_shape, self.output_shape = input_shape, (length, self.dim)
        return self.output_shape

    def config(self) -> dict[str, Any]:
        return {"categories": self.categories, "dim": self.dim, "init": initializers.name_of(self.init)}

    def torch_tensors(self) -> dict[str, Any] | None:
        return {"weight": self.w.value}


class CategoricalEmbedding(_Coded):
    """Rows of numbers in which some columns are codes of categories: a learned row in place of each code.

    Inputs are rows (N, D). Outputs are the columns that hold no codes, in their order, and behind them for each column
    of codes, in the order of `categories`, the row of the code: (N, D - columns + columns dim). Codes are whole numbers
    from 0 on in the model's dtype. The code -1, for what is of no known category, gives zeros and learns nothing.

    Parameters
    ----------
    categories : mapping of int to int, or sequence of pairs (int, int)
        For the number of each column of codes, how many categories it has: as many rows of w are its own.
    dim : int
        Length of a row, at least 1.
    init : str or callable
        Initialiser of w, see `fastnn.init`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range; in a model, if samples are not rows, or have no such
        column.

    Notes
    -----
    Guo & Berkhahn, "Entity embeddings of categorical variables", 2016. As for `Embedding`, codes have no gradient, and
    an update goes over the whole table.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.layers import CategoricalEmbedding, Dense
    >>> layers = [CategoricalEmbedding({1: 24, 2: 7}, dim=4), Dense(1)]  # a temperature, an hour and a day of the week
    >>> model = fastnn.Sequential(layers, input_shape=(3,))
    >>> model.forward([[21.5, 13, 6], [18.0, 23, -1]]).shape, model.parameters["categories1.w"].shape
    ((2, 1), (31, 4))
    """

    kind = "categories"

    def __init__(
        self, categories: Mapping[int, int] | Iterable[Sequence[int]], dim: int, *, init: str | Initializer = "normal"
    ) -> None:
        given = categories.items() if isinstance(categories, Mapping) else categories
        pairs = list(given) if isinstance(given, Iterable) else []
        if not pairs or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            raise ValueError(
                f"CategoricalEmbedding: categories: expected the number of categories of each column of codes, as in "
                f"{{3: 24}}, got {categories!r:.80}"
            )
        owner = "CategoricalEmbedding"
        columns = [whole(owner, "categories", column, at_least=0) for column, _ in pairs]
        if len(set(columns)) < len(columns):
            raise ValueError(f"{owner}: categories: expected different columns, got {columns}")
        tables = [_table_of(owner, count, dim, init) for _, count in pairs]
        self.categories = {column: count for column, (count, _, _) in zip(columns, tables, strict=True)}
        _, self.dim, self.init = tables[0]

    def build(self, input_shape: Shape) -> Shape:
        columns = row_shape(self, input_shape)
        if max(self.categories) >= columns:
            raise ValueError(
                f"CategoricalEmbedding: expected columns of codes below {columns}, the length of a sample, got "
                f"{max(self.categories)}"
            )
        self._place(columns, self.categories, False, self.init, self.dim)
        self.input_shape = input_shape
        self.output_shape = (self._width,)
        return self.output_shape

    def config(self) -> dict[str, Any]:
        pairs = [list(pair) for pair in self.categories.items()]
        return {"categories": pairs, "dim": self.dim, "init": initializers.name_of(self.init)}
