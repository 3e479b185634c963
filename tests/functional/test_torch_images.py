"""Pools, norms and response norms agree with PyTorch in float64, for random shapes and options."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import same_bits, seeds

from fastnn import functional as F

torch = pytest.importorskip("torch")
nn = torch.nn.functional


def leaf(array):
    return torch.tensor(array, requires_grad=True)


def against(ours, theirs, leaves, dout, rtol=1e-11):
    """Compare `ours`, (out, gradients), with `theirs` and its gradients with respect to the leaves."""
    out, gradients = ours
    theirs.backward(torch.tensor(dout))
    np.testing.assert_allclose(out, theirs.detach().numpy(), rtol=rtol, atol=rtol)
    for gradient, one in zip(gradients, leaves, strict=True):
        np.testing.assert_allclose(gradient, one.grad.numpy(), rtol=rtol, atol=10 * rtol)


@st.composite
def pools(draw):
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = draw(st.one_of(st.none(), st.tuples(st.integers(1, 4), st.integers(1, 4))))
    pad = tuple(draw(st.integers(0, s // 2)) for s in size)
    image = tuple(draw(st.integers(max(1, s - 2 * p), 14)) for s, p in zip(size, pad, strict=True))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)), *image)
    return shape, {"size": size, "stride": stride, "pad": pad}


@given(pool=pools(), seed=seeds, whole=st.booleans())
def test_max_pool_agrees_with_torch(pool, seed, whole):
    """Whole numbers have ties, of which the first cell in row-major order gets the gradient."""
    shape, options = pool
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, shape).astype("f8") if whole else rng.standard_normal(shape)
    before = x.copy()
    out, cache = F.max_pool_forward(x, **options)
    dout = rng.integers(-9, 10, out.shape).astype("f8")
    dx = F.max_pool_backward(dout, cache)
    t = leaf(x)
    want = nn.max_pool2d(t, options["size"], options["stride"], options["pad"])
    want.backward(torch.tensor(dout))
    np.testing.assert_array_equal(out, want.detach().numpy())
    np.testing.assert_array_equal(dx, t.grad.numpy())
    assert same_bits(x, before)


@given(pool=pools(), seed=seeds, count_pad=st.booleans())
def test_avg_pool_agrees_with_torch(pool, seed, count_pad):
    shape, options = pool
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    out, cache = F.avg_pool_forward(x, **options, count_pad=count_pad)
    dout = rng.standard_normal(out.shape)
    t = leaf(x)
    want = nn.avg_pool2d(t, options["size"], options["stride"], options["pad"], count_include_pad=count_pad)
    against((out, [F.avg_pool_backward(dout, cache)]), want, [t], dout)


shapes = st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple)


def normal(seed, *sizes):
    rng = np.random.default_rng(seed)
    return [3 * rng.standard_normal(size) + 1 for size in sizes]


@given(shape=shapes, seed=seeds, affine=st.booleans(), given=st.booleans(), eps=st.sampled_from([1e-5, 0.1]))
def test_batch_norm_agrees_with_torch(shape, seed, affine, given, eps):
    channels = shape[1:2]
    x, dout, gamma, beta, mean, var = normal(seed, shape, shape, *[channels] * 4)
    assume(given or x.size // shape[1] > 1)  # PyTorch refuses a single value in each channel
    statistics = {"mean": mean, "var": var**2} if given else {}
    parameters = [gamma, beta] if affine else []
    out, cache = F.batch_norm_forward(x, *parameters, eps=eps, **statistics)
    leaves = [leaf(a) for a in (x, *parameters)]
    running = (torch.tensor(mean), torch.tensor(var**2)) if given else (None, None)
    want = nn.batch_norm(leaves[0], *running, *leaves[1:], training=not given, eps=eps)
    gradients = [g for g in F.batch_norm_backward(dout, cache) if g is not None]
    against((out, gradients), want, leaves, dout, rtol=1e-9)


def test_batch_norm_of_one_value_in_each_channel_is_beta():
    """The variance is 0, so out is beta and the gradient of x is 0."""
    x, gamma, beta = np.array([[3.0, -1e9]]), np.full(2, 2.0), np.array([5.0, 7.0])
    out, cache = F.batch_norm_forward(x, gamma, beta)
    np.testing.assert_array_equal(out, [[5, 7]])
    dx, dgamma, dbeta = F.batch_norm_backward(np.ones((1, 2)), cache)
    np.testing.assert_array_equal(dx, [[0, 0]])
    np.testing.assert_array_equal(dgamma, [0, 0])
    np.testing.assert_array_equal(dbeta, [1, 1])


@given(shape=shapes, seed=seeds, affine=st.booleans())
def test_layer_norm_agrees_with_torch(shape, seed, affine):
    x, dout, gamma, beta = normal(seed, shape, shape, shape[1:], shape[1:])
    parameters = [gamma, beta] if affine else []
    out, cache = F.layer_norm_forward(x, *parameters)
    leaves = [leaf(a) for a in (x, *parameters)]
    want = nn.layer_norm(leaves[0], shape[1:], *leaves[1:])
    gradients = [g for g in F.layer_norm_backward(dout, cache) if g is not None]
    against((out, gradients), want, leaves, dout, rtol=1e-9)


@given(shape=shapes, groups=st.integers(1, 4), seed=seeds, affine=st.booleans())
def test_group_norm_agrees_with_torch(shape, groups, seed, affine):
    shape = (shape[0], shape[1] * groups, *shape[2:])
    assume(np.prod(shape) // shape[0] // groups > 1 or shape[0] > 1)
    x, dout, gamma, beta = normal(seed, shape, shape, shape[1:2], shape[1:2])
    parameters = [gamma, beta] if affine else []
    out, cache = F.group_norm_forward(x, *parameters, groups=groups)
    leaves = [leaf(a) for a in (x, *parameters)]
    want = nn.group_norm(leaves[0], groups, *leaves[1:])
    gradients = [g for g in F.group_norm_backward(dout, cache) if g is not None]
    against((out, gradients), want, leaves, dout, rtol=1e-9)


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 4), st.integers(1, 5)),
    size=st.integers(1, 9),
    beta=st.sampled_from([0.75, 0.5, 1.1]),
    seed=seeds,
    divide=st.booleans(),
)
def test_local_response_norm_agrees_with_torch(shape, size, beta, seed, divide):
    x, dout = normal(seed, shape, shape)
    alpha = 0.3
    out, cache = F.local_response_norm_forward(x, size=size, alpha=alpha, beta=beta, k=2.0, divide=divide)
    t = leaf(x)
    want = nn.local_response_norm(t, size, alpha if divide else alpha * size, beta, 2.0)
    against((out, [F.local_response_norm_backward(dout, cache)]), want, [t], dout, rtol=1e-10)


def test_a_pool_takes_the_first_maximum_and_the_first_nan():
    x = np.array([[[[1, 2, np.nan, 4], [2, 2, 5, np.nan]]]], "f4")
    out, cache = F.max_pool_forward(x, size=2)
    np.testing.assert_array_equal(out, [[[[2, np.nan]]]])
    dx = F.max_pool_backward(np.array([[[[10, 20]]]], "f4"), cache)
    np.testing.assert_array_equal(dx, [[[[0, 10, 20, 0], [0, 0, 0, 0]]]])
    lowest = np.full((1, 1, 3, 3), -np.inf)
    out, cache = F.max_pool_forward(lowest, size=2, stride=2, pad=1)
    assert np.all(out == -np.inf)
    np.testing.assert_array_equal(
        F.max_pool_backward(np.ones((1, 1, 2, 2)), cache)[0, 0], [[1, 1, 0], [1, 1, 0], [0] * 3]
    )


@pytest.mark.parametrize("cells", [255, 256])
def test_argmax_takes_one_byte_if_it_fits(cells):
    x = np.zeros((1, 1, 1, cells))
    x[..., -1] = 1
    _, cache = F.max_pool_forward(x, size=(1, cells))
    assert cache.argmax.dtype == (np.uint8 if cells == 255 else np.int32)
    np.testing.assert_array_equal(F.max_pool_backward(np.full((1, 1, 1, 1), 3.0), cache), 3 * x)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_dropout_drops_the_right_fraction_independently(rate, dtype):
    x = np.full((200, 501), 2, dtype)
    out, cache = F.dropout_forward(x, rate=rate, seed=5)
    kept = out != 0
    share = 1 - kept.mean()
    assert abs(share - rate) <= 4.5 * np.sqrt(rate * (1 - rate) / x.size)
    np.testing.assert_allclose(out[kept], 2 / (1 - rate) if rate < 1 else 0, rtol=1e-6)
    assert same_bits(out, F.dropout_forward(x, rate=rate, seed=5)[0])
    dx = F.dropout_backward(x, cache)
    assert same_bits(dx, out)
    assert same_bits(F.dropout_forward(x, rate=rate, seed=5, training=False)[0], x)
    # along both axes, neighbours agree no more often than by chance
    if 0 < rate < 1:
        for a, b in ((kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1])):
            expected = rate**2 + (1 - rate) ** 2
            assert abs(np.mean(a == b) - expected) < 6 * np.sqrt(expected * (1 - expected) / a.size)


def test_a_dropped_element_is_zero_whatever_its_value():
    x = np.full((20, 20), np.nan)
    x[::2] = np.inf
    out, _ = F.dropout_forward(x, rate=0.5)
    assert np.all((out == 0) | ~np.isfinite(out))
    assert (out == 0).any()
    assert not F.dropout_forward(x, rate=1.0)[0].any()


REFUSED = {
    "pool of rows": (
        lambda: F.max_pool_forward(np.ones((2, 3)), size=2),
        ValueError,
        "x must be images",
    ),
    "size 0": (
        lambda: F.max_pool_forward(np.ones((1, 1, 4, 4)), size=0),
        ValueError,
        "size: expected a whole number of at least 1, got 0",
    ),
    "stride 0": (
        lambda: F.avg_pool_forward(np.ones((1, 1, 4, 4)), size=2, stride=0),
        ValueError,
        "stride: expected a whole number of at least 1",
    ),
    "window too large": (
        lambda: F.max_pool_forward(np.ones((1, 1, 4, 4)), size=5),
        ValueError,
        "larger than",
    ),
    "pad too large": (lambda: F.avg_pool_forward(np.ones((1, 1, 4, 4)), size=2, pad=2), ValueError, "pad must be less"),
    "gamma": (lambda: F.batch_norm_forward(np.ones((2, 3)), np.ones(2)), ValueError, r"gamma must have shape \(3,\)"),
    "half of statistics": (lambda: F.batch_norm_forward(np.ones((2, 3)), mean=np.ones(3)), ValueError, "go together"),
    "negative var": (
        lambda: F.batch_norm_forward(np.ones((2, 3)), mean=np.ones(3), var=-np.ones(3)),
        ValueError,
        "must not be negative",
    ),
    "eps 0": (
        lambda: F.layer_norm_forward(np.ones((2, 3)), eps=0),
        ValueError,
        "eps: expected a finite number above 0",
    ),
    "groups": (lambda: F.group_norm_forward(np.ones((2, 3)), groups=2), ValueError, "3 channels do not divide into 2"),
    "k 0": (
        lambda: F.local_response_norm_forward(np.ones((2, 3)), k=0),
        ValueError,
        "k: expected a finite number above 0",
    ),
    "rate": (
        lambda: F.dropout_forward(np.ones((2, 3)), rate=1.5),
        ValueError,
        r"rate .the share that is dropped.: expected a number of at least 0 and at most 1",
    ),
    "rate text": (
        lambda: F.dropout_forward(np.ones((2, 3)), rate="half"),
        TypeError,
        "rate .*: expected a number of at least 0 and at most 1",
    ),
    "other cache": (
        lambda: F.max_pool_backward(np.ones(1), F.avg_pool_forward(np.ones((1, 1, 2, 2)), size=2)[1]),
        TypeError,
        "cache must be the one that max_pool_forward returned, got that of avg_pool_forward",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments_are_refused(case):
    call, error, text = REFUSED[case]
    with pytest.raises(error, match=text):
        call()
