"""The networks of the hand-out: ``fc_net``, ``cnn`` and ``linear_classifier``."""

from fastnn.compat.cs231n.classifiers.cnn import ThreeLayerConvNet
from fastnn.compat.cs231n.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from fastnn.compat.cs231n.classifiers.linear_classifier import LinearClassifier, LinearSVM, Softmax

__all__ = ["FullyConnectedNet", "LinearClassifier", "LinearSVM", "Softmax", "ThreeLayerConvNet", "TwoLayerNet"]
