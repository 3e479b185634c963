"""Outputs that are not numbers have no class, and nothing makes one of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trainings import mlp, samples

import fastnn
from fastnn import metrics

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = samples(30, 4, 3)
TASKS = {"classification": 3, "multilabel": 3}


def model_for(task, dtype="float32"):
    model = mlp(4, 6, 3, dtype=dtype)
    model.task = task
    return model


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(TASKS)),
    st.sampled_from(["predict", "predict_proba"]),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([1, 2, 30, 300, 1000]),
    st.sampled_from([np.nan, np.inf]),
    st.data(),
)
def test_the_sample_is_named_wherever_it_stands(task, method, dtype, count, bad, data):
    model = model_for(task, dtype)
    x = np.resize(X, (count, 4)).astype(dtype)
    row, column = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, 3))
    getattr(model, method)(x)
    x[row, column] = bad
    if not np.isnan(model.forward(x)).any():
        return  # infinity may end in numbers
    for _ in range(2):  # the second call goes the quick way
        with pytest.raises(ValueError, match=rf"predict: x: .* got NaN for sample {row} .the sample itself"):
            getattr(model, method)(x)


def test_parameters_that_are_not_numbers_are_named():
    model = model_for("classification")
    model.params[0] = np.nan
    with pytest.raises(ValueError, match="the model's parameters do: its training has diverged"):
        model.predict(X)


def test_outputs_and_regressions_are_given_as_they_are():
    x = X.copy()
    x[3, 1] = np.nan
    model = model_for("classification")
    assert np.isnan(model.forward(x)[3]).all()
    model.task = "regression"
    assert np.isnan(model.predict(x)[3]).all()


@pytest.mark.parametrize("backend", fastnn.kernels.available_backends())
def test_every_backend_refuses(backend):
    x = X.copy()
    x[3, 1] = np.nan
    before = fastnn.kernels.current_backend()
    fastnn.use_backend(backend)
    try:
        with pytest.raises(ValueError, match="NaN for sample 3"):
            model_for("classification").predict(x)
    finally:
        fastnn.use_backend(before)


def test_evaluate_names_the_sample():
    x = X.copy()
    x[[3, 9], 1] = np.nan
    for loss in ("softmax_cross_entropy", "multiclass_hinge"):
        with pytest.raises(
            ValueError, match=r"evaluate: x: .* got NaN for sample 3, the first of 2 .the sample itself"
        ):
            model_for("classification").evaluate(x, Y, loss)


def test_a_validation_set_that_holds_one_is_refused_before_the_training():
    x = X.copy()
    x[3, 1] = np.nan
    model = mlp(4, 3)
    before = model.params.copy()
    with pytest.raises(
        ValueError, match=r"fit: validation x: expected finite numbers, .* in sample 3, column 1 \(1 of 30"
    ):
        fastnn.Trainer(model, progress=False).fit(X, Y, validation=(x, Y))
    np.testing.assert_array_equal(model.params, before)


def test_a_validation_loss_that_is_not_finite_ends_the_training():
    class Spoil(fastnn.Callback):
        every = 3

        def on_step(self, trainer, step):
            trainer.model.params[-1] = np.nan

    for validation in ((X, Y), 0.4):
        trainer = fastnn.Trainer(mlp(4, 3), batch_size=None, epochs=3, callbacks=[Spoil()], progress=False)
        with pytest.raises(fastnn.NonFiniteLossError, match="fit: the validation loss after epoch 3 is nan"):
            trainer.fit(X, Y, validation=validation)
        assert len(trainer.history) == 2


def test_metrics_are_nan_where_the_outputs_are_and_that_is_ignored():
    x = X.copy()
    x[3, 1] = np.nan
    options = {"metrics": ["macro_f1", "top_2_accuracy"], "on_nonfinite": "ignore", "epochs": 1, "progress": False}
    history = fastnn.Trainer(mlp(4, 3), **options).fit(X, Y, validation=(x, Y))
    line = history.epochs[-1]
    assert np.isnan([line["val_loss"], line["val_macro_f1"], line["val_top_2_accuracy"]]).all()
    assert line["val_accuracy"] <= 29 / 30


@pytest.mark.parametrize(
    "metric", [metrics.accuracy, metrics.macro_f1, metrics.confusion_matrix, metrics.per_class, metrics.top_k_accuracy]
)
def test_metrics_refuse_what_has_no_class(metric):
    options = {"k": 1} if metric is metrics.top_k_accuracy else {}
    scores = np.eye(3)[Y[:9]]
    bad = scores.copy()
    bad[4, 2] = np.nan
    tie = scores.copy()
    tie[5] = 0.5
    for targets, outputs, message in (
        (Y[:9], bad, "outputs must be numbers, got NaN in sample 4"),
        (bad, scores, "targets must be numbers, got NaN in sample 4"),
        (tie, scores, "row of targets must have one largest element, .* that of sample 5 has several"),
        (Y[:9, None], scores, r"targets must have shape \(N,\) or \(N, C\) with at least two classes, got \(9, 1\)"),
        (Y[:9], scores[:, :1], r"outputs must have shape \(N,\) or \(N, C\) with at least two classes, got \(9, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            metric(targets, outputs, **options)
    metric(Y[:9], tie, **options)  # of equal scores the first counts


def test_estimators_refuse_samples_that_overflow():
    pytest.importorskip("sklearn")
    from fastnn.estimators import MLPClassifier

    for y in (Y, Y % 2, np.eye(3, dtype=int)[Y]):
        net = MLPClassifier((3,), solver="lbfgs", max_iter=5, random_state=0).fit(X, y)
        net.model_.params[:] = np.nan
        for method in (net.predict, net.predict_proba):
            with pytest.raises(ValueError, match=r"got NaN for sample 0.*its training has diverged"):
                method(X)
