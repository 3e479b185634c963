"""A PyTorch module with the exported state dict computes the same as the model."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import same_bits
from trainings import ACTIVATIONS, mlp, output_of

import fastnn
from fastnn.export import from_torch_state_dict, to_torch_state_dict
from fastnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, GroupNorm, LayerNorm, MaxPool2D, ReLU

X = np.random.default_rng(0).normal(size=(7, 6))


def torch_mlp(torch, *sizes):
    """The nn.Sequential that `trainings.mlp` describes."""
    modules = []
    for inputs, outputs in itertools.pairwise(sizes):
        modules += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1]).double()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(0, 99))
def test_the_module_gives_the_models_outputs(units, seed):
    torch = pytest.importorskip("torch")
    model = mlp(6, *units, seed=seed, dtype="float64")
    module = torch_mlp(torch, 6, *units)
    state = {name: torch.from_numpy(array) for name, array in to_torch_state_dict(model).items()}
    module.load_state_dict(state, strict=True)
    np.testing.assert_allclose(module(torch.from_numpy(X)).detach().numpy(), model.forward(X), rtol=1e-12, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_the_model_gives_the_modules_outputs(units):
    torch = pytest.importorskip("torch")
    module = torch_mlp(torch, 6, *units)
    model = from_torch_state_dict(mlp(6, *units, dtype="float64"), module.state_dict())
    np.testing.assert_allclose(model.forward(X), module(torch.from_numpy(X)).detach().numpy(), rtol=1e-12, atol=1e-12)


def test_a_convolutional_network_agrees():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, (3, 2), stride=2, padding=1, groups=2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 3, 2, dilation=2, bias=False),
        torch.nn.Flatten(),
        torch.nn.Linear(27, 5),
    ).double()
    layers = [Conv2D(4, (3, 2), stride=2, pad=1, groups=2), ReLU(), Conv2D(3, 2, dilation=2, bias=False)]
    model = fastnn.Sequential([*layers, Flatten(), Dense(5)], input_shape=(2, 9, 8), dtype="float64")
    x = np.random.default_rng(1).normal(size=(3, 2, 9, 8))
    from_torch_state_dict(model, module.state_dict())
    expected = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(model.forward(x), expected, rtol=1e-12, atol=1e-12)
    back = to_torch_state_dict(model)
    assert list(back) == list(module.state_dict())
    assert all(same_bits(back[name], tensor.numpy()) for name, tensor in module.state_dict().items())


def test_norms_are_exported_with_their_statistics():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.GroupNorm(2, 4),
        torch.nn.MaxPool2d(2),
        torch.nn.LayerNorm((4, 3, 3)),
        torch.nn.Dropout(0.3),
        torch.nn.Flatten(),
        torch.nn.Linear(36, 3),
        torch.nn.BatchNorm1d(3, affine=False),
    ).double()
    x = np.random.default_rng(1).normal(size=(6, 2, 8, 8))
    for _ in range(3):
        module(torch.from_numpy(x))  # updates the statistics
    module.eval()
    stack = [Conv2D(4, 3), BatchNorm(), GroupNorm(2), MaxPool2D(2), LayerNorm(), Dropout(0.3), Flatten(), Dense(3)]
    model = fastnn.Sequential([*stack, BatchNorm(affine=False)], input_shape=(2, 8, 8), dtype="float64")
    from_torch_state_dict(model, module.state_dict())
    expected = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(model.forward(x), expected, rtol=1e-10, atol=1e-12)
    back = {name: torch.from_numpy(array) for name, array in to_torch_state_dict(model).items()}
    assert list(back) == list(module.state_dict())
    module.load_state_dict(back)
    np.testing.assert_array_equal(module(torch.from_numpy(x)).detach().numpy(), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exporting_and_importing_restores_the_model(dtype):
    model = fastnn.Sequential([Flatten(), Dense(5), ReLU(), Dense(3, bias=False)], input_shape=(2, 3), dtype=dtype)
    state = to_torch_state_dict(model)
    assert {name: (a.shape, a.dtype.name) for name, a in state.items()} == {
        "1.weight": ((5, 6), dtype),
        "1.bias": ((5,), dtype),
        "3.weight": ((3, 5), dtype),
    }
    other = fastnn.Sequential(
        [Flatten(), Dense(5), ReLU(), Dense(3, bias=False)], input_shape=(2, 3), dtype=dtype, seed=9
    )
    assert from_torch_state_dict(other, state) is other
    assert same_bits(other.params, model.params)


def test_arrays_are_copies():
    model = mlp(4, 3)
    before = model.params.copy()
    for array in to_torch_state_dict(model).values():
        assert array.flags.c_contiguous
        array[...] = 7
    assert same_bits(model.params, before)


def test_our_names_decide_and_with_other_names_the_order_does():
    model = mlp(4, 4, 4)
    state = to_torch_state_dict(model)
    backwards = dict(reversed(state.items()))
    assert same_bits(from_torch_state_dict(mlp(4, 4, 4, seed=5), backwards).params, model.params)
    named = {name.replace("0.", "net.first.").replace("2.", "net.second."): a for name, a in state.items()}
    assert same_bits(from_torch_state_dict(mlp(4, 4, 4, seed=5), named).params, model.params)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("0.bias"), ValueError, r"dense1 needs \['bias', 'weight'\], but 0 has \['weight'\]"),
        (lambda s: s.update({"0.more": s["0.bias"]}), ValueError, "dense1 needs"),
        (lambda s: s.update({"3.weight": s["0.bias"]}), ValueError, "expected 2 modules with parameters"),
        (lambda s: s.update({"2.weight": s["2.weight"].T.copy()}), ValueError, r"has shape \(5, 3\), dense2 needs"),
        (lambda s: s.update({"2.bias": np.array(["a"] * 3)}), TypeError, "2.bias must hold real numbers"),
        (lambda s: s.update({"2.bias": np.zeros(3, complex)}), TypeError, "must hold real numbers"),
        (lambda s: s.update({"2.bias": [1, [2, 3], 4]}), TypeError, "2.bias is not an array"),
    ],
)
def test_a_state_dict_that_does_not_fit_changes_nothing(change, error, message):
    model = mlp(4, 5, 3)
    state = to_torch_state_dict(mlp(4, 5, 3, seed=2))
    change(state)
    before = model.params.copy()
    with pytest.raises(error, match=f"from_torch_state_dict: .*{message}"):
        from_torch_state_dict(model, state)
    assert same_bits(model.params, before)


def test_a_layer_that_torch_does_not_have_is_refused():
    class Scaled(Dense):
        pass

    model = fastnn.Sequential([Scaled(3)], input_shape=(4,))
    with pytest.raises(
        ValueError, match="to_torch_state_dict: dense1: torch has no module with the parameters of Scaled"
    ):
        to_torch_state_dict(model)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_have_no_tensors(name):
    model = fastnn.Sequential([ACTIVATIONS[name]()], input_shape=(4,))
    assert to_torch_state_dict(model) == {}
    assert from_torch_state_dict(model, {}) is model


def test_torch_is_not_imported():
    code = """
import sys, fastnn
from trainings import mlp
model = mlp(4, 3, 2)
fastnn.export.from_torch_state_dict(model, fastnn.export.to_torch_state_dict(model))
print("torch" in sys.modules, "onnx" in sys.modules)
"""
    assert output_of(code) == "False False"
