"""Images for the estimators, the command line and ONNX: their axes are those that were said, or an error."""

import numpy as np
import pytest

import fastnn
from fastnn.architecture import parse
from fastnn.cli import main
from fastnn.estimators import ConvNetClassifier
from fastnn.layers import Conv2D, Dense, Flatten

FIRST = np.random.default_rng(0).integers(0, 255, (20, 3, 8, 9)).astype("f4")
LAST = np.ascontiguousarray(np.moveaxis(FIRST, 1, -1))
Y = np.arange(20) % 2


def net(**options):
    options = {"conv_layers": (2,), "hidden_layer_sizes": (), "max_iter": 2, "random_state": 0, "tol": 9.0} | options
    return ConvNetClassifier(**options)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_classifier_of_images_reads_channels_last_where_it_is_said():
    expected = net().fit(FIRST, Y).predict_proba(FIRST)
    with pytest.raises(ValueError, match=r"whose channels seem to come last; say so with channels_last=True"):
        net().fit(LAST, Y)
    said = net(channels_last=True).fit(LAST, Y)
    np.testing.assert_array_equal(said.predict_proba(LAST), expected)
    np.testing.assert_array_equal(said.model_.predict_proba(LAST)[:, 0] >= 0, True)
    with pytest.raises(ValueError, match="was fitted on images"):
        said.predict(FIRST)
    shaped = net(channels_last=True, image_shape=(3, 8, 9))
    np.testing.assert_array_equal(shaped.fit(LAST.reshape(20, -1), Y).predict_proba(LAST), expected)
    for given in ((3, 8, 9), (8, 9, 3)):
        with pytest.raises(ValueError, match=r"channels seem to come last; say so with channels_last=True"):
            net(image_shape=given).fit(LAST, Y)
    with pytest.raises(ValueError, match=r"image_shape: expected \(C, H, W\), got \(8, 9, 3\)"):
        net(image_shape=(8, 9, 3)).fit(LAST.reshape(20, -1), Y)
    with pytest.raises(ValueError, match=r"image_shape is \(3, 9, 8\) but X has images \(3, 8, 9\)"):
        net(image_shape=(3, 9, 8)).fit(FIRST, Y)
    assert net(channels_last=False).fit(LAST, Y).model_.input_shape == (8, 9, 3)
    again = net().fit(FIRST, Y).set_params(channels_last=True, warm_start=True)
    assert again.fit(LAST, Y).model_.channels_last


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_partial_fit_reads_the_same_axes():
    first, last = net(), net(channels_last=True)
    for _ in range(2):
        first.partial_fit(FIRST, Y, classes=[0, 1])
        last.partial_fit(LAST, Y, classes=[0, 1])
    np.testing.assert_array_equal(first.predict_proba(FIRST), last.predict_proba(LAST))


def test_an_architecture_for_images_whose_channels_seem_to_come_last_is_an_error():
    with pytest.raises(ValueError, match="seems to be"):
        parse("lenet5", input_shape=(28, 28, 1))
    assert parse("lenet5", input_shape=(1, 28, 28), channels_last=True).sample_shape == (28, 28, 1)
    assert parse("conv:28x28x1,fc2").input_shape == (28, 28, 1)


def test_the_command_line_follows_the_axes_of_the_model(tmp_path, capsys):
    x, y = (np.tile(a, (3, *[1] * (a.ndim - 1))) for a in (FIRST, Y))
    names = {"train_images": x, "train_labels": y, "test_images": x, "test_labels": y}
    np.savez(tmp_path / "d.npz", **names)
    printed = []
    for last in (False, True):
        layers = [Conv2D(2, 3), Flatten(), Dense(2)]
        model = fastnn.Sequential(layers, input_shape=(3, 8, 9), channels_last=last, class_names=["0", "1"])
        model.save(tmp_path / "model.safetensors")
        np.save(tmp_path / "only.npy", LAST if last else FIRST)
        for words in (["evaluate", "d.npz"], ["predict", "d.npz"], ["predict", "only.npy"]):
            assert main([words[0], str(tmp_path / "model.safetensors"), "--data", str(tmp_path / words[1])]) == 0
            printed.append(capsys.readouterr().out)
    assert printed[:3] == printed[3:]


def test_onnx_takes_the_samples_that_the_model_takes():
    onnx = pytest.importorskip("onnx")
    evaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator
    model = fastnn.Sequential([Conv2D(2, 3), Flatten(), Dense(2)], input_shape=(3, 8, 9), channels_last=True)
    graph = fastnn.export.to_onnx(model)
    onnx.checker.check_model(graph)
    (out,) = evaluator(graph).run(None, {"input": LAST})
    np.testing.assert_allclose(out, model.forward(LAST), rtol=1e-4, atol=1e-3)
