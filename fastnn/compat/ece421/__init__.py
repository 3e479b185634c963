"""The functions of the ECE421 hand-out: a network by hand, in which rows are samples.

``X`` is (N, D), weights are (D, K), targets are one-hot rows (N, K). Integer arrays count as float64 if there is no
floating array with them; otherwise dtypes are promoted as in NumPy. No function writes into its arguments.

``functions`` has the layers and losses, ``data`` the letters of notMNIST, ``graph`` the convolutional network of report
E, and ``game`` a game of letters against a network.
"""

from fastnn.compat.ece421.data import loadData
from fastnn.compat.ece421.functions import (
    CE,
    averageCE,
    computeLayer,
    convertOneHot,
    gradCE,
    relu,
    shuffle,
    softmax,
)
from fastnn.compat.ece421.game import playGame
from fastnn.compat.ece421.graph import Graph, buildGraph

__all__ = [
    "CE",
    "Graph",
    "averageCE",
    "buildGraph",
    "computeLayer",
    "convertOneHot",
    "gradCE",
    "loadData",
    "playGame",
    "relu",
    "shuffle",
    "softmax",
]
