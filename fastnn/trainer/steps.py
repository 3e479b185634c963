"""Steps of a training whose batches the caller chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.parameter_sync import ParameterSync
from fastnn.trainer.preparation import specify

Array = NDArray[Any]


class Steps:
    """Does the steps of `Trainer` on batches that are given, for a training loop that draws its own.

    Parameters
    ----------
    model : Sequential
        The model, whose parameters are changed in place.
    optimizer : Optimizer
        The update rule; its learning rate is not used, because every call of `run` is given one.
    x : (N, *input_shape), any real dtype
    y : (N,) integer labels, or (N, *output_shape)
    batch_size : int
        Samples of a step, from 1 to N. The only other size that a batch may have is N modulo `batch_size`.
    loss : Loss or str
        As for `Trainer`.
    done : int
        Steps that the optimiser's state has seen already.

    Attributes
    ----------
    model : Sequential
    state : mapping of str to mapping of str to array
        The optimiser's state by parameter and slot. It is up to date after `publish`; what is written to it before the
        first step counts.
    done : int
        The number of steps that are done.

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the model or each other.

    Examples
    --------
    >>> import numpy as np, fastnn
    >>> from fastnn.trainer.steps import Steps
    >>> x, y = fastnn.data.glyphs(200, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> steps = Steps(model, fastnn.optim.SGD(), x, y, batch_size=20)
    >>> losses = np.concatenate(list(steps.run(np.random.default_rng(0).integers(200, size=(100, 20)), 0.1)))
    >>> steps.publish()
    >>> bool(losses[-10:].mean() < losses[:10].mean())
    True
    """

    def __init__(
        self,
        model: Sequential,
        optimizer: Optimizer,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int,
        loss: Loss | str = "softmax_cross_entropy",
        *,
        done: int = 0,
    ) -> None:
        trainer = BaseTrainer(
            model, optimizer=optimizer, loss=loss, batch_size=batch_size, progress=False, on_nonfinite="ignore"
        )
        spec = specify(trainer, x, y)
        self.model, self.done = model, done
        self.state = spec.problem.state
        self._parameters = ParameterSync(spec, spec.problem)
        self._batch_sizes = {spec.batch_size, spec.samples % spec.batch_size}
        self._started = False

    def run(self, index: Array | Sequence[Array], rate: float) -> Iterator[Array]:
        """Do steps, and yield their losses as they are done, about ten times a second.

        Parameters
        ----------
        index : (S, B) int64, or a sequence of such arrays
            Rows of the samples that each step reads, from 0 to N - 1; they are not checked.
        rate : float
            The learning rate.

        Yields
        ------
        (K,) float64 array
            The losses of the next K steps, which add up to S steps. Those that are not finite are yielded like others.

        Raises
        ------
        ValueError
            If a batch has another size than the ones that were announced.
        """
        indices = [index] if isinstance(index, np.ndarray) else list(index)
        for rows in indices:
            if rows.shape[1] not in self._batch_sizes:
                raise ValueError(f"run: index: expected batches of {sorted(self._batch_sizes)}, got {rows.shape[1]}")
        if not self._started:
            self._parameters.session.load_state()
            self._started = True
        steps = sum(map(len, indices))
        self._parameters.take_over()
        for segment, now in self._parameters.session.run_all(indices, np.full(steps, rate), self.done):
            self.done += now.stop - now.start
            yield segment.loss[now]
            self._parameters.take_over()  # the caller may have looked at the model, or have changed it

    def publish(self) -> None:
        """Bring the model's parameters and `state` up to date."""
        self._parameters.publish_state()
