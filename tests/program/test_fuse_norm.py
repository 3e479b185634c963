"""Batch normalisation is fused with the convolution before it and the pool after it, with the same trainings."""

import numpy as np
import pytest
from trainings import digest, fit, images, kernels_of, needs_native, threads

import fastnn
from fastnn.kernels import Activation
from fastnn.layers import AvgPool2D, BatchNorm, Conv2D, Dense, Flatten, MaxPool2D, ReLU, Residual, Sigmoid

pytestmark = needs_native
STATISTICS, POOL, BACK = (
    "conv_statistics_forward_nchw16n",
    "batch_norm_max_pool_forward_nchw16n",
    "batch_norm_max_pool_backward_nchw16n",
)


def network(*behind, shape=(2, 8, 12), norm=None, **options):
    norm = norm or BatchNorm()
    stack = [Conv2D(5, 3, pad="same"), *behind[:1], norm, *behind[1:], Flatten(), Dense(40), ReLU(), Dense(3)]
    return fastnn.Sequential(stack, input_shape=shape, seed=1, **options)


BLOCKS = {
    "as study 6 has it": (lambda: (ReLU(), MaxPool2D(2)), {STATISTICS, POOL, BACK}),
    "another activation, windows of 4 x 3": (lambda: (Sigmoid(), MaxPool2D((4, 3))), {STATISTICS, POOL, BACK}),
    "no pool": (lambda: (ReLU(),), {STATISTICS}),
    "windows that overlap": (lambda: (ReLU(), MaxPool2D(3, stride=2)), {STATISTICS}),
    "windows that leave a border": (lambda: (ReLU(), MaxPool2D(5)), {STATISTICS}),
}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("n", [16, 37])
@pytest.mark.parametrize("options", [{}, {"affine": False, "track": False}])
def test_a_training_agrees_with_the_eager_one(block, n, options):
    layers, expected = BLOCKS[block]
    x, y = images(3 * n, (2, 8, 12))
    results = []
    for compile in (True, False):
        model = network(*layers(), norm=BatchNorm(**options), dtype="float64")
        trainer = fit(model, x, y, batch_size=n, epochs=2, compile=compile, optimizer="adam")
        results.append((model.params, trainer.history.steps, model.predict_proba(x)))
        if compile:
            assert expected == set(kernels_of(trainer)) & {STATISTICS, POOL, BACK}
            assert not {"batch_norm_forward_nchw16n", "activation_forward"} & set(kernels_of(trainer))
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


def test_running_statistics_are_those_of_the_eager_training():
    x, y = images(70, (2, 8, 12))
    states = []
    for compile in (True, False):
        model = network(ReLU(), MaxPool2D(2), dtype="float64")
        fit(model, x, y, batch_size=32, epochs=1, compile=compile)
        states.append(model.state)
    for name, values in states[0].items():
        np.testing.assert_allclose(values, states[1][name], rtol=1e-12, err_msg=name)


def test_the_number_of_threads_changes_no_bit():
    x, y = images(80, (2, 8, 12))
    digests = set()
    for count in (1, 2, 3, 4):
        model = network(ReLU(), MaxPool2D(2))
        with threads(count):
            fit(model, x, y, batch_size=40, epochs=2, optimizer="momentum")
        digests.add(digest(model.params, *model.state.values()))
    assert len(digests) == 1


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("n", [16, 37, 64])
def test_the_backward_pass_of_the_dense_layer_after_it_is_one_kernel(optimizer, n):
    x, y = images(2 * n, (2, 8, 12))
    results = []
    for compile in (True, False):
        model = network(ReLU(), MaxPool2D(2), dtype="float64")
        trainer = fit(model, x, y, batch_size=n, epochs=2, compile=compile, optimizer=optimizer)
        results.append(model.params)
        if compile:
            assert "affine_backward_update_nchw16n" in kernels_of(trainer)
    np.testing.assert_allclose(*results, rtol=1e-9, atol=1e-9)


def test_nothing_is_fused_where_something_else_reads_what_is_normalised():
    x, y = images(32, (2, 8, 12))
    both = Residual([MaxPool2D(2)], shortcut=[AvgPool2D(2)])
    stack = [Conv2D(5, 3, pad="same"), BatchNorm(), both, Flatten(), Dense(3)]
    model = fastnn.Sequential(stack, input_shape=(2, 8, 12), seed=1)
    kernels = kernels_of(fit(model, x, y, batch_size=32, epochs=1))
    assert STATISTICS in kernels
    assert not {POOL, BACK} & set(kernels)


def test_identity_stands_for_no_activation():
    """fuse_norm.py fuses a convolution without activation as one with the identity."""
    assert Activation.IDENTITY == 0
