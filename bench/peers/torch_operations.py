"""Operations on images in PyTorch: NCHW or channels_last, compiled or not."""

from __future__ import annotations

from typing import Any

from bench import operations
from bench.operations import Shape
from bench.peers import torch_images
from bench.peers.base import OneByOne, Setting
from bench.workloads import Workload


class Operation(OneByOne):
    """Computes an operation, and its gradients by autograd."""

    def __init__(self, workload: Workload, setting: Setting) -> None:
        import torch
        from torch.nn import functional as F

        shape, direction = Shape(*workload.sizes), workload.direction
        layout = torch_images.memory_format(setting)

        def tensor(array: Any) -> Any:
            made = torch.from_numpy(array)
            return made.to(memory_format=layout) if made.ndim == 4 else made

        x, w, b, self.dout = map(tensor, operations.arrays(workload))
        self.inputs = (x,) if workload.kind == "max_pool" else (x, w, b)
        for array in self.inputs:
            array.requires_grad_(direction != "forward")

        def convolution(x: Any, w: Any, b: Any) -> Any:
            return F.conv2d(x, w, b, stride=shape.stride, padding=shape.pad)

        def max_pool(x: Any) -> Any:
            return F.max_pool2d(x, shape.size, shape.stride, shape.pad)

        def batch_norm(x: Any, w: Any, b: Any) -> Any:
            return F.batch_norm(x, None, None, w, b, training=True, eps=operations.EPS)

        self.function: Any = {"conv": convolution, "max_pool": max_pool, "batch_norm": batch_norm}[workload.kind]
        if setting.options["compile"]:
            if direction == "backward":
                # the same graph is traversed many times
                from torch._functorch import config

                config.donated_buffer = False
            self.function = torch.compile(self.function, dynamic=False)
        self.once = {"forward": self._forward, "backward": self._backward, "both": self._both}[direction]
        self.out = self.function(*self.inputs) if direction == "backward" else None

    def _forward(self) -> list[Any]:
        import torch

        with torch.inference_mode():
            return [self.function(*self.inputs)]

    def _backward(self) -> list[Any]:
        import torch

        return list(torch.autograd.grad(self.out, self.inputs, self.dout, retain_graph=True))

    def _both(self) -> list[Any]:
        import torch

        out = self.function(*self.inputs)
        return [out.detach(), *torch.autograd.grad(out, self.inputs, self.dout)]

    def check(self) -> list[float]:
        found = self.once()
        # images first, as in the other sides
        return operations.numbers(*(result.detach().numpy() for result in found))
