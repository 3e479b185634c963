"""Convolution of an image with masks, max-pooling, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import functional as F
from fastnn import plots, random
from fastnn.random import Purpose
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run


def max_pool(image: Any, size: int) -> tuple[Any, Any]:
    """Return the maxima of size × size tiles and their positions in the image (of equal ones the first, row-major)."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    tiles = image[: rows * size, : columns * size].reshape(rows, size, columns, size).transpose(0, 2, 1, 3)
    flat = tiles.reshape(rows, columns, size * size)
    where = flat.argmax(axis=2)  # the first maximum
    top, left = np.meshgrid(np.arange(rows) * size, np.arange(columns) * size, indexing="ij")
    return flat.max(axis=2), np.stack([top + where // size, left + where % size])


def max_pool_backward(dout: Any, where: Any, shape: tuple[int, int]) -> Any:
    """Add the gradient of each maximum at the position of that maximum."""
    dimage = np.zeros(shape)
    np.add.at(dimage, tuple(where), dout)
    return dimage


def masks(run: Run) -> Found:
    """A derivative mask, Prewitt's mask, the strided response of a set of masks with its gradients, and max-pooling.

    The response is R[i, j] = Σ_c Σ_xy I_c[s i + x, s j + y] G_c[x, y]. Its gradients are sums over all positions,
    ∂L/∂G_c[x, y] = Σ_ij ∂L/∂R[i, j] I_c[s i + x, s j + y] and ∂L/∂I_c[u, v] = Σ_ij ∂L/∂R[i, j] G_c[u − s i, v − s j].
    The report prints them with the single term (i, j) = (0, 0). The numerical check tells the two apart.
    """
    images = run.data.test_images[:200] * run.data.scale
    image = images[int(np.argmax([picture.std() for picture in images]))].astype(np.float64)
    mask_response = F.true_convolution(image, F.prewitt_mask())
    pooled, where = max_pool(np.abs(mask_response), 2)
    back = max_pool_backward(np.ones_like(pooled), where, mask_response.shape)
    derivative = F.true_convolution(np.arange(5.0)[None] ** 2, F.derivative_mask())[0]
    return {
        "image": image, "response": mask_response, "pooled": pooled, "back": back,
        "derivative": derivative, "checks": _checks(run),
    }  # fmt: skip


def _checks(run: Run) -> list[tuple[str, float]]:
    """Relative errors against central differences, also those of the formulas with a single term."""
    stride = 2
    image = random.normal(run.seed, Purpose.INIT, 0, (2, 9, 9))
    mask = random.normal(run.seed, Purpose.INIT, 1, (2, 3, 3))
    response, cache = F.mask_response_forward(image, mask, stride=stride)
    d = random.normal(run.seed, Purpose.INIT, 2, response.shape)
    dimage, dmask = F.mask_response_backward(d, cache)
    one_image, one_mask = np.zeros_like(image), d[0, 0] * image[:, :3, :3]
    one_image[:, :3, :3] = d[0, 0] * mask

    def loss(i: Any, m: Any) -> float:
        return float((F.mask_response_forward(i, m, stride=stride)[0] * d).sum())

    by_image = _numeric(lambda i: loss(i, mask), image)
    by_mask = _numeric(lambda m: loss(image, m), mask)
    tiles = random.normal(run.seed, Purpose.INIT, 3, (6, 6))
    pooled, where = max_pool(tiles, 2)
    weight = random.normal(run.seed, Purpose.INIT, 4, pooled.shape)
    by_pool = _numeric(lambda t: float((max_pool(t, 2)[0] * weight).sum()), tiles)
    return [
        ("∂L/∂G, sum over positions", _error(dmask, by_mask)),
        ("∂L/∂I, sum over positions", _error(dimage, by_image)),
        ("∂L/∂G, a single term", _error(one_mask, by_mask)),
        ("∂L/∂I, a single term", _error(one_image, by_image)),
        ("max-pool", _error(max_pool_backward(weight, where, (6, 6)), by_pool)),
    ]


def _numeric(f: Any, x: Any, h: float = 1e-5) -> Any:
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[place] += h
        behind[place] -= h
        gradient[place] = (f(ahead) - f(behind)) / (2 * h)
    return gradient


def _error(analytic: Any, numeric: Any) -> float:
    return float(np.abs(analytic - numeric).max() / np.abs(numeric).max())


def show_masks(page: Page, found: Found) -> None:
    """Show the pictures and the checks."""
    page.table(["gradient", "relative error against central differences"], found["checks"])
    page.text(
        "A true convolution with the derivative mask G[-1] = ½, G[1] = -½ turns 0, 1, 4, 9, 16 into the central "
        f"differences, {', '.join(f'{v:g}' for v in np.asarray(found['derivative'])[1:-1])} away from the borders."
    )
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(9.6, 2.9), layout="constrained")
    for ax, (name, title) in zip(
        axes,
        (("image", "image"), ("response", "Prewitt response"), ("pooled", "max-pooled magnitude"),
         ("back", "where the gradient flows")),
        strict=True,
    ):  # fmt: skip
        plots.image_grid(np.asarray(found[name])[None], columns=1, ax=ax, title=title)
    page.figure("masks", figure, "An image, its response to Prewitt's Gx, the 2 × 2 maxima of its magnitude, and (in "
                "white) the pixels that receive the gradient of the pool: the first maximum of each tile.")  # fmt: skip
