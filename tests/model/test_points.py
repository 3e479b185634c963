"""At named points, a model can be cut and its features computed."""

import copy
import pickle

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, samples

import fastnn
from fastnn.kernels.eager import Eager
from fastnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, LocalResponseNorm, MaxPool2D, ReLU, Residual


def images(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 3, 12, 12), dtype=np.uint8)


def network(**options):
    layers = [
        *(Conv2D(8, 3, pad=1), BatchNorm(), ReLU(), MaxPool2D(3, stride=2), LocalResponseNorm()),
        *(Residual([Conv2D(8, 3, pad=1), ReLU()]), Conv2D(6, 3, groups=2), ReLU(), Flatten(), Dropout(0.5), Dense(4)),
    ]
    points = {"first": "relu1", "last": "conv2"}
    return fastnn.Sequential(layers, input_shape=(3, 12, 12), input_scale=1 / 255, points=points, **options)


def one_by_one(model, x, count):
    """The outputs of the first layers, each called separately."""
    ops = Eager(model.dtype)
    out = np.ascontiguousarray(x.astype(model.dtype) * model.dtype.type(model.input_scale))
    for layer in model.layers[:count]:
        out, _ = layer.forward(ops, np.ascontiguousarray(out), False)
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 5, 16, 40])
def test_features_are_those_of_the_layers_one_by_one(n, dtype):
    model, x = network(dtype=dtype), images(n)
    for count, layer in enumerate(model.layers, 1):
        got, want = model.features(x, at=layer.name), one_by_one(model, x, count)
        assert got.shape == (n, *layer.output_shape)
        assert got.dtype == dtype
        tolerance = 2e-6 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max())


def test_features_at_the_last_layer_are_the_outputs():
    model, x = network(), images(33)
    assert same_bits(model.features(x, at="dense1"), model.forward(x))


def test_a_point_is_another_name_of_a_layer():
    model, x = network(), images(3)
    assert same_bits(model.features(x, at="first"), model.features(x, at="relu1"))
    assert model.features(x, at="last").shape == (3, *model.cut("last").output_shape)


def test_features_follow_the_parameters_the_scale_and_copies():
    model, x = network(), images(3)
    before = model.features(x, at="relu1")
    twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    model.params *= 2
    assert not np.array_equal(model.features(x, at="relu1"), before)
    model.params /= 2
    assert same_bits(model.features(x, at="relu1"), before)
    assert same_bits(twin.features(x, at="relu1"), before)
    twin.params *= 2
    assert same_bits(model.features(x, at="relu1"), before)
    model.input_scale = 1.0
    assert not np.array_equal(model.features(x, at="relu1"), before)


def test_a_cut_is_an_independent_model():
    x, y = samples(40, 5, 3)
    model = mlp(5, 7, 6, 3, class_names=["a", "b", "c"])
    model.layers[0].frozen = True
    part = model.cut("dense2")
    assert [layer.name for layer in part.layers] == ["dense1", "relu1", "dense2"]
    assert same_bits(part.params, model.params[: part.params.size])
    assert same_bits(part.forward(x), model.features(x, at="dense2"))
    assert part.class_names is None
    assert [layer.frozen for layer in part.layers] == [True, False, False]
    before = model.params.copy()
    fit(part, x, y, epochs=1)
    assert same_bits(before, model.params)
    assert not np.array_equal(part.params, before[: part.params.size])


def test_a_whole_cut_keeps_everything():
    model = network(class_names="abcd")
    model.state["batch_norm1.running_mean"][...] = 3
    part = model.cut("dense1")
    assert part.config() == model.config()
    assert same_bits(part.state["batch_norm1.running_mean"], model.state["batch_norm1.running_mean"])
    assert set(model.cut("relu1").points) == {"first"}


def test_points_are_kept_in_files(tmp_path):
    model, x = network(), images(2)
    model.save(tmp_path / "m.safetensors")
    again = fastnn.load(tmp_path / "m.safetensors")
    assert again.points == model.points
    assert same_bits(again.features(x, at="first"), model.features(x, at="first"))


@pytest.mark.parametrize("call", ["features", "cut"])
def test_an_unknown_layer_is_refused_with_the_known_names(call):
    model = network()
    with pytest.raises(ValueError, match=rf"^{call}: at: expected one of conv1, .*dense1, first, last, got 'conv9'"):
        getattr(model, call)(*([images(1)] if call == "features" else []), at="conv9")


@pytest.mark.parametrize(
    ("points", "error", "text"),
    [
        ({"end": "dense9"}, ValueError, "'end' names layer 'dense9'; there are dense1, relu1, dense2"),
        ({"dense1": "relu1"}, ValueError, "'dense1' is the name of a layer, but stands for 'relu1'"),
        ([("end", "dense1")], TypeError, "points: expected a dict of names of layers, got list"),
    ],
)
def test_bad_points_are_refused(points, error, text):
    with pytest.raises(error, match=text):
        mlp(3, 2, 2, points=points)


def test_features_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match=r"x must have shape \(N, 5\)"):
        mlp(5, 4, 3).features(np.zeros((2, 4)), at="relu1")


def test_a_cut_of_a_dense_network_takes_a_copy_of_the_layers():
    model = fastnn.Sequential([Dense(3), ReLU(), Dense(2)], input_shape=(4,))
    part = model.cut("relu1")
    assert all(mine is not theirs for mine, theirs in zip(part.layers, model.layers, strict=False))
    part.params[...] = 7
    assert not (model.params[: part.params.size] == 7).any()
