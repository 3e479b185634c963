"""Muon: matrices step along the orthogonal matrix that is nearest to their mean gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.checks import number
from fastnn.kernels import UpdateRule
from fastnn.kernels.eager import Ops
from fastnn.kernels.updates import orthogonal_work
from fastnn.optim.base import Optimizer
from fastnn.parameter import Parameter

__all__ = ["Muon"]


class Muon(Optimizer):
    """Muon: matrices step along the orthogonal matrix that is nearest to their mean gradient; the others by Adam.

    Matrices are the weights of dense layers (D, M), and those of convolutions seen as (F, C · KH · KW). Biases, and
    scales and shifts of norms, take the steps of `Adam`. The steps of matrices have the size of Adam's, so a rate that
    suits `AdamW` is one to begin with.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    momentum : float
        The share of the mean gradient of a matrix that a step keeps, at least 0 and below 1.
    beta1, beta2, eps : float
        As for `Adam`; of parameters that are no matrices.
    weight_decay : float
        At least 0; shrinks the weights themselves, as `AdamW` does, and never biases.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    For a matrix (d, m) with the gradient g: m ← momentum m + (1 - momentum) g, x ← momentum m + (1 - momentum) g over
    its norm; then five times x ← 3.4445 x - 4.775 x xᵀ x + 2.0315 (x xᵀ)² x, which takes singular values to between 0.7
    and 1.2; w ← (1 - rate weight_decay) w - 0.2 √max(d, m) rate x. Jordan et al., "Muon: an optimizer for hidden layers
    in neural networks", 2024; the factor 0.2 √max(d, m), by which a step has the root mean square of one of Adam, and
    the decay: Liu et al., "Muon is scalable for LLM training", 2025. It is PyTorch's ``Muon`` with
    ``adjust_lr_fn="match_rms_adamw"``, in the dtype of the model instead of bfloat16.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Muon(0.003).momentum
    0.95
    """

    slots = ("m", "v")

    def __init__(
        self,
        learning_rate: float = 2e-3,
        momentum: float = 0.95,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = number("Muon", "momentum", momentum, at_least=0, below=1)
        self.beta1 = number("Muon", "beta1", beta1, at_least=0, below=1)
        self.beta2 = number("Muon", "beta2", beta2, at_least=0, below=1)
        self.eps = number("Muon", "eps", eps, above=0)

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        w, m, decay = parameter.value, state["m"], self.decay(parameter)
        if len(parameter.shape) < 2:
            coefficients = self.beta1, self.beta2, self.eps
            ops.update(w, m, state["v"], parameter.grad, rate, t, int(UpdateRule.ADAMW), decay, *coefficients)
            return
        shape = parameter.shape[0], parameter.size // parameter.shape[0]
        matrices = (array.reshape(shape) for array in (w, m, parameter.grad))
        ops.orthogonal_update(*matrices, ops.empty((orthogonal_work(*shape),)), rate, decay, self.momentum)
