"""The PyTorch module of a form of AlexNet; the only place that imports torch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.form import CLASSES, DROPOUT, Conv, Dense, Dropout, Flatten, Pool, ReLU, Response, Step, form_named
from fastnn.alexnet.network import check_tensors, tensor_shapes

__all__ = ["TorchForward", "import_torch", "torch_module"]


def import_torch(function: str) -> Any:
    """The torch package.

    Raises
    ------
    ImportError
        If it is not installed; the message has the command.
    """
    try:
        import torch
    except ImportError:
        raise ImportError(f"{function}: this device needs PyTorch: pip install 'fastnn-cpu[torch]'") from None
    return torch


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
    modules: OrderedDict[str, Any] = OrderedDict()
    before = 3  # channels, and values behind the flattening
    shapes = tensor_shapes(form)
    for place, step in enumerate(chosen.steps(response, cut, classes=classes, dropout=dropout)):
        if isinstance(step.operation, Dense):
            before = shapes[f"{step.point}.w"][0]
        modules[step.point.replace(".", "_") or f"{type(step.operation).__name__.lower()}{place}"] = _module(
            torch.nn, step, before
        )
        if isinstance(step.operation, Conv):
            before = step.operation.filters
    module = torch.nn.Sequential(modules).eval()
    if tensors is not None:
        state = module.state_dict()
        names = {_canonical(name): name for name in state}
        wanted = {mine: _ours(tuple(state[name].shape)) for mine, name in names.items()}
        check_tensors("torch_module", tensors, wanted)
        values = {name: np.array(_theirs(tensors[mine]), np.float32, order="C") for mine, name in names.items()}
        module.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return module


def _module(nn: Any, step: Step, before: int) -> Any:
    match step.operation:
        case Conv() as c:
            return nn.Conv2d(before, c.filters, c.size, stride=c.stride, padding=c.pad, groups=c.groups)
        case ReLU():
            return nn.ReLU()  # not in place: the values before it may be asked for
        case Pool() as pool:
            return nn.MaxPool2d(pool.size, stride=pool.stride)
        case Response() as r:  # torch always divides
            return nn.LocalResponseNorm(r.size, alpha=r.alpha * (1 if r.divide else r.size), beta=r.beta, k=r.k)
        case Flatten():
            return nn.Flatten()
        case Dropout() as dropout:
            return nn.Dropout(dropout.rate)
        case Dense() as dense:
            return nn.Linear(before, dense.units)


def _canonical(name: str) -> str:
    module, _, kind = name.rpartition(".")
    return f"{module}.{'w' if kind == 'weight' else 'b'}"


def _ours(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of our tensor for one of torch's: matrices are (inputs, outputs)."""
    return shape[::-1] if len(shape) == 2 else shape


def _theirs(tensor: NDArray[Any]) -> NDArray[Any]:
    return tensor.T if tensor.ndim == 2 else tensor


class TorchForward:
    """Features of batches by PyTorch.

    Parameters
    ----------
    device : str
        Of torch: "cuda", "cuda:1", "cpu".
    form, cut, response, tensors
        As for `sequential`.

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError
        If there is no such device.
    """

    def __init__(
        self, device: str, form: str, cut: str, response: Response | None, tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        self._torch = torch = import_torch("AlexNetFeatures")
        try:
            self._device = torch.device(device)
        except RuntimeError as error:
            raise ValueError(f"AlexNetFeatures: device: {device!r} is no device of PyTorch ({error})") from None
        if self._device.type == "cuda":
            there = torch.cuda.device_count() if torch.cuda.is_available() else 0
            if (self._device.index or 0) >= there:
                raise ValueError(
                    f"AlexNetFeatures: device: {device!r} is not there: PyTorch {torch.__version__} sees {there} CUDA "
                    'devices; device="cpu" needs none'
                )
        self._module = torch_module(form, cut, response=response, tensors=tensors).to(self._device)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, D) of prepared images (n, 3, H, W), in float32 without TF32."""
        torch = self._torch
        matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        try:
            with torch.inference_mode():
                out = self._module(torch.from_numpy(images).to(self._device)).flatten(1)
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn
        features: NDArray[np.float32] = out.cpu().numpy()
        return features
