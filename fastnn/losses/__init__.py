"""The losses that a model is trained on: value, gradient and number of right answers, in one pass over the data."""

from __future__ import annotations

from typing import Any, NoReturn

from fastnn.kernels.custom import names as custom_names
from fastnn.keywords import no_attribute
from fastnn.losses.base import Loss, Task
from fastnn.losses.classification import BinaryCrossEntropy, FocalCrossEntropy, MulticlassHinge, SoftmaxCrossEntropy
from fastnn.losses.custom import CustomLoss, CustomRowLoss
from fastnn.losses.regression import (
    HalfGammaDeviance,
    HalfPoissonDeviance,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    OutputwiseLoss,
    Quantile,
)
from fastnn.named import named, of_type

__all__ = [
    "ALIASES",
    "BY_TASK",
    "LOSSES",
    "BinaryCrossEntropy",
    "CustomLoss",
    "CustomRowLoss",
    "FocalCrossEntropy",
    "HalfGammaDeviance",
    "HalfPoissonDeviance",
    "Huber",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "MulticlassHinge",
    "OutputwiseLoss",
    "Quantile",
    "SoftmaxCrossEntropy",
    "Task",
    "get",
]

BY_TASK: dict[Task, str] = {
    "classification": "softmax_cross_entropy",
    "multilabel": "binary_cross_entropy",
    "regression": "mean_squared_error",
}
LOSSES: dict[str, type[Loss]] = {
    c.name: c
    for c in (
        *(SoftmaxCrossEntropy, MeanSquaredError, FocalCrossEntropy, MulticlassHinge, BinaryCrossEntropy),
        *(MeanAbsoluteError, Huber, LogCosh, HalfPoissonDeviance, HalfGammaDeviance, Quantile),
    )
}
ALIASES: dict[str, str] = {  # what the losses are called elsewhere
    "cross_entropy": "softmax_cross_entropy",
    "categorical_crossentropy": "softmax_cross_entropy",
    "sparse_categorical_crossentropy": "softmax_cross_entropy",
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "focal": "focal_cross_entropy",
    "hinge": "multiclass_hinge",
    "mse": "mean_squared_error",
    "squared_error": "mean_squared_error",
    "mae": "mean_absolute_error",
    "l1": "mean_absolute_error",
    "absolute_error": "mean_absolute_error",
    "smooth_l1": "huber",
    "logcosh": "log_cosh",
    "poisson": "half_poisson_deviance",
    "gamma": "half_gamma_deviance",
    "pinball": "quantile",
}


def get(loss: str | Loss, **options: Any) -> Loss:
    """The loss of a name, made with `options`; a `Loss` is returned as it is.

    Parameters
    ----------
    loss : str or Loss
        A key of `LOSSES`, as ``"mean_squared_error"``, or of `ALIASES`, as ``"mse"``.
    **options
        Arguments of the class.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If there is no loss of that name.
    TypeError
        If it is neither a name nor a `Loss`.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.losses.get("mse").name
    'mean_squared_error'
    """
    if isinstance(loss, str) and not options and loss in custom_names("loss"):
        return CustomLoss(loss)
    if callable(loss) and not isinstance(loss, type | Loss):
        raise TypeError(
            f"loss: expected a name or a Loss, got {of_type(loss)}; fastnn.custom.loss makes one of a function"
        )
    return named("loss", loss, Loss, LOSSES, options, ALIASES)


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(no_attribute(__name__, name, __all__))
