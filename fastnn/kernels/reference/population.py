"""Steps of a population, one member after the other: each does what the kernels of single networks do.

The signature, and what the columns of ``stages`` and ``members`` are, stands in `fastnn.kernels.populations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fastnn.kernels.activations import Activation
from fastnn.kernels.populations import POPULATION_LANES, MemberField, PopulationLoss, StageField
from fastnn.kernels.reference.activation import activation_backward, activation_forward
from fastnn.kernels.reference.affine import affine_backward_input, affine_backward_weight, affine_forward
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.dropout_mask import dropout
from fastnn.kernels.reference.loss import binary_cross_entropy, softmax_cross_entropy, squared_error
from fastnn.kernels.reference.sum import penalty
from fastnn.kernels.reference.update_rules import update
from fastnn.kernels.updates import UpdateRule


class _Stage(NamedTuple):
    """A dense layer of one member, with views of its parameters and of the state that the rule keeps for them."""

    w: Array
    b: Array | None
    state: list[tuple[Array, Array | None, Array | None]]  # (parameter, m, v), first of w, then of b
    kind: Activation
    alpha: float
    dropout: tuple[float, int]  # rate and purpose


class _Pass(NamedTuple):
    """What the forward pass of a stage leaves for the backward pass."""

    x: Array
    saved: Array


def _stages(stages: Array, w: Array, m: Array | None, v: Array | None) -> list[_Stage]:
    found = []
    for row in stages:
        of = {field: row[field] for field in StageField}
        inputs, units, at = int(of[StageField.INPUTS]), int(of[StageField.UNITS]), int(of[StageField.WEIGHTS])
        shapes = [(inputs, units)] + [(units,)] * bool(of[StageField.BIAS])
        state = []
        for shape in shapes:
            size = int(np.prod(shape))
            views = [None if flat is None else flat[at : at + size].reshape(shape) for flat in (w, m, v)]
            state.append(tuple(views))
            at += size
        kind, dropped = Activation(int(of[StageField.KIND])), (of[StageField.RATE], int(of[StageField.PURPOSE]))
        bias = state[1][0] if len(state) > 1 else None
        found.append(_Stage(state[0][0], bias, state, kind, of[StageField.ALPHA], dropped))  # type: ignore[arg-type]
    return found


def _masked(x: Array, stage: _Stage, seed: tuple[int, int], t: int) -> Array:
    rate, purpose = stage.dropout
    if not rate:
        return x
    out = np.empty_like(x)
    dropout(x, np.array([t]), np.array([0]), out, rate, *seed, purpose)
    return out


def _forward(
    stages: list[_Stage], x: Array, training: bool, seed: tuple[int, int], t: int
) -> tuple[Array, list[_Pass]]:
    passes = []
    for stage in stages:
        sums = np.empty((len(x), stage.w.shape[1]), x.dtype)
        affine_forward(x, stage.w, stage.b, sums)
        out = np.empty_like(sums)
        activation_forward(sums, out, int(stage.kind), stage.alpha)
        passes.append(_Pass(x, sums if stage.kind.backward_needs_input else out))
        x = _masked(out, stage, seed, t) if training else out
    return x, passes


def _score(kind: int, out: Array, y: Array, dx: Array | None, loss: Array, correct: Array, scale: float) -> None:
    match PopulationLoss(kind):
        case PopulationLoss.SOFTMAX_CROSS_ENTROPY:
            softmax_cross_entropy(out, y[:, 0], dx, loss, correct, None, scale)
        case PopulationLoss.SQUARED_ERROR:
            squared_error(out, y, dx, loss, None, scale)
        case PopulationLoss.BINARY_CROSS_ENTROPY:
            binary_cross_entropy(out, y, dx, loss, correct, None, scale)


@np.errstate(all="ignore")
def population_steps(
    w: Array,
    m: Array | None,
    v: Array | None,
    stages: Array,
    x: Array,
    y: Array,
    index: Array,
    rates: Array,
    members: Array,
    loss: Array,
    correct: Array,
    work: Array,
    training: float,
    first: float,
    update_t: float,
    rule: float,
    c0: float,
    c1: float,
    c2: float,
    loss_kind: float,
) -> None:
    """Do the steps ``first`` … of every member k, or evaluate it on the samples of each.

    Step i reads the samples ``index[k, i b] … index[k, (i + 1) b - 1]``, b = n / s, of ``x`` and ``y``, or those of
    row 0 if ``index`` has no others; of these b the first ones count, as many as ``members`` says. ``loss[k, i]``
    receives the sum of their losses times a factor of the member, with its L2 term; ``correct[k, i]`` how many are
    classified correctly. The gradient is that of another factor times the sum. Member k is lane k mod 16 of block
    k div 16; other lanes mean nothing. The number of the step counts for dropout, and for the update too unless
    ``update_t`` is above 0. ``work`` is not used.
    """
    count = loss.shape[1]
    if not count:
        return
    batch, chosen = index.shape[1] // count, UpdateRule(int(rule))
    for k, member in enumerate(members):
        place = divmod(k, POPULATION_LANES)
        flat: dict[str, Any] = {
            name: None if blocks is None else np.ascontiguousarray(blocks[place[0], :, place[1]])
            for name, blocks in (("w", w), ("m", m), ("v", v))
        }
        layers = _stages(stages, **flat)
        rows = index[k if len(index) > 1 else 0].reshape(count, batch)
        rows = rows[:, : int(member[MemberField.SAMPLES])]
        for i in range(count):
            loss[k, i], correct[k, i] = _step(
                layers, x[rows[i]], y[rows[i]], member, rates[k, i : i + 1], bool(training), int(first) + i,
                int(update_t), chosen, (c0, c1, c2), int(loss_kind),
            )  # fmt: skip
        for blocks, name in ((w, "w"), (m, "m"), (v, "v")):
            if training and blocks is not None:
                blocks[place[0], :, place[1]] = flat[name]


def _step(
    layers: list[_Stage],
    x: Array,
    y: Array,
    member: Array,
    rate: Array,
    training: bool,
    t: int,
    update_t: int,
    rule: UpdateRule,
    coefficients: tuple[float, float, float],
    loss_kind: int,
) -> tuple[float, int]:
    """One step of one member: its loss, and how many samples are classified correctly."""
    numbers: Mapping[MemberField, float] = {field: float(member[field]) for field in MemberField}
    seed = int(numbers[MemberField.SEED_LOW]), int(numbers[MemberField.SEED_HIGH])
    value, right = np.zeros(1), np.zeros(1, np.int64)
    out, passes = _forward(layers, x, training, seed, t)
    _score(loss_kind, out, y, None, value, right, numbers[MemberField.LOSS_SCALE])
    if not training:
        return float(value[0]), int(right[0])
    dout = np.empty_like(out)
    scale = numbers[MemberField.GRADIENT_SCALE]
    _score(loss_kind, out, y, dout, np.zeros(1), np.zeros(1, np.int64), scale)
    changes: list[tuple[Array, Array | None, Array | None, Array, float]] = []
    for stage, passed in zip(reversed(layers), reversed(passes), strict=True):
        dout = _masked(dout, stage, seed, t)
        activation_backward(dout, passed.saved, dout, int(stage.kind), stage.alpha)
        dw, db = np.empty_like(stage.w), None if stage.b is None else np.empty_like(stage.b)
        affine_backward_weight(passed.x, dout, dw, db, 0.0)
        if numbers[MemberField.L2]:
            penalty(stage.w, dw, value, 0.0, numbers[MemberField.L2])
        for (parameter, m, v), gradient in zip(stage.state, (dw, db), strict=False):
            assert gradient is not None
            decay = numbers[MemberField.DECAY] if gradient is dw else 0.0
            changes.append((parameter, m, v, gradient, decay))
        below = np.empty_like(passed.x)
        affine_backward_input(dout, stage.w, below, None)
        dout = below
    for parameter, m, v, gradient, decay in changes:
        update(parameter, m, v, gradient, rate, np.array([update_t or t]), int(rule), decay, *coefficients)
    return float(value[0]), int(right[0])
