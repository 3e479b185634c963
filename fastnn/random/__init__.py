"""Random numbers that are functions of where they are used, not of what was drawn before.

Everything random in fastnn comes from Philox4x32-10 [1]_, a counter-based generator: the key is the seed, the
counter says (index, step, purpose). Any piece of any stream can be computed alone, in any order and on any
thread, and two purposes (shuffling, dropout, ...) never share numbers.

`bits`, `uniform`, `integers` and `permutation` are exact: the same on every machine. `normal` and
`truncated_normal` go through NumPy's ``log``, ``sin`` and ``cos``, whose last digit may differ between
processors.

References
----------
.. [1] J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
   SC 2011.
"""

from fastnn.random.distributions import integers, normal, permutation, truncated_normal, uniform
from fastnn.random.philox import Purpose, bits, philox4x32, sample_bits

__all__ = [
    "Purpose",
    "bits",
    "integers",
    "normal",
    "permutation",
    "philox4x32",
    "sample_bits",
    "truncated_normal",
    "uniform",
]
