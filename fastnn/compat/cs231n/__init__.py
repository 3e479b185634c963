"""The CS231n hand-out: its modules, names, arguments and return values, over `fastnn.functional`.

A notebook of the course runs when its import lines are changed::

    from cs231n.layers import *               →  from fastnn.compat.cs231n.layers import *
    from cs231n.classifiers.fc_net import *   →  from fastnn.compat.cs231n.classifiers.fc_net import *

``layers``, ``layer_utils``, ``fast_layers`` and ``im2col`` have the functions, ``classifiers`` the networks, ``optim``
the update rules, ``solver`` the training loop, ``gradient_check`` the numerical gradients.

Arrays of different float dtypes promote as NumPy does, whole numbers count as float64. The hand-out's conventions
hold: p of a dropout is the share that is KEPT, running averages keep the share `momentum` of what they were, variances
are divided by N, losses are means over the batch. Caches refer to the arrays that they were made from.
"""
