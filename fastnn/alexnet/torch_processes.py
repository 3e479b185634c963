"""The processes that ``torchrun`` has started, which share the batches of one training."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.alexnet.torch_device import import_torch

__all__ = ["Processes"]


@dataclass(frozen=True)
class Processes:
    """Processes that do the same training, each with a part of every batch.

    Parameters
    ----------
    rank : int
        The number of this process, counted from 0. The first one writes files and prints.
    count : int
    device : str
        That of this process.
    """

    rank: int
    count: int
    device: str

    @classmethod
    def started(cls, device: str = "cpu") -> Processes:
        """The processes as ``torchrun`` tells them in the environment; a process alone without it.

        On "cuda" each has the GPU of its number on the machine.
        """
        rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        if device == "cuda" and count > 1:
            device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        return cls(rank, count, device)

    @classmethod
    def joined(cls, function: str, device: str) -> Processes:
        """The same; these can talk to each other.

        Raises
        ------
        ImportError
            Without PyTorch.
        """
        processes = cls.started(device)
        if processes.count > 1:
            distributed = import_torch(function).distributed
            if not distributed.is_initialized():
                distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
        return processes

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and prints."""
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """The samples of a batch that this process computes."""
        edges = np.linspace(0, batch, self.count + 1).round().astype(int)
        return slice(int(edges[self.rank]), int(edges[self.rank + 1]))

    def shared(self, module: Any) -> Any:
        """The module, whose gradients are made the mean over the processes."""
        if self.count == 1:
            return module
        parallel = import_torch("Trainer").nn.parallel
        return parallel.DistributedDataParallel(module, broadcast_buffers=False)

    def sum(self, tensor: Any) -> Any:
        """The sum of a tensor over the processes."""
        if self.count > 1:
            import_torch("Trainer").distributed.all_reduce(tensor)
        return tensor

    def close(self) -> None:
        """End the talk."""
        if self.count > 1:
            distributed = import_torch("Trainer").distributed
            if distributed.is_initialized():
                distributed.barrier()
                distributed.destroy_process_group()
