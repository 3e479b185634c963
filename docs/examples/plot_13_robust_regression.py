"""
A curve with outliers
=====================

A tenth of the points lie far off. The squared error is pulled up by them; Huber's loss and the absolute error are not.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn.layers import Dense, Tanh

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (1500, 1))
y = np.sin(2 * x) + 0.1 * rng.standard_normal(x.shape) + np.where(rng.random(x.shape) < 0.1, 4.0, 0.0)
grid = np.linspace(-2, 2, 200)[:, None]

figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
axes.plot(x, y, ".", color="lightgrey", markersize=3)
axes.plot(grid, np.sin(2 * grid), "k:", label="without outliers")
for loss in ("mean_squared_error", fastnn.losses.Huber(0.3), "mean_absolute_error"):
    model = fastnn.Sequential([Dense(32), Tanh(), Dense(32), Tanh(), Dense(1)], input_shape=(1,), seed=2)
    trainer = fastnn.Trainer(model, loss=loss, optimizer=fastnn.optim.Adam(0.005), epochs=80, progress=False)
    trainer.fit(x, y)
    name = loss if isinstance(loss, str) else "Huber(0.3)"
    axes.plot(grid, model.predict(grid), label=name)
    print(f"{name:20} mean distance from the curve {np.abs(model.predict(grid) - np.sin(2 * grid)).mean():.3f}")
axes.legend()
