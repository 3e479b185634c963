"""Weights of samples and classes, and clipped gradients, work alike on both paths."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import LOSSES, OPTIMIZERS, fit, mlp, needs_native, samples

import fastnn

X, Y = samples(53, 6, 3)
WEIGHTS = np.random.default_rng(1).integers(0, 4, 53).astype(float)
OPTIONS = {
    "sample weights": ({}, {"sample_weight": WEIGHTS}),
    "class weights": ({"class_weight": {0: 3.0, 2: 0.25}}, {}),
    "both": ({"class_weight": "balanced"}, {"sample_weight": WEIGHTS}),
    "norm": ({"clip_norm": 0.3}, {}),
    "value": ({"clip_value": 0.01}, {}),
    "all": ({"clip_value": 0.05, "clip_norm": 0.1, "class_weight": [1, 2, 0.5]}, {"sample_weight": WEIGHTS}),
}


def trained(options, given, *, y=Y, batch_size=16, **more):
    model = mlp(6, 19, 3, dtype="float64", seed=2)
    trainer = fastnn.Trainer(model, batch_size=batch_size, epochs=3, progress=False, **options, **more)
    trainer.fit(X, y, **given)
    return model.params, trainer.history.steps, trainer.compiled


@needs_native
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("case", OPTIONS)
def test_compiled_and_eager_give_the_same_bits(case, optimizer):
    options, given = OPTIONS[case]
    results = [trained(options, given, optimizer=OPTIMIZERS[optimizer](), compile=c) for c in (True, False)]
    assert [r[2] for r in results] == [True, False]
    assert same_bits(results[0][0], results[1][0])
    assert same_bits(results[0][1], results[1][1])
    assert not np.array_equal(results[0][0], trained({}, {}, optimizer=OPTIMIZERS[optimizer]())[0])


@pytest.mark.parametrize("target", LOSSES)
def test_weights_of_one_change_no_number(target):
    loss, targets = LOSSES[target]
    y = targets(Y, 3)
    plain = trained({"loss": loss}, {}, y=y)
    ones = trained({"loss": loss}, {"sample_weight": np.ones(53)}, y=y)
    np.testing.assert_allclose(plain[0], ones[0], rtol=1e-12)
    np.testing.assert_allclose(plain[1], ones[1], rtol=1e-12)


@pytest.mark.parametrize("compile", [True, False])
def test_a_weighted_step_is_that_of_repeated_samples(compile):
    """With a full batch the sums are the same; the mean is over the given samples."""
    times = WEIGHTS.astype(int)
    models = [mlp(6, 8, 3, dtype="float64", seed=1) for _ in range(2)]
    options = {"batch_size": None, "epochs": 2, "compile": compile, "progress": False, "shuffle": False}
    fastnn.Trainer(models[0], optimizer=fastnn.optim.SGD(0.1), **options).fit(X, Y, sample_weight=WEIGHTS)
    rate = 0.1 * times.sum() / 53
    fastnn.Trainer(models[1], optimizer=fastnn.optim.SGD(rate), **options).fit(X.repeat(times, 0), Y.repeat(times))
    np.testing.assert_allclose(models[0].params, models[1].params, rtol=1e-10)


def test_class_weights_are_weights_of_their_samples():
    table = np.array([2.0, 1.0, 0.5])
    by_sample = trained({}, {"sample_weight": table[Y]})[0]
    for class_weight in ({0: 2.0, 2: 0.5}, [2, 1, 0.5], {np.int64(0): 2.0, 2: 0.5}):
        assert same_bits(trained({"class_weight": class_weight}, {})[0], by_sample)
    counts = np.bincount(Y)
    assert same_bits(
        trained({"class_weight": "balanced"}, {})[0], trained({}, {"sample_weight": 53 / (3 * counts)[Y]})[0]
    )
    one_hot = trained({"class_weight": "balanced"}, {}, y=np.eye(3)[Y])[0]
    np.testing.assert_allclose(one_hot, trained({"class_weight": "balanced"}, {})[0], rtol=1e-12)


@pytest.mark.parametrize("compile", [True, False])
def test_a_clipped_step_is_no_longer_than_its_limit(compile):
    for options, length in [({"clip_norm": 0.01}, np.linalg.norm), ({"clip_value": 0.01}, lambda v: np.abs(v).max())]:
        model = mlp(6, 8, 3, dtype="float64")
        before = model.params.copy()
        fit(model, X, Y, optimizer=fastnn.optim.SGD(1.0), batch_size=None, epochs=1, compile=compile, **options)
        assert length(model.params - before) == pytest.approx(0.01, rel=1e-9)


def test_a_limit_out_of_reach_changes_no_bit():
    assert same_bits(trained({"clip_norm": 1e9, "clip_value": 1e9}, {})[0], trained({}, {})[0])


def test_a_clipped_training_agrees_with_torch():
    torch = pytest.importorskip("torch")
    model = mlp(6, 8, 3, dtype="float64", seed=3)
    w1, b1, w2, b2 = (torch.tensor(p.copy(), requires_grad=True) for p in model.parameters.values())
    theirs = torch.optim.SGD([w1, b1, w2, b2], lr=0.5)
    for _ in range(4):
        theirs.zero_grad()
        out = torch.relu(torch.tensor(X) @ w1 + b1) @ w2 + b2
        torch.nn.functional.cross_entropy(out, torch.tensor(Y)).backward()
        torch.nn.utils.clip_grad_norm_([w1, b1, w2, b2], 0.2)
        theirs.step()
    fit(model, X, Y, optimizer=fastnn.optim.SGD(0.5), batch_size=None, epochs=4, shuffle=False, clip_norm=0.2)
    for ours, their in zip(model.parameters.values(), (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(ours, their.detach().numpy(), rtol=1e-4)  # they add 1e-6 to the norm


@pytest.mark.parametrize(
    ("options", "given", "error", "message"),
    [
        ({"class_weight": {3: 2.0}}, {}, ValueError, "class_weight: expected classes in 0 to 2, got 3"),
        ({"class_weight": {0: -1.0}}, {}, ValueError, "class_weight: expected finite numbers of at least 0, got -1"),
        ({"class_weight": [1, 2]}, {}, ValueError, "class_weight: expected 3 numbers, one for each class"),
        ({"class_weight": "even"}, {}, ValueError, "class_weight: expected numbers by class or 'balanced', got 'even'"),
        ({}, {"sample_weight": np.ones(5)}, ValueError, r"sample_weight: expected shape \(53,\), got \(5,\)"),
        (
            {},
            {"sample_weight": np.full(53, np.nan)},
            ValueError,
            "sample_weight: expected finite numbers of at least 0, got nan",
        ),
        ({}, {"sample_weight": np.full(53, "a")}, TypeError, "sample_weight: expected real numbers"),
        ({}, {"sample_weight": np.zeros(53)}, ValueError, "expected a weight above 0 for some sample"),
        ({"clip_norm": 0}, {}, ValueError, "Trainer: clip_norm: expected a finite number above 0, got 0"),
        ({"clip_value": np.nan}, {}, ValueError, "Trainer: clip_value: expected a finite number above 0"),
        ({"clip_norm": "1"}, {}, TypeError, "Trainer: clip_norm: expected a finite number above 0, got '1'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, given, error, message):
    model = mlp(6, 3)
    before = model.params.copy()
    with pytest.raises(error, match=message):
        fastnn.Trainer(model, progress=False, **options).fit(X, Y, **given)
    assert same_bits(model.params, before)


def test_class_weights_need_classes():
    with pytest.raises(ValueError, match="class_weight: expected a loss for classification, got one for regression"):
        fit(mlp(6, 3), X, np.eye(3)[Y], loss="mean_squared_error", class_weight="balanced")
