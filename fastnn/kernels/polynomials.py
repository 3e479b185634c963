"""The numbers of the exponential and the logarithm, for C and for what Numba compiles.

The polynomials are minimax fits of our own. Nothing but the standard library is imported here, because the build reads
this file before there is a package to import.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """The numbers of one dtype."""

    mantissa: int  # bits
    bias: int  # of the exponent
    smallest_normal: float
    rounder: float  # the low bits of x + rounder are x rounded to an integer
    exp_low: float  # exp is 0 here,
    exp_normal: float  # the smallest normal number here,
    exp_high: float  # and inf here
    expm1_low: float  # exp - 1 is -1 here
    ln2_high: float  # so few bits that n ln2_high is exact
    ln2_low: float
    sqrt_half_bits: int
    exp: tuple[float, ...]  # (exp(r) - 1 - r) / r² for |r| <= ln(2) / 2
    log: tuple[float, ...]  # (2 atanh(s) - 2 s) / s³ of z = s² for s = f / (2 + f), 1 + f within [√½, √2]


POLYNOMIALS = {
    "float32": Table(
        mantissa=23,
        bias=127,
        smallest_normal=2.0**-126,
        rounder=1.5 * 2.0**23,
        exp_low=-104.0,
        exp_normal=-87.33655,
        exp_high=88.8,
        expm1_low=-20.0,
        ln2_high=0.693145751953125,
        ln2_low=1.4286068203094173e-06,
        sqrt_half_bits=0x3F3504F3,
        exp=(0.5, 0.16666548, 0.0416668579, 0.00836620759, 0.001389827),
        log=(0.666667759, 0.399775177, 0.298724025),
    ),
    "float64": Table(
        mantissa=52,
        bias=1023,
        smallest_normal=2.0**-1022,
        rounder=1.5 * 2.0**52,
        exp_low=-745.2,
        exp_normal=-708.396418532265,
        exp_high=709.8,
        expm1_low=-40.0,
        ln2_high=0.6931471805598903,
        ln2_low=5.497923018708371e-14,
        sqrt_half_bits=0x3FE6A09E667F3BCD,
        exp=(
            0.5,
            0.166666666666666,
            0.041666666666619036,
            0.00833333333338956,
            0.001388888892098934,
            0.00019841269707200501,
            2.480151563023441e-05,
            2.7557426266805782e-06,
            2.762255495472656e-07,
            2.5045834760020033e-08,
        ),
        log=(
            0.6666666666666735,
            0.39999999999412894,
            0.285714287428225,
            0.22222198524863385,
            0.1818356701839799,
            0.15313977270193982,
            0.14796725058466487,
        ),
    ),
}
