"""A warning names the line outside fastnn that led to it, however deep in fastnn it is found out."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainings import needs_native, samples

import fastnn
from fastnn.layers import Layer, Softmax


class Plain(Layer):
    """Computes with NumPy, so that the training is not compiled."""

    kind = "plain"

    def forward(self, ops: Any, x: Any, training: bool) -> tuple[Any, Any]:
        return 1 * x, None

    def backward(self, ops: Any, dout: Any, cache: Any, need_dx: bool) -> Any:
        return 1 * dout


def own_layer() -> fastnn.Trainer:
    return fastnn.Trainer(fastnn.Sequential([Plain(), fastnn.layers.Dense(3)], input_shape=(5,)), epochs=1)


def here(call: Callable[[], Any]) -> tuple[str, int]:
    """File and line of the warning that a call gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)] * len(caught)
    return str(caught[0].message), caught[0].lineno


def line_of(call: Callable[[], Any]) -> int:
    return inspect.getsourcelines(call)[1]


@needs_native
def test_fit_and_single_steps_name_their_line() -> None:
    x, y = samples(20, 5, 3)
    calls: list[Callable[[], Any]] = [
        lambda: own_layer().fit(x, y),
        lambda: own_layer().step(x, y),
        lambda: own_layer().steps(x, y, 2),
    ]
    for call in calls:
        message, line = here(call)
        assert "layer by layer" in message
        assert line == line_of(call)


def test_a_warning_below_a_search_of_scikit_learn_is_about_its_line() -> None:
    pytest.importorskip("sklearn")
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from fastnn.estimators import MLPClassifier

    x, y = samples(40, 5, 3)
    net = MLPClassifier((4,), max_iter=2, random_state=0)
    search = GridSearchCV(make_pipeline(StandardScaler(), net), {"mlpclassifier__alpha": [0.1]}, cv=2)
    for call in (lambda: net.fit(x, y), lambda: search.fit(x, y)):
        message, line = here(call)
        assert "has not converged" in message
        assert line == line_of(call)


def test_it_is_shown_once_for_a_line_by_default() -> None:
    from fastnn.caller import warn_caller

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            warn_caller("test: the same")
    assert len(caught) == 1


def test_it_can_be_made_an_error() -> None:
    x, y = samples(20, 5, 3)
    trainer = fastnn.Trainer(fastnn.Sequential([fastnn.layers.Dense(3), Softmax()], input_shape=(5,)), epochs=1)
    before = trainer.model.params.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="leave that layer out"):
            trainer.fit(x, y)
    np.testing.assert_array_equal(trainer.model.params, before)
