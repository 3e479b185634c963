"""ONNX export: onnxruntime computes what the model computes."""

import json
import sys

import numpy as np
import pytest
from trainings import ACTIVATIONS, mlp

import fastnn
from fastnn import layers
from fastnn.export import to_onnx
from fastnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, ReLU, Residual, Softmax

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

# relative to the largest output, because onnxruntime sums in another order and has its own exp and tanh
TOLERANCE = {"float32": 2e-6, "float64": 1e-12}


def outputs(proto, x):
    """The outputs of onnxruntime for a graph."""
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["output"], {"input": x})[0]


def assert_the_same(model, x=None, seed=0):
    if x is None:
        x = np.random.default_rng(seed).normal(size=(5, *model.input_shape))
    x = np.asarray(x, model.dtype)
    expected = model.forward(x)
    got = outputs(to_onnx(model), x)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[model.dtype.name] * scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1.0, 1 / 255])
def test_dense_layers_agree(dtype, scale):
    assert_the_same(mlp(12, 9, 7, 4, dtype=dtype, input_scale=scale))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_agree(name):
    layers = [Dense(8, init="normal(2)"), ACTIVATIONS[name](), Dense(3), ACTIVATIONS[name]()]
    assert_the_same(fastnn.Sequential(layers, input_shape=(5,)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_by_codes_agree(dtype):
    x = np.random.default_rng(0).normal(size=(40, 6))
    x[:, 1], x[:, 4] = np.arange(40) % 8 - 1, np.arange(40) % 3
    chain = [layers.CategoricalEmbedding({4: 3, 1: 7}, 5), Dense(3)]
    assert_the_same(fastnn.Sequential(chain, input_shape=(6,), dtype=dtype), x)
    assert_the_same(fastnn.Sequential([layers.CategoricalEmbedding({0: 7}, 5)], input_shape=(1,)), x[:, [1]])
    chain = [layers.Embedding(8, 2), ReLU(), Flatten(), Dense(3)]
    assert_the_same(fastnn.Sequential(chain, input_shape=(2,), dtype=dtype), x[:, [1, 4]])


def test_rising_outputs_agree():
    assert_the_same(fastnn.Sequential([Dense(6), layers.Rising()], input_shape=(5,)))


def test_an_activation_alone_and_no_layer_at_all_agree():
    assert_the_same(fastnn.Sequential([ReLU()], input_shape=(5,)))
    assert_the_same(fastnn.Sequential([], input_shape=(5,)))


def test_layers_without_bias_and_on_images_agree():
    assert_the_same(fastnn.Sequential([Flatten(), Dense(4, bias=False)], input_shape=(2, 3, 3)))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"pad": "same"},
        {"pad": "same", "stride": 2},
        {"pad": ((0, 2), (1, 0)), "stride": (2, 1)},
        {"pad": 2, "dilation": (2, 1)},
        {"groups": 2, "stride": 3},
        {"size": (3, 2), "groups": 4, "pad": "same"},
    ],
)
def test_convolutions_agree(options):
    layers = [Conv2D(8, **({"size": 3} | options)), ReLU(), Conv2D(3, 2, pad="same"), Flatten(), Dense(5)]
    assert_the_same(fastnn.Sequential(layers, input_shape=(4, 10, 9)))


IMAGES = {
    "max pool": lambda: layers.MaxPool2D(2),
    "max pool that overlaps": lambda: layers.MaxPool2D(3, stride=2, pad=1),
    "max pool, same": lambda: layers.MaxPool2D((3, 2), stride=(2, 1), pad="same"),
    "mean pool": lambda: layers.AvgPool2D(2),
    "mean pool with its padding": lambda: layers.AvgPool2D(3, stride=2, pad=1),
    "mean pool without its padding": lambda: layers.AvgPool2D(3, stride=2, pad=1, count_pad=False),
    "batch norm": BatchNorm,
    "batch norm alone": lambda: BatchNorm(affine=False, eps=1e-3),
    "layer norm": layers.LayerNorm,
    "layer norm alone": lambda: layers.LayerNorm(affine=False),
    "group norm": lambda: layers.GroupNorm(2),
    "instance norm": lambda: layers.GroupNorm(4, affine=False),
    "response norm": lambda: layers.LocalResponseNorm(5, alpha=0.3, k=2.0),
    "response norm, not divided": lambda: layers.LocalResponseNorm(3, alpha=0.3, divide=False),
    "reshape": lambda: layers.Reshape((2, -1, 9)),
    "residual": lambda: Residual([Conv2D(4, 3, pad="same"), ReLU(), Conv2D(4, 3, pad="same")]),
    "residual with a shortcut": lambda: Residual(
        [Conv2D(6, 3, stride=2, pad=1), BatchNorm()], [Conv2D(6, 1, stride=2)]
    ),
    "dropout": Dropout,
    "global max": layers.GlobalMaxPool2D,
    "global mean": layers.GlobalAvgPool2D,
}


def unusual(model):
    """The model, with values in all arrays that no initialiser gives."""
    rng = np.random.default_rng(3)
    for value in (model.parameters | model.state).values():
        value[...] = rng.uniform(0.5, 1.5, value.shape)
    return model


@pytest.mark.parametrize("name", IMAGES)
def test_layers_on_images_agree(name):
    assert_the_same(unusual(fastnn.Sequential([IMAGES[name]()], input_shape=(4, 10, 9))))


@pytest.mark.parametrize("name", ["batch norm", "layer norm", "group norm"])
def test_norms_of_rows_agree(name):
    assert_the_same(unusual(fastnn.Sequential([Dense(8), IMAGES[name](), Dense(3)], input_shape=(5,))))


def test_two_blocks_do_not_mix_up_their_arrays():
    blocks = [Residual([Dense(5), ReLU(), Dense(5)]), Residual([Dense(5), ReLU(), Dense(5)])]
    assert_the_same(fastnn.Sequential(blocks, input_shape=(5,)))


def test_a_trained_convolutional_network_agrees():
    images, labels = fastnn.data.glyphs(300, seed=0)
    stack = [Conv2D(4, 3, pad="same"), ReLU(), BatchNorm(), layers.MaxPool2D(2), Flatten(), Dropout(0.2), Dense(10)]
    model = fastnn.Sequential(stack, input_shape=(1, 28, 28), input_scale=1 / 255)
    fastnn.Trainer(model, optimizer="adam", epochs=2, progress=False).fit(images, labels)
    assert_the_same(model, images.reshape(-1, 1, 28, 28))


def test_batch_norm_by_the_statistics_of_the_batch_agrees():
    with pytest.raises(ValueError, match="batch_norm1: ONNX has no batch normalisation by the batch's own"):
        to_onnx(fastnn.Sequential([BatchNorm(track=False)], input_shape=(3,)))


def test_any_number_of_samples_can_be_run():
    model = mlp(6, 4, 3)
    for n in (1, 2, 33):
        assert outputs(to_onnx(model), np.zeros((n, 6), np.float32)).shape == (n, 3)


def test_probabilities_can_be_the_outputs():
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("f4")
    for stack in ([Dense(4)], [Dense(4), Softmax()]):
        model = fastnn.Sequential(stack, input_shape=(6,))
        got = outputs(to_onnx(model, probabilities=True), x)
        np.testing.assert_allclose(got, model.predict_proba(x), atol=1e-6)


def test_a_trained_model_gives_the_same_classes():
    images, labels = fastnn.data.glyphs(1000, seed=0)
    model = mlp(784, 32, 10, input_scale=1 / 255)
    fastnn.Trainer(model, optimizer="adam", epochs=3, progress=False).fit(images, labels)
    got = outputs(to_onnx(model), images.reshape(1000, -1).astype("f4"))
    assert (got.argmax(1) == model.predict(images)).mean() > 0.999


def test_the_file_is_written_and_checked(tmp_path):
    model = fastnn.Sequential([Dense(2)], input_shape=(3,), class_names=("cat", "dög"))
    proto = to_onnx(model, tmp_path / "model.onnx")
    read = onnx.load(tmp_path / "model.onnx")
    assert read == proto
    assert (read.producer_name, read.producer_version) == ("fastnn", fastnn.__version__)
    assert {p.key: json.loads(p.value) for p in read.metadata_props} == {"class_names": ["cat", "dög"]}
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_a_layer_without_counterpart_is_refused():
    class Twice(Layer):
        def forward(self, ops, x, training):
            return 2 * x, None

    model = fastnn.Sequential([Dense(2), Twice()], input_shape=(3,))
    with pytest.raises(ValueError, match="to_onnx: layer1: Twice has no counterpart in ONNX"):
        to_onnx(model)


def test_without_the_package_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install fastnn-cpu\[onnx\]"):
        to_onnx(mlp(3, 2))
