"""
Sixteen numbers for a letter
============================

A network whose target is its input, with sixteen units in the middle: images above, what is left of them below.
"""

import numpy as np

import fastnn
from fastnn import plots
from fastnn.layers import Dense, ReLU, Sigmoid

images, _ = fastnn.data.glyphs(5000, seed=0)
targets = images.reshape(-1, 784) / 255
layers = [Dense(128), ReLU(), Dense(16), Dense(128), ReLU(), Dense(784), Sigmoid()]
model = fastnn.Sequential(layers, input_shape=(784,), input_scale=1 / 255)
trainer = fastnn.Trainer(
    model, loss="mse", optimizer=fastnn.optim.Adam(0.002), batch_size=64, epochs=15, progress=False
)
history = trainer.fit(images, targets)
print(f"mean squared error of a pixel: {history.epochs[-1]['loss']:.4f}")
some = images[:10]
again = model.predict(some).reshape(-1, 28, 28) * 255
plots.image_grid(np.concatenate([some, again]), columns=10, title="Images, and the same through sixteen numbers")
