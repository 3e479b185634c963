"""Fusion: each rule fires where it may, refuses where something else looks on, and changes no bit."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import ACTIVATIONS, LOSSES, OPTIMIZERS, fit, mlp, needs_native, samples

import fastnn
from fastnn.layers import Dense, Flatten, Layer, ReLU
from fastnn.program import compiled
from fastnn.program.fuse import fuse
from fastnn.program.record import Recorder, same_memory

RELU, TANHSHRINK = 1, 6


class Scene:
    """Arrays and buffers of a two-layer step, by short names."""

    def __init__(self, rows=4):
        self.ops = Recorder("float32")
        self.w, self.dw = np.zeros((3, 5), "f4"), np.zeros((3, 5), "f4")
        self.b, self.db = np.zeros(5, "f4"), np.zeros(5, "f4")
        self.vw, self.vb = np.zeros((3, 5), "f4"), np.zeros(5, "f4")
        self.x, self.dx = self.empty(rows, 3), self.empty(rows, 3)
        self.out, self.activated, self.dout = (self.empty(rows, 5) for _ in range(3))
        self.before, self.dbefore = self.empty(rows, 3), self.empty(rows, 3)
        self.other = self.empty(rows, 5)
        self.rate = self.ops.stream((1,), "float64")

    def empty(self, *shape):
        return self.ops.empty(shape)

    def forward(self):
        self.ops.affine_forward(self.x, self.w, self.b, self.out)

    def activate(self, kind=RELU):
        self.ops.activation_forward(self.out, self.activated, kind, 0.0)

    def backward_input(self):
        self.ops.affine_backward_input(self.dout, self.w, self.dx)

    def activate_back(self, kind=RELU, x=None):
        self.ops.activation_backward(self.dx, x, self.x, self.dbefore, kind, 0.0)

    def gradient(self, beta=0.0, db=True):
        self.ops.affine_backward_weight(self.x, self.dout, self.dw, self.db if db else None, beta)

    def sgd(self, which, decay=0.0):
        w, dw = {"w": (self.w, self.dw), "b": (self.b, self.db)}[which]
        self.ops.sgd_update(w, dw, self.rate, decay)

    def read(self, array):
        self.ops.activation_forward(array, self.empty(*array.shape), RELU, 0.0)

    def write(self, array):
        self.ops.activation_forward(self.empty(*array.shape), array, RELU, 0.0)

    @property
    def fused(self):
        return [op.kernel for op in fuse(self.ops.operations)]


def unchanged(scene):
    return scene.fused == [op.kernel for op in scene.ops.operations]


# --- affine_forward, activation_forward ---


def test_an_activation_joins_the_layer_before_it():
    s = Scene()
    s.forward()
    s.activate()
    (joined,) = fuse(s.ops.operations)
    assert joined.kernel == "affine_activation_forward"
    assert all(got is given for got, given in zip(joined.arguments, (s.x, s.w, s.b), strict=False))
    assert same_memory(joined.arguments[3], s.activated)
    assert joined.arguments[4:] == (RELU, 0.0)


def test_without_a_bias_too():
    s = Scene()
    s.ops.affine_forward(s.x, s.w, None, s.out)
    s.activate()
    assert fuse(s.ops.operations)[0].arguments[2] is None


def test_an_activation_of_another_shape_joins_as_rows():
    s = Scene()
    s.forward()
    s.ops.activation_forward(s.out.reshape(20), s.activated.reshape(2, 10), RELU, 0.0)
    (joined,) = fuse(s.ops.operations)
    assert joined.arguments[3].shape == s.out.shape


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.read(s.out),
        lambda s: s.write(s.out),
        lambda s: s.read(s.out.reshape(20)),
        lambda s: s.ops.activation_backward(s.dout, s.out, s.activated, s.other, TANHSHRINK, 0.0),
    ],
    ids=["read again", "written again", "read through a reshape", "needed by the backward pass"],
)
def test_an_activation_stays_when_its_input_is_touched_again(spoil):
    s = Scene()
    s.forward()
    s.activate()
    spoil(s)
    assert unchanged(s)


def test_an_activation_stays_when_something_stands_between():
    s = Scene()
    s.forward()
    s.read(s.other)
    s.activate()
    assert unchanged(s)


def test_an_activation_stays_when_it_writes_what_the_layer_reads():
    s = Scene()
    s.ops.affine_forward(s.x, s.w, s.b, s.out)
    s.ops.activation_forward(s.out, s.x.reshape(12), RELU, 0.0)
    assert unchanged(s)


def test_an_activation_stays_when_its_input_is_an_array_of_somebody_else():
    s = Scene()
    out = np.zeros((4, 5), "f4")
    s.ops.affine_forward(s.x, s.w, s.b, out)
    s.ops.activation_forward(out, s.activated, RELU, 0.0)
    assert unchanged(s)


# --- affine_backward_input, activation_backward ---


def test_an_activations_derivative_joins_the_input_gradient():
    s = Scene()
    s.backward_input()
    s.gradient()
    s.activate_back()
    assert s.fused == ["affine_activation_backward_input", "affine_backward_weight"]
    joined = fuse(s.ops.operations)[0]
    expected = (s.dout, s.w, s.x, s.dbefore)
    assert all(same_memory(got, want) for got, want in zip(joined.arguments, expected, strict=False))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.read(s.dx),
        lambda s: s.write(s.dx),
        lambda s: s.write(s.x),
        lambda s: s.read(s.dbefore),
        lambda s: s.write(s.dbefore),
    ],
    ids=["dx read", "dx written", "activation's output written", "result read", "result written"],
)
def test_a_derivative_stays_when_something_between_looks_on(spoil):
    s = Scene()
    s.backward_input()
    spoil(s)
    s.activate_back()
    assert unchanged(s)


def test_a_derivative_stays_when_dx_is_read_later():
    s = Scene()
    s.backward_input()
    s.activate_back()
    s.read(s.dx)
    assert unchanged(s)


def test_a_derivative_that_needs_its_input_stays():
    s = Scene()
    s.backward_input()
    s.activate_back(TANHSHRINK, x=s.before)
    assert unchanged(s)


def test_a_derivative_stays_when_it_overwrites_what_the_product_reads():
    s = Scene()
    s.ops.affine_backward_input(s.dout, s.w, s.dx)
    s.ops.activation_backward(s.dx, None, s.x, s.x, RELU, 0.0)
    assert unchanged(s)


def test_a_weight_update_behind_the_input_gradient_is_no_obstacle():
    s = Scene()
    s.backward_input()
    s.ops.sgd_update(s.w, s.dw, s.rate, 0.0)
    s.activate_back()
    assert s.fused == ["affine_activation_backward_input", "sgd_update"]


# --- affine_backward_weight, updates ---


def test_updates_join_the_weight_gradient():
    s = Scene()
    s.gradient()
    s.read(s.other)
    s.sgd("w", 0.5)
    s.sgd("b", 0.25)
    assert s.fused == ["affine_backward_weight_sgd", "activation_forward"]
    joined = fuse(s.ops.operations)[0]
    assert all(got is want for got, want in zip(joined.arguments, (s.x, s.dout, s.w, s.b, s.rate), strict=False))
    assert joined.arguments[5:] == (0.5, 0.25)


def test_in_either_order_and_without_a_bias():
    s = Scene()
    s.gradient()
    s.sgd("b")
    s.sgd("w")
    assert s.fused == ["affine_backward_weight_sgd"]
    assert fuse(s.ops.operations)[0].arguments[2] is s.w
    s = Scene()
    s.gradient(db=False)
    s.sgd("w", 0.5)
    (joined,) = fuse(s.ops.operations)
    assert joined.arguments[3] is None
    assert joined.arguments[5:] == (0.5, 0.5)


def test_the_other_rules_of_update_join_too():
    s = Scene()
    s.gradient()
    s.ops.momentum_update(s.w, s.vw, s.dw, s.rate, 0.9, 0.1)
    s.ops.momentum_update(s.b, s.vb, s.db, s.rate, 0.9, 0.0)
    (joined,) = fuse(s.ops.operations)
    assert joined.kernel == "affine_backward_weight_momentum"
    arrays = (s.x, s.dout, s.w, s.vw, s.b, s.vb, s.rate)
    assert all(got is want for got, want in zip(joined.arguments, arrays, strict=False))
    assert joined.arguments[7:] == (0.9, 0.1, 0.0)
    s = Scene()
    t = s.ops.stream((1,), "int64")
    mw, mb = s.vw.copy(), s.vb.copy()
    s.gradient()
    s.ops.adam_update(s.w, mw, s.vw, s.dw, s.rate, t, 0.9, 0.99, 1e-8, 0.1)
    s.ops.adam_update(s.b, mb, s.vb, s.db, s.rate, t, 0.9, 0.99, 1e-8, 0.0)
    (joined,) = fuse(s.ops.operations)
    arrays = (s.x, s.dout, s.w, mw, s.vw, s.b, mb, s.vb, s.rate, t)
    assert all(got is want for got, want in zip(joined.arguments, arrays, strict=False))
    assert joined.arguments[10:] == (0.9, 0.99, 1e-8, 0.1, 0.0)


def _accumulating(s):
    s.gradient(beta=1.0)
    s.sgd("w")
    s.sgd("b")


def _gradient_read(s):
    s.gradient()
    s.sgd("w")
    s.sgd("b")
    s.ops.sgd_update(np.zeros((3, 5), "f4"), s.dw, s.rate, 0.0)


def _gradient_added_to(s):
    s.gradient()
    s.gradient(beta=1.0)
    s.sgd("w")
    s.sgd("b")


def _gradient_overwritten(s):
    s.gradient()
    s.write(s.dw)
    s.sgd("w")
    s.sgd("b")


def _weight_read_between(s):
    s.gradient()
    s.backward_input()
    s.sgd("w")
    s.sgd("b")


def _weight_written_between(s):
    s.gradient()
    s.ops.sgd_update(s.w, np.ones((3, 5), "f4"), s.rate, 0.0)
    s.sgd("w")
    s.sgd("b")


def _bias_not_updated(s):
    s.gradient()
    s.sgd("w")


def _one_gradient_for_two_weights(s):
    s.gradient()
    s.sgd("w")
    s.ops.sgd_update(np.zeros((3, 5), "f4"), s.dw, s.rate, 0.0)


def _rules_differ(s):
    s.gradient()
    s.sgd("w")
    s.ops.momentum_update(s.b, s.vb, s.db, s.rate, 0.9, 0.0)


def _rates_differ(s):
    s.gradient()
    s.sgd("w")
    s.ops.sgd_update(s.b, s.db, s.ops.stream((1,), "float64"), 0.0)


def _momenta_differ(s):
    s.gradient()
    s.ops.momentum_update(s.w, s.vw, s.dw, s.rate, 0.9, 0.0)
    s.ops.momentum_update(s.b, s.vb, s.db, s.rate, 0.8, 0.0)


def _weight_seen_flat(s):
    s.gradient()
    s.ops.sgd_update(s.w.reshape(-1), s.dw, s.rate, 0.0)
    s.sgd("b")


def _gradient_is_the_weight(s):
    s.gradient()
    s.ops.sgd_update(s.dw, s.w, s.rate, 0.0)
    s.sgd("b")


@pytest.mark.parametrize(
    "scene",
    [
        _accumulating,
        _gradient_read,
        _gradient_added_to,
        _gradient_overwritten,
        _weight_read_between,
        _weight_written_between,
        _bias_not_updated,
        _one_gradient_for_two_weights,
        _rules_differ,
        _rates_differ,
        _momenta_differ,
        _weight_seen_flat,
        _gradient_is_the_weight,
    ],
    ids=lambda f: f.__name__.strip("_").replace("_", " "),
)
def test_updates_stay_apart(scene):
    s = Scene()
    scene(s)
    assert unchanged(s)


def test_updates_of_a_very_large_batch_stay_apart():
    for rows, joins in [(4096, True), (4097, False)]:
        s = Scene(rows)
        s.gradient()
        s.sgd("w")
        s.sgd("b")
        assert (s.fused == ["affine_backward_weight_sgd"]) == joins


# --- whole steps ---


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("target", LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_fused_training_has_the_bits_of_an_unfused_one(optimizer, target, activation, dtype, monkeypatch):
    x, y = samples(45, 6, 3)
    loss, targets = LOSSES[target]
    results = []
    for rules in (fuse, list):
        monkeypatch.setattr(compiled, "fuse", rules)
        model = mlp(6, 13, 8, 3, activation=ACTIVATIONS[activation], dtype=dtype)
        trainer = fit(
            model, x, targets(y, 3), loss=loss, optimizer=OPTIMIZERS[optimizer](), batch_size=16, epochs=2
        )
        assert trainer.compiled
        results.append((model.params, trainer.history.steps, trainer.explain().count("_update")))
    assert same_bits(results[0][0], results[1][0])
    assert same_bits(results[0][1], results[1][1])
    assert results[0][2] == 0 < results[1][2]


class Square(Layer):
    """Rows as squares, by the stand-in's own reshape."""

    def build(self, input_shape):
        side = int(input_shape[0] ** 0.5)
        self.input_shape, self.output_shape = input_shape, (side, side)
        return self.output_shape

    def forward(self, ops, x, training):
        return x.reshape(x.shape[0], *self.output_shape), None

    def backward(self, ops, dout, cache, need_dx):
        return dout.reshape(dout.shape[0], -1)


@needs_native
def test_activations_of_images_between_dense_layers():
    x, y = samples(40, 6, 3)
    results = []
    for compile in (True, False):
        model = fastnn.Sequential(
            [Dense(9), Square(), ReLU(), Flatten(), Dense(4), Square(), ReLU(), Flatten(), Dense(3)], input_shape=(6,)
        )
        trainer = fit(model, x, y, compile=compile, epochs=2)
        assert trainer.compiled == compile
        results.append(model.params)
    assert same_bits(*results)
