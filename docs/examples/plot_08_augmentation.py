"""
Augmented images
================

Images are shifted, turned, scaled and deformed anew in every epoch. What an image becomes depends on the seed, the
epoch and its number alone.
"""

import fastnn
from fastnn import plots
from fastnn.data import Augmentation
from fastnn.layers import Dense, ReLU

images, labels = fastnn.data.glyphs(400, kind="digits", seed=3)
augment = Augmentation(shift=2, rotate=15, scale=0.1, elastic=2)
pictures = [augment(images[:8], epoch=epoch) for epoch in range(4)]
plots.image_grid(
    [image for group in [images[:8], *pictures] for image in group],
    columns=8,
    title="Eight digits, and what they are in four epochs",
)

# %%
# With few images to learn from, it helps with fonts that were not seen.

test = fastnn.data.glyphs(1000, kind="digits", split="test", seed=3)
for augmentation in (None, augment):
    model = fastnn.Sequential([Dense(100), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
    trainer = fastnn.Trainer(model, optimizer="adam", epochs=40, augmentation=augmentation, progress=False)
    trainer.fit(images, labels)
    print("with" if augmentation else "without", "augmentation:", round(model.evaluate(*test)["accuracy"], 3))
