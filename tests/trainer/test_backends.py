"""Trainings on the other backends end where those of the native one do; tests/deep.sh runs the other tests on them."""

import numpy as np
import pytest
from trainings import LOSSES, OPTIMIZERS, fit, needs_native, samples

import fastnn
from fastnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, GroupNorm, LayerNorm, MaxPool2D, PReLU, Tanh

pytestmark = needs_native
OTHERS = [name for name in fastnn.kernels.available_backends() if name != "native"]


def rows():
    return [Dense(20), LayerNorm(), Tanh(), Dropout(0.3), Dense(5)]


def images():
    return [Conv2D(6, 3), BatchNorm(), PReLU(), MaxPool2D(2), Conv2D(4, 2), GroupNorm(2), Tanh(), Flatten(), Dense(5)]


def trained(backend, stack, shape, target, optimizer):
    x, y = samples(70, 72, 5)
    loss, targets = LOSSES[target]
    with fastnn.use_backend(backend):
        model = fastnn.Sequential(stack(), input_shape=shape, dtype="float64", seed=3)
        options = {"loss": loss, "optimizer": OPTIMIZERS[optimizer](), "seed": 11, "epochs": 2, "batch_size": 24}
        weights = np.random.default_rng(0).uniform(0.5, 2, 70)
        trainer = fastnn.Trainer(model, progress=False, **options)
        trainer.fit(x.reshape(70, *shape), targets(y, 5), sample_weight=weights)
        return np.concatenate([model.params, trainer.history.steps])


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize(("target", "optimizer"), list(zip([*LOSSES, *LOSSES], OPTIMIZERS, strict=False)))
@pytest.mark.parametrize(("stack", "shape"), [(rows, (72,)), (images, (2, 6, 6))])
def test_a_training_ends_where_the_native_one_does(stack, shape, target, optimizer, backend):
    want = trained("native", stack, shape, target, optimizer)
    # A bias before a norm has a gradient of rounding errors alone. Lion takes its sign, six times, and steps by 0.003;
    # others divide it by its own size.
    near = 0.036 if optimizer == "lion" else 1e-6
    np.testing.assert_allclose(trained(backend, stack, shape, target, optimizer), want, rtol=near, atol=near)


@pytest.mark.parametrize("backend", OTHERS)
def test_augmented_images_are_the_same(backend):
    x = np.random.default_rng(0).integers(0, 256, (40, 1, 9, 9)).astype(np.uint8)
    results = []
    for name in ("native", backend):
        with fastnn.use_backend(name):
            augmentation = fastnn.data.Augmentation(shift=1, rotate=10, noise=0.1, cutout=3)
            model = fastnn.Sequential(
                [Flatten(), Dense(3)], input_shape=(1, 9, 9), dtype="float64", seed=1, input_scale=1 / 255
            )
            fit(model, x, np.arange(40) % 3, augmentation=augmentation, epochs=2, seed=2, optimizer="adam")
            results.append(model.params)
    np.testing.assert_allclose(*results, rtol=1e-8, atol=1e-9)
