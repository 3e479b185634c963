"""The network of the hand-out, in ``fc_net``."""

from fastnn.compat.cs189.classifiers.fc_net import FullyConnectedNet

__all__ = ["FullyConnectedNet"]
