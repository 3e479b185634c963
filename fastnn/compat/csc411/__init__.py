"""A softmax network by hand: the functions of the CSC411 hand-out, in which columns are cases.

``X`` is (D, N) with one case in each column and, as its last or first row, ones for the bias; ``Y`` is (C, N) with
one-hot columns; ``W`` is (D, C). The network is ``P = softmax(W.T @ X)``, and the cost is the **sum** over cases of
-log p, in nats. Everything is plain NumPy with the formulas of the hand-out. These compute exp(y) / sum(exp(y)) without
a shift, so logits above about 709 overflow float64 and give NaN, which does not happen in
``fastnn.functional.softmax_loss``.

Integer and boolean arrays count as float64 if there is no floating array with them; otherwise dtypes are promoted as in
NumPy. No function but `update_every_weight` writes into its
arguments.

``network`` has the network, its cost and its gradient; ``checks`` has the finite differences of the reports, including
the check that checks nothing; ``batches``, ``descent``, ``in_place`` and ``full_batch`` have gradient descent.
"""

from fastnn.compat.csc411.batches import next_batch, shuffle_input
from fastnn.compat.csc411.checks import (
    finite_difference,
    finite_difference_case,
    finite_difference_table,
    negLogLossGrad_FiniteDifference,
    shift_all_weights_check,
)
from fastnn.compat.csc411.descent import gradient_descent, sgd, sgd_momentum
from fastnn.compat.csc411.full_batch import part5_gradient_descent
from fastnn.compat.csc411.in_place import gradient_descend, update_every_weight
from fastnn.compat.csc411.network import NLL, SimpleNetwork, df, forward, negLogLossGrad, softmax

__all__ = [
    "NLL",
    "SimpleNetwork",
    "df",
    "finite_difference",
    "finite_difference_case",
    "finite_difference_table",
    "forward",
    "gradient_descend",
    "gradient_descent",
    "negLogLossGrad",
    "negLogLossGrad_FiniteDifference",
    "next_batch",
    "part5_gradient_descent",
    "sgd",
    "sgd_momentum",
    "shift_all_weights_check",
    "shuffle_input",
    "softmax",
    "update_every_weight",
]
