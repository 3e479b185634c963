"""The losses agree with plain NumPy, and refuse targets that do not fit."""

import numpy as np
import pytest
from strategies import LAYOUTS, same_bits

from fastnn import losses
from fastnn.kernels.eager import Eager

OUT = np.random.default_rng(0).normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 2, 2, 0])


def run(loss, targets, scale=None, out=OUT):
    loss = losses.get(loss)
    prepared = loss.prepare(np.asarray(targets), out.shape[1:], out.dtype)
    dx, value, correct = np.full(out.shape, np.nan, out.dtype), np.zeros(1), np.zeros(1, np.int64)
    scale = loss.scale(len(out), out.shape[1:]) if scale is None else scale
    loss.run(Eager(out.dtype), out, prepared, dx, value, correct, scale)
    return float(value[0]), dx, int(correct[0])


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_cross_entropy_of_labels_is_its_formula():
    value, dx, correct = run("softmax_cross_entropy", LABELS)
    p = softmax(OUT)
    assert value == pytest.approx(-np.log(p[np.arange(6), LABELS]).mean(), rel=1e-13)
    np.testing.assert_allclose(dx, (p - np.eye(4)[LABELS]) / 6, rtol=1e-12, atol=1e-16)
    assert correct == (OUT.argmax(1) == LABELS).sum()


def test_cross_entropy_of_distributions_is_its_formula():
    t = np.random.default_rng(1).dirichlet(np.ones(4), 6)
    value, dx, correct = run("softmax_cross_entropy", t)
    p = softmax(OUT)
    assert value == pytest.approx(-(t * np.log(p)).sum(1).mean(), rel=1e-13)
    np.testing.assert_allclose(dx, (p - t) / 6, rtol=1e-12, atol=1e-16)
    assert correct == (OUT.argmax(1) == t.argmax(1)).sum()


def test_labels_and_one_hot_rows_are_the_same():
    a, b = run("softmax_cross_entropy", LABELS), run("softmax_cross_entropy", np.eye(4, dtype=int)[LABELS])
    assert a[0] == pytest.approx(b[0], rel=1e-14)
    np.testing.assert_allclose(a[1], b[1], rtol=1e-13, atol=1e-17)
    assert a[2] == b[2]


@pytest.mark.parametrize("shape", [(6, 4), (6, 2, 2)])
def test_squared_error_is_the_mean_over_samples_and_outputs(shape):
    t = np.random.default_rng(1).normal(size=shape)
    out = OUT.reshape(shape)
    value, dx, correct = run("mean_squared_error", t, out=out)
    assert value == pytest.approx(((out - t) ** 2).mean(), rel=1e-14)
    np.testing.assert_allclose(dx, 2 * (out - t) / 24, rtol=1e-13)
    assert correct == 0


def test_multiclass_hinge_is_its_formula():
    """It agrees with the loop over samples and classes of CS231n."""
    for delta in (1.0, 0.3):
        value, dx, correct = run(losses.MulticlassHinge(delta), LABELS)
        total, slopes = 0.0, np.zeros_like(OUT)
        for i, label in enumerate(LABELS):
            for j in range(4):
                margin = OUT[i, j] - OUT[i, label] + delta
                if j != label and margin > 0:
                    total += margin
                    slopes[i, j] += 1
                    slopes[i, label] -= 1
        assert value == pytest.approx(total / 6, rel=1e-13)
        np.testing.assert_allclose(dx, slopes / 6, rtol=1e-13)
        assert correct == (OUT.argmax(1) == LABELS).sum()


def test_binary_cross_entropy_is_its_formula():
    t = np.random.default_rng(1).random(OUT.shape).round(1)
    value, dx, correct = run("binary_cross_entropy", t)
    p = 1 / (1 + np.exp(-OUT))
    assert value == pytest.approx(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(), rel=1e-13)
    np.testing.assert_allclose(dx, (p - t) / 24, rtol=1e-12, atol=1e-16)
    assert correct == ((OUT > 0) == (t > 0.5)).all(1).sum()
    assert run("binary_cross_entropy", OUT > 0)[2] == 6


ALL = [
    ("softmax_cross_entropy", LABELS),
    ("softmax_cross_entropy", np.eye(4)[LABELS]),
    ("mean_squared_error", OUT + 1),
    ("multiclass_hinge", LABELS),
    ("binary_cross_entropy", np.eye(4)[LABELS]),
    ("focal", LABELS),
    (losses.FocalCrossEntropy(0.7), LABELS),
    (losses.SoftmaxCrossEntropy(0.1), LABELS),
    (losses.SoftmaxCrossEntropy(0.1), np.eye(4)[LABELS]),
    ("mae", OUT + 0.3),
    (losses.Huber(0.5), OUT + np.array([-1, -0.2, 0.2, 1])),
    ("log_cosh", OUT + 0.4),
    ("poisson", np.arange(24).reshape(6, 4) % 5),
    ("gamma", np.arange(24).reshape(6, 4) % 5 + 0.5),
    (losses.Quantile(0.3), OUT + np.array([-1, -0.2, 0.2, 1])),
    (losses.Quantile([0.1, 0.4, 0.5, 0.9]), OUT[:, 1] + 0.7),
]


T = np.random.default_rng(1).gamma(2, size=OUT.shape) + 0.01
TORCH = {
    "mae": lambda t: t.nn.L1Loss(),
    "huber": lambda t: t.nn.HuberLoss(),
    "poisson": lambda t: t.nn.PoissonNLLLoss(),  # without the terms of the targets alone
}


@pytest.mark.parametrize("loss", TORCH)
def test_errors_of_numbers_are_those_of_pytorch(loss):
    torch = pytest.importorskip("torch")
    out = torch.tensor(OUT, requires_grad=True)
    expected = TORCH[loss](torch)(out, torch.tensor(T))
    expected.backward()
    value, dx, _ = run(loss, T)
    rest = (T * np.log(T) - T).mean() if loss == "poisson" else 0
    assert value == pytest.approx(expected.item() + rest, rel=1e-13)
    np.testing.assert_allclose(dx, out.grad, rtol=1e-12, atol=1e-16)


def test_deviances_and_pinball_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    flat, mean = T.ravel(), np.exp(OUT).ravel()
    assert run("poisson", T)[0] == pytest.approx(metrics.mean_poisson_deviance(flat, mean) / 2, rel=1e-12)
    assert run("gamma", T)[0] == pytest.approx(metrics.mean_gamma_deviance(flat, mean) / 2, rel=1e-12)
    for level in (0.1, 0.5, 0.8):
        expected = metrics.mean_pinball_loss(flat, OUT.ravel(), alpha=level)
        assert run(losses.Quantile(level), T)[0] == pytest.approx(expected, rel=1e-12)


def test_log_cosh_is_its_formula():
    assert run("log_cosh", T)[0] == pytest.approx(np.log(np.cosh(OUT - T)).mean(), rel=1e-12)


@pytest.mark.parametrize("targets", [LABELS, np.eye(4)[LABELS], np.full((6, 4), 0.25)])
def test_label_smoothing_is_that_of_pytorch(targets):
    torch = pytest.importorskip("torch")
    out = torch.tensor(OUT, requires_grad=True)
    expected = torch.nn.CrossEntropyLoss(label_smoothing=0.1)(out, torch.tensor(targets))
    expected.backward()
    value, dx, _ = run(losses.SoftmaxCrossEntropy(0.1), targets)
    assert value == pytest.approx(expected.item(), rel=1e-13)
    np.testing.assert_allclose(dx, out.grad, rtol=1e-12, atol=1e-16)


def test_focal_loss_is_its_formula_and_cross_entropy_without_gamma():
    q = softmax(OUT)[np.arange(6), LABELS]
    for gamma in (0.5, 1.0, 2.0, 5.0):
        value = run(losses.FocalCrossEntropy(gamma), LABELS)[0]
        assert value == pytest.approx((-((1 - q) ** gamma) * np.log(q)).mean(), rel=1e-12)
    plain, focal = run("cross_entropy", LABELS), run(losses.FocalCrossEntropy(0), LABELS)
    assert focal[0] == pytest.approx(plain[0], rel=1e-13)
    np.testing.assert_allclose(focal[1], plain[1], rtol=1e-12, atol=1e-16)
    assert focal[2] == plain[2]


def test_several_quantiles_are_the_mean_of_the_single_ones():
    levels, t = [0.1, 0.4, 0.5, 0.9], OUT[:, 1] + 0.3
    value, dx, _ = run(losses.Quantile(levels), t)
    single = [run(losses.Quantile(q), t, out=OUT[:, i : i + 1].copy()) for i, q in enumerate(levels)]
    assert value == pytest.approx(np.mean([v for v, _, _ in single]), rel=1e-13)
    np.testing.assert_allclose(dx, np.hstack([d for _, d, _ in single]) / 4, rtol=1e-13)


@pytest.mark.parametrize(("loss", "targets"), ALL)
def test_prepared_targets_are_prepared(loss, targets):
    loss = losses.get(loss)
    once = loss.prepare(np.asarray(targets), (4,), np.dtype("float64"))
    assert same_bits(loss.prepare(once, (4,), np.dtype("float64")), once)


def test_every_alias_is_the_loss_of_its_name():
    for alias, name in losses.ALIASES.items():
        assert type(losses.get(alias)) is losses.LOSSES[name]
    assert not set(losses.ALIASES) & set(losses.LOSSES)


@pytest.mark.parametrize(("loss", "targets"), ALL)
def test_gradients_equal_central_differences(loss, targets):
    h = 1e-5
    dx = run(loss, targets)[1]
    for at in np.ndindex(OUT.shape):
        moved = [OUT.copy(), OUT.copy()]
        moved[0][at] += h
        moved[1][at] -= h
        values = [run(loss, targets, out=out)[0] for out in moved]
        assert dx[at] == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("loss", "targets"), ALL)
def test_whole_weights_repeat_their_samples(loss, targets):
    times = np.array([0, 1, 2, 3, 1, 0])
    found = losses.get(loss)
    out, repeated = OUT.repeat(times, axis=0), np.asarray(targets).repeat(times, axis=0)
    value, dx, _ = run(loss, repeated, scale=0.5, out=out)
    weighted, weighted_dx, correct = np.zeros(1), np.empty_like(OUT), np.zeros(1, np.int64)
    prepared = found.prepare(np.asarray(targets), (4,), OUT.dtype)
    found.run(Eager(OUT.dtype), OUT, prepared, weighted_dx, weighted, correct, 0.5, times.astype(OUT.dtype))
    assert weighted[0] == pytest.approx(value, rel=1e-13)
    first = np.cumsum(times)[times > 0] - 1
    np.testing.assert_allclose(weighted_dx[times > 0], dx[first] * times[times > 0, None], rtol=1e-13)
    assert not weighted_dx[times == 0].any()
    assert correct[0] == run(loss, targets)[2]


@pytest.mark.parametrize(("loss", "targets"), [("softmax_cross_entropy", LABELS), ("mean_squared_error", OUT + 1)])
def test_scale_multiplies_loss_and_gradient(loss, targets):
    once, twice = run(loss, targets, 0.25), run(loss, targets, 0.5)
    assert twice[0] == pytest.approx(2 * once[0])
    np.testing.assert_allclose(twice[1], 2 * once[1])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_targets_may_have_any_layout(layout):
    for loss, targets in [
        ("softmax_cross_entropy", LABELS),
        ("softmax_cross_entropy", np.eye(4)[LABELS]),
        ("mean_squared_error", OUT + 1),
    ]:
        given = LAYOUTS[layout](targets)
        assert same_bits(run(loss, given)[1], run(loss, targets)[1])


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4"])
def test_labels_may_have_any_integer_dtype(dtype):
    assert run("softmax_cross_entropy", LABELS.astype(dtype))[0] == run("softmax_cross_entropy", LABELS)[0]


@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "multiclass_hinge"])
def test_labels_with_one_reading_are_taken(loss):
    expected = run(loss, LABELS)
    for given in (LABELS.astype(float), LABELS.astype("f4"), LABELS[:, None], LABELS[:, None].astype(float)):
        assert run(loss, given)[0] == expected[0]
    assert run(loss, LABELS > 0)[0] == run(loss, (LABELS > 0).astype(int))[0]


def test_regression_targets_of_one_output_may_be_flat():
    out = OUT[:, :1].copy()
    assert run("mean_squared_error", OUT[:, 1], out=out)[0] == run("mean_squared_error", OUT[:, 1:2], out=out)[0]


def test_one_output_keeps_its_dtype():
    prepared = losses.get("mean_squared_error").prepare(np.arange(3), (1,), np.dtype("float32"))
    assert (prepared.shape, prepared.dtype) == ((3, 1), np.float32)


X = "softmax_cross_entropy"
S = "mean_squared_error"
H = "multiclass_hinge"
B = "binary_cross_entropy"


@pytest.mark.parametrize(
    ("loss", "targets", "error", "message"),
    [
        (X, [0, 1, 4], ValueError, "labels must lie in 0 to 3, got 4 in sample 2"),
        (X, [0, -1, 2], ValueError, "labels must lie in 0 to 3, got -1 in sample 1"),
        (X, np.array([0, 2**63], "u8"), ValueError, "labels must lie in 0 to 3"),
        (X, [0.0, 1.5], TypeError, "labels must be integers, got 1.5 in sample 1; numbers to be predicted need a loss"),
        (X, [np.nan, 1.0], TypeError, "labels must be integers, got nan in sample 0"),
        (X, [np.inf, 1.0], ValueError, "labels must lie in 0 to 3"),
        (X, [4.0, 1.0], ValueError, "labels must lie in 0 to 3, got 4 in sample 0"),
        (X, ["a", "b"], TypeError, "labels must be integers, got dtype <U1; names, y = numpy.unique"),
        (X, [None, 1], TypeError, "labels must be integers, got dtype object"),
        (X, 3, ValueError, r"labels must have shape \(N,\), got \(\)"),
        (X, np.zeros((2, 2, 2), int), ValueError, r"labels must have shape \(N,\), got \(2, 2, 2\)"),
        (X, np.eye(3), ValueError, r"one-hot labels must have shape \(N, 4\), got \(3, 3\)"),
        (X, [[0.5, 0.5, 0, -0.1]], ValueError, "one-hot labels must be finite and at least 0, got -0.1 in sample 0"),
        (X, [[np.nan, 0.5, 0, 0]], ValueError, "one-hot labels must be finite"),
        (X, [[np.inf, 0.5, 0, 0]], ValueError, "one-hot labels must be finite"),
        (X, np.eye(4) * 1j, TypeError, "one-hot labels must be real numbers, got dtype complex128"),
        (H, [0, 1, 4], ValueError, "labels must lie in 0 to 3, got 4 in sample 2"),
        (H, np.eye(4), TypeError, "labels must be integers"),
        ("half_poisson_deviance", [[1, 2, 3, -1]], ValueError, "targets: expected numbers of at least 0, got -1"),
        ("half_gamma_deviance", [[1, 2, 3, 0]], ValueError, "targets: expected numbers above 0, got 0"),
        ("quantile", np.zeros(3), ValueError, r"targets must have shape \(N, 4\), got \(3,\)"),
        (B, np.full((3, 4), 1.5), ValueError, "targets must lie in 0 to 1, got 1.5 to 1.5"),
        (B, np.zeros((3, 5)), ValueError, r"targets must have shape \(N, 4\), got \(3, 5\)"),
        (B, np.full((3, 4), np.nan), ValueError, "targets hold NaN or infinity"),
        (S, np.zeros((3, 5)), ValueError, r"targets must have shape \(N, 4\), got \(3, 5\)"),
        (S, np.zeros(3), ValueError, r"targets must have shape \(N, 4\), got \(3,\)"),
        (S, 3.0, ValueError, r"targets must have shape \(N, 4\), got \(\)"),
        (S, np.full((3, 4), np.nan), ValueError, "targets hold NaN or infinity"),
        (S, np.full((3, 4), 1j), TypeError, "targets must be real numbers"),
        (S, np.full((3, 4), None), TypeError, "targets must be real numbers"),
    ],
)
def test_targets_that_do_not_fit_are_refused(loss, targets, error, message):
    with pytest.raises(error, match=f"{loss}: {message}"):
        losses.get(loss).prepare(np.asarray(targets), (4,), np.dtype("float64"))


def test_classes_need_rows_of_outputs():
    with pytest.raises(ValueError, match=r"outputs of one dimension, got \(2, 2\)"):
        losses.get(X).prepare(LABELS, (2, 2), np.dtype("float64"))


@pytest.mark.parametrize("what", ["wedge", None, 3, ["a"], losses.MeanSquaredError])
def test_other_objects_than_losses_are_refused(what):
    kind = ValueError if what == "wedge" else TypeError
    with pytest.raises(kind, match=r"loss: expected one of softmax_cross_entropy, mean_squared_error, .* got"):
        losses.get(what)


def test_get_returns_a_loss_unchanged():
    mine = losses.MeanSquaredError()
    assert losses.get(mine) is mine


@pytest.mark.parametrize("delta", [0, -1, np.nan, np.inf])
def test_a_margin_must_be_above_0(delta):
    with pytest.raises(ValueError, match="MulticlassHinge: delta: expected a finite number above 0"):
        losses.MulticlassHinge(delta)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: losses.Huber(0), ValueError, "Huber: delta: expected a finite number above 0, got 0"),
        (lambda: losses.FocalCrossEntropy(-1), ValueError, "FocalCrossEntropy: gamma: expected a finite number of at"),
        (lambda: losses.SoftmaxCrossEntropy(1), ValueError, "label_smoothing: expected a number of at least 0 and bel"),
        (lambda: losses.Quantile([]), ValueError, "Quantile: levels: expected at least one, got none"),
        (lambda: losses.Quantile("half"), TypeError, "Quantile: levels: expected a number above 0 and below 1"),
        (lambda: losses.Quantile([0.5, 0.5]), ValueError, r"Quantile: levels: expected numbers in rising order"),
        (lambda: losses.Quantile(1), ValueError, "Quantile: levels: expected a number above 0 and below 1, got 1"),
        (lambda: losses.get("hubber"), ValueError, "got 'hubber'; did you mean 'huber'"),
    ],
)
def test_arguments_out_of_their_range_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_quantiles_need_an_output_each():
    with pytest.raises(
        ValueError, match=r"quantile: expected a model with an output for each of \[0.1, 0.9\], got \(3,\)"
    ):
        losses.Quantile([0.1, 0.9]).prepare(np.zeros(5), (3,), np.dtype("float64"))
