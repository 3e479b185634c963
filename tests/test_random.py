"""Philox agrees with published vectors and a scalar implementation; distributions agree with formulas and SciPy."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fastnn.random import (
    Purpose,
    bits,
    integers,
    normal,
    permutation,
    philox4x32,
    truncated_normal,
    uniform,
)

SEEDS = st.integers(0, 2**64 - 1)
WORDS = st.integers(0, 2**32 - 1)


def scalar_philox(counter, key):
    """Philox4x32-10 on Python integers, as described in the paper."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        left, right = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (right >> 32) ^ b ^ k, right % 2**32, (left >> 32) ^ d ^ m, left % 2**32
        k, m = (k + 0x9E3779B9) % 2**32, (m + 0xBB67AE85) % 2**32
    return [a, b, c, d]


def scalar_words(seed, purpose, step, size, offset):
    words = []
    for j in range(offset, offset + size):
        block = j // 4
        counter = (block % 2**32, block // 2**32, step, purpose)
        words.append(scalar_philox(counter, (seed % 2**32, seed // 2**32))[j % 4])
    return words


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_known_answers_of_the_paper(counter, key, expected):
    words = np.array([[int(word, 16) for word in counter.split()]], np.uint32)
    out = philox4x32(words, tuple(int(word, 16) for word in key.split()))
    assert out.dtype == np.uint32
    assert out[0].tolist() == [int(word, 16) for word in expected.split()]


@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), max_size=9), WORDS, WORDS)
def test_philox_equals_scalar_implementation(counters, low, high):
    array = np.array(counters, np.uint32).reshape(-1, 4)
    assert philox4x32(array, (low, high)).tolist() == [scalar_philox(row, (low, high)) for row in counters]


@given(SEEDS, WORDS, WORDS, st.integers(0, 30), st.integers(0, 2**62))
def test_bits_equal_scalar_implementation(seed, purpose, step, size, offset):
    words = bits(seed, purpose, step, size, offset)
    assert words.dtype == np.uint32
    assert words.tolist() == scalar_words(seed, purpose, step, size, offset)


def test_block_index_carries_into_its_high_word():
    offset = 4 * 2**32 - 6
    assert bits(5, 2, 3, 12, offset).tolist() == scalar_words(5, 2, 3, 12, offset)


@given(st.integers(0, 200_000), st.integers(0, 40))
def test_bits_do_not_depend_on_where_a_call_begins(offset, size):
    whole = bits(11, Purpose.DROPOUT, 4, 200_040)
    np.testing.assert_array_equal(bits(11, Purpose.DROPOUT, 4, size, offset), whole[offset : offset + size])


def test_seed_purpose_and_step_each_change_everything():
    base = bits(1, 2, 3, 1000)
    for other in (bits(2, 2, 3, 1000), bits(1 + 2**32, 2, 3, 1000), bits(1, 3, 3, 1000), bits(1, 2, 4, 1000)):
        assert (base == other).sum() <= 1


def test_numbers_of_the_purposes_are_fixed():
    assert [(purpose.name, int(purpose)) for purpose in Purpose] == [
        ("INIT", 1),
        ("SHUFFLE", 2),
        ("DROPOUT", 3),
        ("AUGMENT", 4),
        ("SYNTHETIC", 5),
        ("SPLIT", 6),
        ("CHECK", 7),
    ]


def test_exact_streams_never_change():
    digest = hashlib.sha256()
    digest.update(bits(123, Purpose.DROPOUT, 7, 10_001, 3).astype("<u4").tobytes())
    digest.update(uniform(123, Purpose.CHECK, 0, 1000).astype("<f8").tobytes())
    digest.update(uniform(123, Purpose.CHECK, 0, 1000, np.float32).astype("<f4").tobytes())
    digest.update(integers(123, Purpose.CHECK, 1, -5, 100, 1000).astype("<i8").tobytes())
    digest.update(permutation(123, Purpose.SHUFFLE, 2, 1000).astype("<i8").tobytes())
    assert digest.hexdigest() == "aa1bf91daa90811cb7f7b79bf579628697153937002e59f40d8b8131c893d0bc"


@given(SEEDS, WORDS, st.integers(0, 20))
def test_uniform_float64_takes_53_bits_of_two_words(seed, step, n):
    words = scalar_words(seed, 7, step, 2 * n, 0)
    expected = [((words[2 * i + 1] << 32 | words[2 * i]) >> 11) / 2**53 for i in range(n)]
    assert uniform(seed, Purpose.CHECK, step, n).tolist() == expected


@given(SEEDS, WORDS, st.integers(0, 20))
def test_uniform_float32_takes_24_bits_of_a_word(seed, step, n):
    out = uniform(seed, Purpose.CHECK, step, n, np.float32)
    assert out.dtype == np.float32
    assert out.tolist() == [(word >> 8) / 2**24 for word in scalar_words(seed, 7, step, n, 0)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distributions_pass_kolmogorov_smirnov(dtype):
    n = 50_000
    flat = uniform(1, Purpose.CHECK, 0, n, dtype)
    assert flat.min() >= 0
    assert flat.max() < 1
    assert stats.kstest(flat, stats.uniform.cdf).pvalue > 0.01
    bell = normal(1, Purpose.CHECK, 0, n, dtype)
    assert stats.kstest(bell, stats.norm.cdf).pvalue > 0.01
    assert abs(np.corrcoef(bell[0::2], bell[1::2])[0, 1]) < 4 / math.sqrt(n / 2)
    for bound in (0.1, 1.0, 2.0):
        cut = truncated_normal(1, Purpose.CHECK, 0, n, dtype, bound=bound)
        assert np.abs(cut).max() <= dtype(bound)
        assert stats.kstest(cut, stats.truncnorm(-bound, bound).cdf).pvalue > 0.01


@given(SEEDS, st.integers(0, 15))
def test_normal_is_box_muller(seed, n):
    u = uniform(seed, Purpose.INIT, 9, 2 * ((n + 1) // 2)).tolist()
    expected = []
    for first, second in zip(u[0::2], u[1::2], strict=True):
        radius = math.sqrt(-2 * math.log(1 - first))
        expected += [radius * math.cos(2 * math.pi * second), radius * math.sin(2 * math.pi * second)]
    out = normal(seed, Purpose.INIT, 9, n)
    np.testing.assert_allclose(out, expected[:n], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(normal(seed, Purpose.INIT, 9, n, np.float32), out.astype(np.float32))


@given(SEEDS, st.integers(0, 300), st.sampled_from([0.1, 0.7, 2.0, 5.0, math.inf]))
def test_truncated_normal_is_the_normal_stream_without_values_outside(seed, n, bound):
    stream = normal(seed, Purpose.INIT, 0, 40 * n + 400)
    inside = stream[np.abs(stream) <= bound][:n]
    out = truncated_normal(seed, Purpose.INIT, 0, n, bound=bound)
    assert out.shape == (n,)
    np.testing.assert_array_equal(out[: inside.size], inside)
    assert inside.size == n


@given(SEEDS, st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**32), st.integers(0, 12))
def test_integers_scale_64_bits_exactly(seed, low, span, n):
    high = min(low + span, 2**63 - 1)
    if high == low:
        low -= 1
    words = scalar_words(seed, 6, 1, 2 * n, 0)
    wide = [words[2 * i] | words[2 * i + 1] << 32 for i in range(n)]
    out = integers(seed, Purpose.SPLIT, 1, low, high, n)
    assert out.dtype == np.int64
    assert out.tolist() == [low + (w * (high - low) >> 64) for w in wide]


def test_integers_are_uniform():
    counts = np.bincount(integers(3, Purpose.CHECK, 0, 0, 7, 70_000), minlength=7)
    assert stats.chisquare(counts).pvalue > 0.01


@given(SEEDS, WORDS, st.integers(0, 500))
def test_permutation_sorts_the_words(seed, step, n):
    out = permutation(seed, Purpose.SHUFFLE, step, n)
    assert out.dtype == np.int64
    np.testing.assert_array_equal(out, np.argsort(bits(seed, Purpose.SHUFFLE, step, n), kind="stable"))


def test_a_large_permutation_has_every_index_once():
    out = permutation(0, Purpose.SHUFFLE, 1, 60_000)
    np.testing.assert_array_equal(np.sort(out), np.arange(60_000))
    assert abs(np.corrcoef(out, np.arange(60_000))[0, 1]) < 4 / math.sqrt(60_000)


def test_every_order_of_three_is_equally_likely():
    orders = [tuple(permutation(seed, Purpose.SHUFFLE, 0, 3).tolist()) for seed in range(1200)]
    counts = [orders.count(order) for order in sorted(set(orders))]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("shape", [(), 3, (2, 3), [2, 1, 3], (0, 5), np.int64(4)])
@pytest.mark.parametrize("draw", [uniform, normal, truncated_normal])
def test_shapes_are_those_asked_for(draw, shape):
    out = draw(0, Purpose.CHECK, 0, shape)
    assert out.shape == np.empty(shape).shape
    assert out.dtype == np.float64


@pytest.mark.parametrize("shape", [(), 3, (2, 3), (41, 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("draw", [uniform, normal, truncated_normal])
def test_several_seeds_give_each_its_own_numbers(draw, dtype, shape):
    seeds = [3, 0, 2**64 - 1, 3]
    together = draw(seeds, Purpose.INIT, 5, shape, dtype)
    np.testing.assert_array_equal(together, np.array([draw(seed, Purpose.INIT, 5, shape, dtype) for seed in seeds]))
    assert together.dtype == dtype
    assert draw([], Purpose.INIT, 5, shape).shape == (0, *np.empty(shape).shape)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: bits([0, -1], 1, 0, 3),
            ValueError,
            r"bits: seed\[1\]: expected a whole number of at least 0 and below",
        ),
        (lambda: bits([True], 1, 0, 3), TypeError, r"bits: seed\[0\]: expected a whole number"),
        (lambda: bits(-1, 1, 0, 3), ValueError, "bits: seed: expected a whole number of at least 0 and below 2..64"),
        (lambda: bits(2**64, 1, 0, 3), ValueError, "seed: expected a whole number of at least 0 and below 2..64"),
        (
            lambda: bits(1.0, 1, 0, 3),
            TypeError,
            "bits: seed: expected a whole number of at least 0 and below 2..64, got 1.0",
        ),
        (lambda: bits("1", 1, 0, 3), TypeError, "seed: expected a whole number of at least 0 and below 2..64"),
        (lambda: bits(None, 1, 0, 3), TypeError, "seed: expected a whole number of at least 0 and below 2..64"),
        (
            lambda: bits(True, 1, 0, 3),
            TypeError,
            "seed: expected a whole number of at least 0 and below 2..64, got True",
        ),
        (lambda: bits(1, 2**32, 0, 3), ValueError, "purpose: expected a whole number of at least 0 and below 2..32"),
        (lambda: bits(1, 1, -1, 3), ValueError, "step: expected a whole number of at least 0 and below 2..32"),
        (lambda: bits(1, 1, 0, -3), ValueError, "size: expected a whole number of at least 0 and below 2..63"),
        (
            lambda: bits(1, 1, 0, 3, offset=-1),
            ValueError,
            "offset: expected a whole number of at least 0 and below 2..63",
        ),
        (lambda: uniform(-1, 1, 0, 3), ValueError, "seed: expected a whole number of at least 0 and below 2..64"),
        (
            lambda: uniform(1, 1, 0, (2, -1)),
            ValueError,
            "uniform: shape: expected a whole number of at least 0 and below 2..62",
        ),
        (
            lambda: uniform(1, 1, 0, 2.5),
            TypeError,
            "uniform: shape: expected a whole number of at least 0 and below 2..62",
        ),
        (lambda: uniform(1, 1, 0, 3, np.float16), TypeError, "uniform: dtype: expected float32 or float64"),
        (
            lambda: normal(1, 1, 0, 3, int),
            TypeError,
            "normal: dtype: expected float32 or float64, got int64",
        ),
        (lambda: truncated_normal(1, 1, 0, 3, bound=0.0), ValueError, "bound: expected a number of at least 0.1"),
        (lambda: truncated_normal(1, 1, 0, 3, bound=math.nan), ValueError, "bound: expected a number of at least 0.1"),
        (lambda: integers(1, 1, 0, 5, 5, 3), ValueError, "high - low: expected 1"),
        (lambda: integers(1, 1, 0, 0, 2**32 + 1, 3), ValueError, "high - low: expected 1"),
        (
            lambda: integers(1, 1, 0, 0.5, 2, 3),
            TypeError,
            "low: expected a whole number of at least -2..63 and below 2..63",
        ),
        (
            lambda: permutation(1, 1, 0, -1),
            ValueError,
            "permutation: n: expected a whole number of at least 0 and below 2..32",
        ),
        (
            lambda: permutation(1, 1, 0, 2**32),
            ValueError,
            "permutation: n: expected a whole number of at least 0 and below 2..32",
        ),
        (lambda: philox4x32(np.zeros((1, 4), np.uint32), (0,)), ValueError, "key: expected 2 words"),
        (
            lambda: philox4x32(np.zeros((1, 4), np.uint32), (0, 2**32)),
            ValueError,
            r"key.1.: expected a whole number of at least 0 and below 2..32",
        ),
        (lambda: philox4x32(np.zeros((1, 4)), (0, 0)), TypeError, "expected dtype uint32, got float64"),
        (lambda: philox4x32(np.zeros(4, np.uint32), (0, 0)), ValueError, r"expected shape \(n, 4\)"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_compiled_words_are_those_of_numpy(monkeypatch):
    from fastnn.random import philox

    for arguments in (
        (7, 3, 5, 1001, 0),
        (2**64 - 1, 2**32 - 1, 2**32 - 1, 130, 2**34 + 7),
        (0, 0, 0, 1, 3),
        ([5, 2**64 - 1, 0], 3, 5, 130, 2),
        (1, 2, 3, 0),
    ):
        seed, purpose, step, size, *offset = arguments
        compiled = philox.bits(seed, purpose, step, size, *offset)
        with monkeypatch.context() as context:
            context.setattr(philox, "_compiled", None)
            np.testing.assert_array_equal(philox.bits(seed, purpose, step, size, *offset), compiled)
