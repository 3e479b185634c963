"""
Learning rates over time
========================

A schedule is a factor on the optimiser's rate. `Trainer` takes an object, or a text as on the command line.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastnn.schedules import Cosine, Exponential, OneCycle, Step, WarmUp

schedules = {
    "Exponential(0.8)": Exponential(0.8),
    "Step(3, 0.5)": Step(3, 0.5),
    "Cosine(10)": Cosine(10),
    "WarmUp(2, Cosine(10))": WarmUp(2, Cosine(10)),
    "OneCycle(10)": OneCycle(10),
}
epochs = np.linspace(0, 9.99, 300)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, schedule in schedules.items():
    by_epoch = name.startswith(("Exponential", "Step", "Cosine"))  # these change between epochs only
    axes.plot(epochs, [schedule.factor(np.floor(e) if by_epoch else e) for e in epochs], label=name)
axes.set(xlabel="epoch", ylabel="factor on the rate")
axes.legend()

# %%
# Every row of the history has the rate of the epoch's last step.

import fastnn
from fastnn.layers import Dense

images, labels = fastnn.data.glyphs(1000, seed=0)
model = fastnn.Sequential([Dense(10)], input_shape=(784,), input_scale=1 / 255)
trainer = fastnn.Trainer(model, optimizer=fastnn.optim.Adam(0.01), schedule="warmup:2+cosine", epochs=8, progress=False)
print(trainer.fit(images, labels).column("learning_rate").round(5))
