"""A layer of one's own with learned numbers is compiled and trains like the built-in one that computes the same."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, needs_native, samples, threads

import fastnn
from fastnn import custom, kernels
from fastnn.architecture import parse
from fastnn.estimators import MLPClassifier
from fastnn.gradcheck import check_layer
from fastnn.layers import Conv2D, CustomElementwise, Dense, Flatten, Layer, PReLU

pytest.importorskip("numba")


@custom.elementwise_layer
def own_prelu(x, slope=0.25):
    return x if x > 0 else slope * x


@custom.elementwise_layer
def own_gate(x, beta=1.0, shift=0.5, scale=1.5):
    return scale * x / (1 + math.exp(-beta * (x - shift)))


def gate(x, beta, shift, scale):
    return scale * x / (1 + np.exp(-beta * (x - shift)))


def trained(layers, shape=(40,), dtype="float32", **options):
    x, y = samples(130, 40, 5)
    model = fastnn.Sequential(layers, input_shape=shape, dtype=dtype, seed=3)
    return fit(model, x.reshape(len(x), *shape), y, **{"seed": 11, "epochs": 2, "batch_size": 64, **options}).model


def rows(activation):
    return [Dense(70), activation, Dense(5)]


def images(activation):
    return [Conv2D(6, 3), activation, Flatten(), Dense(5)]


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(("stack", "shape"), [(rows, (40,)), (images, (2, 4, 5))])
def test_it_trains_like_the_built_in_one(stack, shape, per_channel):
    own = trained(stack(own_prelu(per_channel=per_channel)), shape, "float64")
    built_in = trained(stack(PReLU(per_channel=per_channel)), shape, "float64")
    np.testing.assert_allclose(own.params, built_in.params, rtol=1e-12, atol=1e-13)
    name = "own_prelu1.slope"
    assert own.parameters[name].shape == ((built_in.layers[1].input_shape[0],) if per_channel else (1,))
    assert np.all(own.parameters[name] != 0.25)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(
    "shape", [(7,), (3, 4, 5), *(pytest.param(shape, marks=needs_native) for shape in [(600,), (1, 30, 40)])]
)
def test_its_gradients_are_those_of_differences(shape, per_channel):
    assert check_layer(own_gate(per_channel=per_channel), shape).passed
    assert check_layer(own_prelu(per_channel=per_channel), shape).passed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "c", "s"), [(5, 1, 700), (9, 37, 1), (3, 5, 18), (2, 1100, 1), (0, 4, 3), (0, 1, 5)])
def test_all_backends_compute_the_same(n, c, s, dtype):
    rng = np.random.default_rng(n + c)
    x, dout = rng.normal(size=(2, n, c, s)).astype(dtype)
    numbers = rng.normal(np.ones((3, c))).astype(dtype)
    kind = int(own_gate.kernel)
    own_gate.kernel.prepare(np.dtype(dtype))
    results = {}
    for backend in kernels.available_backends():
        out, dx, sums = np.empty_like(x), np.empty_like(x), np.ones((3, c), dtype)
        kernels.get("learned_activation_forward", backend)(x, *numbers, out, kind)
        kernels.get("learned_activation_backward", backend)(dout, x, *numbers, dx, *sums, 1.0, kind)
        without = np.full((3, c), np.nan, dtype)
        kernels.get("learned_activation_backward", backend)(dout, x, *numbers, None, *without, 0.0, kind)
        np.testing.assert_allclose(sums - 1, without, rtol=0, atol=1e3 * np.finfo(dtype).eps)
        results[backend] = out, dx, sums
    if n:
        want = gate(x.astype("float64"), *numbers.astype("float64")[:, :, None])
        np.testing.assert_allclose(results["reference"][0], want, rtol=8 * np.finfo(dtype).eps, atol=0)
    for backend, found in results.items():
        for a, b in zip(found, results["reference"], strict=True):
            size = max(1.0, np.abs(b).max(initial=0))
            np.testing.assert_allclose(a, b, rtol=0, atol=40 * size * np.finfo(dtype).eps, err_msg=backend)


@needs_native
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(("stack", "shape"), [(rows, (40,)), (images, (2, 4, 5))])
def test_its_bits_are_those_of_any_number_of_threads_and_of_the_eager_step(stack, shape, per_channel):
    with fastnn.use_backend("native"):
        results = []
        ways = [(1, True), (2, True), (3, True), (4, True)]
        if stack is rows:  # compiled convolutions may be Winograd's, which rounds differently
            ways.append((2, False))
        for count, compiled in ways:
            with threads(count):
                results.append(trained(stack(own_gate(per_channel=per_channel)), shape, compile=compiled).params)
        assert all(same_bits(results[0], other) for other in results[1:])
        trainer = fit(
            fastnn.Sequential(rows(own_gate()), input_shape=(40,)), *samples(130, 40, 5), epochs=1, batch_size=64
        )
        assert "learned_activation_forward (own_gate)" in trainer.explain()


def test_it_is_resumed_with_the_same_bits(tmp_path):
    pytest.importorskip("safetensors")
    x, y = samples(90, 40, 5)

    def trainer(*callbacks, epochs):
        model = fastnn.Sequential(rows(own_gate(per_channel=True)), input_shape=(40,), seed=3)
        return fastnn.Trainer(model, optimizer="adam", epochs=epochs, seed=5, callbacks=callbacks, progress=False)

    whole = trainer(epochs=4)
    whole.fit(x, y)
    trainer(fastnn.Checkpoint(tmp_path), epochs=2).fit(x, y)
    resumed = trainer(epochs=4)
    resumed.resume(tmp_path, x, y)
    assert same_bits(resumed.model.params, whole.model.params)


def test_a_frozen_one_learns_nothing():
    layer = own_gate()
    layer.frozen = True
    model = trained(rows(layer))
    assert [float(model.parameters[f"own_gate1.{name}"][0]) for name in ("beta", "shift", "scale")] == [1, 0.5, 1.5]


def test_models_know_it_by_name(tmp_path):
    pytest.importorskip("safetensors")
    model = parse("mlp:40-70-own_gate-5")
    model.parameters["own_gate1.beta"][:] = 3
    model.save(tmp_path / "model.safetensors")
    loaded = fastnn.load(tmp_path / "model.safetensors")
    assert same_bits(loaded.params, model.params)
    assert repr(loaded.layers[1]) == repr(own_gate())
    elsewhere = f"import fastnn; fastnn.load({str(tmp_path / 'model.safetensors')!r})"
    done = subprocess.run([sys.executable, "-c", elsewhere], capture_output=True, text=True, check=False)
    assert "expected a custom layer of this process (none), got 'own_gate'" in done.stderr


@pytest.mark.filterwarnings("ignore:.*max_iter")
def test_estimators_take_it():
    sklearn = pytest.importorskip("sklearn")
    x, y = samples(60, 4, 2)
    net = MLPClassifier((8,), activation=own_gate, max_iter=3, random_state=0)
    assert sklearn.clone(net).activation is own_gate
    same = MLPClassifier((8,), activation="own_gate", max_iter=3, random_state=0).fit(x, y)
    assert same_bits(pickle.loads(pickle.dumps(net.fit(x, y))).predict_proba(x), same.predict_proba(x))


def test_a_model_takes_it_to_a_process_that_never_made_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import pickle, sys, fastnn\n"
        "@fastnn.custom.elementwise_layer\n"
        "def layer_of_a_script(x, scale=2.0):\n    return scale * x\n"
        "@fastnn.custom.activation\n"
        "def activation_of_a_script(x):\n    return x * x\n"
        "model = fastnn.Sequential([layer_of_a_script(), activation_of_a_script()], input_shape=(2,))\n"
        "with open(sys.argv[1], 'wb') as file:\n    pickle.dump(model, file)\n"
    )
    subprocess.run([sys.executable, str(script), str(tmp_path / "made")], check=True, timeout=100)
    with fastnn.use_backend("reference"):  # which compiles nothing
        model = pickle.loads((tmp_path / "made").read_bytes())
        assert model.forward([[1, 3]]).tolist() == [[4, 36]]


def test_onnx_takes_its_expansion():
    pytest.importorskip("onnx")
    reference = pytest.importorskip("onnx.reference")

    @custom.elementwise_layer(onnx=lambda graph, x, factor: graph.node("Mul", x, factor))
    def times_factor(x, factor=2.0):
        return factor * x

    layer = times_factor(per_channel=True)
    model = fastnn.Sequential([layer], input_shape=(3, 2, 2))
    model.parameters["times_factor1.factor"][:] = [1, 2, 3]
    x = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
    run = reference.ReferenceEvaluator(fastnn.export.to_onnx(model)).run(None, {"input": x})[0]
    np.testing.assert_array_equal(run, model.forward(x))
    with pytest.raises(ValueError, match="give its expansion"):
        fastnn.export.to_onnx(fastnn.Sequential([own_gate()], input_shape=(3,)))


def without_numbers(x):
    return x


def without_a_value(x, slope):
    return slope * x


def with_four(x, a=1, b=2, c=3, d=4):
    return a * x + b + c + d


def of_a_reserved_name(x, function=1.0):
    return x * function


def of_words(x, slope="steep"):
    return x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (without_numbers, "expected a number, and behind it numbers to learn with the values that they begin with"),
        (without_a_value, "expected a number, and behind it numbers to learn with the values that they begin with"),
        (with_four, "expected at most 3 numbers to learn, got 4"),
        (of_a_reserved_name, "function is an argument of every such layer; give the learned number another name"),
    ],
)
def test_what_is_no_layer_is_refused(function, message):
    with pytest.raises(ValueError, match=f"elementwise_layer: {function.__name__}: {message}"):
        custom.elementwise_layer(function)


def test_wrong_arguments_and_derivatives_are_refused():
    with pytest.raises(TypeError, match="elementwise_layer: of_words: slope: expected a finite number"):
        custom.elementwise_layer(of_words)

    def scaled_by(x, factor=2.0):
        return factor * x

    def by_x_alone(x, factor):
        return factor, factor

    with pytest.raises(ValueError, match=r"scaled_by: factor at x = -3: derivative: expected -3 at 0, .* got 0$"):
        custom.elementwise_layer(derivative=by_x_alone)(scaled_by)
    with pytest.raises(ValueError, match="derivative: expected a function of x, factor, got one of 1 arguments"):
        custom.elementwise_layer(derivative=without_numbers)(scaled_by)
    with pytest.raises(TypeError, match="own_gate: expected per_channel, beta, shift, scale, got gamma"):
        own_gate(gamma=1)
    with pytest.raises(TypeError, match="own_gate: beta: expected a finite number"):
        own_gate(beta="large")
    with pytest.raises(ValueError, match="is the name of a custom layer; give this activation another name"):
        custom.activation(name="own_gate")(without_numbers)
    assert repr(own_gate) == ("<layer own_gate of (x, beta=1.0, shift=0.5, scale=1.5), derivative by dual numbers>")
    assert isinstance(own_gate(), CustomElementwise)


def test_one_without_a_rule_is_differenced():
    with pytest.warns(UserWarning, match="no rule for the derivative of copysign; central differences are taken"):

        @custom.elementwise_layer
        def signed_square(x, factor=1.0):
            return math.copysign(factor * x * x, x)

    assert check_layer(signed_square(), (5,), kinks=(0.0,)).passed or signed_square.derivative == "central differences"


def test_one_that_fails_ends_as_an_error_that_names_it():
    @custom.elementwise_layer
    def root_of_shifted(x, shift=4.0):
        return math.sqrt(x + shift)

    model = fastnn.Sequential([Dense(9, init="normal(3)"), root_of_shifted(), Dense(2)], input_shape=(4,), seed=1)
    with pytest.raises(fastnn.NonFiniteLossError, match="the layer 'root_of_shifted' gives"):
        fit(model, *samples(80, 4, 2), epochs=3)


class Shrunk(Layer):
    """A layer of kernels of the table that takes an activation of one's own."""

    kind = "shrunk"

    def __init__(self):
        self.kernel = own_absolute.kernel

    def forward(self, ops, x, training):
        out, total = ops.empty(x.shape), ops.empty(x.shape)
        self.kernel.prepare(ops.dtype)
        ops.activation_forward(x, out, int(self.kernel), 0.0)
        ops.add(out, x, total)
        return total, x

    def backward(self, ops, dout, cache, need_dx):
        dx, total = ops.empty(cache.shape), ops.empty(cache.shape)
        ops.activation_backward(dout, cache, dx, int(self.kernel), 0.0)
        ops.add(dx, dout, total)
        return total


@custom.activation
def own_absolute(x):
    return math.sqrt(1 + x * x)


@needs_native
def test_a_layer_of_kernels_with_an_activation_of_ones_own_is_compiled(recwarn):
    with fastnn.use_backend("native"):
        trained(rows(Shrunk()))
    assert not [w for w in recwarn if "layer by layer" in str(w.message)]
    assert check_layer(Shrunk(), (4,)).passed
