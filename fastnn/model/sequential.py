"""`Sequential`: a network that makes predictions, describes itself and can be saved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import losses
from fastnn.checks import choice
from fastnn.kernels import Activation
from fastnn.kernels.eager import Eager
from fastnn.layers.description import describe, described
from fastnn.metrics import Metrics, get_all
from fastnn.model.file import load, restore, save
from fastnn.model.forward import ForwardNetwork
from fastnn.model.measure import measure
from fastnn.model.outputs import refuse_nan
from fastnn.model.summary import Summary, summary

Array = NDArray[Any]


class Sequential(ForwardNetwork):
    """A model of layers that are applied one after the other.

    Parameters
    ----------
    layers : sequence of Layer
        Each belongs to no other model.
    input_shape : tuple of int
        Shape of a sample, without the batch; of an image (C, H, W), whatever `channels_last` says.
    dtype : {"float32", "float64"}
        Of parameters and arithmetic.
    seed : int or None
        From which the first values of the parameters are drawn, at least 0 and below 2**64. None sets all of them to
        0, for values that come from elsewhere.
    input_scale : float
        Factor on the inputs, finite and not 0: 1/255 brings uint8 pixels to the range from 0 to 1.
    class_names : sequence of str, optional
        Saved with the model, in the order of the classes.
    points : dict of str to str, optional
        Further names of layers, as ``{"hidden": "relu1"}``, which `features` and `cut` accept as well.
    column_names : sequence of str, optional
        The names of the values of a sample, in their order, where samples are rows of a table. Saved with the model, so
        that `fastnn.data.load` with ``like=model`` finds the columns of another table by their names.
    channels_last : bool, optional
        Whether images are given as (N, H, W, C), or as rows of pixels in that order, wherever samples are given: to
        the methods and to a `Trainer`. They are copied into the layers' order, (N, C, H, W). Part of the model's file.
        By default they are not, and an `input_shape` such as (28, 28, 1) before a convolution is an error.
    reading : dict of str, optional
        How samples are read from files: arguments of `fastnn.data.load` by name, such as ``{"size": [64, 64], "mode":
        "rgb"}``. Saved with the model, so that files which it is given later are read as those that it was trained on.
    precision : {"float32", "fast", "fast3", "bf16"}
        Of the products of dense layers and wide convolutions, in predictions and, unless a `Trainer` is given
        another, in training; see `fastnn.kernels.Precision`. "fast" keeps the error bound of float32, "fast3" and
        "bf16" do not. Where it is no faster than float32, products are in float32, and a warning says so. Saved with
        the model.

    Attributes
    ----------
    params, grads : (P,) arrays of the model's dtype
        All parameters and their gradients, one after the other.
    parameters, gradients : dict of str to array
        Views into them by name, as ``"dense1.w"``.
    state : dict of str to array
        Arrays that are saved with them but have no gradient, as ``"batch_norm1.running_mean"``.
    task : {"classification", "multilabel", "regression"}
        Decides what `predict` returns; training sets it by its loss.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or a layer cannot work on the shape that reaches it; the message names the layer.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.layers import Dense, ReLU
    >>> model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,))
    >>> model.params.size
    159010
    """

    def predict_proba(self, x: ArrayLike) -> Array:
        """Probabilities of the classes: the softmax of the outputs, or the outputs if they are probabilities already.

        If the task is "multilabel", the probability of each label, which is the sigmoid of its output.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype

        Returns
        -------
        (N, C), the model's dtype; rows sum to 1

        Raises
        ------
        ValueError, TypeError
            If x does not fit the model, its outputs are numbers or not rows, or those of a sample hold NaN.

        Examples
        --------
        >>> import fastnn
        >>> model = fastnn.Sequential([fastnn.layers.Dense(4, init="zeros")], input_shape=(2,))
        >>> model.predict_proba([[1, 2]])
        array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
        """
        if self.task == "multilabel":
            scores = self._run(x, "scores")
            Eager(self.dtype).activation_forward(scores, scores, Activation.SIGMOID, 0.0)
            return scores
        return self._run(x, self._kind_of_probabilities())

    def predict(self, x: ArrayLike) -> Array:
        """Class indices, or after training on a regression the outputs.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype

        Returns
        -------
        (N,) int64: place of the largest output, the first of equal ones; after training on several labels a sample
        (N, C) int64, 1 where the output is above 0; or (N, *output_shape)

        Raises
        ------
        ValueError, TypeError
            If x does not fit the model, or the outputs that give classes are not rows, or hold NaN.

        Examples
        --------
        >>> import fastnn, numpy as np
        >>> model = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(2,))
        >>> model.parameters["dense1.w"][...] = np.eye(2)
        >>> model.predict([[0, 3], [2, 1]])
        array([1, 0])
        """
        if self.task == "multilabel":
            return (self._run(x, "scores") > 0).astype(np.int64)
        return self._run(x, "classes" if self.task == "classification" else "outputs")

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        loss: str | losses.Loss | None = None,
        metrics: Metrics = (),
    ) -> dict[str, Any]:
        """Mean loss with penalties, and for classes the accuracy in [0, 1], over all samples; and `metrics`.

        Parameters
        ----------
        x : (N, *input_shape)
        y : (N,) integer labels, or (N, *output_shape)
        loss : str or Loss, optional
            Default: softmax cross-entropy, binary cross-entropy or the mean squared error, by `task`.
        metrics : str, callable, sequence of them, or dict of str to callable
            Further figures: names of `fastnn.metrics`, or functions of the targets and the raw outputs.

        Raises
        ------
        ValueError, TypeError
            If x or y does not fit the model, or the outputs of a sample hold NaN.

        Examples
        --------
        >>> import fastnn
        >>> model = fastnn.Sequential([fastnn.layers.Dense(2, init="zeros")], input_shape=(2,))
        >>> {name: round(value, 4) for name, value in model.evaluate([[0, 3], [2, 1]], [0, 1]).items()}
        {'loss': 0.6931, 'accuracy': 0.5}
        """
        checked = get_all(metrics)
        result, targets, out = measure(self, x, y, losses.BY_TASK[self.task] if loss is None else loss)
        if math.isnan(result["loss"]):
            refuse_nan("evaluate", "x", self, self._batch(x), np.isnan(out.reshape(len(out), -1)).any(axis=1))
        return result | {name: metric(targets, out) for name, metric in checked.items()}

    # --- description and files ---

    def summary(self) -> Summary:
        """A table of the layers with output shape, parameters, memory and floating-point operations.

        It is a str, and HTML in notebooks, which show a model by it.

        Examples
        --------
        >>> import fastnn
        >>> print(fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,)).summary())
        layer   type   output shape  parameters  activation  forward/sample
        -------------------------------------------------------------------
        input          (784,)                       3.1 KiB
        dense1  Dense  (10,)              7,850        40 B      15.7 kFLOP
        -------------------------------------------------------------------
        7,850 parameters, 30.7 KiB as float32; forward 15.7 kFLOP a sample
        """
        return summary(self)

    def config(self) -> dict[str, Any]:
        """The architecture as values that JSON can hold, from which `from_config` makes the model again.

        Raises
        ------
        ValueError
            If another class is registered under the name of a layer's class.
        """
        return {
            "layers": [describe(layer) for layer in self.layers],
            "input_shape": list(self.input_shape),
            "dtype": self.dtype.name,
            "seed": self.seed,
            "input_scale": self.input_scale,
            "class_names": None if self.class_names is None else list(self.class_names),
            "task": self.task,
            **({"points": dict(self.points)} if self.points else {}),
            **({} if self.column_names is None else {"column_names": list(self.column_names)}),
            **({"channels_last": True} if self.channels_last else {}),
            **({"reading": self.reading} if self.reading else {}),
            **({} if self.precision == "float32" else {"precision": self.precision}),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, draw: bool = True) -> Sequential:
        """Make a model of what `config` returned.

        Parameters
        ----------
        config : dict
        draw : bool
            Whether the parameters are drawn; otherwise they are 0.

        Raises
        ------
        ValueError
            If it names a layer or an argument that does not exist.
        """
        options = {"channels_last": False, **config}
        task = choice("Sequential", "task", options.pop("task", "classification"), losses.BY_TASK)
        layers = [described(entry) for entry in options.pop("layers")]
        seed = options.pop("seed", 0)
        model = cls(layers, seed=seed if draw else None, **options)
        model.task, model.seed = task, seed
        return model

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one ``.safetensors`` file: architecture, preprocessing, parameters and state.

        Parameters
        ----------
        path : path

        Raises
        ------
        OSError
            If the file cannot be written; a file that was there is then unchanged.
        ValueError, ImportError
            If the name is one of another format, such as m.h5; if the safetensors package is missing.

        Notes
        -----
        Of an initialiser that is your own function only the name is saved: a model that is read from the file has the
        values, but `reset` cannot draw them anew. A layer class of your own must be defined before `load`.

        Examples
        --------
        >>> import fastnn, tempfile, pathlib
        >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(pathlib.Path(folder, "digits.safetensors"))
        ...     again = fastnn.load(pathlib.Path(folder, "digits.safetensors"))
        >>> bool((again.params == model.params).all())
        True
        """
        save(path, self.parameters | self.state, self.config())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Sequential:
        """Read a model that `save` wrote. Nothing in the file is run as code.

        Parameters
        ----------
        path : path

        Raises
        ------
        ValueError
            If the file is not a model file of fastnn, or is damaged.
        FileNotFoundError
            If there is no such file.
        ImportError
            If the safetensors package is missing.
        """
        return load(path, cls.restored)

    @classmethod
    def restored(
        cls, path: str | PathLike[str], config: Any, arrays: Mapping[str, Array], function: str = "load"
    ) -> Sequential:
        """The model that a file describes, whose parameters and state it holds.

        Parameters
        ----------
        path : path
            Of the file, for the messages of errors, which begin with `function`.
        config : JSON value
        arrays : dict of str to array
            The parameters and the state by name.
        function : str

        Raises
        ------
        ValueError
            If that describes no model, or one of other arrays; before memory is taken for it.
        """
        return restore(path, config, arrays, partial(cls.from_config, draw=False), function)

    def _repr_html_(self) -> str:
        """The summary as a table for notebooks."""
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.layers))
        return f"Sequential([{inner}], input_shape={self.input_shape}, dtype={self.dtype.name!r})"
