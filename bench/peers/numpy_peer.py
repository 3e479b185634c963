"""Well-written NumPy: buffers that are allocated once, `out=` everywhere, one flat vector of parameters.

The gradient of the loss is multiplied by the learning rate, so that SGD is one subtraction.
"""

from __future__ import annotations

import numpy as np

from bench import operations
from bench.peers import base
from bench.peers.base import FloatArray, IntArray, OneByOne, Runner, Setting
from bench.workloads import ON_IMAGES, Workload

MODULE = "numpy"

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def settings(workload: Workload, threads: int) -> list[Setting]:
    """Settings by number of threads, and also by blocks of rows if arrays exceed the cache; or fastnn's reference."""
    if workload.kind in operations.KINDS:
        return [Setting("reference kernels", threads)]
    if workload.kind in ON_IMAGES or workload.precision != "float32":
        return []
    plain = base.plain_settings(threads)
    if workload.kind == "gemm":
        return plain
    if workload.kind == "loss" and workload.sizes[1] >= 100:
        blocks = [64, 256]
    elif workload.full_batch:
        blocks = [500, 2000]
    elif workload.kind == "predict" and workload.batch >= 1000:
        blocks = [500]
    else:
        return plain
    return plain + [
        Setting(f"{s.name}, blocks of {rows} rows", s.threads, {"block": rows}) for s in plain for rows in blocks
    ]


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    if workload.kind in operations.KINDS:
        from bench.peers import fastnn_operations

        return fastnn_operations.Operation(workload, reference=True)
    block = setting.options.get("block")
    if workload.kind == "train":
        return Train(workload, block)
    if workload.kind == "loss":
        return Loss(workload, block)
    if workload.kind == "predict":
        return Predict(workload, block)
    return Gemm(workload)


class SoftmaxLoss:
    """Softmax cross-entropy, which replaces logits by `scale` times the gradient of the summed loss.

    Reductions along short rows are slow in NumPy, because each row costs as much as a call. So with few classes it
    works on the transposed logits, where reductions are sums of long vectors.
    """

    def __init__(self, rows: int, classes: int) -> None:
        self.transposed = rows >= 64 and classes <= 64
        self.starts = np.arange(rows) * classes
        self.index = np.empty(rows, dtype=np.int64)
        self.picked = np.empty(rows, dtype=np.float32)
        self.row = np.empty(rows, dtype=np.float32)
        self.ones = np.ones(classes, dtype=np.float32)
        self.turned = np.empty(rows * classes if self.transposed else 0, dtype=np.float32)

    def __call__(self, logits: FloatArray, out: FloatArray, y: IntArray, scale: float) -> float:
        n, classes = logits.shape
        index, picked, row = self.index[:n], self.picked[:n], self.row[:n]
        np.add(self.starts[:n], y, out=index)
        np.take(logits.reshape(-1), index, out=picked, mode="clip")
        if self.transposed:
            e = self.turned[: n * classes].reshape(classes, n)
            np.copyto(e, logits.T)
            np.maximum.reduce(e, axis=0, out=row)
            np.subtract(e, row, out=e)
        else:
            np.maximum.reduce(logits, axis=1, out=row)
            e = out
            np.subtract(logits, row[:, None], out=e)
        picked -= row
        loss = -float(np.add.reduce(picked, dtype=np.float64))
        np.exp(e, out=e)
        if self.transposed:
            np.add.reduce(e, axis=0, out=row)
        else:
            np.dot(e, self.ones, out=row)
        loss += float(np.add.reduce(np.log(row), dtype=np.float64))
        np.divide(scale, row, out=row)
        if self.transposed:
            np.multiply(e, row, out=out.T)
        else:
            np.multiply(e, row[:, None], out=out)
        out.reshape(-1)[index] -= np.float32(scale)
        return loss


class Network:
    """A dense network whose parameters and gradients are flat vectors."""

    def __init__(self, workload: Workload, rows: int) -> None:
        self.tanh = workload.activation == "tanh"
        layers = base.first_parameters(workload)
        self.params = np.concatenate([part.ravel() for layer in layers for part in layer])
        self.grads = np.zeros_like(self.params)
        self.scratch = np.empty_like(self.params)
        self.layers = self._views(self.params, workload)
        self.grad_layers = self._views(self.grads, workload)
        self.part_layers = self._views(self.scratch, workload)
        widths = workload.sizes[1:]
        self.out = [np.empty((rows, width), dtype=np.float32) for width in widths]
        self.delta = [np.empty((rows, width), dtype=np.float32) for width in widths[:-1]]
        self.mask = [np.empty((rows, width), dtype=np.bool_) for width in widths[:-1]]
        self.softmax_loss = SoftmaxLoss(rows, widths[-1])

    @staticmethod
    def _views(flat: FloatArray, workload: Workload) -> list[tuple[FloatArray, FloatArray]]:
        views, start = [], 0
        for inputs, outputs in zip(workload.sizes, workload.sizes[1:], strict=False):
            stop = start + inputs * outputs
            w = flat[start:stop].reshape(inputs, outputs)
            start = stop + outputs
            views.append((w, flat[stop:start]))
        return views

    def forward(self, x: FloatArray) -> FloatArray:
        n = len(x)
        last = len(self.layers) - 1
        for i, (w, b) in enumerate(self.layers):
            out = self.out[i][:n]
            np.dot(x, w, out=out)
            out += b
            if i < last:
                if self.tanh:
                    np.tanh(out, out=out)
                else:
                    np.maximum(out, 0, out=out)
            x = out
        return x

    def gradient(self, x: FloatArray, y: IntArray, scale: float, add: bool = False) -> float:
        """Write `scale` times the gradient of the summed loss to `grads`, or add it."""
        n = len(x)
        logits = self.forward(x)
        loss = self.softmax_loss(logits, logits, y, scale)
        delta = logits
        for i in range(len(self.layers) - 1, -1, -1):
            dw, db = (self.part_layers if add else self.grad_layers)[i]
            below = self.out[i - 1][:n] if i else x
            np.dot(below.T, delta, out=dw)
            np.add.reduce(delta, axis=0, out=db)
            if i:
                lower = self.delta[i - 1][:n]
                np.dot(delta, self.layers[i][0].T, out=lower)
                if self.tanh:
                    # 1 - tanh² overwrites the activation, which is not read again.
                    np.multiply(below, below, out=below)
                    np.subtract(1, below, out=below)
                    lower *= below
                else:
                    mask = self.mask[i - 1][:n]
                    np.greater(below, 0, out=mask)
                    lower *= mask
                delta = lower
        if add:
            self.grads += self.scratch
        return loss


class Train(base.TrainRunner):
    """Trains one step after another."""

    def __init__(self, workload: Workload, block: int | None) -> None:
        super().__init__(workload)
        self.x, self.y = base.training_data(workload)
        rows = block or max(workload.batch, base.CHECK_ROWS)
        self.block = block
        self.net = Network(workload, rows)
        self.xb = np.empty((workload.batch, workload.sizes[0]), dtype=np.float32)
        self.yb = np.empty(workload.batch, dtype=np.int64)
        folded = 1.0 if workload.rule == "adam" else workload.learning_rate
        self.scale = folded / workload.batch
        self.velocity = np.zeros_like(self.net.params)
        self.square = np.zeros_like(self.net.params)
        self.step = 0
        self.total_loss = 0.0

    def train(self, order: IntArray) -> None:
        workload = self.workload
        update = {"sgd": self._sgd, "momentum": self._momentum, "adam": self._adam}[workload.rule]
        for rows in order:
            if self.block is not None:
                self.total_loss += self._blocks(self.block)
            elif workload.full_batch:
                self.total_loss += self.net.gradient(self.x, self.y, self.scale)
            else:
                # mode="clip" writes directly into out; "raise" would use a buffer.
                np.take(self.x, rows, axis=0, out=self.xb, mode="clip")
                np.take(self.y, rows, out=self.yb, mode="clip")
                self.total_loss += self.net.gradient(self.xb, self.yb, self.scale)
            update()

    def _blocks(self, block: int) -> float:
        loss = 0.0
        for start in range(0, len(self.x), block):
            rows = slice(start, start + block)
            loss += self.net.gradient(self.x[rows], self.y[rows], self.scale, add=start > 0)
        return loss

    def _sgd(self) -> None:
        self.net.params -= self.net.grads

    def _momentum(self) -> None:
        self.velocity *= self.workload.momentum
        self.velocity += self.net.grads
        self.net.params -= self.velocity

    def _adam(self) -> None:
        self.step += 1
        grads, scratch = self.net.grads, self.net.scratch
        root = (1 - BETA2**self.step) ** 0.5
        np.multiply(grads, 1 - BETA1, out=scratch)
        self.velocity *= BETA1
        self.velocity += scratch
        grads *= grads
        grads *= 1 - BETA2
        self.square *= BETA2
        self.square += grads
        np.sqrt(self.square, out=scratch)
        scratch += EPS * root
        np.divide(self.velocity, scratch, out=scratch)
        scratch *= self.workload.learning_rate * root / (1 - BETA1**self.step)
        self.net.params -= scratch

    def loss(self) -> float:
        total = 0.0
        block = self.block or base.CHECK_ROWS
        for start in range(0, base.CHECK_ROWS, block):
            rows = slice(start, min(start + block, base.CHECK_ROWS))
            logits = self.net.forward(self.x[rows])
            total += self.net.softmax_loss(logits, logits, self.y[rows], 1.0)
        return total / base.CHECK_ROWS


class Loss(OneByOne):
    """Computes softmax cross-entropy and its gradient, for all rows at once or block by block."""

    def __init__(self, workload: Workload, block: int | None) -> None:
        self.x, self.y = base.loss_data(workload)
        self.block = block or len(self.x)
        self.dx = np.empty_like(self.x)
        self.softmax_loss = SoftmaxLoss(self.block, self.x.shape[1])

    def once(self) -> float:
        loss, n = 0.0, len(self.x)
        for start in range(0, n, self.block):
            rows = slice(start, start + self.block)
            loss += self.softmax_loss(self.x[rows], self.dx[rows], self.y[rows], 1.0 / n)
        return loss / n

    def check(self) -> list[float]:
        return [self.once(), float(np.abs(self.dx).sum(dtype=np.float64))]


class Predict(Runner):
    """Predicts the classes of a slice of rows."""

    def __init__(self, workload: Workload, block: int | None) -> None:
        self.x, _ = base.training_data(workload)
        self.batch = workload.batch
        self.block = block or max(workload.batch, base.CHECK_ROWS)
        self.net = Network(workload, self.block)
        self.starts = len(self.x) - self.batch + 1

    def classes(self, x: FloatArray) -> IntArray:
        if len(x) <= self.block:
            result: IntArray = self.net.forward(x).argmax(axis=1)
            return result
        parts = range(0, len(x), self.block)
        return np.concatenate([self.net.forward(x[s : s + self.block]).argmax(axis=1) for s in parts])

    def run(self, steps: int) -> int:
        for i in range(steps):
            start = i * self.batch % self.starts
            self.classes(self.x[start : start + self.batch])
        return steps

    def check(self) -> list[float]:
        return [float(self.classes(self.x[: base.CHECK_ROWS]).mean())]


class Gemm(Runner):
    """One product, written into a buffer."""

    def __init__(self, workload: Workload) -> None:
        self.a, self.b = base.gemm_data(workload)
        self.out = np.empty((len(self.a), self.b.shape[1]), dtype=np.float32)

    def run(self, steps: int) -> int:
        for _ in range(steps):
            np.dot(self.a, self.b, out=self.out)
        return steps

    def check(self) -> list[float]:
        self.run(1)
        return [float(np.abs(self.out).sum(dtype=np.float64))]
