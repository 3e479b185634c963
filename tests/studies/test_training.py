"""What a study trains, in columns."""

import numpy as np
from trainings import mlp

from fastnn.studies.training import EpochEvaluations, train


def test_a_training_on_squared_errors_has_no_accuracy_of_its_own():
    """The sweeps of losses train so, with an evaluation of their own beside it."""
    x = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[np.arange(30) % 3]
    evaluations = EpochEvaluations({"": (x, targets)}, lambda model, x, y: {"accuracy": 0.5})
    options = {"loss": "mean_squared_error", "epochs": 2, "batch_size": 10}
    found = train(mlp(4, 5, 3), {"": (x, targets)}, evaluations=evaluations, **options)
    assert np.isfinite(found["running_loss"]).all()
    np.testing.assert_array_equal(found["running_accuracy"], [np.nan] * 2)
    np.testing.assert_array_equal(found["accuracy"], [0.5] * 3)
