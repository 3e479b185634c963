"""
Finding a learning rate
=======================

A copy of the model is trained while the rate grows at every step. Where the loss falls fastest is a good first guess.
"""

import fastnn
from fastnn.layers import Dense, ReLU

images, labels = fastnn.data.glyphs(3000, seed=0)
model = fastnn.Sequential([Dense(100), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
trainer = fastnn.Trainer(model, optimizer="adam", batch_size=64, epochs=5, progress=False)
found = fastnn.find_learning_rate(trainer, images, labels)
found.plot()

# %%
# The model itself was not touched: it is trained with the rate that was found.

trainer = fastnn.Trainer(model, optimizer=fastnn.optim.Adam(found.suggestion), batch_size=64, epochs=5, progress=False)
history = trainer.fit(images, labels)
print(f"rate {found.suggestion:.4f}, accuracy after 5 epochs {history.epochs[-1]['accuracy']:.3f}")
