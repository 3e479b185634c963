"""Initialisers have their distributions and names, and functions of the user's own can be used."""

import math
import pickle

import numpy as np
import pytest
from strategies import same_bits

from fastnn import init
from fastnn.init.base import draw_many

FANS = (300, 200)
SHAPE = FANS
N = SHAPE[0] * SHAPE[1]

# the standard deviation and the bound (None if unbounded) for FANS, by name
MOMENTS = {
    "normal": (1.0, None),
    "normal(0.1)": (0.1, None),
    "uniform": (1 / math.sqrt(3), 1.0),
    "uniform(-0.5, 0.5)": (0.5 / math.sqrt(3), 0.5),
    "glorot_normal": (math.sqrt(2 / 500), None),
    "glorot_uniform": (math.sqrt(2 / 500), math.sqrt(6 / 500)),
    "glorot_truncated_normal": (math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / 0.8796256610342398),
    "he_normal": (math.sqrt(2 / 300), None),
    "he_uniform": (math.sqrt(2 / 300), math.sqrt(6 / 300)),
    "fan_in_uniform": (1 / math.sqrt(3 * 300), 1 / math.sqrt(300)),
}


def draw(name, seed=0, step=0, shape=SHAPE, fans=FANS):
    return init.get(name)(shape, fans, seed, step)


@pytest.mark.parametrize("name", MOMENTS)
def test_mean_deviation_and_bound_are_right(name):
    std, bound = MOMENTS[name]
    values = draw(name)
    assert (values.shape, values.dtype) == (SHAPE, np.float64)
    assert abs(values.mean()) < 5 * std / math.sqrt(N)
    assert values.std() == pytest.approx(std, rel=0.01)
    if bound is None:
        assert 3.5 * std < abs(values).max() < 6 * std
    else:
        assert 0.999 * bound < abs(values).max() <= bound


def test_uniform_takes_two_ends():
    values = draw("uniform(2, 3)")
    assert values.min() >= 2
    assert values.max() < 3
    assert values.mean() == pytest.approx(2.5, abs=0.01)


def test_normal_has_the_tails_of_a_normal():
    values = draw("normal")
    assert (abs(values) > 2).mean() == pytest.approx(0.0455, abs=0.005)


def test_zeros_are_zero():
    assert not draw("zeros").any()


def test_ones_are_one():
    assert (draw("ones") == 1).all()


def test_a_constant_is_that_number_and_must_be_one():
    assert (draw("constant(-0.3)") == -0.3).all()
    assert init.name_of(init.constant(0.25)) == "constant(0.25)"
    with pytest.raises(ValueError, match="cannot make 'constant"):
        init.get("constant")


@pytest.mark.parametrize("name", MOMENTS)
def test_seed_and_step_decide_the_numbers(name):
    assert same_bits(draw(name, 3, 1), draw(name, 3, 1))
    assert not np.array_equal(draw(name, 3, 1), draw(name, 3, 2))
    assert not np.array_equal(draw(name, 3, 1), draw(name, 4, 1))
    assert same_bits(draw(name, 3, 1, (7,)), draw(name, 3, 1, (7, 1)).ravel())


@pytest.mark.parametrize(
    "name", [*MOMENTS, "zeros", "ones", "xavier_normal", "xavier_uniform", "xavier_truncated_normal"]
)
def test_a_name_makes_an_initialiser_that_knows_it(name):
    initializer = init.get(name)
    again = init.get(init.name_of(initializer))
    assert init.name_of(again) == init.name_of(initializer)
    assert same_bits(again((5, 4), (5, 4), 1, 2), initializer((5, 4), (5, 4), 1, 2))
    assert init.get(initializer) is initializer
    assert eval(repr(initializer), {"fastnn": __import__("fastnn")}).name == initializer.name
    assert same_bits(pickle.loads(pickle.dumps(initializer))((5,), (5, 4), 1, 2), initializer((5,), (5, 4), 1, 2))


def test_xavier_is_glorot():
    for kind in ("normal", "uniform", "truncated_normal"):
        assert same_bits(draw(f"xavier_{kind}"), draw(f"glorot_{kind}"))


def test_numbers_in_names_are_kept_exactly():
    assert init.name_of(init.normal(1 / 3)) == f"normal({1 / 3!r})"
    assert init.get(init.name_of(init.normal(np.float32(0.1)))).name == f"normal({float(np.float32(0.1))!r})"
    assert init.get("uniform( -1e-3 , 2 )").name == "uniform(-0.001, 2.0)"


def test_a_function_that_makes_an_initialiser_can_be_given_itself():
    assert init.get(init.he_normal).name == "he_normal"
    assert init.get(init.normal).name == "normal(1.0)"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("glorot", "expected one of zeros, .* or a function, got 'glorot'"),
        ("", "expected one of"),
        (None, "expected one of .* got None"),
        (0.1, "expected one of .* got 0.1"),
        (["normal"], r"expected one of .* got \['normal'\]"),
        ("normal(0.1", "expected one of"),
        ("normal(a)", r"cannot make 'normal\(a\)'"),
        ("normal(1, 2)", r"cannot make 'normal\(1, 2\)'"),
        ("normal(-1)", "std: expected a finite number of at least 0, got -1.0."),
        ("normal(nan)", "std: expected a finite number of at least 0, got nan."),
        ("uniform(1, 0)", "uniform: high: expected a finite number of at least 1, got 0.0"),
        ("uniform(0, inf)", "uniform: high: expected a finite number of at least 0, got inf"),
        ("zeros(1)", r"cannot make 'zeros\(1\)'"),
        ("he_normal(2)", r"cannot make 'he_normal\(2\)'"),
    ],
)
def test_unknown_names_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        init.get(name)


def test_a_function_of_the_users_own_is_used():
    def ramp(shape, fans, seed, step):
        return np.arange(np.prod(shape)).reshape(shape)

    assert init.get(ramp) is ramp
    assert init.name_of(ramp) == "custom:ramp"
    assert init.draw(ramp, (2, 3), (2, 3), 0, 0).tolist() == [[0, 1, 2], [3, 4, 5]]
    lost = init.get("custom:ramp")
    assert init.name_of(lost) == "custom:ramp"
    with pytest.raises(ValueError, match="ramp was a function"):
        lost((2, 3), (2, 3), 0, 0)


def test_a_function_that_returns_another_shape_is_refused():
    def wrong(shape, fans, seed, step):
        return np.zeros(3)

    with pytest.raises(ValueError, match=r"custom:wrong made shape \(3,\), expected \(2, 2\)"):
        init.draw(wrong, (2, 2), (2, 2), 0, 0)


@pytest.mark.parametrize(
    "name", ["he_normal", "glorot_uniform", "glorot_truncated_normal", "normal(0.1)", "constant(2)"]
)
def test_many_seeds_are_drawn_as_one_by_one(name):
    seeds = [4, 2**64 - 1, 0]
    together = draw_many(init.get(name), (5, 3), FANS, seeds, 2)
    assert same_bits(together, np.array([draw(name, seed, 2, (5, 3)) for seed in seeds]))


def test_a_function_of_the_users_own_is_called_for_each_of_many_seeds():
    def of_seed(shape, fans, seed, step):
        return np.full(shape, seed + step)

    assert draw_many(of_seed, (2,), FANS, [3, 5], 1).tolist() == [[4, 4], [6, 6]]
    assert draw_many(of_seed, (2,), FANS, [], 1).shape == (0, 2)
