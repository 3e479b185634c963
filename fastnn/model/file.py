"""The model file: one ``.safetensors`` file, the architecture as JSON in its metadata. Loading it runs no code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn._version import __version__
from fastnn.files import write_whole

if TYPE_CHECKING:
    from fastnn.model.sequential import Sequential

FORMAT = "1"


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError("model files need the safetensors package: pip install safetensors") from None
    return safetensors


def save(path: str | PathLike[str], arrays: Mapping[str, NDArray[Any]], config: Mapping[str, Any]) -> None:
    """Write parameters, state and configuration."""
    # one entry: the package writes several in any order, and the same model should give the same bytes
    description = {"format_version": FORMAT, "fastnn_version": __version__, "config": config}
    metadata = {"fastnn": json.dumps(description)}
    tensors = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    write_whole(path, _safetensors().numpy.save(tensors, metadata))


def load(path: str | PathLike[str], make: Callable[[Mapping[str, Any]], Sequential]) -> Sequential:
    """Read a model file; `make` builds the model from the configuration.

    Raises
    ------
    ValueError
        If the file is not a model file, is damaged, or is of a later format.
    FileNotFoundError
        If there is none.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"load: no model file at {path}")
    try:
        with _safetensors().safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except ImportError:
        raise
    except Exception as error:  # the package raises its own type for every kind of damage
        raise ValueError(f"load: {path} is not a readable safetensors file ({error})") from None
    if "fastnn" not in metadata:
        raise ValueError(f"load: {path} is a safetensors file, but not a fastnn model")
    try:
        description = json.loads(metadata["fastnn"])
        version = description["format_version"]
        if version != FORMAT:
            raise ValueError(f"it has format version {version}, this fastnn reads {FORMAT}")
        model = make(description["config"])
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise ValueError(f"load: {path} describes no model that this fastnn can build ({error})") from None
    arrays = model.parameters | model.state
    expected = {name: value.shape for name, value in arrays.items()}
    found = {name: value.shape for name, value in tensors.items()}
    if expected != found:
        raise ValueError(f"load: {path} holds arrays {found}, the architecture needs {expected}")
    for name, value in arrays.items():
        if tensors[name].dtype != value.dtype:
            raise ValueError(f"load: {path} holds {name} as {tensors[name].dtype}, expected {value.dtype}")
        value[...] = tensors[name]
    return model
