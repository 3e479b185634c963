"""Image files made for tests of what such files leave open."""

import io

import numpy as np
from PIL import Image

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What is done to an upright image before it is stored with this orientation."""


def encoded(image, format="PNG", **options):
    """Return the content of an image file."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def grey(value=None, shape=(6, 5), seed=0):
    """Return a grey image: random, or of one value."""
    pixels = np.random.default_rng(seed).integers(0, 256, shape) if value is None else np.full(shape, value)
    return Image.fromarray(pixels.astype(np.uint8))


def strokes(value, mode="LA", shape=(8, 8)):
    """Return an image that is transparent but for a cross of one grey value, black where it is transparent."""
    opaque = np.zeros(shape, np.uint8)
    opaque[3] = opaque[:, 4] = 255
    channel = np.where(opaque, value, 0).astype(np.uint8)
    return Image.fromarray(np.stack([channel] * (len(mode) - 1) + [opaque], axis=-1), mode)


def write(path, content):
    """Write a file and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
