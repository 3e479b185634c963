"""Convolution by hand: one mask on one image, and masks that find edges.

`true_convolution` rotates its mask by 180°, as in mathematics; `mask_response` (correlation) does not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn.functional.checks import Array, real_array, refuse_cache
from fastnn.functional.convolution import ConvCache, conv_backward, conv_forward


def derivative_mask(dtype: DTypeLike = "float64") -> NDArray[Any]:
    """The mask G[-1] = ½, G[1] = -½ along columns: a central difference.

    Parameters
    ----------
    dtype : dtype

    Returns
    -------
    (1, 3) array

    Raises
    ------
    TypeError
        If `dtype` is not a dtype.

    Notes
    -----
    `true_convolution` with it gives ``(I[y, x + 1] - I[y, x - 1]) / 2``.

    Examples
    --------
    >>> from fastnn import functional as F
    >>> F.derivative_mask()
    array([[ 0.5,  0. , -0.5]])
    """
    return np.array([[0.5, 0.0, -0.5]], dtype)


def prewitt_mask(dtype: DTypeLike = "float64") -> NDArray[Any]:
    """Prewitt's mask Gx: the derivative along columns, summed over three rows.

    Parameters
    ----------
    dtype : dtype

    Returns
    -------
    (3, 3) array
        The mask for `mask_response_forward`, whose response is positive where the image becomes brighter to the right.
        Its negative is the mask for `true_convolution`; its transpose is the mask for the derivative along rows.

    Raises
    ------
    TypeError
        If `dtype` is not a dtype.

    Notes
    -----
    Prewitt, "Object enhancement and extraction", in Picture Processing and Psychopictorics, 1970.

    Examples
    --------
    >>> from fastnn import functional as F
    >>> F.prewitt_mask()
    array([[-1.,  0.,  1.],
           [-1.,  0.,  1.],
           [-1.,  0.,  1.]])
    """
    return np.tile(np.array([-1.0, 0.0, 1.0], dtype), (3, 1))


def true_convolution(image: ArrayLike, mask: ArrayLike) -> Array:
    """Convolution as in mathematics, ``R[y, x] = Σ G[i, j] I[y - i, x - j]``, which rotates the mask by 180°.

    Parameters
    ----------
    image : (..., H, W) array, float32 or float64
        The image, which counts as zero outside its edges.
    mask : (R, S) array of the dtype of image, R and S odd
        The mask, whose middle element is G[0, 0].

    Returns
    -------
    (..., H, W) array

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If image has fewer than two axes, or mask is not a matrix with a middle element.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.true_convolution(np.array([[0.0, 1.0, 4.0, 9.0, 16.0]]), F.derivative_mask())[0, 1:-1]
    array([2., 4., 6.])
    """
    name = "true_convolution"
    picture = real_array(name, "image", image)
    kernel = real_array(name, "mask", mask, ("image", picture))
    if picture.ndim < 2 or 0 in picture.shape[-2:]:
        raise ValueError(f"{name}: image must be (..., H, W), got {picture.shape}")
    if kernel.ndim != 2 or kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        raise ValueError(f"{name}: mask must be (R, S) with R and S odd, got {kernel.shape}")
    turned = kernel[None, None, ::-1, ::-1]
    flat = picture.reshape(-1, 1, *picture.shape[-2:])
    out, _ = conv_forward(flat, turned, pad=(kernel.shape[0] // 2, kernel.shape[1] // 2))
    return out.reshape(picture.shape)


class MaskCache(NamedTuple):
    """What `mask_response_backward` needs; its contents are private."""

    origin: str
    conv: ConvCache


def mask_response_forward(image: ArrayLike, masks: ArrayLike, *, stride: int = 1) -> tuple[Array, MaskCache]:
    """Correlate an image with a set of masks, one for each channel, without padding.

    Parameters
    ----------
    image : (C, X, Y) array, float32 or float64
        The image I; the first index within a channel is x.
    masks : (C, A, B) array of the dtype of image
        G, one mask for each channel.
    stride : int
        Pixels s from one position to the next in both directions, at least 1.

    Returns
    -------
    response : (P, Q) array
        ``R[i, j] = Σ_c Σ_xy I_c[s i + x, s j + y] G_c[x, y]``.
    cache : MaskCache
        For `mask_response_backward`.

    Raises
    ------
    TypeError, ValueError
        If an array has a wrong dtype or shape, or a mask is larger than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> image = np.arange(16.0).reshape(1, 4, 4)
    >>> response, _ = F.mask_response_forward(image, np.ones((1, 2, 2)), stride=2)
    >>> response
    array([[10., 18.],
           [42., 50.]])
    """
    name = "mask_response_forward"
    picture = real_array(name, "image", image)
    mask = real_array(name, "masks", masks, ("image", picture))
    if picture.ndim != 3 or picture.size == 0:
        raise ValueError(f"{name}: image must be (C, X, Y), got {picture.shape}")
    if (
        mask.ndim != 3
        or mask.size == 0
        or len(mask) != len(picture)
        or any(m > n for m, n in zip(mask.shape[1:], picture.shape[1:], strict=True))
    ):
        raise ValueError(
            f"{name}: masks must be (C, A, B), one for each channel and not larger than the image, got {mask.shape} "
            f"(image: {picture.shape})"
        )
    out, cache = conv_forward(picture[None], mask[None], stride=stride)
    return out[0, 0], MaskCache(name, cache)


def mask_response_backward(dresponse: ArrayLike, cache: MaskCache) -> tuple[Array, Array]:
    """Gradients of `mask_response_forward`.

    Parameters
    ----------
    dresponse : (P, Q) array of the dtype of image
        Gradient of the loss L with respect to the response, ∂L/∂R.
    cache : MaskCache
        From `mask_response_forward`.

    Returns
    -------
    dimage : (C, X, Y) array
        ``∂L/∂I_c[u, v] = Σ_ij ∂L/∂R[i, j] G_c[u - s i, v - s j]``.
    dmasks : (C, A, B) array
        ``∂L/∂G_c[x, y] = Σ_ij ∂L/∂R[i, j] I_c[s i + x, s j + y]``.

    Raises
    ------
    TypeError, ValueError
        If dresponse or cache does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> response, cache = F.mask_response_forward(np.ones((1, 3, 3)), np.array([[[1.0, 2.0]]]), stride=2)
    >>> dimage, dmasks = F.mask_response_backward(np.ones_like(response), cache)
    >>> dimage[0]
    array([[1., 2., 0.],
           [0., 0., 0.],
           [1., 2., 0.]])
    """
    name = "mask_response_backward"
    if not isinstance(cache, MaskCache):
        refuse_cache(name, "mask_response_forward", cache)
    gradient = real_array(name, "dresponse", dresponse, ("the image", cache.conv.x))
    if gradient.shape != cache.conv.window.count:
        raise ValueError(
            f"{name}: dresponse must have the shape of the response, {cache.conv.window.count}, got {gradient.shape}"
        )
    dimage, dmasks, _ = conv_backward(gradient[None, None], cache.conv)
    return dimage[0], dmasks[0]
