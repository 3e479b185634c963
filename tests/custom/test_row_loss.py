"""A loss of all outputs of a sample trains like the built-in one that computes the same."""

import pickle

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, samples, threads

import fastnn
from fastnn import custom
from fastnn.layers import Dense, Tanh

pytest.importorskip("numba")

SMOOTHING = 1.0


@custom.row_loss(labels=True)
def own_cross_entropy(out, target, grad):
    highest = out.max()
    e = np.exp(out - highest)
    total = e.sum()
    loss = SMOOTHING * 0.0
    for j in range(len(out)):
        grad[j] = e[j] / total - target[j]
        loss += target[j] * (np.log(total) + highest - out[j])
    return loss


def trained(loss, dtype, weights=None, **options):
    x, y = samples(130, 12, 5)
    model = fastnn.Sequential([Dense(9), Tanh(), Dense(5)], input_shape=(12,), dtype=dtype, seed=3)
    trainer = fastnn.Trainer(model, loss=loss, seed=1, epochs=3, batch_size=40, progress=False, **options)
    trainer.fit(x, y, sample_weight=weights)
    return model, trainer


@pytest.mark.parametrize("weighted", [False, True])
def test_it_trains_like_the_built_in_cross_entropy(weighted):
    weights = np.random.default_rng(0).uniform(0.5, 2, 130) if weighted else None
    own, built_in = (trained(loss, "float64", weights) for loss in (own_cross_entropy, "softmax_cross_entropy"))
    np.testing.assert_allclose(own[0].params, built_in[0].params, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(own[1].history.steps, built_in[1].history.steps, rtol=1e-12)
    x, y = samples(130, 12, 5)
    assert own[0].predict(x).shape == y.shape
    losses = [
        model.evaluate(x, y, loss=loss)["loss"]
        for model, loss in ((own[0], own_cross_entropy), (own[0], "softmax_cross_entropy"))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_the_bits_do_not_depend_on_the_number_of_threads():
    results = []
    for count in (1, 4):
        with threads(count):
            results.append(trained(own_cross_entropy, "float32")[0].params)
    assert same_bits(*results)


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_without_the_native_module_the_same_is_computed(backend):
    want = trained(own_cross_entropy, "float64")[0].params
    with fastnn.use_backend(backend):
        np.testing.assert_allclose(trained(own_cross_entropy, "float64")[0].params, want, rtol=1e-9, atol=1e-12)


def test_a_wrong_gradient_and_what_cannot_be_used_are_refused():
    def wrong(out, target, grad):
        grad[:] = out
        return np.sum((out - target) ** 2)

    words = ["a"]

    def uses_a_list(out, target, grad):
        grad[:] = len(words)
        return 0.0

    def of_two(out, target):
        return 0.0

    with pytest.raises(ValueError, match=r"row_loss: wrong: gradient: expected .* for output 0 at \(.*\), got"):
        custom.row_loss(wrong)
    with pytest.raises(ValueError, match="expected math, numpy and numbers from outside, got words, a list"):
        custom.row_loss(uses_a_list)
    with pytest.raises(ValueError, match="expected a function of outputs, target and gradient, got one of 2"):
        custom.row_loss(of_two)
    model = fastnn.Sequential([Dense(5)], input_shape=(12,))
    with pytest.raises(TypeError, match="own_cross_entropy"):
        fit(model, samples(9, 12, 5)[0], np.ones(9) / 2, loss=own_cross_entropy)


state = 0


def changes_a_global(out, target, grad):
    global state
    state = 1
    grad[:] = 2 * (out - target)
    return np.sum((out - target) ** 2)


def changes_its_input(out, target, grad):
    grad[:] = 2 * (out - target)
    out -= target
    return np.sum(out**2)


def raises_at_once(out, target, grad):
    raise ValueError("of no use")


def reads_beyond_the_row(out, target, grad):
    grad[:] = 0
    return out[4]


def returns_an_array(out, target, grad):
    grad[:] = 2 * (out - target)
    return (out - target) ** 2


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (changes_a_global, "expected a function that changes nothing outside itself, got global state"),
        (changes_its_input, "expected a function that writes into its gradient alone, got one that changes out"),
        (raises_at_once, "it raises ValueError for 4 outputs: of no use"),
        (reads_beyond_the_row, "it raises IndexError for 4 outputs: index 4 is out of bounds"),
        (returns_an_array, r"expected a function that returns a number, got array\("),
    ],
)
def test_what_is_no_loss_of_a_row_is_refused_in_one_line(function, message):
    with pytest.raises(ValueError, match=f"row_loss: {function.__name__}: {message}") as error:
        custom.row_loss(function)
    assert "\n" not in str(error.value)


@custom.row_loss
def raises_from_seven_on(out, target, grad):
    if out[0] > 7:
        raise ValueError("too large")
    grad[:] = 2 * (out - target)
    return np.sum((out - target) ** 2)


@custom.row_loss
def of_four_outputs(out, target, grad):
    grad[:] = 0
    grad[3] = 2 * (out[3] - target[3])
    return (out[3] - target[3]) ** 2


def test_one_that_fails_in_c_ends_as_an_error_that_names_it():
    model = fastnn.Sequential([Dense(2, init="ones")], input_shape=(3,))
    x, y = np.full((4, 3), 5), np.ones((4, 2))
    with pytest.raises(fastnn.NonFiniteLossError, match="the loss 'raises_from_seven_on' gives nan for 2 outputs of 8"):
        fit(model, x, y, loss=raises_from_seven_on, epochs=1)
    with pytest.raises(fastnn.NonFiniteLossError, match="the loss 'of_four_outputs' gives nan for 2 outputs of"):
        fit(model, x, y, loss=of_four_outputs, epochs=1)


@custom.row_loss
def adds_up_with_a_generator(out, target, grad):
    grad[:] = 2 * (out - target)
    return sum((a - b) ** 2 for a, b in zip(out, target))  # noqa: B905


def test_what_numba_cannot_compile_is_said_in_one_line():
    model = fastnn.Sequential([Dense(2)], input_shape=(3,))
    with pytest.raises(ValueError, match="adds_up_with_a_generator: Numba cannot compile it: ") as error:
        fit(model, np.ones((4, 3)), np.ones((4, 2)), loss=adds_up_with_a_generator, epochs=1)
    assert "\n" not in str(error.value)


def test_it_is_pickled():
    assert pickle.loads(pickle.dumps(own_cross_entropy)).config() == own_cross_entropy.config()
