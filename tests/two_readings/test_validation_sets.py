"""What early stopping holds out: as many of each class as there can be, and enough to be scored."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trainings import mlp

import fastnn

pytest.importorskip("sklearn")

from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor

from fastnn.estimators import MLPClassifier, MLPRegressor, arrays
from fastnn.estimators.holdout import hold_out

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def stopped(estimator, x, y, **options):
    return estimator(hidden_layer_sizes=(3,), early_stopping=True, max_iter=3, random_state=0, **options).fit(x, y)


@pytest.mark.parametrize("seed", range(12))
def test_one_of_ten_positives_in_a_hundred_is_held_out(seed):
    labels = np.arange(100) % 10 == 0
    _, validation = hold_out("fit", 100, 0.1, labels, seed)
    assert labels[validation].sum() == 1
    y = np.where(labels, "rare", "common")
    held = []

    class Watched(MLPClassifier):
        def score_of(self, targets, outputs, weights=None):
            held.append(targets.sum())
            return super().score_of(targets, outputs, weights)

    Watched((2,), early_stopping=True, max_iter=1, random_state=seed).fit(np.eye(100), y)
    assert held == [1]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=4, max_size=60),
    st.floats(0.05, 0.9),
    st.integers(0, 99),
)
def test_every_sample_is_in_one_part_and_the_shares_of_classes_are_kept(labels, fraction, seed):
    labels = np.array(labels)
    n, held_out = len(labels), int(np.ceil(fraction * len(labels)))
    assume(2 <= held_out < n)
    training, validation = hold_out("fit", n, fraction, labels, seed)
    assert sorted([*training, *validation]) == list(range(n))
    assert len(validation) == held_out
    counts = np.bincount(labels)[np.unique(labels)]
    if counts.min() >= 2 and len(counts) <= min(held_out, n - held_out):
        found = np.array([(labels[validation] == label).sum() for label in np.unique(labels)])
        assert (np.abs(found - counts * held_out / n) < 2).all()


def test_more_classes_than_samples_to_hold_out_are_trained():
    net = stopped(MLPClassifier, np.eye(20), np.arange(20) % 5)
    assert len(net.validation_scores_) == net.n_iter_
    assert net.classes_.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_class_that_is_met_once_is_trained(classes):
    y = np.r_[classes - 1, np.arange(39) % (classes - 1)]
    net = stopped(MLPClassifier, np.eye(40), y)
    assert net.classes_.tolist() == list(range(classes))


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("samples", "fraction"), [(40, 0.0), (10, 0.1), (15, 1e-9), (3, 0.9)])
def test_too_few_samples_in_a_part_are_an_error_before_the_training(estimator, samples, fraction):
    net = estimator(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match="validation_fraction: expected a share that holds out at least 2 samples"):
        net.fit(np.eye(samples), np.arange(samples) % 2)
    assert not hasattr(net, "model_")


def test_nothing_held_out_is_what_zero_says_without_early_stopping():
    assert MLPClassifier((2,), validation_fraction=0.0, max_iter=1).fit(np.eye(6), np.arange(6) % 2).n_iter_ == 1


def test_a_validation_set_of_one_sample_has_no_r2():
    x, y = np.eye(30), np.arange(30.0)
    with pytest.raises(ValueError, match="validation: expected at least 2 samples with early_stopping, because R²"):
        MLPRegressor(early_stopping=True).fit(x, y, validation=(x[:1], y[:1]))
    MLPRegressor(hidden_layer_sizes=(2,), max_iter=1).fit(x, y, validation=(x[:1], y[:1]))


def test_infinite_patience_trains_every_epoch():
    for early_stopping in (False, True):
        options = {"max_iter": 30, "n_iter_no_change": np.inf, "tol": 10.0, "early_stopping": early_stopping}
        assert MLPRegressor(hidden_layer_sizes=(2,), **options).fit(np.eye(40), np.arange(40.0)).n_iter_ == 30
    for wrong in (0, -np.inf, np.nan, 2.5, True):
        with pytest.raises((ValueError, TypeError), match="n_iter_no_change"):
            MLPClassifier(n_iter_no_change=wrong).fit(np.eye(6), np.arange(6) % 2)


def test_weights_of_held_out_samples_weight_their_score(monkeypatch):
    splits = []
    monkeypatch.setattr(arrays, "hold_out", lambda *given: splits.append(hold_out(*given)) or splits[-1])
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    y = x @ [1.0, 2.0, 3.0]
    weights = rng.integers(1, 50, 200).astype(float)
    options = {"hidden_layer_sizes": (5,), "early_stopping": True, "max_iter": 4, "random_state": 0}
    plain = MLPRegressor(**options).fit(x, y)
    weighted = MLPRegressor(**options).fit(x, y, sample_weight=weights)
    training, validation = splits[-1]
    assert len(training) == 180
    best = int(np.argmax(weighted.validation_scores_))
    assert best == 3  # so that the weights of the last epoch are the best ones, whose score can be computed again
    expected = weighted.score(x[validation], y[validation], weights[validation])
    assert weighted.validation_scores_[best] == pytest.approx(expected)
    assert weighted.validation_scores_ != plain.validation_scores_


def test_the_held_out_share_is_scikit_learns():
    for n, fraction in ((30, 0.1), (33, 0.1), (50, 0.25)):
        theirs = SklearnMLPRegressor(
            hidden_layer_sizes=(2,), early_stopping=True, validation_fraction=fraction, max_iter=1
        )
        theirs.fit(np.eye(n), np.arange(float(n)))
        training, validation = hold_out("fit", n, fraction, None, 0)
        assert len(validation) == int(np.ceil(n * fraction))
        assert theirs.t_ == len(training)


@pytest.mark.parametrize("seed", range(12))
def test_a_trainers_share_keeps_the_balance_of_a_yes_or_no_question(seed):
    y = (np.arange(100) % 10 == 0).astype(float)
    trainer = fastnn.Trainer(mlp(2, 1), loss="binary_cross_entropy", epochs=1, seed=seed, progress=False)
    trainer.fit(np.random.default_rng(0).standard_normal((100, 2)), y, validation=0.1)
    assert trainer.run.spec.validation[1].sum() == 1
