"""
The boundary between two moons
==============================

What networks of one, four and 32 hidden units make of two crescents.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from fastnn.estimators import MLPClassifier

X, y = make_moons(500, noise=0.2, random_state=0)
across, up = np.meshgrid(np.linspace(-1.7, 2.7, 200), np.linspace(-1.3, 1.8, 200))
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
for units, ax in zip((1, 4, 32), axes, strict=True):
    net = MLPClassifier((units,), learning_rate_init=0.02, batch_size=50, max_iter=200, random_state=1).fit(X, y)
    certainty = net.predict_proba(np.column_stack([across.ravel(), up.ravel()]))[:, 1].reshape(across.shape)
    ax.contourf(across, up, certainty, levels=20, cmap="RdBu", alpha=0.7)
    ax.contour(across, up, certainty, levels=[0.5], colors="black")
    ax.scatter(*X.T, c=y, cmap="RdBu", edgecolors="black", linewidths=0.3, s=12)
    ax.set_title(f"{units} hidden units: {net.score(X, y):.3f}")
