"""The calls of a trainer that do single steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.keywords import AnswersOtherNames
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.online import Online


class SteppingTrainer(BaseTrainer, AnswersOtherNames):
    """A trainer that can be asked for steps one by one; the arguments are those of `Trainer`."""

    _online: Online | None = None

    def step(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        steps_per_epoch: int | None = None,
    ) -> float:
        """Do one compiled step with the given samples, for loops of your own.

        The optimiser's state and the number of the step go on from call to call; `fit` and `resume` end such a series.
        The model is up to date after every step. Callbacks are not called.

        Parameters
        ----------
        x : (n, *input_shape), any real dtype
            The samples of the step, finite.
        y : (n,) integer labels, or (n, *output_shape)
            Targets.
        sample_weight : (n,), optional
            Factor on the loss of each sample.
        steps_per_epoch : int, optional
            How many steps are an epoch, for a schedule; not needed for a rate that stays as it is.

        Returns
        -------
        float
            The loss of the samples before the update.

        Raises
        ------
        ValueError, TypeError
            If the samples do not fit the model; before anything is changed.
        NonFiniteLossError
            As for `fit`.

        Notes
        -----
        The batches of `fit`'s epochs, given in their order, make the bits of `fit`. What a step of one kind of input
        (shape and dtype) needs is checked and compiled once, and kept.

        Examples
        --------
        >>> import fastnn, numpy as np
        >>> model = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,))
        >>> trainer = fastnn.Trainer(model, optimizer="adam")
        >>> rng = np.random.default_rng(0)
        >>> losses = []
        >>> for _ in range(200):
        ...     x = rng.normal(size=(8, 3))
        ...     losses.append(trainer.step(x, (x[:, 0] > 0).astype(int)))
        >>> losses[-1] < losses[0]
        True
        """
        return self._steps().step(x, y, sample_weight, steps_per_epoch)

    def steps(self, x: ArrayLike, y: ArrayLike, n: int, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
        """Do some compiled steps with batches of the given samples, for loops of your own.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`.
        n : int
            How many steps. They take the batches of `fit`'s epochs in turn and go on, in the next call, where they
            stopped: step number t from 0 is step t mod S of epoch t div S, where S batches make an epoch.

        Returns
        -------
        (n,) float64
            The loss of each step's samples before its update.

        Raises
        ------
        ValueError, TypeError, NonFiniteLossError
            As for `step`.

        Examples
        --------
        >>> import fastnn
        >>> x, y = fastnn.data.glyphs(500, seed=0)
        >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        >>> fastnn.Trainer(model).steps(x, y, 3).shape
        (3,)
        """
        return self._steps().steps(x, y, n, sample_weight)

    def _steps(self) -> Online:
        if self._online is None:
            self._online = Online(self)
        return self._online
