"""The CS189-style hand-out: layer functions, a fully connected network, a solver and files of predictions.

Its functions are those of CS231n, in ``layers``, ``layer_utils``, ``fast_layers``, ``optim``, ``gradient_check``,
``data_utils`` and ``vis_utils``. Its network, in ``classifiers.fc_net``, differs in three ways: its arguments have
another order, the pixels are raw (0 … 255), and each weight matrix is added to its own gradient, which is the gradient
of ½‖W‖², although that is not part of the loss. ``solver`` has the training loop.

Examples
--------
>>> import numpy as np
>>> from fastnn.compat.cs189 import FullyConnectedNet
>>> np.random.seed(0)
>>> model = FullyConnectedNet(input_dim=4, hidden_dim=[3], num_classes=2)
>>> model.loss(np.ones((5, 4))).shape
(5, 2)
"""

from fastnn.compat.cs189.classifiers.fc_net import FullyConnectedNet
from fastnn.compat.cs189.results import results_to_csv
from fastnn.compat.cs189.solver import Solver
from fastnn.compat.cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array, rel_error
from fastnn.compat.cs231n.layer_utils import affine_relu_backward, affine_relu_forward
from fastnn.compat.cs231n.layers import affine_backward, affine_forward, relu_backward, relu_forward, softmax_loss

__all__ = [
    "FullyConnectedNet",
    "Solver",
    "affine_backward",
    "affine_forward",
    "affine_relu_backward",
    "affine_relu_forward",
    "eval_numerical_gradient",
    "eval_numerical_gradient_array",
    "rel_error",
    "relu_backward",
    "relu_forward",
    "results_to_csv",
    "softmax_loss",
]
