"""Oracles of pools, norms, dropout and penalties; see kernel_oracles.py."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from kernel_oracles import Expected, oracle
from strategies import Array

from fastnn.random import philox4x32


def _windows(a: SimpleNamespace, image: Array, out: Array) -> tuple[Array, Array]:
    """The cells of each window (n, c, p, q, cells), row by row, and which of them lie inside the image."""
    rows = np.arange(out.shape[2])[:, None] * a.stride_h - a.pad_h + np.arange(a.size_h)
    cols = np.arange(out.shape[3])[:, None] * a.stride_w - a.pad_w + np.arange(a.size_w)
    rows, cols = rows[:, None, :, None], cols[None, :, None, :]
    inside = (rows >= 0) & (rows < image.shape[2]) & (cols >= 0) & (cols < image.shape[3])
    inside = np.broadcast_to(inside, (*out.shape[2:], a.size_h, a.size_w)).reshape(*out.shape[2:], -1)
    cells = image[:, :, rows.clip(0, image.shape[2] - 1), cols.clip(0, image.shape[3] - 1)]
    return cells.reshape(*image.shape[:2], *out.shape[2:], -1), inside


def _add_into(a: SimpleNamespace, share: Array, like: Array) -> Array:
    """Add the gradient of each cell of each window (n, c, p, q, cells) to its pixel."""
    numbers, inside = _windows(a, np.arange(like[0, 0].size).reshape(1, 1, *like.shape[2:]), share[..., 0])
    total = np.zeros((*like.shape[:2], like[0, 0].size), like.dtype)
    np.add.at(total, (slice(None), slice(None), numbers[0, 0]), np.where(inside, share, 0))
    return total.reshape(like.shape)


@oracle
def max_pool_forward(a: SimpleNamespace, u: float) -> Expected:
    cells, inside = _windows(a, a.x, a.out)
    best = np.where(inside, cells, -np.inf).max(axis=-1, initial=-np.inf)
    number = (inside & (cells == best[..., None])).argmax(axis=-1)
    return {"out": (best, np.zeros_like(best)), "argmax": (number, np.zeros(number.shape))}


@oracle
def max_pool_backward(a: SimpleNamespace, u: float) -> Expected:
    won = a.argmax[..., None] == np.arange(a.size_h * a.size_w)
    value = _add_into(a, won * a.dout[..., None], a.dx)
    terms = _add_into(a, won * abs(a.dout[..., None]), a.dx)
    return {"dx": (value, (8 + math.sqrt(a.size_h * a.size_w)) * u * terms)}


def _counts(a: SimpleNamespace, inside: Array) -> Any:
    return a.size_h * a.size_w if a.count_pad else inside.sum(axis=-1)


@oracle
def avg_pool_forward(a: SimpleNamespace, u: float) -> Expected:
    cells, inside = _windows(a, a.x, a.out)
    counts = _counts(a, inside)
    cells = np.where(inside, cells, 0)
    value = cells.sum(axis=-1) / counts
    return {"out": (value, (8 + math.sqrt(cells.shape[-1])) * u * abs(cells).sum(axis=-1) / counts)}


@oracle
def avg_pool_backward(a: SimpleNamespace, u: float) -> Expected:
    _, inside = _windows(a, np.zeros((1, 1, *a.dx.shape[2:])), np.zeros((1, 1, *a.dout.shape[2:])))
    share = np.broadcast_to((a.dout / _counts(a, inside))[..., None], (*a.dout.shape, inside.shape[-1]))
    terms = _add_into(a, abs(share), a.dx)
    return {"dx": (_add_into(a, share, a.dx), (10 + math.sqrt(inside.shape[-1])) * u * terms)}


class Normal:
    """x̂ along axes and its bound, and the same for the statistics."""

    def __init__(self, x: Array, axes: tuple[int, ...], eps: float, u: float) -> None:
        count = max(1, math.prod(x.shape[i] for i in axes))
        self.sums = (8 + math.sqrt(count)) * u

        def mean(values: Array) -> Array:
            return values.sum(axis=axes, keepdims=True) / count

        self.mean = mean(x)
        off = x - self.mean
        self.var = mean(off * off)
        self.mean_bound = self.sums * mean(abs(x))
        self.var_bound = (2 * self.sums + 4 * u) * self.var + 2 * self.mean_bound * mean(abs(off)) + self.mean_bound**2
        spread = np.sqrt(self.var + eps)
        self.value = off / spread
        relative = self.var_bound / (self.var + eps) + 6 * u
        self.bound = (self.mean_bound + 2 * u * (abs(x) + abs(self.mean))) / spread + abs(self.value) * relative


def _scaled(value: Array, bound: Array, w: Array | None, b: Array | None, u: float) -> tuple[Array, Array]:
    w = np.ones(value.shape[1], value.dtype) if w is None else w
    b = np.zeros(value.shape[1], value.dtype) if b is None else b
    w, b = w[:, None], b[:, None]
    return w * value + b, abs(w) * bound + 6 * u * (abs(w * value) + abs(b))


@oracle
def batch_norm_forward(a: SimpleNamespace, u: float) -> Expected:
    count = a.x.shape[0] * a.x.shape[2]
    normal = Normal(a.x, (0, 2), a.eps, u)
    mean, var = normal.mean.ravel(), normal.var.ravel()
    mean_bound, var_bound = normal.mean_bound.ravel(), normal.var_bound.ravel()
    answers = {"out": _scaled(normal.value, normal.bound, a.w, a.b, u)}
    answers |= {"mean": (mean, mean_bound), "var": (var, var_bound)}
    unbiased = count / (count - 1) if count > 1 else 1
    for name, old, new, bound in (
        ("running_mean", a.running_mean, mean, mean_bound),
        ("running_var", a.running_var, var * unbiased, var_bound * unbiased),
    ):
        if old is not None:
            value = a.momentum * old + (1 - a.momentum) * new
            terms = abs(a.momentum * old) + abs((1 - a.momentum) * new)
            if name == "running_var" and count <= 1:
                value, terms, bound = old, 0 * old, 0 * bound
            answers[name] = (value, (1 - a.momentum) * bound + 6 * u * terms)
    return answers


@oracle
def batch_norm_apply(a: SimpleNamespace, u: float) -> Expected:
    value = (a.x - a.mean[:, None]) / np.sqrt(a.var[:, None] + a.eps)
    bound = 6 * u * abs(value) + u * (abs(a.x) + abs(a.mean[:, None])) / np.sqrt(a.var[:, None] + a.eps)
    return {"out": _scaled(value, bound, a.w, a.b, u)}


def _norm_backward(
    dout: Array, x: Array, w: Array | None, mean: Array, var: Array, eps: float, axes: tuple[int, ...], u: float
) -> tuple[tuple[Array, Array], Array]:
    """Return dx, its bound, and x̂, for arrays in a shape in which `axes` are those of the statistics."""
    count = max(1, math.prod(x.shape[i] for i in axes))
    r = (16 + math.sqrt(count)) * u
    factor = 1 / np.sqrt(var + eps)
    normal = (x - mean) * factor
    e = dout if w is None else dout * w

    def average(values: Array) -> Array:
        return values.sum(axis=axes, keepdims=True) / count

    sums, products = average(e), average(e * normal)
    dx = factor * (e - sums - normal * products)
    bound = r * (average(abs(e)) + abs(normal) * average(abs(e * normal)))
    bound = factor * (bound + 12 * u * (abs(e) + abs(sums) + abs(normal * products)))
    return (dx, bound), normal


def _parameters(a: SimpleNamespace, normal: Array, u: float) -> Expected:
    r = (16 + math.sqrt(max(1, a.dout.shape[0] * a.dout.shape[2]))) * u
    answers = {}
    for name, values in (("dw", a.dout * normal), ("db", a.dout)):
        before = getattr(a, name)
        start = before if a.beta == 1 and before is not None else 0
        value = values.sum(axis=(0, 2)) + start
        answers[name] = (value, r * (abs(values).sum(axis=(0, 2)) + abs(start)))
    return answers


@oracle
def batch_norm_backward(a: SimpleNamespace, u: float) -> Expected:
    w = None if a.w is None else a.w[:, None]
    dx, normal = _norm_backward(a.dout, a.x, w, a.mean[:, None], a.var[:, None], a.eps, (0, 2), u)
    if a.fixed:
        value = a.dout / np.sqrt(a.var[:, None] + a.eps) * (1 if w is None else w)
        dx = (value, 8 * u * abs(value))
    return {"dx": dx} | _parameters(a, normal, u)


def _grouped(values: Array, groups: int) -> Array:
    return values.reshape(values.shape[0], groups, values.shape[1] // groups, values.shape[2])


@oracle
def group_norm_forward(a: SimpleNamespace, u: float) -> Expected:
    normal = Normal(_grouped(a.x, a.mean.shape[1]), (2, 3), a.eps, u)
    shape = a.mean.shape
    return {
        "out": _scaled(normal.value.reshape(a.x.shape), normal.bound.reshape(a.x.shape), a.w, a.b, u),
        "mean": (normal.mean.reshape(shape), normal.mean_bound.reshape(shape)),
        "var": (normal.var.reshape(shape), normal.var_bound.reshape(shape)),
    }


@oracle
def group_norm_backward(a: SimpleNamespace, u: float) -> Expected:
    groups = a.mean.shape[1]
    w = None if a.w is None else a.w.reshape(1, groups, -1, 1)
    mean, var = a.mean[..., None, None], a.var[..., None, None]
    dx, normal = _norm_backward(_grouped(a.dout, groups), _grouped(a.x, groups), w, mean, var, a.eps, (2, 3), u)
    value, bound = (part.reshape(a.x.shape) for part in dx)
    return {"dx": (value, bound)} | _parameters(a, normal.reshape(a.x.shape), u)


def _neighbours(values: Array, before: int, after: int) -> Array:
    channels = np.arange(values.shape[1])
    near = (channels >= channels[:, None] - before) & (channels <= channels[:, None] + after)
    return np.einsum("dc,ncs->nds", near.astype(values.dtype), values)


def _power_bound(scale: Array, power: float, u: float) -> Array:
    """The relative bound of scale^-power."""
    return (16 + 4 * power * abs(np.log(scale))) * u


@oracle
def local_response_norm_forward(a: SimpleNamespace, u: float) -> Expected:
    scale = a.k + a.alpha * _neighbours(a.x * a.x, a.size // 2, (a.size - 1) // 2)
    relative = (8 + math.sqrt(a.size)) * u
    value = a.x * scale**-a.power
    bound = abs(value) * (a.power * relative + _power_bound(scale, a.power, u))
    return {"out": (value, bound), "scale": (scale, scale * relative)}


@oracle
def local_response_norm_backward(a: SimpleNamespace, u: float) -> Expected:
    factor = a.scale**-a.power
    inner = a.dout * a.x * factor / a.scale
    relative = _power_bound(a.scale, a.power, u) + 4 * u
    window = (a.size - 1) // 2, a.size // 2
    outer = 2 * a.alpha * a.power * a.x
    value = a.dout * factor - outer * _neighbours(inner, *window)
    bound = _neighbours(abs(inner) * (relative + (8 + math.sqrt(a.size)) * u), *window)
    return {"dx": (value, abs(a.dout * factor) * relative + abs(outer) * (1 + 8 * u) * bound + 4 * u * abs(value))}


@oracle
def dropout(a: SimpleNamespace, u: float) -> Expected:
    n, d = a.x.shape
    blocks = -(-d // 4)
    counters = np.zeros((n, blocks, 4), np.uint32)
    number = (int(a.row[0]) + np.arange(n, dtype=np.uint64)[:, None]) * np.uint64(blocks) + np.arange(
        blocks, dtype="u8"
    )
    counters[..., 0], counters[..., 1] = number % 2**32, number >> np.uint64(32)
    counters[..., 2], counters[..., 3] = int(a.step[0]) % 2**32, a.purpose
    words = philox4x32(counters.reshape(-1, 4), (int(a.seed_low), int(a.seed_high))).reshape(n, -1)[:, :d]
    value = np.where(words < a.rate * 2.0**32, 0, a.x / (1 - a.rate if a.rate < 1 else 1))
    return {"out": (value, 2 * u * abs(value))}


@oracle
def add(a: SimpleNamespace, u: float) -> Expected:
    return {"out": (a.a + a.b, u * abs(a.a + a.b))}


@oracle
def penalty(a: SimpleNamespace, u: float) -> Expected:
    terms = a.l1 * abs(a.w).sum() + a.l2 / 2 * (a.w * a.w).sum()
    value = a.loss[0] + terms
    bound = (8 + math.sqrt(a.w.size)) * 2.0**-52 * (abs(a.loss[0]) + terms)
    answers = {"loss": (np.array([value]), np.array([bound]))}
    if a.dw is not None:
        parts = (a.dw, a.l1 * np.sign(a.w), a.l2 * a.w)
        answers["dw"] = (sum(parts), 4 * u * sum(map(abs, parts)))
    return answers
