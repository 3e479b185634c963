"""Wide convolutions and AlexNet against PyTorch: ``python -m bench.conv_race [kernels|backward|features|train]``.

Both run in this process, in turns, each after a pause in which the other's threads go to sleep; the table gives
medians. fastnn's times are those of the compiled step's kernels with images innermost, Winograd's with the transform
of the weights in it; "eager" is PyTorch with NCHW, "best" the better of that and channels_last (in the training with
the fused optimiser).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import fastnn
from fastnn.kernels import Activation, get
from fastnn.kernels.convolution import winograd_shape, winograd_work
from fastnn.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU

Run = Callable[[], Any]
PAUSE = 0.25  # seconds


class Shape(NamedTuple):
    """A convolution: images, channels, rows and columns, filters, taps, stride, padding."""

    images: int
    channels: int
    side: int
    filters: int
    size: int
    stride: int
    pad: int


SHAPES = {
    "192→384 3×3 at 13×13, 64 images": Shape(64, 192, 13, 384, 3, 1, 1),
    "384→256 3×3 at 13×13, 64 images": Shape(64, 384, 13, 256, 3, 1, 1),
    "256→256 3×3 at 14×14, 32 images": Shape(32, 256, 14, 256, 3, 1, 1),
    "32→64 3×3 at 28×28, 32 images": Shape(32, 32, 28, 64, 3, 1, 1),
    "AlexNet conv2 5×5, 64 images": Shape(64, 64, 27, 192, 5, 1, 2),
    "AlexNet conv1 11×11 / 4, 16 images": Shape(16, 3, 224, 64, 11, 4, 2),
}


def medians(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """Median seconds of each, taken in turns, two calls a turn of which the second counts."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(PAUSE)
            run()
            begin = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def ours(s: Shape, backward: bool) -> dict[str, Run]:
    """Forward (and both gradients) of a shape, direct and by Winograd's algorithm where it serves."""
    rng = np.random.default_rng(0)
    count = (s.side + 2 * s.pad - s.size) // s.stride + 1
    x = rng.standard_normal((s.images // 16, s.channels, s.side, s.side, 16)).astype("f4")
    w = rng.standard_normal((s.filters, s.channels, s.size, s.size)).astype("f4")
    b, db = np.zeros((2, s.filters), "f4")
    out = np.zeros((s.images // 16, s.filters, count, count, 16), "f4")
    dout = rng.standard_normal(out.shape).astype("f4")
    dx, dw = np.empty_like(x), np.empty_like(w)
    window = (s.stride, s.stride, s.pad, s.pad, 1, 1, 0)

    def direct() -> None:
        get("conv_forward_n16")(x, w, b, out, *window)
        if backward:
            get("conv_backward_input_n16")(dout, w, dx, *window)
            get("conv_backward_weight_n16")(x, dout, dw, db, *window, 0.0)

    runs: dict[str, Run] = {"direct": direct}
    if s.stride == 1 and s.size in (3, 5):
        u = np.empty(winograd_shape(s.filters, s.channels, 1), "f4")
        turned = np.empty(winograd_shape(s.channels, s.filters, 1), "f4")
        work = np.empty(winograd_work(s.filters, s.channels), "f4")
        identity = (int(Activation.IDENTITY), 0.0)

        def winograd() -> None:
            get("winograd_weights")(w, u, 0)
            get("winograd_forward_n16")(x, u, b, out, s.size, s.pad, s.pad, *identity)
            if backward:
                get("winograd_weights")(w, turned, 1)
                there = s.size - 1 - s.pad
                get("winograd_forward_n16")(dout, turned, None, dx, s.size, there, there, *identity)
                get("winograd_backward_weight_n16")(x, dout, dw, db, work, s.pad, s.pad, 0.0)

        runs["winograd"] = winograd
    return runs


def theirs(s: Shape, backward: bool) -> dict[str, Run]:
    """The same in PyTorch, NCHW and channels_last."""
    import torch

    torch.set_num_threads(fastnn.get_num_threads())

    def run(layout: Any) -> Run:
        x = torch.randn(s.images, s.channels, s.side, s.side).to(memory_format=layout).requires_grad_(backward)
        w = torch.randn(s.filters, s.channels, s.size, s.size).to(memory_format=layout).requires_grad_(backward)
        b = torch.zeros(s.filters, requires_grad=backward)

        def call() -> None:
            out = torch.nn.functional.conv2d(x, w, b, stride=s.stride, padding=s.pad)
            if backward:
                torch.autograd.grad(out, (x, w, b), out.detach())

        return call

    return {"nchw": run(torch.contiguous_format), "channels_last": run(torch.channels_last)}


def kernels(rounds: int, backward: bool) -> None:
    """The table of algorithm × shape × time."""
    what = "forward + both gradients" if backward else "forward"
    print(f"| {what} | algorithm | ms | GFLOP/s (as direct) | PyTorch NCHW ms | ch. last ms | eager ÷ | best ÷ |")
    print("|---|---|---|---|---|---|---|---|")
    for title, s in SHAPES.items():
        mine, peers = ours(s, backward), theirs(s, backward)
        found = medians({**mine, **peers}, rounds)
        count = (s.side + 2 * s.pad - s.size) // s.stride + 1
        flops = 2 * s.images * s.channels * s.filters * (s.size * count) ** 2 * (3 if backward else 1)
        eager, last = found["nchw"], found["channels_last"]
        for algorithm in mine:
            t = found[algorithm]
            print(
                f"| {title} | {algorithm} | {t * 1e3:.2f} | {flops / t / 1e9:.0f} | {eager * 1e3:.2f} | "
                f"{last * 1e3:.2f} | {eager / t:.2f} | {min(eager, last) / t:.2f} |",
                flush=True,
            )


def _layers() -> list[Any]:
    """AlexNet's features as torchvision has them."""
    return [
        Conv2D(64, 11, stride=4, pad=2), ReLU(), MaxPool2D(3, stride=2), Conv2D(192, 5, pad=2), ReLU(),
        MaxPool2D(3, stride=2), Conv2D(384, 3, pad=1), ReLU(), Conv2D(256, 3, pad=1), ReLU(),
        Conv2D(256, 3, pad=1), ReLU(), MaxPool2D(3, stride=2),
    ]  # fmt: skip


def _torch_layers() -> list[Any]:
    from torch import nn

    return [
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
    ]  # fmt: skip


def _report(title: str, found: dict[str, float]) -> None:
    best = min(v for k, v in found.items() if k != "fastnn")
    times = ", ".join(f"{name} {value * 1e3:.1f} ms" for name, value in found.items())
    print(f"{title}: {times}; eager ÷ {found['nchw'] / found['fastnn']:.2f}, best ÷ {best / found['fastnn']:.2f}")


def features(rounds: int) -> None:
    """AlexNet's features without gradient, batch 64 and batch 1."""
    import torch

    torch.set_num_threads(fastnn.get_num_threads())
    model = fastnn.Sequential(_layers(), input_shape=(3, 224, 224))
    plain = torch.nn.Sequential(*_torch_layers())
    last = torch.nn.Sequential(*_torch_layers()).to(memory_format=torch.channels_last)
    for n in (64, 1):
        x = np.random.default_rng(0).standard_normal((n, 3, 224, 224)).astype("f4")
        t = torch.from_numpy(x)
        tl = t.to(memory_format=torch.channels_last)
        runs: dict[str, Run] = {
            "fastnn": lambda x=x: model.forward(x),
            "nchw": torch.no_grad()(lambda t=t: plain(t)),
            "channels_last": torch.no_grad()(lambda t=tl: last(t)),
        }
        _report(f"AlexNet features, batch {n}", medians(runs, rounds))


def train(rounds: int) -> None:
    """AlexNet, a training step of 32 images, momentum."""
    import torch
    from torch import nn

    torch.set_num_threads(fastnn.get_num_threads())
    n = 32
    rng = np.random.default_rng(0)
    steps = 16  # of an epoch: what stands at its ends is spread over them
    x = rng.standard_normal((steps * n, 3, 224, 224)).astype("f4")
    y = rng.integers(0, 1000, len(x))

    def peer(layout: Any, fused: bool) -> Run:
        head = [nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
        model = nn.Sequential(*_torch_layers(), *head).to(memory_format=layout)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, fused=fused or None)
        images, labels = torch.from_numpy(x[:n]).to(memory_format=layout), torch.from_numpy(y[:n])

        def step() -> None:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

        return step

    head = [Flatten(), Dense(4096), ReLU(), Dense(4096), ReLU(), Dense(1000)]
    model = fastnn.Sequential([*_layers(), *head], input_shape=(3, 224, 224))
    rule = fastnn.optim.Momentum(1e-3)
    trainer = fastnn.Trainer(model, optimizer=rule, batch_size=n, epochs=2, seed=0, progress=False)
    history = trainer.fit(x, y)
    peers = {"nchw": peer(torch.contiguous_format, False), "channels_last, fused": peer(torch.channels_last, True)}
    own = statistics.median(e["seconds"] for e in history.epochs[1:]) / steps
    _report(f"AlexNet training step, batch {n}", {"fastnn": own, **medians(peers, rounds)})


def main() -> None:
    """Print the table that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["kernels", "backward", "features", "train"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    fastnn.set_num_threads(arguments.threads)
    if arguments.what in ("kernels", "backward"):
        kernels(arguments.rounds, arguments.what == "backward")
    else:
        {"features": features, "train": train}[arguments.what](arguments.rounds)


if __name__ == "__main__":
    main()
