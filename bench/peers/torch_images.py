"""PyTorch on images: NCHW or channels_last, plain or fused optimiser, compiled or not."""

from __future__ import annotations

from typing import Any

from bench import images
from bench.peers import base
from bench.peers.base import IntArray, Setting
from bench.peers.torch_dense import optimizer_of
from bench.workloads import Workload


def settings(workload: Workload, threads: int) -> list[Setting]:
    """The settings: first as people write it, then what may be faster."""
    ways = [("", "", False), ("channels_last", "", False), ("", "", True), ("channels_last", "", True)]
    if workload.kind == "images":
        ways = [*ways[:2], ("", "fused", False), ("channels_last", "fused", False), ("", "fused", True),
                ("channels_last", "fused", True)]  # fmt: skip
    found = []
    for layout, optimizer, compiled in ways:
        parts = [f"{threads} threads", "compile" if compiled else "eager", layout, optimizer and "fused optimizer"]
        options = {"layout": layout, "optimizer": optimizer, "compile": compiled}
        found.append(Setting(", ".join(p for p in parts if p), threads, options))
    return found


def memory_format(setting: Setting) -> Any:
    """The memory format of the layout of a setting."""
    import torch

    return torch.channels_last if setting.options["layout"] == "channels_last" else torch.contiguous_format


def network(name: str, layout: Any) -> Any:
    """An nn.Sequential with the common initial weights."""
    import torch
    from torch import nn

    parameters = iter(images.first_parameters(name))
    layers: list[Any] = []
    for layer, shape in images.shaped(name):
        if layer.kind == "relu":
            layers.append(nn.ReLU())
        elif layer.kind == "pool":
            layers.append(nn.MaxPool2d(layer.size, layer.stride))
        elif layer.kind == "norm":
            layers.append(nn.BatchNorm2d(shape[0], affine=False, track_running_stats=False))
        else:
            w, b = next(parameters)
            made: Any
            if layer.kind == "conv":
                made = nn.Conv2d(shape[0], layer.units, layer.size, layer.stride, layer.pad)
            else:
                layers += [nn.Flatten()] if len(shape) > 1 else []
                made = nn.Linear(*w.shape)
            with torch.no_grad():
                made.weight.copy_(torch.from_numpy(w if layer.kind == "conv" else w.T.copy()))
                made.bias.copy_(torch.from_numpy(b))
            layers.append(made)
    return nn.Sequential(*layers).to(memory_format=layout)


class Train(base.TrainRunner):
    """The usual loop over batches of images."""

    def __init__(self, workload: Workload, setting: Setting) -> None:
        import torch
        from torch.nn import functional as F

        super().__init__(workload)
        x, y = base.training_data(workload)
        layout = memory_format(setting)
        shape = images.NETWORKS[workload.network].input
        self.x = torch.from_numpy(x).reshape(-1, *shape).to(memory_format=layout)
        self.y = torch.from_numpy(y)
        self.model = network(workload.network, layout)
        self.optimizer = optimizer_of(workload, self.model, setting.options["optimizer"])

        def loss(x: Any, y: Any) -> Any:
            return F.cross_entropy(self.model(x), y)

        self.loss_of: Any = torch.compile(loss, dynamic=False) if setting.options["compile"] else loss

    def train(self, order: IntArray) -> None:
        import torch

        for rows in torch.from_numpy(order):
            self.optimizer.zero_grad()
            loss: Any = self.loss_of(self.x[rows], self.y[rows])
            loss.backward()
            self.optimizer.step()

    def loss(self) -> float:
        import torch
        from torch.nn import functional as F

        rows = slice(0, base.CHECK_ROWS)
        with torch.no_grad():
            return float(F.cross_entropy(self.model(self.x[rows]), self.y[rows]))


class Features(base.FeaturesRunner):
    """Computes features in inference mode."""

    def __init__(self, workload: Workload, setting: Setting) -> None:
        import torch

        super().__init__(workload)
        layout = memory_format(setting)
        shape = images.NETWORKS[workload.network].input
        self.batches = [torch.from_numpy(x).reshape(-1, *shape).to(memory_format=layout) for x in self.batches]
        model = network(workload.network, layout).eval()
        self.model: Any = torch.compile(model, dynamic=False) if setting.options["compile"] else model

    def features(self, x: Any) -> Any:
        """Return the outputs for a batch."""
        import torch

        with torch.inference_mode():
            return self.model(x)
