"""The network class of the IFT6135 hand-out: a multilayer perceptron by hand, rows are samples.

A data set is a pair (inputs (N, D), labels (N,)). The loss is the mean of -log(p + 1e-8), so that no sample counts
more than 18.42 nats; its gradient is taken as softmax minus target, that of -log p, as the hand-out has it. Everything
is float64.
"""

from fastnn.compat.ift6135.helpers import accuracy, data_iter, glorot
from fastnn.compat.ift6135.network import NN
from fastnn.data import one_hot

__all__ = ["NN", "accuracy", "data_iter", "glorot", "one_hot"]
