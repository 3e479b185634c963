"""
An activation and a loss of one's own
=====================================

Functions of single numbers, written in Python, compiled by Numba, called by the compiled training step. Their
derivatives are found and checked when they are made.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn import custom
from fastnn.layers import Dense


@custom.activation
def bell(x):
    """A bump of width one."""
    return math.exp(-x * x / 2)


@custom.loss
def forgiving(out, target):
    """Grows like a logarithm, so that points far off count little."""
    return math.log(1 + (out - target) ** 2)


print(bell, forgiving, sep="\n")

# %%

rng = np.random.default_rng(0)
x = rng.uniform(-3, 3, (1500, 1))
y = np.cos(2 * x) * np.exp(-(x**2) / 4) + np.where(rng.random(x.shape) < 0.1, 3.0, 0.0)
model = fastnn.Sequential([Dense(40, init="he_normal"), bell(), Dense(1)], input_shape=(1,))
fastnn.Trainer(model, loss=forgiving, optimizer=fastnn.optim.Adam(0.01), epochs=60, progress=False).fit(x, y)
grid = np.linspace(-3, 3, 200)[:, None]
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(x, y, ".", color="lightgrey", markersize=3)
axes.plot(grid, np.cos(2 * grid) * np.exp(-(grid**2) / 4), "k:", label="without outliers")
axes.plot(grid, model.forward(grid), label="bell units, forgiving loss")
axes.legend()
