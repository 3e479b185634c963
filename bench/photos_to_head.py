"""From JPEG files to a trained head, process start included: ``fastnn alexnet train`` beside a plain PyTorch script.

python bench/photos_to_head.py --data PHOTOS --weights alexnet.safetensors [--rounds 5]

PHOTOS has a folder for each class in train/ and in val/. Both sides decode, compute the features of the training
photos at conv5.pool by the same weights, train a head of 50 tanh units for 200 steps of Adam in batches of 50, and
measure it on val. Nothing is kept between rounds. The rounds alternate, and each is a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_STEPS, _BATCH = 200, 50


def plain_pytorch(data: Path, weights: Path) -> float:
    """The script that people write: decode photo by photo, stack, features in batches, then the head; its accuracy."""
    import numpy as np
    import torch
    from PIL import Image

    from fastnn.alexnet import load_weights, torch_module

    loaded = load_weights(weights)
    d = loaded.description
    network = torch_module(d.form, "conv5.pool", response=d.response, tensors=loaded.tensors)
    side, first = loaded.form.image, d.preprocessing.first(loaded.form.image)[0]

    def prepared(path: Path) -> torch.Tensor:
        image = Image.open(path).convert("RGB")
        short = min(image.size)
        size = tuple(round(d.preprocessing.resize * length / short) for length in image.size)
        image = image.resize(size, Image.Resampling.BILINEAR)
        left, top = ((length - d.preprocessing.resize) // 2 + first for length in image.size)
        pixels = np.asarray(image.crop((left, top, left + side, top + side)), np.float32).transpose(2, 0, 1)
        mean = loaded.mean_image
        return torch.from_numpy(
            pixels if mean is None else pixels - mean[:, first : first + side, first : first + side]
        )

    def features(part: str) -> tuple[torch.Tensor, torch.Tensor]:
        classes = sorted(folder for folder in (data / part).iterdir() if folder.is_dir())
        files = [(path, k) for k, folder in enumerate(classes) for path in sorted(folder.iterdir())]
        found = []
        with torch.inference_mode():
            for start in range(0, len(files), 64):
                batch = torch.stack([prepared(path) for path, _ in files[start : start + 64]])
                found.append(network(batch).flatten(1))
        return torch.cat(found).clone(), torch.tensor([k for _, k in files])

    x, y = features("train")
    xv, yv = features("val")
    torch.manual_seed(0)
    nn = torch.nn
    head = nn.Sequential(nn.Linear(x.shape[1], 50), nn.Tanh(), nn.Linear(50, int(y.max()) + 1))
    optimizer = torch.optim.Adam(head.parameters(), 1e-3)
    scale = 1 / x.std()
    for step in range(_STEPS):
        if step % -(-len(x) // _BATCH) == 0:
            batches = torch.randperm(len(x)).split(_BATCH)
        rows = batches[step % len(batches)]
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(x[rows] * scale), y[rows]).backward()
        optimizer.step()
    with torch.inference_mode():
        return float((head(xv * scale).argmax(1) == yv).float().mean())


def _fastnn(data: Path, weights: Path, scratch: Path) -> list[str]:
    photos = sum(1 for _ in (data / "train").rglob("*.jpg"))
    epochs = round(_STEPS / -(-photos // _BATCH))
    settings = ["--head", "50,tanh", "--views", "1", "--epochs", str(epochs), "--learning-rate", "1e-3"]
    where = ["--data", str(data), "--weights", str(weights), "--cache", str(scratch / "cache")]
    return ["-m", "fastnn", "alexnet", "train", *where, *settings, "--output", str(scratch / "run"), "--quiet"]


def seconds(command: list[str]) -> tuple[float, str]:
    """How long a process of this Python takes, and the last line that it prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parent.parent), *sys.path])}
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True, env=environment)
    return time.perf_counter() - started, done.stdout.strip().splitlines()[-1]


def main() -> None:
    """Run the rounds and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="be the PyTorch script")
    options = parser.parse_args()
    if options.plain:
        print(f"accuracy on val {plain_pytorch(options.data, options.weights):.2%}")
        return
    plain = [__file__, "--plain", "--data", str(options.data), "--weights", str(options.weights)]
    times: dict[str, list[float]] = {"fastnn": [], "PyTorch": []}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, command in (("fastnn", _fastnn(options.data, options.weights, Path(folder))), ("PyTorch", plain)):
                taken, said = seconds(command)
                times[name].append(taken)
                print(f"round {number + 1}: {name} {taken:.2f} s, {said}", flush=True)
    ratios = sorted(b / a for a, b in zip(times["fastnn"], times["PyTorch"], strict=True))
    ours, theirs = (statistics.median(found) for found in times.values())
    print(
        f"medians: fastnn {ours:.2f} s, PyTorch {theirs:.2f} s; ratio of the rounds {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
