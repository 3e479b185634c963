"""What a loss is: value, gradient and number of right answers of a batch, in one pass over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.eager import Ops
from fastnn.keywords import with_known_keywords
from fastnn.parameter import Parameter

Task = Literal["classification", "multilabel", "regression"]


class Loss:
    """Base of the losses.

    Attributes
    ----------
    name : str
        By which `get` finds it.
    classifies : bool
        Whether `run` counts right answers.
    takes_scores : bool
        Whether it applies a softmax or a sigmoid to the outputs itself.

    Examples
    --------
    >>> import fastnn
    >>> [name for name, loss in fastnn.losses.LOSSES.items() if loss.classifies]
    ['softmax_cross_entropy', 'focal_cross_entropy', 'multiclass_hinge', 'binary_cross_entropy']
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        with_known_keywords(cls)

    name: ClassVar[str]
    classifies: ClassVar[bool]
    takes_scores: ClassVar[bool] = False
    l2: float = 0.0  # λ of the term λ Σ w² / (2 n) that the loss itself charges for the weights in a step of n samples
    l2_arguments: ClassVar[tuple[str, ...]] = ()  # constructor arguments that decide nothing but `l2`

    @property
    def task(self) -> Task:
        """What a model that is trained on it does, see `Sequential.task`."""
        return "classification" if self.classifies else "regression"

    def config(self) -> dict[str, Any]:
        """The constructor arguments."""
        return dict(vars(self))

    def with_l2(self, l2: float) -> Loss:
        """The same loss, but for its `l2`.

        Parameters
        ----------
        l2 : float

        Raises
        ------
        ValueError
            If it has no such term, and this is not 0.
        """
        if l2 != self.l2:
            raise ValueError(f"{type(self).__name__}: l2: expected {self.l2}, got {l2}")
        return self

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Check targets and make them ready for the kernels.

        Parameters
        ----------
        targets : (N, ...) array
        outputs : tuple of int
            Shape of the model's output for one sample.
        dtype : dtype
            Of the model.

        Returns
        -------
        (N, ...) array, C-contiguous

        Raises
        ------
        ValueError, TypeError
            If the targets do not fit the outputs.
        """
        raise NotImplementedError(f"{type(self).__name__}: prepare is missing")

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        """Compute the loss of a batch and its gradient.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        out : (N, *outputs) array
            The model's raw outputs.
        targets : (N, ...) array
            From `prepare`.
        dx : (N, *outputs) array or None
            Where the gradient with respect to `out` is written; None if it is not needed.
        loss : (1,) float64 array
            Where the loss is written.
        correct : (1,) int64 array
            Where the number of right answers is written, if the loss `classifies`.
        scale : float
            Factor on the sum over the samples, in the loss and in the gradient.
        weights : (N,) array or None
            Factor for each sample.
        """
        raise NotImplementedError(f"{type(self).__name__}: run is missing")

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        """The factor by which the sum over the samples becomes the mean.

        Parameters
        ----------
        batch : int
            The number of samples.
        outputs : tuple of int
            Shape of the model's output for one sample.
        """
        return 1.0 / batch

    def penalise(self, ops: Ops, parameters: Mapping[str, Parameter], loss: Any, batch: int) -> None:
        """Add what the loss itself, and not the model, charges for the parameters, and its gradient: here nothing.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        parameters : mapping of str to Parameter
            Those that are trained.
        loss : (1,) float64 array
            What is added is added to this.
        batch : int
            The number of samples of the step.
        """
