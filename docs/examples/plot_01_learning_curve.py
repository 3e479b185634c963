"""
A training and its learning curve
=================================

A network learns letters that fastnn draws itself. `fit` returns the figures of every epoch, which draw themselves.
"""

import fastnn
from fastnn.layers import Dense, ReLU

data = fastnn.data.load("glyphs", train=3000, test=500)
model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,), input_scale=data.scale)
trainer = fastnn.Trainer(model, optimizer=fastnn.optim.Adam(0.002), batch_size=64, epochs=15, seed=0)
history = trainer.fit(*data.train, validation=data.test)
history.plot()

# %%
# The last epoch, and the model itself:

last = history.epochs[-1]
print({name: round(value, 4) for name, value in last.items() if name != "seconds"})
print(model.summary())
