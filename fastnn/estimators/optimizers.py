"""scikit-learn's optimisers: the compiled update rules, with its learning rates and its place of Adam's epsilon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnn import optim
from fastnn.kernels.eager import Ops
from fastnn.parameter import Parameter
from fastnn.schedules import Constant, Schedule

NO_BIAS_STEP = 2**62  # after so many steps the bias corrections of any beta are exactly 1
_NO_BIAS = np.array([NO_BIAS_STEP], np.int64)
_NO_BIAS.flags.writeable = False  # a constant, so that compiled steps can be used again


class Adam(optim.Adam):
    """Adam as scikit-learn computes it: w ← w - rate c / (1 - beta1ᵗ) m / (√v + eps), with c = √(1 - beta2ᵗ).

    In `fastnn.optim.Adam`, as in the paper, eps is added to √(v / (1 - beta2ᵗ)); here to √v, as in the formula of the
    paper's section 2 for efficient computation. The bias corrections are left to the learning rate, see
    `BiasCorrection`, so the compiled rule is told that the running means have no bias any more.
    """

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        super().update(ops, parameter, state, rate, _NO_BIAS)


class Momentum(optim.Momentum):
    """Gradient descent with a momentum that may be 1, as in scikit-learn."""

    def __init__(self, learning_rate: float, momentum: float) -> None:
        super().__init__(learning_rate, 0.0)
        self.momentum = momentum


class Nesterov(optim.Nesterov):
    """Nesterov's accelerated gradient with a momentum that may be 1, as in scikit-learn."""

    def __init__(self, learning_rate: float, momentum: float) -> None:
        super().__init__(learning_rate, 0.0)
        self.momentum = momentum


class BiasCorrection(Schedule):
    """The factor √(1 - beta2ᵗ) / (1 - beta1ᵗ) on the rate of Adam's step t, counted from 1.

    Parameters
    ----------
    beta1, beta2 : float
    steps : int
        Steps of an epoch.
    epochs_before, steps_before : int
        Those that the optimiser has done in earlier trainings.
    """

    by = "step"

    def __init__(self, beta1: float, beta2: float, steps: int, epochs_before: int, steps_before: int) -> None:
        self.beta1, self.beta2, self.steps = beta1, beta2, steps
        self.epochs_before, self.steps_before = epochs_before, steps_before

    def factor(self, epoch: float) -> float:
        t = self.steps_before + round((epoch - self.epochs_before) * self.steps) + 1
        return math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)


class InverseScaling(Schedule):
    """The factor 1 / (t + 1)^power of an epoch before which t samples were seen; 1 in an optimiser's first epoch.

    Parameters
    ----------
    power : float
    samples : int
        Samples of an epoch.
    epochs_before : int
        Those that the optimiser has done in earlier trainings.
    samples_before : int
        Samples that the network has seen in earlier trainings, with whatever optimiser.
    """

    by = "epoch"

    def __init__(self, power: float, samples: int, epochs_before: int, samples_before: int) -> None:
        self.power, self.samples = power, samples
        self.epochs_before, self.samples_before = epochs_before, samples_before

    def factor(self, epoch: float) -> float:
        if epoch == 0:
            return 1.0
        return float((self.samples_before + (epoch - self.epochs_before) * self.samples + 1) ** -self.power)


def optimizer_of(estimator: Any) -> optim.Optimizer:
    """The optimiser that an estimator's parameters name.

    Parameters
    ----------
    estimator : Estimator
    """
    rate = estimator.learning_rate_init
    if estimator.solver == "adam":
        return Adam(rate, estimator.beta_1, estimator.beta_2, estimator.epsilon)
    if estimator.momentum == 0:
        return optim.SGD(rate)
    return (Nesterov if estimator.nesterovs_momentum else Momentum)(rate, estimator.momentum)


def schedule_of(estimator: Any, samples: int, batch: int, epochs_before: int, steps_before: int) -> Schedule:
    """The schedule that goes with it.

    Parameters
    ----------
    estimator : Estimator
    samples, batch : int
        Samples of an epoch and of a step.
    epochs_before, steps_before : int
        Those that the optimiser has done in earlier trainings.
    """
    if estimator.solver == "adam":
        steps = -(-samples // batch)
        return BiasCorrection(estimator.beta_1, estimator.beta_2, steps, epochs_before, steps_before)
    if estimator.learning_rate == "invscaling":
        return InverseScaling(estimator.power_t, samples, epochs_before, estimator.t_)
    return Constant()
