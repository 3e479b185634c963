"""The layer functions, update rules and training loops of course hand-outs, as textbooks write them in NumPy.

They are what a notebook runs without fastnn; `compat_race` times `fastnn.compat` beside them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def affine_forward(x: Array, w: Array, b: Array) -> Any:
    """Return x w + b."""
    return x.reshape(x.shape[0], -1).dot(w) + b, (x, w, b)


def affine_backward(dout: Array, cache: Any) -> Any:
    """Return (dx, dw, db)."""
    x, w, _ = cache
    return dout.dot(w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T.dot(dout), dout.sum(axis=0)


def relu_forward(x: Array) -> Any:
    """Return max(x, 0)."""
    return np.maximum(x, 0), x


def relu_backward(dout: Array, cache: Array) -> Array:
    """Return dout where x was positive."""
    return dout * (cache > 0)


def affine_relu_forward(x: Array, w: Array, b: Array) -> Any:
    """Affine, ReLU."""
    a, fc = affine_forward(x, w, b)
    out, relu = relu_forward(a)
    return out, (fc, relu)


def affine_relu_backward(dout: Array, cache: Any) -> Any:
    """Return (dx, dw, db)."""
    return affine_backward(relu_backward(dout, cache[1]), cache[0])


def softmax_loss(x: Array, y: Array) -> Any:
    """Mean cross-entropy and its gradient."""
    shifted = x - np.max(x, axis=1, keepdims=True)
    total = np.sum(np.exp(shifted), axis=1, keepdims=True)
    logs = shifted - np.log(total)
    rows = np.arange(len(x))
    dx = np.exp(logs)
    dx[rows, y] -= 1
    return -np.sum(logs[rows, y]) / len(x), dx / len(x)


def svm_loss(x: Array, y: Array) -> Any:
    """Mean hinge loss and its gradient."""
    rows = np.arange(len(x))
    margins = np.maximum(0, x - x[rows, y][:, np.newaxis] + 1.0)
    margins[rows, y] = 0
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[rows, y] -= np.sum(margins > 0, axis=1)
    return np.sum(margins) / len(x), dx / len(x)


def batchnorm_forward(x: Array, gamma: Array, beta: Array, param: dict[str, Any]) -> Any:
    """Normalise columns by the batch's statistics."""
    momentum, eps = param.get("momentum", 0.9), param.get("eps", 1e-5)
    running_mean = param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    mean, var = x.mean(axis=0), x.var(axis=0)
    std = np.sqrt(var + eps)
    hat = (x - mean) / std
    param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
    param["running_var"] = momentum * running_var + (1 - momentum) * var
    return gamma * hat + beta, (hat, gamma, std)


def batchnorm_backward(dout: Array, cache: Any) -> Any:
    """Return (dx, dgamma, dbeta), in the form that is simplified on paper."""
    hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * hat).sum(axis=0)
    return gamma * (dout - dbeta / len(dout) - hat * dgamma / len(dout)) / std, dgamma, dbeta


def layernorm_forward(x: Array, gamma: Array, beta: Array, param: dict[str, Any]) -> Any:
    """Normalise rows."""
    std = np.sqrt(x.var(axis=1, keepdims=True) + param.get("eps", 1e-5))
    hat = (x - x.mean(axis=1, keepdims=True)) / std
    return gamma * hat + beta, (hat, gamma, std)


def layernorm_backward(dout: Array, cache: Any) -> Any:
    """Return (dx, dgamma, dbeta)."""
    hat, gamma, std = cache
    d = dout * gamma
    dx = (d - d.mean(axis=1, keepdims=True) - hat * (d * hat).mean(axis=1, keepdims=True)) / std
    return dx, (dout * hat).sum(axis=0), dout.sum(axis=0)


def dropout_forward(x: Array, param: dict[str, Any]) -> Any:
    """Keep each element with probability p, scaled by 1/p."""
    mask = (np.random.rand(*x.shape) < param["p"]) / param["p"]
    return x * mask, mask


def dropout_backward(dout: Array, cache: Array) -> Array:
    """Return dout times the mask."""
    return dout * cache


def conv_forward(x: Array, w: Array, b: Array, param: dict[str, int]) -> Any:
    """Convolution as a product with the windows in columns, as the hand-out's fast layers do it."""
    n, _, height, width = x.shape
    filters, _, rows, cols = w.shape
    stride, pad = param["stride"], param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out_h, out_w = (height + 2 * pad - rows) // stride + 1, (width + 2 * pad - cols) // stride + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (rows, cols), axis=(2, 3))[:, :, ::stride, ::stride]
    columns = windows.transpose(1, 4, 5, 0, 2, 3).reshape(w[0].size, -1)
    out = w.reshape(filters, -1).dot(columns) + b[:, np.newaxis]
    return out.reshape(filters, n, out_h, out_w).transpose(1, 0, 2, 3), (x.shape, w, columns, param)


def conv_backward(dout: Array, cache: Any) -> Any:
    """Return (dx, dw, db)."""
    (n, channels, height, width), w, columns, param = cache
    filters, _, rows, cols = w.shape
    stride, pad = param["stride"], param["pad"]
    flat = dout.transpose(1, 0, 2, 3).reshape(filters, -1)
    dcolumns = w.reshape(filters, -1).T.dot(flat).reshape(channels, rows, cols, n, *dout.shape[2:])
    padded = np.zeros((n, channels, height + 2 * pad, width + 2 * pad), dout.dtype)
    ends = stride * dout.shape[2], stride * dout.shape[3]
    for r in range(rows):
        for s in range(cols):
            here = padded[:, :, r : r + ends[0] : stride, s : s + ends[1] : stride]
            here += dcolumns[:, r, s].transpose(1, 0, 2, 3)
    dx = padded[:, :, pad : pad + height, pad : pad + width]
    return dx, flat.dot(columns.T).reshape(w.shape), flat.sum(axis=1)


def max_pool_forward(x: Array, param: dict[str, int]) -> Any:
    """Largest element of each of the windows, which tile the image."""
    size = param["pool_height"]
    n, channels, height, width = x.shape
    tiles = x.reshape(n, channels, height // size, size, width // size, size)
    out = tiles.max(axis=3).max(axis=4)
    return out, (x, tiles, out)


def max_pool_backward(dout: Array, cache: Any) -> Array:
    """Return dout at the largest elements, shared where there are several."""
    x, tiles, out = cache
    dtiles = np.zeros_like(tiles)
    mask = tiles == out[:, :, :, np.newaxis, :, np.newaxis]
    spread, _ = np.broadcast_arrays(dout[:, :, :, np.newaxis, :, np.newaxis], dtiles)
    dtiles[mask] = spread[mask]
    dtiles /= np.sum(mask, axis=(3, 5), keepdims=True)
    return dtiles.reshape(x.shape)


def sgd(w: Array, dw: Array, config: dict[str, Any]) -> Any:
    """Change w in place."""
    w -= config["learning_rate"] * dw
    return w, config


def sgd_momentum(w: Array, dw: Array, config: dict[str, Any]) -> Any:
    """Gradient descent with a velocity."""
    v = config["momentum"] * config.get("velocity", np.zeros_like(w)) - config["learning_rate"] * dw
    config["velocity"] = v
    return w + v, config


def rmsprop(w: Array, dw: Array, config: dict[str, Any]) -> Any:
    """Divide by the root of the running mean of squares."""
    rate = config["decay_rate"]
    config["cache"] = rate * config.get("cache", np.zeros_like(w)) + (1 - rate) * dw**2
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config


def adam(w: Array, dw: Array, config: dict[str, Any]) -> Any:
    """Adam with bias correction."""
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] = config.get("t", 0) + 1
    config["m"] = beta1 * config.get("m", np.zeros_like(w)) + (1 - beta1) * dw
    config["v"] = beta2 * config.get("v", np.zeros_like(w)) + (1 - beta2) * dw**2
    m, v = config["m"] / (1 - beta1 ** config["t"]), config["v"] / (1 - beta2 ** config["t"])
    return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config


def rows_softmax(x: Array) -> Array:
    """Softmax of rows, from which the largest logit is subtracted."""
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def columns_softmax(y: Array) -> Array:
    """Softmax of columns without a shift."""
    return np.asarray(np.exp(y) / np.tile(np.sum(np.exp(y), 0), (len(y), 1)))


def average_ce(target: Array, prediction: Array) -> Any:
    """Mean cross-entropy of one-hot rows."""
    return -np.sum(target * np.log(prediction)) / target.shape[0]
