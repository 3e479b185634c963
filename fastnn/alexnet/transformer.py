"""`AlexNetFeatures`: features of images as a scikit-learn transformer."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from fastnn.alexnet.extraction import CUT, Extracted, Extractor
from fastnn.alexnet.loading import load_weights
from fastnn.alexnet.torch_device import CPU, PRECISIONS
from fastnn.alexnet.weights import Weights

__all__ = ["AlexNetFeatures"]


class AlexNetFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features of images from a trained AlexNet, for scikit-learn's pipelines.

    Parameters
    ----------
    weights : path-like or Weights
        A file for `load_weights`.
    cut : str, default "conv5.pool"
        The point whose values are the features: one of ``FORMS[...].cuts``.
    like : str, optional
        Who trained the weights, where their file does not tell, see `load_weights`.
    device : {"cpu", "cuda", "cuda:1", "torch-cpu"}, default "cpu"
        "cpu": fastnn's kernels; the others: PyTorch, on a GPU or on the processor.
    precision : {"float32", "bf16", "fp16"}, default "float32"
        Of PyTorch's products.
    batch_size : int, default 64
        Images that are computed at once; it bounds the memory.
    workers : int, optional
        Threads that decode images; by default as many as the kernels use.
    cache : bool or path-like, default True
        Where features are kept on disk, by weights, cut, preprocessing and content of the image: in the user's cache,
        nowhere, or in a folder. Several processes may use it, and one that was killed loses at most a batch.
    strict : bool, default False
        Whether a damaged image is an error.
    progress : bool, optional
        Whether to show a bar; by default on a terminal.

    Raises
    ------
    ValueError, TypeError, OSError, ImportError
        By `fit` and `transform`: if an argument does not fit, weights are damaged or missing, the device is not there,
        or PyTorch is needed and not installed.

    Notes
    -----
    Preprocessing belongs to the weights (`Preprocessing`). Of images of one channel all three are equal, what is
    transparent shows white, 16 bits are brought to 8, and EXIF's orientation is heeded. A pickle holds the path of the
    weights where `weights` is one.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.alexnet import AlexNetFeatures, Weights
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    >>> features = AlexNetFeatures(Weights.random(up_to="conv1"), "conv1.pool", cache=False)
    >>> features.fit_transform(images).shape
    (2, 46656)
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | Weights,
        cut: str = CUT,
        *,
        like: str | None = None,
        device: str = CPU,
        precision: str = PRECISIONS[0],
        batch_size: int = 64,
        workers: int | None = None,
        cache: bool | str | os.PathLike[str] = True,
        strict: bool = False,
        progress: bool | None = None,
    ) -> None:
        self.weights = weights
        self.cut = cut
        self.like = like
        self.device = device
        self.precision = precision
        self.batch_size = batch_size
        self.workers = workers
        self.cache = cache
        self.strict = strict
        self.progress = progress

    _made: tuple[Any, Extractor] | None = None  # from which parameters

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles hold: no compiled network."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_made"}

    def _extractor(self) -> Extractor:
        asked = (
            self.weights,
            self.cut,
            self.like,
            self.device,
            self.precision,
            self.batch_size,
            self.workers,
            self.cache,
            self.progress,
        )
        if self._made is None or self._made[0] != asked:
            weights = self.weights if isinstance(self.weights, Weights) else load_weights(self.weights, self.like)
            made = Extractor(
                weights,
                self.cut,
                device=self.device,
                precision=self.precision,
                batch_size=self.batch_size,
                workers=self.workers,
                cache=self.cache,
                progress=self.progress,
            )
            self._made = asked, made
        return self._made[1]

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the weights and check the arguments; nothing is learnt from images.

        Parameters
        ----------
        X : as for `transform`
        y : ignored
        """
        self._extractor()
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Features of images, a row for each.

        Parameters
        ----------
        X : path-like, sequence of path-like, or uint8 array (N, H, W), (N, H, W, 3) or (N, H, W, 4)
            A folder (see `image_files`), files, or pixels, red first.

        Returns
        -------
        (N, D) float32 array
            A read-only memory map where features are kept on disk. The row of a damaged image is NaN, unless
            `strict`, so that rows fit labels; a warning counts and names them, and `extract` leaves them out.
        """
        found = self.extract(X)
        if not found.damaged:
            return found.features
        rows = np.full((len(found.kept) + len(found.damaged), self._n_features_out), np.nan, np.float32)
        rows[found.kept] = found.features
        return rows

    def extract(self, X: Any) -> Extracted:
        """Features of the images that can be read, and which those are.

        Parameters
        ----------
        X : as for `transform`

        Returns
        -------
        Extracted
            features (N, D), kept (N,) int64 (``y[kept]`` are their labels), damaged.
        """
        return self._extractor()(X, strict=self.strict)

    @property
    def _n_features_out(self) -> int:
        return self._extractor().size

    def __sklearn_is_fitted__(self) -> bool:
        """Nothing is learnt."""
        return True
