"""What stands in another place than the one it is read from is refused, or read from where it stands."""

import functools
import math

import numpy as np
import pytest
from trainings import fit, samples

import fastnn
from fastnn import custom
from fastnn.layers import Dense, ReLU

numba = pytest.importorskip("numba")


def test_a_lambda_in_a_decorator_is_not_taken_for_the_function_below_it():
    with pytest.raises(ValueError, match=r"^activation: grows: derivative: expected a function made with def, got a l"):

        @custom.activation(derivative=lambda x: 0.0)
        def grows(x):  # is its own derivative
            return math.exp(x)


def doubled(function):
    @functools.wraps(function)
    def twice(x):
        return 2 * function(x)

    return twice


def test_a_decorated_function_is_the_one_that_is_called():
    @doubled
    def plus_one_twice(x):
        return x + 1

    assert custom.activation(plus_one_twice).kernel.function(np.float64(3)) == plus_one_twice(3) == 8


def test_a_function_that_numba_has_compiled_is_refused_with_what_to_do():
    @numba.njit
    def compiled(x):
        return x

    with pytest.raises(
        TypeError, match=r"^activation: compiled: expected a function made with def, .*leave Numba's dec"
    ):
        custom.activation(compiled)


def test_names_of_arguments_in_another_order_are_refused():
    def of_keras(y_true, y_pred):
        return (y_true - y_pred) ** 2

    def of_keras_rows(y_true, y_pred, grad):
        grad[:] = y_pred - y_true
        return 0.5 * np.sum((y_pred - y_true) ** 2)

    def squared(out, target):
        return (out - target) ** 2

    def slope(target, out):
        return 2 * (out - target)

    def gradient_first(w, g, m, rate, t):
        return w - rate * g, m

    def step_before_rate(w, g, step, lr):
        return w - lr * g / step

    with pytest.raises(ValueError, match=r"^loss: of_keras: expected y_pred as argument 1, .* 2 of \(y_true, y_pred\)"):
        custom.loss(of_keras)
    with pytest.raises(
        ValueError, match=r"^row_loss: of_keras_rows: expected y_pred as argument 1, got it as argument 2"
    ):
        custom.row_loss(of_keras_rows)
    with pytest.raises(
        ValueError, match=r"^loss: squared: derivative: expected out as argument 1, got it as argument 2"
    ):
        custom.loss(derivative=slope)(squared)
    with pytest.raises(
        ValueError, match=r"^update_rule: gradient_first: expected g as argument 3, got it as argument 2"
    ):
        custom.update_rule(gradient_first)
    with pytest.raises(ValueError, match=r"^update_rule: step_before_rate: expected lr as argument 3, got it as"):
        custom.update_rule(step_before_rate)


def test_what_makes_a_layer_is_no_layer_yet():
    @custom.activation
    def halves(x):
        return x / 2

    with pytest.raises(TypeError, match=r"layer 1: expected a Layer, got ActivationMaker; halves\(\) makes one$"):
        fastnn.Sequential([Dense(3), halves], input_shape=(2,))
    with pytest.raises(TypeError, match=r"layer 0: expected a Layer, got the class ReLU; ReLU\(\) makes one$"):
        fastnn.Sequential([ReLU], input_shape=(2,))
    with pytest.raises(TypeError, match=r"layer 0: expected a Layer, got 'ReLU'; did you mean ReLU\(\)\?$"):
        fastnn.Sequential(["ReLU"], input_shape=(2,))


def test_a_rule_stands_for_the_optimiser_that_it_makes_and_errors_name_it():
    @custom.update_rule
    def goes_down(w, g, rate, t):
        return w - rate * g

    x, y = samples(20, 4, 2)
    results = []
    for optimizer in (goes_down, "goes_down", goes_down()):
        model = fastnn.Sequential([Dense(2)], input_shape=(4,), seed=0)
        fit(model, x, y, optimizer=optimizer, epochs=2, seed=0)
        results.append(model.params.tolist())
    assert results[0] == results[1] == results[2]
    with pytest.raises(ValueError, match=r"^goes_down: learning_rate: expected a finite number above 0, got -1"):
        goes_down(-1)


def test_a_derivative_of_zero_everywhere_is_said():
    def stair(x):
        return 1.0 if x > 0 else 0.0

    with pytest.warns(UserWarning, match=r"^activation: stair: its derivative is 0 at every point that was tried"):
        custom.activation(stair)
