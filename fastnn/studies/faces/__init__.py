"""Study 2: a small fully connected network on faces."""

from fastnn.studies.faces import choice, curves, sweeps, units
from fastnn.studies.faces.images import FACES
from fastnn.studies.study import Study

study = Study(
    "faces",
    "A small fully connected network on faces",
    FACES,
    "Who is in the picture? A network with one hidden layer on small images: the effect of its settings, how to choose "
    "its size without bias, and what its hidden units respond to. The reported numbers come from two course reports, A "
    "and B, on colour photos of six actors that are no longer available.",
)

study.part("The images", cost=0.3, side=28)(curves.data).shows(curves.show_data)
study.part("Report B's network", cost=1, side=28, hidden=70, steps=500, batch=60, splits=5, quick={"splits": 2})(
    curves.network
).shows(curves.show_network)
study.part("Report A's network", cost=3, side=28, hidden=12, iterations=10_000, batch=60, quick={"iterations": 1_000})(
    curves.small
).shows(curves.show_small)
study.part("Choosing on the test set, and choosing on the validation set", cost=20, side=28,
           sizes=(2, 4, 6, 8, 12, 16, 24, 35, 50, 70, 100), steps=1000, splits=10,
           quick={"sizes": (4, 12, 50, 100), "steps": 300, "splits": 3})(
    choice.choice
).shows(choice.show_choice)  # fmt: skip
study.part("Hidden units", cost=3, side=28, sizes=(2, 4, 6, 12, 25, 50, 70, 100, 200), steps=500, splits=5,
           quick={"sizes": (4, 12, 70), "splits": 1})(sweeps.hidden).shows(sweeps.show_hidden)  # fmt: skip
study.part("Resolution", cost=4, sides=(14, 24, 28, 32, 64), sizes=(70, 200), steps=500, splits=5,
           quick={"sides": (14, 28), "splits": 1})(sweeps.resolution).shows(sweeps.show_resolution)  # fmt: skip
study.part("Activation", cost=4, side=28, sizes=(6, 50), steps=500, splits=5, quick={"steps": 200, "splits": 1})(
    sweeps.activation
).shows(sweeps.show_activation)
study.part("Initial weights", cost=3, side=28, hidden=70, steps=500, splits=5, quick={"splits": 1})(
    sweeps.first_weights
).shows(sweeps.show_first_weights)
study.part("Optimiser", cost=3, side=28, hidden=70, steps=500, splits=5, quick={"splits": 1})(sweeps.optimiser).shows(
    sweeps.show_optimiser
)
study.part("Loss", cost=2, side=28, hidden=70, steps=500, splits=5, quick={"splits": 1})(sweeps.loss).shows(
    sweeps.show_loss
)
study.part("What the hidden units respond to", cost=1, side=28, hidden=70, steps=500, people_shown=6)(
    units.units
).shows(units.show_units)
