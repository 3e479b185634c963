"""Operations of one's own against the built-in ones and PyTorch: ``python bench/custom_race.py``.

The network is 784-200-10. Sides alternate, round by round: a step with the built-in operation, one with the same
operation written by a user, and PyTorch's eager step with it. Prints medians in microseconds, and ratios.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import fastnn
from fastnn import custom, losses, optim
from fastnn.layers import Dense, Layer, ReLU, SiLU, Softshrink

THRESHOLD = 0.5
RATES = {"momentum": 0.01, "lion": 1e-4}
SAMPLES, TORCH_STEPS = 8_000, 20
Step = Callable[[], float]  # the seconds of a step


def _slope(out):  # type: ignore[no-untyped-def]
    return 0.0 if out == 0 else 1.0


@custom.activation(derivative=_slope)  # type: ignore[untyped-decorator]
def shrink(x):  # type: ignore[no-untyped-def]
    """Softshrink, whose output tells the derivative."""
    if x > THRESHOLD:
        return x - THRESHOLD
    if x < -THRESHOLD:
        return x + THRESHOLD
    return 0.0


@custom.activation  # type: ignore[untyped-decorator]
def swish(x):  # type: ignore[no-untyped-def]
    """SiLU."""
    return x / (1 + math.exp(-x))


@custom.loss  # type: ignore[untyped-decorator]
def squared(out, target):  # type: ignore[no-untyped-def]
    """Squared error."""
    return (out - target) ** 2


@custom.update_rule  # type: ignore[untyped-decorator]
def lion(w, m, g, rate, t, beta1=0.9, beta2=0.99):  # type: ignore[no-untyped-def]
    """Lion."""
    c = beta1 * m + (1 - beta1) * g
    return w - rate * (1 if c > 0 else (-1 if c < 0 else 0)), beta2 * m + (1 - beta2) * g


def ours(activation: Callable[[], Layer], loss: Any, optimizer: Any, x: Any, y: Any, batch: int) -> Step:
    """A compiled step of fastnn: the faster of two epochs over `SAMPLES` rows, after a first one."""
    model = fastnn.Sequential([Dense(200), activation(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
    trainer = fastnn.Trainer(model, loss=loss, optimizer=optimizer, batch_size=batch, epochs=3, progress=False)

    def run() -> float:
        seconds = trainer.fit(x, y).column("seconds")[1:].min()
        return float(seconds) * batch / SAMPLES

    return run


def torchs(what: str, x: Any, y: Any) -> Step:
    """An eager step of PyTorch with the operation `what` written in Python."""
    import torch

    torch.set_num_threads(2)
    inputs, targets = torch.tensor(x / 255, dtype=torch.float32), torch.tensor(y)
    first, second = torch.nn.Linear(784, 200), torch.nn.Linear(200, 10)
    parameters = [*first.parameters(), *second.parameters()]
    momenta = [torch.zeros_like(p) for p in parameters]
    descent = torch.optim.SGD(parameters, lr=RATES["momentum"], momentum=0.9)
    zero = torch.zeros(())

    def act(z: Any) -> Any:
        if what == "softshrink":
            return torch.where(z > THRESHOLD, z - THRESHOLD, torch.where(z < -THRESHOLD, z + THRESHOLD, zero))
        return z / (1 + torch.exp(-z)) if what == "swish" else torch.relu(z)

    def step() -> None:
        out = second(act(first(inputs)))
        loss = ((out - targets) ** 2).mean() if what == "loss" else torch.nn.functional.cross_entropy(out, targets)
        for p in parameters:
            p.grad = None
        loss.backward()
        if what != "lion":
            descent.step()
            return
        with torch.no_grad():
            for p, m in zip(parameters, momenta, strict=True):
                p -= RATES["lion"] * torch.sign(0.9 * m + 0.1 * p.grad)
                m.mul_(0.99).add_(p.grad, alpha=0.01)

    def run() -> float:
        began = time.perf_counter()
        for _ in range(TORCH_STEPS):
            step()
        return (time.perf_counter() - began) / TORCH_STEPS

    return run


def sides(what: str, batch: int, with_torch: bool) -> dict[str, Step]:
    """The built-in side, the user's, and PyTorch's."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (SAMPLES, 784)).astype(np.uint8)
    y: Any = rng.integers(0, 10, SAMPLES)
    momentum = lambda: optim.Momentum(RATES["momentum"])  # noqa: E731
    cross: Any = "softmax_cross_entropy"
    if what == "loss":
        y = rng.normal(size=(SAMPLES, 10)).astype(np.float32)
        cross = losses.MeanSquaredError()
    built_in, own = {
        "softshrink": ((Softshrink, cross, momentum()), (shrink, cross, momentum())),
        "swish": ((SiLU, cross, momentum()), (swish, cross, momentum())),
        "loss": ((ReLU, cross, momentum()), (ReLU, squared, momentum())),
        "lion": ((ReLU, cross, momentum()), (ReLU, cross, lion(RATES["lion"]))),
    }[what]
    found = {"built in": ours(*built_in, x, y, batch), "own": ours(*own, x, y, batch)}
    return found | ({"torch": torchs(what, x[:batch], y[:batch])} if with_torch else {})


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-torch", action="store_true")
    options = parser.parse_args()
    fastnn.set_num_threads(2)
    print("| operation | batch | built in µs | own µs | PyTorch µs | own ÷ built in | PyTorch ÷ own |")
    print("|---|---|---|---|---|---|---|")
    for what in ("softshrink", "swish", "loss", "lion"):
        for batch in (8, 100):
            racing = sides(what, batch, not options.no_torch)
            times: dict[str, list[float]] = {name: [] for name in racing}
            for _ in range(options.rounds):
                for name, run in racing.items():
                    times[name].append(run())
            median = {name: 1e6 * statistics.median(values) for name, values in times.items()}
            peer = median.get("torch", math.nan)
            print(
                f"| {what} | {batch} | {median['built in']:.1f} | {median['own']:.1f} | {peer:.0f} | "
                f"{median['own'] / median['built in']:.2f} | {peer / median['own']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
