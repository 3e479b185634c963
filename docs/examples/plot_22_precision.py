"""
What float32 costs
==================

The same training in float32 and in float64: the same first weights (rounded), the same batches. The losses part slowly,
as rounding errors grow; what is learned is the same.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn.layers import Dense, Tanh

images, labels = fastnn.data.glyphs(2000, seed=0)
histories = {}
for dtype in ("float32", "float64"):
    model = fastnn.Sequential([Dense(100), Tanh(), Dense(10)], input_shape=(784,), input_scale=1 / 255, dtype=dtype)
    trainer = fastnn.Trainer(model, optimizer=fastnn.optim.Momentum(0.02), epochs=10, progress=False)
    histories[dtype] = trainer.fit(images, labels)
single, double = (histories[dtype].steps for dtype in ("float32", "float64"))
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.semilogy(np.abs(single - double) / double, ".", markersize=3)
axes.axhline(2.0**-24, color="grey", linestyle=":", label="rounding unit of float32")
axes.set(xlabel="step", ylabel="relative difference of the losses")
axes.legend()
print({dtype: round(float(history.epochs[-1]["loss"]), 6) for dtype, history in histories.items()})
