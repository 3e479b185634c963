"""
What is mistaken for what
=========================

A confusion matrix, and the images behind its wrong cells. The test letters have fonts that the training did not see.
"""

import fastnn
from fastnn import plots
from fastnn.layers import Dense, ReLU

data = fastnn.data.load("glyphs", train=4000, test=1000)
model = fastnn.Sequential([Dense(100), ReLU(), Dense(10)], input_shape=(784,), input_scale=data.scale)
fastnn.Trainer(model, optimizer="adam", batch_size=64, epochs=8, progress=False).fit(*data.train)
predicted = model.predict(data.test_images)
plots.confusion_matrix(data.test_labels, predicted, data.class_names)

# %%
# Each image says its true class and the predicted one.

plots.wrong_predictions(data.test_images, data.test_labels, predicted, data.class_names, most=24)

# %%
# The same by class, as numbers:

print(fastnn.metrics.per_class(data.test_labels, predicted, data.class_names))
