"""
What a linear classifier looks for
==================================

Each column of a softmax network's weights, drawn as an image: bright where a pixel speaks for the class, dark where it
speaks against it. An L2 term makes them smooth.
"""

import fastnn
from fastnn import plots
from fastnn.layers import Dense

images, labels = fastnn.data.glyphs(5000, kind="digits", seed=0)
for l2 in (0.0, 0.05):
    model = fastnn.Sequential([Dense(10, l2=l2)], input_shape=(784,), input_scale=1 / 255)
    fastnn.Trainer(model, optimizer=fastnn.optim.Momentum(0.01), epochs=10, progress=False).fit(images, labels)
    names = [str(digit) for digit in range(10)]
    plots.weight_images(model.parameters["dense1.w"], (28, 28), names=names, columns=5, title=f"l2={l2}")
