"""The outputs of a network, or of a layer inside it, for many samples."""

from __future__ import annotations

import copy
from importlib import import_module
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.data.mapped import is_mapped
from fastnn.decisions.axes import channels_last_shape
from fastnn.inputs import say_if_scale_is_odd
from fastnn.layers.base import Shape
from fastnn.model import checks
from fastnn.model.engine import ForwardEngine
from fastnn.model.gradients import GradientNetwork
from fastnn.model.sparse import SparseRows

Array = NDArray[Any]


class ForwardNetwork(GradientNetwork):
    """A network whose outputs, and those of its layers, are computed for many samples at once."""

    _engine: ClassVar[ForwardEngine | None] = None

    @property
    def channels_last(self) -> bool:
        """Whether samples are given as images (H, W, C), although the layers see `input_shape`, (C, H, W)."""
        return self._channels_last

    @channels_last.setter
    def channels_last(self, last: bool) -> None:
        checked = checks.channels_last(last, self.input_shape)
        if checked != self._channels_last:
            self.quick.clear()  # these passes take samples of input_shape as they are
            self._channels_last = checked

    @property
    def sample_shape(self) -> Shape:
        """The shape in which a sample is given: `input_shape`, or (H, W, C) if `channels_last`."""
        return channels_last_shape(self.input_shape) if self._channels_last else self.input_shape

    def forward(self, x: ArrayLike) -> Array:
        """Raw outputs of the last layer.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype
            Or (N, H, W, C) if `channels_last`. Rows (N, D) are cut into the axes of a sample, axes are joined for a
            model of rows, and axes of size 1 may come or go; nothing else is reshaped.

        Returns
        -------
        (N, *output_shape), the model's dtype

        Raises
        ------
        ValueError, TypeError
            If x does not fit the model.

        Notes
        -----
        The pass is compiled and runs in blocks of rows. A row's result does not depend on the other rows: on the
        native backend it has the same bits in any batch or block and for any number of threads. (With a `precision`
        other than "float32" a block of few rows is computed in float32, so that its bits may be others than in a large
        one.)

        Examples
        --------
        >>> import fastnn
        >>> model = fastnn.Sequential([fastnn.layers.Dense(3, init="zeros")], input_shape=(2,))
        >>> model.forward([[1, 2], [3, 4]]).shape
        (2, 3)
        """
        return self._run(x, "outputs")

    def __call__(self, x: ArrayLike) -> Array:
        """The outputs of the last layer: ``model(x)`` is ``model.forward(x)``.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype

        Returns
        -------
        (N, *output_shape), the model's dtype

        Raises
        ------
        ValueError, TypeError
            If x does not fit the model.

        Examples
        --------
        >>> import fastnn
        >>> fastnn.Sequential([fastnn.layers.Dense(3, init="zeros")], input_shape=(2,))([[1, 2]]).tolist()
        [[0.0, 0.0, 0.0]]
        """
        return self.forward(x)

    def features(self, x: ArrayLike, *, at: str) -> Array:
        """Outputs of a layer inside the model, as `forward` computes them; the layers above it are not run.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype
        at : str
            The layer, by its name ("relu1") or by one of the model's `points`.

        Returns
        -------
        (N, *shape), the model's dtype; shape is the layer's `output_shape`

        Raises
        ------
        ValueError, TypeError
            If there is no such layer (the message has the list of names), or x does not fit the model.

        Examples
        --------
        >>> import fastnn
        >>> from fastnn.layers import Dense, ReLU
        >>> model = fastnn.Sequential([Dense(3), ReLU(), Dense(2)], input_shape=(4,), points={"hidden": "relu1"})
        >>> model.features([[1, 2, 3, 4]], at="hidden").shape
        (1, 3)
        """
        return self._shared(self._layers_to("features", at))._run(x, "outputs")

    def explain(self, x: ArrayLike, *, at: str | None = None) -> str:
        """The compiled pass over some samples as a table; for the step of a training see `Trainer.explain`.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype
            Samples to measure it with; of more than a block only the first ones are taken.
        at : str, optional
            The layer up to which it runs, as for `features`; by default the last one.

        Returns
        -------
        str
            Every kernel call after fusion with its arrays, its floating-point operations, the bytes that it moves at
            least and its time, followed by sums.

        Raises
        ------
        ValueError, TypeError
            If there is no such layer, or x does not fit the model.

        Examples
        --------
        >>> import fastnn
        >>> from fastnn.layers import Dense, ReLU
        >>> model = fastnn.Sequential([Dense(3), ReLU(), Dense(2)], input_shape=(4,))
        >>> with fastnn.use_backend("reference"):
        ...     model.explain([[1, 2, 3, 4]])
        'layer by layer: each kernel is called from Python, nothing is fused'
        """
        model = self if at is None else self._shared(self._layers_to("explain", at))
        return self._found_engine().explain_forward(model, self._batch(x))

    def cut(self, at: str) -> Self:
        """A new model of the layers up to and including one, with copies of their parameters and state.

        Parameters
        ----------
        at : str
            The last layer to keep, by its name ("relu1") or by one of the model's `points`.

        Returns
        -------
        Sequential
            A model of its own: training it leaves this one as it is. It keeps `input_scale`, `channels_last`, which
            layers are frozen, and the points that lie within it.

        Raises
        ------
        ValueError
            If there is no such layer; the message has the list of names.

        Examples
        --------
        >>> import fastnn
        >>> from fastnn.layers import Dense, ReLU
        >>> model = fastnn.Sequential([Dense(3), ReLU(), Dense(2)], input_shape=(4,))
        >>> [layer.name for layer in model.cut("relu1").layers]
        ['dense1', 'relu1']
        """
        count = self._layers_to("cut", at)
        names = {layer.name for layer in self.layers[:count]}
        part = type(self)(
            copy.deepcopy(self.layers[:count]),
            input_shape=self.input_shape,
            dtype=self.dtype,
            seed=None,
            input_scale=self.input_scale,
            class_names=self.class_names if count == len(self.layers) else None,
            points={point: name for point, name in self.points.items() if name in names},
            column_names=self.column_names,
            channels_last=self.channels_last,
            reading=self.reading,
            precision=self.precision,
        )
        part.seed, part.task = self.seed, self.task
        for mine, values in ((part.parameters, self.parameters), (part.state, self.state)):
            for name, array in mine.items():
                array[...] = values[name]
        return part

    @property
    def gives_probabilities(self) -> bool:
        """Whether the last layer's outputs are probabilities already."""
        return bool(self.layers) and self.layers[-1].gives_probabilities

    def _kind_of_probabilities(self) -> str:
        """The kind of pass that gives probabilities of classes, which a model that predicts numbers does not have."""
        if self.task == "regression" and not self.gives_probabilities:
            raise ValueError(
                "predict_proba: expected a model of classes, got one that predicts numbers; predict has them"
            )
        return "probabilities"

    def _layers_to(self, function: str, at: str) -> int:
        """How many layers there are up to and including the one that `at` names."""
        names = [layer.name for layer in self.layers]
        wanted = self.points.get(at, at) if isinstance(at, str) else at
        if wanted not in names:
            raise ValueError(f"{function}: at: expected one of {', '.join((*names, *self.points))}, got {at!r}")
        return names.index(wanted) + 1

    def channels_first(self) -> Self:
        """The model for samples of `input_shape`: itself, or if `channels_last` one that shares its parameters."""
        if not self.channels_last:
            return self
        whole = self._shared(len(self.layers))
        whole.channels_last = False
        return whole

    def _shared(self, count: int) -> Self:
        """The first `count` layers as a model that shares their parameters and state."""
        part = self._parts.get(count)
        if part is None:
            part = object.__new__(type(self))
            layers = self.layers[:count]
            within: dict[str, Any] = {
                "layers": layers,
                "output_shape": layers[-1].output_shape,
                "class_names": None,
                "quick": {},
                "_parts": {},
            }
            vars(part).update(vars(self) | within)
            part._adopt(layers)
            vars(part).update(params=self.params[: part.size], grads=self.grads[: part.size])
            self._parts[count] = part
        part.input_scale, part.channels_last, part.revision = self.input_scale, self.channels_last, self.revision
        part.precision = self.precision
        return part

    def _run(self, x: ArrayLike, kind: str) -> Array:
        if type(x) is np.ndarray and (x.base is None or not is_mapped(x)):
            quick = self.quick.get((kind, id(x.dtype), x.shape))
            out = None if quick is None else quick.run(self, x)
            if out is not None:
                return out
        if isinstance(x, SparseRows):
            return np.concatenate([self._run(block, kind) for block in x.blocks()])
        batch = self._batch(x)
        say_if_scale_is_odd(type(self).__name__, batch, self.input_scale)
        if kind != "outputs" and len(self.output_shape) != 1:
            shape = self.output_shape
            raise ValueError(f"predict: expected a model with outputs of one dimension, got {shape}")
        return self._found_engine().run_forward(self, batch, kind)

    def _found_engine(self) -> ForwardEngine:
        if type(self)._engine is None:
            import_module("fastnn.program")  # which enters itself
        engine = type(self)._engine
        assert engine is not None
        return engine
