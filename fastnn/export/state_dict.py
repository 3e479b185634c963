"""Parameters under PyTorch's names and in its layouts, without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.layers.base import Layer, speaks_for_itself
from fastnn.model import Sequential

Array = NDArray[Any]

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
        tensors = _tensors("to_torch_state_dict", layer)
        for name, array in tensors.items():
            found[f"{index}.{name}"] = np.array(array, order="C")
        if "running_mean" in tensors:
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
        wanted, given = _tensors(function, layer), dict(modules[module])
        given.pop(_COUNTER, None)
        if set(wanted) != set(given):
            raise ValueError(f"{function}: {layer.name} needs {sorted(wanted)}, but {module} has {sorted(given)}")
        for name, place in wanted.items():
            value = _real(f"{function}: {module}.{name}", given[name])
            if value.shape != place.shape:
                raise ValueError(
                    f"{function}: {module}.{name} has shape {value.shape}, {layer.name} needs {place.shape}"
                )
            changes.append((place, value))
    for place, value in changes:
        place[...] = value
    return model


def _tensors(function: str, layer: Layer) -> dict[str, Array]:
    """The layer's arrays as the tensors of its module; what is written into them is written into the layer."""
    tensors = layer.torch_tensors() if speaks_for_itself(layer, "torch_tensors") or not layer.arrays else None
    if tensors is None:
        raise ValueError(f"{function}: {layer.name}: {type(layer).__name__} is no module of torch's with parameters")
    return tensors


def _real(what: str, tensor: Any) -> Array:
    try:
        value = np.asarray(tensor)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{what} is no array ({error})") from None
    if value.dtype.kind not in "fiu":
        raise TypeError(f"{what} must be of real numbers, got dtype {value.dtype}")
    return value
