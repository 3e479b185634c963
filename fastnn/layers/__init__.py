"""The layers of a model: classes with shapes, parameters, a forward and a backward pass.

A layer of your own is a subclass of `Layer`. One with a parameter has six short parts. `Gain` multiplies every value of
a sample by a factor that is learned:

>>> import fastnn
>>> from fastnn import init
>>> from fastnn.layers import Dense, Layer, ReLU
>>> from fastnn.parameter import Parameter
>>> class Gain(Layer):
...     '''out = x s, with one factor s for each value of a sample.'''
...
...     kind = "gain"  # in a model it is called gain1, gain2, …
...
...     def __init__(self, init="ones"):
...         self.init = init
...
...     def config(self):  # the constructor's arguments, for model files
...         return {"init": self.init}
...
...     def build(self, input_shape):  # shapes without the batch; returns the shape of a sample's output
...         self.s = Parameter("s", input_shape, init.get(self.init))
...         return super().build(input_shape)  # the output has the shape of the input
...
...     @property
...     def parameters(self):  # all that is trained
...         return (self.s,)
...
...     def forward(self, ops, x, training):  # returns the output and what backward needs
...         return x * self.s.value, x
...
...     def backward(self, ops, dout, x, need_dx):  # writes the parameters' gradients, returns that of the input
...         if not self.frozen:
...             gradient = (dout * x).sum(axis=0)
...             self.s.grad[...] = self.s.grad + gradient if ops.beta else gradient  # a batch may come in parts
...         return dout * self.s.value if need_dx else None

The gradients are checked against finite differences before anything is trained:

>>> from fastnn.gradcheck import check_layer
>>> check_layer(Gain(), (3,)).passed
True

A model takes it as any other layer, and saves it; `fastnn.load` needs the class to be defined. It computes with NumPy,
so that the training goes layer by layer and a warning says so. A layer that computes with the kernels of `ops` alone
(``ops.empty`` makes an array, ``ops.activation_forward(x, out, …)`` fills it), as those of fastnn do, is compiled.

>>> x, y = fastnn.data.glyphs(500, seed=0)
>>> model = fastnn.Sequential([Gain(), Dense(32), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
>>> trainer = fastnn.Trainer(model, optimizer="adam", epochs=8, compile=False)
>>> bool(trainer.fit(x, y).epochs[-1]["accuracy"] > 0.5)
True
>>> model.parameters["gain1.s"].shape
(784,)
"""

from typing import NoReturn

from fastnn.keywords import no_attribute
from fastnn.layers.activation import *
from fastnn.layers.base import REGISTRY, Layer, Shape
from fastnn.layers.convolution import *
from fastnn.layers.custom import *
from fastnn.layers.custom_elementwise import *
from fastnn.layers.dense import *
from fastnn.layers.dropout import *
from fastnn.layers.embedding import *
from fastnn.layers.gated import *
from fastnn.layers.norm import *
from fastnn.layers.pool import *
from fastnn.layers.prelu import *
from fastnn.layers.residual import *
from fastnn.layers.response_norm import *
from fastnn.layers.rising import *
from fastnn.layers.shape import *
from fastnn.layers.softmax import *
from fastnn.layers.standardize import *

__all__ = ["REGISTRY", "Layer", "Shape", *REGISTRY]  # every class that was imported has registered itself


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(no_attribute(__name__, name, __all__))
