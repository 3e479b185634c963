"""Digests of small trainings that between them take every path of the trainer: prints one line for each."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from digest_lines import digest
from numpy.typing import NDArray

import fastnn
from fastnn import layers, optim, schedules
from fastnn.kernels.backend import native_isa

Array = NDArray[Any]

OPTIMIZERS: dict[str, Callable[[], optim.Optimizer]] = {
    "sgd": lambda: optim.SGD(0.05, weight_decay=1e-3),
    "momentum": lambda: optim.Momentum(0.02, 0.9, weight_decay=1e-3),
    "nesterov": lambda: optim.Nesterov(0.02, 0.9, weight_decay=1e-3),
    "rmsprop": lambda: optim.RMSProp(0.003, 0.95),
    "adagrad": lambda: optim.Adagrad(0.02, initial_accumulator=0.1),
    "adam": lambda: optim.Adam(0.003, weight_decay=1e-3),
    "adamw": lambda: optim.AdamW(0.003, weight_decay=1e-2),
}
ACTIVATIONS: dict[str, Callable[[], layers.Layer]] = {
    "leaky_relu": lambda: layers.LeakyReLU(0.1),
    "elu": lambda: layers.ELU(0.7),
    "sigmoid": layers.Sigmoid,
    "tanh": layers.Tanh,
    "tanhshrink": layers.Tanhshrink,
    "softshrink": lambda: layers.Softshrink(0.1),
    "softmax": layers.Softmax,
}
LOSSES: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "distributions": ("softmax_cross_entropy", lambda y: 0.8 * np.eye(10)[y] + 0.02),
    "squared": ("mean_squared_error", lambda y: np.eye(10)[y]),
    "hinge": ("multiclass_hinge", lambda y: y),
    "binary": ("binary_cross_entropy", lambda y: np.eye(10)[y]),
}


def _images(n: int, shape: tuple[int, ...], seed: int = 0) -> tuple[Array, Array]:
    """Bytes (n, *shape) of ten classes, and labels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, n)
    centres = rng.integers(0, 200, (10, *shape))
    return (centres[y] + rng.integers(0, 56, (n, *shape))).astype(np.uint8), y


def _model(stack: list[layers.Layer], shape: tuple[int, ...], **options: Any) -> fastnn.Sequential:
    return fastnn.Sequential(stack, input_shape=shape, input_scale=1 / 255, **{"seed": 1, **options})


def _dense(activation: Callable[[], layers.Layer] = layers.ReLU, **options: Any) -> fastnn.Sequential:
    units = [layers.Dense(70, bias_init="normal(0.1)"), activation(), layers.Dense(33), activation(), layers.Dense(10)]
    return _model(units, (144,), **options)


def _lenet(**options: Any) -> fastnn.Sequential:
    """Convolutions of 5 × 5, pools that tile the image, and dense layers behind them."""
    stack = [
        *[layers.Conv2D(6, 5, pad=2), layers.ReLU(), layers.MaxPool2D(2)],
        *[layers.Conv2D(16, 5), layers.Tanh(), layers.MaxPool2D(2), layers.Flatten()],
        *[layers.Dense(50), layers.ReLU(), layers.Dense(10)],
    ]
    return _model(stack, (1, 20, 20), **options)


def _normed(**options: Any) -> fastnn.Sequential:
    """Convolutions of 3 × 3 with batch norm, a residual block, an average over pixels and dropout."""
    inner = [layers.Conv2D(32, 3, pad=1), layers.BatchNorm(), layers.ReLU(), layers.Conv2D(32, 3, pad=1)]
    stack = [
        *[layers.Conv2D(32, 3, pad=1), layers.BatchNorm(), layers.ReLU(), layers.MaxPool2D(2)],
        *[layers.Residual(inner), layers.BatchNorm(), layers.ReLU()],
        *[layers.Conv2D(24, 3), layers.ReLU(), layers.BatchNorm(), layers.MaxPool2D(2)],
        *[layers.GlobalAvgPool2D(), layers.Flatten(), layers.Dropout(0.3), layers.Dense(10)],
    ]
    return _model(stack, (3, 20, 20), **options)


def _varied(**options: Any) -> fastnn.Sequential:
    """Strides, dilation, groups, one channel a group, overlapping pools, the other norms, penalties."""
    stack = [
        *[layers.Conv2D(16, 5, stride=2, pad=2, l2=1e-3), layers.LocalResponseNorm(5), layers.LeakyReLU(0.1)],
        *[layers.MaxPool2D(3, stride=2), layers.Conv2D(16, 3, pad=2, dilation=2, groups=4), layers.GroupNorm(4)],
        *[layers.ELU(1.0), layers.Conv2D(16, 3, pad=1, groups=16, bias=False), layers.Conv2D(20, 1), layers.ReLU()],
        *[layers.AvgPool2D(2, pad=1, count_pad=False), layers.LayerNorm(), layers.Flatten()],
        *[layers.Dense(40, l1=1e-4), layers.BatchNorm(), layers.Tanh(), layers.Dense(10)],
    ]
    return _model(stack, (3, 20, 20), **options)


def _wide(algorithm: str, **options: Any) -> fastnn.Sequential:
    """Convolutions with many channels, by one algorithm."""
    stack = [
        *[layers.Conv2D(52, 5, pad=2, conv_algorithm=algorithm), layers.ReLU()],
        *[layers.Conv2D(52, 3, pad=1, conv_algorithm=algorithm), layers.ReLU()],
        *[layers.GlobalMaxPool2D(), layers.Flatten(), layers.Dense(10)],
    ]
    return _model(stack, (3, 20, 20), **options)


def _fit(model: fastnn.Sequential, x: Any, y: Array, **options: Any) -> fastnn.Trainer:
    given = {k: options.pop(k) for k in ("validation", "sample_weight") if k in options}
    trainer = fastnn.Trainer(model, **{"seed": 7, "epochs": 2, "batch_size": 32, "progress": False, **options})
    trainer.fit(x, y, **given)
    return trainer


def _result(trainer: fastnn.Trainer, x: Any) -> str:
    """Digest of what a training leaves: parameters, state of layers, history, predictions of many rows and of one."""
    model, history = trainer.model, trainer.history
    figures = [value for e in history.epochs for k, value in e.items() if k != "seconds" and np.ndim(value) == 0]
    outputs = [model.forward(x), model.forward(x[:1]), model.forward(x[:9])]
    return digest(model.params, *model.state.values(), history.steps, np.array(figures, float), *outputs)


def _checkpointed(make: Callable[..., fastnn.Sequential], x: Array, y: Array) -> str:
    """Interrupted in the middle of an epoch, and resumed from the checkpoint."""

    class Interrupt(fastnn.Callback):
        every = 9
        order = 1000

        def on_step(self, trainer: fastnn.Trainer, step: int) -> None:
            raise InterruptedError

    options: dict[str, Any] = {"optimizer": "adam", "batch_size": 32, "seed": 7, "epochs": 3, "progress": False}
    with tempfile.TemporaryDirectory() as folder:
        stopping = [fastnn.Checkpoint(folder, every_steps=9), Interrupt()]
        try:
            fastnn.Trainer(make(), callbacks=stopping, **options).fit(x, y)
        except InterruptedError:
            pass
        else:
            raise AssertionError("the training was not interrupted")
        trainer = fastnn.Trainer(make(), **options)
        trainer.resume(folder, x, y)
    return _result(trainer, x)


def _mapped(x: Array, y: Array) -> str:
    """Images in a file that is read as it is used."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "x.npy", x)
        trainer = _fit(_dense(), fastnn.data.read_npy(Path(folder) / "x.npy", mapped=True), y, optimizer="momentum")
        return _result(trainer, x)


def trainings() -> Iterator[tuple[str, Callable[[], str]]]:
    """Name of every training, and what gives its digest."""
    flat, labels = _images(333, (144,))
    digits, digit_labels = _images(150, (1, 20, 20), 1)
    photos, photo_labels = _images(150, (3, 20, 20), 2)

    def dense(make: Callable[..., fastnn.Sequential] = _dense, y: Array = labels, **options: Any) -> str:
        return _result(_fit(make(), flat, y, **options), flat)

    def convolutional(make: Callable[..., fastnn.Sequential], dtype: str = "float32", **options: Any) -> str:
        x, y = (digits, digit_labels) if make is _lenet else (photos, photo_labels)
        return _result(_fit(make(dtype=dtype), x, y, **options), x)

    double = partial(dense, partial(_dense, dtype="float64"))
    for name, optimizer in OPTIMIZERS.items():
        yield f"dense {name}", partial(dense, optimizer=optimizer(), validation=0.2)
        yield f"dense float64 {name}", partial(double, optimizer=optimizer())
        yield f"lenet {name}", partial(convolutional, _lenet, optimizer=optimizer())
    for name, activation in ACTIVATIONS.items():
        yield f"dense {name}", partial(dense, partial(_dense, activation), optimizer="adam")
    for name, (loss, targets) in LOSSES.items():
        yield f"dense {name}", partial(dense, y=targets(labels), loss=loss, optimizer="adamw")
    for batch in (1, 8, 64, 128, None):
        yield f"dense batch {batch}", partial(dense, batch_size=batch)
    for batch in (1, 4, 16, 50):
        yield f"normed batch {batch}", partial(convolutional, _normed, batch_size=batch, optimizer="momentum")
        yield f"varied batch {batch}", partial(convolutional, _varied, batch_size=batch, optimizer="adam")
    for make in (_lenet, _normed, _varied):
        name = make.__name__.strip("_")
        yield f"{name} float64", partial(convolutional, make, "float64", optimizer="adam")
        yield f"{name} layer by layer", partial(convolutional, make, compile=False)
    for algorithm in ("direct", "winograd"):
        for batch in (3, 32):
            wide = partial(_wide, algorithm)
            yield f"wide {algorithm} batch {batch}", partial(convolutional, wide, batch_size=batch, epochs=1)
    augmentation = fastnn.data.Augmentation(shift=2, rotate=10, scale=0.1, elastic=2, crop=0.9, noise=5, cutout=5)
    yield "lenet augmented", partial(convolutional, _lenet, augmentation=augmentation, optimizer="adam")
    flipped = fastnn.data.Augmentation(flip="both", shift=1)
    yield "normed augmented", partial(convolutional, _normed, augmentation=flipped, shuffle="batches")
    weights = np.random.default_rng(0).random(len(labels))
    yield "dense weights", partial(dense, class_weight="balanced", sample_weight=weights, optimizer="adam")
    yield "dense clipped", partial(dense, clip_norm=0.5, clip_value=0.01, optimizer="momentum")
    yield "lenet clipped", partial(convolutional, _lenet, clip_norm=0.5, optimizer="adam")
    yield "dense one cycle", partial(dense, schedule=schedules.OneCycle(2), shuffle=False)
    early = fastnn.EarlyStopping(patience=2)
    yield "dense early stopping", partial(dense, validation=0.2, epochs=6, callbacks=[early], metrics=["macro_f1"])
    yield "dense mapped", partial(_mapped, flat, labels)
    yield "dense resumed", partial(_checkpointed, _dense, flat, labels)
    yield "lenet resumed", partial(_checkpointed, _lenet, digits, digit_labels)


def main() -> None:
    """Print the lines of the trainings whose name matches the regular expression of the command line."""
    wanted = re.compile("".join(sys.argv[1:])).search
    for training, run in trainings():
        name = f"training {native_isa()} {training}"
        if wanted(name):
            print(f"{run()}  {name}", flush=True)


if __name__ == "__main__":
    if os.environ.get("FASTNN_BACKEND"):
        sys.exit("digest_trainings: unset FASTNN_BACKEND; the digests are those of the native kernels")
    main()
