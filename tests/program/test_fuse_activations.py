"""Activations are fused into the layer before them, and copies of inputs and outputs are removed; nothing else."""

import numpy as np
import pytest
from fuse_scenes import RELU, TANHSHRINK, Scene, sgd, unchanged

from fastnn.program.fuse import fuse
from fastnn.program.record import Recorder, same_memory

# --- affine_forward, activation_forward ---


def test_an_activation_is_fused_into_the_layer_before_it():
    s = Scene()
    s.forward()
    s.activate()
    (joined,) = fuse(s.ops.operations)
    assert joined.kernel == "affine_forward"
    assert (joined["kind"], joined["alpha"]) == (RELU, 0.0)
    assert all(got is given for got, given in zip(joined.arguments, (s.x, s.w, s.b), strict=False))
    assert same_memory(joined.arguments[3], s.activated)
    assert joined.arguments[4:] == (RELU, 0.0, 0)


def test_an_activation_is_fused_without_a_bias_too():
    s = Scene()
    s.ops.affine_forward(s.x, s.w, None, s.out)
    s.activate()
    assert fuse(s.ops.operations)[0].arguments[2] is None


def test_an_activation_of_another_shape_is_fused_as_rows():
    s = Scene()
    s.forward()
    s.ops.activation_forward(s.out.reshape(20), s.activated.reshape(2, 10), RELU, 0.0)
    (joined,) = fuse(s.ops.operations)
    assert joined.arguments[3].shape == s.out.shape


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.read(s.out),
        lambda s: s.write(s.out),
        lambda s: s.read(s.out.reshape(20)),
        lambda s: s.ops.activation_backward(s.dout, s.out, s.other, TANHSHRINK, 0.0),
    ],
    ids=["read again", "written again", "read through a reshape", "needed by the backward pass"],
)
def test_an_activation_stays_when_its_input_is_touched_again(spoil):
    s = Scene()
    s.forward()
    s.activate()
    spoil(s)
    assert unchanged(s)


def test_an_activation_stays_when_something_stands_between():
    s = Scene()
    s.forward()
    s.read(s.other)
    s.activate()
    assert unchanged(s)


def test_an_activation_stays_when_it_writes_what_the_layer_reads():
    s = Scene()
    s.ops.affine_forward(s.x, s.w, s.b, s.out)
    s.ops.activation_forward(s.out, s.x.reshape(12), RELU, 0.0)
    assert unchanged(s)


def test_an_activation_stays_when_its_input_is_an_output_of_the_step():
    s = Scene()
    out = s.ops.stream((4, 5), "float32")
    s.ops.affine_forward(s.x, s.w, s.b, out)
    s.ops.activation_forward(out, s.activated, RELU, 0.0)
    assert unchanged(s)


def test_an_activation_stays_when_its_input_is_an_array_from_outside_the_step():
    s = Scene()
    out = np.zeros((4, 5), "f4")
    s.ops.affine_forward(s.x, s.w, s.b, out)
    s.ops.activation_forward(out, s.activated, RELU, 0.0)
    assert unchanged(s)


# --- affine_backward_input, activation_backward ---


def test_the_derivative_of_an_activation_is_fused_into_the_input_gradient():
    s = Scene()
    s.backward_input()
    s.gradient()
    s.activate_back()
    assert s.fused == ["affine_backward_input", "affine_backward_weight"]
    joined = fuse(s.ops.operations)[0]
    expected = (s.dout, s.w, s.dbefore, s.x)
    assert all(same_memory(got, want) for got, want in zip(joined.arguments, expected, strict=False))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.read(s.dx),
        lambda s: s.write(s.dx),
        lambda s: s.write(s.x),
        lambda s: s.read(s.dbefore),
        lambda s: s.write(s.dbefore),
    ],
    ids=["dx read", "dx written", "activation's output written", "result read", "result written"],
)
def test_a_derivative_stays_when_something_between_uses_its_arrays(spoil):
    s = Scene()
    s.backward_input()
    spoil(s)
    s.activate_back()
    assert unchanged(s)


def test_a_derivative_stays_when_dx_is_read_later():
    s = Scene()
    s.backward_input()
    s.activate_back()
    s.read(s.dx)
    assert unchanged(s)


def test_a_derivative_that_needs_its_input_is_fused_and_reads_that():
    s = Scene()
    s.backward_input()
    s.activate_back(TANHSHRINK, saved=s.before)
    (joined,) = fuse(s.ops.operations)
    assert same_memory(joined["saved"], s.before)
    assert joined["kind"] == TANHSHRINK


def test_a_derivative_stays_when_it_overwrites_what_the_product_reads():
    s = Scene()
    s.ops.affine_backward_input(s.dout, s.w, s.dx, None)
    s.ops.activation_backward(s.dx, s.x, s.x, RELU, 0.0)
    assert unchanged(s)


def test_a_weight_update_after_the_input_gradient_is_no_obstacle():
    s = Scene()
    s.backward_input()
    sgd(s.ops, s.w, s.dw, s.rate)
    s.activate_back()
    assert s.fused == ["affine_backward_input", "update"]


# --- copies of inputs and outputs ---


class Pass:
    """A forward pass from a stream through a buffer to a stream."""

    def __init__(self, dtype="float32"):
        self.ops = Recorder("float32")
        self.source = self.ops.stream((4, 3), dtype)
        self.out = self.ops.stream((4, 3), "float32")
        self.x, self.y = self.ops.empty((4, 3)), self.ops.empty((4, 3))

    def take(self, scale=1.0, index=None):
        self.ops.gather_rows(self.source, index, self.x, scale)

    def work(self, source=None, out=None):
        self.ops.activation_forward(self.x if source is None else source, self.y if out is None else out, RELU, 0.0)

    def give(self):
        self.ops.gather_rows(self.y, None, self.out, 1.0)


def test_copies_of_inputs_and_outputs_are_removed():
    p = Pass()
    p.take()
    p.work(p.x.reshape(12), p.y.reshape(12))
    p.give()
    (only,) = fuse(p.ops.operations)
    assert only.kernel == "activation_forward"
    assert same_memory(only.arguments[0], p.source)
    assert same_memory(only.arguments[1], p.out)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: p.take(scale=0.5),
        lambda p: p.take(index=np.zeros(4, "i8")),
        lambda p: (p.take(), p.work(p.y, p.x)),
        lambda p: (p.take(), p.work(p.y, p.source)),
    ],
    ids=["scaled", "by index", "the copy is written", "the input is written"],
)
def test_an_input_that_is_not_only_copied_stays(make):
    p = Pass()
    make(p)
    p.work()
    assert unchanged(p)


def test_an_input_of_another_dtype_is_converted():
    p = Pass("uint8")
    p.take()
    p.work()
    assert unchanged(p)


@pytest.mark.parametrize(
    "spoil",
    [lambda p: p.work(p.y, p.ops.empty((4, 3))), lambda p: p.work(p.x, p.y)],
    ids=["read later", "written later"],
)
def test_an_output_that_is_used_after_its_copy_stays(spoil):
    p = Pass()
    p.work()
    p.give()
    spoil(p)
    assert unchanged(p)


@pytest.mark.parametrize(
    "before", [lambda p: p.work(p.out, p.y), lambda p: p.work(p.x, p.out)], ids=["read", "written"]
)
def test_an_output_that_was_touched_before_stays(before):
    p = Pass()
    before(p)
    p.work()
    p.give()
    assert unchanged(p)
