"""The layers of a model: classes with shapes, parameters, a forward and a backward pass."""

from fastnn.layers.activation import *
from fastnn.layers.base import REGISTRY, Layer, Shape
from fastnn.layers.convolution import *
from fastnn.layers.dense import *
from fastnn.layers.dropout import *
from fastnn.layers.norm import *
from fastnn.layers.pool import *
from fastnn.layers.residual import *
from fastnn.layers.response_norm import *
from fastnn.layers.rising import *
from fastnn.layers.shape import *
from fastnn.layers.softmax import *
from fastnn.layers.standardize import *

__all__ = ["REGISTRY", "Layer", "Shape", *REGISTRY]  # every class that was imported has registered itself
