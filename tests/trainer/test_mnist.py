"""Networks reach the accuracies on MNIST that they must reach."""

from pathlib import Path

import pytest
from trainings import ROOT, mlp

import fastnn
from fastnn import optim
from fastnn.architecture import parse
from fastnn.layers import Dense, ReLU

MNIST = ROOT.parent / "shared" / "data" / "mnist"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(MNIST).is_dir(), reason="no MNIST beside the repository"),
]


@pytest.fixture(scope="module")
def mnist():
    return fastnn.data.load("mnist", path=MNIST)


def test_784_200_10_with_adam_reaches_its_accuracy(mnist):
    model = mlp(784, 200, 10, input_scale=1 / 255)
    trainer = fastnn.Trainer(model, optimizer=optim.Adam(1e-3), batch_size=64, epochs=8, progress=False)
    trainer.fit(*mnist.train)
    assert model.evaluate(*mnist.test)["accuracy"] >= 0.975


def test_784_666_666_10_with_sgd_reaches_its_accuracy(mnist):
    """50,000 images for training, the last 10,000 of the training file for validation."""
    x, y = mnist.train
    layers = [Dense(666), ReLU(), Dense(666), ReLU(), Dense(10)]
    model = fastnn.Sequential(layers, input_shape=(784,), input_scale=1 / 255, seed=2)
    trainer = fastnn.Trainer(
        model, optimizer=optim.SGD(0.1), batch_size=100, epochs=10, seed=2, shuffle="batches", progress=False
    )
    history = trainer.fit(x[:50_000], y[:50_000], validation=(x[50_000:], y[50_000:]))
    assert history.column("val_accuracy").max() >= 0.978


@pytest.mark.parametrize(
    ("network", "rate", "augmentation"),
    [  # LeNet-5 without padding, and the network of the letters study
        ("conv:1x28x28,6x5p0,relu,pool2,16x5p0,relu,pool2,fc120,relu,fc84,relu,fc10", 4e-3, None),
        ("letters-cnn", 1.5e-3, fastnn.data.Augmentation(shift=1)),  # 98.9 % without
    ],
)
def test_convolutional_networks_reach_99_percent_within_five_passes(mnist, network, rate, augmentation):
    model = parse(network, input_shape=(1, 28, 28), input_scale=1 / 255)
    trainer = fastnn.Trainer(
        model,
        optimizer=optim.Adam(rate),
        schedule=fastnn.schedules.OneCycle(5),
        batch_size=128,
        epochs=5,
        augmentation=augmentation,
        progress=False,
    )
    x, y = mnist.train
    xv, yv = mnist.test
    history = trainer.fit(x[:, None], y, validation=(xv[:, None], yv))
    assert trainer.compiled
    assert history.column("val_accuracy").max() >= 0.99
