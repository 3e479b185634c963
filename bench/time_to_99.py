"""Seconds from the start of a process to 99 % of MNIST's test images: imports, reading, training and evaluation.

    python bench/time_to_99.py ../shared/data/mnist
    python bench/time_to_99.py ../shared/data/mnist --sides fastnn --seed 3
    python bench/time_to_99.py ../shared/data/mnist --torch-python ~/peers/bin/python

The side `recipe` trains by ``fastnn train``'s recipe mnist-99. On the other sides LeNet-5 without padding (6 and 16
filters of 5 × 5, ReLU, max-pooling, 256-120-84-10) is trained in float32 by Adam, with a one-cycle schedule up to 4e-3
over six epochs and batches of 128. Every side runs in a process of its own and stops after the first epoch with an
accuracy of 99 % on the 10,000 test images. The PyTorch side keeps all images in one tensor and uses the fused Adam.
With ``--seeds 5`` the medians of five runs a side, interleaved, follow; ``--source`` is another checkout of fastnn,
whose side `fastnn` is then run as `source`.
"""

from __future__ import annotations

import argparse
import gzip
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GOAL, EPOCHS, BATCH, RATE = 0.99, 6, 128, 4e-3
NETWORK = "conv:1x28x28,6x5p0,relu,pool2,16x5p0,relu,pool2,fc120,relu,fc84,relu,fc10"


def _say(what: str) -> None:
    print(what, flush=True)


def fastnn_side(folder: Path, seed: int, threads: int, recipe: bool = False) -> None:
    """Train with fastnn and print progress."""
    import fastnn
    from fastnn.architecture import parse

    class Stop(fastnn.Callback):
        def on_epoch_end(self, trainer: fastnn.Trainer, line: dict[str, float]) -> None:
            _say(f"epoch {line['val_accuracy']:.4f}")
            trainer.stop = line["val_accuracy"] >= GOAL

    _say("imports")
    fastnn.set_num_threads(threads)
    data = fastnn.data.load("mnist", path=folder)
    _say("reading")
    how: dict[str, Any] = {
        "model": NETWORK,
        "optimizer": "adam",
        "learning-rate": RATE,
        "epochs": EPOCHS,
        "batch": BATCH,
    }
    if recipe:
        from fastnn.recipes import RECIPES

        how = dict(RECIPES["mnist-99"].options)
    fastnn.Trainer(
        parse(how["model"], seed=seed, input_scale=1 / 255),
        optimizer=fastnn.optim.get(how["optimizer"], learning_rate=how["learning-rate"]),
        schedule=fastnn.schedules.OneCycle(how["epochs"]),
        batch_size=how["batch"],
        epochs=how["epochs"],
        seed=seed,
        callbacks=[Stop()],
    ).fit(data.train_images[:, None], data.train_labels, (data.test_images[:, None], data.test_labels))


def recipe_side(folder: Path, seed: int, threads: int) -> None:
    """Train by the recipe and print progress."""
    fastnn_side(folder, seed, threads, recipe=True)


def torch_side(folder: Path, seed: int, threads: int) -> None:
    """Train with PyTorch and print progress."""
    import numpy as np
    import torch
    from torch import nn

    _say("imports")
    torch.set_num_threads(threads)
    torch.manual_seed(seed)

    def read(name: str, header: int) -> torch.Tensor:
        with gzip.open(folder / f"{name}.gz") as file:
            return torch.from_numpy(np.frombuffer(bytearray(file.read()), np.uint8, offset=header))

    x, xv = (read(f"{part}-images-idx3-ubyte", 16).view(-1, 1, 28, 28).float() / 255 for part in ("train", "t10k"))
    y, yv = (read(f"{part}-labels-idx1-ubyte", 8).long() for part in ("train", "t10k"))
    _say("reading")
    model = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    steps = -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=EPOCHS * steps)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss(model(x[index]), y[index]).backward()
            optimizer.step()
            schedule.step()
        with torch.inference_mode():
            right = sum(
                int((model(a).argmax(1) == b).sum()) for a, b in zip(xv.split(1000), yv.split(1000), strict=True)
            )
        _say(f"epoch {right / len(xv):.4f}")
        if right / len(xv) >= GOAL:
            return


SIDES = {"recipe": recipe_side, "fastnn": fastnn_side, "torch": torch_side}


def watch(command: list[str], source: Path) -> list[tuple[str, float]]:
    """Run a side; return what it prints and when it ends, with the seconds since its start."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = [(line.strip(), time.perf_counter() - start) for line in process.stdout]
    if process.returncode:
        raise SystemExit(f"{command[0]}: ended with {process.returncode}")
    return [*told, ("end", time.perf_counter() - start)]


def main() -> None:
    """Run every side and print when it reached what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of MNIST's four IDX files, gzipped")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="so many, one after the other")
    parser.add_argument("--source", type=Path, help="a built checkout of fastnn to compare with")
    parser.add_argument("--torch-python", default=sys.executable, help="the interpreter that has PyTorch")
    parser.add_argument("--run", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        SIDES[options.run](options.folder, options.seed, options.threads)
        return
    sides = [*options.sides.split(","), *([] if options.source is None else ["source"])]
    times: dict[str, list[float]] = {side: [] for side in sides}
    for seed in range(options.seed, options.seed + options.seeds):
        for side in sides:
            times[side].append(_run(side, seed, options))
    if options.seeds > 1:
        for side, seconds in times.items():
            missed = sum(map(math.isinf, seconds))
            print(f"{side}: median {statistics.median(seconds):.2f} s of {len(seconds)} seeds, {missed} not reached")


def _run(side: str, seed: int, options: argparse.Namespace) -> float:
    """Run a side and print its times; return when it ended, infinity if it did not reach the goal."""
    python = options.torch_python if side == "torch" else sys.executable
    source, run = (options.source, "fastnn") if side == "source" else (ROOT, side)
    script = [str(Path(__file__).resolve()), str(options.folder), "--run", run]
    told = watch([python, *script, "--seed", str(seed), "--threads", str(options.threads)], source.resolve())
    reached = any(what.startswith("epoch") and float(what.split()[1]) >= GOAL for what, _ in told)
    print(f"{side}, seed {seed}: " + (f"99 % after {told[-1][1]:.2f} s" if reached else "99 % not reached"))
    before = 0.0
    for what, seconds in told:
        print(f"  {what:14} {seconds:6.2f} s  (+{seconds - before:.2f})")
        before = seconds
    return told[-1][1] if reached else math.inf


if __name__ == "__main__":
    main()
