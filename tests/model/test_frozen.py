"""Frozen layers keep their bits, and the others are trained as in a training written by hand."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import OPTIMIZERS, fit, mlp, needs_native, samples

import fastnn
from fastnn import optim
from fastnn.layers import BatchNorm, Conv2D, Dense, Flatten, GroupNorm, Layer, MaxPool2D, ReLU, Residual
from fastnn.trainer import Callback

BOTH = pytest.mark.parametrize("compile", [pytest.param(True, marks=needs_native), False], ids=["compiled", "eager"])


def freeze(model, *names):
    for layer in model.layers:
        layer.frozen = layer.name in names
    return model


def small(**options):
    """A model with every kind of layer that has parameters, including batch normalisation before a pool."""
    layers = [
        *(Conv2D(8, 3, pad=1), BatchNorm(), ReLU(), MaxPool2D(2), GroupNorm(2)),
        *(Residual([Conv2D(8, 3, pad=1), BatchNorm(), ReLU()]), Conv2D(6, 3), ReLU(), Flatten(), Dense(9), ReLU()),
        Dense(3),
    ]
    model = fastnn.Sequential(layers, input_shape=(2, 10, 10), seed=3, **options)
    for name, array in model.state.items():
        array[...] = np.random.default_rng(len(name)).uniform(0.5, 1.5, array.shape)
    return model


def photos(n=48, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 2, 10, 10)), rng.integers(0, 3, n)


FROZEN = {
    "the first": ["conv1"],
    "batch norm alone": ["batch_norm1"],
    "one in the middle": ["conv2"],
    "the last": ["dense2"],
    "the residual block": ["residual1"],
    "all but the last": ["conv1", "batch_norm1", "group_norm1", "residual1", "conv2", "dense1"],
}


@BOTH
@pytest.mark.parametrize(
    ("optimizer", "which"), [*(("adam", w) for w in FROZEN), *((o, "the first") for o in OPTIMIZERS)]
)
def test_frozen_parameters_and_statistics_keep_their_bits(which, optimizer, compile):
    model = freeze(small(), *FROZEN[which])
    before = {name: array.copy() for name, array in (model.parameters | model.state).items()}
    trainer = fit(model, *photos(), epochs=2, batch_size=16, optimizer=OPTIMIZERS[optimizer](), compile=compile)
    assert trainer.compiled == compile
    for name, array in (model.parameters | model.state).items():
        frozen = name.split(".")[0] in FROZEN[which]
        assert same_bits(array, before[name]) == frozen, name


@needs_native
@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("which", FROZEN)
def test_compiled_and_eager_give_the_same_numbers(which, clip):
    models = []
    for compile in (True, False):
        model = freeze(small(dtype="float64"), *FROZEN[which])
        rule = optim.Momentum(0.01, weight_decay=1e-3)
        options = {"epochs": 2, "batch_size": 16, "optimizer": rule, "clip_norm": clip}
        trainer = fit(model, *photos(), compile=compile, **options)
        models.append((model.params, trainer.history.steps))
    (a, steps), (b, other) = models
    np.testing.assert_allclose(steps, other, rtol=1e-12)
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@BOTH
def test_the_others_are_trained_as_by_hand(compile):
    """Two dense layers, of which the first is frozen, are trained in NumPy by momentum with weight decay."""
    x, y = samples(12, 5, 3)
    model = mlp(5, 7, 3, dtype="float64", seed=2)
    model.layers[0].frozen = True
    w1, b1, w2, b2 = (array.copy() for array in model.parameters.values())
    fit(model, x, y, epochs=4, batch_size=None, optimizer=optim.Momentum(0.1, 0.9, weight_decay=0.01), compile=compile)
    hidden = np.maximum(x @ w1 + b1, 0)
    vw, vb = np.zeros_like(w2), np.zeros_like(b2)
    for _ in range(4):
        scores = hidden @ w2 + b2
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        slope = (p - np.eye(3)[y]) / len(x)
        vw = 0.9 * vw + 0.1 * (hidden.T @ slope + 0.01 * w2)
        vb = 0.9 * vb + 0.1 * slope.sum(axis=0)
        w2, b2 = w2 - vw, b2 - vb
    assert same_bits(model.parameters["dense1.w"], w1)
    np.testing.assert_allclose(model.parameters["dense2.w"], w2, rtol=1e-12)
    np.testing.assert_allclose(model.parameters["dense2.b"], b2, rtol=1e-12)


@BOTH
def test_a_frozen_base_trains_as_its_features_do(compile):
    x, y = samples(32, 6, 3)
    model = mlp(6, 9, 8, 3, dtype="float64", seed=4)
    head = mlp(8, 3, dtype="float64", seed=0)
    head.params[...] = model.params[-head.params.size :]
    freeze(model, "dense1", "dense2")
    options = {"epochs": 3, "batch_size": 8, "seed": 7, "optimizer": optim.Adam(0.01), "compile": compile}
    features = model.features(x, at="relu2")
    fit(model, x, y, **options)
    fit(head, features, y, **options)
    np.testing.assert_allclose(model.params[-head.params.size :], head.params, rtol=1e-10)


@needs_native
def test_no_gradient_is_computed_below_the_lowest_trained_layer():
    def kernels(*frozen):
        trainer = fit(freeze(small(), *frozen), *photos(), epochs=1, batch_size=16)
        return [line.split()[0] for line in trainer.explain().splitlines()[1:] if line and not line[0].isdigit()]

    everything, upper = kernels(), kernels(*FROZEN["all but the last"])
    assert any(name.startswith(("conv_backward", "winograd_backward")) for name in everything)
    assert not [name for name in upper if name.startswith(("conv", "winograd", "batch_norm")) and "backward" in name]
    assert not [name for name in upper if name.startswith(("conv", "winograd", "batch_norm")) and "update" in name]


@pytest.mark.parametrize("which", ["the first", "one in the middle", "the last"])
def test_gradients_of_the_others_are_those_in_the_whole_network(which):
    x, y = photos(4)
    _, gradients = freeze(small(dtype="float64"), *FROZEN[which]).loss_and_gradients(x, y)
    _, whole = small(dtype="float64").loss_and_gradients(x, y)
    for name, gradient in gradients.items():
        assert same_bits(gradient, np.zeros_like(gradient) if name.split(".")[0] in FROZEN[which] else whole[name])


def test_gradients_through_frozen_batch_norm_are_right():
    """The running statistics do not depend on x."""
    model = fastnn.Sequential([Dense(4), BatchNorm(), Dense(2)], input_shape=(3,), dtype="float64", seed=1)
    model.state["batch_norm1.running_var"][...] = [0.5, 1, 2, 3]
    model.layers[1].frozen = True
    x, y = samples(6, 3, 2)
    _, gradients = model.loss_and_gradients(x, y)
    w, h = model.parameters["dense1.w"], 1e-6
    numeric = np.zeros_like(w)
    for place in np.ndindex(w.shape):
        for sign in (1, -1):
            w[place] += sign * h
            numeric[place] += sign * model.evaluate(x, y)["loss"] / (2 * h)
            w[place] -= sign * h
    np.testing.assert_allclose(gradients["dense1.w"], numeric, rtol=1e-6, atol=1e-9)


@BOTH
def test_a_callback_may_release_a_layer(compile):
    class Release(Callback):
        def on_epoch_begin(self, trainer, epoch):
            trainer.model.layers[0].frozen = epoch < 3

    x, y = samples(32, 5, 3)
    model = mlp(5, 6, 3)
    first = model.parameters["dense1.w"].copy()
    fit(model, x, y, epochs=2, callbacks=[Release()], compile=compile)
    assert same_bits(model.parameters["dense1.w"], first)
    fit(model, x, y, epochs=3, callbacks=[Release()], compile=compile)
    assert not np.array_equal(model.parameters["dense1.w"], first)


def test_gradients_of_frozen_layers_do_not_count_in_the_norm():
    x, y = samples(16, 5, 3)
    model = mlp(5, 6, 3)
    model.loss_and_gradients(1000 * x, y)
    model.layers[0].frozen = True
    assert not model.gradients["dense1.w"].any()
    assert not model.grads[: model.layers[0].w.size].any()
    model.layers[0].frozen = False
    assert model.loss_and_gradients(x, y)[1]["dense1.w"].any()


class Shift(Layer):
    """out = x + s in NumPy, whose backward ignores `frozen`."""

    kind = "shift"

    def build(self, input_shape):
        from fastnn import init
        from fastnn.parameter import Parameter

        self.s = Parameter("s", input_shape, init.get("ones"))
        return super().build(input_shape)

    @property
    def parameters(self):
        return (self.s,)

    def forward(self, ops, x, training):
        return x + self.s.value, None

    def backward(self, ops, dout, cache, need_dx):
        self.s.grad[...] = dout.sum(axis=0)
        return dout


@pytest.mark.filterwarnings("ignore:fit. the training runs layer by layer")
def test_a_layer_of_the_users_own_is_frozen_too():
    x, y = samples(16, 5, 3)
    model = fastnn.Sequential([Dense(4), Shift(), Dense(3)], input_shape=(5,), seed=1)
    model.layers[1].frozen = True
    fit(model, x, y, epochs=1, clip_norm=1e-3)
    assert (model.parameters["shift1.s"] == 1).all()
    assert not model.gradients["shift1.s"].any()
    assert not model.loss_and_gradients(x, y)[1]["shift1.s"].any()


def test_frozen_is_kept_in_files_copies_and_descriptions(tmp_path):
    model = freeze(small(), "conv1", "residual1")
    model.save(tmp_path / "m.safetensors")
    for again in (fastnn.load(tmp_path / "m.safetensors"), model.copy(), fastnn.Sequential.from_config(model.config())):
        assert [layer.name for layer in again.layers if layer.frozen and layer.parameters] == ["conv1", "residual1"]
        assert again.config() == model.config()
        assert list(again.trained_parameters) == list(model.trained_parameters)
    assert "frozen" not in str(small().config())
    frozen = sum(p.size for layer in model.layers if layer.frozen for p in layer.parameters)
    assert f"({frozen:,} frozen)" in model.summary()


def test_one_layer_of_a_residual_block_can_be_frozen():
    model = small()
    block = model.layers[5]
    block.inner[0].frozen = True
    assert not block.frozen
    before = model.parameters["residual1.conv1.w"].copy()
    other = model.parameters["residual1.batch_norm1.gamma"].copy()
    fit(model, *photos(), epochs=1)
    assert same_bits(model.parameters["residual1.conv1.w"], before)
    assert not np.array_equal(model.parameters["residual1.batch_norm1.gamma"], other)


def test_a_model_with_nothing_to_train_is_refused():
    model = mlp(5, 4, 3)
    for layer in model.layers:
        layer.frozen = True
    with pytest.raises(ValueError, match="every layer with parameters is frozen"):
        fit(model, *samples(8, 5, 3), epochs=1)


@BOTH
def test_a_penalty_on_frozen_weights_counts_but_does_not_move_them(compile):
    x, y = samples(16, 5, 3)
    model = fastnn.Sequential([Dense(4, l2=0.5), ReLU(), Dense(3, l2=0.1)], input_shape=(5,), seed=1)
    model.layers[0].frozen = True
    before = model.parameters["dense1.w"].copy()
    trainer = fit(model, x, y, epochs=1, batch_size=None, optimizer=optim.SGD(0.0001), compile=compile)
    assert same_bits(model.parameters["dense1.w"], before)
    assert trainer.history.steps[0] > 0.25 * (before**2).sum()
