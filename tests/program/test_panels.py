"""Panels replace weights where every kernel can use them, and are never visible from outside."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, needs_native, samples

import fastnn
from fastnn.kernels.layout import LINE_BYTES
from fastnn.layers import Dense, Layer, Tanh
from fastnn.parameter import Parameter
from fastnn.program.panels import Panels

pytestmark = needs_native


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 16), (4, 17), (784, 10), (5, 97)])
def test_panels_hold_a_matrix_and_give_it_back(shape, dtype):
    matrix = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = matrix.copy()
    panels = Panels(matrix, 16)
    assert panels.panels.ctypes.data % LINE_BYTES == 0
    assert panels.panels.shape == (-(-shape[1] // 16), shape[0], 16)
    side_by_side = np.concatenate(list(panels.panels), axis=1)
    assert same_bits(np.ascontiguousarray(side_by_side[:, : shape[1]]), before)
    assert not side_by_side[:, shape[1] :].any()
    matrix[...] = 0
    panels.store()
    assert same_bits(matrix, before)


class Watch(fastnn.Callback):
    """Reads the parameters after every epoch, and may change them."""

    def __init__(self, change=None):
        self.seen, self.change = [], change

    def on_epoch_end(self, trainer, epoch):
        self.seen.append(trainer.model.params.copy())
        if self.change is not None:
            self.change(trainer.model)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_callbacks_see_and_change_the_trained_parameters(optimizer):
    x, y = samples(60, 7, 3)
    results = {}
    for compile in (True, False):
        watch = Watch(lambda model: np.multiply(model.params, 0.5, out=model.params))
        model = mlp(7, 70, 3)  # more columns than a panel has
        fit(model, x, y, callbacks=[watch], epochs=3, batch_size=20, compile=compile, optimizer=optimizer)
        results[compile] = [*watch.seen, model.params]
    assert all(same_bits(a, b) for a, b in zip(results[True], results[False], strict=True))
    assert len({a.tobytes() for a in results[True]}) == 4


class Tied(Layer):
    """out = x w[:, :units] by kernels, which uses a part of its parameter as a view that is made in every call."""

    kind = "tied"

    def __init__(self, units=4):
        self.units = units

    def build(self, input_shape):
        self.input_shape, self.output_shape = input_shape, (self.units,)
        fans = (input_shape[0], self.units)
        self.w = Parameter("w", fans, fastnn.init.get("glorot_uniform"), fans)
        return self.output_shape

    @property
    def parameters(self):
        return (self.w,)

    def forward(self, ops, x, training):
        out = ops.empty((x.shape[0], self.units))
        ops.affine_forward(x, self.w.value[:], None, out)
        return out, x

    def backward(self, ops, dout, cache, need_dx):
        dx = ops.empty(cache.shape)
        ops.affine_backward_input(dout, self.w.value[:], dx, None)
        ops.affine_backward_weight(cache, dout, self.w.grad, None, ops.beta)
        return dx


def test_a_layer_that_passes_views_of_its_weights_to_kernels_trains_too():
    x, y = samples(60, 7, 3)
    results = []
    for compile in (True, False):
        model = fastnn.Sequential([Tied(9), Tanh(), Dense(3)], input_shape=(7,))
        trainer = fit(model, x, y, epochs=3, compile=compile)
        assert trainer.compiled == compile
        results.append(model.params)
    assert same_bits(*results)
