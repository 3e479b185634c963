"""TensorFlow on images, with channels after rows and columns, which is its only layout on processors."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import images, operations
from bench.images import ImageLayer
from bench.operations import FloatArray, Shape
from bench.peers import base
from bench.peers.base import Runner
from bench.peers.tensorflow_dense import Train
from bench.workloads import Workload


def weights(w: FloatArray) -> FloatArray:
    """Convert filters × channels × size × size to size × size × channels × filters; other arrays stay as they are."""
    return w.transpose(2, 3, 1, 0) if w.ndim == 4 else w


def convolution(x: Any, w: Any, b: Any, layer: ImageLayer) -> Any:
    """The convolution of a layer, with w converted by `weights`."""
    import tensorflow as tf

    pad = [[0, 0], [layer.pad] * 2, [layer.pad] * 2, [0, 0]]
    return tf.nn.bias_add(tf.nn.conv2d(x, w, layer.stride, pad), b)


def max_pool(x: Any, layer: ImageLayer) -> Any:
    """The max-pooling of a layer."""
    import tensorflow as tf

    return tf.nn.max_pool2d(x, layer.size, layer.stride, "VALID")


def normalised(x: Any, w: Any, b: Any) -> Any:
    """Normalise each channel by its mean and variance over the batch, then scale and shift it."""
    import tensorflow as tf

    return tf.compat.v1.nn.fused_batch_norm(x, w, b, epsilon=operations.EPS, is_training=True)[0]


def forward(params: Any, x: Any, network: str) -> Any:
    """The outputs for images x (n, pixels): logits, or features n × channels × rows × columns."""
    import tensorflow as tf

    x = tf.transpose(tf.reshape(x, (-1, *images.NETWORKS[network].input)), (0, 2, 3, 1))
    learned = iter(params)
    for layer, shape in images.shaped(network):
        if layer.kind == "relu":
            x = tf.nn.relu(x)
        elif layer.kind == "pool":
            x = max_pool(x, layer)
        elif layer.kind == "norm":
            x = normalised(x, tf.ones(shape[0]), tf.zeros(shape[0]))
        elif layer.kind == "conv":
            x = convolution(x, *next(learned), layer)
        else:
            w, b = next(learned)
            if len(shape) > 1:
                x = tf.reshape(tf.transpose(x, (0, 3, 1, 2)), (-1, w.shape[0]))
            x = tf.nn.bias_add(tf.matmul(x, w), b)
    return tf.transpose(x, (0, 3, 1, 2)) if len(x.shape) == 4 else x


def first_parameters(workload: Workload) -> list[tuple[FloatArray, FloatArray]]:
    """The initial weights that all sides share, in the layout of TensorFlow."""
    return [(weights(w), b) for w, b in base.first_parameters(workload)]


class TrainImages(Train):
    """Trains by loops of `chunk` steps, as for dense networks."""

    def first_parameters(self) -> list[tuple[FloatArray, FloatArray]]:
        """The initial weights in the layout of TensorFlow."""
        return first_parameters(self.workload)

    def logits(self, x: Any) -> Any:
        """The outputs of the network for the rows x."""
        return forward(self.params, x, self.workload.network)


class Features(base.FeaturesRunner):
    """Computes features by a function of tensors."""

    def __init__(self, workload: Workload, xla: bool) -> None:
        import tensorflow as tf

        super().__init__(workload)
        params = [(tf.constant(w), tf.constant(b)) for w, b in first_parameters(workload)]
        self.batches = [tf.constant(x) for x in self.batches]
        self.call = tf.function(lambda x: forward(params, x, workload.network), jit_compile=xla)

    def features(self, x: Any) -> Any:
        """Return the outputs for a batch."""
        return self.call(x)


class Operation(Runner):
    """Computes an operation, and its gradients by a gradient tape."""

    def __init__(self, workload: Workload, xla: bool) -> None:
        import tensorflow as tf

        shape, direction = Shape(*workload.sizes), workload.direction
        layer = ImageLayer(workload.kind, shape.filters, shape.size, shape.pad, shape.stride)
        a = operations.arrays(workload)
        x, dout = (tf.constant(np.moveaxis(v, 1, -1)) for v in (a.x, a.dout))
        inputs = (x,) if workload.kind == "max_pool" else (x, tf.constant(weights(a.w)), tf.constant(a.b))

        def function(*inputs: Any) -> Any:
            if workload.kind == "conv":
                return convolution(*inputs, layer)
            return max_pool(*inputs, layer) if workload.kind == "max_pool" else normalised(*inputs)

        def both(dout: Any, *inputs: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                out = function(*inputs)
            return out, *tape.gradient(out, inputs, dout)

        def pool_gradient(x: Any, out: Any, dout: Any) -> Any:
            size, stride = ([1, n, n, 1] for n in (shape.size, shape.stride))
            return (tf.raw_ops.MaxPoolGrad(
                orig_input=x, orig_output=out, grad=dout, ksize=size, strides=stride, padding="VALID"),)  # fmt: skip

        if direction == "forward":
            call, self.arguments = (lambda *inputs: (function(*inputs),)), inputs
        elif direction == "both":
            call, self.arguments = both, (dout, *inputs)
        else:
            call, self.arguments = pool_gradient, (x, function(x), dout)
        self.call: Any = tf.function(call, jit_compile=xla)

    def run(self, steps: int) -> int:
        for _ in range(steps):
            self.call(*self.arguments)
        return steps

    def check(self) -> list[float]:
        found = [result.numpy() for result in self.call(*self.arguments)]
        if len(found) > 2 and found[2].ndim == 4:  # the results are out, dx, dw, db
            found[2] = found[2].transpose(3, 2, 0, 1)
        images = [np.moveaxis(v, -1, 1) if v.ndim == 4 else v for v in found[:2]]
        return operations.numbers(*images, *found[2:])


def prepare(workload: Workload, xla: bool) -> Runner:
    """Return the runner of a workload."""
    if workload.kind in operations.KINDS:
        return Operation(workload, xla)
    return TrainImages(workload, xla) if workload.kind == "images" else Features(workload, xla)
