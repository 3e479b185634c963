"""Decoding the image files of a set, all in one way, and joining them to one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.caller import warn_caller
from fastnn.data.image_tree import ClassFiles, FoundFile, ImageTree
from fastnn.data.images import ImageOptions, Picture, decode, upright_size
from fastnn.data.natural import natural_order
from fastnn.decisions import Decision
from fastnn.decisions.pictures import DEFAULT_BACKGROUND, common_size, first_frames
from fastnn.decisions.pictures import background as background_of
from fastnn.kernels.threads import get_num_threads


class DecodedFile(NamedTuple):
    """An image of a set, with its split, the name of its class and its file."""

    split: ClassFiles
    name: str
    file: FoundFile
    picture: Picture


def in_one_size(tree: ImageTree, options: ImageOptions) -> tuple[ImageOptions, tuple[Decision, ...]]:
    """Return the options with a size if files differ in theirs and may be brought to a common one."""
    if not options.common or options.size is not None:
        return options, ()
    first: tuple[int, int] | None = None
    for file in (file for split in tree.splits for files in split.files.values() for file in files):
        try:
            size = upright_size(file.content(), file.where)
        except ValueError:  # the file is damaged: reading it raises the error
            continue
        first = first or size
        if size != first:
            chosen, decision = common_size(first, size)
            return replace(options, size=chosen), (decision,)
    return options, ()


def decoded_pictures(
    tree: ImageTree, where: str, options: ImageOptions, skip_damaged: bool
) -> tuple[list[DecodedFile], tuple[Decision, ...]]:
    """Decode the files of all splits, which are read alike; classes and files in natural order.

    Parameters
    ----------
    tree : ImageTree
    where : str
        The beginning of the error messages.
    options : ImageOptions
    skip_damaged : bool
        Whether damaged files are left out and named in a warning.

    Raises
    ------
    ValueError, ImportError
        As for `fastnn.data.images.decode`, or if no background shows all images.
    """
    listed = [
        (split, name, file)
        for split in tree.splits
        for name in sorted(split.files, key=natural_order)
        for file in sorted(split.files[name], key=lambda file: natural_order(file.where))
    ]
    from concurrent.futures import ThreadPoolExecutor  # here, because it imports logging

    with ThreadPoolExecutor(get_num_threads()) as pool:
        decoded = list(pool.map(lambda item: _decode_one(item[2], options, skip_damaged), listed))
        decisions: tuple[Decision, ...] = ()
        clear = [k for k, found in enumerate(decoded) if isinstance(found, Picture) and found.transparent]
        if clear and options.background is None:
            lost = [found.lost_on for found in decoded if isinstance(found, Picture)]
            chosen, decision = background_of(len(clear), lost.count("white"), lost.count("black"), where)
            decisions = (*decisions, decision)
            if chosen != DEFAULT_BACKGROUND:
                again = replace(options, background=chosen)
                repainted = pool.map(lambda k: _decode_one(listed[k][2], again, skip_damaged), clear)
                for k, image in zip(clear, list(repainted), strict=True):
                    decoded[k] = image
    damaged = [found for found in decoded if isinstance(found, str)]
    if damaged:
        shown = "; ".join(damaged[:5]) + ("; ..." if len(damaged) > 5 else "")
        warn_caller(f"{where}: {len(damaged)} damaged files left out: {shown}")
    pictures = [
        DecodedFile(*item, found) for item, found in zip(listed, decoded, strict=True) if isinstance(found, Picture)
    ]
    frames = ["/".join(each.file.parts) for each in pictures if each.picture.has_frames]
    if frames:
        decisions = (*decisions, first_frames(frames))
    return pictures, decisions


def one_array(images: Sequence[NDArray[np.uint8]], where: str, *, in_colour: bool) -> NDArray[np.uint8]:
    """Join images (H, W) and (3, H, W) to one array, of colour if `in_colour` is true.

    Raises
    ------
    ValueError
        If they differ in size; `where` begins the message.
    """
    shapes = {image.shape[-2:] for image in images}
    if len(shapes) > 1:
        low, high = min(shapes), max(shapes)
        raise ValueError(
            f"{where}: images of {len(shapes)} sizes, {low[0]} x {low[1]} to {high[0]} x {high[1]}; "
            "give size= to resize them"
        )
    pixels: list[NDArray[Any]] = list(images)
    if in_colour:
        pixels = [image if image.ndim == 3 else np.broadcast_to(image, (3, *image.shape)) for image in pixels]
    return np.stack(pixels)


def _decode_one(file: FoundFile, options: ImageOptions, skip_damaged: bool) -> Picture | str:
    """Return the image, or the message of the error if it is damaged and may be skipped."""
    try:
        return decode(file.content(), file.where, options)
    except ValueError as error:
        if skip_damaged:
            return str(error)
        raise
