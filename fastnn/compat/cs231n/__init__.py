"""The CS231n hand-out: its modules, names, arguments and return values, computed by `fastnn.functional`.

A notebook of the course runs when its import lines are changed::

    from cs231n.layers import *               →  from fastnn.compat.cs231n.layers import *
    from cs231n.classifiers.fc_net import *   →  from fastnn.compat.cs231n.classifiers.fc_net import *

``layers``, ``layer_utils``, ``fast_layers`` and ``im2col`` have the functions, ``classifiers`` the networks, ``optim``
the update rules, ``solver`` the training loop, ``gradient_check`` the numerical gradients.

Arrays of different float dtypes are promoted as in NumPy; integers count as float64. The conventions are those of the
hand-out: p of a dropout is the fraction that is KEPT, running averages keep the fraction `momentum` of their old value,
variances are divided by N, and losses are means over the batch. Caches refer to the arrays that they were made from.
"""
