"""
Eight optimisers on the same batches
====================================

The seed decides the first weights and the order of the samples, so that all curves begin at the same point and see the
same batches. Only the update differs.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn.layers import Dense, ReLU

images, labels = fastnn.data.glyphs(3000, seed=0)
optimizers = {
    "SGD": fastnn.optim.SGD(0.1),
    "momentum": fastnn.optim.Momentum(0.02),
    "Nesterov": fastnn.optim.Nesterov(0.02),
    "Adagrad": fastnn.optim.Adagrad(0.02),
    "RMSProp": fastnn.optim.RMSProp(0.001),
    "Adam": fastnn.optim.Adam(0.002),
    "AdamW": fastnn.optim.AdamW(0.002),
    "Lion": fastnn.optim.Lion(0.0003),
}
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, optimizer in optimizers.items():
    model = fastnn.Sequential([Dense(100), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255, seed=1)
    history = fastnn.Trainer(model, optimizer=optimizer, epochs=5, progress=False).fit(images, labels)
    smooth = np.convolve(history.steps, np.ones(15) / 15, "valid")
    axes.plot(smooth, label=name)
    print(f"{name:10} loss of the last epoch {history.epochs[-1]['loss']:.3f}")
axes.set(xlabel="step", ylabel="loss (nats), mean of 15 steps", yscale="log")
axes.legend(ncols=2)
