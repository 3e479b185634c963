"""predict, predict_proba and evaluate agree with plain NumPy."""

import numpy as np
import pytest
from trainings import LOSSES, fit, mlp, samples

import fastnn
from fastnn.layers import Dense, Flatten, LogSoftmax, ReLU, Softmin


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.fixture
def model():
    return mlp(5, 8, 3, dtype="float64", seed=1)


@pytest.fixture
def data():
    return samples(60, 5, 3)


def test_forward_is_the_network_in_numpy(model, data):
    x = data[0]
    p = model.parameters
    hidden = np.maximum(x @ p["dense1.w"] + p["dense1.b"], 0)
    np.testing.assert_allclose(model.forward(x), hidden @ p["dense2.w"] + p["dense2.b"], rtol=1e-12)


def test_inputs_are_scaled(data):
    x = data[0]
    scaled = mlp(5, 8, 3, dtype="float64", seed=1, input_scale=1 / 255)
    np.testing.assert_allclose(scaled.forward(255 * x), mlp(5, 8, 3, dtype="float64", seed=1).forward(x), rtol=1e-11)


def test_probabilities_and_classes_are_those_of_numpy(model, data):
    out = model.forward(data[0])
    probabilities = model.predict_proba(data[0])
    np.testing.assert_allclose(probabilities, softmax(out), rtol=1e-13)
    classes = model.predict(data[0])
    assert classes.dtype == np.int64
    np.testing.assert_array_equal(classes, out.argmax(axis=1))


def test_the_first_of_equal_outputs_is_chosen():
    model = fastnn.Sequential([Dense(4, init="zeros")], input_shape=(2,))
    assert model.predict(np.ones((3, 2))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("last", [LogSoftmax, Softmin])
def test_other_last_layers_have_probabilities_too(last, data):
    model = fastnn.Sequential([Dense(3), last()], input_shape=(5,), dtype="float64")
    logits = data[0] @ model.parameters["dense1.w"]
    expected = softmax(-logits if last is Softmin else logits)
    np.testing.assert_allclose(model.predict_proba(data[0]), expected, rtol=1e-12)


def test_a_regression_predicts_its_outputs(model, data):
    fit(model, data[0], np.eye(3)[data[1]], loss="mean_squared_error", epochs=1)
    assert model.task == "regression"
    np.testing.assert_array_equal(model.predict(data[0]), model.forward(data[0]))
    fit(model, *data, epochs=1)
    assert model.task == "classification"
    assert model.predict(data[0]).ndim == 1


def test_a_model_of_numbers_has_no_probabilities(model, data):
    fit(model, data[0], np.eye(3)[data[1]], loss="mean_squared_error", epochs=1)
    with pytest.raises(ValueError, match=r"^predict_proba: expected a model of classes, .*; predict has them$"):
        model.predict_proba(data[0])


def test_a_single_sample_is_answered_with_how_it_becomes_a_batch():
    images = fastnn.Sequential([Flatten(), Dense(2)], input_shape=(3, 2, 2), channels_last=True)
    for model, sample in ((mlp(6, 3), np.zeros(6)), (images, np.zeros((2, 2, 3)))):
        with pytest.raises(ValueError, match=r"got \(.*\); one sample is a batch of one, x\[None\]$"):
            model.predict(sample)
        assert len(model.predict(sample[None])) == 1


def test_only_rows_of_outputs_are_classes():
    model = fastnn.Sequential([ReLU()], input_shape=(2, 3))
    assert model.forward(np.ones((4, 2, 3))).shape == (4, 2, 3)
    for method in (model.predict, model.predict_proba):
        with pytest.raises(ValueError, match=r"outputs of one dimension, got \(2, 3\)"):
            method(np.ones((4, 2, 3)))


def test_samples_of_another_shape_but_the_same_size_are_taken():
    model = mlp(6, 3)
    x = np.random.default_rng(0).normal(size=(4, 6))
    assert model.forward(x.reshape(4, 2, 3)).tobytes() == model.forward(x).tobytes()


@pytest.mark.parametrize("target", LOSSES)
def test_evaluate_returns_loss_and_accuracy(target, model, data):
    loss, targets = LOSSES[target]
    x, y = data
    t = targets(y, 3)
    out = model.forward(x)
    result = model.evaluate(x, t, loss=loss)
    one_hot = np.eye(3)[t] if t.ndim == 1 else t
    right = (out > 0) == (one_hot > 0.5) if target == "binary" else out.argmax(axis=1, keepdims=True) == y[:, None]
    accuracy = pytest.approx(right.all(axis=1).mean())
    if target == "squared":
        assert result == {"loss": pytest.approx(((out - t) ** 2).mean(), rel=1e-13)}
        return
    if target == "binary":
        expected = (np.logaddexp(0, -out) * t + np.logaddexp(0, out) * (1 - t)).mean()
    elif target == "hinge":
        margins = np.maximum(0, out - out[np.arange(len(y)), y][:, None] + 1)
        expected = margins.sum(axis=1).mean() - 1  # the margin of the true class itself
    else:
        expected = -(one_hot * np.log(softmax(out))).sum(axis=1).mean()
    assert result == {"loss": pytest.approx(expected, rel=1e-12), "accuracy": accuracy}


def test_several_labels_of_a_sample_are_predicted_separately(model, data, tmp_path):
    x, y = data
    t = np.stack([y == 0, y != 0, y == 2], axis=1)
    fit(model, x, t, loss="binary_cross_entropy", epochs=2)
    assert model.task == "multilabel"
    for one in (model, fastnn.load(model.save(tmp_path / "m.safetensors") or tmp_path / "m.safetensors")):
        out = one.forward(x)
        np.testing.assert_array_equal(one.predict(x), out > 0)
        assert one.predict(x).dtype == np.int64
        np.testing.assert_allclose(one.predict_proba(x), 1 / (1 + np.exp(-out)), rtol=1e-6)
        assert one.evaluate(x, t) == one.evaluate(x, t, loss="binary_cross_entropy")


def test_evaluate_uses_the_loss_that_suits_the_task(model, data):
    x, y = data
    assert model.evaluate(x, y) == model.evaluate(x, y, loss="softmax_cross_entropy")
    model.task = "regression"
    t = np.eye(3)[y]
    assert model.evaluate(x, t) == model.evaluate(x, t, loss="mean_squared_error")


def test_evaluate_of_float32_sums_in_double():
    """A loss over many samples is as accurate as one over few."""
    model = mlp(4, 3)
    x, y = samples(50, 4, 3)
    many = model.evaluate(np.tile(x, (1000, 1)), np.tile(y, 1000))["loss"]
    assert many == pytest.approx(model.evaluate(x, y)["loss"], rel=1e-12)
