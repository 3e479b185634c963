# Copying a batch into the arrays that a compiled step reads, checked on the way. _native.pyx includes this file.

from libc.string cimport memcpy


cdef bint _all_finite(const char *values, ptrdiff_t count, int number) noexcept nogil:
    """Whether none of some float32 or float64 values has the exponent of infinity and NaN."""
    cdef ptrdiff_t i
    cdef uint64_t wide, wide_exponent = 0x7FF0000000000000
    cdef uint32_t narrow, narrow_exponent = 0x7F800000
    cdef bint bad = False
    if number == cnp.NPY_FLOAT32:
        for i in range(count):
            narrow = (<const uint32_t *>values)[i]
            bad |= (narrow & narrow_exponent) == narrow_exponent
    elif number == cnp.NPY_FLOAT64:
        for i in range(count):
            wide = (<const uint64_t *>values)[i]
            bad |= (wide & wide_exponent) == wide_exponent
    return not bad


def copy_samples(cnp.ndarray x, cnp.ndarray out):
    """Copy x to `out`, both C-contiguous, of one dtype and size; False, and nothing is done, if a float is not finite.

    The caller has checked everything else.
    """
    cdef const char *values = <const char *>cnp.PyArray_DATA(x)
    cdef ptrdiff_t size = cnp.PyArray_NBYTES(out)
    if not _all_finite(values, cnp.PyArray_SIZE(x), cnp.PyArray_TYPE(x)):
        return False
    memcpy(cnp.PyArray_DATA(out), values, size)
    return True


def copy_labels(cnp.ndarray labels, cnp.ndarray out, int64_t classes):
    """Copy int64 labels (n,) to `out` (n,), both C-contiguous; False, and nothing is done, if one is no class."""
    cdef const int64_t *values = <const int64_t *>cnp.PyArray_DATA(labels)
    cdef ptrdiff_t i, count = cnp.PyArray_SIZE(out)
    cdef bint bad = False
    for i in range(count):
        bad |= <uint64_t>values[i] >= <uint64_t>classes
    if bad:
        return False
    memcpy(cnp.PyArray_DATA(out), values, count * sizeof(int64_t))
    return True
