"""What a warm start or a further `partial_fit` takes over from the network that was trained before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastnn.model.sequential import Sequential

_FREE = ("seed", "task", "class_names", "dtype")  # entries of a model's description that do not make another network


def continued(owner: str, before: Sequential, now: Sequential) -> Sequential:
    """The network to train on: the one that was trained before, or the new one with its parameters.

    Parameters
    ----------
    owner : str
        The class of the estimator, which begins the message of an error.
    before : Sequential
        The network of the last fit.
    now : Sequential
        A network of the same estimator with the parameters that it has now.

    Returns
    -------
    Sequential
        `before` if the two have the same layers and dtype. If only layers without parameters differ (the activation,
        dropout), or the dtype does, `now` with the parameters and running statistics of `before`.

    Raises
    ------
    ValueError
        If the layers with parameters differ, or the shape of a sample: then there is nothing to go on from.
    """
    if _description(before) == _description(now) and before.dtype == now.dtype:
        return before
    arrays = [{**model.parameters, **model.state} for model in (before, now)]
    shapes = [{name: array.shape for name, array in found.items()} for found in arrays]
    if before.input_shape != now.input_shape or shapes[0] != shapes[1]:
        raise ValueError(
            f"{owner}: the network that was fitted before, {_in_words(before)}, is not of the layers that the "
            f"parameters ask for now, {_in_words(now)}, so that training cannot continue; use warm_start=False, or "
            "a clone of the estimator"
        )
    for name, array in arrays[1].items():
        array[...] = arrays[0][name]
    return now


@contextmanager
def unchanged_after_errors(estimator: Any) -> Iterator[None]:
    """A context in which an error leaves the estimator as it was before.

    Otherwise one whose second `fit` is refused would have the network of the first and the classes of the second.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _description(model: Sequential) -> dict[str, Any]:
    return {name: value for name, value in model.config().items() if name not in _FREE}


def _in_words(model: Sequential) -> str:
    layers = " → ".join(f"{type(layer).__name__}{layer.output_shape}" for layer in model.layers if layer.parameters)
    return f"{model.input_shape} → {layers}"
