"""PyTorch training convolutional networks: NCHW or channels_last, plain or fused optimiser, compiled or not."""

from __future__ import annotations

from typing import Any

from bench import images
from bench.peers import base
from bench.peers.base import IntArray, Setting
from bench.workloads import Workload


def settings(threads: int) -> list[Setting]:
    """As people write it first; then what may be faster."""
    ways = (("", "", False), ("", "fused", False), ("channels_last", "", False), ("channels_last", "fused", False),
            ("", "fused", True), ("channels_last", "fused", True))  # fmt: skip
    found = []
    for layout, optimizer, compiled in ways:
        parts = [f"{threads} threads", "compile" if compiled else "eager", layout, optimizer and "fused optimizer"]
        options = {"layout": layout, "optimizer": optimizer, "compile": compiled}
        found.append(Setting(", ".join(p for p in parts if p), threads, options))
    return found


def network(name: str) -> Any:
    """nn.Sequential with our first weights."""
    import torch
    from torch import nn

    parameters = iter(zip(images.learned(name), images.first_parameters(name), strict=True))
    layers: list[Any] = []
    flat = False
    for layer in images.NETWORKS[name]:
        if layer.kind == "relu":
            layers.append(nn.ReLU())
        elif layer.kind == "pool":
            layers.append(nn.MaxPool2d(2))
        elif layer.kind == "norm":
            layers.append(nn.BatchNorm2d(layers[-2].out_channels, affine=False, track_running_stats=False))
        else:
            item, (w, b) = next(parameters)
            made: Any
            if layer.kind == "conv":
                made = nn.Conv2d(item.shape[1], item.shape[0], layer.size, padding=layer.pad)
            else:
                layers += [] if flat else [nn.Flatten()]
                flat = True
                made = nn.Linear(*item.shape)
            with torch.no_grad():
                made.weight.copy_(torch.from_numpy(w if layer.kind == "conv" else w.T.copy()))
                made.bias.copy_(torch.from_numpy(b))
            layers.append(made)
    return nn.Sequential(*layers)


class Train(base.TrainRunner):
    """The usual loop over batches of images."""

    def __init__(self, workload: Workload, setting: Setting) -> None:
        import torch
        from torch.nn import functional as F

        super().__init__(workload)
        x, y = base.training_data(workload)
        self.x, self.y = torch.from_numpy(x).reshape(-1, *images.INPUT), torch.from_numpy(y)
        self.model = network(workload.network)
        if setting.options["layout"] == "channels_last":
            self.model = self.model.to(memory_format=torch.channels_last)
        options: dict[str, Any] = {"fused": True} if setting.options["optimizer"] else {}
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=workload.learning_rate, **options)

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
