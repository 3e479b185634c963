"""
First weights, ten layers deep
==============================

How large the outputs of ten ReLU layers are before any training. Normal weights of the wrong size vanish or explode;
He's keep their scale.
"""

import matplotlib.pyplot as plt

import fastnn
from fastnn.layers import Dense, ReLU

images, _ = fastnn.data.glyphs(500, seed=0)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for init in (fastnn.init.normal(0.02), fastnn.init.normal(0.2), "glorot_uniform", "he_normal"):
    layers = [layer for _ in range(10) for layer in (Dense(200, init=init), ReLU())]
    model = fastnn.Sequential(layers, input_shape=(784,), input_scale=1 / 255)
    sizes = [model.features(images, at=f"relu{k}").std() for k in range(1, 11)]
    axes.plot(range(1, 11), sizes, "o-", label=init if isinstance(init, str) else fastnn.init.name_of(init))
axes.set(xlabel="layer", ylabel="standard deviation of the outputs", yscale="log")
axes.legend()
