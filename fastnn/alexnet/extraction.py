"""Features of many images: decoded on other threads while a batch is computed, kept on disk as they are made."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.images import as_sources, decode_views, views_of_array
from fastnn.alexnet.network import feature_shape
from fastnn.alexnet.store import FeatureStore, cache_folder
from fastnn.alexnet.torch_device import CPU, PRECISIONS, TorchDevice, is_torch
from fastnn.alexnet.torch_network import TorchForward
from fastnn.alexnet.views import VIEWS, Place, View
from fastnn.alexnet.weights import Weights
from fastnn.caller import warn_caller
from fastnn.checks import choice, whole
from fastnn.kernels.threads import get_num_threads
from fastnn.trainer.progress import progress_bar

__all__ = ["CUT", "Extracted", "Extractor"]

CUT = "conv5.pool"  # what separates classes best, or nearly so, with the fewest numbers
_RULES = "1"  # counts the ways in which images were decoded: of another one other features are kept
_SHOWN = 5  # damaged images that a message names

Rows = NDArray[np.float32]
Part = NDArray[np.uint8]


@dataclass(frozen=True)
class Extracted:
    """Features of the images that could be read.

    Parameters
    ----------
    features : (N, D) float32 array
        A read-only memory map where they are kept on disk.
    kept : (N,) int64 array
        Which of the images given they are of.
    damaged : dict of int to str
        The others, with what is wrong.
    """

    features: Rows
    kept: NDArray[np.int64]
    damaged: dict[int, str]

    def of_first_view(self, views: int) -> Extracted:
        """The rows of the first of so many views, one for each image."""
        return Extracted(self.features[::views], self.kept[::views], self.damaged)


@dataclass(frozen=True)
class _Read:
    """An image in each view: its digest, and its part unless its features are known; or what is wrong with it."""

    digests: tuple[bytes, ...]
    parts: tuple[Part | None, ...]
    damage: str = ""


class Extractor:
    """Features of images at a cut.

    Parameters
    ----------
    weights : Weights
    cut : str or None
        None: what the network takes, the prepared images themselves.
    device : str
        "cpu": fastnn; "cuda" or "cuda:1": PyTorch there; "torch-cpu": PyTorch on the processor.
    precision : {"float32", "bf16", "fp16"}
        Of PyTorch's products; fastnn has "float32" alone.
    batch_size : int
        Images that are computed at once, at least 1.
    workers : int or None
        Threads that decode; None: as many as the kernels use.
    cache : bool or path-like
        Folder of the features that are kept; True: in the user's cache, False: none are.
    progress : bool or None
        Whether to show a bar; None: on a terminal.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, weights that the cut needs are missing, or the device is not there.
    ImportError
        If the device needs PyTorch and there is none.
    """

    def __init__(
        self,
        weights: Weights,
        cut: str | None = CUT,
        *,
        device: str = CPU,
        precision: str = PRECISIONS[0],
        batch_size: int = 64,
        workers: int | None = None,
        cache: bool | str | os.PathLike[str] = True,
        progress: bool | None = None,
    ) -> None:
        self.batch_size = whole("AlexNetFeatures", "batch_size", batch_size, at_least=1)
        threads = get_num_threads() if workers is None else workers
        self.workers = whole("AlexNetFeatures", "workers", threads, at_least=1)
        self.weights, self.cut, self.progress = weights, cut, progress
        self.shape: tuple[int, ...]
        if cut is None:
            self.shape, key = (3, weights.form.image, weights.form.image), weights.preparation()
        else:
            weights.form.check_cut("AlexNetFeatures", cut)
            self.shape = feature_shape(weights.description.form, cut, weights.description.response)
            key = "/".join((weights.digest(cut), device, precision))
        self.size = prod(self.shape)
        self._forward = self._make_forward(device, precision)
        self.store: FeatureStore | None = None
        if cache is not False:
            name = hashlib.sha256(f"{_RULES}/{key}".encode()).hexdigest()
            self.store = FeatureStore((cache_folder() if cache is True else Path(cache).expanduser()) / name, self.size)

    def _make_forward(self, device: str, precision: str) -> Callable[[Rows], Rows]:
        """What makes features (n, D) of prepared images (n, 3, H, W); the device is checked in any case."""
        if is_torch("AlexNetFeatures", device):
            there = TorchDevice("AlexNetFeatures", device, precision)
        else:
            choice("AlexNetFeatures", 'precision with device="cpu"', precision, PRECISIONS[:1])
        if self.cut is None:
            return lambda images: images.reshape(len(images), -1)
        model = self.weights.model(self.cut)  # says what is missing
        if not is_torch("AlexNetFeatures", device):
            return lambda images: model.forward(images).reshape(len(images), -1)
        d = self.weights.description
        return TorchForward(there, d.form, self.cut, d.response, self.weights.tensors)

    def __call__(self, images: Any, *, strict: bool = False, views: Sequence[View] = VIEWS[1]) -> Extracted:
        """Features of images.

        Parameters
        ----------
        images : path-like, sequence of path-like, or uint8 array (N, H, W), (N, H, W, 3) or (N, H, W, 4)
            A folder (see `image_files`), files, or pixels, red first.
        strict : bool
            Whether a damaged image is an error; else it is skipped, and one warning counts and names such.
        views : sequence of View
            The looks at each image: there are as many rows for it, one behind the other, and `kept` names it as often.

        Raises
        ------
        OSError
            If a file is not there, or features cannot be written.
        ValueError, TypeError
            If `images` is none of the above, an image is damaged and `strict`, or all are.
        """
        sources = as_sources("AlexNetFeatures", images)
        digests: list[tuple[bytes, ...]] = []
        kept: list[int] = []
        damaged: dict[int, str] = {}
        rows: list[Rows] = []
        waiting: dict[bytes, tuple[Part, Place]] = {}
        places: dict[bytes, int] = {}  # without a store: of the rows by digest
        with progress_bar(self.progress, total=len(sources), unit=" images") as bar:
            for number, read in self._read_ahead(sources, views):
                if bar is not None:
                    bar.update(1)
                if read.damage:
                    if strict:
                        raise ValueError(read.damage)
                    damaged[number] = read.damage
                    continue
                digests.append(read.digests)
                kept.append(number)
                for view, digest, part in zip(views, read.digests, read.parts, strict=True):
                    if part is not None and digest not in places:
                        waiting[digest] = part, view.place
                    if len(waiting) == self.batch_size:
                        self._compute(waiting, rows, places)
            if waiting:
                self._compute(waiting, rows, places)
        if damaged:
            shown = "; ".join(list(damaged.values())[:_SHOWN]) + ("; ..." if len(damaged) > _SHOWN else "")
            if not kept:
                raise ValueError(f"AlexNetFeatures: every image is damaged: {shown}")
            text = f"AlexNetFeatures: {len(damaged)} of {len(sources)} images are damaged and skipped: {shown}"
            warn_caller(text)
        in_order = [digest for of_image in digests for digest in of_image]
        if self.store is not None:
            features = self.store.rows(in_order)
        else:
            features = np.concatenate(rows)[[places[digest] for digest in in_order]]
        return Extracted(features, np.repeat(np.array(kept, np.int64), len(views)), damaged)

    def _compute(self, waiting: dict[bytes, tuple[Part, Place]], rows: list[Rows], places: dict[bytes, int]) -> None:
        """Features of the parts that wait, into the store or behind `rows`."""
        parts = np.stack([part for part, _ in waiting.values()])
        prepared = np.empty(parts.shape, np.float32)
        lay = [place for _, place in waiting.values()]
        self.weights.description.preprocessing.apply(parts, self.weights.mean_image, prepared, lay)
        found = self._forward(prepared)
        if self.store is not None:
            self.store.add(list(waiting), found)
        else:
            for digest in waiting:
                places[digest] = len(places)
            rows.append(found)
        waiting.clear()

    def _read_ahead(
        self, sources: Sequence[Path] | NDArray[np.uint8], views: Sequence[View]
    ) -> Iterator[tuple[int, _Read]]:
        """The images with their numbers, read by other threads at most two batches ahead."""
        if self.store is not None:
            self.store.refresh()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="decode")
        ahead: deque[tuple[int, Future[_Read]]] = deque()
        most = max(1, 2 * self.batch_size // len(views))
        try:
            for number, source in enumerate(sources):
                ahead.append((number, pool.submit(self._read, source, views)))
                if len(ahead) > most:
                    number, read = ahead.popleft()
                    yield number, read.result()
            while ahead:
                number, read = ahead.popleft()
                yield number, read.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, source: Path | NDArray[np.uint8], views: Sequence[View]) -> _Read:
        known = {} if self.store is None else self.store.known
        preprocessing, crop = self.weights.description.preprocessing, self.weights.form.image
        if isinstance(source, np.ndarray):
            data = f"pixels{source.shape}".encode() + source.tobytes()
        else:
            data = source.read_bytes()
        digests = tuple(hashlib.sha256(data + view.key).digest() for view in views)
        wanted = [view for view, digest in zip(views, digests, strict=True) if digest not in known]
        try:
            if not wanted:
                parts: list[Part] = []
            elif isinstance(source, np.ndarray):
                parts = views_of_array(np.ascontiguousarray(source), preprocessing, crop, wanted)
            else:
                parts = decode_views(data, str(source), preprocessing, crop, wanted)
        except ValueError as error:
            return _Read(digests, (), str(error))
        made = dict(zip(wanted, parts, strict=True))
        return _Read(digests, tuple(made.get(view) for view in views))
