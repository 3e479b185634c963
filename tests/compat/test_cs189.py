"""The CS189 hand-out agrees with its report."""

import numpy as np
import pytest

from fastnn.compat import cs189


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_each_weight_matrix_is_added_to_its_gradient_and_not_to_the_loss(rng):
    np.random.seed(3)
    x, y = rng.normal(size=(6, 5)), rng.integers(4, size=6)
    model = cs189.FullyConnectedNet(5, [7, 3], 4, weight_scale=0.5)
    loss, grads = model.loss(x, y)
    assert loss == pytest.approx(cs189.softmax_loss(model.loss(x), y)[0])
    for name in model.params:
        numerical = cs189.eval_numerical_gradient(lambda _: model.loss(x, y)[0], model.params[name], verbose=False)
        penalty = model.params[name] if name.startswith("W") else 0
        np.testing.assert_allclose(grads[name], numerical + penalty, atol=1e-8)


def test_the_solver_measures_once_before_training(rng):
    np.random.seed(0)
    x, y = rng.normal(size=(40, 5)), rng.integers(3, size=40)
    data = {"X_train": x, "y_train": y, "X_val": x, "y_val": y}
    model = cs189.FullyConnectedNet(5, [6], 3)
    before = np.mean(model.loss(x).argmax(1) == y)
    solver = cs189.Solver(
        model, data, optim_config={"learning_rate": 1e-2}, lr_decay=0.95, num_epochs=3, batch_size=4, verbose=False
    )
    solver.train()
    assert solver.val_acc_history[0] == before
    assert len(solver.val_acc_history) == len(solver.train_acc_history) == 4
    assert solver.optim_configs["W1"]["learning_rate"] == pytest.approx(1e-2 * 0.95**3)


def test_predictions_are_written_with_ids_from_1(tmp_path):
    cs189.results_to_csv(np.array([7, 0, 3]), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "Id,Category\n1,7\n2,0\n3,3\n"
    with pytest.raises(ValueError, match="results_to_csv: y must be whole numbers"):
        cs189.results_to_csv(np.array([[1, 2]]), tmp_path / "out.csv")
