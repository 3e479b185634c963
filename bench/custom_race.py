"""Operations of one's own against the built-in ones, PyTorch and JAX: ``python bench/custom_race.py``.

The network is 784-200-10. Sides alternate, round by round: a step with the built-in operation, one with the same
operation written by a user, PyTorch's eager step with it, and JAX's, jitted: many steps in one `lax.scan` over data on
the device, with donated parameters. Prints medians in microseconds, and ratios.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import fastnn
from fastnn import custom, losses, optim
from fastnn.layers import Dense, Layer, ReLU, SiLU, Softshrink

THRESHOLD = 0.5
RATES = {"momentum": 0.01, "lion": 1e-4}
SAMPLES, TORCH_STEPS, JAX_STEPS = 8_000, 20, 100
OPERATIONS = ("softshrink", "swish", "loss", "lion")
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
def own_lion(w, m, g, rate, t, beta1=0.9, beta2=0.99):  # type: ignore[no-untyped-def]
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


def jaxs(what: str, x: Any, y: Any, batch: int) -> Step:
    """Steps of JAX with the operation `what` written in Python, jitted and scanned."""
    import jax
    import jax.numpy as jnp

    images, targets = jnp.asarray(x / 255, jnp.float32), jnp.asarray(y)
    rng = np.random.default_rng(0)
    shapes = ((784, 200), (200,), (200, 10), (10,))
    parameters = [jnp.asarray(rng.uniform(-0.05, 0.05, shape), jnp.float32) for shape in shapes]
    rows = jnp.asarray(rng.integers(0, len(x), (JAX_STEPS, batch)))

    def act(z: Any) -> Any:
        if what == "softshrink":
            return jnp.where(z > THRESHOLD, z - THRESHOLD, jnp.where(z < -THRESHOLD, z + THRESHOLD, 0.0))
        return z / (1 + jnp.exp(-z)) if what == "swish" else jnp.maximum(z, 0)

    def loss(p: Any, images: Any, targets: Any) -> Any:
        out = act(images @ p[0] + p[1]) @ p[2] + p[3]
        if what == "loss":
            return ((out - targets) ** 2).mean()
        chosen = jnp.take_along_axis(jax.nn.log_softmax(out), targets[:, None], 1)
        return -chosen.mean()

    def step(state: Any, index: Any) -> tuple[Any, Any]:
        weights, momenta = state
        value, gradients = jax.value_and_grad(loss)(weights, images[index], targets[index])
        if what == "lion":
            signs = [jnp.sign(0.9 * m + 0.1 * g) for m, g in zip(momenta, gradients, strict=True)]
            weights = [w - RATES["lion"] * sign for w, sign in zip(weights, signs, strict=True)]
            momenta = [0.99 * m + 0.01 * g for m, g in zip(momenta, gradients, strict=True)]
        else:
            momenta = [0.9 * m + RATES["momentum"] * g for m, g in zip(momenta, gradients, strict=True)]
            weights = [w - m for w, m in zip(weights, momenta, strict=True)]
        return (weights, momenta), value

    scan = jax.jit(lambda state, rows: jax.lax.scan(step, state, rows), donate_argnums=0)
    held = [scan((parameters, [jnp.zeros_like(p) for p in parameters]), rows)[0]]

    def run() -> float:
        began = time.perf_counter()
        held[0], losses = scan(held[0], rows)
        losses.block_until_ready()
        return (time.perf_counter() - began) / JAX_STEPS

    return run


def sides(what: str, batch: int, peers: Sequence[str]) -> dict[str, Step]:
    """The built-in side, the user's, and those of the `peers`."""
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
        "lion": ((ReLU, cross, momentum()), (ReLU, cross, own_lion(RATES["lion"]))),
    }[what]
    found = {"built in": ours(*built_in, x, y, batch), "own": ours(*own, x, y, batch)}
    if "torch" in peers:
        found["torch"] = torchs(what, x[:batch], y[:batch])
    if "jax" in peers:
        found["jax"] = jaxs(what, x, y, batch)
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", nargs="*", choices=("torch", "jax"), default=("torch", "jax"))
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, default=OPERATIONS)
    options = parser.parse_args()
    fastnn.set_num_threads(2)
    print(
        "| operation | batch | built in µs | own µs | PyTorch µs | JAX µs | own ÷ built in | "
        "PyTorch ÷ own | JAX ÷ own |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for what in options.operations:
        for batch in (8, 100):
            racing = sides(what, batch, options.peers)
            times: dict[str, list[float]] = {name: [] for name in racing}
            for _ in range(options.rounds):
                for name, run in racing.items():
                    times[name].append(run())
            median = {name: 1e6 * statistics.median(values) for name, values in times.items()}
            torch, jax = (median.get(name, math.nan) for name in ("torch", "jax"))
            built_in, own = median["built in"], median["own"]
            print(
                f"| {what} | {batch} | {built_in:.1f} | {own:.1f} | {torch:.0f} | {jax:.0f} | {own / built_in:.2f} | "
                f"{torch / own:.1f} | {jax / own:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
