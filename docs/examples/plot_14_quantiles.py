"""
Quantiles that do not cross
===========================

One network learns the 10th, 50th and 90th percentile of noise that grows to the right. The layer `Rising` keeps its
outputs in order.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn.layers import Dense, Rising, Tanh

rng = np.random.default_rng(0)
x = rng.uniform(0, 3, (3000, 1))
y = np.sin(2 * x) + 0.25 * x * rng.standard_normal(x.shape)
levels = [0.1, 0.5, 0.9]
model = fastnn.Sequential([Dense(32), Tanh(), Dense(32), Tanh(), Dense(3), Rising()], input_shape=(1,))
loss = fastnn.losses.Quantile(levels)
fastnn.Trainer(model, loss=loss, optimizer=fastnn.optim.Adam(0.004), epochs=60, progress=False).fit(x, np.tile(y, 3))

grid = np.linspace(0, 3, 200)[:, None]
low, middle, high = model.predict(grid).T
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
axes.plot(x, y, ".", color="lightgrey", markersize=3)
axes.fill_between(grid[:, 0], low, high, alpha=0.3, label="10 to 90 %")
axes.plot(grid, middle, label="median")
axes.legend()

# %%
# On new points, four in five lie between the outer two.

x = rng.uniform(0, 3, (5000, 1))
y = np.sin(2 * x) + 0.25 * x * rng.standard_normal(x.shape)
low, _, high = model.predict(x).T
print(f"between them: {np.mean((y[:, 0] > low) & (y[:, 0] < high)):.3f}")
