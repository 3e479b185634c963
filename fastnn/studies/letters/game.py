"""A page on which one plays against a network: who reads the letter?"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import optim, random
from fastnn.layers import Dense, ReLU
from fastnn.model import Sequential
from fastnn.random import Purpose
from fastnn.studies.letters.images import sets
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import train

_TEMPLATE = Path(__file__).with_name("guess.html")


def game(run: Run, sizes: tuple[int, int, int], hidden: int, epochs: int, batch: int, shown: int) -> Found:
    """Report E shows a test letter and asks what it is. Here the reader plays against a network, in a page of its own.

    The network has {hidden} hidden units and is trained by Adam for {epochs} epochs in batches of {batch}. The page
    contains it and {shown} test letters, and answers for a letter that one draws as well. It needs no connection.
    """
    data = sets(run, sizes)
    layers = [Dense(hidden, init="he_normal"), ReLU(), Dense(len(run.data.class_names))]
    model = Sequential(layers, input_shape=data[""][0].shape[1:], input_scale=run.data.scale, seed=run.seed)
    train(model, data, optimizer=optim.Adam(1e-3), epochs=epochs, batch_size=batch, seed=run.seed)
    x, labels = data["test"]
    some = random.permutation(run.seed, Purpose.SPLIT, 1, len(labels))[:shown]
    return {
        "parameters": {name: values.copy() for name, values in model.parameters.items()},
        "letters": np.asarray(x)[some], "labels": labels[some], "predicted": model.predict(x[some]),
        "names": [str(name) for name in run.data.class_names], "scale": float(run.data.scale),
        "test": model.evaluate(x, labels)["accuracy"],
    }  # fmt: skip


def show_game(page: Page, found: Found) -> None:
    """Show the accuracy and write the page."""
    page.compare([("test accuracy of the network in the page", None, float(found["test"]))])
    text = game_page(found["parameters"], found["letters"], found["labels"], found["predicted"], found["names"],
                     scale=found["scale"],
                     about=f"A network with one hidden layer reads {found['test']:.1%} of the test letters rightly. "
                     "Do you?")  # fmt: skip
    page.file("guess-the-letter.html", text, "The page to play on:")


def game_page(
    parameters: dict[str, Any],
    letters: ArrayLike,
    labels: ArrayLike,
    predicted: ArrayLike,
    names: Sequence[str],
    *,
    scale: float,
    about: str,
) -> str:
    """Return a page of HTML and JavaScript with a network of two dense layers and ReLU in it, and letters to read.

    Parameters
    ----------
    parameters : dict of str to array
        ``dense1.w`` (D, K), ``dense1.b`` (K,), ``dense2.w`` (K, C) and ``dense2.b`` (C,), as `Sequential.parameters`.
    letters : (N, D) array_like, uint8
        Square grey images as rows, with values of 0 to 255.
    labels, predicted : (N,) array_like of int
        The true classes, and those that the network gives, by which the page checks itself.
    names : sequence of C str
    scale : float
        Factor of the pixels.
    about : str
        The first sentence of the page.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the letters are not uint8.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.studies.letters.game import game_page
    >>> rng = np.random.default_rng(0)
    >>> shapes = {"dense1.w": (784, 5), "dense1.b": 5, "dense2.w": (5, 2), "dense2.b": 2}
    >>> parameters = {name: rng.random(shape) for name, shape in shapes.items()}
    >>> text = game_page(parameters, np.zeros((3, 784), np.uint8), [0, 1, 0], [0, 0, 0], "AB", scale=1 / 255, about="?")
    >>> text.startswith("<!DOCTYPE html>")
    True
    """
    images = np.asarray(letters)
    w1, b1, w2, b2 = (np.asarray(parameters[f"dense{k}.{kind}"], "<f4") for k in (1, 2) for kind in "wb")
    side = round(len(w1) ** 0.5)
    each = len(images) == len(np.asarray(labels)) == len(np.asarray(predicted))
    fits = [w1.shape == (side * side, b1.size), w2.shape == (b1.size, len(names)), b2.shape == (len(names),),
            images.shape[1:] == (len(w1),), each]  # fmt: skip
    if images.dtype != np.uint8 or not all(fits):
        raise ValueError(
            "game_page: expected two dense layers of square images, and letters (N, D) uint8 with a label and a "
            f"prediction each, got weights {w1.shape} and {w2.shape}, {len(names)} names, letters {images.shape} "
            f"{images.dtype}"
        )
    data = {
        "about": about, "side": side, "hidden": b1.size, "names": list(names), "scale": scale,
        "w1": _text(w1), "b1": _text(b1), "w2": _text(w2), "b2": _text(b2), "letters": _text(images),
        "labels": np.asarray(labels).tolist(), "predicted": np.asarray(predicted).tolist(),
    }  # fmt: skip
    written = json.dumps(data).replace("</", "<\\/")  # a name cannot end the script
    return _TEMPLATE.read_text(encoding="utf-8").replace("/*DATA*/null", written)


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
