"""fastnn through its public interface, with whole calls of `fit` that include set-up and shuffling."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import floor, images, operations
from bench.floor import Call
from bench.peers import base
from bench.peers.base import IntArray, Runner, Setting
from bench.workloads import Workload

MODULE = "fastnn"


def settings(workload: Workload, threads: int) -> list[Setting]:
    """A single setting with all threads; fastnn itself decides how many it uses."""
    return base.plain_settings(threads)[:1]


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    import fastnn

    fastnn.set_num_threads(setting.threads)
    if workload.kind in operations.KINDS:
        from bench.peers import fastnn_operations

        return fastnn_operations.Operation(workload)
    if workload.kind == "features":
        return Features(workload)
    if workload.kind in ("train", "images"):
        return Train(workload)
    if workload.kind == "loss":
        return Loss(workload)
    if workload.kind == "predict":
        return Predict(workload)
    return Gemm(workload)


def network(workload: Workload) -> Any:
    """A Sequential with the common initial weights."""
    import fastnn
    from fastnn import layers

    stack: list[Any] = []
    if workload.network:
        return image_network(workload)
    for units in workload.sizes[1:]:
        activation = layers.Tanh() if workload.activation == "tanh" else layers.ReLU()
        stack += [layers.Dense(units), activation]
    return with_first_parameters(fastnn.Sequential(stack[:-1], input_shape=(workload.sizes[0],)), workload)


def image_network(workload: Workload) -> Any:
    """One of images.NETWORKS with the common initial weights."""
    import fastnn
    from fastnn import layers

    makers = {
        "conv": lambda layer: layers.Conv2D(layer.units, layer.size, stride=layer.stride, pad=layer.pad),
        "dense": lambda layer: layers.Dense(layer.units),
        "norm": lambda layer: layers.BatchNorm(affine=False, track=False),
        "pool": lambda layer: layers.MaxPool2D(layer.size, stride=layer.stride),
        "relu": lambda layer: layers.ReLU(),
    }
    stack: list[Any] = []
    for layer, shape in images.shaped(workload.network):
        if layer.kind == "dense" and len(shape) > 1:
            stack.append(layers.Flatten())
        stack.append(makers[layer.kind](layer))
    return with_first_parameters(
        fastnn.Sequential(stack, input_shape=images.NETWORKS[workload.network].input), workload
    )


def with_first_parameters(model: Any, workload: Workload) -> Any:
    """Return the model after setting the initial weights that all sides share."""
    names = iter(model.parameters)
    for w, b in base.first_parameters(workload):
        model.parameters[next(names)][...] = w
        model.parameters[next(names)][...] = b
    return model


def optimizer(workload: Workload) -> Any:
    """The optimiser of a workload."""
    from fastnn import optim

    if workload.rule == "adam":
        return optim.Adam(workload.learning_rate)
    if workload.rule == "momentum":
        return optim.Momentum(workload.learning_rate, momentum=workload.momentum)
    return optim.SGD(workload.learning_rate)


class Train(base.TrainRunner):
    """Trains whole epochs by `Trainer.fit`."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.x, self.y = base.training_data(workload)
        self.model = network(workload)
        self.x = self.x.reshape(-1, *self.model.input_shape)
        self.trainer: Any = None

    def fit(self, x: Any, y: Any, epochs: int, shuffle: bool) -> None:
        import fastnn

        self.trainer = fastnn.Trainer(
            self.model, optimizer=optimizer(self.workload), batch_size=self.workload.batch,
            epochs=epochs, seed=0, shuffle=shuffle, compile=True, progress=False,
            precision=self.workload.precision,
        )  # fmt: skip
        self.trainer.fit(x, y)

    def work(self) -> list[Call]:
        if self.trainer is None:
            rows = slice(0, self.workload.batch)
            self.fit(self.x[rows], self.y[rows], 1, shuffle=False)
        return [
            call
            for program, times in self.trainer.run.session.programs
            for call in floor.calls(program.recording.operations, times)
        ]

    def run(self, steps: int) -> int:
        per_epoch = self.workload.steps_per_epoch
        epochs = -(-steps // per_epoch)
        self.fit(self.x, self.y, epochs, shuffle=not self.workload.full_batch)
        return epochs * per_epoch

    def warm(self, steps: int) -> None:
        # Whole epochs would double the time of a round.
        rows = slice(0, min(steps, 200) * self.workload.batch)
        self.fit(self.x[rows], self.y[rows], 1, shuffle=not self.workload.full_batch)

    def train(self, order: IntArray) -> None:
        if self.workload.full_batch:
            self.fit(self.x, self.y, len(order), shuffle=False)
        else:
            rows = order.ravel()
            self.fit(self.x[rows], self.y[rows], 1, shuffle=False)

    def loss(self) -> float:
        rows = slice(0, base.CHECK_ROWS)
        return float(self.model.evaluate(self.x[rows], self.y[rows])["loss"])


def pass_work(model: Any, count: int, kind: str) -> list[Call]:
    """What a pass over `count` float32 samples must do, in the blocks in which the model takes them."""
    from fastnn.program.forward import equal_blocks, record_pass

    return [
        call
        for first, last, size in equal_blocks(count, model.mixes_samples)
        if last > first
        for call in floor.calls(
            record_pass(model, size, np.dtype(np.float32), kind).operations, (last - first) // size, size
        )
    ]


def kernel_work(kernel: str, *arguments: Any) -> list[Call]:
    """What one call of a kernel must do."""
    from fastnn.program.record import Recorder

    recorder = Recorder(np.float32)
    getattr(recorder, kernel)(*arguments)
    return floor.calls(recorder.operations)


class Features(base.FeaturesRunner):
    """Computes features by `Sequential.forward`, which uses the compiled pass."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.workload = workload
        self.model = network(workload)
        self.batches = [x.reshape(-1, *self.model.input_shape) for x in self.batches]

    def features(self, x: Any) -> Any:
        """Return the outputs for a batch."""
        return self.model.forward(x)

    def work(self) -> list[Call]:
        return pass_work(self.model, self.workload.batch, "outputs")


class Loss(Runner):
    """Computes `functional.softmax_loss`."""

    def __init__(self, workload: Workload) -> None:
        self.x, self.y = base.loss_data(workload)

    def run(self, steps: int) -> int:
        from fastnn.functional import softmax_loss

        for _ in range(steps):
            softmax_loss(self.x, self.y)
        return steps

    def check(self) -> list[float]:
        from fastnn.functional import softmax_loss

        loss, dx = softmax_loss(self.x, self.y)
        return [float(loss), float(np.abs(dx).sum(dtype=np.float64))]

    def work(self) -> list[Call]:
        loss, correct = np.zeros(1), np.zeros(1, np.int64)
        dx = np.empty_like(self.x)
        return kernel_work("softmax_cross_entropy", self.x, self.y, dx, loss, correct, None, 1.0)


class Predict(Runner):
    """Calls `model.predict` on a slice of rows."""

    def __init__(self, workload: Workload) -> None:
        self.x, _ = base.training_data(workload)
        self.model = network(workload)
        self.batch = workload.batch
        self.starts = workload.rows - workload.batch + 1

    def run(self, steps: int) -> int:
        x, batch, starts, predict = self.x, self.batch, self.starts, self.model.predict
        for i in range(steps):
            start = i * batch % starts
            predict(x[start : start + batch])
        return steps

    def check(self) -> list[float]:
        return [float(self.model.predict(self.x[: base.CHECK_ROWS]).mean())]

    def work(self) -> list[Call]:
        return pass_work(self.model, self.batch, "classes")


class Gemm(Runner):
    """Runs the affine kernel without bias, including packing."""

    def __init__(self, workload: Workload) -> None:
        from fastnn import kernels

        self.a, self.b = base.gemm_data(workload)
        self.out = np.empty((len(self.a), self.b.shape[1]), dtype=np.float32)
        self.kernel = kernels.get("affine_forward")

    def run(self, steps: int) -> int:
        for _ in range(steps):
            self.kernel(self.a, self.b, None, self.out)
        return steps

    def check(self) -> list[float]:
        self.run(1)
        return [float(np.abs(self.out).sum(dtype=np.float64))]

    def work(self) -> list[Call]:
        return kernel_work("affine_forward", self.a, self.b, None, self.out)
