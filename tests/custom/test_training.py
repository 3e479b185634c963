"""Custom operations train like the built-in ones that compute the same, compiled and not, on any number of threads."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from custom.own_operations import own_lion, own_softshrink, own_squared_error, own_swish
from strategies import same_bits
from trainings import fit, needs_native, samples, threads

import fastnn
from fastnn import kernels
from fastnn.architecture import parse
from fastnn.estimators import MLPClassifier
from fastnn.kernels import Activation
from fastnn.layers import Dense, Flatten, Layer, MaxPool2D, SiLU, Softshrink
from fastnn.layers.convolution import Conv2D

pytest.importorskip("numba")

PAIRS = {"swish": (own_swish, SiLU), "softshrink": (own_softshrink, Softshrink)}


@pytest.fixture
def native():
    """The native backend, whichever the environment asks for: only that one compiles steps."""
    with fastnn.use_backend("native"):
        yield


def trained(activation, dtype="float32", **options):
    x, y = samples(130, 40, 5)
    model = fastnn.Sequential([Dense(70), activation(), Dense(5)], input_shape=(40,), dtype=dtype, seed=3)
    fit(model, x, y, seed=11, epochs=2, batch_size=64, **options)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", PAIRS)
def test_an_activation_trains_like_the_built_in_one(name, dtype):
    own, built_in = PAIRS[name]
    a, b = trained(own, dtype), trained(built_in, dtype)
    np.testing.assert_allclose(a.params, b.params, rtol=0, atol=200 * np.finfo(dtype).eps)
    if name == "softshrink":
        assert same_bits(a.params, b.params)


@needs_native
@pytest.mark.parametrize("name", PAIRS)
def test_kernels_agree_with_the_reference_within_the_bound_of_a_unary_function(name):
    own = PAIRS[name][0].kernel
    for dtype in (np.float32, np.float64):
        own.prepare(np.dtype(dtype))
        x = np.random.default_rng(0).normal(scale=4, size=1037).astype(dtype)
        got, want, dx, want_dx = (np.empty_like(x) for _ in range(4))
        kernels.get("activation_forward")(x, got, int(own), 0.0)
        kernels.get("activation_forward", "reference")(x, want, int(own), 0.0)
        saved = x if own.backward_needs_input else want
        kernels.get("activation_backward")(x, saved, dx, int(own), 0.0)
        kernels.get("activation_backward", "reference")(x, saved, want_dx, int(own), 0.0)
        bound = 8 * np.finfo(dtype).eps
        assert np.all(np.abs(got - want) <= bound * np.abs(want))
        assert np.all(np.abs(dx - want_dx) <= bound * (np.abs(want_dx) + np.abs(x)))
        in_place = x.copy()
        kernels.get("activation_forward")(in_place, in_place, int(own), 0.0)
        assert same_bits(in_place, got)
        alias = x.copy()
        kernels.get("activation_backward")(alias, saved, alias, int(own), 0.0)
        assert same_bits(alias, dx)


@needs_native
@pytest.mark.usefixtures("native")
def test_a_softshrink_of_ones_own_is_fused_where_the_built_in_one_is():
    x, y = samples(64, 40, 5)
    plans = []
    for activation in (own_softshrink, Softshrink):
        model = fastnn.Sequential([Dense(70), activation(), Dense(5)], input_shape=(40,))
        trainer = fit(model, x, y, epochs=1, batch_size=64)
        plans.append([line.split()[0] for line in trainer.explain().splitlines()[1:6] if line])
    assert plans[0] == plans[1]
    assert (
        "affine_forward (own_softshrink)"
        in fit(fastnn.Sequential([Dense(70), own_softshrink(), Dense(5)], input_shape=(40,)), x, y, epochs=1).explain()
    )


@needs_native
def test_a_convolution_takes_it_in_either_layout_with_the_bits_of_the_built_in_one():
    x = np.random.default_rng(1).normal(size=(33, 2, 9, 10))
    y = np.arange(33) % 3
    for batch in (33, 4):
        results = []
        for activation in (own_softshrink, Softshrink):
            layers: list[Layer] = [Conv2D(5, 3), activation(), MaxPool2D(2), Flatten(), Dense(3)]
            model = fastnn.Sequential(layers, input_shape=(2, 9, 10), seed=5)
            fit(model, x, y, seed=2, epochs=2, batch_size=batch)
            results.append(model.params)
        assert same_bits(*results)


@needs_native
@pytest.mark.parametrize("rule", [own_lion, lambda rate: fastnn.optim.Lion(rate)])
def test_the_bits_do_not_depend_on_the_number_of_threads(rule):
    results = []
    for count in (1, 2, 3, 4):
        with threads(count):
            results.append(trained(own_swish, optimizer=rule(1e-3)).params)
    assert all(same_bits(results[0], other) for other in results[1:])


@needs_native
@pytest.mark.usefixtures("native")
def test_compiled_is_eager():
    compiled = trained(own_swish, optimizer=own_lion(1e-3, weight_decay=1e-3))
    x, y = samples(130, 40, 5)

    class Plain(Dense):
        """A layer that cannot be recorded, so that the training runs layer by layer."""

        def forward(self, ops, x, training):
            np.asarray(x)
            return super().forward(ops, x, training)

    eager = fastnn.Sequential([Plain(70), own_swish(), Plain(5)], input_shape=(40,), seed=3)
    with pytest.warns(UserWarning, match="layer by layer"):
        fit(eager, x, y, seed=11, epochs=2, batch_size=64, optimizer=own_lion(1e-3, weight_decay=1e-3))
    assert same_bits(compiled.params, eager.params)


@pytest.mark.parametrize("batch", [8, 64])
def test_a_rule_trains_like_the_built_in_one(batch):
    x, y = samples(130, 40, 5)
    results = []
    for optimizer in (own_lion(1e-3), fastnn.optim.Lion(1e-3)):
        model = fastnn.Sequential([Dense(70), SiLU(), Dense(5)], input_shape=(40,), seed=3)
        fit(model, x, y, seed=11, epochs=2, batch_size=batch, optimizer=optimizer)
        results.append(model.params)
    np.testing.assert_allclose(*results, rtol=0, atol=5e-3)  # a sign may differ where a mean is nearly 0
    assert np.mean(np.abs(results[0] - results[1])) < 1e-5


def test_a_loss_trains_like_the_built_in_one_with_weights_too():
    x, _ = samples(130, 40, 5)
    weights = np.random.default_rng(0).uniform(0.5, 2, 130)
    for given in (None, weights):
        results = []
        for loss in (own_squared_error, "mean_squared_error"):
            model = fastnn.Sequential([Dense(7), SiLU(), Dense(3)], input_shape=(40,), seed=3, dtype="float64")
            trainer = fastnn.Trainer(model, epochs=2, loss=loss, seed=1, progress=False)
            trainer.fit(x, x[:, :3], sample_weight=given)
            results.append((model.params, trainer.history.steps))
        np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_without_the_native_module_the_same_is_computed(backend):
    want = trained(own_swish, "float64")
    with fastnn.use_backend(backend):
        got = trained(own_swish, "float64")
    np.testing.assert_allclose(got.params, want.params, rtol=1e-9, atol=1e-10)


def test_models_know_it_by_name(tmp_path):
    model = parse("mlp:40-70-own_swish-5")
    model.save(tmp_path / "model.safetensors")
    assert same_bits(fastnn.load(tmp_path / "model.safetensors").params, model.params)
    elsewhere = f"import fastnn; fastnn.load({str(tmp_path / 'model.safetensors')!r})"
    done = subprocess.run([sys.executable, "-c", elsewhere], capture_output=True, text=True, check=False)
    assert "expected a custom activation of this process (none), got 'own_swish'" in done.stderr


@pytest.mark.filterwarnings("ignore:.*max_iter")
def test_estimators_take_it_and_are_cloned_and_pickled():
    sklearn = pytest.importorskip("sklearn")
    x, y = samples(60, 4, 2)
    net = MLPClassifier((8,), activation=own_swish, max_iter=3, random_state=0)
    again = sklearn.clone(net)
    assert again.activation is own_swish
    net.fit(x, y)
    same = MLPClassifier((8,), activation="own_swish", max_iter=3, random_state=0).fit(x, y)
    assert same_bits(pickle.loads(pickle.dumps(net)).predict_proba(x), same.predict_proba(x))


def test_what_was_made_in_a_script_is_pickled_with_its_text(tmp_path):
    """Another process that never ran the script gets the same operation."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import pickle, sys, fastnn
            @fastnn.custom.activation
            def of_a_script(x):
                return x * x
            @fastnn.custom.update_rule
            def rule_of_a_script(w, g, rate, t, factor=1.0):
                return w - factor * rate * g
            @fastnn.custom.loss
            def loss_of_a_script(out, target):
                return abs(out - target)
            with open(sys.argv[1], "wb") as file:
                pickle.dump((of_a_script, rule_of_a_script, loss_of_a_script, rule_of_a_script(0.5, factor=2)), file)
            """
        )
    )
    subprocess.run([sys.executable, str(script), str(tmp_path / "made")], check=True, timeout=100)
    activation, rule, loss, optimizer = pickle.loads((tmp_path / "made").read_bytes())
    assert activation.kernel.function(np.float64(3)) == 9
    assert (optimizer.factor, optimizer.learning_rate) == (2, 0.5)
    assert (rule.name, loss.name) == ("rule_of_a_script", "loss_of_a_script")


def test_onnx_needs_the_expansion():
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match="give its expansion"):
        fastnn.export.to_onnx(fastnn.Sequential([own_swish()], input_shape=(3,)))


def test_explain_and_repr_name_it():
    assert repr(own_lion(0.1, beta1=0.5)) == "own_lion(learning_rate=0.1, weight_decay=0.0, beta1=0.5, beta2=0.99)"
    assert repr(own_swish()) == "CustomActivation(function='own_swish')"
    with pytest.raises(TypeError, match="own_lion: expected learning_rate, weight_decay, beta1, beta2, got gamma"):
        own_lion(0.1, gamma=3)
    assert int(own_swish.kernel) > max(Activation)
