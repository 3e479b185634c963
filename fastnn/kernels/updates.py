"""The update rules by number: which state each one keeps, and which coefficients it has.

The formulas are in ``reference/update_rules.py`` and, for all instruction sets and fused kernels, in
``csrc/dense/optimizer_update.h``; the numbers below reach C through a generated header. Nothing but the standard
library is imported here, because the build reads this file before there is a package to import.
"""

from enum import IntEnum
from typing import Any

# Muon. a x + b x³ + c x⁵ takes every singular value between 0 and 1 to one near 1 in a few steps (Jordan et al. 2024).
ORTHOGONAL_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
ORTHOGONAL_STEPS = 5
ORTHOGONAL_LEAST_NORM = 1e-7
ORTHOGONAL_SCALE = 0.2  # times √max(d, m): the root mean square of a step of Adam (Liu et al. 2025)


def orthogonal_work(d: int, m: int) -> int:
    """The size of the workspace of `orthogonal_update`: two matrices (d, m) and two products of one with itself."""
    return 2 * d * m + 2 * min(d, m) ** 2


class UpdateRule(IntEnum):
    """The argument ``rule`` of the update kernels."""

    SGD = 0
    MOMENTUM = 1
    NESTEROV = 2
    RMSPROP = 3
    ADAGRAD = 4
    ADAM = 5
    ADAMW = 6
    LION = 7

    @property
    def slots(self) -> tuple[str, ...]:
        """The state arrays (of m and v) that the rule keeps for each parameter."""
        return RULES[self][0]

    def state(self, m: Any, v: Any) -> list[Any]:
        """The given arrays that the rule keeps, out of m and v."""
        return [array for slot, array in (("m", m), ("v", v)) if slot in self.slots]

    @property
    def coefficients(self) -> tuple[str, ...]:
        """The attributes of the optimiser that are the arguments c0, c1 and c2 of the kernels."""
        return RULES[self][1]

    @property
    def decoupled(self) -> bool:
        """Whether weight decay shrinks the weight itself, instead of being added to the gradient."""
        return RULES[self][2]


# rule: (slots, coefficients, decoupled decay)
RULES: dict[UpdateRule, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    UpdateRule.SGD: ((), (), False),
    UpdateRule.MOMENTUM: (("v",), ("momentum",), False),
    UpdateRule.NESTEROV: (("v",), ("momentum",), False),
    UpdateRule.RMSPROP: (("v",), ("rho", "eps"), False),
    UpdateRule.ADAGRAD: (("v",), ("eps",), False),
    UpdateRule.ADAM: (("m", "v"), ("beta1", "beta2", "eps"), False),
    UpdateRule.ADAMW: (("m", "v"), ("beta1", "beta2", "eps"), True),
    UpdateRule.LION: (("m",), ("beta1", "beta2"), True),
}
