"""The classifiers of the hand-out, each in a module of the hand-out's name.

``fc_net`` and ``neural_net`` each have a `TwoLayerNet`; the one here is that of ``fc_net``.
"""

from fastnn.compat.cs231n.classifiers.cnn import ThreeLayerConvNet
from fastnn.compat.cs231n.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from fastnn.compat.cs231n.classifiers.k_nearest_neighbor import KNearestNeighbor
from fastnn.compat.cs231n.classifiers.linear_classifier import (
    LinearClassifier,
    LinearSVM,
    Softmax,
    softmax_loss_naive,
    softmax_loss_vectorized,
    svm_loss_naive,
    svm_loss_vectorized,
)

__all__ = [
    "FullyConnectedNet",
    "KNearestNeighbor",
    "LinearClassifier",
    "LinearSVM",
    "Softmax",
    "ThreeLayerConvNet",
    "TwoLayerNet",
    "softmax_loss_naive",
    "softmax_loss_vectorized",
    "svm_loss_naive",
    "svm_loss_vectorized",
]
