"""Notebooks that are really executed: cells of code in a kernel of their own, and what a reader would see."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

_MARK = re.compile(r"^# %%.*\n", re.MULTILINE)


def cells_of(text: str) -> list[str]:
    """The cells of a Python file in which each begins with a line ``# %%``; what is above the first is left out."""
    return [cell.strip("\n") for cell in _MARK.split(text)[1:]]


class Executed:
    """A notebook that has been run: the outputs of its cells, in order."""

    def __init__(self, notebook: Any) -> None:
        self.cells: list[list[Any]] = [cell.outputs for cell in notebook.cells]

    def failures(self) -> list[str]:
        """The errors with which cells ended, each with the number of its cell."""
        return [
            f"cell {number}: {output.ename}: {output.evalue}"
            for number, outputs in enumerate(self.cells)
            for output in outputs
            if output.output_type == "error"
        ]

    def kinds(self, cell: int, kind: str) -> list[str]:
        """What a cell shows of a MIME type, in order."""
        return [output.data[kind] for output in self.cells[cell] if kind in output.get("data", {})]

    def printed(self, cell: int, stream: str = "stdout") -> str:
        """What a cell wrote to a stream."""
        return "".join(output.text for output in self.cells[cell] if output.get("name") == stream)


def execute(cells: Sequence[str], folder: Path, timeout: int = 120) -> Executed:
    """Run cells one after the other in a new kernel whose working directory is `folder`; errors do not end it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    client = nbclient.NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    paths = os.pathsep.join(filter(None, [_package_root(), os.environ.get("PYTHONPATH")]))
    settings = {"PYTHONPATH": paths, "IPYTHONDIR": str(folder / "ipython"), "OPENBLAS_NUM_THREADS": "1"}
    client.execute(env={**os.environ, **settings})
    return Executed(notebook)


def _package_root() -> str:
    """The folder that the tests' own fastnn is imported from."""
    import fastnn

    return str(Path(fastnn.__file__).resolve().parent.parent)
