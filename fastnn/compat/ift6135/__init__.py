"""The network class of the IFT6135 hand-out: a multilayer perceptron by hand, in which rows are samples.

A data set is a pair (inputs (N, D), labels (N,)). The loss is the mean of -log(p + 1e-8), so that no sample counts
more than 18.42 nats. Its gradient is computed as softmax minus target, which is that of -log p, as in the hand-out.
Everything is float64.
"""

from fastnn.compat.ift6135.helpers import accuracy, data_iter, glorot
from fastnn.compat.ift6135.network import NN
from fastnn.data import one_hot

__all__ = ["NN", "accuracy", "data_iter", "glorot", "one_hot"]
