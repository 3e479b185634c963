"""`fastnn.architecture.parse`."""

import numpy as np
import pytest

from fastnn.architecture import ACTIVATIONS, NETWORKS, parse
from fastnn.layers import Dense, ReLU, Tanh


def kinds(text: str, **options: object) -> list[str]:
    """The layers as text, where a dense layer is given by its units."""
    layers = parse(text, **options).layers  # type: ignore[arg-type]
    return [str(layer.units) if isinstance(layer, Dense) else layer.kind for layer in layers]


def test_numbers_are_dense_layers_with_relu_between_them() -> None:
    model = parse("mlp:784-200-10")
    assert [type(layer) for layer in model.layers] == [Dense, ReLU, Dense]
    assert model.input_shape == (784,)
    assert model.output_shape == (10,)
    assert model.params.size == 784 * 200 + 200 + 200 * 10 + 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mlp:5-2", ["2"]),
        ("mlp:5-4-3-2", ["4", "relu", "3", "relu", "2"]),
        ("mlp:5-4-tanh-3-2", ["4", "tanh", "3", "relu", "2"]),
        ("mlp:5-4-linear-3-elu-2", ["4", "3", "elu", "2"]),
        (" MLP: 5 - 4 - TanH - 2 ", ["4", "tanh", "2"]),
    ],
)
def test_strings_give_their_layers(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_chosen_by_name(name: str) -> None:
    assert kinds("mlp:4-3-2", activation=name) == ["3", name, "2"]


def test_there_can_be_no_activation() -> None:
    assert kinds("mlp:4-3-2", activation="linear") == ["3", "2"]


def test_options_reach_the_model() -> None:
    model = parse(
        "mlp:4-3-2",
        activation="tanh",
        init="zeros",
        dtype="float64",
        seed=5,
        input_scale=0.5,
        class_names=("no", "yes"),
    )
    assert isinstance(model.layers[1], Tanh)
    assert model.dtype == np.float64
    assert not model.params.any()
    assert (model.seed, model.input_scale, model.class_names) == (5, 0.5, ("no", "yes"))


def test_the_seed_decides_the_weights() -> None:
    same, again, other = (parse("mlp:4-3-2", seed=seed).params for seed in (1, 1, 2))
    assert (same == again).all()
    assert (same != other).any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no colon"),
        ("784-200-10", "no colon"),
        ("mlp", "no colon"),
        ("cnn:784-10", "unknown kind of network 'cnn'"),
        ("mlp:", "nothing next to"),
        ("mlp:784", "no outputs"),
        ("mlp:784-", "nothing next to"),
        ("mlp:784--10", "nothing next to"),
        ("mlp:-784-10", "nothing next to"),
        ("mlp:784-0-10", "at least 1"),
        ("mlp:0-10", "at least 1"),
        ("mlp:784-9999999999999999999999-10", "at most"),
        ("mlp:784-foo-10", "unknown layer 'foo'"),
        ("mlp:784-1e3-10", "unknown layer '1e3'"),
        ("mlp:784-2.5-10", "unknown layer '2.5'"),
        ("mlp:784-٣-10", "unknown layer '٣'"),
        ("mlp:tanh-784-10", "follow the units of a hidden layer"),
        ("mlp:784-tanh-10", "follow the units of a hidden layer"),
        ("mlp:784-200-tanh-relu-10", "follow the units of a hidden layer"),
        ("mlp:784-200-10-tanh", "follow the units of a hidden layer"),
    ],
)
def test_malformed_strings_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^architecture: ") as caught:
        parse(text)
    assert message in str(caught.value)


def test_an_unknown_layer_is_refused_with_the_known_names() -> None:
    with pytest.raises(
        ValueError,
        match="relu, leaky_relu, elu, sigmoid, tanh, tanhshrink, softshrink, softplus, hard_sigmoid, selu, "
        r"gelu, silu, mish, hard_swish, prelu, .*linear",
    ):
        parse("mlp:4-crelu-2")


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown activation 'crelu'"):
        parse("mlp:4-3-2", activation="crelu")


def test_an_unknown_initialiser_is_refused() -> None:
    with pytest.raises(ValueError, match="init: expected one of"):
        parse("mlp:4-3-2", init="twos")


def test_only_strings_are_parsed() -> None:
    with pytest.raises(TypeError, match="must be a string, got list"):
        parse([784, 10])  # type: ignore[arg-type]


# --- convolutional networks ---


def described(text: str, **options: object) -> list[str]:
    return [repr(layer) for layer in parse(text, **options).layers]  # type: ignore[arg-type]


def test_the_words_of_a_convolutional_network_give_its_layers() -> None:
    text = "conv:32x3,relu,bn,pool2,fc784,drop0.5,relu,fc10"
    model = parse(text, input_shape=(28, 28))
    assert [layer.name.rstrip("0123456789") for layer in model.layers] == [
        *("conv", "relu", "batch_norm", "max_pool", "flatten", "dense", "dropout", "relu", "dense")
    ]
    shapes = [layer.output_shape for layer in model.layers]
    assert shapes[:5] == [(32, 28, 28)] * 3 + [(32, 14, 14), (6272,)]
    assert model.output_shape == (10,)
    same = parse(" CONV: 1x28x28, conv32x3, ReLU, bn, maxpool2, flatten, fc784, drop.5, relu, fc10")
    assert [repr(layer) for layer in same.layers] == [repr(layer) for layer in model.layers]
    assert (same.params == model.params).all()


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("8x3", (8, 12, 10)),
        ("8x3/2", (8, 6, 5)),
        ("8x3p0", (8, 10, 8)),
        ("8x5/3p2", (8, 4, 4)),
        ("pool2", (3, 6, 5)),
        ("pool3/2", (3, 5, 4)),
        ("pool3/2p1", (3, 6, 5)),
        ("avgpool4/2", (3, 5, 4)),
    ],
)
def test_sizes_strides_and_padding_are_parsed(word: str, shape: tuple[int, ...]) -> None:
    assert parse(f"conv:{word},fc2", input_shape=(3, 12, 10)).layers[0].output_shape == shape


def test_the_initialiser_reaches_all_weights() -> None:
    assert not parse("conv:1x6x6,4x3,fc5,fc2", init="zeros").params.any()


def test_named_networks_are_known() -> None:
    lenet = parse("lenet5", input_shape=(28, 28))
    assert lenet.params.size == 61_706
    letters = parse("letters-cnn", input_shape=(28, 28), class_names="ABCDEFGHIJ")
    assert letters.params.size == 4_926_202
    assert not letters.state  # the statistics of the batch
    alexnet = parse("alexnet", input_shape=(3, 224, 224), class_names=[str(i) for i in range(6)])
    assert [layer.output_shape for layer in alexnet.layers if layer.name.startswith("max_pool")] == [
        *((64, 27, 27), (192, 13, 13), (256, 6, 6))
    ]
    assert alexnet.output_shape == (6,)
    assert set(NETWORKS) == {"lenet5", "letters-cnn", "alexnet"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv:32x3,relu,fc10", "does not say the shape of its images"),
        ("lenet5", "does not say the shape of its images"),
        (
            "lenet",
            "no colon; expected mlp:784-200-10, conv:32x3,relu,pool2,fc10 or one of lenet5, ",
        ),
        ("conv:", "unknown layer ''"),
        ("conv:1x8x8", "has no layers"),
        ("conv:1x8x8,4x3,,fc2", "unknown layer ''"),
        ("conv:1x8x8,4x3,relu", "must end with the outputs, such as fc10"),
        ("conv:1x8x8,4x3,fc2,relu", "must end with the outputs"),
        ("conv:1x8x8,0x3,fc2", "at least 1"),
        ("conv:1x8x8,4x3/0,fc2", "at least 1"),
        ("conv:1x8x8,4y3,fc2", "unknown layer '4y3'"),
        ("conv:1x8x8,drop,fc2", "unknown layer 'drop'"),
        ("conv:1x8x8,fc99999999999999", "at most"),
    ],
)
def test_malformed_convolutional_networks_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^architecture: ") as caught:
        parse(text)
    assert message in str(caught.value)


def test_images_that_the_network_cannot_take_are_refused() -> None:
    with pytest.raises(ValueError, match=r"needs images \(H, W\) or \(C, H, W\), got shape \(784,\)"):
        parse("conv:4x3,fc2", input_shape=(784,))
    with pytest.raises(ValueError, match=r"max_pool1: .*larger than the padded image"):
        parse("conv:pool9,fc2", input_shape=(8, 8))
    with pytest.raises(ValueError, match=r"dropout1: |Dropout: "):
        parse("conv:drop1.5,fc2", input_shape=(8, 8))
