"""Seconds from the start of a process to 99 % of MNIST's test images: imports, reading, training and evaluation.

    python bench/time_to_99.py ../shared/data/mnist
    python bench/time_to_99.py ../shared/data/mnist --sides fastnn --seed 3
    python bench/time_to_99.py ../shared/data/mnist --torch-python ~/peers/bin/python

LeNet-5 without padding (6 and 16 filters of 5 × 5, ReLU, max-pooling, 256-120-84-10) is trained in float32 by Adam,
with a one-cycle schedule up to 4e-3 over six epochs and batches of 128. Every side runs in a process of its own and
stops after the first epoch with an accuracy of 99 % on the 10,000 test images. The PyTorch side keeps all images in one
tensor and uses the fused Adam.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import time
from pathlib import Path

GOAL, EPOCHS, BATCH, RATE = 0.99, 6, 128, 4e-3
NETWORK = "conv:1x28x28,6x5p0,relu,pool2,16x5p0,relu,pool2,fc120,relu,fc84,relu,fc10"


def _say(what: str) -> None:
    print(what, flush=True)


def fastnn_side(folder: Path, seed: int, threads: int) -> None:
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
    fastnn.Trainer(
        parse(NETWORK, seed=seed, input_scale=1 / 255),
        optimizer=fastnn.optim.Adam(RATE),
        schedule=fastnn.schedules.OneCycle(EPOCHS),
        batch_size=BATCH,
        epochs=EPOCHS,
        seed=seed,
        callbacks=[Stop()],
    ).fit(data.train_images[:, None], data.train_labels, (data.test_images[:, None], data.test_labels))


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


SIDES = {"fastnn": fastnn_side, "torch": torch_side}


def watch(command: list[str]) -> list[tuple[str, float]]:
    """Run a side; return what it prints and when it ends, with the seconds since its start."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--torch-python", default=sys.executable, help="the interpreter that has PyTorch")
    parser.add_argument("--run", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        SIDES[options.run](options.folder, options.seed, options.threads)
        return
    for side in options.sides.split(","):
        python = options.torch_python if side == "torch" else sys.executable
        script = [str(Path(__file__).resolve()), str(options.folder), "--run", side]
        told = watch([python, *script, "--seed", str(options.seed), "--threads", str(options.threads)])
        reached = [what.startswith("epoch") and float(what.split()[1]) >= GOAL for what, _ in told]
        print(f"{side}: " + (f"99 % after {told[-1][1]:.2f} s" if any(reached) else "99 % not reached"))
        before = 0.0
        for what, seconds in told:
            print(f"  {what:14} {seconds:6.2f} s  (+{seconds - before:.2f})")
            before = seconds


if __name__ == "__main__":
    main()
