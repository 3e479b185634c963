"""PyTorch on dense networks: eager, compiled, or the whole step compiled as one graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.peers import base
from bench.peers.base import IntArray, OneByOne, Runner
from bench.workloads import Workload


def network(workload: Workload) -> Any:
    """An nn.Sequential with the common initial weights."""
    import torch
    from torch import nn

    layers: list[Any] = []
    for w, b in base.first_parameters(workload):
        layer = nn.Linear(*w.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w).T)
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.Tanh() if workload.activation == "tanh" else nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def optimizer_of(workload: Workload, model: Any, implementation: str) -> Any:
    """The optimiser; `implementation` is PyTorch's name of a faster implementation, or empty."""
    import torch

    options: dict[str, Any] = {implementation: True} if implementation else {}
    if workload.rule == "adam":
        return torch.optim.Adam(model.parameters(), lr=workload.learning_rate, **options)
    return torch.optim.SGD(model.parameters(), lr=workload.learning_rate, momentum=workload.momentum, **options)


class Train(base.TrainRunner):
    """The usual loop. If an implementation of the optimiser is chosen, the loop is tuned and uses index_select."""

    def __init__(self, workload: Workload, compiled: bool, optimizer: str, autocast: bool = False) -> None:
        import torch
        from torch.nn import functional as F

        super().__init__(workload)
        x, y = base.training_data(workload)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.model = network(workload)
        self.tuned = compiled or bool(optimizer)
        self.optimizer = optimizer_of(workload, self.model, optimizer)

        def loss(x: Any, y: Any) -> Any:
            return F.cross_entropy(self.model(x), y)

        def rounded(x: Any, y: Any) -> Any:
            with torch.autocast("cpu", torch.bfloat16):
                return loss(x, y)

        wanted = rounded if autocast else loss
        self.loss_of = torch.compile(wanted, dynamic=False) if compiled else wanted

    def train(self, order: IntArray) -> None:
        import torch

        x, y, optimizer = self.x, self.y, self.optimizer
        for rows in torch.from_numpy(order):
            if self.workload.full_batch:
                xb, yb = x, y
            elif self.tuned:
                xb, yb = x.index_select(0, rows), y.index_select(0, rows)
            else:
                xb, yb = x[rows], y[rows]
            optimizer.zero_grad()
            loss: Any = self.loss_of(xb, yb)
            loss.backward()
            optimizer.step()

    def loss(self) -> float:
        import torch
        from torch.nn import functional as F

        rows = slice(0, base.CHECK_ROWS)
        with torch.no_grad():
            return float(F.cross_entropy(self.model(self.x[rows]), self.y[rows]))


class GraphTrain(base.TrainRunner):
    """Trains with the whole step in one compiled graph, which updates parameters in place."""

    def __init__(self, workload: Workload) -> None:
        import torch

        super().__init__(workload)
        x, y = base.training_data(workload)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.params = [torch.from_numpy(part) for layer in base.first_parameters(workload) for part in layer]
        self.slots = [[torch.zeros_like(p) for p in self.params] for _ in range(2)]
        self.count = torch.zeros(())
        self.step = torch.compile(self._step, fullgraph=True, dynamic=False)

    def _loss(self, params: Any, x: Any, y: Any) -> Any:
        import torch
        from torch.nn import functional as F

        last = len(params) // 2 - 1
        for i in range(last + 1):
            x = torch.addmm(params[2 * i + 1], x, params[2 * i])
            if i < last:
                x = torch.tanh(x) if self.workload.activation == "tanh" else torch.relu(x)
        return F.cross_entropy(x, y)

    def _step(self, rows: Any) -> Any:
        import torch

        if self.workload.full_batch:
            xb, yb = self.x, self.y
        else:
            xb, yb = self.x[rows], self.y[rows]
        grads, loss = torch.func.grad_and_value(self._loss)(self.params, xb, yb)
        rate, rule = self.workload.learning_rate, self.workload.rule
        if rule == "adam":
            self.count += 1
            root = torch.sqrt(1 - 0.999**self.count)
            size = rate * root / (1 - 0.9**self.count)
            for p, m, v, g in zip(self.params, *self.slots, grads, strict=True):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).add_(g * g, alpha=0.001)
                p.sub_(size * m / (torch.sqrt(v) + 1e-8 * root))
        elif rule == "momentum":
            for p, v, g in zip(self.params, self.slots[0], grads, strict=True):
                v.mul_(self.workload.momentum).add_(g)
                p.sub_(v, alpha=rate)
        else:
            for p, g in zip(self.params, grads, strict=True):
                p.sub_(g, alpha=rate)
        return loss

    def train(self, order: IntArray) -> None:
        import torch

        with torch.no_grad():
            for rows in torch.from_numpy(order):
                self.step(rows)

    def loss(self) -> float:
        import torch

        rows = slice(0, base.CHECK_ROWS)
        with torch.no_grad():
            return float(self._loss(self.params, self.x[rows], self.y[rows]))


class Loss(OneByOne):
    """Computes cross_entropy, forward and backward."""

    def __init__(self, workload: Workload, compiled: bool) -> None:
        import torch
        from torch.nn import functional as F

        x, y = base.loss_data(workload)
        self.x: Any = torch.from_numpy(x).requires_grad_()
        self.y = torch.from_numpy(y)
        self.loss_of = torch.compile(F.cross_entropy, dynamic=False) if compiled else F.cross_entropy

    def once(self) -> Any:
        self.x.grad = None
        loss: Any = self.loss_of(self.x, self.y)
        loss.backward()
        return loss

    def check(self) -> list[float]:
        loss = self.once()
        gradient = self.x.grad.numpy()
        return [float(loss.detach()), float(np.abs(gradient).sum(dtype=np.float64))]


class Predict(Runner):
    """Predicts the classes of a slice of rows in inference mode."""

    def __init__(self, workload: Workload, compiled: bool) -> None:
        import torch

        x, _ = base.training_data(workload)
        self.x = torch.from_numpy(x)
        self.batch = workload.batch
        self.starts = workload.rows - workload.batch + 1
        self.model = network(workload).eval()
        self.compiled = torch.compile(self.model, dynamic=False) if compiled else self.model

    def run(self, steps: int) -> int:
        import torch

        x, batch, starts, model = self.x, self.batch, self.starts, self.compiled
        with torch.inference_mode():
            for i in range(steps):
                start = i * batch % starts
                model(x[start : start + batch]).argmax(1)
        return steps

    def check(self) -> list[float]:
        import torch

        with torch.inference_mode():
            return [float(self.model(self.x[: base.CHECK_ROWS]).argmax(1).float().mean())]


class Gemm(Runner):
    """One product, written into a buffer."""

    def __init__(self, workload: Workload) -> None:
        import torch

        a, b = base.gemm_data(workload)
        self.a, self.b = torch.from_numpy(a), torch.from_numpy(b)
        self.out = torch.empty(a.shape[0], b.shape[1])

    def run(self, steps: int) -> int:
        import torch

        for _ in range(steps):
            torch.mm(self.a, self.b, out=self.out)
        return steps

    def check(self) -> list[float]:
        self.run(1)
        return [float(np.abs(self.out.numpy()).sum(dtype=np.float64))]
