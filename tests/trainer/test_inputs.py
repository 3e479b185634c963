"""`fit` takes any real dtype and layout; other data give one clear error, and nothing is changed."""

import math

import numpy as np
import pytest
from strategies import LAYOUTS, same_bits
from trainings import digest, fit, mlp, samples

import fastnn

X, Y = samples(40, 6, 3)


def trained(x, y=Y, validation=None, **options):
    model = mlp(6, 8, 3, input_scale=1 / 16)
    trainer = fastnn.Trainer(model, epochs=2, batch_size=16, progress=False, **options)
    trainer.fit(x, y, validation=validation)
    return model.params


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize(
    "dtype",
    ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "g", ">f4", ">i2", ">f8", "<u4"],
)
def test_the_same_values_in_any_dtype_give_the_same_training(dtype, compile):
    whole = np.clip(8 * X + 60, 0, 120).round()
    expected = trained(whole.astype("f4"), compile=compile)
    x = whole.astype(dtype)
    before = x.tobytes()
    assert same_bits(trained(x, validation=(x, Y), compile=compile), expected)
    assert x.tobytes() == before


def test_boolean_inputs_are_taken():
    assert same_bits(trained(X > 0), trained((X > 0).astype("f4")))
    assert same_bits(trained((X > 0)[:, ::-1]), trained((X > 0)[:, ::-1].astype("f4")))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "u1", "f8"])
def test_any_layout_is_taken(layout, dtype):
    whole = np.clip(8 * X + 60, 0, 120).round().astype(dtype)
    x, y = LAYOUTS[layout](whole), LAYOUTS[layout](Y)
    before = x.tobytes(), y.tobytes()
    assert same_bits(trained(x, y), trained(whole))
    assert (x.tobytes(), y.tobytes()) == before


def test_a_read_only_memory_map_is_taken(tmp_path):
    whole = np.clip(8 * X + 60, 0, 120).astype("u1")
    np.save(tmp_path / "x.npy", whole)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert same_bits(trained(mapped, validation=(mapped, Y)), trained(whole))


def test_lists_and_subclasses_are_taken():
    assert same_bits(trained(X.tolist(), Y.tolist()), trained(X))

    class Mine(np.ndarray):
        pass

    assert same_bits(trained(X.view(Mine), Y.view(Mine)), trained(X))


def test_images_are_flattened_where_the_model_is_flat():
    assert same_bits(trained(X.reshape(40, 2, 3)), trained(X))


def test_targets_of_a_regression_may_be_whole_numbers_or_flat():
    t = X[:, 0].round()
    results = []
    for y in (t, t.astype("i4"), t.reshape(-1, 1), t.astype("f4")):
        model = mlp(6, 4, 1)
        fit(model, X, y, loss="mean_squared_error", epochs=2)
        results.append(model.params)
    assert all(same_bits(results[0], r) for r in results)


# --- refusals ---

BAD = {
    "no rows": ({"x": np.zeros((0, 6)), "y": Y[:0]}, ValueError, r"fit: x must hold at least one sample"),
    "another width": ({"x": X[:, :5]}, ValueError, r"fit: x must have shape \(N, 6\), got \(40, 5\)"),
    "one dimension": ({"x": X[0]}, ValueError, r"fit: x must have shape \(N, 6\), got \(6,\)"),
    "complex x": ({"x": X + 0j}, TypeError, "fit: x must be real numbers, got dtype complex128"),
    "object x": ({"x": X.astype(object)}, TypeError, "fit: x must be real numbers, got dtype object"),
    "text x": ({"x": X.astype(str)}, TypeError, "fit: x must be real numbers"),
    "rows of unequal length": (
        {"x": [[1.0] * 6, [1.0] * 5]},
        ValueError,
        "fit: x must be an array of numbers",
    ),
    "counts that differ": ({"y": Y[:-1]}, ValueError, "fit: x has 40 samples but y has 39"),
    "labels from 1": (
        {"y": Y + 1},
        ValueError,
        r"labels must lie in 0 to 2, got 3 in sample \d+; classes are counted from 0, as in y - 1$",
    ),
    "labels too large": ({"y": Y * 3}, ValueError, r"labels must lie in 0 to 2, got [36] in sample \d+$"),
    "negative labels": ({"y": Y - 1}, ValueError, "labels must lie in 0 to 2, got -1 in sample"),
    "float labels": ({"y": Y + 0.5}, TypeError, r"labels must be integers, got [012]\.5 in sample 0"),
    "NaN labels": ({"y": np.full(40, np.nan)}, TypeError, "labels must be integers"),
    "object labels": ({"y": Y.astype(object)}, TypeError, "labels must be integers, got dtype object"),
    "labels of unequal length": ({"y": [[1], [1, 2]]}, ValueError, "fit: y must be an array of numbers"),
    "one-hot of another width": ({"y": np.eye(4)[Y]}, ValueError, r"one-hot labels must have shape \(N, 3\)"),
    "validation that is no pair": ({"validation": X}, TypeError, r"validation: expected a pair \(x, y\)"),
    "validation of three": ({"validation": (X, Y, Y)}, TypeError, r"validation: expected a pair \(x, y\)"),
    "validation width": (
        {"validation": (X[:, :5], Y)},
        ValueError,
        r"fit: validation: x must have shape \(N, 6\)",
    ),
    "validation labels": ({"validation": (X, Y + 1)}, ValueError, "labels must lie in 0 to 2"),
    "validation counts": (
        {"validation": (X, Y[1:])},
        ValueError,
        "fit: validation x has 40 samples but y has 39",
    ),
    "empty validation": (
        {"validation": (X[:0], Y[:0])},
        ValueError,
        "fit: validation: x must hold at least one",
    ),
}


@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "hinge"])
def test_classes_of_a_model_with_one_output_are_answered_with_the_loss_that_it_needs(loss):
    with pytest.raises(ValueError, match=r"labels must lie in 0 to 0, .* one output .* binary_cross_entropy"):
        fastnn.Trainer(mlp(6, 1), loss=loss, progress=False).fit(X, Y > 0)


@pytest.mark.parametrize("case", BAD)
def test_bad_data_change_nothing(case):
    change, error, message = BAD[case]
    model = mlp(6, 8, 3)
    model.task = "regression"
    before = digest(model.params, model.grads)

    class Never(fastnn.Callback):
        def on_train_begin(self, trainer):
            pytest.fail("training began")

    trainer = fastnn.Trainer(model, callbacks=[Never()], progress=False)
    with pytest.raises(error, match=message):
        trainer.fit(**{"x": X, "y": Y} | change)
    assert digest(model.params, model.grads) == before
    assert (model.task, len(trainer.history)) == ("regression", 0)


@pytest.mark.parametrize("targets", [X[:, :3] * math.nan, X[:, :2], X[:, :3] + 0j, 3.0])
def test_bad_targets_of_a_regression_change_nothing(targets):
    model = mlp(6, 8, 3)
    before = model.params.copy()
    with pytest.raises((ValueError, TypeError), match="mean_squared_error: targets"):
        fit(model, X, targets, loss="mean_squared_error")
    assert same_bits(model.params, before)
    assert model.task == "classification"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "Trainer: batch_size: expected a whole number of at least 1"),
        ({"batch_size": -4}, ValueError, "Trainer: batch_size: expected a whole number of at least 1"),
        ({"batch_size": 2.5}, TypeError, "Trainer: batch_size: expected a whole number of at least 1, got 2.5"),
        ({"epochs": 0}, ValueError, "Trainer: epochs: expected a whole number of at least 1"),
        ({"epochs": "3"}, TypeError, "Trainer: epochs: expected a whole number of at least 1, got '3'"),
        ({"epochs": True}, TypeError, "Trainer: epochs: expected a whole number of at least 1, got True"),
        ({"print_every": 0}, ValueError, "Trainer: print_every: expected a whole number of at least 1"),
        ({"seed": -1}, ValueError, "Trainer: seed: expected a whole number of at least 0 and below 2..64"),
        ({"seed": 2**64}, ValueError, "Trainer: seed: expected a whole number of at least 0 and below 2..64"),
        ({"seed": "a"}, TypeError, "Trainer: seed: expected a whole number of at least 0 and below 2..64, got 'a'"),
        ({"optimizer": "downhill"}, ValueError, "optimizer: expected one of .*sgd, .* got 'downhill'"),
        ({"loss": "hing"}, ValueError, "loss: expected one of .* got 'hing'"),
        ({"schedule": 0.95}, TypeError, "Trainer: schedule: expected a Schedule, got float"),
        ({"shuffle": "rows"}, ValueError, "Trainer: shuffle: expected True, False or 'batches', got 'rows'"),
        ({"shuffle": None}, ValueError, "Trainer: shuffle: expected True, False or 'batches'"),
        (
            {"callbacks": [print]},
            TypeError,
            "Trainer: callbacks: expected a Callback, got builtin_function_or_method",
        ),
        (
            {"on_nonfinite": "stop"},
            ValueError,
            "Trainer: on_nonfinite: expected 'raise' or 'ignore', got 'stop'",
        ),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        fastnn.Trainer(mlp(6, 3), **options)


def test_an_object_that_is_no_model_is_refused():
    with pytest.raises(TypeError, match="Trainer: model: expected a Sequential, got str"):
        fastnn.Trainer("mlp:784-200-10")
