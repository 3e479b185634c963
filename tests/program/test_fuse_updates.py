"""Updates join the gradient they spend, where nothing else looks on."""

import numpy as np
import pytest
from fuse_scenes import Scene, unchanged

from fastnn.program.fuse import fuse


def test_updates_join_the_weight_gradient():
    s = Scene()
    s.gradient()
    s.read(s.other)
    s.sgd("w", 0.5)
    s.sgd("b", 0.25)
    assert s.fused == ["affine_backward_weight_sgd", "activation_forward"]
    joined = fuse(s.ops.operations)[0]
    assert all(got is want for got, want in zip(joined.arguments, (s.x, s.dout, s.w, s.b, s.rate), strict=False))
    assert joined.arguments[5:] == (0.5, 0.25)


def test_in_either_order_and_without_a_bias():
    s = Scene()
    s.gradient()
    s.sgd("b")
    s.sgd("w")
    assert s.fused == ["affine_backward_weight_sgd"]
    assert fuse(s.ops.operations)[0].arguments[2] is s.w
    s = Scene()
    s.gradient(db=False)
    s.sgd("w", 0.5)
    (joined,) = fuse(s.ops.operations)
    assert joined.arguments[3] is None
    assert joined.arguments[5:] == (0.5, 0.5)


def test_the_other_rules_of_update_join_too():
    s = Scene()
    s.gradient()
    s.ops.momentum_update(s.w, s.vw, s.dw, s.rate, 0.9, 0.1)
    s.ops.momentum_update(s.b, s.vb, s.db, s.rate, 0.9, 0.0)
    (joined,) = fuse(s.ops.operations)
    assert joined.kernel == "affine_backward_weight_momentum"
    arrays = (s.x, s.dout, s.w, s.vw, s.b, s.vb, s.rate)
    assert all(got is want for got, want in zip(joined.arguments, arrays, strict=False))
    assert joined.arguments[7:] == (0.9, 0.1, 0.0)
    s = Scene()
    t = s.ops.stream((1,), "int64")
    mw, mb = s.vw.copy(), s.vb.copy()
    s.gradient()
    s.ops.adam_update(s.w, mw, s.vw, s.dw, s.rate, t, 0.9, 0.99, 1e-8, 0.1)
    s.ops.adam_update(s.b, mb, s.vb, s.db, s.rate, t, 0.9, 0.99, 1e-8, 0.0)
    (joined,) = fuse(s.ops.operations)
    arrays = (s.x, s.dout, s.w, mw, s.vw, s.b, mb, s.vb, s.rate, t)
    assert all(got is want for got, want in zip(joined.arguments, arrays, strict=False))
    assert joined.arguments[10:] == (0.9, 0.99, 1e-8, 0.1, 0.0)


def _accumulating(s):
    s.gradient(beta=1.0)
    s.sgd("w")
    s.sgd("b")


def _gradient_read(s):
    s.gradient()
    s.sgd("w")
    s.sgd("b")
    s.ops.sgd_update(np.zeros((3, 5), "f4"), s.dw, s.rate, 0.0)


def _gradient_added_to(s):
    s.gradient()
    s.gradient(beta=1.0)
    s.sgd("w")
    s.sgd("b")


def _gradient_overwritten(s):
    s.gradient()
    s.write(s.dw)
    s.sgd("w")
    s.sgd("b")


def _weight_read_between(s):
    s.gradient()
    s.backward_input()
    s.sgd("w")
    s.sgd("b")


def _weight_written_between(s):
    s.gradient()
    s.ops.sgd_update(s.w, np.ones((3, 5), "f4"), s.rate, 0.0)
    s.sgd("w")
    s.sgd("b")


def _bias_not_updated(s):
    s.gradient()
    s.sgd("w")


def _one_gradient_for_two_weights(s):
    s.gradient()
    s.sgd("w")
    s.ops.sgd_update(np.zeros((3, 5), "f4"), s.dw, s.rate, 0.0)


def _rules_differ(s):
    s.gradient()
    s.sgd("w")
    s.ops.momentum_update(s.b, s.vb, s.db, s.rate, 0.9, 0.0)


def _rates_differ(s):
    s.gradient()
    s.sgd("w")
    s.ops.sgd_update(s.b, s.db, s.ops.stream((1,), "float64"), 0.0)


def _momenta_differ(s):
    s.gradient()
    s.ops.momentum_update(s.w, s.vw, s.dw, s.rate, 0.9, 0.0)
    s.ops.momentum_update(s.b, s.vb, s.db, s.rate, 0.8, 0.0)


def _weight_seen_flat(s):
    s.gradient()
    s.ops.sgd_update(s.w.reshape(-1), s.dw, s.rate, 0.0)
    s.sgd("b")


def _gradient_is_the_weight(s):
    s.gradient()
    s.ops.sgd_update(s.dw, s.w, s.rate, 0.0)
    s.sgd("b")


@pytest.mark.parametrize(
    "scene",
    [
        _accumulating,
        _gradient_read,
        _gradient_added_to,
        _gradient_overwritten,
        _weight_read_between,
        _weight_written_between,
        _bias_not_updated,
        _one_gradient_for_two_weights,
        _rules_differ,
        _rates_differ,
        _momenta_differ,
        _weight_seen_flat,
        _gradient_is_the_weight,
    ],
    ids=lambda f: f.__name__.strip("_").replace("_", " "),
)
def test_updates_stay_apart(scene):
    s = Scene()
    scene(s)
    assert unchanged(s)


def test_updates_of_a_very_large_batch_stay_apart():
    for rows, joins in [(4096, True), (4097, False)]:
        s = Scene(rows)
        s.gradient()
        s.sgd("w")
        s.sgd("b")
        assert (s.fused == ["affine_backward_weight_sgd"]) == joins
