"""Scales taken from data: what is constant but for its rounding is constant, what varies at all keeps its variation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.alexnet.classifier import one_scale
from fastnn.data import Standardizer

numbers = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


def test_a_constant_column_becomes_0_and_keeps_its_unit():
    fitted = Standardizer.fit(np.full((10, 2), 0.1))
    assert fitted.transform([[0.1, 0.1]], np.float64).tolist() == [[0, 0]]
    np.testing.assert_allclose(fitted.transform([[0.101, 0.1]], np.float64), [[0.001, 0]], rtol=1e-12)


@given(numbers, st.integers(1, 300), st.sampled_from(["f2", "f4", "f8", ">f8", "g", "i8", "i4", "?"]))
@pytest.mark.parametrize("by", ["pixel", "channel", "all"])
def test_a_constant_of_any_dtype_and_count_has_deviation_1(by, value, count, dtype):
    with np.errstate(over="ignore"):
        images = np.full((count, 2, 1, 3), value).astype(dtype)
    if not np.isfinite(images).all():
        return
    fitted = Standardizer.fit(images, by=by)
    assert (fitted.std == 1).all()
    assert (fitted.transform(images, np.float64) == 0).all()


@given(numbers.filter(bool), st.permutations([0, 0, 1, 1, 2, 2, 2]))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_number_rounded_in_several_ways_is_a_constant(dtype, value, steps):
    value = dtype(value)
    column = np.array([[value, np.nextafter(value, dtype(0)), value][step] for step in steps])[:, None]
    whole = (column == np.floor(column)).all()
    assert (Standardizer.fit(column).std == 1).all() or whole


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4"])
def test_years_and_seconds_that_differ_are_no_constant(dtype):
    years = np.array([[2023], [2024]] * 5).astype(dtype)
    assert np.abs(Standardizer.fit(years).transform(years)).tolist() == [[1]] * 10
    if dtype == "f8":
        seconds = 1.7e9 + np.random.default_rng(0).uniform(0, 0.1, (100_000, 1))
        out = Standardizer.fit(seconds).transform(seconds, np.float64)
        np.testing.assert_allclose([out.mean(), out.std()], [0, 1], atol=1e-4)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=20), st.integers(-1020, 1000))
def test_the_size_of_the_numbers_does_not_matter(whole, exponent):
    """Neither squares that overflow nor ones that underflow change a bit."""
    column = np.array(whole, float)[:, None]
    expected = Standardizer.fit(column)
    scaled = Standardizer.fit(np.ldexp(column, exponent))
    if len(set(whole)) > 1:
        np.testing.assert_allclose(scaled.std, np.ldexp(expected.std, exponent), rtol=1e-14)
    np.testing.assert_allclose(scaled.mean, np.ldexp(expected.mean, exponent), rtol=1e-14, atol=5e-324)


def test_a_sum_that_overflows_has_a_mean_all_the_same():
    fitted = Standardizer.fit(np.array([[1.5e308, 1.0], [1.5e308, 3.0], [0.5e308, 2.0]]))
    np.testing.assert_allclose(fitted.mean, [3.5e307 / 3 * 10, 2])
    np.testing.assert_allclose(fitted.std, [math.sqrt(2) / 3 * 1e308, math.sqrt(2 / 3)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_scale(bad):
    with pytest.raises(ValueError, match="expected finite numbers, got NaN or infinity"):
        Standardizer.fit(np.array([[1.0, bad], [2.0, 3.0]]))
    with pytest.raises(ValueError, match="expected finite numbers"):
        one_scale(np.array([1.0, bad], np.float32))


@pytest.mark.parametrize("std", [0.0, -1.0, np.nan, np.inf])
def test_a_scale_made_by_hand_is_above_0(std):
    with pytest.raises(ValueError, match="deviations above 0"):
        Standardizer(np.zeros(2), np.array([1.0, std]))


def test_the_channels_of_images_are_those_that_were_said():
    first = np.random.default_rng(0).integers(0, 255, (9, 3, 8, 10))
    last = np.moveaxis(first, 1, -1)
    with pytest.raises(ValueError, match=r"channels seem to come last; say so with channels_last=True"):
        Standardizer.fit(last, by="channel")
    said = Standardizer.fit(last, by="channel", channels_last=True)
    expected = Standardizer.fit(first, by="channel").transform(first)
    np.testing.assert_allclose(np.moveaxis(said.transform(last), -1, 1), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="do not fit"):
        said.transform(first)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 7.0])
def test_features_that_are_constant_have_no_scale(value):
    features = np.full((50, 7), value, np.float32)
    with pytest.raises(ValueError, match="expected numbers that differ"):
        one_scale(features)
    features[0, 0] += 1
    np.testing.assert_allclose(one_scale(features), 1 / features.std(dtype=np.float64))
