"""The update rules, on a whole vector of parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastnn.kernels import UpdateRule

Timed = Callable[..., None]

# The numbers of parameters of 784-10, 784-200-10 and 784-666-666-10.
SIZES = [7_850, 159_010, 973_702]
TYPICAL = [159_010]

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


def _vectors(size: int, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.random(size, dtype=np.float32) for _ in range(count)]


COEFFICIENTS = {
    UpdateRule.MOMENTUM: (0.9,),
    UpdateRule.NESTEROV: (0.9,),
    UpdateRule.RMSPROP: (0.99, 1e-8),
    UpdateRule.ADAGRAD: (1e-10,),
    UpdateRule.ADAM: (0.9, 0.999, 1e-8),
    UpdateRule.ADAMW: (0.9, 0.999, 1e-8),
    UpdateRule.LION: (0.9, 0.99),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("rule", "decay"),
    [*((rule, 0.01 if rule.decoupled else 0.0) for rule in UpdateRule), (UpdateRule.SGD, 1e-4)],
    ids=lambda value: value.name.lower() if isinstance(value, UpdateRule) else f"decay {value:g}",
)
def test_update(timed: Timed, rule: UpdateRule, decay: float, size: int) -> None:
    w, dw, *arrays = _vectors(size, 2 + len(rule.slots))
    state = dict(zip(rule.slots, arrays, strict=True))
    timed(
        "update", f"{rule.name.lower()} {size} decay {decay:g}", w, state.get("m"), state.get("v"), dw,
        np.array([1e-9]), np.array([1000]), rule, decay, *COEFFICIENTS.get(rule, ()),
        traffic=(3.0 + 2 * len(rule.slots)) * w.nbytes,
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_clip_norm(timed: Timed, size: int) -> None:
    (g,) = _vectors(size, 1)
    timed("clip_norm", str(size), g, 1e9, traffic=1.0 * g.nbytes)
