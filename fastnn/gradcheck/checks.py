"""The checks, which compare every target of a subject with its finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from fastnn.checks import number, whole
from fastnn.gradcheck.result import GradCheckResult
from fastnn.gradcheck.subjects import (
    Subject,
    function_subject,
    layer_subject,
    loss_subject,
    model_subject,
)
from fastnn.layers import Layer
from fastnn.losses import Loss
from fastnn.model import Sequential


def check_function(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *args: Any,
    seed: int = 0,
    tolerance: float = 1e-8,
    samples: int | None = None,
    h: float | None = None,
    refine: bool = False,
) -> GradCheckResult:
    """Check a pair of functions, ``forward(*args) -> (out, cache)`` and ``backward(dout, cache)``.

    Parameters
    ----------
    forward : callable
        The function. Use a lambda or ``functools.partial`` to pass options.
    backward : callable
        ``backward(dout, cache)`` returns a gradient or a tuple of them: one for each argument (None
        where there is none), or one for each floating array among the arguments.
    *args
        Arguments of `forward`. Floating arrays are copied to float64 and checked; everything else
        (labels, None) is passed on.
    seed : int, default 0
        Seed of the random cotangent `dout` and of the choice of entries.
    tolerance : float, default 1e-8
        The largest error that passes. The default suits smooth functions with values of order one.
    samples : int, optional
        Check only this many random entries of each array.
    h : float, optional
        The step for all entries; default: :func:`default_step`.
    refine : bool, default False
        If an entry fails, try a smaller step in case the step straddles a kink. A wrong gradient of a
        smooth function still fails.

    Returns
    -------
    GradCheckResult
        True if all errors are within the tolerance and no input was written to. A gradient that is tiny
        compared with the outputs also passes if its error is within rounding; the table says so.

    Raises
    ------
    TypeError, ValueError
        If the functions do not follow the convention, or a number is out of range.

    Notes
    -----
    At a kink (such as that of ReLU at 0) no difference is right; move the inputs away with :func:`step_around`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> from fastnn.gradcheck import check_function
    >>> x, w, b = np.array([[1.0, -2.0]]), np.array([[0.5], [3.0]]), np.zeros(1)
    >>> bool(check_function(F.affine_forward, F.affine_backward, x, w, b))
    True
    >>> wrong = check_function(lambda x: (x**2, x), lambda dout, x: dout * x, x)
    >>> print(round(wrong.errors["x"], 6), wrong.passed)
    0.5 False
    """
    subject = function_subject(forward, backward, *args, seed=seed)
    return _compare("check_function", subject, seed, tolerance, samples, h, refine)


def check_loss(
    loss: Callable[..., Any],
    x: ArrayLike,
    *args: Any,
    seed: int = 0,
    tolerance: float = 1e-8,
    samples: int | None = None,
    h: float | None = None,
    refine: bool = False,
) -> GradCheckResult:
    """Check a loss that also returns its gradient, ``loss(x, *args) -> (loss, dx)``.

    Parameters
    ----------
    loss : callable
        The loss.
    x : array_like, real
        Where to check the gradient; copied to float64.
    *args
        Further arguments of `loss`, for instance labels.
    seed, tolerance, samples, h, refine
        As in :func:`check_function`.

    Returns
    -------
    GradCheckResult
        True if the error is within the tolerance and no input was written to.

    Raises
    ------
    TypeError, ValueError
        If the function does not follow the convention, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> from fastnn.gradcheck import check_loss
    >>> bool(check_loss(F.softmax_loss, [[1.0, 2.0, 3.0]], np.array([0])))
    True
    """
    subject = loss_subject(loss, x, *args, seed=seed)
    return _compare("check_loss", subject, seed, tolerance, samples, h, refine)


def check_layer(
    layer: Layer,
    input_shape: Sequence[int],
    *,
    batch: int = 4,
    seed: int = 0,
    tolerance: float = 1e-8,
    samples: int | None = None,
    h: float | None = None,
    refine: bool = False,
    x: ArrayLike | None = None,
    kinks: Sequence[float] = (0.0,),
) -> GradCheckResult:
    """Check the gradients of the parameters and of the input of a layer.

    Parameters
    ----------
    layer : Layer
        The layer. A copy is built and checked, so that the layer and its model do not change.
    input_shape : sequence of int
        Shape of one sample.
    batch : int, default 4
        Number of samples.
    seed : int, default 0
        Seed of the parameters, inputs and cotangent, which are all normal with variance 1.
    tolerance, samples, h, refine
        As in :func:`check_function`.
    x : array_like, shape (N, *input_shape), optional
        Inputs to use, unchanged, instead of random ones.
    kinks : sequence of float, default (0.0,)
        Values that random inputs are kept away from.

    Returns
    -------
    GradCheckResult
        One line for each parameter and one for the input ``x``.

    Raises
    ------
    ValueError
        If the layer cannot be built on `input_shape`, or a number is out of range.

    Examples
    --------
    >>> from fastnn.gradcheck import check_layer
    >>> from fastnn.layers import Dense, Softshrink
    >>> check_layer(Dense(3), (5,)).passed
    True
    >>> check_layer(Softshrink(0.5), (5,), kinks=(-0.5, 0.5)).passed
    True
    """
    subject = layer_subject(layer, input_shape, batch=batch, seed=seed, x=x, kinks=kinks)
    return _compare("check_layer", subject, seed, tolerance, samples, h, refine)


def check_model(
    model: Sequential,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    loss: str | Loss = "softmax_cross_entropy",
    batch: int = 8,
    seed: int = 0,
    tolerance: float = 1e-6,
    samples: int | None = 100,
    h: float | None = None,
    refine: bool = True,
    jitter: float = 1e-3,
) -> GradCheckResult:
    """Check the gradient of a model's loss with respect to its parameters.

    Parameters
    ----------
    model : Sequential
        The model, of any dtype. A copy in float64 is checked, so that the model does not change.
    X : array_like, shape (N, *input_shape), optional
        Inputs; default: random.
    y : array_like, optional
        Labels or targets; default: random.
    loss : str or Loss, default "softmax_cross_entropy"
        As in `Trainer`.
    batch : int, default 8
        Number of random samples if X is not given.
    seed : int, default 0
        Seed of the random data and of the choice of entries.
    tolerance : float, default 1e-6
        The largest error that passes.
    samples : int or None, default 100
        Check this many random entries of each array. None checks all of them, with two runs of the model for each.
    h : float, optional
        The step for all entries; default: :func:`default_step`.
    refine : bool, default True
        As in :func:`check_function`. It is needed because inputs cannot be moved away from kinks of hidden units.
    jitter : float, default 1e-3
        Standard deviation of noise that is added to the parameters of the copy. It moves units away from a kink on
        which they lie exactly, as with zero biases and a blank sample, where no step is small enough. With 0 the
        parameters themselves are used.

    Returns
    -------
    GradCheckResult
        One line for each array of parameters.

    Raises
    ------
    ValueError
        If the model has no parameters, the data do not fit it, or a number is out of range.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.gradcheck import check_model
    >>> from fastnn.layers import Dense, ReLU
    >>> model = fastnn.Sequential([Dense(8), ReLU(), Dense(3)], input_shape=(5,))
    >>> check_model(model).passed
    True
    """
    subject = model_subject(model, X, y, loss=loss, batch=batch, seed=seed, jitter=jitter)
    return _compare("check_model", subject, seed, tolerance, samples, h, refine)


def _compare(
    function: str,
    subject: Subject,
    seed: int,
    tolerance: float,
    samples: int | None,
    h: float | None,
    refine: bool,
) -> GradCheckResult:
    tolerance = number(function, "tolerance", tolerance, above=0)
    samples = None if samples is None else whole(function, "samples", samples, at_least=1)
    h = None if h is None else number(function, "h", h, above=0)
    arrays = tuple(
        t.compare(t.sample(samples, seed, 1000 + k), tolerance=tolerance, h=h, refine=refine)
        for k, t in enumerate(subject.targets)
    )
    return GradCheckResult(subject.name, tolerance, arrays, tuple(subject.problems))
