"""An argument that is not what its documentation says is an error, and not a truth of Python's."""

import numpy as np
import pytest
from trainings import mlp, samples

import fastnn

X, Y = samples(30, 4, 3)


def constant(targets, out):
    return 7.0


@pytest.mark.parametrize("name", ["epoch", "loss", "accuracy", "learning_rate", "seconds"])
def test_a_metric_cannot_take_the_place_of_another_figure(name):
    with pytest.raises(
        ValueError, match=f"metrics: expected names that the history does not have already, got '{name}'"
    ):
        fastnn.Trainer(mlp(4, 3), metrics={name: constant})
    history = fastnn.Trainer(mlp(4, 3), metrics={f"my_{name}": constant}, epochs=1, progress=False).fit(X, Y)
    assert history.epochs[-1][f"my_{name}"] == 7


def test_the_accuracy_that_is_counted_anyway_may_be_asked_for():
    for metrics in (["accuracy"], {"accuracy": fastnn.metrics.accuracy}):
        trainer = fastnn.Trainer(mlp(4, 3), metrics=metrics, epochs=1, progress=False)
        line = trainer.fit(X, Y, validation=(X, Y)).epochs[-1]
        assert line["val_accuracy"] == trainer.model.evaluate(X, Y)["accuracy"]
    trainer = fastnn.Trainer(mlp(4, 1), loss="mean_squared_error", metrics={"accuracy": constant}, progress=False)
    assert trainer.fit(X, Y * 1.0).epochs[-1]["accuracy"] == 7


def test_the_name_of_a_metric_is_text():
    with pytest.raises(TypeError, match="metrics: expected names as text, got 3"):
        fastnn.Trainer(mlp(4, 3), metrics={3: constant})


@pytest.mark.parametrize(
    "make",
    [
        lambda value: fastnn.Trainer(mlp(4, 3), compile=value),
        lambda value: fastnn.Trainer(mlp(4, 3), progress=value),
        lambda value: fastnn.EarlyStopping(restore_best=value),
        lambda value: fastnn.Checkpoint("folder", overwrite=value),
    ],
)
@pytest.mark.parametrize("value", ["no", "False", 0, 1.0, []])
def test_text_and_numbers_are_neither_true_nor_false(make, value):
    with pytest.raises(TypeError, match="expected True or False"):
        make(value)
    make(False)
    make(np.True_)


def test_one_callback_is_no_sequence():
    with pytest.raises(TypeError, match="Trainer: callbacks: expected a sequence of them, got EarlyStopping"):
        fastnn.Trainer(mlp(4, 3), callbacks=fastnn.EarlyStopping())


def test_a_misspelt_figure_is_not_blamed_on_the_validation():
    def message(monitor, validation):
        trainer = fastnn.Trainer(mlp(4, 3), epochs=1, callbacks=[fastnn.EarlyStopping(monitor)], progress=False)
        with pytest.raises(ValueError, match="monitor: expected one of") as error:
            trainer.fit(X, Y, validation=validation)
        return str(error.value)

    assert message("val_acc", None).endswith("got 'val_acc' (there is no validation)")
    assert message("val_acc", 0.5).endswith("got 'val_acc'; did you mean 'val_accuracy'?")


@pytest.mark.parametrize(
    "name", ["shuffle", "warm_start", "nesterovs_momentum", "early_stopping", "batch_norm", "verbose"]
)
def test_estimators_take_true_or_false_where_they_ask_for_it(name):
    pytest.importorskip("sklearn")
    from fastnn.estimators import MLPClassifier

    for value in ("False", "no", None, 0.5):
        with pytest.raises(TypeError, match=f"MLPClassifier: {name}.*: expected True or False"):
            MLPClassifier(max_iter=1, **{name: value}).fit(X, Y)


def test_sizes_of_layers_have_an_order():
    pytest.importorskip("sklearn")
    from fastnn.estimators import MLPClassifier

    with pytest.raises(TypeError, match="hidden_layer_sizes: expected sizes in an order, got a set"):
        MLPClassifier({3, 4}).fit(X, Y)
