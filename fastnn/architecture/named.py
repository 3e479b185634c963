"""Networks with a name, as lists of layers for a given number of classes."""

from __future__ import annotations

from collections.abc import Callable

from fastnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D, ReLU


def lenet5(classes: int) -> list[Layer]:
    """LeNet-5 after LeCun et al. (1998): two convolutions and three dense layers, with ReLU and max-pooling."""
    return [
        *(Conv2D(6, 5, pad="same"), ReLU(), MaxPool2D(2)),
        *(Conv2D(16, 5), ReLU(), MaxPool2D(2)),
        *(Flatten(), Dense(120), ReLU(), Dense(84), ReLU(), Dense(classes)),
    ]


def letters_cnn(classes: int, dropout: float = 0.0) -> list[Layer]:
    """One convolution with batch normalisation and a dense layer of 784 units, for letters of 28 x 28 pixels.

    The normalisation has no scale and shift, and uses the statistics of the batch at evaluation too. `dropout` is the
    share of the 784 units that is dropped.
    """
    init = "glorot_truncated_normal"
    return [
        *(Conv2D(32, 3, pad="same", init=init, bias_init=init), ReLU()),
        *(BatchNorm(affine=False, track=False), MaxPool2D(2), Flatten()),
        Dense(784, init=init, bias_init=init),
        *([Dropout(dropout)] if dropout else []),
        *(ReLU(), Dense(classes, init=init, bias_init=init)),
    ]


def alexnet(classes: int, dropout: float = 0.5) -> list[Layer]:
    """AlexNet (Krizhevsky, Sutskever & Hinton, 2012) as simplified by Krizhevsky (2014), for 3 x 224 x 224 images."""
    from fastnn.alexnet.form import FORMS  # here, because what comes with it takes a tenth of all imports
    from fastnn.alexnet.network import layers_of

    return layers_of(FORMS["torchvision"].steps(classes=classes, dropout=dropout))


NETWORKS: dict[str, Callable[[int], list[Layer]]] = {
    "lenet5": lenet5,
    "letters-cnn": letters_cnn,
    "alexnet": alexnet,
}
