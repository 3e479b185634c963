"""Trainings agree with PyTorch for the same weights and batches in float64."""

import numpy as np
import pytest
from trainings import LOSSES, mlp, samples

import fastnn
from fastnn import optim
from fastnn.layers import Tanh

torch = pytest.importorskip("torch")

DECAY = 1e-2
ADAM = {"lr": 0.01, "betas": (0.85, 0.99), "eps": 1e-6}


def multi_margin(out, labels):
    """PyTorch's loss, which is also a mean over the classes, as a sum."""
    return torch.nn.functional.multi_margin_loss(out, labels) * out.shape[1]


CRITERIA = {
    "softmax_cross_entropy": lambda: torch.nn.CrossEntropyLoss(),
    "mean_squared_error": lambda: torch.nn.MSELoss(),
    "binary_cross_entropy": lambda: torch.nn.BCEWithLogitsLoss(),
    "multiclass_hinge": lambda: multi_margin,
}
OPTIMIZERS = {
    "sgd": (optim.SGD(0.1, weight_decay=DECAY), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (
        optim.Momentum(0.05, 0.9, weight_decay=DECAY),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    ),
    "adam": (optim.Adam(0.01, 0.85, 0.99, 1e-6, weight_decay=DECAY), lambda p: torch.optim.Adam(p, **ADAM)),
    "adamw": (optim.AdamW(0.01, 0.85, 0.99, 1e-6, weight_decay=DECAY), lambda p: torch.optim.AdamW(p, **ADAM)),
    "nesterov": (
        optim.Nesterov(0.05, 0.9, weight_decay=DECAY),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    ),
    "rmsprop": (
        optim.RMSProp(0.01, 0.95, 1e-6, weight_decay=DECAY),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-6),
    ),
    "adagrad": (
        optim.Adagrad(0.05, 1e-6, weight_decay=DECAY, initial_accumulator=0.1),
        lambda p: torch.optim.Adagrad(p, lr=0.05, eps=1e-6, initial_accumulator_value=0.1),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _first_use():
    """Compute a gradient before the first test, so that what PyTorch loads is not part of its time."""
    torch.nn.Linear(1, 1)(torch.zeros(1, 1)).sum().backward()
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])


def torch_twin(model, activation):
    """A module with the same layers and weights, which PyTorch stores transposed."""
    parameters = list(model.parameters.values())
    stack = []
    for w, b in zip(parameters[::2], parameters[1::2], strict=True):
        layer = torch.nn.Linear(*w.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight[...] = torch.tensor(w.T.copy())
            layer.bias[...] = torch.tensor(b)
        stack += [layer, activation()]
    return torch.nn.Sequential(*stack[:-1])


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("target", LOSSES)
@pytest.mark.parametrize("activation", [(fastnn.layers.ReLU, torch.nn.ReLU), (Tanh, torch.nn.Tanh)])
def test_a_few_epochs_agree_with_torch(activation, target, optimizer, compile):
    x, y = samples(45, 6, 3)
    name, targets = LOSSES[target]
    t = targets(y, 3)
    model = mlp(6, 12, 7, 3, activation=activation[0], dtype="float64", seed=4)
    twin = torch_twin(model, activation[1])
    ours, make = OPTIMIZERS[optimizer]
    decay = 1.0 if optimizer in ("momentum", "nesterov") else 0.7  # PyTorch does not have the rate in the velocity
    trainer = fastnn.Trainer(
        model,
        optimizer=ours,
        loss=name,
        batch_size=16,
        epochs=3,
        shuffle=False,
        compile=compile,
        schedule=fastnn.schedules.Exponential(decay),
        progress=False,
    )
    trainer.fit(x, t)

    weights = [p for p in twin.parameters() if p.ndim == 2]
    biases = [p for p in twin.parameters() if p.ndim == 1]
    theirs = make([{"params": weights, "weight_decay": DECAY}, {"params": biases, "weight_decay": 0.0}])
    criterion = CRITERIA[name]()
    schedule = torch.optim.lr_scheduler.ExponentialLR(theirs, decay)
    steps = []
    for _ in range(3):
        for i in range(0, 45, 16):
            theirs.zero_grad()
            loss = criterion(twin(torch.tensor(x[i : i + 16])), torch.tensor(t[i : i + 16]))
            loss.backward()
            theirs.step()
            steps.append(loss.item())
        schedule.step()

    np.testing.assert_allclose(trainer.history.steps, steps, rtol=1e-12)
    for w, their_w in zip(model.parameters.values(), twin.parameters(), strict=True):
        np.testing.assert_allclose(w, their_w.detach().numpy().T, rtol=1e-11, atol=1e-12)
