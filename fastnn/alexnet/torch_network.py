"""The PyTorch module of a form of AlexNet, and features by it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.form import CLASSES, DROPOUT, Response, form_named
from fastnn.alexnet.network import check_tensors, layers_of
from fastnn.alexnet.torch_device import TorchDevice, import_torch
from fastnn.alexnet.torch_layers import module_of
from fastnn.layers import chain

__all__ = ["TorchForward", "theirs", "torch_module"]


def torch_module(
    form: str = "torchvision",
    cut: str | None = None,
    *,
    response: Response | None = None,
    tensors: Mapping[str, NDArray[Any]] | None = None,
    classes: int = CLASSES,
    dropout: float = DROPOUT,
) -> Any:
    """The PyTorch module that computes what `sequential` does, from the same description.

    Parameters
    ----------
    form, cut, response, tensors, classes, dropout
        As for `sequential`; without tensors the parameters are those that PyTorch draws.

    Returns
    -------
    torch.nn.Sequential
        Its modules have the names of the points, with "_" for "."; in evaluation mode.

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError
        As `sequential`.
    """
    torch = import_torch("torch_module")
    chosen = form_named("torch_module", form)
    steps = chosen.steps(response, cut, classes=classes, dropout=dropout)
    made = layers_of(steps)
    chain.build(made, (3, chosen.image, chosen.image))
    names = [step.point.replace(".", "_") or layer.name for step, layer in zip(steps, made, strict=True)]
    modules = OrderedDict((name, module_of(torch.nn, layer)) for name, layer in zip(names, made, strict=True))
    module = torch.nn.Sequential(modules).eval()
    if tensors is not None:
        state = module.state_dict()
        mine = {name: _canonical(name) for name in state}
        # a matrix of theirs has its outputs first
        check_tensors("torch_module", tensors, {mine[name]: theirs(state[name].numpy()).shape for name in state})
        values = {name: np.array(theirs(tensors[mine[name]]), np.float32, order="C") for name in state}
        module.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return module


def _canonical(name: str) -> str:
    module, _, kind = name.rpartition(".")
    return f"{module}.{'w' if kind == 'weight' else 'b'}"


def theirs(array: NDArray[Any]) -> NDArray[Any]:
    """A view of a parameter in the layout of PyTorch, or of one of PyTorch in ours: matrices are transposed."""
    return array.T if array.ndim == 2 else array


class TorchForward:
    """Features of batches by PyTorch.

    Parameters
    ----------
    device : TorchDevice
    form, cut, response, tensors
        As for `sequential`.
    """

    def __init__(
        self, device: TorchDevice, form: str, cut: str, response: Response | None, tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        self._device = device
        module = torch_module(form, cut, response=response, tensors=tensors).to(device.device)
        self._module = device.channels_last(module)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, D) of prepared images (n, 3, H, W)."""
        device = self._device
        pinned, array = device.room(images.shape, images.dtype)
        array[...] = images
        with device.arithmetic(), device.torch.inference_mode():
            out = self._module(device.send(pinned)).flatten(1).float()
        features: NDArray[np.float32] = out.cpu().numpy()
        return features
