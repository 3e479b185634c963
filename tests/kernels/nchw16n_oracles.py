"""Oracles of the kernels in NCHW16n: those of the plain kernels, converted; see kernel_oracles.py."""

from types import SimpleNamespace

import numpy as np
from kernel_oracles import ORACLES, Expected, Oracle, gather_rows, oracle, times_slope
from strategies import Array

from fastnn.kernels import SIGNATURES

_PLAIN = (
    "conv_forward",
    "conv_backward_input",
    "conv_backward_weight",
    "max_pool_forward",
    "max_pool_backward",
    "avg_pool_forward",
    "avg_pool_backward",
    "batch_norm_forward",
    "batch_norm_apply",
    "batch_norm_backward",
)


def _rows(x: Array) -> Array:
    """Images in NCHW16n (g, …, 16) as plain images (16 g, …)."""
    return np.moveaxis(x, -1, 1).reshape(16 * len(x), *x.shape[1:-1])


def _innermost(images: Array, groups: int, rest: float = 0) -> Array:
    """Plain images (n, …) as (g, …, 16), with `rest` behind the last one."""
    padded = np.full((groups * 16, *images.shape[1:]), rest, images.dtype)
    padded[: len(images)] = images
    return np.moveaxis(padded.reshape(groups, 16, *images.shape[1:]), 1, -1)


def _on_images(plain: str) -> Oracle:
    """The oracle of kernel `plain`, for the same kernel in NCHW16n."""

    def answer(a: SimpleNamespace, u: float) -> Expected:
        inner = {x.name for x in SIGNATURES[f"{plain}_nchw16n"].arrays if x.dims and x.dims[-1] == "16"}
        groups = next(len(v) for name in inner if (v := getattr(a, name, None)) is not None)
        images = getattr(a, "images", 16 * groups)
        values = {
            name: _rows(value)[:images] if name in inner and value is not None else value
            for name, value in vars(a).items()
        }
        answers = ORACLES[plain](SimpleNamespace(**values), u)
        # the lanes behind the last image are zero in gradients and may be anything in other arrays
        return {
            name: (_innermost(value, groups), _innermost(bound, groups, 0 if name == "dx" else np.inf))
            if name in inner
            else (value, bound)
            for name, (value, bound) in answers.items()
        }

    return answer


for _plain in _PLAIN:
    ORACLES[f"{_plain}_nchw16n"] = _on_images(_plain)


@oracle
def rows_to_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    value = _innermost(a.x, len(a.out))
    return {"out": (value, np.zeros_like(value))}


@oracle
def nchw16n_to_rows(a: SimpleNamespace, u: float) -> Expected:
    value = _rows(a.x)[: len(a.out)]
    return {"out": (value, np.zeros_like(value))}


@oracle
def gather_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    rows = SimpleNamespace(**vars(a))
    rows.out = np.empty((min(len(a.source), 16 * len(a.out)) if a.index is None else len(a.index), a.out.shape[1]))
    return {"out": tuple(_innermost(v, len(a.out)) for v in gather_rows(rows, u)["out"])}


@oracle
def affine_backward_input_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    value, bound = ORACLES["affine_backward_input"](SimpleNamespace(**vars(a), saved=None), u)["dx"]
    return {"dx": (_innermost(value, len(a.dx)), _innermost(bound, len(a.dx)))}


def _planes(x: Array) -> Array:
    """Images (…, h, w, 16) as (…, h w, 16)."""
    return x.reshape(*x.shape[:2], -1, 16)


@oracle
def batch_norm_statistics_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    whole = SimpleNamespace(**{**vars(a), "x": _planes(a.x), "w": None, "b": None, "eps": 0.0})
    return {k: v for k, v in ORACLES["batch_norm_forward_nchw16n"](whole, u).items() if k != "out"}


@oracle
def batch_norm_max_pool_backward_nchw16n(a: SimpleNamespace, u: float) -> Expected:
    size_h, size_w = (have // windows for have, windows in zip(a.x.shape[2:4], a.dout.shape[2:4], strict=True))
    share = np.zeros_like(a.x)
    for i in range(size_h):
        for j in range(size_w):
            share[:, :, i::size_h, j::size_w] = np.where(a.argmax == i * size_w + j, a.dout, 0)
    inner = SimpleNamespace(**{**vars(a), "dout": _planes(share), "x": _planes(a.x)})
    answers = ORACLES["batch_norm_backward_nchw16n"](inner, u)
    value, bound = (v.reshape(a.x.shape) for v in answers["dx"])
    return answers | {"dx": times_slope(SimpleNamespace(**vars(a), saved=a.x), value, bound, u)}
