"""The samples that ``fastnn predict`` is given: arrays, tables, image files, or the parts of a data set."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.cli.inputs import load_data, option_of, samples_of
from fastnn.data import Table, read_csv, read_images, read_npy, read_npz
from fastnn.data.assembling import on_scale
from fastnn.data.expected import Expected
from fastnn.data.formats import is_table
from fastnn.data.loose_images import holds_images
from fastnn.decisions import Decision
from fastnn.decisions.array_axes import StoredImages, check_axes, stored_axes, transposition
from fastnn.decisions.axes import channels_last_shape, same_axes
from fastnn.decisions.scale import BYTE_SCALE
from fastnn.model import Sequential

STANDARD_INPUT = "-"
_OF_IMAGES = ("size", "mode", "background", "skip_damaged", "scale")


class Inputs(NamedTuple):
    """Samples to predict.

    Parameters
    ----------
    values : ndarray, shape (N, ...)
    which : str
        Which they are, in words.
    decisions : tuple of Decision
        How they were read.
    names : sequence of str or None
        What each is called, if that is not its number.
    """

    values: NDArray[Any]
    which: str
    decisions: tuple[Decision, ...] = ()
    names: Sequence[str] | None = None


def load_inputs(data: str, part: str | None, model: Sequential, **arguments: Any) -> Inputs:
    """Return the samples to predict.

    An image file, a folder of such without folders inside, an .npy file, or an .npz file with a single array holds
    samples only, and of a text table every row is taken, in their order. From any other data set the images of `part`
    ("test", "train" or "unlabelled") are read; if `part` is None, the unlabelled images, or the test images if there
    are no unlabelled ones.

    Parameters
    ----------
    data : str
        "-" for a file on standard input.
    part : str or None
    model : Sequential
        Image files are brought to the size and mode that it keeps, columns are taken by its names, values on its scale.
    **arguments
        How the data are read: arguments of `fastnn.data.load`.

    Raises
    ------
    ValueError
        If there are no such images, the files are damaged, or the columns or the scale are not those of the model.
    """
    with file_of(data) as path:
        inputs = _load(path, part, model, arguments)
    return inputs if data != STANDARD_INPUT else inputs._replace(which="the samples on standard input")


@contextmanager
def file_of(data: str) -> Iterator[str]:
    """Give the path of what is to be read, of a file that lasts as long as the context if it is standard input."""
    if data != STANDARD_INPUT:
        yield data
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "standard input"
        path.write_bytes(_standard_input())
        try:
            yield str(path)
        except ValueError as error:  # the message names a file that the user has never seen
            raise ValueError(str(error).replace(str(path), "standard input")) from None


def _load(data: str, part: str | None, model: Sequential, arguments: dict[str, Any]) -> Inputs:
    path = Path(data).expanduser()
    expected = replace(Expected.of(model), class_names=None)
    if path.exists() and part is None:
        if holds_images(path):
            return _image_files(path, model, expected, arguments)
        if path.is_file():
            arrays = _images_without_labels(path)
            if arrays is not None:
                check_used(arguments, ("scale", "axes"), data)
                inputs = _in_order(Inputs(arrays, f"the images in {data}"), model, data, arguments.get("axes"))
                return _on_scale(inputs, expected, arguments.get("scale"), data)
            if is_table(path):
                check_used(arguments, ("scale", "label"), data)
                table = read_csv(path, label=arguments.get("label"), like=expected)
                rows = Inputs(table.values, f"the rows of {data}", table.decisions)
                return _on_scale(rows, expected, arguments.get("scale"), data, table)
    found = load_data(data, "DATA", like=expected, **arguments)
    part = part or ("test" if found.unlabelled_images is None else "unlabelled")
    if part == "unlabelled":
        if found.unlabelled_images is None:
            raise ValueError(f"--part: {data} has no images without labels")
        values = samples_of(model, found.unlabelled_images)
        return Inputs(values, f"the unlabelled {found.noun} of {found.name}", found.decisions)
    values = samples_of(model, getattr(found, f"{part}_images"))
    return Inputs(values, f"the {part} {found.noun} of {found.name}", found.decisions)


def _standard_input() -> bytes:
    """Return what is on standard input, as bytes.

    Raises
    ------
    ValueError
        If there is none, or nothing on it.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise ValueError("DATA: expected data on standard input, which is closed")
    content: bytes = sys.stdin.buffer.read()
    if not content:
        raise ValueError("DATA: expected data on standard input, got nothing")
    return content


def _image_files(path: Path, model: Sequential, expected: Expected, arguments: dict[str, Any]) -> Inputs:
    """Return image files, in the size and mode that the model keeps."""
    check_used(arguments, _OF_IMAGES, str(path))
    given = {name: value for name, value in arguments.items() if name != "scale"}
    found = read_images(path, **given, like=expected)
    which = f"the image {path}" if path.is_file() else f"the images in {path}"
    inputs = Inputs(samples_of(model, found.images), which, found.decisions, found.names)
    shape = found.images.shape[1:]
    if prod(shape) != prod(model.input_shape):
        raise ValueError(
            f"DATA: {path}: the model takes {prod(model.input_shape)} values ({_by(model.input_shape)}), but "
            f"{'the image has' if path.is_file() else 'the images have'} {prod(shape)} ({_by(shape)}); "
            "give --size and --mode as in training"
        )
    if expected.scale == BYTE_SCALE and "scale" not in arguments:
        return inputs  # files hold pixels, however dark they are
    return _on_scale(inputs, expected, arguments.get("scale"), str(path))


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _trained_shape(model: Sequential) -> tuple[int, ...]:
    """Return the shape of an image that the model was trained on, (C, H, W), or of its inputs if that is not known."""
    size, mode = model.reading.get("size"), model.reading.get("mode")
    return model.input_shape if size is None or mode is None else (3 if mode == "rgb" else 1, *size)


def _in_order(inputs: Inputs, model: Sequential, data: str, axes: str | None) -> Inputs:
    """Return images in the order of axes that the model takes, whatever order they are stored in."""
    shape = inputs.values.shape
    decision: Decision | None = None
    if axes is None:
        taken = _trained_shape(model)
        if len(shape) != 4 or same_axes(shape[1:], channels_last_shape(taken) if model.channels_last else taken):
            return inputs
        axes, decision = stored_axes([StoredImages(shape, None)], f"DATA: {data}", samples_first=True)
    elif len(axes) != len(shape):
        raise ValueError(f"--axes: expected {len(shape)} letters for {shape}, got {axes!r}")
    else:
        check_axes("--axes", axes)
    values = samples_of(model, inputs.values.transpose(transposition(axes)))
    return inputs._replace(values=values, decisions=(*inputs.decisions, *(() if decision is None else (decision,))))


def check_used(arguments: dict[str, Any], used: tuple[str, ...], data: str) -> None:
    """Raise ValueError if there is an argument that has no effect on a file."""
    for argument in arguments:
        if argument not in used:
            raise ValueError(
                f"{option_of(argument)}: expected another kind of file than {data}, which has no such thing"
            )


def _on_scale(
    inputs: Inputs,
    expected: Expected,
    scale: float | None,
    data: str,
    table: Table | None = None,
) -> Inputs:
    """Return samples on the scale of a model; `table` is where they come from, unless that is an array."""
    names = None if table is None else table.column_names
    values, decision = on_scale(inputs.values, expected, scale, f"DATA: {data}", names, from_text=table is not None)
    return inputs._replace(values=values, decisions=(*inputs.decisions, *(() if decision is None else (decision,))))


def _images_without_labels(path: Path) -> NDArray[Any] | None:
    if path.suffix.lower() == ".npy":
        return _finite(read_npy(path), path)
    if path.suffix.lower() == ".npz" and zipfile.is_zipfile(path):
        arrays = read_npz(path)
        if len(arrays) == 1:
            return _finite(next(iter(arrays.values())), path)
    return None


def _finite(images: NDArray[Any], path: Path) -> NDArray[Any]:
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(f"DATA: {path} has NaN or infinite pixels")
    return images
