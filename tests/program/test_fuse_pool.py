"""The derivative of a ReLU is computed on the outputs of a pool, and a convolution is fused with the pool after it."""

import copy

import numpy as np
import pytest
from strategies import same_bits
from trainings import digest, fit, images, kernels_of, needs_native, threads

import fastnn
from fastnn.kernels import Activation, get
from fastnn.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU, Tanhshrink
from fastnn.program.fuse import fuse
from fastnn.program.record import Recorder

SIZES = {"apart": (2, 2, 2, 2, 0, 0), "overlapping": (3, 2, 1, 2, 1, 0)}


def recorded(window, kind, alpha=0.25, count=(3, 3)):
    ops = Recorder("float32")
    x, activated, dx = (ops.empty((4, 2, 6, 6)) for _ in range(3))
    out, dout = ops.empty((4, 2, *count)), ops.empty((4, 2, *count))
    argmax = ops.empty(out.shape, np.uint8)
    ops.activation_forward(x, activated, kind, alpha)
    ops.max_pool_forward(activated, out, argmax, *window)
    ops.activation_forward(out, dout, Activation.IDENTITY, 0.0)
    ops.max_pool_backward(dout, argmax, dx, *window)
    ops.activation_backward(dx, activated, dx, kind, alpha)
    return ops.operations


def run(operations):
    """The values of all arrays after the operations, of which the first has random numbers."""
    values = {}
    for operation in operations:
        arguments = []
        for argument in operation.arguments:
            if not hasattr(argument, "root"):
                arguments.append(argument)
                continue
            if argument.root not in values:
                start = np.random.default_rng(len(values)).normal(size=argument.root.shape)
                values[argument.root] = start.astype(argument.dtype)
            arguments.append(values[argument.root].reshape(argument.shape))
        get(operation.kernel, "reference")(*arguments)
    return arguments[2]  # dx of both kernels


@pytest.mark.parametrize("windows", SIZES)
@pytest.mark.parametrize("kind", [Activation.RELU, Activation.LEAKY_RELU, Activation.TANH])
def test_reversing_the_order_gives_the_same_bits(windows, kind):
    count = (3, 3) if windows == "apart" else (6, 3)
    before = recorded(SIZES[windows], kind, count=count)
    after = fuse(before)
    turned = [op.kernel for op in after[-2:]] == ["activation_backward", "max_pool_backward"]
    assert turned == (windows == "apart" or kind == Activation.RELU)
    assert same_bits(run(before) + 0, run(after) + 0)


def test_nothing_changes_where_the_pool_has_another_input():
    operations = recorded(SIZES["apart"], Activation.RELU)
    ops = Recorder("float32")
    other = ops.empty((4, 2, 6, 6))
    last = operations[-1]
    changed = last.change(saved=other)
    assert [op.kernel for op in fuse([*operations[:-1], changed])][-1] == "activation_backward"


CONVOLUTION = "conv_max_pool_forward_nchw16n"
BLOCKS = {
    "LeNet's": ((Conv2D(6, 5), ReLU(), MaxPool2D(2)), True),
    "no activation, windows of 3 x 4": ((Conv2D(5, 3, pad="same"), MaxPool2D((3, 4))), True),
    "activation behind the pool": ((Conv2D(5, 3, pad="same"), MaxPool2D(2), ReLU()), True),
    "windows that overlap": ((Conv2D(5, 3), ReLU(), MaxPool2D(3, stride=2)), False),
    "windows that leave a border": ((Conv2D(5, 3, pad="same"), ReLU(), MaxPool2D(5)), False),
    "an activation that needs its input": ((Conv2D(5, 3, pad="same"), Tanhshrink(), MaxPool2D(2)), False),
}


@needs_native
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("n", [16, 37])
def test_a_convolution_is_fused_with_windows_that_tile_it(block, n):
    x, y = images(2 * n, (2, 12, 12))
    layers, expected = BLOCKS[block]
    results = []
    for compile in (True, False):
        stack = [*copy.deepcopy(layers), Flatten(), Dense(3)]
        model = fastnn.Sequential(stack, input_shape=(2, 12, 12), seed=1, dtype="float64")
        trainer = fit(model, x, y, batch_size=n, epochs=2, compile=compile, optimizer="adam")
        results.append((model.params, trainer.history.steps, model.predict_proba(x)))
        if compile:
            assert (CONVOLUTION in kernels_of(trainer)) == expected
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


@needs_native
def test_the_number_of_threads_changes_no_bit():
    x, y = images(80, (2, 12, 12))
    digests = set()
    for count in (1, 2, 3, 4):
        stack = [Conv2D(6, 5), ReLU(), MaxPool2D(2), Flatten(), Dense(3)]
        model = fastnn.Sequential(stack, input_shape=(2, 12, 12), seed=1)
        with threads(count):
            fit(model, x, y, batch_size=40, epochs=2, optimizer="momentum")
        digests.add(digest(model.params))
    assert len(digests) == 1
