"""
Early stopping
==============

A network that is too large for its 300 images learns them by heart: the validation loss falls, then rises. The callback
ends the training after ten epochs without improvement and takes back the best weights.
"""

import fastnn
from fastnn.layers import Dense, ReLU

images, labels = fastnn.data.glyphs(300, seed=0)
model = fastnn.Sequential([Dense(400), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
stopping = fastnn.EarlyStopping("val_loss", patience=10)
trainer = fastnn.Trainer(model, optimizer="adam", epochs=200, callbacks=[stopping], progress=False)
history = trainer.fit(images, labels, validation=0.3)
figure = history.plot()
figure.axes[0].axvline(stopping.best_epoch, color="grey", linestyle=":")

# %%

print(f"ended after epoch {len(history)}, weights of epoch {stopping.best_epoch}")
