"""Counter-based random numbers: each depends only on where it is used, not on what was drawn before.

Everything random in fastnn comes from the generator Philox4x32-10 [1]_. Its key is the seed, and its counter consists
of an index, a step and a purpose. Every part of every stream can be computed by itself, in any order and on any thread,
and two purposes (shuffling, dropout, ...) never share numbers.

`bits`, `uniform`, `integers` and `permutation` give the same result on every machine. `normal` and `truncated_normal`
use NumPy's ``log``, ``sin`` and ``cos``, whose last digit may differ between processors.

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
