"""The precisions of products: what stands for a float where it is multiplied.

Nothing is imported here from fastnn, because the build reads the file before there is a package to import.
"""

from enum import IntEnum
from typing import Literal, cast, get_args

PrecisionName = Literal["float32", "fast", "fast3", "bf16"]
PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)


class Precision(IntEnum):
    """How many bf16 numbers stand for each factor of a product; with 0 it is multiplied as it is.

    Meant are the products of dense layers, and with AMX those of Winograd's algorithm for convolutions of many
    channels, whose errors its transforms enlarge.

    A bf16 number has the range of a float32 and 8 of its 24 binary digits; some processors multiply such numbers many
    times faster. A float is split into parts: each is the bf16 number nearest to what the parts before it leave. Of n
    parts, numbered from 0, the products of part s of one factor and part t of the other are added up in float32 for
    s + t < n. Parameters, sums and all that is not a product stay in float32.

    "float32" is the default, and the only one for models of float64, whose products stay in float64. "fast" has three
    parts, whose sum is the float itself, and six products; its errors are within the bound of float32. "fast3" has two
    parts and three products, and errs by at most 2⁻¹⁵ Σ|a||b| beyond that bound; "bf16" has one and errs by at most
    Σ|a||b| / 127. Products are computed so where they are large enough to gain by it (at least 32 rows and columns of
    results, which are sums of at least 64 products, or the like), on processors where they do: all three with AMX,
    "bf16" on AMD's Zen 4 and 5 too.

    Infinities and NaN pass through as in float32. Parts below 1.18e-38 count as 0, as such numbers do in all products.
    A sum is infinite where that of the parts is, which may be a little before the sum of the floats is.
    """

    FLOAT32 = 0
    BF16 = 1
    FAST3 = 2
    FAST = 3

    @property
    def option(self) -> PrecisionName:
        """The name that options have for it."""
        return cast(PrecisionName, self.name.lower())

    @classmethod
    def of(cls, name: PrecisionName) -> "Precision":
        """The member of that name, as options have it.

        Examples
        --------
        >>> from fastnn.kernels import Precision
        >>> int(Precision.of("fast3"))
        2
        """
        return cls[name.upper()]
