"""`Network`: a chain of layers, their parameters in one flat vector, and the forward and backward pass of a batch."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn import init, losses
from fastnn.checks import float_dtype, real_array, whole
from fastnn.inputs import as_array, as_batch
from fastnn.kernels.eager import Eager, Ops
from fastnn.kernels.layout import copy_on_line, zeros_on_line
from fastnn.layers import chain
from fastnn.layers.base import Layer, Shape
from fastnn.model import checks
from fastnn.model.engine import QuickForward
from fastnn.parameter import Parameter

Array = NDArray[Any]


class Network:
    """Base of `Sequential`, where the arguments are described."""

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input_shape: Sequence[int],
        dtype: DTypeLike = "float32",
        seed: int | None = 0,
        input_scale: float = 1.0,
        class_names: Sequence[str] | None = None,
        points: Mapping[str, str] | None = None,
        column_names: Sequence[str] | None = None,
        channels_last: bool | None = None,
        reading: Mapping[str, Any] | None = None,
    ) -> None:
        self.dtype = float_dtype("Sequential", dtype)
        self.input_scale = checks.input_scale(input_scale, self.dtype)
        self.task: losses.Task = "classification"
        self.input_shape = checks.input_shape(input_shape)
        self.layers = checks.layers(layers)
        self._channels_last = checks.channels_last(channels_last, self.input_shape, self.layers)
        self.quick: dict[tuple[str, int, Shape], QuickForward | None] = {}  # by kind, id of dtype, shape
        self.output_shape = self._build()
        self.class_names = checks.class_names(class_names, self.output_shape)
        self.column_names = checks.column_names(column_names, self.input_shape)
        self.reading = checks.reading(reading)
        self.points = checks.points(points, [layer.name for layer in self.layers])
        self.revision = 0
        self._parts: dict[int, Self] = {}  # by their number, the first layers as models that share parameters
        self.seed: int | None = None
        if seed is not None:
            self.reset(seed)
        for layer in chain.walk(self.layers):
            layer.owner = weakref.ref(self)

    # --- parameters ---

    def _build(self) -> Shape:
        for index, layer in enumerate(chain.walk(self.layers)):
            layer.index = index
        shape = chain.build(self.layers, self.input_shape)
        self._adopt(self.layers)
        for state in self._state.values():
            state.reset(self.dtype)
        self.params, self.grads = zeros_on_line(self.size, self.dtype), zeros_on_line(self.size, self.dtype)
        offset = 0
        for p in self._named.values():
            p.offset = offset
            p.value = p.view(self.params)
            offset += p.size
        self.place_gradients()
        return shape

    def _adopt(self, layers: Sequence[Layer]) -> None:
        """Make the parameters and the state of built layers those of the model."""
        self._state = {f"{layer.name}.{s.name}": s for layer in layers for s in layer.state}
        self._named: dict[str, Parameter] = {f"{layer.name}.{p.name}": p for layer in layers for p in layer.parameters}

    @property
    def size(self) -> int:
        """The number of elements of all parameters."""
        return sum(p.size for p in self._named.values())

    def place_gradients(self) -> None:
        """Make the gradients of trained parameters views into `grads`; those of frozen ones get other arrays."""
        trained = {id(p) for p in self.trained_parameters.values()}
        for p in self._named.values():
            p.grad = p.view(self.grads)
            if id(p) not in trained:
                p.grad[...] = 0
                p.grad = np.zeros(p.shape, self.dtype)

    @property
    def parameters(self) -> dict[str, Array]:
        """Views into `params` by name."""
        return {name: p.value for name, p in self._named.items()}

    @property
    def gradients(self) -> dict[str, Array]:
        """Views into `grads` by name.

        `loss_and_gradients` and a training that runs layer by layer leave the gradients of the last step here. A
        compiled training does not where it updates a parameter without ever writing its gradient.
        """
        return {name: p.view(self.grads) for name, p in self._named.items()}

    @property
    def named_parameters(self) -> Mapping[str, Parameter]:
        """The `Parameter` objects by name."""
        return self._named

    @property
    def trained_parameters(self) -> Mapping[str, Parameter]:
        """The `Parameter` objects of layers that are not frozen, by name."""
        trained = {id(p) for layer in self.layers for p in layer.trained}
        return {name: p for name, p in self._named.items() if id(p) in trained}

    @property
    def state(self) -> dict[str, Array]:
        """Arrays that are saved with the parameters but have no gradient, as ``"batch_norm1.running_mean"``."""
        return {name: s.value for name, s in self._state.items()}

    @property
    def whole_batch(self) -> bool:
        """Whether a layer must be given a training batch at once, instead of in blocks."""
        return any(layer.whole_batch for layer in chain.walk(self.layers))

    @property
    def mixes_samples(self) -> bool:
        """Whether the output for a sample depends on the other samples even at evaluation."""
        return any(layer.mixes_samples for layer in chain.walk(self.layers))

    def reset(self, seed: int) -> None:
        """Draw all parameters anew, and set the state to its initial values.

        Parameters
        ----------
        seed : int
            At least 0 and below 2**64.

        Raises
        ------
        TypeError, ValueError
            If it is not a whole number, or out of its range.
        """
        self.seed = whole("Sequential", "seed", seed, at_least=0, below=2**64)
        for state in self._state.values():
            state.value[...] = state.initial
        for step, p in enumerate(self._named.values()):
            p.value[...] = init.draw(p.initializer, p.shape, p.fans, self.seed, step)

    def __getstate__(self) -> dict[str, Any]:
        """The attributes of copies and pickles: all but compiled passes."""
        return vars(self) | {"quick": {}, "_parts": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the parameters of a copy or a pickle views into its own vectors."""
        vars(self).update(state)
        self.params, self.grads = copy_on_line(state["params"]), copy_on_line(state["grads"])
        for p in self._named.values():
            p.value = p.view(self.params)
        self.place_gradients()

    # --- one batch ---

    def run_forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, list[Any]]:
        """Compute the raw outputs of a batch.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        x : (N, *input_shape) array of the model's dtype
            Already multiplied by `input_scale`.
        training : bool
            Whether `run_backward` will follow.

        Returns
        -------
        out : (N, *output_shape) array
        caches : list
            What `run_backward` needs.
        """
        return chain.forward(self.layers, ops, x, training)

    def run_backward(self, ops: Ops, dout: Any, caches: list[Any], need_dx: bool = False) -> Any:
        """Write the gradients of all trained parameters.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        dout : (N, *output_shape) array
            Gradient of the loss with respect to the outputs.
        caches : list
            From `run_forward`.
        need_dx : bool
            Whether the gradient with respect to the inputs is needed.

        Returns
        -------
        (N, *input_shape) array, or None if it is not needed
        """
        return chain.backward(self.layers, ops, dout, caches, need_dx)

    def penalise(self, ops: Ops, loss: Any, gradients: bool = True) -> None:
        """Add the penalties on parameters to the loss.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        loss : (1,) float64 array
        gradients : bool
            Whether their gradients are added to those of the parameters.
        """
        trained = self.trained_parameters if gradients else {}
        for name, p in self._named.items():
            if p.l1 or p.l2:
                ops.penalty(p.value, p.grad if name in trained else None, loss, p.l1, p.l2)

    @contextmanager
    def _state_kept(self) -> Iterator[None]:
        """Restore the state, such as running statistics, after a step that does not train."""
        before = {name: value.copy() for name, value in self.state.items()}
        try:
            yield
        finally:
            for name, value in self.state.items():
                value[...] = before[name]

    def backward_from(self, x: ArrayLike, dout: ArrayLike) -> tuple[Array, dict[str, Array]]:
        """Gradients of Σ forward(x) · dout, with respect to the inputs and to all parameters.

        Parameters
        ----------
        x : (N, *input_shape) array, any real dtype
        dout : (N, *output_shape) array

        Returns
        -------
        dx : (N, *sample_shape) array of the model's dtype
            With respect to `x` itself, before `input_scale` is applied.
        gradients : dict of str to array
            Copies, by parameter name.

        Raises
        ------
        ValueError, TypeError
            If x or dout does not fit the model.

        Examples
        --------
        >>> import fastnn
        >>> model = fastnn.Sequential([fastnn.layers.ReLU()], input_shape=(3,))
        >>> dx, _ = model.backward_from([[1, -1, 2]], [[10, 10, 10]])
        >>> dx
        array([[10.,  0., 10.]], dtype=float32)
        """
        ops = Eager(self.dtype)
        with self._state_kept():
            out, caches = self.run_forward(ops, self._scaled(x), True)
        dout = np.ascontiguousarray(real_array("backward_from", "dout", dout), self.dtype)
        if dout.shape != out.shape:
            raise ValueError(f"backward_from: dout must have shape {out.shape}, got {dout.shape}")
        dx = self.run_backward(ops, dout, caches, need_dx=True)
        dx = np.moveaxis(dx, 1, -1) if self._channels_last else dx
        return dx * np.asarray(self.input_scale, self.dtype), {n: g.copy() for n, g in self.gradients.items()}

    def loss_and_gradients(
        self, x: ArrayLike, y: ArrayLike, loss: str | losses.Loss = "softmax_cross_entropy"
    ) -> tuple[float, dict[str, Array]]:
        """Mean loss of a batch, penalties included, and its gradients.

        Parameters
        ----------
        x : (N, *input_shape) array, any real dtype
        y : (N,) array of integer labels, or (N, *output_shape) array
        loss : str or Loss

        Returns
        -------
        loss : float
        gradients : dict of str to array
            Copies, by parameter name.

        Raises
        ------
        ValueError, TypeError
            If x or y does not fit the model.

        Examples
        --------
        >>> import fastnn
        >>> model = fastnn.Sequential([fastnn.layers.Dense(2, init="zeros")], input_shape=(3,))
        >>> loss, gradients = model.loss_and_gradients([[1, 2, 3]], [0])
        >>> gradients["dense1.b"]
        array([-0.5,  0.5], dtype=float32)
        """
        ops, loss, scaled = Eager(self.dtype), losses.get(loss), self._scaled(x)
        targets = loss.prepare(as_array("loss_and_gradients", "y", y), self.output_shape, self.dtype)
        if len(targets) != len(scaled):
            raise ValueError(f"loss_and_gradients: x has {len(scaled)} samples but y has {len(targets)}")
        with self._state_kept():
            out, caches = self.run_forward(ops, scaled, True)
        dout, value, correct = ops.empty(out.shape), np.zeros(1), np.zeros(1, np.int64)
        loss.run(ops, out, targets, dout, value, correct, loss.scale(len(scaled), self.output_shape))
        self.run_backward(ops, dout, caches)
        self.penalise(ops, value)
        return float(value[0]), {n: g.copy() for n, g in self.gradients.items()}

    def _batch(self, x: ArrayLike) -> Array:
        """Samples as they are given to the model, as an array (N, *input_shape)."""
        return as_batch(type(self).__name__, x, self.input_shape, self._channels_last, self.column_names)

    def _scaled(self, x: ArrayLike) -> Array:
        return np.ascontiguousarray(self._batch(x).astype(self.dtype) * np.asarray(self.input_scale, self.dtype))

    def copy(self) -> Self:
        """A new model with copies of the layers, the parameters and the state."""
        return copy.deepcopy(self)
