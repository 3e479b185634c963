"""The update rules of a training by PyTorch's optimisers, and their state in the layout of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fastnn.kernels import UpdateRule
from fastnn.optim import Optimizer

__all__ = ["TorchUpdate"]


class _Counterpart(NamedTuple):
    """PyTorch's class of a rule, its names of our slots, and its arguments."""

    name: str
    slots: Mapping[str, str]
    arguments: Callable[[Any], dict[str, Any]]
    scales_gradients: bool = False  # the learning rate is multiplied into the gradients, and theirs is 1


def _moments(optimizer: Any) -> dict[str, Any]:
    return {"betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.eps}


_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}
_VELOCITY = {"v": "momentum_buffer"}
_RULES = {
    UpdateRule.SGD: _Counterpart("SGD", {}, lambda o: {}),
    # our velocity contains the learning rate, so gradients that contain it too make the same velocity of theirs
    UpdateRule.MOMENTUM: _Counterpart("SGD", _VELOCITY, lambda o: {"momentum": o.momentum}, True),
    UpdateRule.NESTEROV: _Counterpart("SGD", _VELOCITY, lambda o: {"momentum": o.momentum, "nesterov": True}, True),
    UpdateRule.ADAM: _Counterpart("Adam", _MOMENTS, _moments),
    UpdateRule.ADAMW: _Counterpart("AdamW", _MOMENTS, _moments),
}


class TorchUpdate:
    """Changes tensors by their gradients as an optimiser of fastnn does its parameters.

    Parameters
    ----------
    torch : module
    optimizer : Optimizer
    parameters : sequence of tensor
    decays : sequence of float
        Weight decay of each.
    clip_value, clip_norm : float or None
        As for `Trainer`.
    fused : bool
        Whether one kernel changes all tensors.

    Raises
    ------
    ValueError
        If PyTorch has no such rule.
    """

    def __init__(
        self,
        torch: Any,
        optimizer: Optimizer,
        parameters: Sequence[Any],
        decays: Sequence[float],
        clip_value: float | None,
        clip_norm: float | None,
        fused: bool,
    ) -> None:
        rule = getattr(optimizer, "rule", None)
        if rule not in _RULES:
            known = ", ".join(known.name.lower() for known in _RULES)
            raise ValueError(f"Trainer: optimizer: expected one that PyTorch has too ({known}), got {optimizer!r}")
        self._torch, self._parameters, self._decays = torch, list(parameters), list(decays)
        self._clip_value, self._clip_norm = clip_value, clip_norm
        self._rule = _RULES[rule]
        groups = [{"params": [p], "weight_decay": decay} for p, decay in zip(parameters, decays, strict=True)]
        arguments = self._rule.arguments(optimizer) | ({"fused": True} if fused else {})
        self.optimizer = getattr(torch.optim, self._rule.name)(groups, lr=optimizer.learning_rate, **arguments)

    @property
    def slots(self) -> Mapping[str, str]:
        """Their names of our slots."""
        return self._rule.slots

    def state_of(self, parameter: Any) -> dict[str, Any]:
        """The tensors of a parameter's state by their names; before the first step they are made."""
        state: dict[str, Any] = self.optimizer.state[parameter]
        for name in self._rule.slots.values():
            if name not in state:
                state[name] = self._torch.zeros_like(parameter, memory_format=self._torch.preserve_format)
        return state

    def set_step(self, t: int) -> None:
        """Note that the next step is number `t`, counted from 1."""
        for parameter in self._parameters:
            state = self.state_of(parameter)
            if "exp_avg" in state:
                device = parameter.device if self.optimizer.param_groups[0].get("fused") else "cpu"
                state["step"] = self._torch.tensor(float(t - 1), device=device)

    def step(self, rate: float, scaler: Any = None) -> None:
        """Clip the gradients and change the parameters; `scaler` has scaled the loss in 16-bit floats."""
        torch = self._torch
        if scaler is not None:
            scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self._parameters]
        if self._clip_value is not None:
            torch._foreach_clamp_min_(gradients, -self._clip_value)
            torch._foreach_clamp_max_(gradients, self._clip_value)
        if self._clip_norm is not None:
            norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
            torch._foreach_mul_(gradients, torch.clamp(self._clip_norm / norm, max=1.0))
        scaled = self._rule.scales_gradients
        if scaled:
            torch._foreach_mul_(gradients, rate)
        for group, decay in zip(self.optimizer.param_groups, self._decays, strict=True):
            group["lr"] = 1.0 if scaled else rate
            group["weight_decay"] = decay * rate if scaled else decay
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()
