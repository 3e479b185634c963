"""Learning-rate schedules."""

import math

import pytest

from fastnn.schedules import Constant, Exponential, Schedule


def test_constant():
    assert [Constant().factor(e) for e in range(3)] == [1.0, 1.0, 1.0]
    assert repr(Constant()) == "Constant()"


def test_exponential():
    schedule = Exponential(0.9)
    assert schedule.factor(0) == 1.0
    assert [schedule.factor(e) for e in range(1, 5)] == pytest.approx([0.9, 0.81, 0.729, 0.6561])
    assert repr(schedule) == "Exponential(0.9)"
    assert Exponential(1).factor(1000) == 1.0


@pytest.mark.parametrize("decay", [0, -0.5, 1.01, math.nan, math.inf])
def test_decay_out_of_range(decay):
    with pytest.raises(ValueError, match="Exponential: decay must be above 0 and at most 1, got"):
        Exponential(decay)


@pytest.mark.parametrize("decay", ["0.9", None])
def test_decay_that_is_no_number(decay):
    with pytest.raises(TypeError):
        Exponential(decay)


def test_the_base_says_nothing():
    with pytest.raises(NotImplementedError):
        Schedule().factor(0)
