"""
A convolutional network and its filters
=======================================

Two convolutions, each followed by pooling, and a dense layer. The first layer's filters are drawn after the training.
"""

import fastnn
from fastnn import plots
from fastnn.layers import BatchNorm, Conv2D, Dense, Flatten, MaxPool2D, ReLU

data = fastnn.data.load("glyphs", train=4000, test=1000)
layers = [Conv2D(16, 5, pad="same"), BatchNorm(), ReLU(), MaxPool2D(2), Conv2D(32, 3), ReLU(), MaxPool2D(2)]
model = fastnn.Sequential([*layers, Flatten(), Dense(10)], input_shape=(1, 28, 28), input_scale=data.scale)
trainer = fastnn.Trainer(model, optimizer="adam", batch_size=64, epochs=4, progress=False)
history = trainer.fit(*data.train, validation=data.test)
print(f"accuracy on fonts that it has not seen: {history.epochs[-1]['val_accuracy']:.3f}")
plots.filters(model.parameters["conv1.w"], columns=8, title="The 16 filters of the first convolution")

# %%
# What these filters make of one letter: the outputs of the first pool.

pooled = model.features(data.test_images[:1], at="max_pool1")
plots.image_grid(pooled[0], columns=8, title="An image after the first pool")
