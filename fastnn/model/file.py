"""The model file: one ``.safetensors`` file with the architecture as JSON in its metadata; loading it runs no code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastnn._version import __version__
from fastnn.files import write_whole
from fastnn.model.declared import declared
from fastnn.model.network import Network
from fastnn.model.schema import CONFIG, check_fields

FORMAT = "1"
# A file of that name would be taken for what it is not, by people and by what they open it with.
_OTHER_FORMATS: Mapping[str, str] = {
    ".onnx": "fastnn.export.to_onnx writes ONNX",
    ".npz": "fastnn.export.to_npz writes archives of NumPy",
    ".c": "fastnn.export.to_c writes C",
    **dict.fromkeys((".pt", ".pth"), "fastnn.export.to_torch_state_dict gives what torch.save writes"),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), "there is no way to write or read a file of Keras"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".npy", ".json", ".mat"), ""),
}
TABLE = "table"  # the key of a description by which a file holds an estimator of tables
Model = TypeVar("Model", bound=Network)


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError("model files need the safetensors package: pip install safetensors") from None
    return safetensors


@contextmanager
def building(what: str, path: str | PathLike[str], function: str = "load") -> Iterator[None]:
    """Within it, whatever a description makes fail is one error that names the file.

    Parameters
    ----------
    what : str
        What the file describes, such as "model".
    path : path
    function : str
        It begins the message.

    Raises
    ------
    ValueError
        For every error by which a value that is not what it should be can show.

    Examples
    --------
    >>> from fastnn.model.file import building
    >>> with building("model", "a.safetensors"):
    ...     {}["layers"]
    Traceback (most recent call last):
    ValueError: load: a.safetensors describes no model that this fastnn can build ('layers')
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, MemoryError, RecursionError) as error:
        raise ValueError(f"{function}: {path} describes no {what} that this fastnn can build ({error})") from None


def write(path: str | PathLike[str], tensors: Mapping[str, NDArray[Any]], description: Mapping[str, Any]) -> None:
    """Write arrays, a description that JSON can hold and the SHA-256 of both, whole or not at all.

    Raises
    ------
    ValueError
        If the name is that of a file of another format.
    """
    suffix = Path(path).suffix.lower()
    if suffix in _OTHER_FORMATS:
        instead = f"; {_OTHER_FORMATS[suffix]}" if _OTHER_FORMATS[suffix] else ""
        raise ValueError(f"save: path: expected a name that ends in .safetensors, got {Path(path).name!r}{instead}")
    arrays = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    # one entry, because the package writes several in any order and the same model should give the same bytes
    text = json.dumps({"format_version": FORMAT, "fastnn_version": __version__, **description}, default=_plain)
    plain = json.loads(text)
    plain["sha256"] = _digest(arrays, plain)
    write_whole(path, _safetensors().numpy.save(arrays, {"fastnn": json.dumps(plain)}))


def _plain(value: Any) -> Any:
    """A NumPy number or array as a value that JSON can hold."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"save: JSON cannot hold a {type(value).__name__}")


def read(path: str | PathLike[str], function: str = "load") -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the arrays and the description that `write` wrote; `function` begins the messages of errors.

    Raises
    ------
    ValueError
        If the file is not a model file of fastnn, is damaged, or has a later format.
    FileNotFoundError
        If there is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{function}: no model file at {path}")
    try:
        with _safetensors().safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except ImportError:
        raise
    except Exception as error:  # the package raises its own type for every kind of damage
        raise ValueError(f"{function}: {path} is not a readable safetensors file ({error})") from None
    if "fastnn" not in metadata:
        raise ValueError(f"{function}: {path} is a safetensors file, but not a fastnn model")
    with building("model", path, function):
        description = json.loads(metadata["fastnn"])
        version = description["format_version"]
        if version != FORMAT:
            raise ValueError(f"it has format version {version}, this fastnn reads {FORMAT}")
    return tensors, description


def check_digest(
    path: str | PathLike[str], tensors: Mapping[str, NDArray[Any]], description: Mapping[str, Any], function: str
) -> None:
    """Raise ValueError if the values or the description have changed since they were written."""
    if description.get("sha256") != _digest(tensors, description):
        raise ValueError(f"{function}: {path} is damaged: its contents do not have the SHA-256 that it names")


def _digest(tensors: Mapping[str, NDArray[Any]], description: Mapping[str, Any]) -> str:
    """SHA-256 of the values, in the order of their names, and of the rest of the description."""
    rest = {name: value for name, value in description.items() if name != "sha256"}
    total = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def describes(path: str | PathLike[str], key: str) -> bool:
    """Whether a file is a model file whose description has that key; False for every other file, and for none."""
    try:
        with _safetensors().safe_open(path, framework="numpy") as file:
            return key in json.loads((file.metadata() or {})["fastnn"])
    except ImportError:
        raise
    except Exception:  # what is wrong with the file is for the reader to say
        return False


def save(path: str | PathLike[str], arrays: Mapping[str, NDArray[Any]], config: Mapping[str, Any]) -> None:
    """Write parameters, state and configuration of a model."""
    write(path, arrays, {"config": config})


def load(path: str | PathLike[str], restored: Callable[..., Model]) -> Model:
    """Read the model of a model file or a checkpoint.

    Parameters
    ----------
    path : path
    restored : callable
        Makes a model of a path, a configuration and arrays, as `Sequential.restored` does.

    Raises
    ------
    ValueError
        If the file is not a model file, is damaged, or has a later format.
    FileNotFoundError
        If there is no such file.
    """
    tensors, description = read(path)
    if TABLE in description:
        raise ValueError(
            f"load: {path}: expected a model of layers, got an estimator of tables; fastnn.load reads both"
        )
    kept = {name: value for name, value in tensors.items() if not ("checkpoint" in description and "/" in name)}
    with building("model", path):
        config = description["config"]
    model = restored(path, config, kept)
    if "sha256" in description or "checkpoint" in description:  # the first model files had no SHA-256
        check_digest(path, tensors, description, "load")
    return model


def restore(
    path: str | PathLike[str],
    config: Any,
    arrays: Mapping[str, NDArray[Any]],
    make: Callable[[Mapping[str, Any]], Model],
    function: str = "load",
) -> Model:
    """The model of a configuration with the arrays of a file; memory is taken for what the file has alone.

    Parameters
    ----------
    path : path
        Of the file, for messages of errors.
    config : JSON value
    arrays : dict of str to array
        Parameters and state by name.
    make : callable
        Builds the model of a configuration.
    function : str
        It begins the message of an error.

    Raises
    ------
    ValueError
        If the configuration describes no model, or other arrays.
    """
    found = {name: value.shape for name, value in arrays.items()}
    with building("model", path, function):
        check_fields("config", config, CONFIG)
        expected = declared(config)
        # before there is memory for arrays that a small file may describe
        model = make(config) if expected == found else None
    if model is None:
        raise ValueError(f"{function}: {path} holds arrays {found!s:.400}, the architecture needs {expected!s:.400}")
    own = model.parameters | model.state
    for name, value in own.items():
        if arrays[name].dtype != value.dtype:
            raise ValueError(f"{function}: {path} holds {name} as {arrays[name].dtype}, expected {value.dtype}")
    for name, value in own.items():
        value[...] = arrays[name]
    return model
