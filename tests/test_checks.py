"""The checks of single arguments take what they should and refuse the rest, in clear words."""

import math
from fractions import Fraction

import numpy as np
import pytest

from fastnn.checks import as_array, choice, flag, float_dtype, number, real_array, whole, without_mask


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0.0), (0.25, 0.25), (np.float32(0.5), 0.5), (np.int8(1), 1.0), (np.uint64(1), 1.0), (Fraction(1, 4), 0.25)],
)
def test_numbers_are_taken(value, expected):
    found = number("f", "x", value, at_least=0, at_most=1)
    assert type(found) is float
    assert found == expected


@pytest.mark.parametrize(
    ("value", "ends", "error", "message"),
    [
        (True, {}, TypeError, "f: x: expected a finite number, got True"),
        (np.True_, {}, TypeError, f"f: x: expected a finite number, got {np.True_!r}"),
        ("1", {"above": 0}, TypeError, "f: x: expected a finite number above 0, got '1'"),
        (None, {"at_least": 0}, TypeError, "f: x: expected a finite number of at least 0, got None"),
        (1j, {}, TypeError, "f: x: expected a finite number, got 1j"),
        (math.nan, {}, ValueError, "f: x: expected a finite number, got nan"),
        (math.nan, {"at_least": 0, "at_most": 1}, ValueError, "expected a number of at least 0 and at most 1, got nan"),
        (math.inf, {"above": 0}, ValueError, "f: x: expected a finite number above 0, got inf"),
        (-math.inf, {"below": 0}, ValueError, "f: x: expected a finite number below 0, got -inf"),
        (0, {"above": 0}, ValueError, "f: x: expected a finite number above 0, got 0"),
        (1.0, {"at_least": 0, "below": 1}, ValueError, "expected a number of at least 0 and below 1, got 1.0"),
        (1.5, {"above": 0, "at_most": 1}, ValueError, "f: x: expected a number above 0 and at most 1, got 1.5"),
        (-0.1, {"at_least": 0.0}, ValueError, "f: x: expected a finite number of at least 0, got -0.1"),
        (10**400, {}, ValueError, "f: x: expected a finite number, got 1000"),
    ],
)
def test_other_values_than_numbers_in_the_range_are_refused(value, ends, error, message):
    with pytest.raises(error) as caught:
        number("f", "x", value, **ends)
    assert message in str(caught.value)


def test_a_closed_range_includes_its_ends_and_an_open_one_does_not():
    assert [number("f", "x", end, at_least=0, at_most=1) for end in (0, 1)] == [0, 1]
    for end in (0, 1):
        with pytest.raises(ValueError, match="above 0 and below 1"):
            number("f", "x", end, above=0, below=1)


def test_infinity_is_taken_where_it_is_allowed():
    assert number("f", "x", math.inf, above=0, finite=False) == math.inf
    with pytest.raises(ValueError, match="expected a number above 0, got nan"):
        number("f", "x", math.nan, above=0, finite=False)


@pytest.mark.parametrize("value", [3, np.int16(3), np.uint8(3), np.array(3)])
def test_whole_numbers_are_taken(value):
    found = whole("f", "n", value, at_least=1, at_most=3)
    assert type(found) is int
    assert found == 3


@pytest.mark.parametrize(
    ("value", "ends", "error", "message"),
    [
        (3.0, {"at_least": 1}, TypeError, "f: n: expected a whole number of at least 1, got 3.0"),
        (True, {}, TypeError, "f: n: expected a whole number, got True"),
        (np.True_, {}, TypeError, f"f: n: expected a whole number, got {np.True_!r}"),
        (math.nan, {}, TypeError, "f: n: expected a whole number, got nan"),
        ("3", {}, TypeError, "f: n: expected a whole number, got '3'"),
        (0, {"at_least": 1}, ValueError, "f: n: expected a whole number of at least 1, got 0"),
        (
            2**64,
            {"at_least": 0, "below": 2**64},
            ValueError,
            "a whole number of at least 0 and below 2**64, got 184467",
        ),
        (-1, {"at_least": -(2**3), "below": -(2**40)}, ValueError, "of at least -8 and below -2**40, got -1"),
    ],
)
def test_other_values_than_whole_numbers_in_the_range_are_refused(value, ends, error, message):
    with pytest.raises(error) as caught:
        whole("f", "n", value, **ends)
    assert message in str(caught.value)


def test_a_long_value_is_cut_off():
    with pytest.raises(TypeError) as caught:
        number("f", "x", np.arange(100_000).tolist())
    assert len(str(caught.value)) < 150


def test_choices_are_taken():
    assert choice("f", "mode", np.str_("min"), ("min", "max", None)) == "min"
    assert choice("f", "mode", None, ("min", "max", None)) is None
    assert choice("f", "shuffle", True, (True, False, "batches")) is True


@pytest.mark.parametrize("value", ["mean ", "", 1, None, ["min"], np.zeros(2), math.nan])
def test_other_values_than_choices_are_refused(value):
    with pytest.raises(ValueError, match="f: mode: expected 'min', 'max' or 'both', got "):
        choice("f", "mode", value, ("min", "max", "both"))


@pytest.mark.parametrize("value", [1, 0, np.int64(1), 1.0])
def test_a_number_is_not_one_of_true_and_false(value):
    with pytest.raises(ValueError, match="f: x: expected True or False, got"):
        choice("f", "x", value, (True, False))
    with pytest.raises(TypeError, match="f: x: expected True or False, got"):
        flag("f", "x", value)


def test_true_and_false_are_flags():
    assert flag("f", "x", np.False_) is False
    assert flag("f", "x", True) is True


@pytest.mark.parametrize("dtype", ["f2", int, complex, object, "U3", ">i4"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match="f: dtype: expected float32 or float64, got "):
        float_dtype("f", dtype)
    assert float_dtype("f", "float32") == np.float32


def test_an_array_is_taken_as_it_is():
    x = np.arange(4)
    assert without_mask("f", "x", x) is x
    assert as_array("f", "x", x) is x
    assert as_array("f", "x", [(1, 2), [3, 4]]).tolist() == [[1, 2], [3, 4]]


def test_a_mask_that_hides_nothing_is_taken_off():
    x = np.ma.masked_equal([3.0, 4.0], -999)
    assert type(without_mask("f", "x", x)) is np.ndarray
    assert without_mask("f", "x", [x, x]).tolist() == [[3, 4], [3, 4]]
    assert without_mask("f", "x", [3, 4]) == [3, 4]


@pytest.mark.parametrize("whole", [False, True])
def test_values_that_a_mask_hides_are_refused(whole):
    part = np.ma.masked_equal([3.0, -999.0], -999)
    with pytest.raises(ValueError, match=r"f: x: expected values without a mask, got (1 of 2|2 of 4) that are masked"):
        without_mask("f", "x", [part, part] if whole else part)


class _Sparse:
    def toarray(self):
        return np.zeros(3)


class _Stubborn:
    def __array__(self, *_, **__):
        raise RuntimeError("call detach() first")


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (_Sparse(), TypeError, "f: x must be an array, got a _Sparse; x.toarray() makes it one"),
        ([[1, 2], [3]], ValueError, "f: x must be an array of numbers (setting an array element"),
        (_Stubborn(), TypeError, "f: x must be an array of numbers (call detach() first)"),
    ],
)
def test_what_does_not_become_an_array_is_refused(value, error, message):
    with pytest.raises(error) as caught:
        as_array("f", "x", value)
    assert message in str(caught.value)


def test_real_numbers_are_taken_and_others_refused():
    for value in ([1.5, 2], [True, False], np.arange(3, dtype=np.uint8)):
        assert real_array("f", "x", value).dtype.kind in "fiub"
    for value in ([1.5, None], ["a"], [1j], np.array(["2020-01-01"], "datetime64[D]")):
        with pytest.raises(TypeError, match="f: x must be real numbers, got dtype "):
            real_array("f", "x", value)
