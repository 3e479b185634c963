"""Parameters under PyTorch's names and in its layouts, without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.layers.base import Layer
from fastnn.model import Sequential

Array = NDArray[Any]

# class of a layer → its array → the module's tensor; a matrix (inputs, outputs) is (outputs, inputs) there
_AFFINE = {"w": "weight", "b": "bias"}
_NORM = {"gamma": "weight", "beta": "bias", "running_mean": "running_mean", "running_var": "running_var"}
_TENSORS: dict[str, dict[str, str]] = {
    "Dense": _AFFINE,
    "Conv2D": _AFFINE,
    "BatchNorm": _NORM,
    "LayerNorm": _NORM,
    "GroupNorm": _NORM,
}
_COUNTER = "num_batches_tracked"  # of torch's batch normalisation, which only uses it without a momentum


def to_torch_state_dict(model: Sequential) -> dict[str, Array]:
    """The state dict of the ``torch.nn.Sequential`` with one module for each layer.

    Parameters
    ----------
    model : Sequential

    Returns
    -------
    dict of str to array
        ``"0.weight"`` and so on, copies of the model's dtype; dense weights transposed to (outputs, inputs).

    Raises
    ------
    ValueError
        If a layer with parameters has no module of torch's that does the same.

    Notes
    -----
    The modules are ``Linear``, ``Conv2d``, ``BatchNorm1d/2d``, ``LayerNorm``, ``GroupNorm`` and those without
    parameters: ``ReLU``, ``Flatten``, ``MaxPool2d``, … The factor `input_scale` is no layer: multiply the inputs of
    the torch module by it.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.layers import Dense, ReLU
    >>> model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,))
    >>> {name: array.shape for name, array in fastnn.export.to_torch_state_dict(model).items()}
    {'0.weight': (200, 784), '0.bias': (200,), '2.weight': (10, 200), '2.bias': (10,)}
    """
    found: dict[str, Array] = {}
    for index, layer in enumerate(model.layers):
        names = _names("to_torch_state_dict", layer)
        for name, array in layer.arrays.items():
            found[f"{index}.{names[name]}"] = np.array(_as_torch(layer, array), order="C")
        if "running_mean" in layer.arrays:
            found[f"{index}.{_COUNTER}"] = np.array(0, np.int64)
    return found


def from_torch_state_dict(model: Sequential, state_dict: Mapping[str, Any]) -> Sequential:
    """Give a model the parameters of a state dict.

    Parameters
    ----------
    model : Sequential
        Changed in place.
    state_dict : dict of str to array
        NumPy arrays or what turns into them, such as torch tensors on the CPU. Modules may have any names
        (``"fc1.weight"``): unless they are those of `to_torch_state_dict`, modules with parameters are taken in
        their order for the model's layers with parameters.

    Returns
    -------
    Sequential
        The model.

    Raises
    ------
    ValueError, TypeError
        If names, shapes or dtypes do not fit; the model is then as it was.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,))
    >>> state = {"fc.weight": np.ones((2, 3)), "fc.bias": np.zeros(2)}
    >>> fastnn.export.from_torch_state_dict(model, state).forward([[1, 2, 3]])
    array([[6., 6.]], dtype=float32)
    """
    function = "from_torch_state_dict"
    layers = [(f"{index}", layer) for index, layer in enumerate(model.layers) if layer.arrays]
    modules: dict[str, dict[str, Any]] = {}
    for name, tensor in state_dict.items():
        module, _, last = name.rpartition(".")
        modules.setdefault(module, {})[last] = tensor
    if set(modules) != {index for index, _ in layers}:
        if len(modules) != len(layers):
            raise ValueError(
                f"{function}: expected {len(layers)} modules with parameters, as the model has layers "
                f"({', '.join(layer.name for _, layer in layers)}), got {len(modules)} ({', '.join(modules)})"
            )
        layers = [(module, layer) for module, (_, layer) in zip(modules, layers, strict=True)]
    changes: list[tuple[Array, Array]] = []
    for module, layer in layers:
        names, arrays, tensors = _names(function, layer), layer.arrays, dict(modules[module])
        tensors.pop(_COUNTER, None)
        wanted = {names[name] for name in arrays}
        if wanted != set(tensors):
            raise ValueError(f"{function}: {layer.name} needs {sorted(wanted)}, but {module} has {sorted(tensors)}")
        for name, array in arrays.items():
            value = _real(f"{function}: {module}.{names[name]}", tensors[names[name]])
            place = _as_torch(layer, array)
            if value.shape != place.shape:
                raise ValueError(
                    f"{function}: {module}.{names[name]} has shape {value.shape}, {layer.name} needs {place.shape}"
                )
            changes.append((place, value))
    for place, value in changes:
        place[...] = value
    return model


def _names(function: str, layer: Layer) -> dict[str, str]:
    names = _TENSORS.get(type(layer).__name__, {})
    missing = [name for name in layer.arrays if name not in names]
    if missing:
        raise ValueError(f"{function}: {layer.name}: {type(layer).__name__} is no module of torch's with parameters")
    return names


def _as_torch(layer: Layer, array: Array) -> Array:
    """The array in the module's shape; what is written into it stands in the layer."""
    kind = type(layer).__name__
    if kind == "LayerNorm":
        return array.reshape(layer.input_shape)
    return array.T if kind == "Dense" and array.ndim == 2 else array


def _real(what: str, tensor: Any) -> Array:
    try:
        value = np.asarray(tensor)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{what} is no array ({error})") from None
    if value.dtype.kind not in "fiu":
        raise TypeError(f"{what} must be of real numbers, got dtype {value.dtype}")
    return value
