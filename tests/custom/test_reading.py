"""What a user's function may be, and what is said where it may not; nothing is compiled here."""

import math
import warnings

import numpy as np
import pytest
from custom.own_operations import everything, own_softshrink, own_swish

from fastnn import custom
from fastnn.custom.check import central_difference
from fastnn.custom.dual import dual
from fastnn.custom.plain import run
from fastnn.custom.source import read

state = 0


def test_the_text_computes_what_the_function_does_and_its_derivative_is_that_of_differences():
    source = read("test", everything, "value")
    space = run(f"{source.text}\n\n{dual(source).text}")
    for x in np.linspace(-5.03, 5.02, 61):
        value, slope = space["value_dual"](np.float64(x), 1.0)
        assert value == space["value"](np.float64(x))
        assert value == pytest.approx(everything(x), rel=1e-12)
        difference = central_difference(everything, x)
        jumps = abs(difference) > 1e3  # the loop ends one round earlier on one side
        assert jumps or slope == pytest.approx(difference, rel=1e-6, abs=1e-6)


def changes_a_global(x):
    global state
    state = x
    return x


def takes_two(x, y):
    return x + y


def of_an_array(x):
    return x[0] * 2


def sums(x):
    return x.sum()


def nothing(x):
    x += 1


def words(x):
    return x if x > 0 else "negative"


def prints(x):
    print(x)
    return x


def of_a_list(x):
    return x * LIST


def opens(x):
    return open(x)  # noqa: PTH123


def calls_itself_by_another(x):
    return first_of_two(x)


def first_of_two(x):
    return second_of_two(x)


def second_of_two(x):
    return first_of_two(x)


def sometimes_unset(x):
    if x > 0:
        y = x
    return y


def sometimes_silent(x):
    if x > 0:
        return x


async def waits(x):
    return x


LIST = [1, 2]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (changes_a_global, "expected a function that changes nothing outside itself, got global state"),
        (takes_two, "expected a function of one number, got one of 2 arguments"),
        (of_an_array, r"expected a function of single numbers, got x\[0\]: it is not elementwise"),
        (sums, "expected functions of math or numpy, or of numbers, got x.sum"),
        (nothing, "expected a function that returns a number, got one that returns nothing"),
        (words, "expected numbers, got 'negative'"),
        (prints, "expected a function that changes nothing outside itself, got a call without a result"),
        (of_a_list, "expected numbers and functions of numbers, got LIST, a list"),
        (opens, "expected functions of math or numpy, or of numbers, got open"),
        (calls_itself_by_another, "cannot compile a function that calls itself"),
        (sometimes_unset, r"y has no value on some way to where it is used \(line 4 of the function\)"),
        (sometimes_silent, "expected a function that returns a number, got one that does not on some way through it"),
        (waits, "expected a function made with def, got a lambda or a coroutine"),
    ],
)
def test_what_is_no_function_of_a_number_is_refused_in_one_line(function, message):
    with pytest.raises(ValueError, match=f"activation: {function.__name__}: {message}") as error:
        custom.activation(function)
    assert "\n" not in str(error.value)


def test_a_lambda_and_what_is_no_function_are_refused():
    with pytest.raises(ValueError, match="expected a function made with def"):
        custom.activation(lambda x: x)
    with pytest.raises(TypeError, match="expected a function made with def, got 3"):
        custom.activation(3)


def test_a_wrong_derivative_is_refused_with_the_point_and_both_values():
    def cube(x):
        return x**3

    def wrong(x):
        return 3 * x

    with pytest.raises(ValueError, match=r"cube: derivative: expected 108 at -6, .* got -18"):
        custom.activation(derivative=wrong, name="wrong_cube")(cube)


def test_kinks_are_reported_and_either_slope_will_do_there():
    assert own_softshrink.kinks == (-0.5, 0.5)
    assert own_swish.kinks == ()
    assert own_swish.derivative == "dual numbers"


def test_a_function_without_a_rule_is_differenced_and_that_is_said():
    def steps(x):
        return math.copysign(x * x, x)

    with pytest.warns(UserWarning, match="no rule for the derivative of copysign; central differences are taken"):
        made = custom.activation(steps)
    assert made.derivative == "central differences"


def test_the_warning_of_differences_stands_at_the_users_line_by_every_way():
    def steps(x):
        return math.copysign(x * x, x)

    def far(out, target):
        return math.copysign(out - target, 1.0)

    for make in (custom.activation, custom.activation(name="named_steps"), custom.loss, custom.loss(name="named_far")):
        with pytest.warns(UserWarning, match="central differences are taken") as caught:
            make(far if "loss" in make.__qualname__ else steps)
        assert [warning.filename for warning in caught] == [__file__]


def test_a_name_is_used_once():
    def twice(x):
        return x

    first = custom.activation(twice, name="used_once")
    assert custom.activation(twice, name="used_once").kernel is first.kernel

    def other(x):
        return 2 * x

    with pytest.raises(ValueError, match="another activation is called 'used_once'; give this one another name"):
        custom.activation(other, name="used_once")


def test_a_name_is_a_word_that_nothing_built_in_has():
    def relu(x):
        return x

    def mse(out, target):
        return (out - target) ** 2

    def adam(w, g, rate, t):
        return w - rate * g

    for make, function in ((custom.activation, relu), (custom.loss, mse), (custom.update_rule, adam)):
        with pytest.raises(ValueError, match=f"{function.__name__}: name: '{function.__name__}' is built in"):
            make(function)
        with pytest.raises(ValueError, match="name: expected a name of letters, digits and _, got 'my own'"):
            make(function, name="my own")
        with pytest.raises(TypeError, match="name: expected text, got 3"):
            make(function, name=3)
    with pytest.raises(TypeError, match="onnx: expected a function of a graph and a name, got 'Relu'"):
        custom.activation(relu, name="my_relu", onnx="Relu")


def test_a_loss_or_a_rule_is_used_once_by_its_name_and_changes_nothing():
    def loss(out, target):
        return (out - target) ** 2

    def other(out, target):
        return 2 * (out - target) ** 2

    def rule(w, g, rate, t):
        return w - rate * g

    def other_rule(w, g, rate, t):
        return w - 2 * rate * g

    def changes_state(out, target):
        global state
        state = out
        return out

    def rule_that_changes_state(w, g, rate, t):
        global state
        state = w
        return w

    for make, first, second in ((custom.loss, loss, other), (custom.update_rule, rule, other_rule)):
        make(first, name="another_used_once")
        with pytest.raises(ValueError, match="is called 'another_used_once'; give this one another name"):
            make(second, name="another_used_once")
    with pytest.raises(ValueError, match="expected a function that changes nothing outside itself, got global state"):
        custom.loss(changes_state)
    with pytest.raises(ValueError, match="expected a function that changes nothing outside itself, got global state"):
        custom.update_rule(rule_that_changes_state)


def test_a_rule_that_gives_no_number_is_refused():
    def nothing_finite(w, g, rate, t):
        return w / 0.0 - w / 0.0

    with pytest.raises(ValueError, match="expected a rule that gives finite numbers, got NaN or infinity for every"):
        custom.update_rule(nothing_finite)


def test_a_loss_whose_derivative_is_wrong_is_refused():
    def loss(out, target):
        return (out - target) ** 2

    def wrong(out, target):
        return out - target

    with pytest.raises(ValueError, match=r"loss: derivative: expected -6 at -3, .* got -3"):
        custom.loss(loss, derivative=wrong)


def test_functions_of_one_name_are_told_apart():
    def plus_one(a):
        return a + 1

    def times_two(a):
        return a * 2

    times_two.__name__ = plus_one.__name__

    def both(x):
        return times_two(plus_one(x))

    assert custom.activation(both, name="both_of_one_name").kernel.function(np.float64(3)) == 8


def test_rules_and_losses_with_other_arguments_are_refused():
    def rule(w, g):
        return w - g

    def three(w, m, g, rate, t):
        return w - m

    def one(out):
        return out

    with pytest.raises(ValueError, match="expected a weight, up to two numbers of state, a gradient, rate and step"):
        custom.update_rule(rule)
    with pytest.raises(ValueError, match="expected a function that returns 2 numbers, got 1"):
        custom.update_rule(three)
    with pytest.raises(ValueError, match="expected a function of an output and its target, got one of 1 arguments"):
        custom.loss(one)


def test_without_numba_the_command_that_installs_it_is_said(monkeypatch):
    monkeypatch.setattr("fastnn.custom.compile.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'fastnn-cpu\[numba\]'"):
        custom.activation(words)


def test_a_raise_becomes_nan():
    def only_small(x):
        if x > 7:
            raise ValueError("too large")
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = custom.activation(only_small)
    assert math.isnan(made.kernel.function(np.float64(8)))
