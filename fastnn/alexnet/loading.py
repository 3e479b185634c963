"""Weights from the files in which they are passed on: names, axes and order brought to ours."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.array_file import read_arrays
from fastnn.alexnet.form import FORMS, Conv, Dense, Form, features_and_classifier
from fastnn.alexnet.network import feature_shape, tensor_shapes
from fastnn.alexnet.torch_file import is_archive, is_stream, read_torch
from fastnn.alexnet.weights import DESCRIPTIONS, KEY, MEAN, Description, Weights, description_named
from fastnn.data.npy import is_npy
from fastnn.model.file import check_digest, read

__all__ = ["load_weights"]

Array = NDArray[Any]

_NAME = re.compile(r"(conv\d|fc\d)[./_]?(w|b|weights?|bias(?:es)?|kernel)(?::0)?", re.IGNORECASE)
_TORCH = "torchvision"


def load_weights(path: str | os.PathLike[str], like: str | None = None) -> Weights:
    """Read AlexNet's weights.

    Parameters
    ----------
    path : path-like
        What `Weights.save` wrote; torchvision's state dict (``.pth``, zip archive or older stream, or
        ``.safetensors``), read without PyTorch; a ``.npy`` or ``.npz`` file of arrays by name ("conv1.w", or
        "conv1" with a pair [w, b]). Told by content, not by name.
    like : str, optional
        Who trained them: a name of `DESCRIPTIONS`, which says form, response normalisation and preprocessing. Needed
        for ``.npy`` and ``.npz`` files, which do not tell; a file of ours has its own, and torchvision's names say it.

    Returns
    -------
    Weights

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    ValueError
        If it is no such file, is damaged, lacks `like`, or tensors are missing, surplus or misshapen (all are named).

    Notes
    -----
    Filters may lie as (out, in, rows, columns) or as (rows, columns, in, out), which their shapes tell; matrices
    accordingly as (out, in) or (in, out). Where filters are (rows, columns, in, out), the first matrix takes images
    flattened in that order of axes, rows and columns before channels. A mean image is the array "mean".
    """
    where = f"load_weights: {os.fspath(path)}"
    if not Path(path).is_file():
        raise FileNotFoundError(f"{where}: there is no such file")
    with Path(path).open("rb") as file:
        start = file.read(16)
    if is_stream(start) or is_archive(path):
        arrays = read_torch(path)
    elif is_npy(start) or start.startswith(b"PK\x03\x04"):
        arrays = read_arrays(path)
    else:
        arrays, ours = _safetensors(path, where)
        if ours is not None:
            return _own(path, arrays, ours, like)
    return _named(where, arrays, like)


def _safetensors(path: str | os.PathLike[str], where: str) -> tuple[dict[str, Array], dict[str, Any] | None]:
    """Arrays, and the description of a file of ours."""
    try:
        from safetensors import safe_open
    except ImportError:
        raise ImportError(f"{where}: reading it needs the safetensors package: pip install safetensors") from None
    try:
        with safe_open(path, framework="numpy") as file:
            ours = "fastnn" in (file.metadata() or {})
            arrays = {} if ours else {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # the package raises its own type for every kind of damage
        raise ValueError(f"{where}: expected .safetensors, .npy, .npz or a file of torch.save ({error})") from None
    return read(path, "load_weights") if ours else (arrays, None)


def _own(path: str | os.PathLike[str], arrays: dict[str, Array], said: dict[str, Any], like: str | None) -> Weights:
    if KEY not in said:
        raise ValueError(f"load_weights: {os.fspath(path)}: a fastnn model, but not weights of AlexNet")
    check_digest(path, arrays, said, "load_weights")
    description = Description.from_description(said[KEY])
    if like is not None and description != description_named("load_weights", like):
        raise ValueError(f"load_weights: like: {os.fspath(path)} has a description of its own, which is not {like!r}")
    return Weights(description, {n: a for n, a in arrays.items() if n != MEAN}, arrays.get(MEAN))


def _named(where: str, arrays: Mapping[str, Array], like: str | None) -> Weights:
    arrays = {name.removeprefix("module."): array for name, array in arrays.items()}
    mean = arrays.pop(MEAN, None)
    torch = _torchvision_names(FORMS[_TORCH])
    if any(name in torch for name in arrays):
        like = like or _TORCH
        canonical = {name: torch.get(name) for name in arrays}
    else:
        canonical = {name: _canonical(name) for name in arrays}
    if like is None:
        raise ValueError(
            f"{where}: does not tell how its network was trained; like= says it: one of {', '.join(DESCRIPTIONS)}"
        )
    description = description_named("load_weights", like)
    unknown = [name for name, mine in canonical.items() if mine is None]
    if unknown:
        raise ValueError(f"{where}: surplus tensors {', '.join(unknown)}")
    tensors: dict[str, Array] = {}
    for name, mine in canonical.items():
        assert mine is not None
        if mine in tensors:
            raise ValueError(f"{where}: {mine} occurs twice, also as {name}")
        tensors[mine] = arrays[name]
    try:
        return Weights(description, _brought_to_our_axes(tensors, FORMS[description.form]), mean)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _torchvision_names(form: Form) -> dict[str, str]:
    """Our names by torchvision's: modules are numbered before and behind the flattening."""
    parts = zip(("features", "classifier"), features_and_classifier(form.steps()), strict=True)
    return {
        f"{part}.{number}.{theirs}": f"{step.point}.{ours}"
        for part, steps in parts
        for number, step in enumerate(steps)
        if isinstance(step.operation, Conv | Dense)
        for theirs, ours in (("weight", "w"), ("bias", "b"))
    }


def _canonical(name: str) -> str | None:
    """Return our name for a tensor called conv1_W, conv1/weights, fc6.bias or the like, and None for any other name."""
    match = _NAME.fullmatch(name)
    return None if match is None else f"{match[1].lower()}.{'b' if match[2].lower()[0] == 'b' else 'w'}"


def _brought_to_our_axes(tensors: Mapping[str, Array], form: Form) -> dict[str, Array]:
    """Filters as (out, in, rows, columns), matrices as (in, out), biases as rows."""
    shapes = tensor_shapes(form.name)
    first = form.convs[0].name
    rows_first = f"{first}.w" in tensors and tensors[f"{first}.w"].shape == tuple(
        np.array(shapes[f"{first}.w"])[[2, 3, 1, 0]]
    )
    square = f"{form.dense[0]}.w"
    outputs_first = square in tensors and tensors[square].shape == shapes[square][::-1]
    found: dict[str, Array] = {}
    for name, tensor in tensors.items():
        if tensor.dtype.kind != "f":
            raise ValueError(f"{name}: expected floating-point numbers, found {tensor.dtype}")
        if name.endswith(".b"):
            found[name] = tensor.reshape(-1) if tensor.size == max(tensor.shape, default=0) else tensor
        elif tensor.ndim == 4 and rows_first:
            found[name] = tensor.transpose(3, 2, 0, 1)
        elif tensor.ndim == 2 and outputs_first:
            found[name] = tensor.T
        else:
            found[name] = tensor
    if rows_first and square in found and found[square].shape == shapes[square]:
        channels, rows, columns = feature_shape(form.name, f"{form.convs[-1].name}.pool")
        found[square] = found[square].reshape(rows, columns, channels, -1).transpose(2, 0, 1, 3).reshape(shapes[square])
    return found
