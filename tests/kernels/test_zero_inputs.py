"""Inputs that are zero in every row of a small batch are left out of products and updates, to the same bits."""

import numpy as np
import pytest
from guarded import guarded
from trainings import digest, needs_native, threads

import fastnn
from fastnn import kernels
from fastnn.kernels import UpdateRule
from fastnn.kernels.backend import panel_columns

DTYPES = [np.float32, np.float64]
pytestmark = needs_native


def drawing(rng, n, d, share, dtype):
    """Rows of which about that share of the inputs is not zero in any; zeros of both signs."""
    x = rng.standard_normal((n, d)).astype(dtype) * (rng.random(d) < share)
    return x * (rng.random((n, d)) < 0.7)


def panels_of(w):
    width = panel_columns(w.dtype)
    panels = np.zeros((-(-w.shape[1] // width), w.shape[0], width), w.dtype)
    kernels.get("to_panels", "native")(w, panels)
    return panels


def forward(x, w, b, kind=1):
    out = np.empty((len(x), b.size), x.dtype)
    kernels.get("affine_forward")(x, w, b, out, kind, 0.0)
    return out


def without_leaving_out(x, w, b):
    """The outputs of the rows of x beside a row in which no input is zero."""
    return forward(np.vstack([x, np.ones((1, x.shape[1]), x.dtype)]), w, b)[:-1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("panels", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 8, 11])
@pytest.mark.parametrize(("d", "m"), [(64, 32), (100, 33), (784, 200), (257, 10)])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_products_have_the_bits_of_those_with_all_inputs(dtype, panels, n, d, m, share):
    rng = np.random.default_rng(n * d)
    x = drawing(rng, n, d, share, dtype)
    w, b = rng.standard_normal((d, m)).astype(dtype), rng.standard_normal(m).astype(dtype)
    held = panels_of(w) if panels else w
    np.testing.assert_array_equal(forward(x, held, b), without_leaving_out(x, held, b))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("panels", [False, True])
def test_a_weight_that_is_not_finite_shows_even_where_its_input_is_zero(value, panels):
    rng = np.random.default_rng(0)
    x = drawing(rng, 8, 200, 0.4, np.float32)
    unused = np.flatnonzero(~x.any(axis=0))
    for at in (unused[0], unused[-1]):
        w, b = rng.standard_normal((200, 70)).astype(np.float32), np.zeros(70, np.float32)
        w[at, [3, 65]] = value
        out = forward(x, panels_of(w) if panels else w, b, 0)
        assert np.isnan(out[:, [3, 65]]).all()
        assert np.isfinite(np.delete(out, [3, 65], 1)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("panels", [False, True])
@pytest.mark.parametrize("n", [1, 4, 8])
@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("rule", [UpdateRule.SGD, UpdateRule.MOMENTUM, UpdateRule.ADAM])
def test_a_fused_update_is_the_gradient_and_then_the_update(dtype, panels, n, decay, rule):
    rng = np.random.default_rng(n)
    x, dout = drawing(rng, n, 300, 0.3, dtype), rng.standard_normal((n, 50)).astype(dtype)
    w = rng.standard_normal((300, 50)).astype(dtype)
    w[np.flatnonzero(~x.any(axis=0))[0]] = np.inf  # which stays what it is without decay
    rate, t = np.array([0.1]), np.array([3])
    numbers = {0: (0.0, 0.0, 0.0), 1: (0.9, 0.0, 0.0), 5: (0.9, 0.99, 1e-8)}[int(rule)]
    state = [np.zeros_like(w) if slot in rule.slots else None for slot in "mv"]
    held = [a if a is None or not panels else panels_of(a) for a in (w, *state)]
    fused = [None if a is None else a.copy() for a in held]
    arguments = (None, None, None, rate, t, int(rule), decay, 0.0, *numbers)
    kernels.get("affine_backward_weight_update")(x, dout, *fused, *arguments)
    dw = np.empty_like(w)
    kernels.get("affine_backward_weight")(x, dout, dw, None, 0.0)
    kernels.get("update")(w, *state, dw, rate, t, int(rule), decay, *numbers)
    np.testing.assert_array_equal(fused[0], panels_of(w) if panels else w)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_reaches_all_weights(value):
    rng = np.random.default_rng(0)
    x, dout = drawing(rng, 8, 300, 0.3, np.float32), rng.standard_normal((8, 50)).astype(np.float32)
    dout[5, 7] = value
    w = rng.standard_normal((300, 50)).astype(np.float32)
    zeros = (0.0,) * 5
    kernels.get("affine_backward_weight_update")(
        x, dout, w, None, None, None, None, None, np.array([0.1]), np.array([1]), int(UpdateRule.SGD), *zeros
    )
    assert np.isnan(w[~x[5].astype(bool), 7]).all()
    assert np.isfinite(np.delete(w, 7, 1)).all()


@pytest.mark.parametrize("at_end", [True, False])
def test_nothing_is_read_or_written_beyond_the_arrays(at_end):
    rng = np.random.default_rng(3)
    x, dout = drawing(rng, 7, 131, 0.4, np.float32), rng.standard_normal((7, 77)).astype(np.float32)
    w, b = rng.standard_normal((131, 77)).astype(np.float32), rng.standard_normal(77).astype(np.float32)
    own = [guarded(a, at_end=at_end) for a in (x, w, b, np.empty((7, 77), np.float32), dout)]
    kernels.get("affine_forward")(*own[:4], 0, 0.0)
    np.testing.assert_array_equal(own[3], forward(x, w, b, 0))
    zeros = (0.0,) * 5
    none = (None,) * 5
    kernels.get("affine_backward_weight_update")(
        own[0], own[4], own[1], *none, np.array([0.1]), np.array([1]), 0, *zeros
    )
    kernels.get("affine_backward_weight_update")(x, dout, w, *none, np.array([0.1]), np.array([1]), 0, *zeros)
    np.testing.assert_array_equal(own[1], w)


@pytest.mark.parametrize("batch", [1, 4, 8])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_trainings_on_drawings_have_the_same_bits_by_every_way(batch, optimizer):
    x, y = fastnn.data.glyphs(80, seed=0)
    x = x.reshape(len(x), -1) * (np.arange(784) % 28 < 18)  # with an empty margin
    results = set()
    for compile, count in ((True, 1), (True, 2), (True, 3), (False, 2)):
        with threads(count):
            model = fastnn.architecture.parse("mlp:784-60-10", seed=1, input_scale=1 / 255)
            options = {"batch_size": batch, "epochs": 2, "seed": 3, "progress": False, "compile": compile}
            trainer = fastnn.Trainer(model, optimizer=optimizer, **options)
            trainer.fit(x, y)
        results.add(digest(model.params, trainer.history.steps))
    assert len(results) == 1
