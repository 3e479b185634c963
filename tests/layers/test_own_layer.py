"""A layer of the user's own trains layer by layer, with a warning, if it uses NumPy; with kernels it is compiled."""

import doctest
import warnings

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, needs_native, samples

import fastnn
from fastnn import init
from fastnn.gradcheck import check_layer, check_model
from fastnn.layers import Dense, Layer, Tanh
from fastnn.parameter import Parameter


class UnitScale(Layer):
    """out = x · s with one trained factor for each unit, in plain NumPy."""

    kind = "scale"

    def build(self, input_shape):
        self.s = Parameter("s", input_shape, init.get("uniform(0.5, 1.5)"))
        return super().build(input_shape)

    @property
    def parameters(self):
        return (self.s,)

    def forward(self, ops, x, training):
        return x * self.s.value, x

    def backward(self, ops, dout, cache, need_dx):
        self.s.grad[...] = (dout * cache).sum(axis=0)
        return dout * self.s.value


class Swish(Layer):
    """x · sigmoid(x) in plain NumPy, and in float64 for any input."""

    kind = "swish"

    def forward(self, ops, x, training):
        gate = 1 / (1 + np.exp(-x.astype("float64")))
        return x * gate, (x, gate)

    def backward(self, ops, dout, cache, need_dx):
        x, gate = cache
        return dout * (gate + x * gate * (1 - gate))


class Flip(Layer):
    """Reverses the order of the units by a view with a negative stride."""

    kind = "flip"

    def forward(self, ops, x, training):
        return x[:, ::-1], None

    def backward(self, ops, dout, cache, need_dx):
        return dout[:, ::-1]


class Twice(Layer):
    """relu(relu(x)) computed only by kernels of `ops`."""

    kind = "twice"

    def forward(self, ops, x, training):
        a, b = ops.empty(x.shape), ops.empty(x.shape)
        ops.activation_forward(x, a, 1, 0.0)
        ops.activation_forward(a, b, 1, 0.0)
        return b, (a, b)

    def backward(self, ops, dout, cache, need_dx):
        a, b = cache
        between, dx = ops.empty(a.shape), ops.empty(a.shape)
        ops.activation_backward(dout, b, between, 1, 0.0)
        ops.activation_backward(between, a, dx, 1, 0.0)
        return dx


OWN = (UnitScale, Swish, Flip)


def network(cls, dtype="float64"):
    return fastnn.Sequential([Dense(9), cls(), Tanh(), Dense(3)], input_shape=(6,), dtype=dtype)


@pytest.mark.parametrize("cls", [*OWN, Twice])
def test_its_gradients_are_right(cls):
    assert check_layer(cls(), (5,)).passed
    assert check_model(network(cls)).passed


@needs_native
@pytest.mark.parametrize("cls", OWN)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_takes_the_layer_by_layer_path_and_says_so_once(cls, dtype):
    x, y = samples(80, 6, 3)
    model = network(cls, dtype)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trainer = fit(model, x, y, optimizer=fastnn.optim.Adam(0.02), epochs=8, batch_size=16)
    assert [str(w.message)[:38] for w in said] == ["fit: the training runs layer by layer "]
    assert trainer.compiled is False
    assert trainer.history.epochs[-1]["accuracy"] > max(0.7, trainer.history.epochs[0]["accuracy"])
    assert model.evaluate(x, y)["accuracy"] > 0.7


@pytest.mark.filterwarnings("ignore:fit. the training runs layer by layer")
@pytest.mark.parametrize("cls", OWN)
def test_compile_or_not_gives_the_same_bits(cls):
    x, y = samples(80, 6, 3)
    results = []
    for compile in (True, False):
        model = network(cls, "float32")
        fit(model, x, y, epochs=2, compile=compile)
        results.append((model.params, model.forward(x)))
    assert same_bits(results[0][0], results[1][0])
    assert same_bits(results[0][1], results[1][1])


@needs_native
def test_with_kernels_alone_it_is_compiled():
    x, y = samples(80, 6, 3)
    results = []
    for compile in (True, False):
        model = network(Twice)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert fit(model, x, y, epochs=2, compile=compile).compiled == compile
        results.append(model.params)
    assert same_bits(*results)


@pytest.mark.parametrize("cls", [*OWN, Twice])
def test_it_is_used_in_predictions(cls):
    model = network(cls, "float32")
    x = np.random.default_rng(0).normal(size=(600, 6)).astype("f4")
    out = model.forward(x)
    assert (out.shape, out.dtype) == ((600, 3), np.float32)
    np.testing.assert_allclose(model.forward(x[300:301])[0], out[300], rtol=1e-5, atol=1e-6)
    assert same_bits(model.copy().predict(x), model.predict(x))


def test_it_is_saved_and_loaded_by_its_name(tmp_path):
    model = network(UnitScale)
    model.save(tmp_path / "m.safetensors")
    loaded = fastnn.load(tmp_path / "m.safetensors")
    assert isinstance(loaded.layers[1], UnitScale)
    assert same_bits(loaded.params, model.params)


def test_an_unfinished_layer_names_what_is_missing():
    class Unfinished(Layer):
        pass

    model = fastnn.Sequential([Unfinished()], input_shape=(3,))
    with pytest.raises(NotImplementedError, match="Unfinished: forward is missing"):
        model.forward(np.ones((1, 3)))
    with pytest.raises(NotImplementedError, match="Unfinished: backward is missing"):
        Layer.backward(Unfinished(), None, None, None, True)


@pytest.mark.filterwarnings("ignore:fit. the training runs layer by layer")
def test_an_error_in_it_is_raised_unchanged():
    class Broken(Layer):
        def forward(self, ops, x, training):
            return x * 2 / np.zeros((3, 3)).no_such_thing, None

    x, y = samples(20, 6, 3)
    with pytest.raises(AttributeError, match="no_such_thing"):
        fit(network(Broken), x, y)


class OwnDescent(fastnn.optim.Optimizer):
    """Plain gradient descent in NumPy, which ignores the rate that it is given."""

    def __init__(self, rate):
        super().__init__(rate, 0.0)

    def update(self, ops, parameter, state, rate, t):
        parameter.value -= self.learning_rate * parameter.grad


@needs_native
def test_an_optimizer_of_the_users_own_trains_layer_by_layer():
    """If it were recorded, its arithmetic would run only once."""
    x, y = samples(80, 6, 3)
    own = fastnn.Sequential([Dense(3)], input_shape=(6,), dtype="float64")
    ours = own.copy()
    start = own.params.copy()
    with pytest.warns(UserWarning, match="layer by layer .a step changed parameters"):
        trainer = fit(own, x, y, optimizer=OwnDescent(0.1), epochs=2)
    assert trainer.compiled is False
    fit(ours, x, y, optimizer=fastnn.optim.SGD(0.1), epochs=2)
    assert not np.allclose(own.params, start)
    np.testing.assert_allclose(own.params, ours.params, rtol=1e-12)
    own.params[...] = 0  # no longer locked


def test_the_layer_in_the_documentation_is_saved_and_checked_in_float64(tmp_path):
    """The class itself, as ``help(fastnn.layers)`` shows it: its parts do what their comments say."""
    example = next(e for e in doctest.DocTestParser().get_examples(fastnn.layers.__doc__) if "class Gain" in e.source)
    scope = {"init": init, "Layer": Layer, "Parameter": Parameter, "__name__": __name__}
    fastnn.layers.REGISTRY.pop("Gain", None)  # from the run of the documentation itself
    exec(example.source, scope)
    gain = scope["Gain"]
    try:
        model = fastnn.Sequential([gain("uniform(0.5, 1.5)"), Dense(3)], input_shape=(4,), dtype="float64")
        assert check_model(model, *samples(6, 4, 3)).passed
        model.save(tmp_path / "model.safetensors")
        again = fastnn.load(tmp_path / "model.safetensors")
        assert same_bits(again.params, model.params)
        assert again.config() == model.config()
    finally:
        fastnn.layers.REGISTRY.pop("Gain", None)
