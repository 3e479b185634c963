"""
Dropout, weight decay, and neither
==================================

Three networks on the same 500 letters: plain, with an L2 term on the weights, and with dropout. The distance between
the two curves of a panel is what the network learned by heart.
"""

import matplotlib.pyplot as plt

import fastnn
from fastnn import plots
from fastnn.layers import Dense, Dropout, ReLU

images, labels = fastnn.data.glyphs(500, seed=0)
test = fastnn.data.glyphs(1000, split="test", seed=0)
networks = {
    "plain": [Dense(200), ReLU(), Dense(10)],
    "L2 term": [Dense(200, l2=0.005), ReLU(), Dense(10, l2=0.005)],
    "dropout": [Dropout(0.2), Dense(200), ReLU(), Dropout(0.5), Dense(10)],
}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
for (name, layers), ax in zip(networks.items(), axes, strict=True):
    model = fastnn.Sequential(layers, input_shape=(784,), input_scale=1 / 255)
    trainer = fastnn.Trainer(model, optimizer="adam", epochs=60, progress=False)
    history = trainer.fit(images, labels, validation=test)
    plots.learning_curve({k: history.column(k) for k in ("loss", "val_loss")}, metric="loss", ax=ax, title=name)
    print(f"{name:8} {history.epochs[-1]['val_accuracy']:.3f} on new fonts")
