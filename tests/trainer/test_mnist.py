"""Real data: the accuracies that a network of this size must reach on MNIST."""

from pathlib import Path

import pytest
from trainings import ROOT, mlp

import fastnn
from fastnn import optim
from fastnn.layers import Dense, ReLU

MNIST = ROOT.parent / "shared" / "data" / "mnist"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(MNIST).is_dir(), reason="no MNIST beside the repository"),
]


@pytest.fixture(scope="module")
def mnist():
    return fastnn.data.load("mnist", path=MNIST)


def test_784_200_10_with_adam(mnist):
    model = mlp(784, 200, 10, input_scale=1 / 255)
    trainer = fastnn.Trainer(model, optimizer=optim.Adam(1e-3), batch_size=64, epochs=8, progress=False)
    trainer.fit(*mnist.train)
    assert model.evaluate(*mnist.test)["accuracy"] >= 0.975


def test_784_666_666_10_with_plain_descent(mnist):
    """50,000 images for training, the last 10,000 of the training file for validation."""
    x, y = mnist.train
    layers = [Dense(666), ReLU(), Dense(666), ReLU(), Dense(10)]
    model = fastnn.Sequential(layers, input_shape=(784,), input_scale=1 / 255, seed=2)
    trainer = fastnn.Trainer(
        model, optimizer=optim.SGD(0.1), batch_size=100, epochs=10, seed=2, shuffle="batches", progress=False
    )
    history = trainer.fit(x[:50_000], y[:50_000], validation=(x[50_000:], y[50_000:]))
    assert history.column("val_accuracy").max() >= 0.978
