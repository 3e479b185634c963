"""Study 6: notMNIST, a wide network by hand and a convolutional network."""

from typing import Any

from fastnn.studies.letters import conv, dense, game
from fastnn.studies.sources import NOTMNIST
from fastnn.studies.study import Study

study = Study(
    "letters",
    "Letters in many typefaces: a wide network and a convolutional network",
    NOTMNIST,
    "The letters A to J of notMNIST, 28 × 28 pixels in [0, 1]; the report trains on 10,000 images, validates on 6,000 "
    "and tests on 2,724. The first network has one wide hidden layer and uses all images in every step; the second is "
    "convolutional. The reported numbers come from course report E.",
)

_QUICK = {"sizes": (2_000, 500, 500), "epochs": 20}

study.part("The helpers and the gradient", cost=0.1)(dense.helpers).shows(dense.show_helpers)
study.part("A wide network by hand", cost=60, sizes=(10_000, 6_000, 2_724), hidden=1000, epochs=200, rate=1e-5,
           momenta=(0.95, 0.9, 0.99), quick={**_QUICK, "hidden": 200, "rate": 5e-5, "momenta": (0.95,)})(
    dense.wide
).shows(dense.show_wide)  # fmt: skip
study.part("Width", cost=70, sizes=(10_000, 6_000, 2_724), widths=(100, 500, 2000), epochs=200, rate=1e-5,
           quick={**_QUICK, "widths": (50, 200), "rate": 5e-5})(dense.width).shows(dense.show_width)  # fmt: skip
_CONV: dict[str, Any] = {"sizes": (10_000, 6_000, 2_724), "filters": 32, "hidden": 784, "epochs": 50, "batch": 32}
_QUICK_CONV = {"sizes": (640, 300, 300), "hidden": 128, "epochs": 2}
study.part("A convolutional network", cost=200, **_CONV, quick=_QUICK_CONV)(conv.conv).shows(conv.show_conv)
study.part("The L2 term", cost=600, **_CONV, factors=(0.01, 0.1, 0.5), quick=_QUICK_CONV)(conv.l2).shows(conv.show_l2)
study.part("Dropout", cost=600, **_CONV, keeps=(0.9, 0.75, 0.5), quick=_QUICK_CONV)(conv.dropout).shows(
    conv.show_dropout
)
study.part("The test letters, and the errors", cost=0.5, needs=("wide",), shown=60)(dense.letters).shows(
    dense.show_letters
)
study.part("Guess the letter", cost=3, sizes=(10_000, 6_000, 2_724), hidden=100, epochs=20, batch=64, shown=120,
           quick={"sizes": (2_000, 500, 500), "epochs": 10})(game.game).shows(game.show_game)  # fmt: skip
