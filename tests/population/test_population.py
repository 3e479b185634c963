"""What a population offers: members, predictions, files; and what it refuses."""

import numpy as np
import pytest
from populations import LABELS, NUMBERS, YES, X, assert_same, ctrl_c_before, fit, network

import fastnn
from fastnn.layers import BatchNorm, Dense, Dropout, ReLU, Softmax, Standardize
from fastnn.population import joined

pytestmark = pytest.mark.usefixtures("way")


def test_a_member_is_a_model_and_predicts_what_the_population_says_it_does():
    members = fit(range(3))
    assert len(members) == 3
    assert [model.seed for model in members] == [0, 1, 2]
    each = members.predict(X, how="members")
    for k, model in enumerate(members):
        np.testing.assert_array_equal(model.params, members.params[k])
        np.testing.assert_array_equal(model.predict(X), each[k])
    np.testing.assert_array_equal(members[-1].params, members.params[2])
    assert [m.seed for m in members[1:]] == [1, 2]
    with pytest.raises(IndexError, match="Population: expected the number of one of 3 members, got 3"):
        members[3]


def test_means_and_votes():
    members = fit(range(5), epochs=10)
    mean = np.mean([model.predict_proba(X) for model in members], axis=0)
    np.testing.assert_allclose(members.predict_proba(X), mean, rtol=1e-6)
    np.testing.assert_array_equal(members.predict(X), mean.argmax(axis=1))
    votes = [np.bincount(column, minlength=3).argmax() for column in members.predict(X, how="members").T]
    np.testing.assert_array_equal(members.predict(X, how="vote"), votes)
    labels = fit(range(3), y=YES, loss="binary_cross_entropy")
    np.testing.assert_array_equal(labels.predict(X), (labels.predict_proba(X) > 0.5).astype(int))
    majority = labels.predict(X, how="members").sum(axis=0) >= 2
    np.testing.assert_array_equal(labels.predict(X, how="vote"), majority.astype(int))
    numbers = fit(range(3), y=NUMBERS, loss="mean_squared_error")
    np.testing.assert_allclose(numbers.predict(X), numbers.outputs(X).mean(axis=0))
    np.testing.assert_allclose(numbers.predict(X, how="vote"), np.median(numbers.outputs(X), axis=0))
    with pytest.raises(ValueError, match="predict: how: expected 'mean', 'vote'"):
        members.predict(X, how="sum")


def test_parts_are_joined_to_the_bits_of_the_whole():
    stopping = [fastnn.EarlyStopping("loss", patience=1, min_delta=0.01)]
    options = {"callbacks": stopping, "epochs": 9, "learning_rates": [0.001 * 1.5**k for k in range(20)]}
    rates = options["learning_rates"]
    whole = fit(range(20), **options)
    assert len(set(whole.epochs_done.tolist())) > 1
    cuts = [range(5), range(5, 20)]
    parts = [fit(cut, **options | {"learning_rates": [rates[k] for k in cut]}) for cut in cuts]
    assert_same(joined(parts), whole)
    assert joined(parts).best_epoch.tolist() == whole.best_epoch.tolist()
    with pytest.raises(ValueError, match="joined: parts: expected models of one architecture"):
        joined([whole, fit([1], network(0, lambda: [Dense(3)]))])
    with pytest.raises(TypeError, match="joined: parts: expected populations, at least one"):
        joined([])


def test_evaluate_measures_the_mean_prediction():
    members = fit(range(5), epochs=10)
    probabilities = members.predict_proba(X).astype(np.float64)
    found = members.evaluate(X, LABELS)
    assert found["loss"] == pytest.approx(-np.log(probabilities[np.arange(90), LABELS]).mean(), rel=1e-5)
    assert found["accuracy"] == np.mean(members.predict(X) == LABELS)
    one = fit([3])
    assert one.evaluate(X, LABELS) == pytest.approx(one[0].evaluate(X, LABELS), rel=1e-5)
    labels = fit(range(3), y=YES, loss="binary_cross_entropy")
    mean = labels.predict_proba(X).astype(np.float64)
    loss = -np.log(np.where(YES > 0.5, mean, 1 - mean)).mean()
    assert labels.evaluate(X, YES)["loss"] == pytest.approx(loss, rel=1e-5)
    numbers = fit(range(3), y=NUMBERS, loss="mean_squared_error")
    assert numbers.evaluate(X, NUMBERS)["loss"] == pytest.approx(np.square(numbers.predict(X) - NUMBERS).mean())
    with pytest.raises(ValueError, match="evaluate: x has 90 samples but y has 89"):
        members.evaluate(X, LABELS[1:])


def test_a_file_holds_all_members_and_their_histories(tmp_path):
    members = fit(range(3), validation=0.2, callbacks=[fastnn.EarlyStopping(patience=1)], epochs=9)
    members.save(tmp_path / "members.safetensors")
    again = fastnn.load(tmp_path / "members.safetensors")
    assert_same(again, members)
    assert again.best_epoch.tolist() == members.best_epoch.tolist()
    np.testing.assert_array_equal(again.predict(X), members.predict(X))
    members[1].save(tmp_path / "one.safetensors")
    assert isinstance(fastnn.load(tmp_path / "one.safetensors"), fastnn.Sequential)
    with pytest.raises(ValueError, match="holds one model, not a population"):
        fastnn.Population.load(tmp_path / "one.safetensors")
    damaged = bytearray((tmp_path / "members.safetensors").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "damaged.safetensors").write_bytes(damaged)
    with pytest.raises(ValueError, match="is damaged"):
        fastnn.load(tmp_path / "damaged.safetensors")


def test_a_member_whose_loss_is_not_finite_stops_alone():
    rates = [0.01] * 20
    rates[3] = 1e30
    options = {"y": NUMBERS, "loss": "mean_squared_error", "optimizer": "sgd", "epochs": 5}
    with pytest.warns(UserWarning, match=r"loss of 1 of 20 members was not finite.*members 3 \(step 2\)"):
        members = fit(range(20), learning_rates=rates, **options)
    assert members.failed == {3: 2}
    assert np.isnan(members.params[3]).all()
    assert members.epochs_done.tolist() == [1 if k == 3 else 5 for k in range(20)]
    rates[3] = 0.01
    fine = fit(range(20), learning_rates=rates, **options)
    others = [k for k in range(20) if k != 3]
    assert members.params[others].tobytes() == fine.params[others].tobytes()
    with pytest.raises(ValueError, match=r"NaN for sample 0.*\(member 3\)"):
        fastnn.Population.predict(fit_classes_with_nan(), X)


def fit_classes_with_nan():
    members = fit(range(4), epochs=1)
    members.params[3] = np.nan
    return members


def test_a_figure_that_no_epoch_has_is_refused():
    members = fit([1, 2], epochs=1)
    with pytest.raises(
        ValueError, match=r"Population: column: expected one of loss, .* got 'los'; did you mean 'loss'"
    ):
        members.column("los")


def test_members_that_predict_numbers_have_no_probabilities():
    members = fit([1, 2], y=NUMBERS, loss="mse", epochs=1)
    with pytest.raises(ValueError, match="predict_proba: expected a model of classes"):
        members.predict_proba(X)


def test_ctrl_c_leaves_what_was_trained():
    with ctrl_c_before(3), pytest.raises(KeyboardInterrupt) as error:
        fit(range(3), epochs=9)
    assert_same(error.value.population, fit(range(3), epochs=2))


def test_long_trainings_return_to_python_within_an_epoch(monkeypatch):
    whole = fit(range(3))
    for module in ("population.lanes", "program.session"):
        monkeypatch.setattr(f"fastnn.{module}.RETURN_SECONDS", 0.0)
    assert_same(fit(range(3)), whole)


def test_ten_thousand_members_need_little_memory():
    x, y = X[:20].astype(np.float32), LABELS[:20]
    model = fastnn.Sequential([Dense(2), ReLU(), Dense(3)], input_shape=(6,))
    members = fit(None, [model] * 10_000, y, x=x, epochs=1)
    assert members.params.shape == (10_000, model.size)
    assert (members.params == members.params[0]).all()


BAD = {
    "no seeds": (lambda: fastnn.fit_many(network(), X, LABELS), "seeds: expected a seed for each member"),
    "no members": (lambda: fit([]), "seeds: expected at least one member, got 0"),
    "a number of seeds": (
        lambda: fastnn.fit_many(network(), X, LABELS, seeds=3),
        r"seeds: expected one for each member, as in a list, got 3; range\(3\) makes 3$",
    ),
    "no models": (lambda: fit(None, []), "models: expected at least one, got none"),
    "not a model": (lambda: fit([1], 3), "models: expected a Sequential or a sequence of them, got 3"),
    "lengths": (
        lambda: fit([1, 2], learning_rates=[0.1]),
        "equally many for each member, got 2 seeds, 1 lear",
    ),
    "architectures": (
        lambda: fit(None, [network(), network(0, lambda: [Dense(3)])]),
        "models of one architecture, got layers .* of model 1 .* call fit_many once for each architecture",
    ),
    "rate": (lambda: fit([1, 2], learning_rates=[0.1, 0.0]), r"learning_rates\[1\]: expected .* above 0"),
    "seed": (lambda: fit([1, -2]), r"seeds\[1\]"),
    "decay": (lambda: fit([1], weight_decays=[-1]), r"weight_decays\[0\]"),
    "rows": (lambda: fit([1], rows=[[0, 90]]), r"rows\[0\]: expected numbers from 0 to 89, got 0 to 90"),
    "splits": (
        lambda: fit([1], rows=[(np.arange(60), np.arange(60, 90))]),
        r"rows\[0\]: .* got a pair of arrays; of splits that is \[train for train, test in splits\]",
    ),
    "NaN": (
        lambda: fit([1], x=np.where(X == X[7, 2], np.nan, X)),
        r"fit_many: x: expected finite numbers, got NaN in sample 7, column 2",
    ),
    "NaN to validate with": (
        lambda: fit([1], validation=(np.where(X == X[7, 2], np.nan, X), LABELS)),
        r"fit_many: validation x: expected finite numbers, got NaN in sample 7, column 2",
    ),
    "metrics": (lambda: fit([1], metrics=["auc"]), "metrics: a population has none, got auc; train"),
    "empty rows": (lambda: fit([1], rows=[np.zeros(90, bool)]), r"rows\[0\]: expected at least one sample"),
    "no rest": (lambda: fit([1], validation="rest"), "member 0 is trained on all samples"),
    "share of rows": (
        lambda: fit([1], rows=[range(9)], validation=0.2),
        "expected 'rest' or a pair where",
    ),
    "validation": (lambda: fit([1], validation=[X]), "validation: expected a pair"),
    "layer": (
        lambda: fit([1], network(0, lambda: [Dense(3), BatchNorm()])),
        "got BatchNorm.* as batch_norm1; train",
    ),
    "dropout first": (lambda: fit([1], network(0, lambda: [Dropout(0.5), Dense(3)])), "got Dropout"),
    "softmax": (lambda: fit([1], network(0, lambda: [Dense(3), Softmax()])), "got Softmax"),
    "penalty": (lambda: fit([1], network(0, lambda: [Dense(3, l2=0.1)])), "penalties of their own"),
    "loss": (lambda: fit([1], loss="multiclass_hinge"), "loss: expected softmax_cross_entropy, mean_squared_error"),
    "clipping": (lambda: fit([1], clip_norm=1.0), "clip_norm: a population has none, got 1.0; train such models"),
    "two that count": (
        lambda: fit([1], callbacks=[fastnn.EarlyStopping("loss"), fastnn.BestWeights("loss")]),
        "callbacks: expected one EarlyStopping or BestWeights, got BestWeights as well",
    ),
    "plateau": (
        lambda: fit([1], schedule="plateau"),
        "callbacks: a population has no ReduceOnPlateau, because each member has a rate of its own",
    ),
    "steps": (
        lambda: fit([1], callbacks=[fastnn.Checkpoint("there", every_steps=2)]),
        "callbacks: expected callbacks that are called at epochs, got Checkpoint with every=2",
    ),
    "statistics": (
        lambda: fit(None, [standardised(0.0), standardised(1.0)]),
        "models: expected the same standardize1.running_mean in all models, got others in model 1",
    ),
    "monitor": (lambda: fit([1], callbacks=[fastnn.EarlyStopping()]), r"got 'val_loss' \(there is no validation\)"),
    "labels": (lambda: fit([1], y=LABELS + 1), "softmax_cross_entropy"),
    "x and y": (lambda: fit([1], y=LABELS[1:]), "x has 90 samples but y has 89"),
    "inputs": (lambda: fit([1], x=X[:, 1:]), r"fit_many: x must have shape \(N, 6\)"),
    "optimizer": (lambda: fit([1], optimizer=Own(0.1)), "optimizer: expected one of fastnn.optim"),
}


def standardised(mean):
    model = network(0, lambda: [Standardize(), Dense(3)])
    model.layers[0].set_statistics(mean, 1.0)
    return model


class Own(fastnn.optim.SGD):
    def update(self, ops, parameter, state, rate, t):
        parameter.value -= 1


@pytest.mark.parametrize("what", BAD)
def test_what_a_population_cannot_do_is_said_before_any_work(what, monkeypatch):
    call, message = BAD[what]
    monkeypatch.setattr("fastnn.population.run.group_of", lambda *_: pytest.fail("the training has begun"))
    with pytest.raises((ValueError, TypeError), match=message):
        call()
