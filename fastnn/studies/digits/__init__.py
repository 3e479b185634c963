"""Study 1: a softmax network on MNIST, by hand."""

from fastnn.studies.digits import contours, descents, full_batch, gradient, images, momentum, speed
from fastnn.studies.sources import MNIST
from fastnn.studies.study import Study

study = Study(
    "digits",
    "A softmax network on handwritten digits, by hand",
    MNIST,
    "A linear layer followed by a softmax: checks of the gradient, the effect of momentum, and the time that "
    "back-propagation saves. The cost is the sum (not the mean) of -log p over the images of a batch; gradients and "
    "learning rates refer to this sum. The reported numbers come from two course reports, A and B; those called re-run "
    "come from an independent implementation that repeated what the reports describe.",
)

study.part("The images", cost=0.2)(images.data).shows(images.show_data)
study.part("The forward pass", cost=0.1, images=1000)(images.forward).shows(images.show_forward)
study.part(
    "The gradient, checked three ways", cost=12, images=200, weights=7850, quick={"images": 50, "weights": 1570}
)(gradient.gradient).shows(gradient.show_gradient)
study.part("Learning rates", cost=10, steps=2000, batch=128, train=None, quick={"steps": 300, "train": 10_000})(
    descents.rates
).shows(descents.show_rates)
study.part(
    "Mini-batch descent", cost=15, passes=40, rate=1e-3, batch=128, train=None, quick={"passes": 6, "train": 10_000}
)(descents.descent).shows(descents.show_descent)
study.part(
    "Full-batch descent, with and without momentum",
    cost=35,
    iterations=500,
    rate=1e-6,
    train=None,
    quick={"iterations": 60, "train": 10_000},
)(full_batch.full_batch).shows(full_batch.show_full_batch)
study.part(
    "Momentum",
    cost=6,
    rate=1e-3,
    too_high=1e-2,
    steps=1000,
    every=10,
    train=None,
    quick={"steps": 500, "train": 10_000},
)(momentum.momentum).shows(momentum.show_momentum)
study.part(
    "The cost over two weights",
    cost=12,
    needs=("descent",),
    steps=20,
    train=None,
    grid=61,
    quick={"train": 10_000, "grid": 31},
)(contours.contours).shows(contours.show_contours)
study.part(
    "What back-propagation saves",
    cost=12,
    updates=3,
    batch=128,
    units=(2, 3, 4, 6, 8, 12),
    layers=(3, 4, 5, 6),
    quick={"updates": 1, "batch": 32, "units": (2, 3, 4, 6), "layers": (3, 4, 5)},
)(speed.speed).shows(speed.show_speed)
