"""`Network`: a chain of layers, their parameters in one flat vector, and what runs a batch through them."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn import init, losses
from fastnn.checks import float_dtype, whole
from fastnn.inputs import as_batch
from fastnn.kernels.eager import Ops
from fastnn.kernels.layout import copy_on_line, zeros_on_line
from fastnn.kernels.precision_choice import checked_precision, say_if_not_faster
from fastnn.kernels.precisions import PrecisionName
from fastnn.keywords import AnswersOtherNames, with_known_keywords
from fastnn.layers import chain
from fastnn.layers.base import Layer, Shape
from fastnn.model import checks
from fastnn.model.arrays import ArraysByName, values_for
from fastnn.model.engine import QuickForward
from fastnn.parameter import Parameter

Array = NDArray[Any]


class Network(AnswersOtherNames):
    """Base of `Sequential`, where the arguments are described."""

    _precision: PrecisionName = "float32"

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
        precision: PrecisionName = "float32",
    ) -> None:
        self.dtype = float_dtype("Sequential", dtype)
        checked_precision("Sequential", precision, self.dtype)
        self.input_scale = checks.input_scale(input_scale, self.dtype)
        self.task: losses.Task = "classification"
        self.input_shape = checks.input_shape(input_shape)
        self.layers = checks.layers(layers)
        self._channels_last = checks.channels_last(channels_last, self.input_shape, self.layers)
        self.quick: dict[tuple[str, int, Shape], QuickForward | None] = {}  # by kind, id of dtype, shape
        self.output_shape = self._build()
        checks.codes(self.layers, self.input_scale)
        self.class_names = checks.class_names(class_names, self.output_shape)
        self.column_names = checks.column_names(column_names, self.input_shape)
        self.reading = checks.reading(reading)
        self.points = checks.points(points, [layer.name for layer in self.layers])
        self.revision = 0
        self._parts: dict[int, Self] = {}  # by their number, the first layers as models that share parameters
        self.precision = precision
        self.seed: int | None = None
        if seed is not None:
            self.reset(seed)
        for layer in chain.walk(self.layers):
            layer.owner = weakref.ref(self)

    @property
    def precision(self) -> PrecisionName:
        """In which products are computed that are large enough to gain by it."""
        return self._precision

    @precision.setter
    def precision(self, precision: PrecisionName) -> None:
        checked = checked_precision("Sequential", precision, self.dtype)
        if checked != self._precision:
            say_if_not_faster("Sequential", checked)
            self.quick.clear()  # these passes have products of another precision
            self._precision = checked

    # --- parameters ---

    def __setattr__(self, name: str, value: Any) -> None:
        """Write what is assigned to `params` or `grads` into them, of which the layers have views."""
        if name in ("params", "grads") and name in vars(self):
            into = vars(self)[name]
            into[...] = values_for(f"Sequential: {name}", into, value)
        else:
            super().__setattr__(name, value)

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
        """Views into `params` by name; what is assigned to a name is written into its view."""
        return ArraysByName((name, p.value) for name, p in self._named.items())

    @property
    def gradients(self) -> dict[str, Array]:
        """Views into `grads` by name.

        `loss_and_gradients` and a training that runs layer by layer leave the gradients of the last step here. A
        compiled training does not where it updates a parameter without ever writing its gradient.
        """
        return ArraysByName((name, p.view(self.grads)) for name, p in self._named.items())

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
        return ArraysByName((name, s.value) for name, s in self._state.items())

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
        vars(self).update({name: copy_on_line(state[name]) for name in ("params", "grads")})
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

    def _batch(self, x: ArrayLike) -> Array:
        """Samples as they are given to the model, as an array (N, *input_shape)."""
        return as_batch(type(self).__name__, x, self.input_shape, self._channels_last, self.column_names)

    def copy(self) -> Self:
        """A new model with copies of the layers, the parameters and the state."""
        return copy.deepcopy(self)


with_known_keywords(Network)
