"""The gradients of one batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import losses
from fastnn.checks import real_array
from fastnn.inputs import as_array
from fastnn.kernels.eager import Eager
from fastnn.kernels.precision_choice import precision_in_use
from fastnn.model.network import Network

Array = NDArray[Any]


class GradientNetwork(Network):
    """A network that gives the gradients of a batch, layer by layer."""

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
        ops = self._eager()
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
        ops, loss, scaled = self._eager(), losses.get(loss), self._scaled(x)
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
        return np.ascontiguousarray(self._batch(x).astype(self.dtype) * np.asarray(self.input_scale, self.dtype))

    def _eager(self) -> Eager:
        return Eager(self.dtype, precision=precision_in_use(self.precision))
