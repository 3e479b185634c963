"""Study 5: initialisation, sizes and gradient validation of a 784-666-666-10 network."""

from fastnn.studies.init import differences, search, starts
from fastnn.studies.sources import MNIST
from fastnn.studies.study import Study

study = Study(
    "init",
    "Initial weights, settings, and the check of a deep network's gradient",
    MNIST,
    "A network with two hidden layers on MNIST with pixels in [0, 1]. Course report D, from which the reported numbers "
    "come, has 784-666-666-10 units, trains on the first 50,000 images and validates on the last 10,000 of the "
    "training file. Biases start at zero, the gradient is the mean over a batch, and the batches are fixed groups of "
    "neighbouring images in shuffled order.",
)

study.part(
    "Zero, normal and Glorot weights",
    cost=60,
    epochs=10,
    batch=200,
    hidden=666,
    train=50_000,
    activations=("relu", "sigmoid"),
    quick={"epochs": 3, "train": 5_000, "hidden": 200},
)(starts.starts).shows(starts.show_starts)
study.part(
    "Normal weights at a larger rate",
    cost=5,
    epochs=2,
    batch=200,
    hidden=666,
    train=50_000,
    quick={"train": 5_000, "hidden": 200},
)(starts.normal).shows(starts.show_normal)
study.part(
    "A search for 97 %",
    cost=70,
    epochs=10,
    hidden=666,
    train=50_000,
    rates=(0.03, 0.1, 0.3),
    batches=(50, 100),
    quick={"epochs": 2, "train": 5_000, "hidden": 200, "rates": (0.1, 0.3), "batches": (50,)},
)(search.search).shows(search.show_search)
study.part("The gradient against finite differences", cost=1, hidden=666, quick={"hidden": 200})(
    differences.differences
).shows(differences.show_differences)
