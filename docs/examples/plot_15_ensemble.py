"""
Two hundred networks at once
============================

`fit_many` trains networks of one architecture side by side. Here each member gets a sample of the points with repeats
(bootstrap); where there are no points, their curves spread.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn.layers import Dense, Tanh

rng = np.random.default_rng(0)
x = np.sort(np.concatenate([rng.uniform(-3, -1, 60), rng.uniform(0.5, 3, 60)]))[:, None]
y = np.sin(2 * x) + 0.1 * rng.standard_normal(x.shape)
model = fastnn.Sequential([Dense(20), Tanh(), Dense(20), Tanh(), Dense(1)], input_shape=(1,))
rows = [rng.integers(0, len(x), len(x)) for _ in range(200)]
begin = time.perf_counter()
population = fastnn.fit_many(
    model, x, y, seeds=range(200), rows=rows, loss="mse", optimizer=fastnn.optim.Adam(0.01), epochs=300, progress=False
)
print(f"{len(population)} networks, {200 * 300 * 4:,} steps in {time.perf_counter() - begin:.1f} s")

grid = np.linspace(-4, 4, 300)[:, None]
outputs = population.outputs(grid)[..., 0]
mean, deviation = outputs.mean(0), outputs.std(0)
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
axes.fill_between(grid[:, 0], mean - 2 * deviation, mean + 2 * deviation, alpha=0.3, label="two deviations")
axes.plot(grid, mean, label="mean of 200")
axes.plot(x, y, "k.", markersize=4, label="points")
axes.set_ylim(-3, 3)
axes.legend()
