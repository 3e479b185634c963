"""The state of optimisers does not shrink into numbers below the smallest normal one, which are slow to use."""

import numpy as np
import pytest
from trainings import needs_native

import fastnn
from fastnn import kernels
from fastnn.kernels import UpdateRule
from fastnn.layers import Dense, ReLU

RULES = [rule for rule in UpdateRule if rule.slots]
COEFFICIENTS = {"momentum": 0.5, "rho": 0.5, "eps": 1e-8, "beta1": 0.5, "beta2": 0.5}
every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


@every_rule
@pytest.mark.parametrize("backend", kernels.available_backends())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_below_the_smallest_normal_number_is_written_as_zero(rule, backend, dtype):
    tiny = np.finfo(dtype).tiny
    before = np.array([1, 2, 4, -1, -2, -4, 0.5, 1e-3, 0, np.nan, np.inf, 1 / tiny] * 3, dtype) * tiny
    halved = rule is not UpdateRule.ADAGRAD  # which has no share that it keeps
    wanted = before / 2 if halved else before.copy()
    wanted[np.abs(wanted) < tiny] = 0
    w, state = np.ones_like(before), [before.copy(), before.copy()]
    m, v = (array if slot in rule.slots else None for slot, array in zip("mv", state, strict=True))
    numbers = [*(COEFFICIENTS[name] for name in rule.coefficients), 0.0, 0.0][:3]
    with kernels.use_backend(backend):
        kernels.get("update")(w, m, v, np.zeros_like(w), np.array([0.1]), np.array([5]), int(rule), 0.0, *numbers)
    for slot, found in zip("mv", state, strict=True):
        np.testing.assert_array_equal(found, wanted if slot in rule.slots else before)
        assert not np.signbit(found[found == 0]).any()  # by -0 the bits of backends would differ


def subnormal(array):
    return (array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)


class Replace(fastnn.Callback):
    """Gives the samples other values after three steps."""

    every = 3

    def __init__(self, x, later):
        self.x, self.later = x, later

    def on_step(self, trainer, step):
        self.x[...] = self.later


OPTIMIZERS = {
    "adam": fastnn.optim.Adam(1e-3, 0.5, 0.7),
    "momentum": fastnn.optim.Momentum(1e-3, 0.5),
    "nesterov": fastnn.optim.Nesterov(1e-3, 0.5),
    "rmsprop": fastnn.optim.RMSProp(1e-3, 0.7),
    "lion": fastnn.optim.Lion(1e-3, 0.5, 0.5),
}


@needs_native
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch", [4, 48])
def test_inputs_that_do_not_come_any_more_leave_no_such_state(optimizer, batch):
    """Small batches take the fused update of few samples, large ones that of a matrix product."""
    draw = np.random.default_rng(0)
    seen, later = draw.random((2, batch, 40), dtype="f4")
    later[:, ::2] = 0
    y, found = draw.integers(0, 3, batch), []
    for compile in (True, False):
        model = fastnn.Sequential([Dense(36), ReLU(), Dense(3)], input_shape=(40,), seed=1)
        x = seen.copy()
        options = {"optimizer": OPTIMIZERS[optimizer], "callbacks": [Replace(x, later)], "compile": compile}
        trainer = fastnn.Trainer(model, batch_size=batch, epochs=300, progress=False, **options)
        trainer.fit(x, y)
        assert trainer.compiled == compile
        state = trainer.run.spec.problem.state["dense1.w"]
        found.append([model.params, *state.values()])
    for compiled, eager in zip(*found, strict=True):
        np.testing.assert_array_equal(compiled, eager)
        assert not subnormal(compiled).any()
    for state in found[0][1:]:
        assert (state[::2] == 0).all()
        assert (state[1::2] != 0).any()
