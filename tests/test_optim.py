"""The optimisers agree with their formulas in plain NumPy, and refuse bad arguments."""

import math

import numpy as np
import pytest
from trainings import OPTIMIZERS, fit, mlp, samples

import fastnn
from fastnn import optim
from fastnn.kernels.eager import Eager
from fastnn.parameter import Parameter

RATES = [0.1, 0.1, 0.05, 0.2, 0.01]


def sgd(w, gradients, decay, rates=RATES):
    for g, rate in zip(gradients, rates, strict=True):
        w = w - rate * (g + decay * w)
    return w


def momentum(w, gradients, decay, rates=RATES, mu=0.8, v=0.01):
    v = np.full_like(w, v)
    for g, rate in zip(gradients, rates, strict=True):
        v = mu * v + rate * (g + decay * w)
        w = w - v
    return w


def adam(w, gradients, decay, rates=RATES, beta1=0.8, beta2=0.95, eps=1e-3):
    m = v = np.zeros_like(w)
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        g = g + decay * w
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        w = w - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w


def nesterov(w, gradients, decay, rates=RATES, mu=0.8):
    v = np.zeros_like(w)
    for g, rate in zip(gradients, rates, strict=True):
        g = g + decay * w
        v = mu * v + rate * g
        w = w - mu * v - rate * g
    return w


def rmsprop(w, gradients, decay, rates=RATES, rho=0.9, eps=1e-3):
    v = np.zeros_like(w)
    for g, rate in zip(gradients, rates, strict=True):
        g = g + decay * w
        v = rho * v + (1 - rho) * g * g
        w = w - rate * g / (np.sqrt(v) + eps)
    return w


def adagrad(w, gradients, decay, rates=RATES, eps=1e-3, v=0.1):
    v = np.full_like(w, v)
    for g, rate in zip(gradients, rates, strict=True):
        g = g + decay * w
        v = v + g * g
        w = w - rate * g / (np.sqrt(v) + eps)
    return w


def adamw(w, gradients, decay, rates=RATES, beta1=0.8, beta2=0.95, eps=1e-3):
    m = v = np.zeros_like(w)
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        w = w * (1 - rate * decay)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        w = w - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w


def lion(w, gradients, decay, rates=RATES, beta1=0.8, beta2=0.95):
    m = np.zeros_like(w)
    for g, rate in zip(gradients, rates, strict=True):
        w = w * (1 - rate * decay) - rate * np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
    return w


def muon(w, gradients, decay, rates=RATES, momentum=0.8):
    if w.ndim < 2:
        return adamw(w, gradients, decay, rates)
    m = np.zeros_like(w)
    for g, rate in zip(gradients, rates, strict=True):
        m = momentum * m + (1 - momentum) * g
        left, values, right = np.linalg.svd(momentum * m + (1 - momentum) * g, full_matrices=False)
        values = values / np.linalg.norm(values)
        for _ in range(5):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        w = w * (1 - rate * decay) - 0.2 * rate * np.sqrt(max(w.shape)) * (left * values) @ right
    return w


CASES = {
    "sgd": (lambda decay: optim.SGD(0.1, weight_decay=decay), sgd),
    "momentum": (lambda d: optim.Momentum(0.1, 0.8, weight_decay=d, initial_velocity=0.01), momentum),
    "adam": (lambda decay: optim.Adam(0.1, 0.8, 0.95, 1e-3, weight_decay=decay), adam),
    "adamw": (lambda decay: optim.AdamW(0.1, 0.8, 0.95, 1e-3, weight_decay=decay), adamw),
    "nesterov": (lambda decay: optim.Nesterov(0.1, 0.8, weight_decay=decay), nesterov),
    "rmsprop": (lambda decay: optim.RMSProp(0.1, 0.9, 1e-3, weight_decay=decay), rmsprop),
    "adagrad": (lambda d: optim.Adagrad(0.1, 1e-3, weight_decay=d, initial_accumulator=0.1), adagrad),
    "lion": (lambda decay: optim.Lion(0.1, 0.8, 0.95, weight_decay=decay), lion),
    "muon": (lambda decay: optim.Muon(0.1, 0.8, 0.8, 0.95, 1e-3, weight_decay=decay), muon),
}


@pytest.mark.parametrize("backend", fastnn.kernels.available_backends())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decays", [True, False])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("case", CASES)
def test_a_step_is_its_formula(case, decay, decays, dtype, backend):
    make, formula = CASES[case]
    optimizer = make(decay)
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(7, 5)), rng.normal(size=(len(RATES), 7, 5))
    p = Parameter("w", (7, 5), fastnn.init.zeros(), decays=decays)
    p.value = start.astype(dtype)
    state = {slot: np.full((7, 5), optimizer.initial(slot), dtype) for slot in optimizer.slots}
    with fastnn.use_backend(backend):
        for t, (g, rate) in enumerate(zip(gradients, RATES, strict=True), 1):
            p.grad = g.astype(dtype)
            optimizer.update(Eager(dtype), p, state, np.array([rate]), np.array([t]))
    expected = formula(start, gradients, decay if decays else 0.0)
    tolerance = 1e-12 if dtype == "float64" else 3e-6
    np.testing.assert_allclose(p.value, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_a_training_follows_the_formula_with_decay_on_weights_alone(case):
    """These are full-batch steps of a linear model, whose gradients are those of `loss_and_gradients`."""
    make, formula = CASES[case]
    x, y = samples(30, 4, 3)
    start = mlp(4, 3, dtype="float64", seed=2)

    class Rates(fastnn.schedules.Schedule):
        def factor(self, epoch):
            return RATES[epoch] / 0.1

    trained = start.copy()
    fit(
        trained,
        x,
        y,
        optimizer=make(0.3),
        batch_size=None,
        epochs=len(RATES),
        schedule=Rates(),
        shuffle=False,
    )

    twin, gradients = start.copy(), {"dense1.w": [], "dense1.b": []}
    for step in range(len(RATES)):
        _, found = twin.loss_and_gradients(x, y)
        for name, value in twin.parameters.items():
            gradients[name].append(found[name])
            decay = 0.3 if name.endswith("w") else 0.0
            value[...] = formula(start.parameters[name], gradients[name], decay, RATES[: step + 1])
    for name, value in twin.parameters.items():
        np.testing.assert_allclose(trained.parameters[name], value, rtol=1e-11, atol=1e-13)


def test_every_fit_begins_with_a_new_state():
    x, y = samples(30, 4, 3)
    model = mlp(4, 3, dtype="float64")
    trainer = fastnn.Trainer(model, optimizer=optim.Adam(0.1), epochs=1, batch_size=None)
    trainer.fit(x, y)
    moved = model.copy()
    trainer.fit(x, y)
    fit(moved, x, y, optimizer=optim.Adam(0.1), epochs=1, batch_size=None)
    np.testing.assert_array_equal(model.params, moved.params)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_config_and_repr_make_it_again(name):
    optimizer = OPTIMIZERS[name]()
    again = type(optimizer)(**optimizer.config())
    assert again.config() == optimizer.config()
    assert eval(repr(optimizer), vars(optim)).config() == optimizer.config()


def test_get_finds_optimizers_by_name():
    assert isinstance(optim.get("sgd"), optim.SGD)
    assert optim.get("momentum", learning_rate=0.5).learning_rate == 0.5
    mine = optim.Adam()
    assert optim.get(mine) is mine


@pytest.mark.parametrize("what", ["lamb", None, 3, ["sgd"], optim.SGD])
def test_other_objects_than_optimizers_are_refused(what):
    known = "adagrad, adam, adamw, rmsprop, sgd, lion, momentum, nesterov, muon"
    with pytest.raises(
        ValueError if what == "lamb" else TypeError, match=rf"optimizer: expected one of {known},.* got"
    ):
        optim.get(what)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        *[
            (
                lambda cls=cls, v=v: cls(v),
                ValueError,
                f"{cls.__name__}: learning_rate: expected a finite number above 0",
            )
            for cls in optim.OPTIMIZERS.values()
            for v in (0, -0.1, math.nan, math.inf)
        ],
        (lambda: optim.SGD(None), TypeError, "SGD: learning_rate: expected a finite number above 0, got None"),
        (lambda: optim.SGD("fast"), TypeError, "SGD: learning_rate: expected a finite number above 0, got 'fast'"),
        (
            lambda: optim.SGD(0.1, weight_decay=-1),
            ValueError,
            "SGD: weight_decay: expected a finite number of at least 0",
        ),
        (lambda: optim.SGD(0.1, weight_decay=math.nan), ValueError, "SGD: weight_decay"),
        (
            lambda: optim.Momentum(0.1, 1.0),
            ValueError,
            "Momentum: momentum: expected a number of at least 0 and below 1, got 1.0",
        ),
        (lambda: optim.Momentum(0.1, -0.1), ValueError, "Momentum: momentum"),
        (lambda: optim.Momentum(initial_velocity=math.inf), ValueError, "initial_velocity: expected a finite number"),
        (lambda: optim.Adam(beta1=1), ValueError, "Adam: beta1: expected a number of at least 0 and below 1"),
        (lambda: optim.Adam(beta2=math.nan), ValueError, "Adam: beta2"),
        (lambda: optim.AdamW(beta1=1), ValueError, "AdamW: beta1: expected a number of at least 0 and below 1"),
        (
            lambda: optim.Nesterov(0.1, 1.0),
            ValueError,
            "Nesterov: momentum: expected a number of at least 0 and below 1",
        ),
        (lambda: optim.RMSProp(rho=1.0), ValueError, "RMSProp: rho: expected a number of at least 0 and below 1"),
        (lambda: optim.RMSProp(eps=0), ValueError, "RMSProp: eps: expected a finite number above 0"),
        (lambda: optim.Adagrad(eps=0), ValueError, "Adagrad: eps: expected a finite number above 0"),
        (
            lambda: optim.Adagrad(initial_accumulator=-1),
            ValueError,
            "Adagrad: initial_accumulator: expected a finite number of at least 0",
        ),
        (lambda: optim.Adam(eps=0), ValueError, "Adam: eps: expected a finite number above 0"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_muon_takes_the_steps_of_torch():
    """PyTorch multiplies in bfloat16, so its steps agree to the digits of that."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=(24, 40)), rng.normal(size=(4, 24, 40))
    theirs = torch.nn.Parameter(torch.tensor(start))
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.2, "adjust_lr_fn": "match_rms_adamw"}
    reference = torch.optim.Muon([theirs], **options)
    p = Parameter("w", start.shape, fastnn.init.zeros())
    p.value = start.copy()
    optimizer = optim.Muon(0.1, 0.9, weight_decay=0.2)
    state = {slot: np.zeros_like(start) for slot in optimizer.slots}
    for t, g in enumerate(gradients, 1):
        theirs.grad, p.grad = torch.tensor(g), g
        reference.step()
        optimizer.update(Eager("float64"), p, state, np.array([0.1]), np.array([t]))
    moved = np.abs(p.value - start).max()
    np.testing.assert_allclose(p.value, theirs.detach().numpy(), atol=0.03 * moved)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (16, 16), (1, 9), (6, 3, 5, 5)])
def test_a_step_of_muon_is_nearly_orthogonal_and_as_long_as_one_of_adam(shape):
    rng = np.random.default_rng(5)
    p = Parameter("w", shape, fastnn.init.zeros())
    p.value, p.grad = np.zeros(shape), rng.normal(size=shape) * 1e-4
    optimizer = optim.Muon(1.0)
    optimizer.update(Eager("float64"), p, {s: np.zeros(shape) for s in "mv"}, np.ones(1), np.ones(1, np.int64))
    step = p.value.reshape(shape[0], -1)
    values = np.linalg.svd(step, compute_uv=False) / (0.2 * np.sqrt(max(step.shape)))
    assert 0.6 < values.min() <= values.max() < 1.3
    assert 0.1 < np.sqrt(np.mean(step**2)) < 0.3


def test_muon_leaves_a_matrix_without_a_gradient_where_it_is():
    p = Parameter("w", (4, 3), fastnn.init.zeros())
    p.value, p.grad = np.ones((4, 3), np.float32), np.zeros((4, 3), np.float32)
    state = {slot: np.zeros((4, 3), np.float32) for slot in "mv"}
    optim.Muon(0.1).update(Eager("float32"), p, state, np.ones(1), np.ones(1, np.int64))
    np.testing.assert_array_equal(p.value, np.ones((4, 3)))
