"""`Network`: layers in a row, their parameters in one flat vector, and what they do to one batch."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn import init, losses
from fastnn.checks import float_dtype, whole
from fastnn.inputs import as_array, as_batch
from fastnn.kernels.eager import Eager, Ops
from fastnn.layers import chain
from fastnn.layers.base import Layer, Shape
from fastnn.model.checks import checked_layers, checked_names, checked_points, checked_scale, checked_shape
from fastnn.model.engine import QuickForward
from fastnn.parameter import Parameter

Array = NDArray[Any]


class Network:
    """Base of `Sequential`, which says what the arguments are."""

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
    ) -> None:
        self.dtype = float_dtype("Sequential", dtype)
        self.input_scale = checked_scale(input_scale)
        self.task: losses.Task = "classification"
        self.input_shape = checked_shape(input_shape)
        self.layers = checked_layers(layers)
        self.quick: dict[tuple[str, np.dtype[Any], Shape], QuickForward] = {}  # filled by the engine
        self.output_shape = self._build()
        self.class_names = checked_names(class_names, self.output_shape)
        self.points = checked_points(points, [layer.name for layer in self.layers])
        self._parts: dict[int, Self] = {}  # the first layers as models that share the parameters, by their number
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
        self.params, self.grads = np.zeros(self.size, self.dtype), np.zeros(self.size, self.dtype)
        offset = 0
        for p in self._named.values():
            p.offset = offset
            p.value = p.view(self.params)
            offset += p.size
        self.place_gradients()
        return shape

    def _adopt(self, layers: Sequence[Layer]) -> None:
        """Take over parameters and state of built layers."""
        self._state = {f"{layer.name}.{s.name}": s for layer in layers for s in layer.state}
        self._named: dict[str, Parameter] = {f"{layer.name}.{p.name}": p for layer in layers for p in layer.parameters}

    @property
    def size(self) -> int:
        """Numbers in all parameters."""
        return sum(p.size for p in self._named.values())

    def place_gradients(self) -> None:
        """Let a gradient of a trained parameter lie in `grads`; what a frozen one might get goes nowhere."""
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

        `loss_and_gradients` and layer-by-layer training leave the last step's here; a compiled training does
        not, where an update takes the place of its gradient.
        """
        return {name: p.view(self.grads) for name, p in self._named.items()}

    @property
    def named_parameters(self) -> Mapping[str, Parameter]:
        """The `Parameter` objects by name."""
        return self._named

    @property
    def trained_parameters(self) -> Mapping[str, Parameter]:
        """Those of layers that are not frozen, by name."""
        trained = {id(p) for layer in self.layers for p in layer.trained}
        return {name: p for name, p in self._named.items() if id(p) in trained}

    @property
    def state(self) -> dict[str, Array]:
        """Arrays that are kept with the parameters but not trained by gradient, as ``"batch_norm1.running_mean"``."""
        return {name: s.value for name, s in self._state.items()}

    @property
    def whole_batch(self) -> bool:
        """Whether a layer must see a training batch at once."""
        return any(layer.whole_batch for layer in chain.walk(self.layers))

    @property
    def mixes_samples(self) -> bool:
        """Whether, at evaluation too, outputs depend on the samples beside them."""
        return any(layer.mixes_samples for layer in chain.walk(self.layers))

    def reset(self, seed: int) -> None:
        """Draw all parameters afresh from `seed`; state begins anew.

        Raises
        ------
        TypeError, ValueError
            If it is not a whole number in [0, 2**64).
        """
        self.seed = whole("Sequential", "seed", seed, at_least=0, below=2**64)
        for state in self._state.values():
            state.value[...] = state.initial
        for step, p in enumerate(self._named.values()):
            p.value[...] = init.draw(p.initializer, p.shape, p.fans, self.seed, step)

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles hold: no compiled passes."""
        return vars(self) | {"quick": {}, "_parts": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a copy or a pickle: the parameters are views into its own vectors again."""
        vars(self).update(state)
        for p in self._named.values():
            p.value = p.view(self.params)
        self.place_gradients()

    # --- one batch ---

    def run_forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, list[Any]]:
        """Raw outputs of a batch x (N, *input_shape), already scaled, and what `run_backward` needs."""
        return chain.forward(self.layers, ops, x, training)

    def run_backward(self, ops: Ops, dout: Any, caches: list[Any], need_dx: bool = False) -> Any:
        """Write all gradients from that of the outputs; return that of the inputs if asked."""
        return chain.backward(self.layers, ops, dout, caches, need_dx)

    def penalise(self, ops: Ops, loss: Any, gradients: bool = True) -> None:
        """Add the penalties on parameters to loss (1,) float64 and, if asked, to the gradients."""
        trained = self.trained_parameters if gradients else {}
        for name, p in self._named.items():
            if p.l1 or p.l2:
                ops.penalty(p.value, p.grad if name in trained else None, loss, p.l1, p.l2)

    @contextmanager
    def _state_kept(self) -> Iterator[None]:
        """Running a step to look at it moves no running statistics."""
        before = {name: value.copy() for name, value in self.state.items()}
        try:
            yield
        finally:
            for name, value in self.state.items():
                value[...] = before[name]

    def backward_from(self, x: ArrayLike, dout: ArrayLike) -> tuple[Array, dict[str, Array]]:
        """Gradients of sum(forward(x) · dout).

        Parameters
        ----------
        x : (N, *input_shape)
        dout : (N, *output_shape)

        Returns
        -------
        dx : (N, *input_shape)
            With respect to the scaled inputs times `input_scale`, so to `x` itself.
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
        dout = np.ascontiguousarray(dout, self.dtype)
        if dout.shape != out.shape:
            raise ValueError(f"backward_from: dout must have shape {out.shape}, got {dout.shape}")
        dx = self.run_backward(ops, dout, caches, need_dx=True)
        return dx * np.asarray(self.input_scale, self.dtype), {n: g.copy() for n, g in self.gradients.items()}

    def loss_and_gradients(
        self, x: ArrayLike, y: ArrayLike, loss: str | losses.Loss = "softmax_cross_entropy"
    ) -> tuple[float, dict[str, Array]]:
        """Mean loss of a batch, penalties included, and its gradients by parameter name (copies).

        Parameters
        ----------
        x : (N, *input_shape)
        y : (N,) integer labels, or (N, *output_shape)
        loss : str or Loss

        Returns
        -------
        loss : float
        gradients : dict of str to array

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
        ops = Eager(self.dtype)
        loss = losses.get(loss)
        scaled = self._scaled(x)
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

    def _scaled(self, x: ArrayLike) -> Array:
        batch = as_batch(type(self).__name__, x, self.input_shape)
        return np.ascontiguousarray(batch.astype(self.dtype) * np.asarray(self.input_scale, self.dtype))

    def copy(self) -> Self:
        """A model of its own with the same layers and values."""
        return copy.deepcopy(self)
