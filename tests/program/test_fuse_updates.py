"""Updates are fused with the gradient that they use, if nothing else uses it."""

import numpy as np
import pytest
from fuse_scenes import STEP, Scene, momentum, sgd, unchanged

from fastnn.kernels import UpdateRule
from fastnn.program.fuse import fuse


def test_updates_are_fused_with_the_weight_gradient():
    s = Scene()
    s.gradient()
    s.read(s.other)
    s.sgd("w", 0.5)
    s.sgd("b", 0.25)
    assert s.fused == ["affine_backward_weight_update", "activation_forward"]
    joined = fuse(s.ops.operations)[0]
    arrays = {"x": s.x, "dout": s.dout, "w": s.w, "b": s.b, "rate": s.rate, "mw": None, "vb": None}
    assert all(joined[name] is want for name, want in arrays.items())
    assert (joined["rule"], joined["decay"], joined["decay_b"]) == (UpdateRule.SGD, 0.5, 0.25)


def test_updates_are_fused_in_either_order_and_without_a_bias():
    s = Scene()
    s.gradient()
    s.sgd("b")
    s.sgd("w")
    assert s.fused == ["affine_backward_weight_update"]
    assert fuse(s.ops.operations)[0]["w"] is s.w
    s = Scene()
    s.gradient(db=False)
    s.sgd("w", 0.5)
    (joined,) = fuse(s.ops.operations)
    assert joined["b"] is None
    assert joined["decay"] == 0.5


def test_other_update_rules_are_fused_too():
    s = Scene()
    s.gradient()
    momentum(s.ops, s.w, s.vw, s.dw, s.rate, 0.9, 0.1)
    momentum(s.ops, s.b, s.vb, s.db, s.rate, 0.9, 0.0)
    (joined,) = fuse(s.ops.operations)
    assert joined.kernel == "affine_backward_weight_update"
    arrays = (s.x, s.dout, s.w, None, s.vw, s.b, None, s.vb, s.rate, STEP)
    assert all(got is want for got, want in zip(joined.arguments, arrays, strict=False))
    assert joined.arguments[10:] == (UpdateRule.MOMENTUM, 0.1, 0.0, 0.9, 0.0, 0.0, 0.0)
    s = Scene()
    t = s.ops.stream((1,), "int64")
    mw, mb = s.vw.copy(), s.vb.copy()
    s.gradient()
    s.ops.update(s.w, mw, s.vw, s.dw, s.rate, t, UpdateRule.ADAM, 0.1, 0.9, 0.99, 1e-8)
    s.ops.update(s.b, mb, s.vb, s.db, s.rate, t, UpdateRule.ADAM, 0.0, 0.9, 0.99, 1e-8)
    (joined,) = fuse(s.ops.operations)
    arrays = (s.x, s.dout, s.w, mw, s.vw, s.b, mb, s.vb, s.rate, t)
    assert all(got is want for got, want in zip(joined.arguments, arrays, strict=False))
    assert joined.arguments[10:] == (UpdateRule.ADAM, 0.1, 0.0, 0.9, 0.99, 1e-8, 0)


def _accumulating(s):
    s.gradient(beta=1.0)
    s.sgd("w")
    s.sgd("b")


def _gradient_read(s):
    s.gradient()
    s.sgd("w")
    s.sgd("b")
    sgd(s.ops, np.zeros((3, 5), "f4"), s.dw, s.rate)


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
    sgd(s.ops, s.w, np.ones((3, 5), "f4"), s.rate)
    s.sgd("w")
    s.sgd("b")


def _bias_not_updated(s):
    s.gradient()
    s.sgd("w")


def _one_gradient_for_two_weights(s):
    s.gradient()
    s.sgd("w")
    sgd(s.ops, np.zeros((3, 5), "f4"), s.dw, s.rate)


def _rules_differ(s):
    s.gradient()
    s.sgd("w")
    momentum(s.ops, s.b, s.vb, s.db, s.rate, 0.9, 0.0)


def _rates_differ(s):
    s.gradient()
    s.sgd("w")
    sgd(s.ops, s.b, s.db, s.ops.stream((1,), "float64"))


def _momenta_differ(s):
    s.gradient()
    momentum(s.ops, s.w, s.vw, s.dw, s.rate, 0.9, 0.0)
    momentum(s.ops, s.b, s.vb, s.db, s.rate, 0.8, 0.0)


def _weight_seen_flat(s):
    s.gradient()
    sgd(s.ops, s.w.reshape(-1), s.dw, s.rate)
    s.sgd("b")


def _gradient_is_the_weight(s):
    s.gradient()
    sgd(s.ops, s.dw, s.w, s.rate)
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
def test_updates_are_not_fused_where_something_else_uses_their_arrays(scene):
    s = Scene()
    scene(s)
    assert unchanged(s)


def test_updates_of_a_very_large_batch_are_not_fused():
    for rows, joins in [(4096, True), (4097, False)]:
        s = Scene(rows)
        s.gradient()
        s.sgd("w")
        s.sgd("b")
        assert (s.fused == ["affine_backward_weight_update"]) == joins
