"""
Activations and their derivatives
=================================

Every activation is a pair of functions of arrays in `fastnn.functional`. The derivative is the backward function,
given a gradient of one.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastnn import functional as F

names = [
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "hard_swish",
    "sigmoid",
    "tanh",
    "softplus",
    "softshrink",
]
x = np.linspace(-4, 4, 401)
figure, axes = plt.subplots(3, 4, figsize=(9, 6), sharex=True, layout="constrained")
for name, ax in zip(names, axes.flat, strict=True):
    out, cache = getattr(F, f"{name}_forward")(x)
    ax.plot(x, out, label="function")
    ax.plot(x, getattr(F, f"{name}_backward")(np.ones_like(out), cache), "--", label="derivative")
    ax.set(title=name, ylim=(-1.6, 3))
    ax.grid(alpha=0.3)
axes[0, 0].legend()
