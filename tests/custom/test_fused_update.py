"""A weight gradient that is used up as it is made leaves what a rule of one's own makes of the stored gradient."""

import numpy as np
import pytest
from custom.own_operations import own_lion
from strategies import DTYPES, same_bits
from trainings import needs_native, threads

from fastnn import custom, kernels
from fastnn.kernels import backend
from fastnn.program.panels import Panels

pytest.importorskip("numba")
pytestmark = needs_native

D = 205  # inputs: several blocks of rows, none of them whole at the end


@custom.update_rule
def own_descent(w, g, rate, t):
    return w - rate * g


@custom.update_rule
def own_adam(w, m, v, g, rate, t, beta1=0.9, beta2=0.99, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return w - rate * m / (v**0.5 + eps), m, v


RULES = {rule.name: rule for rule in (own_descent, own_lion, own_adam)}


def arrays(n, m, dtype):
    """x, dout, and w with m, v ≥ 0 and a bias with the same."""
    rng = np.random.default_rng(n * 1000 + m)
    x, dout, w, mw, vw = (rng.normal(size=shape).astype(dtype) for shape in ((n, D), (n, m), (D, m), (D, m), (D, m)))
    b, mb, vb = rng.normal(size=(3, m)).astype(dtype)
    return x, dout, [w, mw, abs(vw)], [b, mb, abs(vb)]


def kept(rule, values):
    """w, m and v; None in place of a state that the rule does not keep."""
    slots = rule.kernel.slots
    return [values[0], values[1] if "m" in slots else None, values[2] if "v" in slots else None]


def coefficients(rule):
    return [*rule.kernel.defaults, 0.0, 0.0, 0.0][:3]


def in_turn(rule, n, m, dtype, decay):
    """Everything after the gradient is stored and then applied."""
    x, dout, weights, biases = arrays(n, m, dtype)
    dw, db = np.empty_like(weights[0]), np.empty_like(biases[0])
    kernels.get("affine_backward_weight")(x, dout, dw, db, 0.0, 0)
    for values, gradient, shrink in ((weights, dw, decay), (biases, db, 0.0)):
        step = (np.array([0.01]), np.array([3]), int(rule.kernel), shrink, *coefficients(rule))
        kernels.get("update")(*kept(rule, values), gradient, *step)
    return [*weights, *biases]


def at_once(rule, n, m, dtype, decay, in_panels):
    x, dout, weights, biases = arrays(n, m, dtype)
    width = backend.panel_columns(np.dtype(dtype))
    panels = [Panels(array, width, k) for k, array in enumerate(weights)]
    held = [p.panels for p in panels] if in_panels else weights
    rest = (int(rule.kernel), decay, 0.0, *coefficients(rule), 0)
    kernels.get("affine_backward_weight_update")(
        x, dout, *kept(rule, held), *kept(rule, biases), np.array([0.01]), np.array([3]), *rest
    )
    if in_panels:
        for p in panels:
            p.store()
    return [*weights, *biases]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("in_panels", [False, True])
@pytest.mark.parametrize("m", [1, 8, 10, 17, 33, 70])
@pytest.mark.parametrize("name", RULES)
def test_any_number_of_samples_and_outputs_has_the_bits_of_the_steps_in_turn(name, m, in_panels, dtype):
    rule = RULES[name]
    rule.kernel.prepare(np.dtype(dtype))
    for n, decay in ((1, 0.0), (8, 0.01), (12, 0.0), (13, 0.01), (60, 0.0)):
        want = in_turn(rule, n, m, dtype, decay)
        for count in (1, 3):
            with threads(count):
                assert all(map(same_bits, at_once(rule, n, m, dtype, decay, in_panels), want))
