"""A device of PyTorch: checked before any work, its arithmetic, and the way to it. Torch is imported here alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import choice

__all__ = ["CPU", "ON_THE_PROCESSOR", "PRECISIONS", "TorchDevice", "import_torch", "is_torch"]

CPU = "cpu"
ON_THE_PROCESSOR = "torch-cpu"  # PyTorch on the processor: the path of a GPU without one
PRECISIONS = ("float32", "bf16", "fp16")


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


def is_torch(function: str, device: str) -> bool:
    """Whether PyTorch computes on the device of that name; fastnn itself does on "cpu".

    Raises
    ------
    ValueError
        If there is no such device.
    """
    if device == ON_THE_PROCESSOR or str(device).partition(":")[0] == "cuda":
        return True
    if device != CPU:
        raise ValueError(
            f'{function}: device: expected "{CPU}", "cuda", "cuda:1" or "{ON_THE_PROCESSOR}", got {device!r}'
        )
    return False


class TorchDevice:
    """A device on which PyTorch computes, and with what precision.

    Parameters
    ----------
    function : str
        Begins the error messages.
    name : str
        "cuda", "cuda:1" or "torch-cpu".
    precision : {"float32", "bf16", "fp16"}
        "float32" is exact, without TF32; of the others the products are made in 16 bits by PyTorch's autocast.

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError
        If the device or the precision is not there.
    """

    def __init__(self, function: str, name: str, precision: str = PRECISIONS[0]) -> None:
        if not is_torch(function, name):
            raise ValueError(f"{function}: device: expected one of PyTorch, got {name!r}")
        self.precision = choice(function, "precision", precision, PRECISIONS)
        self.torch = torch = import_torch(function)
        try:
            self.device = torch.device(CPU if name == ON_THE_PROCESSOR else name)
        except RuntimeError as error:
            raise ValueError(f"{function}: device: {name!r} is no device of PyTorch ({error})") from None
        self.is_cuda = self.device.type == "cuda"
        if self.is_cuda:
            there = torch.cuda.device_count() if torch.cuda.is_available() else 0
            if (self.device.index or 0) >= there:
                raise ValueError(
                    f"{function}: device: {name!r} is not there: PyTorch {torch.__version__} sees {there} CUDA "
                    f'devices; device="{CPU}" needs none'
                )

    @contextmanager
    def arithmetic(self) -> Iterator[None]:
        """What is computed within has the device's precision."""
        torch = self.torch
        matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
        before = matmul.allow_tf32, cudnn.allow_tf32
        matmul.allow_tf32 = cudnn.allow_tf32 = False
        dtype = torch.float16 if self.precision == "fp16" else torch.bfloat16
        try:
            with torch.autocast(self.device.type, dtype, enabled=self.precision != "float32"):
                yield
        finally:
            matmul.allow_tf32, cudnn.allow_tf32 = before

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Any, NDArray[Any]]:
        """A new tensor in main memory and the array that shares its memory; pinned where a GPU reads it."""
        like = self.torch.from_numpy(np.empty(0, dtype)).dtype
        tensor = self.torch.empty(shape, dtype=like, pin_memory=self.is_cuda)
        return tensor, tensor.numpy()

    def send(self, tensor: Any) -> Any:
        """The tensor on the device; images with their channels innermost, as convolutions there are fastest."""
        sent = tensor.to(self.device, non_blocking=True)
        return self.channels_last(sent) if sent.ndim == 4 else sent

    def channels_last(self, module_or_tensor: Any) -> Any:
        """The same with its channels innermost, where the device prefers that."""
        if not self.is_cuda:
            return module_or_tensor
        return module_or_tensor.to(memory_format=self.torch.channels_last)
