"""The exact results of every unfused kernel, in a wider float, with bounds of the error.

An oracle takes the arguments in a wider dtype (float64 for float32, long double for float64) and ``u``, the unit
roundoff of the dtype of the kernel. It returns ``{output: (value, bound)}``.
"""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from strategies import Array

from fastnn.kernels import SIGNATURES, Activation, ElementwiseLoss, UpdateRule
from fastnn.kernels.convolution import winograd_shape
from fastnn.kernels.precisions import Precision
from fastnn.kernels.reference import winograd
from fastnn.kernels.updates import (
    ORTHOGONAL_LEAST_NORM,
    ORTHOGONAL_POLYNOMIAL,
    ORTHOGONAL_SCALE,
    ORTHOGONAL_STEPS,
)
from fastnn.random import bits

Expected = dict[str, tuple[Array, Array]]
Oracle = Callable[[SimpleNamespace, float], Expected]
ORACLES: dict[str, Oracle] = {}

UNARY_ULP = 4  # error of an elementwise function
_SQUARED_ULP = 2 * UNARY_ULP + 2  # error of the square of one, times a factor


def oracle(f: Oracle) -> Oracle:
    ORACLES[f.__name__] = f
    return f


def expected(kernel: str, arguments: dict[str, Any], dtype: type[np.floating]) -> Expected:
    """The values and bounds of those outputs of ``kernel`` that are not None."""
    wide = np.float64 if dtype is np.float32 else np.longdouble
    widened = {}
    for a in SIGNATURES[kernel].arguments:
        value = arguments[a.name]
        if isinstance(value, np.ndarray) and a.dtype == "real":
            value = value.astype(wide)
        widened[a.name] = value
    with np.errstate(all="ignore"):
        answers = ORACLES[kernel](SimpleNamespace(**widened, dtype=dtype, wide=wide), np.finfo(dtype).eps / 2)
    return {name: pair for name, pair in answers.items() if arguments[name] is not None}


def ulps(value: Array, dtype: type[np.floating], count: float) -> Array:
    return count * np.spacing(np.abs(value).astype(dtype)).astype(value.dtype)


def _tiny(u: float) -> np.floating:
    """The smallest normal number of the dtype with that unit roundoff."""
    return np.finfo(np.float32 if u > 1e-10 else np.float64).tiny


def _lost(a: Array, b: Array, u: float) -> Array:
    """What a b may lose where subnormal numbers are taken and written as 0: t Σ max(1, |a|, |b|)."""
    ones = np.ones_like(a), np.ones_like(b)
    return _tiny(u) * (np.abs(a) @ ones[1] + ones[0] @ np.abs(b) + 2 * a.shape[-1] + 2)


def _product(a: Array, b: Array, added: Any, u: float) -> tuple[Array, Array]:
    """``a b + added``, and the bound of a sum of products."""
    value = a @ b + added
    terms = np.abs(a) @ np.abs(b) + np.abs(added)
    return value, (8 + math.sqrt(a.shape[1])) * u * terms + u * np.abs(value) + _lost(a, b, u)


def activated(a: SimpleNamespace, value: Array, bound: Array) -> tuple[Array, Array]:
    """A result and its bound after the activation of the call, whose slope is at most 2."""
    if a.kind == Activation.IDENTITY:
        return value, bound
    x, value = value, activation(value, a.kind, a.wide(a.dtype(a.alpha)))
    return value, 2 * bound + activation_bound(x, value, a.kind, a.dtype)


def times_slope(a: SimpleNamespace, value: Array, bound: Array, u: float) -> tuple[Array, Array]:
    """A gradient and its bound, times the slope of the preceding activation if the call has its saved values."""
    if a.saved is None:
        return value, bound
    slope, _ = ORACLES["activation_backward"](SimpleNamespace(**vars(a) | {"dout": np.ones_like(value)}), u)["dx"]
    value, own = ORACLES["activation_backward"](SimpleNamespace(**vars(a) | {"dout": value}), u)["dx"]
    return value, abs(slope) * bound + own


@oracle
def affine_forward(a: SimpleNamespace, u: float) -> Expected:
    return {"out": activated(a, *_product(a.x, a.w, 0 if a.b is None else a.b, u))}


@oracle
def affine_backward_input(a: SimpleNamespace, u: float) -> Expected:
    return {"dx": times_slope(a, *_product(a.dout, a.w.T, 0, u), u)}


@oracle
def affine_backward_weight(a: SimpleNamespace, u: float) -> Expected:
    ones = np.ones((1, len(a.x)), a.x.dtype)
    before = a.beta == 1
    dw = _product(a.x.T, a.dout, a.dw if before else 0, u)
    db = _product(ones, a.dout, a.db if before and a.db is not None else 0, u)
    return {"dw": dw, "db": (db[0].ravel(), db[1].ravel())}


def _read(a: SimpleNamespace, x: Array, taps: tuple[int, int], count: tuple[int, int]) -> Array:
    """What each tap of each window reads (n, c, r, s, p, q), computed element by element."""
    rows = np.arange(taps[0])[:, None] * a.dilation_h + np.arange(count[0]) * a.stride_h - a.pad_h
    cols = np.arange(taps[1])[:, None] * a.dilation_w + np.arange(count[1]) * a.stride_w - a.pad_w
    rows, cols = rows[:, None, :, None], cols[None, :, None, :]
    inside = (rows >= 0) & (rows < x.shape[2]) & (cols >= 0) & (cols < x.shape[3])
    return np.where(inside, x[:, :, rows.clip(0, x.shape[2] - 1), cols.clip(0, x.shape[3] - 1)], 0)


def _scatter(a: SimpleNamespace, columns: Array, like: Array) -> Array:
    """The transpose of `_read`, computed element by element."""
    places = _read(
        a, 1 + np.arange(like[0, 0].size).reshape(1, 1, *like.shape[2:]), columns.shape[2:4], columns.shape[4:]
    )
    total = np.zeros((*like.shape[:2], like[0, 0].size + 1), like.dtype)
    np.add.at(total, (slice(None), slice(None), places[0, 0]), columns)
    return total[:, :, 1:].reshape(like.shape)


def _grouped(a: SimpleNamespace, columns: Array, weight: Array) -> tuple[Array, Array]:
    """The windows (n, groups, k r s, p q) and the weights (groups, f, k r s)."""
    groups = columns.shape[1] // weight.shape[1]
    inner = weight[0].size
    pixels = columns.shape[4] * columns.shape[5]
    return columns.reshape(len(columns), groups, inner, pixels), weight.reshape(groups, -1, inner)


@oracle
def conv_forward(a: SimpleNamespace, u: float) -> Expected:
    columns, weight = _grouped(a, _read(a, a.x, a.weight.shape[2:], a.out.shape[2:]), a.weight)
    bias = np.zeros(len(a.weight), a.x.dtype) if a.b is None else a.b
    bias = bias[:, None, None]
    value = (weight @ columns).reshape(a.out.shape) + bias
    terms = (abs(weight) @ abs(columns)).reshape(a.out.shape) + abs(bias)
    bound = (8 + math.sqrt(weight.shape[2])) * u * terms + u * abs(value)
    return {"out": activated(a, value, bound + _lost(weight, columns, u).reshape(a.out.shape))}


@oracle
def conv_backward_input(a: SimpleNamespace, u: float) -> Expected:
    taps, count = a.weight.shape[2:], a.dout.shape[2:]
    shape = (len(a.dout), a.dx.shape[1], *taps, *count)
    groups = a.dx.shape[1] // a.weight.shape[1]
    weight = a.weight.reshape(groups, len(a.weight) // groups, -1).transpose(0, 2, 1)
    dout = a.dout.reshape(len(a.dout), groups, weight.shape[2], -1)
    value = _scatter(a, (weight @ dout).reshape(shape), a.dx)
    terms = _scatter(a, (abs(weight) @ abs(dout)).reshape(shape), a.dx)
    bound = (8 + math.sqrt(a.weight[:, 0].size)) * u * terms + u * abs(value)
    return {"dx": times_slope(a, value, bound + _scatter(a, _lost(weight, dout, u).reshape(shape), a.dx), u)}


@oracle
def conv_backward_weight(a: SimpleNamespace, u: float) -> Expected:
    columns, weight = _grouped(a, _read(a, a.x, a.dw.shape[2:], a.dout.shape[2:]), a.dw)
    dout = a.dout.reshape(len(a.x), len(weight), weight.shape[1], -1)
    before = a.beta == 1
    columns = columns.transpose(0, 1, 3, 2)
    dw = (dout @ columns).sum(axis=0).reshape(a.dw.shape) + (a.dw if before else 0)
    terms = (abs(dout) @ abs(columns)).sum(axis=0).reshape(a.dw.shape) + (abs(a.dw) if before else 0)
    db = a.dout.sum(axis=(0, 2, 3)) + (a.db if before and a.db is not None else 0)
    db_terms = abs(a.dout).sum(axis=(0, 2, 3)) + (abs(a.db) if before and a.db is not None else 0)
    count = len(a.x) * a.dout[0, 0].size if len(a.x) else 0
    bound, lost = (8 + math.sqrt(count)) * u, _lost(dout, columns, u).sum(axis=0).reshape(a.dw.shape)
    dw_bound = bound * terms + u * abs(dw) + lost
    return {"dw": (dw, dw_bound), "db": (db, bound * db_terms + u * abs(db) + 2 * _tiny(u) * count)}


@oracle
def im2col(a: SimpleNamespace, u: float) -> Expected:
    value = _read(a, a.x, a.columns.shape[2:4], a.columns.shape[4:])
    return {"columns": (value, np.zeros_like(value))}


@oracle
def col2im(a: SimpleNamespace, u: float) -> Expected:
    value, terms = _scatter(a, a.columns, a.dx), _scatter(a, abs(a.columns), a.dx)
    return {"dx": (value, (8 + math.sqrt(a.columns[0, 0].size if len(a.columns) else 0)) * u * terms)}


@oracle
def winograd_weights(a: SimpleNamespace, u: float) -> Expected:
    groups, blocks, _, channels, block = a.u.shape
    g = winograd.matrices(a.weight.shape[2]).g.astype(a.wide)
    weight = a.weight.reshape(groups, -1, *a.weight.shape[1:])
    if a.flip:
        weight = weight[..., ::-1, ::-1].swapaxes(1, 2)
    value, terms = np.zeros((2, groups, blocks * block, channels, 6, 6), a.wide)
    value[:, : weight.shape[1]] = g @ weight @ g.T
    terms[:, : weight.shape[1]] = abs(g) @ abs(weight) @ abs(g.T)
    value, terms = (v.reshape(groups, blocks, block, channels, 36).transpose(0, 1, 4, 3, 2) for v in (value, terms))
    return {"u": (value, 16 * u * terms)}


def left_out(precision: int) -> float:
    """What products of split factors leave out, as a share of Σ|a||b|.

    Let p be the largest power of two that is at most |a|. The first part leaves at most 2⁻⁸ p, the second 2⁻¹⁷ p, and
    the third nothing. Left out are of one part |a - a₀| |b| + |a₀| |b - b₀|; of two |a₁ b₁| and what they leave of a
    and b; of three |a₁ b₂| + |a₂ b₁| + |a₂ b₂|, which takes the place of a part of the roundings: their bound has room
    for it.
    """
    return {Precision.BF16: 2**-7 + 2**-16, Precision.FAST3: 2**-16 + 2 * 2**-17 + 2**-32}.get(
        Precision(precision), 0.0
    )


def winograd_bound(
    x: Array, weight: Array, b: Array | None, shape: tuple[int, ...], pad: tuple[int, int], error: float = 0.0
) -> Array:
    """The bound of Winograd's algorithm, as stated in fastnn/kernels/reference/winograd.py.

    Its products may err by ``error Σ|a||b|`` beyond those of the dtype.
    """
    groups = x.shape[1] // weight.shape[1]
    terms = np.zeros(winograd_shape(len(weight) // groups, weight.shape[1], groups))
    g = abs(winograd.matrices(weight.shape[2]).g)
    sizes = (g @ abs(weight.astype(float)) @ g.T).reshape(groups, -1, weight.shape[1], 36)
    filters = np.zeros((groups, terms.shape[1] * terms.shape[4], *sizes.shape[2:]))
    filters[:, : sizes.shape[1]] = sizes
    terms[...] = filters.reshape(groups, terms.shape[1], -1, *sizes.shape[2:]).transpose(0, 1, 4, 3, 2)
    size = weight.shape[2]
    sums = winograd.filtered(abs(x.astype(float)), terms, shape, size, pad, magnitudes=True)
    if b is not None:
        sums += abs(b.astype(float))[:, None, None, None]
    rounded = (8 + math.sqrt(weight.shape[1]) + winograd.ROUNDINGS) * np.finfo(x.dtype).eps / 2
    return (error + rounded) * sums


@oracle
def winograd_forward_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    window = (a.out.shape, a.size, (a.pad_h, a.pad_w))
    value = winograd.filtered(a.x, a.u, *window)
    terms = winograd.filtered(abs(a.x), abs(a.u), *window, magnitudes=True)
    if a.b is not None:
        value, terms = value + a.b[:, None, None, None], terms + abs(a.b)[:, None, None, None]
    bound = (8 + math.sqrt(a.u.shape[3]) + winograd.ROUNDINGS) * u * terms
    return {"out": activated(a, value, bound)}


@oracle
def winograd_backward_input_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    window = (a.dx.shape, a.size, (a.pad_h, a.pad_w))
    value = winograd.given_back(a.dout, a.u, *window)
    terms = winograd.given_back(abs(a.dout), abs(a.u), *window, magnitudes=True)
    filters = a.dout.shape[1] // len(a.u)
    bound = (8 + math.sqrt(filters) + winograd.ROUNDINGS + winograd.OVERLAPS) * u * terms
    return {"dx": times_slope(a, value, bound, u)}


@oracle
def winograd_forward(a: SimpleNamespace, u: float) -> Expected:
    window = (a.out.shape, (a.pad_h, a.pad_w), a.flip)
    value = winograd.filtered_plain(a.x, a.weight, *window)
    terms = winograd.filtered_plain(abs(a.x), abs(a.weight), *window, magnitudes=True)
    if a.b is not None:
        value, terms = value + a.b[:, None, None], terms + abs(a.b)[:, None, None]
    channels = a.weight.shape[1] if not a.flip else len(a.weight) * a.weight.shape[1] // max(1, a.out.shape[1])
    bound = (8 + math.sqrt(channels) + winograd.ROUNDINGS) * u * terms
    return {"out": activated(a, value, bound)}


@oracle
def winograd_backward_weight_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    pad = (a.pad_h, a.pad_w)
    before = a.beta == 1
    dw = winograd.filter_gradient(a.x, a.dout, a.dw.shape, pad) + (a.dw if before else 0)
    terms = winograd.filter_gradient(abs(a.x), abs(a.dout), a.dw.shape, pad, magnitudes=True)
    terms = terms + (abs(a.dw) if before else 0)
    db = a.dout.sum(axis=(0, 2, 3, 4)) + (a.db if before and a.db is not None else 0)
    db_terms = abs(a.dout).sum(axis=(0, 2, 3, 4)) + (abs(a.db) if before and a.db is not None else 0)
    summed = 8 + math.sqrt(a.dout[:, 0].size if a.dout.size else 0)
    return {"dw": (dw, (summed + winograd.ROUNDINGS) * u * terms), "db": (db, summed * u * db_terms)}


def tanhshrink(x: Array) -> Array:
    """``x - tanh(x)``, computed by its power series near 0, where the difference would cancel."""
    square = x * x
    small = np.zeros_like(x)
    # the coefficients of tanh follow from tanh' = 1 - tanh²; c[k] belongs to x^(2k+1)
    c = [x.dtype.type(1)]
    for k in range(1, 24):
        c.append(-sum((c[i] * c[k - 1 - i] for i in range(k)), x.dtype.type(0)) / (2 * k + 1))
    for coefficient in reversed(c[1:]):
        small = small * square - coefficient
    return np.where(np.abs(x) < 0.4, x * square * small, x - np.tanh(x))


_GELU = 2 * np.sqrt(np.longdouble(2) / np.arccos(np.longdouble(-1)))  # 2 √(2/π)


def gate(x: Array, kind: int) -> tuple[Array, Array]:
    """Return z and its slope for GELU and SiLU, which are ``x sigmoid(z)``."""
    if kind == Activation.SILU:
        return x, np.ones_like(x)
    factor = x.dtype.type(_GELU)
    return factor * (x + x.dtype.type(0.044715) * x**3), factor * (1 + 3 * x.dtype.type(0.044715) * x**2)


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


_SELU = np.longdouble("1.0507009873554804934193349852946")
_SELU_LIMIT = _SELU * np.longdouble("1.6732632423543772848170429916717")


def _tanh_of_softplus(x: Array) -> tuple[Array, Array]:
    """Return tanh(log(1 + e^x)) and 1 minus its square, without a difference that cancels."""
    e = np.exp(np.clip(x, -np.inf, 40))  # above 40 the two are 1 and 0 to more digits than there are
    under = e * (e + 2) + 2
    return e * (e + 2) / under, 4 * np.square((1 + e) / under)


def activation(x: Array, kind: int, alpha: Any) -> Array:
    match Activation(kind):
        case Activation.IDENTITY:
            return x
        case Activation.RELU:
            return np.where(x < 0, 0, x)
        case Activation.LEAKY_RELU:
            return np.where(x > 0, x, alpha * x)
        case Activation.ELU:
            return np.where(x > 0, x, alpha * np.expm1(x))
        case Activation.SIGMOID:
            return _sigmoid(x)
        case Activation.TANH:
            return np.tanh(x)
        case Activation.TANHSHRINK:
            return tanhshrink(x)
        case Activation.SOFTSHRINK:
            return np.where(np.abs(x) <= alpha, 0, x - np.copysign(alpha, x))
        case Activation.GELU | Activation.SILU:
            return np.where(x == -np.inf, 0, x * _sigmoid(gate(x, kind)[0]))
        case Activation.SOFTPLUS:
            return np.logaddexp(x, 0)
        case Activation.MISH:
            return np.where(x == -np.inf, 0, x * _tanh_of_softplus(x)[0])
        case Activation.HARD_SIGMOID:
            return np.clip(x + 3, 0, 6) / 6
        case Activation.HARD_SWISH:
            return np.where(x <= -3, 0, np.where(x >= 3, x, x * (x + 3) / 6))
        case Activation.SELU:
            return np.where(x > 0, _SELU * x, _SELU_LIMIT * np.expm1(np.minimum(x, 0)))


def activation_bound(x: Array, value: Array, kind: int, dtype: type[np.floating]) -> Array:
    """The bound of an activation of x.

    The z of GELU is rounded four times, and an error of the exponent is a relative error of the exponential, which
    makes four units for each unit of -z. If the gate is denormal, GELU, SiLU and Mish multiply its rounding error by x.
    """
    bound = ulps(value, dtype, UNARY_ULP)
    if kind == Activation.GELU:
        z = np.clip(np.nan_to_num(gate(x, kind)[0]), -2000, 0.5)  # z e^-z is below 1/2 above zero
        bound += ulps(value, dtype, 1) * 4 * np.abs(z)
    if kind in (Activation.GELU, Activation.SILU, Activation.MISH):
        bound += np.where(x < 0, np.minimum(np.abs(x), 1000), 0) * np.finfo(dtype).smallest_subnormal
    return bound


def derivative(saved: Array, kind: int, alpha: Any) -> Array:
    match Activation(kind):
        case Activation.IDENTITY:
            return np.ones_like(saved)
        case Activation.RELU:
            return np.where(saved <= 0, 0, np.ones_like(saved))
        case Activation.LEAKY_RELU:
            return np.where(saved <= 0, alpha, np.ones_like(saved))
        case Activation.ELU:
            return np.where(saved > 0, 1, saved + alpha)
        case Activation.SIGMOID:
            return saved * (1 - saved)
        case Activation.TANH:
            return (1 - saved) * (1 + saved)  # exact enough in the wider float; 1 - out² is not
        case Activation.TANHSHRINK:
            return np.tanh(saved) ** 2
        case Activation.SOFTSHRINK:
            return np.where(saved == 0, 0, np.ones_like(saved))
        case Activation.GELU | Activation.SILU:
            z, slope = gate(saved, kind)
            return _sigmoid(z) * (1 + saved * slope * _sigmoid(-z))
        case Activation.SOFTPLUS:
            return -np.expm1(-saved)
        case Activation.MISH:
            t, rest = _tanh_of_softplus(saved)
            return t + np.clip(saved, -1e5, 1e5) * rest * _sigmoid(saved)
        case Activation.HARD_SIGMOID:
            return np.where((saved <= 0) | (saved >= 1), 0, np.ones_like(saved) / 6 + 0 * saved)
        case Activation.HARD_SWISH:
            return np.where(saved <= -3, 0, np.where(saved >= 3, 1, (2 * saved + 3) / 6))
        case Activation.SELU:
            return np.where(saved > 0, saved.dtype.type(_SELU), saved + saved.dtype.type(_SELU_LIMIT))


def _terms_of_derivative(saved: Array, kind: int) -> Array:
    """The sizes of the terms of a derivative that crosses zero, each of which has some roundings of its own."""
    if kind == Activation.MISH:
        t, rest = _tanh_of_softplus(saved)
        return 2 * (t + np.clip(np.abs(saved), 0, 1e5) * rest * _sigmoid(saved))
    if kind == Activation.SELU:
        return np.abs(saved) + 2
    return np.where(np.abs(saved) < 3, np.abs(saved) / 3 + 0.5, 1)


def _gate_derivative_bound(saved: Array, kind: int, u: float) -> Array:
    """The bound of the derivative ``s (1 + g c)``, with ``c = 1 - s`` and ``g = x dz/dx``, as a bound of its terms.

    The derivative itself crosses zero. Each term has some roundings of its own, and z has those of `activation_bound`,
    which change s and c by ``c`` and ``s`` times as much.
    """
    z, slope = gate(saved, kind)
    s, c, g = _sigmoid(z), _sigmoid(-z), np.abs(saved * slope)
    return u * s * (10 * (1 + g * c) + 4 * np.abs(z) * c * (1 + 2 * g))


@oracle
def activation_forward(a: SimpleNamespace, u: float) -> Expected:
    value = activation(a.x, a.kind, a.wide(a.dtype(a.alpha)))
    return {"out": (value, activation_bound(a.x, value, a.kind, a.dtype))}


@oracle
def activation_backward(a: SimpleNamespace, u: float) -> Expected:
    value = a.dout * derivative(a.saved, a.kind, a.wide(a.dtype(a.alpha)))
    if a.kind in (Activation.GELU, Activation.SILU):
        tiny = np.finfo(a.dtype).smallest_subnormal
        bound = _gate_derivative_bound(a.saved, a.kind, u) + (1 + np.abs(a.saved)) ** 3 * tiny
        return {"dx": (value, np.abs(a.dout) * bound + tiny)}
    if a.kind in (Activation.MISH, Activation.HARD_SWISH, Activation.SELU):
        tiny = np.finfo(a.dtype).smallest_subnormal
        bound = 5 * u * _terms_of_derivative(a.saved, a.kind) + (1 + np.minimum(np.abs(a.saved), 1e3)) * tiny
        return {"dx": (value, np.abs(a.dout) * bound + tiny)}
    count = _SQUARED_ULP if a.kind == Activation.TANHSHRINK else UNARY_ULP
    return {"dx": (value, ulps(value, a.dtype, count))}


@oracle
def learned_activation_forward(a: SimpleNamespace, u: float) -> Expected:
    value = np.where(a.x > 0, a.x, a.w[:, None] * a.x)
    return {"out": (value, ulps(value, a.dtype, 1))}


@oracle
def learned_activation_backward(a: SimpleNamespace, u: float) -> Expected:
    terms = np.where(a.x > 0, 0, a.dout * a.x)
    before = a.dw if a.beta == 1 and a.dw is not None else 0
    dw, count = terms.sum(axis=(0, 2)) + before, terms[:, 0].size
    dx = np.where(a.x > 0, a.dout, a.w[:, None] * a.dout)
    bound = (8 + math.sqrt(count)) * u * (np.abs(terms).sum(axis=(0, 2)) + np.abs(before)) + u * np.abs(dw)
    return {"dx": (dx, ulps(dx, a.dtype, 1)), "dw": (dw, bound)}


def _rows_by_code(a: SimpleNamespace) -> list[tuple[int, int, int | None]]:
    """Sample, place and row of each code, found one by one; None for what is no code, -1 for the code without a row."""
    found: list[tuple[int, int, int | None]] = []
    for i in range(len(a.x)):
        for j in range(len(a.column)):
            value = float(a.x[i, a.column[j]])
            known = [-1, *range(a.count[j])]
            code = known.index(value) - 1 if value in known else None
            found.append((i, j, code if code is None or code < 0 else int(a.first[j]) + code))
    return found


@oracle
def embedding_forward(a: SimpleNamespace, u: float) -> Expected:
    out, width = np.zeros((len(a.x), len(a.kept) + len(a.column) * a.w.shape[1]), a.wide), a.w.shape[1]
    for k, column in enumerate(a.kept):
        out[:, k] = a.x[:, column]
    for i, j, row in _rows_by_code(a):
        begin = len(a.kept) + j * width
        out[i, begin : begin + width] = np.nan if row is None else 0 if row < 0 else a.w[row]
    return {"out": (out, np.zeros_like(out))}


@oracle
def embedding_backward(a: SimpleNamespace, u: float) -> Expected:
    dx = np.zeros_like(a.x)
    for k, column in enumerate(a.kept):
        dx[:, column] = a.dout[:, k]
    answers = {"dx": (dx, np.zeros_like(dx))}
    if a.dw is not None:
        dw, width = (a.dw.copy() if a.beta == 1 else np.zeros_like(a.dw)), a.dw.shape[1]
        terms, count = np.abs(dw), np.zeros((len(dw), 1))
        for i, j, row in _rows_by_code(a):
            if row is not None and row >= 0:
                added = a.dout[i, len(a.kept) + j * width : len(a.kept) + (j + 1) * width]
                dw[row] += added
                terms[row] += np.abs(added)
                count[row] += 1
        answers["dw"] = (dw, (8 + np.sqrt(count)) * u * terms + u * np.abs(dw))
    return answers


def _softmax(x: Array) -> tuple[Array, Array, Array]:
    """``z = x - row maximum``, ``p`` and ``log Σ exp(z)``."""
    z = x - x.max(axis=1, keepdims=True)
    total = np.exp(z).sum(axis=1, keepdims=True)
    return z, np.exp(z) / total, np.log(total)


def _softmax_bound(z: Array, p: Array, dtype: type[np.floating], u: float) -> Array:
    return (np.abs(z) + 16 + _roundings_of_a_sum(z)) * u * p + 2 * np.finfo(dtype).tiny


def _roundings_of_a_sum(rows: Array) -> float:
    """How many roundings a sum of each row has: one chain in each lane, of which there are two or more.

    They do not cancel: equal terms are rounded in the same direction while the sum is between two powers of two.
    """
    return rows.shape[1] / 2


@oracle
def softmax_forward(a: SimpleNamespace, u: float) -> Expected:
    z, p, _ = _softmax(a.sign * a.x)
    return {"out": (p, _softmax_bound(z, p, a.dtype, u))}


@oracle
def softmax_backward(a: SimpleNamespace, u: float) -> Expected:
    inner = (a.dout * a.out).sum(axis=1, keepdims=True)
    inner_bound = (8 + math.sqrt(a.out.shape[1])) * u * np.abs(a.dout * a.out).sum(axis=1, keepdims=True)
    bound = np.abs(a.out) * (inner_bound + 4 * u * (np.abs(a.dout) + np.abs(inner)))
    lost = _tiny(u) * (2 + np.abs(a.dout) + np.abs(a.out) + 1).sum(axis=1, keepdims=True)
    return {"dx": (a.sign * a.out * (a.dout - inner), bound + (1 + np.abs(a.out)) * lost)}


@oracle
def log_softmax_forward(a: SimpleNamespace, u: float) -> Expected:
    z, p, log_total = _softmax(a.x)
    value = z - log_total
    return {"out": (value, _log_bound(z, p, value, u) + 2 * _tiny(u))}


@oracle
def log_softmax_backward(a: SimpleNamespace, u: float) -> Expected:
    p = np.exp(a.out)
    total = a.dout.sum(axis=1, keepdims=True)
    total_bound = (8 + math.sqrt(a.out.shape[1])) * u * np.abs(a.dout).sum(axis=1, keepdims=True)
    bound = p * (total_bound + 16 * u * np.abs(total)) + 2 * u * (np.abs(a.dout) + np.abs(p * total))
    return {"dx": (a.dout - p * total, bound + _tiny(u) * (2 + a.out.shape[1] + np.abs(total)))}


@oracle
def argmax(a: SimpleNamespace, u: float) -> Expected:
    """The index is exact, because nothing is rounded."""
    place = a.x.argmax(axis=1) if a.x.size else np.zeros(len(a.x))
    return {"out": (place, np.zeros(len(a.x)))}


def _log_bound(z: Array, p: Array, log_p: Array, u: float) -> Array:
    """The absolute bound of ``log p``, which includes the shifts of all logits."""
    sums = 16 + _roundings_of_a_sum(z) + (p * np.abs(z)).sum(axis=1, keepdims=True)
    return (np.abs(z) + np.abs(log_p) + sums) * u


def _weighted(a: SimpleNamespace) -> tuple[Array, Array]:
    """The weights of the samples (N,) and, times the scale, the factors of the rows of dx (N, 1)."""
    weights = np.ones(len(a.x), a.wide) if a.weights is None else a.weights
    return weights, a.scale * weights[:, None]


@oracle
def softmax_cross_entropy(a: SimpleNamespace, u: float) -> Expected:
    rows = np.arange(len(a.x))
    z, p, log_total = _softmax(a.x)
    log_p = z - log_total
    weights, slope = _weighted(a)
    terms = -log_p[rows, a.labels] * weights
    loss_bound = (weights * _log_bound(z, p, log_p, u)[rows, a.labels]).sum() + _sum_bound(terms)
    difference = p.copy()
    difference[rows, a.labels] -= 1
    dx_bound = slope * (_softmax_bound(z, p, a.dtype, u) + 4 * u * np.abs(difference)) + _tiny(u)
    return {
        "dx": (slope * difference, dx_bound),
        "loss": (np.array([a.scale * terms.sum()]), np.array([a.scale * loss_bound])),
        "correct": (np.array([np.sum(a.x.argmax(axis=1) == a.labels)]), np.array([0])),
    }


@oracle
def soft_cross_entropy(a: SimpleNamespace, u: float) -> Expected:
    z, p, log_total = _softmax(a.x)
    log_p = z - log_total
    weights, slope = _weighted(a)
    terms = -a.targets * log_p * weights[:, None]
    loss_bound = (weights[:, None] * a.targets * _log_bound(z, p, log_p, u)).sum() + _sum_bound(terms)
    loss_bound += 2 * u * terms.sum()
    weight = a.targets.sum(axis=1, keepdims=True)
    dx_bound = weight * _softmax_bound(z, p, a.dtype, u)
    dx_bound += ((8 + math.sqrt(a.x.shape[1])) * p * weight + 4 * (p * weight + a.targets)) * u
    return {
        "dx": (slope * (p * weight - a.targets), slope * dx_bound),
        "loss": (np.array([a.scale * terms.sum()]), np.array([a.scale * loss_bound])),
        "correct": (np.array([np.sum(a.x.argmax(axis=1) == a.targets.argmax(axis=1))]), np.array([0])),
    }


def _sum_bound(terms: Array) -> Any:
    """The bound of a sum in float64, whatever the dtype of the call."""
    return (8 + math.sqrt(terms.size)) * 2.0**-53 * np.abs(terms).sum()


@oracle
def multiclass_hinge(a: SimpleNamespace, u: float) -> Expected:
    rows = np.arange(len(a.x))
    weights, slope = _weighted(a)
    at_label = a.x[rows, a.labels][:, None]
    margins = a.x - at_label + a.delta
    margins[rows, a.labels] = 0
    margin_bound = 3 * u * (np.abs(a.x) + np.abs(at_label) + a.delta)
    unsure = (np.abs(margins) <= margin_bound) & (margins != 0)  # rounding may move these to the other side of the kink
    terms = weights[:, None] * np.maximum(margins, 0)
    root = 8 + math.sqrt(a.x.shape[1])
    loss_bound = (weights[:, None] * margin_bound).sum() + _sum_bound(terms) + root * u * terms.sum()
    above = (margins > 0).astype(a.x.dtype)
    above[rows, a.labels] = -above.sum(axis=1)
    doubt = unsure.astype(a.x.dtype)
    doubt[rows, a.labels] = doubt.sum(axis=1)
    return {
        "dx": (slope * above, slope * (doubt + 3 * u * np.abs(above))),
        "loss": (np.array([a.scale * terms.sum()]), np.array([a.scale * loss_bound])),
        "correct": (np.array([np.sum(a.x.argmax(axis=1) == a.labels)]), np.array([0])),
    }


@oracle
def binary_cross_entropy(a: SimpleNamespace, u: float) -> Expected:
    weights, slope = _weighted(a)
    sigmoid = activation(a.x, Activation.SIGMOID, 0)
    # -log of the probability of each outcome, exact also if that is close to 1 or 0
    log_yes, log_no = np.logaddexp(0, -a.x), np.logaddexp(0, a.x)
    terms = weights[:, None] * (a.targets * log_yes + (1 - a.targets) * log_no)
    loss_bound = (weights[:, None] * (np.abs(a.x) + 16) * u).sum() + _sum_bound(terms)
    loss_bound += (8 + math.sqrt(a.x.shape[1])) * u * terms.sum()
    right = ((a.x > 0) == (a.targets > 0.5)).all(axis=1)
    return {
        "dx": (slope * (sigmoid - a.targets), slope * (8 * u * (sigmoid + a.targets))),
        "loss": (np.array([a.scale * terms.sum()]), np.array([a.scale * loss_bound])),
        "correct": (np.array([np.sum(right)]), np.array([0])),
    }


@oracle
def squared_error(a: SimpleNamespace, u: float) -> Expected:
    weights, slope = _weighted(a)
    difference = a.x - a.targets
    square = difference**2 * weights[:, None]
    dx = 2 * slope * difference
    loss_bound = a.scale * (_sum_bound(square) + 3 * u * square.sum())
    return {
        "dx": (dx, 4 * u * np.abs(dx)),
        "loss": (np.array([a.scale * square.sum()]), np.array([loss_bound])),
    }


@oracle
def focal_cross_entropy(a: SimpleNamespace, u: float) -> Expected:
    rows = np.arange(len(a.x))
    z, p, log_total = _softmax(a.x)
    log_p, gamma = z - log_total, a.wide(a.dtype(a.gamma))
    q, log_q = p[rows, a.labels], log_p[rows, a.labels]
    missed, weights = -np.expm1(log_q), _weighted(a)[0]
    power = missed**gamma
    # an error of log q is a relative error of q, and as large an absolute one of 1 - q
    log_bound = _log_bound(z, p, log_p, u)[rows, a.labels]
    missed_bound = q * log_bound + 4 * u * missed
    rest = np.where(missed > missed_bound, missed_bound / np.maximum(missed, 1e-300), 1)
    power_bound = power * ((gamma + 8) * rest + 4 * u * (1 + gamma * np.abs(np.log(np.maximum(missed, 1e-300)))))
    power_bound += np.where(rest >= 0.1, (missed + missed_bound) ** gamma, 0) if gamma else 0
    terms = -power * log_q * weights
    loss_bound = (weights * (power_bound * np.abs(log_q) + power * log_bound + 4 * u * np.abs(terms))).sum()
    ratio = np.where(missed == 0, -1, log_q / np.where(missed == 0, 1, missed))
    inner = 1 - gamma * q * ratio
    factor = power * inner
    inner_bound = gamma * q * np.abs(ratio) * (4 * log_bound + rest + 16 * u) + 4 * u
    factor_bound = (power_bound * inner + (power + power_bound) * inner_bound)[:, None]
    difference = p.copy()
    difference[rows, a.labels] = -missed
    difference_bound = _softmax_bound(z, p, a.dtype, u) + 4 * u * np.abs(difference)
    difference_bound[rows, a.labels] += missed_bound
    slope = a.scale * weights[:, None]
    return {
        "dx": (
            slope * factor[:, None] * difference,
            slope * (np.abs(difference) * factor_bound + (factor[:, None] + factor_bound) * difference_bound)
            + 8 * np.finfo(a.dtype).smallest_subnormal,
        ),
        "loss": (np.array([a.scale * terms.sum()]), np.array([a.scale * (loss_bound + _sum_bound(terms))])),
        "correct": (np.array([np.sum(a.x.argmax(axis=1) == a.labels)]), np.array([0])),
    }


def _element_losses(a: SimpleNamespace, u: float) -> tuple[Array, Array, Array, Array]:
    """The losses of all elements and their slopes, each followed by what its error may be."""
    d, t = a.x - a.targets, a.targets
    size = np.abs(d)
    of_d = u * (size + 1)  # the difference is rounded once, and the rest is at most as steep as that
    match ElementwiseLoss(a.loss_kind):
        case ElementwiseLoss.ABSOLUTE:
            return size, 2 * of_d, np.sign(d), np.zeros_like(d)
        case ElementwiseLoss.HUBER:
            losses = np.where(size <= a.parameters, d * d / 2, a.parameters * (size - a.parameters / 2))
            return losses, 8 * of_d * (1 + a.parameters), np.clip(d, -a.parameters, a.parameters), 2 * of_d
        case ElementwiseLoss.LOG_COSH:
            losses = np.logaddexp(d, -d) - np.log(a.wide(2))
            return losses, 16 * of_d, np.tanh(d), 8 * of_d
        case ElementwiseLoss.HALF_POISSON_DEVIANCE:
            mean, t_log_t = np.exp(a.x), t * np.log(np.where(t == 0, 1, t))
            sizes = mean + t * np.abs(a.x) + t_log_t + t
            return mean - t * a.x + t_log_t - t, 16 * u * sizes, mean - t, 8 * u * (mean + t)
        case ElementwiseLoss.HALF_GAMMA_DEVIANCE:
            ratio = t * np.exp(-a.x)
            sizes = ratio + np.abs(a.x) + np.abs(np.log(t)) + 1
            return ratio + a.x - np.log(t) - 1, 16 * u * sizes, 1 - ratio, 8 * u * (1 + ratio)
        case ElementwiseLoss.PINBALL:
            losses = np.maximum(a.parameters * -d, (1 - a.parameters) * d)
            return (
                losses,
                8 * of_d,
                np.where(d == 0, 0, np.where(d < 0, -a.parameters, 1 - a.parameters)),
                4 * u + 0 * d,
            )


@oracle
def elementwise_loss(a: SimpleNamespace, u: float) -> Expected:
    weights, slope = _weighted(a)
    losses, loss_bounds, slopes, slope_bounds = _element_losses(a, u)
    terms = weights[:, None] * losses
    loss_bound = (weights[:, None] * (loss_bounds + 4 * u * np.abs(losses))).sum() + _sum_bound(terms)
    return {
        "dx": (slope * slopes, slope * (slope_bounds + 4 * u * np.abs(slopes))),
        "loss": (np.array([a.scale * terms.sum()]), np.array([a.scale * loss_bound])),
    }


@oracle
def gather_rows(a: SimpleNamespace, u: float) -> Expected:
    rows = a.source[: len(a.out)] if a.index is None else a.source[a.index]
    value = rows.astype(a.dtype) * a.dtype(a.scale)  # each step rounds once, so there is one right result
    return {"out": (value, np.zeros_like(value))}


@oracle
def gather_labels(a: SimpleNamespace, u: float) -> Expected:
    value = a.source[: len(a.out)] if a.index is None else a.source[a.index]
    return {"out": (value, np.zeros_like(value))}


def _gradient(a: SimpleNamespace) -> tuple[Array, Array]:
    """The gradient with decay, and the sum of the magnitudes of its terms."""
    return a.dw + a.decay * a.w, np.abs(a.dw) + np.abs(a.decay * a.w)


def _sgd(a: SimpleNamespace, u: float) -> Expected:
    g, terms = _gradient(a)
    return {"w": (a.w - a.rate[0] * g, 8 * u * (np.abs(a.w) + a.rate[0] * terms))}


def _momentum(a: SimpleNamespace, u: float) -> Expected:
    g, terms = _gradient(a)
    v = a.momentum * a.v + a.rate[0] * g
    v_bound = 8 * u * (np.abs(a.momentum * a.v) + a.rate[0] * terms)
    return {"v": (v, v_bound), "w": (a.w - v, v_bound + u * np.abs(a.w - v))}


def _nesterov(a: SimpleNamespace, u: float) -> Expected:
    g, terms = _gradient(a)
    v = a.momentum * a.v + a.rate[0] * g
    v_bound = 8 * u * (np.abs(a.momentum * a.v) + a.rate[0] * terms)
    step = a.momentum * v + a.rate[0] * g
    step_bound = v_bound + 8 * u * (np.abs(a.momentum * v) + a.rate[0] * terms)
    return {"v": (v, v_bound), "w": (a.w - step, step_bound + u * np.abs(a.w - step))}


def _by_root(a: SimpleNamespace, u: float, kept: float, added: float) -> Expected:
    g, terms = _gradient(a)
    v = kept * a.v + added * g * g
    g_bound = 3 * u * terms
    v_bound = 4 * u * v + added * 2 * np.abs(g) * g_bound
    size = a.rate[0] / (np.sqrt(v) + a.eps)
    relative = 12 * u + 0.5 * v_bound / np.maximum(v, np.finfo(a.dtype).tiny)
    w = a.w - size * g
    w_bound = size * g_bound + np.abs(size * g) * relative + 2 * u * np.abs(w)
    return {"v": (v, v_bound), "w": (w, w_bound)}


def _rmsprop(a: SimpleNamespace, u: float) -> Expected:
    return _by_root(a, u, a.rho, 1 - a.rho)


def _adagrad(a: SimpleNamespace, u: float) -> Expected:
    return _by_root(a, u, 1, 1)


def _adamw(a: SimpleNamespace, u: float) -> Expected:
    shrunk = SimpleNamespace(**{**vars(a), "w": (1 - a.rate[0] * a.decay) * a.w, "decay": 0})
    found = _adam(shrunk, u)
    w, bound = found["w"]
    return found | {"w": (w, bound + 2 * u * np.abs(a.w))}


def _adam(a: SimpleNamespace, u: float) -> Expected:
    step = int(a.t[0])
    g, terms = _gradient(a)
    m = a.beta1 * a.m + (1 - a.beta1) * g
    v = a.beta2 * a.v + (1 - a.beta2) * g * g
    g_bound = 3 * u * terms
    m_bound = 4 * u * (np.abs(a.beta1 * a.m) + np.abs((1 - a.beta1) * g)) + (1 - a.beta1) * g_bound
    v_bound = 4 * u * v + (1 - a.beta2) * 2 * np.abs(g) * g_bound
    # as in the paper, with bias-corrected moments
    m_hat, v_hat = m / (1 - a.beta1**step), v / (1 - a.beta2**step)
    size = a.rate[0] / (np.sqrt(v_hat) + a.eps)
    scalars = 4 * 2.0**-53 * (1 / (1 - a.beta1**step) + 1 / (1 - a.beta2**step))
    relative = 12 * u + scalars + 0.5 * v_bound / np.maximum(v, np.finfo(a.dtype).tiny)
    w = a.w - size * m_hat
    w_bound = size * m_bound / (1 - a.beta1**step) + np.abs(size * m_hat) * relative + 2 * u * np.abs(w)
    return {"m": (m, m_bound), "v": (v, v_bound), "w": (w, w_bound)}


def _lion(a: SimpleNamespace, u: float) -> Expected:
    """If the terms of the mean cancel, rounding may give its sign either value, and the error is twice the step."""
    past, new = a.beta1 * a.m, (1 - a.beta1) * a.dw
    c = past + new
    either = np.where((np.abs(c) <= 4 * u * (np.abs(past) + np.abs(new))) & (past != 0), 2 * a.rate[0], 0)
    m = a.beta2 * a.m + (1 - a.beta2) * a.dw
    m_bound = 4 * u * (np.abs(a.beta2 * a.m) + np.abs((1 - a.beta2) * a.dw))
    w = (1 - a.rate[0] * a.decay) * a.w - a.rate[0] * np.sign(c)
    return {"m": (m, m_bound), "w": (w, either + 4 * u * (np.abs(a.w) + a.rate[0]))}


_RULES: dict[UpdateRule, Oracle] = {
    UpdateRule.SGD: _sgd,
    UpdateRule.MOMENTUM: _momentum,
    UpdateRule.NESTEROV: _nesterov,
    UpdateRule.RMSPROP: _rmsprop,
    UpdateRule.ADAGRAD: _adagrad,
    UpdateRule.ADAM: _adam,
    UpdateRule.ADAMW: _adamw,
    UpdateRule.LION: _lion,
}


@oracle
def update(a: SimpleNamespace, u: float) -> Expected:
    rule = UpdateRule(a.rule)
    return _RULES[rule](SimpleNamespace(**vars(a), **dict(zip(rule.coefficients, (a.c0, a.c1, a.c2), strict=False))), u)


@oracle
def orthogonal_update(a: SimpleNamespace, u: float) -> Expected:
    """Through the singular values, of which each step of the iteration takes every one by itself.

    The slope of the polynomial is at most its linear coefficient, so an error of the first product grows by its fifth
    power at most; the later ones grow less.
    """
    m = a.momentum * a.mw + (1 - a.momentum) * a.dw
    x = (a.momentum * m + (1 - a.momentum) * a.dw).astype(np.float64)
    left, values, right = np.linalg.svd(x, full_matrices=False)
    values /= max(np.sqrt(np.sum(values**2)), ORTHOGONAL_LEAST_NORM)
    linear, cubic, quintic = ORTHOGONAL_POLYNOMIAL
    for _ in range(ORTHOGONAL_STEPS):
        values = linear * values + cubic * values**3 + quintic * values**5
    x = (left * values) @ right
    size = a.rate[0] * ORTHOGONAL_SCALE * math.sqrt(max(x.shape))
    w = (1 - a.rate[0] * a.decay) * a.w - size * x
    x_bound = linear**ORTHOGONAL_STEPS * (8 + math.sqrt(max(x.shape))) * max(u, 2.0**-53)
    w_bound = size * (x_bound + 4 * u * np.abs(x)) + 4 * u * np.abs(a.w)
    m_bound = 4 * u * (np.abs(a.momentum * a.mw) + np.abs((1 - a.momentum) * a.dw)) + np.finfo(a.dtype).tiny
    return {"w": (w, w_bound), "mw": (m, m_bound)}


@oracle
def moving_average(a: SimpleNamespace, u: float) -> Expected:
    step = int(a.t[0])
    share = 1 - min(a.keep, (1 + step) / (10 + step))
    value = (1 - share) * a.average + share * a.x
    return {"average": (value, 4 * u * (np.abs(a.average) + share * (np.abs(a.x) + np.abs(a.average))))}


@oracle
def clip_norm(a: SimpleNamespace, u: float) -> Expected:
    """The squares are added up in float64 for any dtype; the root halves the relative error of their sum."""
    norm = np.sqrt(np.sum(a.g**2))
    value = a.g * (a.limit / norm) if norm > a.limit else a.g
    relative = 4 * u + (8 + math.sqrt(a.g.size)) / 2 * 2.0**-53
    return {"g": (value, relative * np.abs(value) + np.finfo(a.dtype).smallest_subnormal)}


@oracle
def clip_value(a: SimpleNamespace, u: float) -> Expected:
    return {"g": (np.clip(a.g, -a.limit, a.limit), np.zeros_like(a.g))}


@oracle
def permutations(a: SimpleNamespace, u: float) -> Expected:
    parts, rows, n = a.order.shape
    words = [bits(seed % 2**64, a.purpose, (a.epoch + i) % 2**32, n) for seed in a.seeds.tolist() for i in range(rows)]
    value = np.array([np.argsort(row, kind="stable") for row in words], np.int64).reshape(parts, rows, n)
    return {"order": (value, np.zeros(value.shape))}


@oracle
def to_panels(a: SimpleNamespace, u: float) -> Expected:
    count, rows, width = a.panels.shape
    columns = np.zeros((rows, count * width), a.wide)
    columns[:, : a.matrix.shape[1]] = a.matrix
    value = columns.reshape(rows, count, width).transpose(1, 0, 2)
    return {"panels": (value, np.zeros_like(value))}


@oracle
def from_panels(a: SimpleNamespace, u: float) -> Expected:
    value = np.concatenate(list(a.panels), axis=1)[:, : a.matrix.shape[1]]
    return {"matrix": (value, np.zeros_like(value))}


import augmentation_oracles  # noqa: E402, F401
import image_oracles  # noqa: E402, F401  (it adds its own oracles)
import nchw16n_oracles  # noqa: E402, F401  (it adds those for NCHW16n)
