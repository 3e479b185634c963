"""A matrix in panels of columns, (panels, rows, columns of a panel)."""

from collections.abc import Iterator

from fastnn.kernels.reference.arrays import Array


def _pairs(matrix: Array, panels: Array) -> Iterator[tuple[Array, Array]]:
    """Yield each panel with the columns of the matrix that belong to it."""
    width = panels.shape[2]
    for i, panel in enumerate(panels):
        yield matrix[:, i * width : (i + 1) * width], panel


def to_panels(matrix: Array, panels: Array) -> None:
    """Copy columns ``i s`` … ``i s + s - 1`` to panel ``i``, and zeros behind the last column."""
    for piece, panel in _pairs(matrix, panels):
        panel[:, : piece.shape[1]] = piece
        panel[:, piece.shape[1] :] = 0


def from_panels(panels: Array, matrix: Array) -> None:
    """The inverse of `to_panels`."""
    for piece, panel in _pairs(matrix, panels):
        piece[...] = panel[:, : piece.shape[1]]
