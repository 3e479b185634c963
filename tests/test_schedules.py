"""Learning-rate schedules."""

import math
from itertools import pairwise

import pytest

from fastnn import schedules
from fastnn.schedules import Constant, Cosine, Exponential, OneCycle, Schedule, Step, WarmUp


def test_constant_is_one():
    assert [Constant().factor(e) for e in range(3)] == [1.0, 1.0, 1.0]
    assert repr(Constant()) == "Constant()"


def test_exponential_is_its_formula():
    schedule = Exponential(0.9)
    assert schedule.factor(0) == 1.0
    assert [schedule.factor(e) for e in range(1, 5)] == pytest.approx([0.9, 0.81, 0.729, 0.6561])
    assert repr(schedule) == "Exponential(decay=0.9)"
    assert Exponential(1).factor(1000) == 1.0


@pytest.mark.parametrize("decay", [0, -0.5, 1.01, math.nan, math.inf])
def test_decay_out_of_range_is_refused(decay):
    with pytest.raises(ValueError, match="Exponential: decay: expected a number above 0 and at most 1, got "):
        Exponential(decay)


@pytest.mark.parametrize("decay", ["0.9", None])
def test_decay_that_is_no_number_is_refused(decay):
    with pytest.raises(TypeError):
        Exponential(decay)


def test_the_base_class_has_no_factor():
    with pytest.raises(NotImplementedError):
        Schedule().factor(0)


def test_step_and_cosine_agree_with_torch():
    torch = pytest.importorskip("torch")
    rates = torch.optim.lr_scheduler
    for ours, make in [
        (Step(3, 0.5), lambda o: rates.StepLR(o, 3, 0.5)),
        (Cosine(7, 0.1), lambda o: rates.CosineAnnealingLR(o, 7, eta_min=0.1)),
    ]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        theirs = make(optimizer)
        for epoch in range(8):
            assert ours.factor(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
            optimizer.step()
            theirs.step()


def test_a_cosine_stays_at_its_floor():
    assert [Cosine(4, 0.25).factor(e) for e in (4, 5, 100)] == [0.25] * 3
    assert Cosine(4, by="step").factor(1e-9) == pytest.approx(1)


def test_warm_up_grows_evenly_and_is_followed_by_another_schedule():
    schedule = WarmUp(4, Exponential(0.5), start=0.2)
    assert [schedule.factor(e) for e in (0, 1, 2, 3)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert [schedule.factor(e) for e in (4, 4.9, 5, 6)] == [1, 1, 0.5, 0.25]  # the inner schedule is by epoch
    assert WarmUp(4, Exponential(0.5, by="step")).factor(4.5) == 0.5**0.5
    assert WarmUp(0.5).factor(0.5) == 1


def test_one_cycle_is_continuous_and_turns_at_its_top():
    schedule = OneCycle(10, 0.4, 0.1, 0.01)
    places = [schedule.factor(e / 100) for e in range(1201)]
    assert places[0] == pytest.approx(0.1)
    assert max(places) == places[400] == 1
    assert places[1000:] == pytest.approx([0.01] * 201)
    assert max(abs(a - b) for a, b in pairwise(places)) < 0.01


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_config_and_repr_make_it_again(name):
    options = {"exponential": {"decay": 0.5}, "step": {"every": 3}, "warmup": {"epochs": 2, "then": Cosine(5)}}
    options |= {"cosine": {"epochs": 5}, "onecycle": {"epochs": 5}}
    schedule = schedules.get(name, **options.get(name, {}))
    again = eval(repr(schedule), vars(schedules))
    assert [again.factor(e / 3) for e in range(30)] == [schedule.factor(e / 3) for e in range(30)]
    assert type(schedule)(**schedule.config()).by == schedule.by
    assert schedules.get(schedule) is schedule


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Step(0), ValueError, "Step: every: expected a whole number of at least 1, got 0"),
        (lambda: Step(1.5), TypeError, "Step: every: expected a whole number of at least 1, got 1.5"),
        (lambda: Step(2, 1.5), ValueError, "Step: decay: expected a number above 0 and at most 1, got 1.5"),
        (lambda: Cosine(0), ValueError, "Cosine: epochs: expected a finite number above 0, got 0"),
        (lambda: Cosine(3, 1.5), ValueError, "Cosine: floor: expected a number of at least 0 and at most 1"),
        (lambda: Cosine(3, by="batch"), ValueError, "Cosine: by: expected .epoch. or .step., got .batch."),
        (lambda: WarmUp(2, 0.5), TypeError, "WarmUp: then: expected a Schedule, got float"),
        (lambda: WarmUp(math.nan), ValueError, "WarmUp: epochs: expected a finite number above 0"),
        (lambda: OneCycle(5, 1), ValueError, "OneCycle: rise: expected a number above 0 and below 1"),
        (lambda: OneCycle(5, 0), ValueError, "OneCycle: rise: expected a number above 0 and below 1"),
        (lambda: schedules.get("linear"), ValueError, "schedule: expected one of constant, .* got 'linear'"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
