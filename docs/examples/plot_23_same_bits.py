"""
The same bits on one thread and on two
======================================

A training on one thread, one on two, and one by the NumPy reference. The first two end with the same weights to the
last bit; the reference rounds differently.
"""

import hashlib

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn.layers import Dense, ReLU

images, labels = fastnn.data.glyphs(500, seed=0)


def trained(threads: int, backend: str) -> np.ndarray:
    """The weights after three epochs."""
    before = fastnn.get_num_threads()
    fastnn.set_num_threads(threads)
    with fastnn.use_backend(backend):
        model = fastnn.Sequential([Dense(50), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
        fastnn.Trainer(model, epochs=3, progress=False).fit(images, labels)
    fastnn.set_num_threads(before)
    return model.params


weights = {"one thread": trained(1, "native"), "two threads": trained(2, "native"), "NumPy": trained(1, "reference")}
for name, params in weights.items():
    print(f"{name:12} {hashlib.sha256(params.tobytes()).hexdigest()[:16]}")

# %%
# How far the reference is from the compiled kernels: about the rounding of float32.

difference = np.abs(weights["NumPy"] - weights["one thread"])
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.hist(np.log10(difference[difference > 0]), bins=60)
axes.set(xlabel="log₁₀ of the difference of a weight", ylabel="weights")
