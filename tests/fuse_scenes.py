"""Hand-made recordings for the tests of the fusion rules."""

import numpy as np

from fastnn.kernels import UpdateRule
from fastnn.program.fuse import fuse
from fastnn.program.record import Recorder

RELU, TANHSHRINK = 1, 6
STEP = np.ones(1, np.int64)


def sgd(ops, w, dw, rate, decay=0.0):
    """Record an update by gradient descent."""
    ops.update(w, None, None, dw, rate, STEP, UpdateRule.SGD, decay)


def momentum(ops, w, v, dw, rate, keep, decay=0.0):
    """Record an update with momentum `keep`."""
    ops.update(w, None, v, dw, rate, STEP, UpdateRule.MOMENTUM, decay, keep)


class Scene:
    """The arrays and buffers of a step with two layers, under short names."""

    def __init__(self, rows=4):
        self.ops = Recorder("float32")
        self.w, self.dw = np.zeros((3, 5), "f4"), np.zeros((3, 5), "f4")
        self.b, self.db = np.zeros(5, "f4"), np.zeros(5, "f4")
        self.vw, self.vb = np.zeros((3, 5), "f4"), np.zeros(5, "f4")
        self.x, self.dx = self.empty(rows, 3), self.empty(rows, 3)
        self.out, self.activated, self.dout = (self.empty(rows, 5) for _ in range(3))
        self.before, self.dbefore = self.empty(rows, 3), self.empty(rows, 3)
        self.other = self.empty(rows, 5)
        self.rate = self.ops.stream((1,), "float64")

    def empty(self, *shape):
        return self.ops.empty(shape)

    def forward(self):
        self.ops.affine_forward(self.x, self.w, self.b, self.out)

    def activate(self, kind=RELU):
        self.ops.activation_forward(self.out, self.activated, kind, 0.0)

    def backward_input(self):
        self.ops.affine_backward_input(self.dout, self.w, self.dx, None)

    def activate_back(self, kind=RELU, saved=None):
        self.ops.activation_backward(self.dx, self.x if saved is None else saved, self.dbefore, kind, 0.0)

    def gradient(self, beta=0.0, db=True):
        self.ops.affine_backward_weight(self.x, self.dout, self.dw, self.db if db else None, beta)

    def sgd(self, which, decay=0.0):
        w, dw = {"w": (self.w, self.dw), "b": (self.b, self.db)}[which]
        sgd(self.ops, w, dw, self.rate, decay)

    def read(self, array):
        self.ops.activation_forward(array, self.empty(*array.shape), RELU, 0.0)

    def write(self, array):
        self.ops.activation_forward(self.empty(*array.shape), array, RELU, 0.0)

    @property
    def fused(self):
        return [op.kernel for op in fuse(self.ops.operations)]


def unchanged(scene):
    return [op.kernel for op in fuse(scene.ops.operations)] == [op.kernel for op in scene.ops.operations]
