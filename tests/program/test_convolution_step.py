"""In a compiled step, convolutions are fused with activations, and trainings give the bits of the layer-by-layer path.

The batches in these tests are so small that images stay in the plain layout.
"""

import re

import numpy as np
import pytest
from fuse_scenes import RELU, TANHSHRINK
from strategies import same_bits
from trainings import ACTIVATIONS, OPTIMIZERS, fit, needs_native, samples, threads

import fastnn
from fastnn.layers import Conv2D, Dense, Flatten, ReLU, Tanh
from fastnn.program.fuse import fuse
from fastnn.program.record import Recorder, same_memory

WINDOW = (1, 1, 1, 1, 1, 1, 0)


class Images:
    """The arrays of a convolution and of an activation on either side, under short names."""

    def __init__(self):
        self.ops = Recorder("float32")
        self.w, self.b = np.zeros((5, 3, 3, 3), "f4"), np.zeros(5, "f4")
        self.x, self.dx, self.dbefore, self.before = (self.ops.empty((2, 3, 4, 6)) for _ in range(4))
        self.out, self.activated, self.dout = (self.ops.empty((2, 5, 4, 6)) for _ in range(3))

    def forward(self):
        self.ops.conv_forward(self.x, self.w, self.b, self.out, *WINDOW)

    def backward_input(self):
        self.ops.conv_backward_input(self.dout, self.w, self.dx, None, *WINDOW)

    def read(self, array):
        self.ops.activation_forward(array, self.ops.empty(array.shape), RELU, 0.0)

    @property
    def fused(self):
        return fuse(self.ops.operations)


def test_an_activation_is_fused_into_the_convolution_before_it():
    s = Images()
    s.forward()
    s.ops.activation_forward(s.out.reshape(2, -1), s.activated.reshape(2, -1), RELU, 0.5)
    (joined,) = s.fused
    assert joined.kernel == "conv_forward"
    assert all(got is given for got, given in zip(joined.arguments, (s.x, s.w, s.b), strict=False))
    assert same_memory(joined.arguments[3], s.activated)
    assert joined.arguments[3].shape == s.out.shape
    assert joined.arguments[4:] == (*WINDOW, RELU, 0.5)


def test_the_derivative_of_an_activation_is_fused_into_the_input_gradient():
    s = Images()
    s.backward_input()
    s.ops.activation_backward(s.dx, s.x, s.dbefore, RELU, 0.0)
    (joined,) = s.fused
    assert joined.kernel == "conv_backward_input"
    expected = (s.dout, s.w, s.dbefore, s.x)
    assert all(same_memory(got, want) for got, want in zip(joined.arguments, expected, strict=False))
    assert joined.arguments[4:] == (*WINDOW, RELU, 0.0)


def test_what_is_needed_elsewhere_is_not_fused():
    s = Images()
    s.forward()
    s.ops.activation_forward(s.out, s.activated, TANHSHRINK, 0.0)
    s.backward_input()
    s.read(s.dx)
    s.ops.activation_backward(s.dx, s.before, s.dbefore, TANHSHRINK, 0.0)
    s.ops.activation_backward(s.dout, s.out, s.ops.empty(s.out.shape), TANHSHRINK, 0.0)
    assert s.fused == s.ops.operations


def network(activation=ReLU, dtype="float32", **options):
    return fastnn.Sequential(
        [
            Conv2D(5, 3, pad="same", bias_init="normal(0.1)", **options),
            activation(),
            Conv2D(4, (2, 3), stride=(1, 2), groups=1, bias=False),
            activation(),
            Conv2D(8, 3, groups=4, dilation=2, pad=1),
            activation(),
            Flatten(),
            Dense(3),
        ],
        input_shape=(2, 7, 9),
        dtype=dtype,
        seed=4,
    )


def train(model, optimizer, batch=10, **options):
    x, y = samples(37, 2 * 7 * 9, 3)
    trainer = fit(
        model, x.reshape(-1, 2, 7, 9), y, optimizer=optimizer(), batch_size=batch, epochs=2, seed=5, **options
    )
    assert np.isfinite(model.params).all()
    return trainer


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "elu", "tanhshrink"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_compiled_training_is_eager_training(optimizer, activation, dtype):
    results = []
    for compile in (True, False):
        model = network(ACTIVATIONS[activation], dtype)
        trainer = train(model, OPTIMIZERS[optimizer], compile=compile)
        assert trainer.compiled == compile
        results.append((model.params, trainer.history.steps, model.forward(np.ones((3, 2, 7, 9)))))
    for one, other in zip(*results, strict=True):
        assert same_bits(one, other)


@needs_native
@pytest.mark.parametrize("batch", [1, 10])
def test_the_number_of_threads_changes_no_bit(batch):
    params = []
    for count in (1, 2, 3, 4):
        with threads(count):
            model = network()
            train(model, OPTIMIZERS["adam"], batch)
            params.append(model.params)
    assert all(same_bits(params[0], other) for other in params[1:])


def test_the_reference_backend_trains_to_the_same_numbers():
    results = []
    for backend in ("native", "reference") if "native" in fastnn.kernels.available_backends() else ("reference",) * 2:
        with fastnn.use_backend(backend):
            model = network(Tanh, "float64")
            train(model, OPTIMIZERS["adam"])
            results.append(model.params)
    np.testing.assert_allclose(*results, rtol=1e-8, atol=1e-11)


@needs_native
def test_gradients_of_a_network_are_right():
    result = fastnn.gradcheck.check_model(network(Tanh))
    assert result.passed, str(result)


@needs_native
def test_explain_counts_the_products():
    model = network()
    trainer = train(model, OPTIMIZERS["sgd"])
    text = trainer.explain()
    work = [2 * layer.multiply_adds() * 10 / 1e6 for layer in model.layers if isinstance(layer, Conv2D)]
    for flops in work:
        assert f" {flops:.2f} " in text
    assert re.search(r"conv_forward\w* \(", text)
    assert re.search(r"conv_backward_input\w* \(", text)


def test_a_model_with_convolutions_is_restored_from_its_file(tmp_path):
    pytest.importorskip("safetensors")
    model = fastnn.Sequential(
        [Conv2D(4, (3, 2), pad=((0, 1), (2, 0)), dilation=(1, 2), groups=2, conv_algorithm="direct"), ReLU()],
        input_shape=(2, 6, 7),
    )
    model.save(tmp_path / "conv.safetensors")
    again = fastnn.load(tmp_path / "conv.safetensors")
    assert repr(again) == repr(model)
    x = np.random.default_rng(0).standard_normal((5, 2, 6, 7)).astype("f4")
    assert same_bits(again.forward(x), model.forward(x))
