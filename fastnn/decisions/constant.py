"""Whether values are all the same but for their own rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def is_constant(low: ArrayLike, high: ArrayLike, dtype: np.dtype[Any]) -> NDArray[np.bool_]:
    """Whether values between a smallest and a largest one differ by no more than their rounding.

    They are constant if high = low, or if high - low ≤ 2 ε max(|low|, |high|), where ε is the distance from 1 to the
    next number of their dtype: two roundings of one number, as 0.3 and 0.1 + 0.2, lie this close together. Whole
    numbers are exact, so of them only equal ones are constant.

    The deviation itself does not tell. A mean that is computed from n values errs by up to n ε / 2 max|x| (Higham,
    Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, section 4.2), and with it the deviation of a constant.
    By a bound as wide as that, a million moments within a tenth of a second, in seconds since 1970, would be constant.

    Parameters
    ----------
    low, high : array_like
        The smallest and the largest of each set of values, finite.
    dtype : dtype
        Of the values, before any conversion.

    Returns
    -------
    ndarray of bool, shape of `low`

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.decisions.constant import is_constant
    >>> is_constant([0.3, 0.3, 2023], [0.1 + 0.2, 0.301, 2024], np.dtype(float)).tolist()
    [True, False, False]
    """
    a, b = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if dtype.kind != "f":
        return np.asarray(a == b)
    whole = (a == np.floor(a)) & (b == np.floor(b))
    epsilon = max(np.finfo(dtype).eps, np.finfo(np.float64).eps)
    half = b / 2 - a / 2  # the distance itself may be too large for a float
    return np.asarray((a == b) | (~whole & (half <= epsilon * np.maximum(np.abs(a), np.abs(b)))))
