"""The test accuracy that a dense network reaches with products of each precision, over several seeds.

    python bench/precision_accuracy.py mnist --seeds 5

Precisions that are not faster on this machine are left out, because they would be float32; with FASTNN_ISA=amx
functions stand for instructions that the processor lacks, and all of them are there.
"""

from __future__ import annotations

import argparse
import statistics

import fastnn
from fastnn.kernels.backend import faster_precisions
from fastnn.kernels.precisions import PRECISIONS, Precision


def accuracy(data: fastnn.data.Dataset, sizes: str, precision: str, epochs: int, seed: int) -> float:
    """Train a network and return its accuracy on the test samples, which it predicts in the same precision."""
    inputs = data.train_images[0].size
    text = f"mlp:{inputs}-{sizes}-{len(data.class_names)}"
    model = fastnn.architecture.parse(text, seed=seed, input_scale=data.scale)
    model.precision = precision
    trainer = fastnn.Trainer(
        model, optimizer=fastnn.optim.Momentum(0.05), schedule="cosine", batch_size=100, epochs=epochs, seed=seed,
        progress=False,
    )  # fmt: skip
    trainer.fit(*data.train)
    assert trainer.history.precision == precision
    return float(model.evaluate(*data.test)["accuracy"])


def main() -> None:
    """Train with all seeds and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--sizes", default="128-64", help="of the hidden layers")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS[1:], default=PRECISIONS[1:])
    options = parser.parse_args()
    data = fastnn.data.load(options.data)
    found: dict[str, list[float]] = {}
    for name in ("float32", *options.precisions):
        if name != "float32" and Precision.of(name) not in faster_precisions():
            print(f"{name}: no faster than float32 here")
            continue
        found[name] = [accuracy(data, options.sizes, name, options.epochs, seed) for seed in range(options.seeds)]
        mean, plain = statistics.mean(found[name]), statistics.mean(found["float32"])
        each = ", ".join(f"{share:.2%}" for share in found[name])
        print(f"{name}: {mean:.3%} ({100 * (mean - plain):+.3f} points from float32): {each}", flush=True)


if __name__ == "__main__":
    main()
