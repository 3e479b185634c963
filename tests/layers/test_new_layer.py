"""A new layer needs its module and no table elsewhere, because all other parts read its class."""

import numpy as np
import pytest
from strategies import same_bits

import fastnn
from fastnn import functional, layers
from fastnn.architecture import ACTIVATIONS, parse
from fastnn.export import to_onnx, to_torch_state_dict
from fastnn.gradcheck import check_layer
from fastnn.kernels import Activation
from fastnn.layers import REGISTRY, Layer, ReLU

OURS = {cls.kind: cls for cls in REGISTRY.values() if cls.__module__.startswith("fastnn.")}


class Doubled(Layer):
    """out = x + x, computed by an existing kernel; `times` is not used."""

    kind = "doubled"
    words = {"two": 1}  # noqa: RUF012

    def __init__(self, times=2):
        self.times = times

    def config(self):
        return {"times": self.times}

    def forward(self, ops, x, training):
        out = ops.empty(x.shape)
        ops.add(x, x, out)
        return out, None

    def backward(self, ops, dout, cache, need_dx):
        return self.forward(ops, dout, True)[0] if need_dx else None

    def onnx(self, graph, x):
        return graph.node("Add", x, x)


def test_a_layer_is_known_everywhere_by_its_class_alone(tmp_path):
    model = parse("conv:1x4x4,doubled,two3,fc5,relu,fc2")
    assert [repr(layer) for layer in model.layers[:2]] == ["Doubled(times=2)", "Doubled(times=3)"]
    x = np.random.default_rng(0).normal(size=(3, 1, 4, 4)).astype("f4")
    assert same_bits(model.forward(x), parse("conv:1x4x4,fc5,relu,fc2").forward(4 * x))
    assert "Doubled" in model.summary()
    assert check_layer(Doubled(), (3,)).passed
    model.save(tmp_path / "model.safetensors")
    assert same_bits(fastnn.load(tmp_path / "model.safetensors").forward(x), model.forward(x))
    assert list(to_torch_state_dict(model)) == ["3.weight", "3.bias", "5.weight", "5.bias"]


def test_it_is_exported_by_its_own_words():
    pytest.importorskip("onnx")
    graph = to_onnx(fastnn.Sequential([Doubled()], input_shape=(3,))).graph
    assert [(node.op_type, list(node.input)) for node in graph.node] == [("Add", ["input", "input"])]


def test_a_subclass_that_computes_something_else_is_not_exported_as_its_base():
    pytest.importorskip("onnx")

    class Shifted(ReLU):
        def forward(self, ops, x, training):
            return super().forward(ops, x - 1, training)

    with pytest.raises(ValueError, match="to_onnx: relu1: Shifted has no counterpart in ONNX"):
        to_onnx(fastnn.Sequential([Shifted()], input_shape=(3,)))


@pytest.mark.parametrize("kind", OURS)
def test_every_layer_is_a_word_of_its_own(kind):
    made = {
        "conv": "conv4x3",
        "dense": "dense3",
        "group_norm": "group_norm2",
        "max_pool": "max_pool3/1p1",
        "leaky_relu": "leaky_relu0.3",
        "embedding": "embedding9x3,flatten",
    }
    if kind in ("residual", "reshape", "custom", "custom_elementwise", "categories"):
        with pytest.raises(ValueError, match=f"architecture: {kind!r} in 'conv:4x6x6,{kind},fc2': missing a required"):
            parse(f"conv:4x6x6,{kind},fc2")
        return
    rows = "flatten," if "soft" in kind or kind in ("rising", "embedding") else ""
    found = [layer for layer in parse(f"conv:4x6x6,{rows}{made.get(kind, kind)},fc2").layers if layer.kind == kind]
    assert type(found[0]) is OURS[kind]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("leaky_relu0.3", layers.LeakyReLU(0.3)),
        ("group_norm2", layers.GroupNorm(2)),
        ("max_pool3/1p1", layers.MaxPool2D(3, stride=1, pad=1)),
        ("avg_pool2", layers.AvgPool2D(2)),
        ("dropout0.25", layers.Dropout(0.25)),
        ("conv4x3/2p0", layers.Conv2D(4, 3, stride=2, pad=0)),
        ("4x3", layers.Conv2D(4, 3, pad="same")),
        ("local_response_norm3", layers.LocalResponseNorm(3)),
    ],
)
def test_numbers_of_a_word_are_those_of_the_constructor(word, expected):
    assert repr(parse(f"conv:4x6x6,{word},fc2").layers[0]) == repr(expected)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("relu3", "too many positional arguments"),
        ("relu/2", "unexpected keyword argument 'stride'"),
        ("conv4", "missing a required argument: 'size'"),
        ("dropout1.5", "Dropout: rate .*: expected a number of at least 0 and at most 1, got 1.5"),
        ("max_pool2.5", "MaxPool2D: size: expected a whole number of at least 1, got 2.5"),
        ("group_norm0", "GroupNorm: groups: expected a whole number of at least 1, got 0"),
        ("reshape36", "Reshape: shape must be a tuple of ints, got int"),
    ],
)
def test_words_that_the_constructor_does_not_take_are_refused(word, message):
    with pytest.raises(ValueError, match=f"^architecture: {word!r} in 'conv:4x6x6,{word},fc2': .*{message}"):
        parse(f"conv:4x6x6,{word},fc2")


def test_activations_follow_from_the_entries_of_the_kernels():
    kinds = {kind.name.lower(): kind for kind in Activation if kind is not Activation.IDENTITY}
    assert set(ACTIVATIONS) == set(kinds) | {"prelu"}  # which has a parameter, and kernels of its own
    for name, kind in kinds.items():
        layer = ACTIVATIONS[name]()
        assert layer.alpha == kind.alpha.default
        assert set(layer.config()) == {kind.alpha.name} - {""}
        for which in ("forward", "backward"):
            function = getattr(functional, f"{name}_{which}")
            assert f"{name}_{which}" in functional.__all__
            assert function.__name__ == f"{name}_{which}"
