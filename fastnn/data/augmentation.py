"""Random distortions of images, the same for a sample and an epoch wherever it stands in a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import kernels
from fastnn.checks import choice, number, whole
from fastnn.data.transforms import NOISE, draw

__all__ = ["FLIPS", "Augmentation"]

Array = NDArray[Any]

FLIPS = ("none", "horizontal", "vertical", "both")
_READ = frozenset(["f4", "f8", "u1", "i1", "u2", "i2", "i4", "i8"])  # dtypes that the kernel reads


@dataclass(frozen=True)
class Augmentation:
    """Random distortions of images; every sample gets others in every epoch.

    In this order an image is flipped, a piece of it is cropped, it is scaled, rotated, shifted and bent, all in one
    resampling (bilinear, zeros outside); then noise is added and a square cut out.

    Parameters
    ----------
    shift : int
        Up to so many whole pixels each way.
    rotate : float
        Up to so many degrees each way, about the middle.
    scale : float, at least 0 and below 1
        Enlarged or made smaller by a factor in 1 - scale ... 1 + scale.
    elastic : float
        Bent by a smooth field whose control points are up to so many pixels off.
    flip : {"none", "horizontal", "vertical", "both"}
        Mirrored, left to right or upside down, in half of the cases (each).
    crop : float, above 0 and at most 1
        A piece whose sides are this share of the image's, or more, becomes the whole image; 1: no crop.
    noise : float
        Standard deviation of the noise of each pixel, in the images' own unit (of 255 for bytes).
    cutout : int
        Side in pixels of a square that is set to zero; its middle lies in the image, it may reach beyond.
    seed : int, 0 <= seed < 2**64
    shape : (H, W) or (C, H, W), optional
        Of an image, for images that come as rows of pixels.

    Raises
    ------
    TypeError, ValueError
        If a number is not of its kind or out of its range.

    Notes
    -----
    The distortion is a function of the seed, the epoch and the sample's number alone. The field of
    `elastic` is a cubic B-spline over 7 x 7 control points, each uniform, after P. Simard, D. Steinkraus and J. Platt,
    "Best practices for convolutional neural networks applied to visual document analysis", ICDAR 2003. Cutout after T.
    DeVries and G. Taylor, arXiv:1708.04552. Noise is the sum of four random bytes: near to normal, at most 3.46
    standard deviations.

    Examples
    --------
    >>> import fastnn
    >>> images, labels = fastnn.data.glyphs(100)
    >>> distort = fastnn.data.Augmentation(shift=2, rotate=10, noise=5)
    >>> distort(images).shape, distort(images).dtype
    ((100, 28, 28), dtype('uint8'))
    >>> bool((distort(images, epoch=3)[40] == distort(images[40:41], [40], epoch=3)[0]).all())
    True
    """

    shift: int = 0
    rotate: float = 0.0
    scale: float = 0.0
    elastic: float = 0.0
    flip: str = "none"
    crop: float = 1.0
    noise: float = 0.0
    cutout: int = 0
    seed: int = 0
    shape: Sequence[int] | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        checked: dict[str, float] = {
            "shift": whole("Augmentation", "shift", self.shift, at_least=0, at_most=2**15),
            "cutout": whole("Augmentation", "cutout", self.cutout, at_least=0, at_most=2**15),
            "seed": whole("Augmentation", "seed", self.seed, at_least=0, below=2**64),
            "rotate": number("Augmentation", "rotate", self.rotate, at_least=0),
            "scale": number("Augmentation", "scale", self.scale, at_least=0, below=1),
            "elastic": number("Augmentation", "elastic", self.elastic, at_least=0),
            "crop": number("Augmentation", "crop", self.crop, above=0, at_most=1),
            "noise": number("Augmentation", "noise", self.noise, at_least=0),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        choice("Augmentation", "flip", self.flip, FLIPS)
        if self.shape is not None:
            if len(self.shape) not in (2, 3) or any(int(side) < 1 for side in self.shape):
                raise ValueError(f"Augmentation: shape must be (H, W) or (C, H, W), got {self.shape!r}")
            object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))

    def __call__(self, images: ArrayLike, samples: ArrayLike | None = None, *, epoch: int = 0) -> Array:
        """Distort images.

        Parameters
        ----------
        images : (N, H, W), (N, C, H, W), or (N, D) where `shape` says how they are laid out; any real dtype
        samples : (N,) int, optional
            The samples' numbers; default 0 ... N - 1.
        epoch : int, 0 <= epoch < 2**32

        Returns
        -------
        ndarray, shape and dtype of the images
            Whole numbers are rounded to the nearest, halves to even, and noise does not leave the range of their type
            (0 ... 255 for uint8).

        Raises
        ------
        ValueError, TypeError
            If the images are none, or the samples' numbers do not fit them.
        """
        given = np.asarray(images)
        if given.dtype.kind not in "fiu" or given.dtype.str[1:] not in _READ:
            raise TypeError(f"Augmentation: images must be uint8, another integer or float type, got {given.dtype}")
        c, h, w = self.image_shape(given.shape[1:])
        numbers_of = np.arange(len(given)) if samples is None else np.asarray(samples)
        if numbers_of.shape != (len(given),):
            raise ValueError(f"Augmentation: samples must have shape ({len(given)},), got {numbers_of.shape}")
        source = np.ascontiguousarray(given, given.dtype.newbyteorder("=")).reshape(-1, c, h, w)
        out = np.empty(source.shape, np.float64 if source.dtype.itemsize >= 4 and source.dtype != "f4" else np.float32)
        self.write(source, None, numbers_of, epoch, out)
        if source.dtype.kind in "iu":
            out = np.rint(out, out=out)
        return out.reshape(given.shape).astype(source.dtype, copy=False)

    def write(
        self, source: Array, index: NDArray[np.int64] | None, samples: NDArray[np.int64], epoch: int, out: Array
    ) -> None:
        """Distort images ``source[index]``, or all, into `out`, unrounded.

        Parameters
        ----------
        source : (R, C, H, W), C-contiguous
        index : (N,) int64 or None
        samples : (N,) int
            The samples' numbers.
        epoch : int
        out : (N, C, H, W), float32 or float64, written
        """
        how = draw(self, samples, epoch, *source.shape[2:])
        dtype = out.dtype
        control = None if how.control is None else how.control.astype(dtype)
        basis = (None, None) if how.basis is None else tuple(part.astype(dtype) for part in how.basis)
        kernels.get("warp_images")(source, index, how.place.astype(dtype), control, *basis, out)
        low, high = -math.inf, math.inf
        if source.dtype.kind in "iu":
            info = np.iinfo(source.dtype)
            low, high = float(info.min), float(np.nextafter(dtype.type(info.max), 0) if info.bits > 32 else info.max)
        if self.noise or how.box is not None:
            numbers_of = np.ascontiguousarray(samples, np.int64)
            seed = self.seed % 2**32, self.seed >> 32
            kernels.get("noise_cutout")(out, numbers_of, how.box, epoch, self.noise, low, high, *seed, int(NOISE))

    def image_shape(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """Channels, rows and columns of samples of that shape.

        Raises
        ------
        ValueError
            If they are no images, or not of the augmentation's `shape`.
        """
        found = tuple(shape)
        if self.shape is not None:
            if math.prod(found) != math.prod(self.shape):
                raise ValueError(f"Augmentation: shape is {self.shape}, but the samples have shape {found}")
            found = tuple(self.shape)
        if len(found) == 2:
            found = (1, *found)
        if len(found) != 3 or 0 in found:
            raise ValueError(
                f"Augmentation: expected images (N, H, W) or (N, C, H, W), got samples of shape {tuple(shape)}; "
                "shape=(H, W) says how rows of pixels are laid out"
            )
        return found
