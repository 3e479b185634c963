"""
Are 90 % really 90 %?
=====================

The stated certainty of predictions beside the share of right ones. A network that learned its training set by heart is
too sure of itself.
"""

import fastnn
from fastnn import plots
from fastnn.layers import Dense, ReLU

data = fastnn.data.load("glyphs", train=1500, test=3000)
model = fastnn.Sequential([Dense(200), ReLU(), Dense(10)], input_shape=(784,), input_scale=data.scale)
fastnn.Trainer(model, optimizer="adam", epochs=40, progress=False).fit(*data.train)
probabilities = model.predict_proba(data.test_images)
curve = fastnn.metrics.reliability_curve(data.test_labels, probabilities)
plots.reliability(curve.certainty, curve.right, curve.number)

# %%

print(f"accuracy          {fastnn.metrics.accuracy(data.test_labels, probabilities):.3f}")
print(f"calibration error {fastnn.metrics.calibration_error(data.test_labels, probabilities):.3f}")
print(f"log loss          {fastnn.metrics.log_loss(data.test_labels, probabilities):.3f}")
