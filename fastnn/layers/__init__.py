"""The layers, one small file a family."""

from fastnn.layers.activation import (
    ELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Softmin,
    Softshrink,
    Tanh,
    Tanhshrink,
)
from fastnn.layers.base import REGISTRY, Layer, Shape
from fastnn.layers.convolution import Conv2D
from fastnn.layers.dense import Dense
from fastnn.layers.shape import Flatten

__all__ = [
    "ELU",
    "REGISTRY",
    "Conv2D",
    "Dense",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "Shape",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softshrink",
    "Tanh",
    "Tanhshrink",
]
