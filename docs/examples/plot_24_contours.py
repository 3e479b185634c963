"""
Descent seen from above
=======================

The cost over two of a trained network's weights, and the paths of plain descent and of momentum across it.
"""

import numpy as np

import fastnn
from fastnn import plots
from fastnn.layers import Dense

images, labels = fastnn.data.glyphs(1000, seed=0)
model = fastnn.Sequential([Dense(10)], input_shape=(784,), input_scale=1 / 255, dtype="float64")
fastnn.Trainer(model, optimizer="adam", epochs=20, progress=False).fit(images, labels)
w = model.parameters["dense1.w"]
busiest = np.argsort(images.reshape(1000, -1).mean(0))[-40:]
places = [(busiest[-1], 2), (busiest[0], 2)]
best = np.array([w[place] for place in places])


def cost(*values: float) -> float:
    """The loss with two weights set to these values."""
    for place, value in zip(places, values, strict=True):
        w[place] = value
    return model.evaluate(images, labels)["loss"]


def slope(values: np.ndarray, h: float = 1e-4) -> np.ndarray:
    """The gradient with respect to the two weights, by central differences."""
    return np.array([(cost(*(values + h * e)) - cost(*(values - h * e))) / (2 * h) for e in np.eye(2)])


x, y = best[0] + np.linspace(-4, 4, 25), best[1] + np.linspace(-4, 4, 25)
surface = plots.cost_grid(cost, x, y)
paths = {}
for name, rate, momentum in (("plain", 120.0, 0.0), ("momentum", 60.0, 0.5)):
    at, speed = best + np.array([-3.5, 1.0]), np.zeros(2)
    path = [at]
    for _ in range(15):
        speed = momentum * speed - rate * slope(at)
        at = at + speed
        path.append(at)
    paths[name] = np.array(path)
plots.contour(x, y, surface, paths)
