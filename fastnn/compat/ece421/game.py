"""Guess a letter: a person against a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.compat.arguments import Array

__all__ = ["playGame"]

_SHADES = " .:-=+*#%@"


def playGame(
    model: Any,
    testData: ArrayLike,
    testTarget: ArrayLike,
    rounds: int = 10,
    *,
    letters: Sequence[str] = "ABCDEFGHIJ",
    ask: Callable[[str], str] = input,
) -> tuple[int, int]:
    """Show letters of a test set in characters, and let a person and a network say which they are.

    Parameters
    ----------
    model : object
        ``model.predict(x)`` gives probabilities (N, C), as that of `buildGraph`, or classes (N,), as a `Sequential`.
    testData : (N, H, W) array
        Images from which the letters are drawn by NumPy's global generator; bright is foreground.
    testTarget : (N,) array of int, or (N, C) one-hot rows
    rounds : int
        At most so many letters; an empty answer ends the game.
    letters : sequence of str
        The answers, by class.
    ask : callable
        Shows a question and returns the answer.

    Returns
    -------
    person, network : int
        How often each of the two was right.

    Raises
    ------
    ValueError
        If there are no images or not as many targets, or a target is no class.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.ece421 import playGame
    >>> class Network:
    ...     def predict(self, x):
    ...         return np.full(len(x), 1)
    >>> playGame(Network(), np.eye(4)[np.newaxis], [1], 1, letters="AB", ask=lambda question: "a")
    @@
      @@
        @@
          @@
    A? No, this is B. The network says B.
    You 0, the network 1 of 1.
    (0, 1)
    """
    images, targets = np.asarray(testData), np.asarray(testTarget)
    labels = targets.argmax(axis=1) if targets.ndim == 2 else targets
    if images.ndim != 3 or len(images) == 0 or labels.shape != (len(images),):
        raise ValueError(
            f"playGame: expected images (N, H, W) and their targets, got {images.shape} and {targets.shape}"
        )
    if labels.min() < 0 or labels.max() >= len(letters):
        raise ValueError(f"playGame: testTarget: expected classes from 0 to {len(letters) - 1}")
    whole("playGame", "rounds", rounds, at_least=0)
    person = network = played = 0
    for place in np.random.permutation(len(images))[:rounds]:
        print(_drawn(images[place]))
        answer = ask(f"Which letter is this ({letters[0]} to {letters[-1]}, nothing to stop)? ").strip().upper()
        if not answer:
            break
        output = np.asarray(model.predict(images[place : place + 1]))
        guess = int(output[0].argmax() if output.ndim == 2 else output[0])
        truth = int(labels[place])
        played += 1
        person += answer == letters[truth]
        network += guess == truth
        verdict = "Yes" if answer == letters[truth] else "No"
        print(f"{answer}? {verdict}, this is {letters[truth]}. The network says {letters[guess]}.")
    print(f"You {person}, the network {network} of {played}.")
    return person, network


def _drawn(image: Array) -> str:
    """An image in characters, two for each pixel, so that it keeps its shape."""
    low, high = float(image.min()), float(image.max())
    levels = (image - low) / (high - low if high > low else 1.0) * (len(_SHADES) - 1)
    return "\n".join("".join(2 * _SHADES[round(float(v))] for v in row).rstrip() for row in levels)
