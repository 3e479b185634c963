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
from fastnn.layers.dropout import Dropout
from fastnn.layers.norm import BatchNorm, GroupNorm, LayerNorm, LocalResponseNorm
from fastnn.layers.pool import AvgPool2D, GlobalAvgPool2D, GlobalMaxPool2D, MaxPool2D
from fastnn.layers.residual import Residual
from fastnn.layers.shape import Flatten, Reshape

__all__ = [
    "ELU",
    "REGISTRY",
    "AvgPool2D",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool2D",
    "ReLU",
    "Reshape",
    "Residual",
    "Shape",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softshrink",
    "Tanh",
    "Tanhshrink",
]
