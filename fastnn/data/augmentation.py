"""Random augmentation of images that depends on the sample and the epoch, not on the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import kernels
from fastnn.checks import as_array, choice, number, whole
from fastnn.data.transforms import affine_maps, cutout_boxes, elastic_fields, sample_uniforms
from fastnn.decisions.axes import advice, looks_channels_last, same_axes
from fastnn.kernels.signature import SOURCE_DTYPES
from fastnn.random import Purpose

Array = NDArray[Any]

FLIPS = ("none", "horizontal", "vertical", "both")
_NOISE = int(Purpose.AUGMENT) + (1 << 16)  # the purpose of the random words that noise is made of


@dataclass(frozen=True)
class Augmentation:
    """Random augmentation of images; a sample looks different in every epoch.

    An image is flipped, cropped, scaled, rotated, shifted and deformed elastically, in this order. All of this is one
    resampling (bilinear, with zeros outside the image). Then noise is added and a square is set to zero.

    Parameters
    ----------
    shift : int
        The largest shift along an axis, in whole pixels.
    rotate : float
        The largest angle of rotation about the centre in either direction, in degrees.
    scale : float, at least 0 and below 1
        Images are enlarged or reduced by a factor in 1 - scale ... 1 + scale.
    elastic : float
        Images are deformed by a smooth field; this is the largest displacement of its control points, in pixels.
    flip : {"none", "horizontal", "vertical", "both"}
        The direction in which an image is mirrored with probability 1/2; "both" decides for each direction separately.
    crop : float, above 0 and at most 1
        The smallest side of the part of an image that is enlarged to the whole image, as a fraction of the image's
        side. 1 switches cropping off.
    noise : float
        The standard deviation of the noise of each pixel, in the unit of the pixels (0 ... 255 for uint8).
    cutout : int
        The side in pixels of a square that is set to zero. Its centre lies in the image, so part of it may be outside.
    seed : int, 0 <= seed < 2**64
    shape : (H, W) or (C, H, W), optional
        The shape of an image, if images are given as rows of pixels.

    Raises
    ------
    TypeError
        If an argument is not a number of the right type.
    ValueError
        If an argument is out of range.

    Notes
    -----
    The transform is a function of the seed, the epoch and the number of the sample alone. The elastic field is a cubic
    B-spline over 7 x 7 control points, whose displacements are uniform, after P. Simard, D. Steinkraus and J. Platt,
    "Best practices for convolutional neural networks applied to visual document analysis", ICDAR 2003. Cutout follows
    T. DeVries and G. Taylor, arXiv:1708.04552. Noise is a sum of four random bytes: its distribution is close to normal
    and ends at 3.46 standard deviations.

    Examples
    --------
    >>> import fastnn
    >>> images, labels = fastnn.data.glyphs(100)
    >>> augment = fastnn.data.Augmentation(shift=2, rotate=10, noise=5)
    >>> augment(images).shape, augment(images).dtype
    ((100, 28, 28), dtype('uint8'))
    >>> bool((augment(images, epoch=3)[40] == augment(images[40:41], [40], epoch=3)[0]).all())
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
        """Check the arguments."""
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
                raise ValueError(f"Augmentation: shape: expected (H, W) or (C, H, W), got {self.shape!r}")
            object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))

    def __call__(self, images: ArrayLike, samples: ArrayLike | None = None, *, epoch: int = 0) -> Array:
        """Augment images.

        Parameters
        ----------
        images : array_like, shape (N, H, W) or (N, C, H, W), or (N, D) if `shape` is given, real
        samples : array_like, shape (N,), int, optional
            The numbers of the samples; by default 0 ... N - 1.
        epoch : int, 0 <= epoch < 2**32

        Returns
        -------
        ndarray, shape and dtype of the images
            Integers are rounded to the nearest, halves to even. Noise does not leave the range of an integer dtype
            (0 ... 255 for uint8).

        Raises
        ------
        ValueError
            If the arrays do not have these shapes.
        TypeError
            If the images are not real numbers.
        """
        given = as_array("Augmentation", "images", images)
        if given.dtype.str[1:] not in SOURCE_DTYPES:
            raise TypeError(f"Augmentation: images: expected uint8, another integer or a float type, got {given.dtype}")
        c, h, w = self.image_shape(given.shape[1:])
        chosen = np.arange(len(given)) if samples is None else np.asarray(samples)
        if chosen.shape != (len(given),):
            raise ValueError(f"Augmentation: samples: expected shape ({len(given)},), got {chosen.shape}")
        source = np.ascontiguousarray(given, given.dtype.newbyteorder("=")).reshape(-1, c, h, w)
        out = np.empty(source.shape, np.float64 if source.dtype.itemsize >= 4 and source.dtype != "f4" else np.float32)
        self.write(source, None, chosen, epoch, out)
        if source.dtype.kind in "iu":
            out = np.rint(out, out=out)
        return out.reshape(given.shape).astype(source.dtype, copy=False)

    def write(
        self, source: Array, index: NDArray[np.int64] | None, samples: NDArray[np.int64], epoch: int, out: Array
    ) -> None:
        """Write augmented images to an array, without rounding.

        Parameters
        ----------
        source : (R, C, H, W), C-contiguous
        index : (N,) int64 or None
            The images to augment are ``source[index]``; None: all of them.
        samples : (N,) int
            The numbers of the samples.
        epoch : int
        out : (N, C, H, W), float32 or float64, written

        Raises
        ------
        ValueError
            If the arrays do not have these shapes, or an index is not that of an image.
        """
        if index is not None and len(index) and not 0 <= index.min() <= index.max() < len(source):
            raise ValueError(
                f"Augmentation: index: expected numbers from 0 to {len(source) - 1}, got {index.min()} to {index.max()}"
            )
        count = len(source) if index is None else len(index)
        if not len(samples) == len(out) == count:
            raise ValueError(
                f"Augmentation: samples, out: expected {count} of each, one for each image, "
                f"got {len(samples)} and {len(out)}"
            )
        h, w = source.shape[2:]
        dtype = out.dtype
        uniform = sample_uniforms(self.seed, epoch, samples)
        maps = affine_maps(
            uniform, h, w, shift=self.shift, rotate=self.rotate, scale=self.scale, crop=self.crop, flip=self.flip
        )
        fields = elastic_fields(self.seed, epoch, samples, self.elastic, h, w) if self.elastic else None
        elastic = (None, None, None) if fields is None else tuple(part.astype(dtype) for part in fields)
        kernels.get("warp_images")(source, index, maps.astype(dtype), *elastic, out)
        if self.noise or self.cutout:
            low, high = -math.inf, math.inf
            if source.dtype.kind in "iu":
                info = np.iinfo(source.dtype)
                low = float(info.min)
                high = float(np.nextafter(dtype.type(info.max), 0) if info.bits > 32 else info.max)
            boxes = cutout_boxes(uniform, self.cutout, h, w) if self.cutout else None
            sample_numbers = np.ascontiguousarray(samples, np.int64)
            seed = self.seed % 2**32, self.seed >> 32
            kernels.get("noise_cutout")(out, sample_numbers, boxes, epoch, self.noise, low, high, *seed, _NOISE)

    def image_shape(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """Return the channels, height and width of samples of that shape.

        Raises
        ------
        ValueError
            If the samples are not images, are not of the `shape` of the augmentation, or seem to have their channels
            last and there is no `shape`.
        """
        found = tuple(shape)
        if self.shape is not None:
            if not same_axes(found, tuple(self.shape)):
                hint = advice(found, tuple(self.shape))
                raise ValueError(f"Augmentation: shape is {self.shape}, but the samples have shape {found}{hint}")
            found = tuple(self.shape)
        elif looks_channels_last(found):
            raise ValueError(
                f"Augmentation: images: expected (N, H, W) or (N, C, H, W), got samples of shape {found}, whose "
                "channels seem to come last; np.moveaxis(images, -1, 1) brings them to the front, and "
                f"shape={found} says that there are {found[0]} channels"
            )
        if len(found) == 2:
            found = (1, *found)
        if len(found) != 3 or 0 in found:
            raise ValueError(
                f"Augmentation: images: expected (N, H, W) or (N, C, H, W), got samples of shape {tuple(shape)}; "
                "shape=(H, W) says how rows of pixels are laid out"
            )
        return found
