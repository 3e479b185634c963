"""The shapes that docstrings of layers and of `Sequential` promise: what each layer takes, gives and refuses."""

from math import ceil, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn import layers as L

ROW, PAIR, IMAGE, BLOCK = (6,), (4, 5), (4, 6, 7), (2, 3, 4, 5)
ANY = (ROW, PAIR, IMAGE, BLOCK)

# layer, the shapes of samples that it takes, and the shape that it gives for one
SAME = dict.fromkeys(
    (
        *("ReLU", "LeakyReLU", "ELU", "Sigmoid", "Tanh", "Tanhshrink", "Softshrink", "GELU", "SiLU", "Softplus"),
        *("HardSigmoid", "HardSwish", "Mish", "SELU", "PReLU"),
        *("Dropout", "BatchNorm", "Standardize"),
    ),
    (lambda kind: kind(), ANY, lambda shape: shape),
) | dict.fromkeys(("Softmax", "Softmin", "LogSoftmax", "Rising"), (lambda kind: kind(), (ROW,), lambda shape: shape))
TABLE = SAME | {
    "LayerNorm": (lambda kind: kind(), ANY, lambda shape: shape),
    "GroupNorm": (lambda kind: kind(2), (ROW, PAIR, IMAGE, BLOCK), lambda shape: shape),
    "LocalResponseNorm": (lambda kind: kind(3), ANY, lambda shape: shape),
    "Embedding": (lambda kind: kind(9, 3), (ROW,), lambda shape: (6, 3)),
    "CategoricalEmbedding": (lambda kind: kind({1: 3, 5: 2}, 4), (ROW,), lambda shape: (12,)),
    "Dense": (lambda kind: kind(3), (ROW,), lambda shape: (3,)),
    "Conv2D": (lambda kind: kind(5, (3, 2), stride=(2, 1), pad="same"), (IMAGE,), lambda s: (5, ceil(s[1] / 2), s[2])),
    "MaxPool2D": (lambda kind: kind((3, 2), stride=2), (IMAGE,), lambda s: (s[0], (s[1] - 3) // 2 + 1, s[2] // 2)),
    "AvgPool2D": (lambda kind: kind((3, 2), stride=2), (IMAGE,), lambda s: (s[0], (s[1] - 3) // 2 + 1, s[2] // 2)),
    "GlobalMaxPool2D": (lambda kind: kind(), (IMAGE,), lambda s: s[:1]),
    "GlobalAvgPool2D": (lambda kind: kind(), (IMAGE,), lambda s: s[:1]),
    "Residual": (lambda kind: kind([L.ReLU(), L.Tanh()]), ANY, lambda shape: shape),
    "Flatten": (lambda kind: kind(), ANY, lambda shape: (prod(shape),)),
    "Reshape": (lambda kind: kind((2, -1)), ANY, lambda shape: (2, prod(shape) // 2)),
}


def own_layers():
    ours = {name: kind for name, kind in L.REGISTRY.items() if kind.__module__.startswith("fastnn.")}
    del ours["CustomActivation"], ours["CustomElementwise"]  # which are made by fastnn.custom
    return ours


def test_every_layer_is_in_the_table():
    assert set(own_layers()) == set(TABLE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ANY)
@pytest.mark.parametrize("name", TABLE)
def test_a_layer_gives_the_shape_and_dtype_that_its_docstring_promises_or_refuses(name, shape, dtype):
    make, taken, gives = TABLE[name]
    layer = make(own_layers()[name])
    if shape not in taken:
        with pytest.raises(ValueError, match=rf"{layer.kind}1: {name}: expected"):
            fastnn.Sequential([layer], input_shape=shape, dtype=dtype)
        return
    model = fastnn.Sequential([layer], input_shape=shape, dtype=dtype)
    assert model.output_shape == layer.output_shape == gives(shape)
    x = np.random.default_rng(0).standard_normal((3, *shape))
    out = model.forward(x)
    assert (out.shape, out.dtype) == ((3, *gives(shape)), np.dtype(dtype))
    dx, gradients = model.backward_from(x, np.ones_like(out))
    assert (dx.shape, dx.dtype) == (x.shape, np.dtype(dtype))
    assert {n: g.shape for n, g in gradients.items()} == {n: p.shape for n, p in model.parameters.items()}


@given(st.integers(1, 5), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(2, 4))
def test_the_methods_of_a_model_give_the_shapes_that_they_promise(n, shape, classes):
    x = np.zeros((n, *shape))
    stack = [L.Flatten(), L.Dense(3), L.Tanh(), L.Dense(classes)]
    model = fastnn.Sequential(stack, input_shape=shape, points={"middle": "tanh1"})
    assert model.forward(x).shape == model.predict_proba(x).shape == (n, classes)
    assert model.predict(x).shape == (n,)
    assert model.predict(x).dtype == np.int64
    assert model.features(x, at="middle").shape == (n, 3)
    assert model.cut("flatten1").forward(x).shape == (n, prod(shape))
    assert model.params.shape == model.grads.shape == (sum(p.size for p in model.parameters.values()),)
    assert model.sample_shape == model.input_shape == tuple(shape)
    for task, wanted in (("multilabel", (n, classes)), ("regression", (n, classes))):
        model.task = task
        assert model.predict(x).shape == wanted


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_classes_need_outputs_that_are_rows(method):
    model = fastnn.Sequential([L.ReLU()], input_shape=(2, 3))
    with pytest.raises(ValueError, match="expected a model with outputs of one dimension"):
        getattr(model, method)(np.zeros((1, 2, 3)))


@pytest.mark.parametrize("wrong", [(4, 2), (3, 3), (3,), (3, 2, 1)])
def test_the_gradient_of_outputs_has_their_shape(wrong):
    model = fastnn.Sequential([L.Dense(2)], input_shape=(6,))
    with pytest.raises(ValueError, match=r"backward_from: dout must have shape \(3, 2\)"):
        model.backward_from(np.zeros((3, 6)), np.zeros(wrong))
