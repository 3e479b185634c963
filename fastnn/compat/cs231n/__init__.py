"""The CS231n hand-out: its modules, names, arguments and return values, computed by `fastnn.functional`.

A notebook of the course runs when its import lines are changed::

    from cs231n.layers import *               →  from fastnn.compat.cs231n.layers import *
    from cs231n.classifiers.fc_net import *   →  from fastnn.compat.cs231n.classifiers.fc_net import *

``layers``, ``layer_utils``, ``fast_layers`` and ``im2col`` have the functions, ``classifiers`` the classifiers and
networks, ``optim`` the update rules, ``solver`` the training loop, ``gradient_check`` the numerical gradients,
``data_utils`` CIFAR-10, ``features`` features of images, and ``vis_utils`` grids of images. Names and arguments are
those of the first two assignments from 2016 on.

Arrays of different float dtypes are promoted as in NumPy; integers count as float64. The conventions are those of the
hand-out: running averages keep the fraction `momentum` of their old value, variances are divided by N, and losses are
means over the batch. Where the years differ, they are those of the later ones: a penalty is reg Σ W² in the first
assignment and ½ reg Σ W² in the second, and p of a dropout is the fraction that is KEPT, unless `dropout_means` says
that it is dropped. Caches refer to the arrays that they were made from.
"""

from fastnn.compat.cs231n.dropout import dropout_means

__all__ = ["dropout_means"]
