"""The functions of the CSC411 hand-out: the printed table, the gradient, and gradient descent."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastnn import functional
from fastnn.compat import csc411
from fastnn.compat.csc411 import network

# The table as printed in report B of study 1.
TABLE = [
    2.698202291518717,
    0.200166359876926,
    0.019912135073950066,
    0.0019906216532900034,
    0.00019905646908402463,
    1.990372311189148e-05,
    1.9841905873896337e-06,
    3.2450363651737035e-07,
    3.0542104362263345e-06,
    2.747131061797692e-05,
]


def blas_fuses() -> bool:
    """Whether products of these shapes round once for each multiply-add, in order."""
    a = 1 + 2.0**-30
    left, right = np.zeros((4, 5)), np.zeros((5, 4))
    left[:, 0], left[:, 1], right[0], right[1] = -1, a, 1, a
    # a * a has a bit 2**-60, which is lost if the product is rounded before 1 is subtracted.
    exact = 2.0**-29 + 2.0**-60
    # Both memory orders are tried, because W.T @ X and the gradient X @ (P - Y).T differ in them.
    return bool((np.asfortranarray(left) @ right == exact).all() and (left @ right == exact).all())


def cases(seed: int = 0, D: int = 7, C: int = 4, N: int = 23) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    x = np.vstack([rng.random((D - 1, N)), np.ones(N)])
    y = np.eye(C)[:, rng.integers(0, C, N)]
    return x, y, rng.normal(size=(D, C))


# The finite difference table.


@pytest.mark.skipif(not blas_fuses(), reason="the printed digits need a BLAS with fused multiply-add")
def test_the_table_reproduces_to_every_printed_digit() -> None:
    steps, errors = csc411.finite_difference_table(*csc411.finite_difference_case())
    assert errors.tolist() == TABLE
    assert steps[6] == 1.0000000000000002e-06  # by repeated division, not by powers of ten


def test_the_table_reproduces_within_rounding_with_any_blas() -> None:
    _, errors = csc411.finite_difference_table(*csc411.finite_difference_case())
    np.testing.assert_allclose(errors[:7], TABLE[:7], rtol=1e-7)
    # From here on rounding dominates, so that the size is compared and not the digits.
    assert (errors[7:] < [1e-6, 1e-5, 1e-4]).all()
    assert (errors[7:] > [1e-8, 1e-7, 1e-6]).all()


def test_the_case_is_that_of_the_report() -> None:
    X, Y, W = csc411.finite_difference_case()
    assert X.tolist() == [[1, 2, 3, 4]] * 5
    assert Y.tolist() == np.eye(4).tolist()
    assert W.tolist() == [[1, 0, 1.2, 3], [1, 2, 0.2, 1.2], [1, 8, 1, 4], [1, -2, 3, 1], [1, 0, 3, 1]]


def test_the_error_of_central_differences_falls_a_hundredfold_in_each_row() -> None:
    _, errors = csc411.finite_difference_table(*csc411.finite_difference_case(), rows=4, central=True)
    np.testing.assert_allclose(errors[2] / errors[3], 100, rtol=0.01)


# The network.


def test_forward_is_the_formula_in_both_orders() -> None:
    x, _, w = cases()
    z = np.array([[sum(w[d, c] * x[d, n] for d in range(7)) for n in range(23)] for c in range(4)])
    expected = np.array([[np.exp(z[c, n]) / np.exp(z[:, n]).sum() for n in range(23)] for c in range(4)])
    np.testing.assert_allclose(csc411.forward(x, w), expected, rtol=1e-13)
    np.testing.assert_array_equal(csc411.SimpleNetwork(w, x), csc411.forward(x, w))
    np.testing.assert_array_equal(csc411.softmax(w.T @ x), csc411.forward(x, w))


def test_softmax_is_not_shifted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert np.isnan(csc411.softmax([[1000.0], [0.0]])[0, 0])


def test_nll_sums_over_cases() -> None:
    p = np.array([[0.5, 0.25], [0.5, 0.75]])
    assert csc411.NLL(p, [[1, 1], [0, 0]]) == pytest.approx(np.log(2) + np.log(4), rel=1e-15)


def test_the_gradient_equals_central_differences() -> None:
    x, y, w = cases()
    analytic = csc411.negLogLossGrad(x, y, w)
    numeric = csc411.negLogLossGrad_FiniteDifference(x, y, w, 6e-6, central=True)
    assert np.abs(analytic - numeric).max() / np.abs(numeric).max() < 1e-8
    np.testing.assert_array_equal(csc411.df(w, x, y), analytic)


def test_finite_difference_moves_one_weight_at_a_time() -> None:
    x, y, w = cases()
    moved = w.copy()
    moved[2, 1] += 0.25
    cost = csc411.NLL(csc411.forward(x, w), y)
    expected = (csc411.NLL(csc411.forward(x, moved), y) - cost) / 0.25
    assert csc411.negLogLossGrad_FiniteDifference(x, y, w, 0.25)[2, 1] == expected


def test_the_network_agrees_with_functional() -> None:
    x, y, w = cases()
    scores, cache = functional.affine_forward(x.T.copy(), w, np.zeros(4))
    total, dscores = functional.softmax_loss(scores, y.argmax(axis=0), reduction="sum")
    assert csc411.NLL(csc411.forward(x, w), y) == pytest.approx(total, rel=1e-13)
    _, dw, _ = functional.affine_backward(dscores, cache)
    np.testing.assert_allclose(csc411.df(w, x, y), dw, rtol=1e-11, atol=1e-13)
    mean, dmean = functional.softmax_loss(scores, y.argmax(axis=0), reduction="mean")
    assert mean == pytest.approx(total / 23, rel=1e-13)
    np.testing.assert_allclose(csc411.df(w, x, y) / 23, x @ dmean, rtol=1e-11, atol=1e-13)


# The check that checks nothing.


@pytest.mark.parametrize("scale", [1.0, 5.0, 0.0, -1.0])
def test_shifting_all_weights_accepts_any_multiple_of_the_gradient(scale: float) -> None:
    x, y, w = cases()

    def scaled(w: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
        return scale * csc411.df(w, x, y)

    assert abs(csc411.shift_all_weights_check(x, y, w, scaled)) < 1e-10
    error = np.abs(scaled(w, x, y) - csc411.negLogLossGrad_FiniteDifference(x, y, w, central=True)).max()
    assert (error < 1e-5) == (scale == 1.0)


def test_shifting_all_weights_averages_the_signed_difference() -> None:
    x, y, w = cases()
    result = csc411.shift_all_weights_check(x, y, w, lambda w, x, y: np.full_like(w, 3.0))
    assert result == pytest.approx(3.0, abs=1e-10)


# Descent.


def test_sgd_equals_a_loop_by_hand() -> None:
    x, y, w = cases()
    expected = w
    for _ in range(3):
        for start in (0, 10, 20):  # the last batch has three columns
            batch = slice(start, min(start + 10, 23))
            expected = expected - 0.05 * csc411.df(expected, x[:, batch], y[:, batch])
    result = csc411.sgd(x, y, w, csc411.df, 0.05, 3, batch_size=10)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("init_v", [0.0, 0.5, np.arange(28.0).reshape(7, 4) / 28])
def test_sgd_momentum_equals_a_loop_by_hand(init_v: Any) -> None:
    x, y, w = cases()
    v: Any = init_v
    expected = w
    for _ in range(2):
        for start in range(0, 23, 8):
            v = 0.8 * v + 0.05 * csc411.df(expected, x[:, start : start + 8], y[:, start : start + 8])
            expected = expected - v
    result = csc411.sgd_momentum(x, y, w, csc411.df, 0.05, 2, momentum=0.8, init_v=init_v, batch_size=8)
    np.testing.assert_allclose(result, expected, rtol=1e-14)


def test_sgd_uses_the_gradient_it_is_given_and_stops_at_max_steps() -> None:
    x, y, w = cases()
    seen: list[tuple[int, float]] = []
    result = csc411.sgd(
        x,
        y,
        w,
        lambda w, x, y: np.full_like(w, x.shape[1]),
        1.0,
        5,
        batch_size=20,
        max_steps=3,
        callback=lambda step, w: seen.append((step, float(w[0, 0]))),
    )
    np.testing.assert_allclose(result, w - (20 + 3 + 20), rtol=1e-12)
    assert [step for step, _ in seen] == [1, 2, 3]
    np.testing.assert_allclose([value for _, value in seen], w[0, 0] - np.array([20, 23, 43]), rtol=1e-12)


def test_weight_by_weight_takes_the_steps_of_sgd() -> None:
    x, y, w = cases()
    slow = csc411.gradient_descent(x, y, w, 0.05, 2, batch_size=10)
    fast = csc411.sgd(x, y, w, csc411.df, 0.05, 2, batch_size=10)
    np.testing.assert_allclose(slow, fast, rtol=1e-11, atol=1e-14)


def test_weight_by_weight_runs_the_forward_pass_for_each_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    original = network.probabilities

    def counted(x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
        nonlocal calls
        calls += 1
        return original(x, w)

    monkeypatch.setattr("fastnn.compat.csc411.descent.probabilities", counted)
    x, y, w = cases()
    csc411.gradient_descent(x, y, w, 0.05, 1)
    assert calls == w.size


def test_part5_equals_a_loop_by_hand() -> None:
    x, y, w = cases()
    v: Any = 1e-3
    by_hand = [w]
    for _ in range(30):
        v = 0.9 * v + 0.01 * csc411.df(by_hand[-1], x, y)
        by_hand.append(by_hand[-1] - v)
    weights, history = csc411.part5_gradient_descent(x, y, w, 0.01, 0.0, 30, 1e-3, 0.9)
    assert [i for i, _ in history] == list(range(31))
    for mine, theirs, (_, cost) in zip(weights, by_hand, history, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
        assert cost == pytest.approx(csc411.NLL(csc411.forward(x, theirs), y), rel=1e-12)


@pytest.mark.parametrize(
    ("max_iter", "recorded"),
    [
        (0, [0]),
        (1, [0, 1]),
        (7, list(range(8))),
        (99, list(range(100))),
        (100, list(range(101))),
        (500, list(range(0, 501, 5))),
        (250, sorted(k * 250 // 100 for k in range(101))),
    ],
)
def test_part5_records_every_hundredth(max_iter: int, recorded: list[int]) -> None:
    x, y, w = cases(N=5)
    weights, history = csc411.part5_gradient_descent(x, y, w, 1e-3, 0.0, max_iter, 0.0, 0.0)
    assert [i for i, _ in history] == recorded
    assert len(weights) == len(history)


def test_part5_stops_at_the_first_short_update_and_records_it() -> None:
    x, y, w = cases()
    every, _ = csc411.part5_gradient_descent(x, y, w, 0.01, 0.0, 100, 0.0, 0.0)
    lengths = [float(np.linalg.norm(b - a)) for a, b in pairwise(every)]
    eps = lengths[40] * (1 + 1e-9)
    first = next(i for i, length in enumerate(lengths) if length < eps) + 1
    # Of 1000 iterations every tenth is recorded; the stop at 41 is none of these.
    weights, history = csc411.part5_gradient_descent(x, y, w, 0.01, eps, 1000, 0.0, 0.0)
    assert [i for i, _ in history] == [0, 10, 20, 30, 40, first]
    assert first == 41
    np.testing.assert_array_equal(weights[-1], every[41])


def test_part5_started_at_the_minimum_makes_one_update() -> None:
    x, y = np.ones((1, 2)), np.eye(2)
    weights, history = csc411.part5_gradient_descent(x, y, np.zeros((1, 2)), 0.1, 1e-9, 100, 0.0, 0.9)
    assert [i for i, _ in history] == [0, 1]
    np.testing.assert_array_equal(weights[-1], np.zeros((1, 2)))


# Arguments.


def calls(x: Any, y: Any, w: Any) -> list[Callable[[], object]]:
    return [
        lambda: csc411.forward(x, w),
        lambda: csc411.SimpleNetwork(w, x),
        lambda: csc411.negLogLossGrad(x, y, w),
        lambda: csc411.df(w, x, y),
        lambda: csc411.finite_difference(x, y, w),
        lambda: csc411.negLogLossGrad_FiniteDifference(x, y, w),
        lambda: csc411.finite_difference_table(x, y, w, rows=2),
        lambda: csc411.shift_all_weights_check(x, y, w, csc411.df),
        lambda: csc411.sgd(x, y, w, csc411.df, 0.1, 1),
        lambda: csc411.sgd_momentum(x, y, w, csc411.df, 0.1, 1, init_v=np.ones(np.shape(w))),
        lambda: csc411.part5_gradient_descent(x, y, w, 0.1, 0.0, 2, np.ones(np.shape(w)), 0.9),
        lambda: csc411.gradient_descent(x, y, w, 0.1, 1),
    ]


@pytest.mark.parametrize("which", range(11))
def test_arguments_are_not_written_to(which: int) -> None:
    arrays = cases()
    before = [a.tobytes() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    calls(*arrays)[which]()
    assert [a.tobytes() for a in arrays] == before


@pytest.mark.parametrize("which", range(11))
def test_shapes_that_do_not_fit_are_refused(which: int) -> None:
    x, y, w = cases()
    with pytest.raises(ValueError, match="w has 6 rows but x has 7"):
        calls(x, y, w[:-1])[which]()
    with pytest.raises(ValueError, match="two dimensions"):
        calls(x, y, w[:, 0])[which]()
    with pytest.raises(TypeError, match="real"):
        calls(x, y, w.astype(complex))[which]()
    if which > 1:
        with pytest.raises(ValueError, match=r"y must|same number of columns"):
            calls(x, y[:, :-1], w)[which]()
        with pytest.raises(ValueError, match="y must have shape"):
            calls(x, y[:-1], w)[which]()


def test_numbers_out_of_range_are_refused() -> None:
    x, y, w = cases()
    for alpha in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="alpha"):
            csc411.sgd(x, y, w, csc411.df, alpha, 1)
    with pytest.raises(ValueError, match="momentum"):
        csc411.sgd_momentum(x, y, w, csc411.df, 0.1, 1, momentum=1.0)
    with pytest.raises(ValueError, match="init_v"):
        csc411.sgd_momentum(x, y, w, csc411.df, 0.1, 1, init_v=np.zeros((4, 7)))
    with pytest.raises(ValueError, match="epoch"):
        csc411.gradient_descent(x, y, w, 0.1, -1)
    with pytest.raises(TypeError, match="batch_size"):
        csc411.sgd(x, y, w, csc411.df, 0.1, 1, batch_size=2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="eps"):
        csc411.part5_gradient_descent(x, y, w, 0.1, np.nan, 1, 0.0, 0.9)
    with pytest.raises(ValueError, match="no cases"):
        csc411.part5_gradient_descent(x[:, :0], y[:, :0], w, 0.1, 0.0, 1, 0.0, 0.9)
    with pytest.raises(ValueError, match="h: expected a finite number above 0"):
        csc411.finite_difference(x, y, w, 0.0)
    with pytest.raises(ValueError, match="rows"):
        csc411.finite_difference_table(x, y, w, rows=0)
    with pytest.raises(ValueError, match="one shape"):
        csc411.NLL(y, y.T)


@pytest.mark.parametrize(
    ("xtype", "wtype", "expected"),
    [
        (np.float64, np.float64, np.float64),
        (np.float32, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.uint8, np.float32, np.float32),
        (np.uint8, np.float64, np.float64),
        (np.uint8, np.int8, np.float64),
        (np.bool_, np.bool_, np.float64),
    ],
)
def test_dtypes_are_promoted_as_in_numpy(xtype: type, wtype: type, expected: type) -> None:
    x: NDArray[Any] = np.ones((3, 2), xtype)
    y: NDArray[Any] = np.eye(2, dtype=xtype)
    w: NDArray[Any] = np.eye(3, 2, dtype=wtype)
    assert csc411.forward(x, w).dtype == expected
    assert csc411.df(w, x, y).dtype == expected
    assert csc411.sgd(x, y, w, csc411.df, 0.1, 1).dtype == expected


def test_whole_numbers_do_not_wrap_around() -> None:
    # In eight bits the first logit, 300, would be 44 and lose to the second.
    x, w = np.full((3, 1), 100, np.uint8), np.array([[1, 1], [1, 0], [1, 0]], np.uint8)
    assert csc411.forward(x, w)[0, 0] == pytest.approx(1.0)
    assert csc411.softmax(np.array([[300], [299]]))[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


# What report A calls by other names.


def test_columns_are_shuffled_together_and_as_the_report_shuffles_them() -> None:
    x, y, _ = cases()
    np.random.seed(5)
    stacked = np.vstack((x, y)).T
    np.random.shuffle(stacked)
    np.random.seed(5)
    shuffled = csc411.shuffle_input(x, y)
    np.testing.assert_array_equal(np.vstack(shuffled), stacked.T)


def test_batches_are_whole_slices() -> None:
    x, y, _ = cases()
    batches = list(csc411.next_batch(x, y, 10))
    assert [batch.shape[1] for batch, _ in batches] == [10, 10, 3]
    np.testing.assert_array_equal(np.hstack([batch for batch, _ in batches]), x)
    np.testing.assert_array_equal(np.hstack([target for _, target in batches]), y)


def test_every_weight_is_changed_after_a_forward_pass_that_sees_the_others() -> None:
    x, y, w = cases(D=3, C=2, N=5)
    expected = w.copy()
    order = np.random.RandomState(2).permutation(5)
    for i, j in np.ndindex(w.shape):
        p = csc411.forward(x[:, order], expected)
        expected[i, j] -= 0.1 * float((x[i, order] * (p[j] - y[j, order])).sum())
    np.random.seed(2)
    kept = w.copy()
    np.testing.assert_allclose(csc411.gradient_descend(x, y, w, 0.1, 1), expected, rtol=1e-12)
    np.testing.assert_array_equal(w, kept)


def test_the_check_of_report_a_is_one_number() -> None:
    x, y, w = cases()
    value = csc411.finite_difference(x, y, w, 1e-3)
    assert isinstance(value, float)
    assert value == pytest.approx(abs(csc411.shift_all_weights_check(x, y, w, csc411.df, 1e-3)), abs=1e-12)
    assert value < 1e-9


def test_a_sweep_of_rates_may_begin_with_zero() -> None:
    x, y, w = cases()
    for alpha in np.arange(0, 0.03, 0.01):
        for descend in (csc411.sgd, csc411.sgd_momentum):
            changed = descend(x, y, w, csc411.df, alpha, 1)
            assert (changed == w).all() == (alpha == 0)
