"""Tensors of a state dict go where their names say, whatever their order, or there is an error."""

import itertools

import numpy as np
import pytest
from strategies import same_bits
from trainings import mlp

from fastnn.export import from_torch_state_dict, to_torch_state_dict

MODEL = mlp(4, 4, 4, 4)
STATE = to_torch_state_dict(MODEL)
NAMES = {
    "indices": ["0", "2", "4"],
    "indices behind a beginning": ["net.body.0", "net.body.2", "net.body.4"],
    "names of the layers": ["dense1", "dense2", "dense3"],
    "names of the layers behind a beginning": ["module.dense1", "module.dense2", "module.dense3"],
}
ORDERED = {
    "numbers": ["fc1", "fc2", "fc3"],
    "numbers of two digits": ["layers.9", "layers.10", "layers.11"],
    "numbers inside": ["block1.linear", "block2.linear", "block3.linear"],
}


def renamed(names):
    return {f"{name}.{last}": STATE[f"{i}.{last}"] for i, name in zip("024", names, strict=True) for last in
            ("weight", "bias")}  # fmt: skip


def reordered(state, modules):
    return {f"{name}.{last}": state[f"{name}.{last}"] for name in modules for last in ("weight", "bias")}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("places", [*itertools.permutations(range(3))])
def test_names_of_the_model_decide_in_any_order(kind, places):
    state = reordered(renamed(NAMES[kind]), [NAMES[kind][i] for i in places])
    assert same_bits(from_torch_state_dict(mlp(4, 4, 4, 4, seed=5), state).params, MODEL.params)


@pytest.mark.parametrize("kind", ORDERED)
@pytest.mark.parametrize("places", [*itertools.permutations(range(3))])
def test_other_names_stand_in_the_order_of_their_numbers(kind, places):
    names = ORDERED[kind]
    state = reordered(renamed(names), [names[i] for i in places])
    model = mlp(4, 4, 4, 4, seed=5)
    before = model.params.copy()
    if list(places) != [0, 1, 2]:
        with pytest.raises(ValueError, match=r"stands before .*order=\[…\]"):
            from_torch_state_dict(model, state)
        assert same_bits(model.params, before)
    assert same_bits(from_torch_state_dict(model, state, order=names).params, MODEL.params)


def test_an_order_names_every_module_once():
    with pytest.raises(ValueError, match="order: expected the names 0, 2, 4, got 0, 2, 2"):
        from_torch_state_dict(mlp(4, 4, 4, 4), STATE, order=["0", "2", "2"])


def test_indices_of_another_model_are_in_their_order():
    state = reordered(renamed(["0", "3", "12"]), ["0", "12", "3"])
    with pytest.raises(ValueError, match="12 stands before 3"):
        from_torch_state_dict(mlp(4, 4, 4, 4), state)
    assert np.isfinite(from_torch_state_dict(mlp(4, 4, 4, 4), renamed(["0", "3", "12"])).params).all()
