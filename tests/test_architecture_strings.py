"""`fastnn.architecture.parse`."""

import numpy as np
import pytest

from fastnn.architecture import ACTIVATIONS, parse
from fastnn.layers import Dense, ReLU, Tanh


def kinds(text: str, **options: object) -> list[str]:
    """The layers as text, a dense one by its units."""
    layers = parse(text, **options).layers  # type: ignore[arg-type]
    return [str(layer.units) if isinstance(layer, Dense) else layer.kind for layer in layers]


def test_dense_and_relu() -> None:
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
def test_strings(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    assert kinds("mlp:4-3-2", activation=name) == ["3", name, "2"]


def test_no_activation() -> None:
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


def test_seed_decides_the_weights() -> None:
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
        ("mlp:", "nothing beside"),
        ("mlp:784", "no outputs"),
        ("mlp:784-", "nothing beside"),
        ("mlp:784--10", "nothing beside"),
        ("mlp:-784-10", "nothing beside"),
        ("mlp:784-0-10", "at least 1"),
        ("mlp:0-10", "at least 1"),
        ("mlp:784-9999999999999999999999-10", "at most"),
        ("mlp:784-foo-10", "unknown layer 'foo'"),
        ("mlp:784-1e3-10", "unknown layer '1e3'"),
        ("mlp:784-2.5-10", "unknown layer '2.5'"),
        ("mlp:784-٣-10", "unknown layer '٣'"),
        ("mlp:tanh-784-10", "behind the units of a hidden layer"),
        ("mlp:784-tanh-10", "behind the units of a hidden layer"),
        ("mlp:784-200-tanh-relu-10", "behind the units of a hidden layer"),
        ("mlp:784-200-10-tanh", "behind the units of a hidden layer"),
    ],
)
def test_malformed_strings(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^architecture: ") as caught:
        parse(text)
    assert message in str(caught.value)


def test_an_unknown_layer_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="relu, leaky_relu, elu, sigmoid, tanh, tanhshrink, softshrink, linear"):
        parse("mlp:4-selu-2")


def test_unknown_activation() -> None:
    with pytest.raises(ValueError, match="unknown activation 'selu'"):
        parse("mlp:4-3-2", activation="selu")


def test_unknown_initialiser() -> None:
    with pytest.raises(ValueError, match="init: expected one of"):
        parse("mlp:4-3-2", init="ones")


def test_not_a_string() -> None:
    with pytest.raises(TypeError, match="must be a string, got list"):
        parse([784, 10])  # type: ignore[arg-type]
