"""Study 6: notMNIST, a wide network by hand and a convolutional network."""

from fastnn.studies.letters import dense
from fastnn.studies.sources import NOTMNIST
from fastnn.studies.study import Study

study = Study(
    "letters",
    "Letters in many typefaces: a wide network, and a convolutional one",
    NOTMNIST,
    "The letters A to J of notMNIST, 28 × 28 pixels in [0, 1]: 10,000 images to train, 6,000 to validate, 2,724 to "
    "test. First one wide hidden layer, all images in every step; then a convolutional network. Reported numbers come "
    "from course report E.",
)

_QUICK = {"sizes": (2_000, 500, 500), "epochs": 20}

study.part("The helpers and the gradient", cost=0.1)(dense.helpers).shows(dense.show_helpers)
study.part("A wide network by hand", cost=60, sizes=(10_000, 6_000, 2_724), hidden=1000, epochs=200, rate=1e-5,
           momenta=(0.95, 0.9, 0.99), quick={**_QUICK, "hidden": 200, "rate": 5e-5, "momenta": (0.95,)})(
    dense.wide
).shows(dense.show_wide)  # fmt: skip
study.part("Width", cost=70, sizes=(10_000, 6_000, 2_724), widths=(100, 500, 2000), epochs=200, rate=1e-5,
           quick={**_QUICK, "widths": (50, 200), "rate": 5e-5})(dense.width).shows(dense.show_width)  # fmt: skip
study.part("The test letters, and those got wrong", cost=0.5, needs=("wide",), shown=60)(dense.letters).shows(
    dense.show_letters
)
