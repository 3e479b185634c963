"""
How much of a difference is chance?
===================================

Ten folds and ten seeds for each of two rates: two hundred trainings as one population. The spread says which
differences between two settings mean something.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn.layers import Dense, ReLU

images, labels = fastnn.data.glyphs(600, seed=0)
model = fastnn.Sequential([Dense(24), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
folds = [np.arange(600) % 10 != fold for fold in range(10)]
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for rate in (0.0005, 0.003):
    population = fastnn.fit_many(
        model,
        images,
        labels,
        seeds=[seed for seed in range(10) for _ in folds],
        rows=folds * 10,
        validation="rest",
        optimizer=fastnn.optim.Adam(rate),
        epochs=12,
        progress=False,
    )
    accuracy = population.column("val_accuracy")[-1]
    print(f"rate {rate}: {accuracy.mean():.3f} ± {accuracy.std():.3f} over {len(accuracy)} trainings")
    axes.hist(accuracy, bins=np.linspace(0.4, 1, 31), alpha=0.6, label=f"rate {rate}")
axes.set(xlabel="accuracy on the fold that was left out", ylabel="trainings")
axes.legend()
