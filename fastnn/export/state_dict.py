"""Parameters under PyTorch's names and in its layouts, without importing PyTorch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.layers.base import Layer, speaks_for_itself
from fastnn.model import Sequential

Array = NDArray[Any]

_NUMBER = re.compile(r"\d+")
_COUNTER = "num_batches_tracked"  # a tensor of torch's batch normalisation, which it only uses without a momentum


def to_torch_state_dict(model: Sequential) -> dict[str, Array]:
    """Return the state dict of a ``torch.nn.Sequential`` with one module for each layer of a model.

    Parameters
    ----------
    model : Sequential

    Returns
    -------
    dict of str to array
        Copies of the parameters in the model's dtype under ``"0.weight"`` and so on. Dense weights are transposed to
        (outputs, inputs).

    Raises
    ------
    ValueError
        If torch has no module that computes the same as a layer with parameters.

    Notes
    -----
    The modules are ``Linear``, ``Conv2d``, ``BatchNorm1d/2d``, ``LayerNorm``, ``GroupNorm`` and those without
    parameters: ``ReLU``, ``Flatten``, ``MaxPool2d``, … The factor `input_scale` is not a layer: multiply the inputs of
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


def from_torch_state_dict(
    model: Sequential, state_dict: Mapping[str, Any], *, order: Sequence[str] | None = None
) -> Sequential:
    """Set a model's parameters to those of a state dict.

    Parameters
    ----------
    model : Sequential
        The model, which is changed in place.
    state_dict : dict of str to array
        NumPy arrays, or objects that convert to them, such as torch tensors on the CPU. Modules whose names are those
        of `to_torch_state_dict` (``"0.weight"``) or of the model's layers (``"dense1.weight"``), behind any common
        beginning, go to the layers of these names. Modules of other names go to the layers with parameters in the order
        in which they appear; those whose names differ in numbers alone (``"fc1"``, ``"fc2"``) must stand in the order
        of their numbers.
    order : sequence of str, optional
        Names of the modules in the order of the model's layers with parameters, which decides instead.

    Returns
    -------
    Sequential
        `model`.

    Raises
    ------
    ValueError
        If names or shapes do not fit, or the order of the modules contradicts their names. The model is then unchanged.
    TypeError
        If a tensor does not hold real numbers. The model is then unchanged.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,))
    >>> state = {"fc.weight": np.ones((2, 3)), "fc.bias": np.zeros(2)}
    >>> fastnn.export.from_torch_state_dict(model, state).forward([[1, 2, 3]])
    array([[6., 6.]], dtype=float32)
    """
    function = "from_torch_state_dict"
    modules: dict[str, dict[str, Any]] = {}
    for name, tensor in state_dict.items():
        module, _, last = name.rpartition(".")
        modules.setdefault(module, {})[last] = tensor
    layers = list(zip(_matched(function, model, list(modules), order), _with_arrays(model), strict=True))
    changes: list[tuple[Array, Array]] = []
    for module, layer in layers:
        wanted, given = _tensors(function, layer), dict(modules[module])
        given.pop(_COUNTER, None)
        if set(wanted) != set(given):
            raise ValueError(f"{function}: {layer.name} needs {sorted(wanted)}, but {module} has {sorted(given)}")
        for name, target in wanted.items():
            value = _real(f"{function}: {module}.{name}", given[name])
            if value.shape != target.shape:
                raise ValueError(
                    f"{function}: {module}.{name} has shape {value.shape}, {layer.name} needs {target.shape}"
                )
            changes.append((target, value))
    for target, value in changes:
        target[...] = value
    return model


def _with_arrays(model: Sequential) -> list[Layer]:
    return [layer for layer in model.layers if layer.arrays]


def _matched(function: str, model: Sequential, modules: list[str], order: Sequence[str] | None) -> list[str]:
    """The name of the module of each layer with parameters."""
    layers = _with_arrays(model)
    if len(modules) != len(layers):
        raise ValueError(
            f"{function}: expected {len(layers)} modules with parameters, one for each layer of the model "
            f"({', '.join(layer.name for layer in layers)}), got {len(modules)} ({', '.join(modules)})"
        )
    if order is not None:
        if sorted(order) != sorted(modules):
            raise ValueError(f"{function}: order: expected the names {', '.join(modules)}, got {', '.join(order)}")
        return list(order)
    parents = {module.rpartition(".")[0] for module in modules}
    last = {module.rpartition(".")[2]: module for module in modules}
    if len(parents) == 1 and len(last) == len(modules):
        for names in (
            [f"{i}" for i, layer in enumerate(model.layers) if layer.arrays],
            [layer.name for layer in layers],
        ):
            if set(names) == set(last):
                return [last[name] for name in names]
    earlier: dict[str, tuple[list[int], str]] = {}  # by their names without numbers: the module that came last
    for module in modules:
        stem, numbers = _NUMBER.sub("#", module), [int(n) for n in _NUMBER.findall(module)]
        before, name = earlier.get(stem, ([], ""))
        if name and numbers < before:
            raise ValueError(
                f"{function}: expected modules in the order of the layers, but {name} stands before {module}; "
                "say which is right: order=[…]"
            )
        earlier[stem] = numbers, module
    return modules


def _tensors(function: str, layer: Layer) -> dict[str, Array]:
    """Views of the arrays of a layer in the shapes of the tensors of PyTorch's module."""
    tensors = layer.torch_tensors() if speaks_for_itself(layer, "torch_tensors") or not layer.arrays else None
    if tensors is None:
        raise ValueError(f"{function}: {layer.name}: torch has no module with the parameters of {type(layer).__name__}")
    return tensors


def _real(what: str, tensor: Any) -> Array:
    try:
        value = np.asarray(tensor)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{what} is not an array ({error})") from None
    if value.dtype.kind not in "fiu":
        raise TypeError(f"{what} must hold real numbers, got dtype {value.dtype}")
    return value
