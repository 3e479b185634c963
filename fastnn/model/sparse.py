"""Samples in a sparse matrix, which are made dense a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_BLOCK_BYTES = 8 << 20  # of the dense samples that are in memory at a time


class SparseRows:
    """The rows of a sparse matrix as the samples of a model: what reads them gets dense ones, some at a time.

    Parameters
    ----------
    matrix : scipy.sparse matrix or array, (N, D), float32 or float64

    Attributes
    ----------
    shape : (N, D)
    dtype : dtype

    Raises
    ------
    AttributeError
        If it is no matrix of SciPy's.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from fastnn.model.sparse import SparseRows
    >>> rows = SparseRows(csr_array(np.eye(3)))
    >>> rows[np.array([2, 0])].dense()
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix.tocsr()
        self.shape: tuple[int, int] = self._matrix.shape
        self.dtype: np.dtype[Any] = self._matrix.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Array | slice) -> SparseRows:
        return SparseRows(self._matrix[rows])

    @property
    def dense_bytes(self) -> int:
        """The size of the matrix once it is dense."""
        return len(self) * self.shape[1] * self.dtype.itemsize

    def dense(self) -> Array:
        """All rows, dense."""
        return np.asarray(self._matrix.toarray())

    def write(self, rows: Array, out: Array) -> None:
        """Write some rows to a dense array.

        Parameters
        ----------
        rows : (n,) int64
        out : (n, D) of the matrix's dtype, C-contiguous
        """
        self._matrix[rows].toarray(out=out)

    def times(self, matrix: Array) -> Array:
        """Return the product X M with an array (D, M), in time and memory that follow the stored elements alone.

        Each element is a sum over the elements of a row of X in the order in which they are stored.
        """
        return np.asarray(self._matrix @ matrix)

    def transposed_times(self, matrix: Array) -> Array:
        """The product Xᵀ M with an array (N, M), whose sums run over the rows of X from the first to the last."""
        return np.asarray(self._matrix.T @ matrix)

    def scaled(self, factor: float) -> SparseRows:
        """The rows times a number, of the same dtype."""
        return self if factor == 1 else SparseRows(self._matrix * self.dtype.type(factor))

    def blocks(self) -> Iterator[Array]:
        """The rows from the first to the last as dense arrays of a few megabytes."""
        size = max(1, _BLOCK_BYTES // (self.shape[1] * self.dtype.itemsize))
        for start in range(0, len(self), size):
            yield self[start : start + size].dense()
