"""`Sequential`: layers in a row, their parameters in one flat vector."""

from __future__ import annotations

import copy
import math
import operator
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import prod
from os import PathLike
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn import init, losses
from fastnn.inputs import as_array, as_batch
from fastnn.kernels.eager import Eager, Ops
from fastnn.layers.base import REGISTRY, Layer, Shape
from fastnn.model.file import load, save
from fastnn.model.summary import summary
from fastnn.parameter import Parameter

Array = NDArray[Any]
Task = Literal["classification", "regression"]


class ForwardEngine(Protocol):
    """Runs a model on many samples, a block at a time; `fastnn.program` brings the compiled one."""

    def __call__(self, model: Sequential, x: Array, kind: str) -> Array:
        """kind: "outputs", "probabilities" (rows) or "classes" (int64)."""


class QuickForward(Protocol):
    """Runs a model on samples of one shape and dtype; None: ask the engine."""

    def __call__(self, model: Sequential, x: Array) -> Array | None: ...


class Sequential:
    """Layers applied one after the other.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : tuple of int
        Of one sample, without the batch.
    dtype : {"float32", "float64"}
        Of parameters and arithmetic.
    seed : int or None
        Of the parameters' initial values; None: all 0, for values that come from elsewhere.
    input_scale : float
        Inputs are multiplied by it on the way in: 1/255 turns uint8 pixels into [0, 1].
    class_names : sequence of str, optional
        Kept with the model, in class order.

    Attributes
    ----------
    params, grads : (P,) arrays of the model's dtype
        All parameters and their gradients, one after the other.
    parameters, gradients : dict of str to array
        Views into them by name, as ``"dense1.w"``.
    task : {"classification", "regression"}
        What `predict` gives; set by training.

    Raises
    ------
    ValueError, TypeError
        If a layer cannot work on the shape that reaches it; the message names the layer.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.layers import Dense, ReLU
    >>> model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,))
    >>> model.params.size
    159010
    """

    _engine: ClassVar[ForwardEngine | None] = None

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input_shape: Sequence[int],
        dtype: DTypeLike = "float32",
        seed: int | None = 0,
        input_scale: float = 1.0,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"Sequential: dtype must be float32 or float64, got {self.dtype}")
        self.input_scale = _checked_scale(input_scale)
        self.task: Task = "classification"
        self.class_names = None if class_names is None else tuple(str(name) for name in class_names)
        self.input_shape = _checked_shape(input_shape)
        self.layers = _checked_layers(layers)
        self.quick: dict[tuple[str, np.dtype[Any], Shape], QuickForward] = {}  # filled by the engine
        self.output_shape = self._build()
        if self.class_names is not None and len(self.class_names) != self.output_shape[-1]:
            raise ValueError(
                f"Sequential: expected {self.output_shape[-1]} class_names, as many as outputs, "
                f"got {len(self.class_names)}"
            )
        self.seed: int | None = None
        if seed is not None:
            self.reset(seed)
        for layer in self.layers:
            layer.owner = weakref.ref(self)

    # --- parameters ---

    def _build(self) -> Shape:
        shape = self.input_shape
        counts: dict[str, int] = {}
        for layer in self.layers:
            counts[layer.kind] = counts.get(layer.kind, 0) + 1
            layer.name = f"{layer.kind}{counts[layer.kind]}"
            try:
                shape = layer.build(shape)
            except ValueError as error:
                raise ValueError(f"{layer.name}: {error}") from None
        named = [(f"{layer.name}.{p.name}", p) for layer in self.layers for p in layer.parameters]
        self._named: dict[str, Parameter] = dict(named)
        total = sum(p.size for _, p in named)
        self.params, self.grads = np.zeros(total, self.dtype), np.zeros(total, self.dtype)
        offset = 0
        for _, p in named:
            p.offset = offset
            p.value, p.grad = p.view(self.params), p.view(self.grads)
            offset += p.size
        return shape

    @property
    def parameters(self) -> dict[str, Array]:
        """Views into `params` by name."""
        return {name: p.value for name, p in self._named.items()}

    @property
    def gradients(self) -> dict[str, Array]:
        """Views into `grads` by name."""
        return {name: p.grad for name, p in self._named.items()}

    @property
    def named_parameters(self) -> Mapping[str, Parameter]:
        """The `Parameter` objects by name."""
        return self._named

    def reset(self, seed: int) -> None:
        """Draw all parameters afresh from `seed`.

        Raises
        ------
        TypeError, ValueError
            If it is not a whole number in [0, 2**64).
        """
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise TypeError(f"Sequential: seed must be an int, got {type(seed).__name__}")
        if not 0 <= seed < 2**64:
            raise ValueError(f"Sequential: seed must be at least 0 and below 2**64, got {seed}")
        self.seed = int(seed)
        for step, p in enumerate(self._named.values()):
            p.value[...] = init.draw(p.initializer, p.shape, p.fans, self.seed, step)

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles hold: no compiled passes."""
        return vars(self) | {"quick": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a copy or a pickle: the parameters are views into its own vectors again."""
        vars(self).update(state)
        for p in self._named.values():
            p.value, p.grad = p.view(self.params), p.view(self.grads)

    # --- one batch ---

    def run_forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, list[Any]]:
        """Raw outputs of a batch x (N, *input_shape), already scaled, and what `run_backward` needs."""
        caches = []
        for layer in self.layers:
            x, cache = layer.forward(ops, x, training)
            x = self._as_kernels_take(x)
            caches.append(cache)
        return x, caches

    def run_backward(self, ops: Ops, dout: Any, caches: list[Any], need_dx: bool = False) -> Any:
        """Write all gradients from that of the outputs; return that of the inputs if asked."""
        first = next((i for i, layer in enumerate(self.layers) if layer.parameters), len(self.layers))
        for i in range(len(self.layers) - 1, -1, -1):
            if i < first and not need_dx:
                return None
            dout = self._as_kernels_take(self.layers[i].backward(ops, dout, caches[i], need_dx or i > first))
        return dout

    def _as_kernels_take(self, array: Any) -> Any:
        """What a layer of the user's own made with NumPy, contiguous and of the model's dtype."""
        return np.require(array, self.dtype, ("C", "A")) if isinstance(array, np.ndarray) else array

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
        """
        ops = Eager(self.dtype)
        out, caches = self.run_forward(ops, self._scaled(x), True)
        dout = np.ascontiguousarray(dout, self.dtype)
        if dout.shape != out.shape:
            raise ValueError(f"backward_from: dout must have shape {out.shape}, got {dout.shape}")
        dx = self.run_backward(ops, dout, caches, need_dx=True)
        return dx * np.asarray(self.input_scale, self.dtype), {n: g.copy() for n, g in self.gradients.items()}

    def loss_and_gradients(
        self, x: ArrayLike, y: ArrayLike, loss: str | losses.Loss = "softmax_cross_entropy"
    ) -> tuple[float, dict[str, Array]]:
        """Mean loss of a batch and its gradients by parameter name (copies).

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
        """
        ops = Eager(self.dtype)
        loss = losses.get(loss)
        scaled = self._scaled(x)
        targets = loss.prepare(as_array("loss_and_gradients", "y", y), self.output_shape, self.dtype)
        if len(targets) != len(scaled):
            raise ValueError(f"loss_and_gradients: x has {len(scaled)} samples but y has {len(targets)}")
        out, caches = self.run_forward(ops, scaled, True)
        dout, value, correct = ops.empty(out.shape), np.zeros(1), np.zeros(1, np.int64)
        loss.run(ops, out, targets, dout, value, correct, loss.scale(len(scaled), self.output_shape))
        self.run_backward(ops, dout, caches)
        return float(value[0]), {n: g.copy() for n, g in self.gradients.items()}

    def _scaled(self, x: ArrayLike) -> Array:
        batch = as_batch(type(self).__name__, x, self.input_shape)
        return np.ascontiguousarray(batch.astype(self.dtype) * np.asarray(self.input_scale, self.dtype))

    # --- many samples ---

    def forward(self, x: ArrayLike) -> Array:
        """Raw outputs (N, *output_shape) of x (N, *input_shape), of any real dtype."""
        return self._run(x, "outputs")

    def predict_proba(self, x: ArrayLike) -> Array:
        """Class probabilities (N, C) of x (N, *input_shape)."""
        return self._run(x, "probabilities")

    def predict(self, x: ArrayLike) -> Array:
        """Class indices (N,) int64, or after training on a regression the outputs."""
        return self._run(x, "classes" if self.task == "classification" else "outputs")

    def evaluate(self, x: ArrayLike, y: ArrayLike, loss: str | losses.Loss | None = None) -> dict[str, float]:
        """Mean loss, and for classes the accuracy in [0, 1], over all samples.

        Parameters
        ----------
        x : (N, *input_shape)
        y : (N,) integer labels, or (N, *output_shape)
        loss : str or Loss, optional
            Default: softmax cross-entropy, or where `task` is regression the mean squared error.

        Raises
        ------
        ValueError, TypeError
            If x or y does not fit the model.
        """
        if loss is None:
            loss = "softmax_cross_entropy" if self.task == "classification" else "mean_squared_error"
        loss = losses.get(loss)
        targets = loss.prepare(as_array("evaluate", "y", y), self.output_shape, self.dtype)
        out = self.forward(x)
        if len(out) != len(targets):
            raise ValueError(f"evaluate: x has {len(out)} samples but y has {len(targets)}")
        value, correct = np.zeros(1), np.zeros(1, np.int64)
        loss.run(Eager(self.dtype), out, targets, None, value, correct, loss.scale(len(out), self.output_shape))
        result = {"loss": float(value[0])}
        return result | {"accuracy": int(correct[0]) / len(out)} if loss.classifies else result

    def _run(self, x: ArrayLike, kind: str) -> Array:
        if type(x) is np.ndarray:
            quick = self.quick.get((kind, x.dtype, x.shape))
            out = None if quick is None else quick(self, x)
            if out is not None:
                return out
        batch = as_batch(type(self).__name__, x, self.input_shape)
        if kind != "outputs" and len(self.output_shape) != 1:
            raise ValueError(f"predict: expected a model with outputs of one dimension, got {self.output_shape}")
        engine = type(self)._engine
        if engine is None:
            raise RuntimeError("Sequential: import fastnn (not fastnn.model alone) to run models")
        return engine(self, batch, kind)

    # --- description and files ---

    @property
    def gives_probabilities(self) -> bool:
        """Whether the last layer's outputs are probabilities already."""
        return bool(self.layers) and self.layers[-1].kind in ("softmax", "softmin")

    def summary(self) -> str:
        """A table of the layers: output shape, parameters, memory, floating-point operations."""
        return summary(self)

    def config(self) -> dict[str, Any]:
        """The architecture as JSON can hold it; `from_config` makes it again (without the values).

        Raises
        ------
        ValueError
            If a layer's class has the name of another one.
        """
        for layer in self.layers:
            if REGISTRY.get(type(layer).__name__) is not type(layer):
                raise ValueError(f"Sequential: {layer.name}: another layer is called {type(layer).__name__} too")
        return {
            "layers": [{"type": type(layer).__name__, **layer.config()} for layer in self.layers],
            "input_shape": list(self.input_shape),
            "dtype": self.dtype.name,
            "seed": self.seed,
            "input_scale": self.input_scale,
            "class_names": None if self.class_names is None else list(self.class_names),
            "task": self.task,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, draw: bool = True) -> Sequential:
        """The model that `config` describes, with fresh parameters (or zeros, where `draw` is false).

        Raises
        ------
        ValueError
            If it names a layer or an argument that does not exist.
        """
        options = dict(config)
        task = options.pop("task", "classification")
        if task not in ("classification", "regression"):
            raise ValueError(f"Sequential: task must be classification or regression, got {task!r}")
        layers = []
        for entry in options.pop("layers"):
            arguments = dict(entry)
            name = arguments.pop("type", None)
            if name not in REGISTRY:
                raise ValueError(f"Sequential: expected a layer of {', '.join(REGISTRY)}, got {name!r}")
            layers.append(REGISTRY[name](**arguments))
        seed = options.pop("seed", 0)
        model = cls(layers, seed=seed if draw else None, **options)
        model.task, model.seed = task, seed
        return model

    def save(self, path: str | PathLike[str]) -> None:
        """Write architecture, preprocessing and parameters to one ``.safetensors`` file, whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        save(path, self.parameters, self.config())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Sequential:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file is not one of ours, or damaged.
        """
        return load(path, partial(cls.from_config, draw=False))

    def copy(self) -> Sequential:
        """A model of its own with the same layers and values."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.layers))
        return f"Sequential([{inner}], input_shape={self.input_shape}, dtype={self.dtype.name!r})"


def _checked_scale(scale: float) -> float:
    try:
        number = float(scale)
    except (TypeError, ValueError):
        raise TypeError(f"Sequential: input_scale must be a number, got {scale!r}") from None
    if not math.isfinite(number) or number == 0:
        raise ValueError(f"Sequential: input_scale must be finite and not 0, got {scale}")
    return number


def _checked_shape(shape: Sequence[int]) -> Shape:
    try:
        sizes = tuple(operator.index(n) for n in shape)
    except TypeError:
        raise TypeError(f"Sequential: input_shape must be a tuple like (784,), got {shape!r}") from None
    if not sizes or min(sizes) < 1 or prod(sizes) > 2**48:
        raise ValueError(f"Sequential: input_shape must be positive sizes, got {tuple(shape)}")
    return sizes


def _checked_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    if isinstance(layers, Layer) or not isinstance(layers, Iterable):
        raise TypeError(f"Sequential: layers must be a sequence of layers, got {type(layers).__name__}")
    layers = tuple(layers)
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential: layer {i} must be a fastnn.layers.Layer, got {type(layer).__name__}")
        if any(layer is other for other in layers[:i]):
            raise ValueError(f"Sequential: layer {i} ({layer!r}) stands twice; make a second one")
        if layer.owner is not None and layer.owner() is not None:
            raise ValueError(
                f"Sequential: layer {i} ({layer!r}) stands in another model, which would lose its parameters; "
                "make a new one, or take a copy.deepcopy of it"
            )
    return layers
