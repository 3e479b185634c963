"""The R² that early stopping watches is the one that `score` and scikit-learn report."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from sklearn.metrics import r2_score

from fastnn.metrics.regression import r_squared


@given(n=st.integers(2, 20), k=st.integers(1, 4), seed=st.integers(0, 99), constant=st.booleans(), right=st.booleans())
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_scikit_learns(n, k, seed, constant, right, weighted):
    rng = np.random.default_rng(seed)
    targets = rng.integers(-5, 5, (n, k)).astype(float)
    if constant:
        targets[:, 0] = 3
    predictions = targets + (0 if right else rng.integers(1, 3, (n, k)))
    weights = rng.integers(1, 4, n).astype(float) if weighted else None
    wanted = r2_score(targets, predictions, sample_weight=weights)
    assert r_squared(targets, predictions, weights) == pytest.approx(wanted, abs=1e-12)


def test_a_prediction_that_is_not_finite_has_no_score():
    assert np.isnan(r_squared(np.zeros((3, 1)), np.array([[0.0], [np.inf], [1.0]])))
