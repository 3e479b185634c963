"""Convolution agrees with PyTorch in float64, is a linear map with its transpose, and is right at the edges."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import DTYPES, same_bits, seeds

import fastnn
from fastnn import functional as F
from fastnn import kernels


@st.composite
def cases(draw):
    """The shapes of x and w, and options."""
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    inner, each = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    image = draw(st.tuples(st.integers(1, 14), st.integers(1, 21)))
    side = st.integers(0, 3)
    sides = st.tuples(side, side)
    options = {
        "stride": draw(st.integers(1, 4) | st.tuples(st.integers(1, 4), st.integers(1, 4))),
        "dilation": draw(st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "pad": draw(side | sides | st.tuples(sides, sides) | st.just("same")),
        "groups": groups,
    }
    return (draw(st.integers(1, 3)), groups * inner, *image), (groups * each, inner, *size), options


def both(value):
    return value if isinstance(value, tuple) else (value, value)


def around(image, size, stride, pad, dilation):
    """((top, bottom), (left, right)), by the definition of "same"."""
    if pad != "same":
        return tuple(both(side) for side in both(pad))
    total = [
        max(0, (math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n)
        for n, k, s, d in zip(image, size, both(stride), both(dilation), strict=True)
    ]
    return tuple((t // 2, t - t // 2) for t in total)


def fits(x, w, options):
    sides = around(x[2:], w[2:], options["stride"], options["pad"], options["dilation"])
    return all(
        n + sum(side) >= (k - 1) * d + 1
        for n, k, d, side in zip(x[2:], w[2:], both(options["dilation"]), sides, strict=True)
    )


def draw_arrays(x, w, seed, dtype, integers=False):
    rng = np.random.default_rng(seed)
    make = (lambda s: rng.integers(-6, 7, s)) if integers else rng.standard_normal
    return [np.asarray(make(shape), dtype) for shape in (x, w, w[:1])]


def in_torch(x, w, b, options, dout=None):
    """The output and the gradients of PyTorch in float64."""
    torch = pytest.importorskip("torch")
    sides = around(x.shape[2:], w.shape[2:], options["stride"], options["pad"], options["dilation"])
    leaves = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, w, b)]
    padded = torch.nn.functional.pad(leaves[0], (*sides[1], *sides[0]))
    out = torch.nn.functional.conv2d(
        padded, *leaves[1:], stride=options["stride"], dilation=options["dilation"], groups=options["groups"]
    )
    if dout is None:
        return out.detach().numpy()
    out.backward(torch.tensor(dout, dtype=torch.float64))
    return [out.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)]


@pytest.mark.parametrize("backend", kernels.available_backends())
@given(case=cases(), seed=seeds, dtype=st.sampled_from(DTYPES))
def test_output_and_gradients_are_those_of_torch(backend, case, seed, dtype):
    x_shape, w_shape, options = case
    if not fits(*case):
        with pytest.raises(ValueError, match=r"^conv_forward: the window, .* is larger than the padded image"):
            F.conv_forward(np.ones(x_shape), np.ones(w_shape), **options)
        return
    x, w, b = draw_arrays(x_shape, w_shape, seed, dtype)
    with fastnn.use_backend(backend):
        out, cache = F.conv_forward(x, w, b, **options)
        dout = np.random.default_rng(seed + 1).standard_normal(out.shape).astype(dtype)
        got = [out, *F.conv_backward(dout, cache)]
    want = in_torch(x, w, b, options, dout)
    sizes = in_torch(abs(x), abs(w), abs(b), options, abs(dout))
    lengths = (w[0].size, w[:, 0].size, out[:, 0].size, out[:, 0].size)
    u = np.finfo(dtype).eps / 2
    for ours, theirs, terms, length in zip(got, want, sizes, lengths, strict=True):
        assert ours.dtype == dtype
        assert ours.shape == theirs.shape
        assert np.all(abs(ours - theirs) <= (10 + math.sqrt(length)) * u * terms + 1e-15 * terms)


@pytest.mark.parametrize("backend", kernels.available_backends())
@given(case=cases(), seed=seeds, dtype=st.sampled_from(DTYPES))
def test_integers_are_exact_and_inputs_do_not_change(backend, case, seed, dtype):
    assume(fits(*case))
    x, w, b = draw_arrays(*case[:2], seed, dtype, integers=True)
    before = [a.tobytes() for a in (x, w, b)]
    with fastnn.use_backend(backend):
        out, cache = F.conv_forward(x, w, b, **case[2])
        dout = np.random.default_rng(seed).integers(-6, 7, out.shape).astype(dtype)
        kept = dout.copy()
        got = [out, *F.conv_backward(dout, cache)]
    for ours, theirs in zip(got, in_torch(x, w, b, case[2], dout), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [a.tobytes() for a in (x, w, b)] == before
    assert same_bits(dout, kept)


@given(case=cases(), seed=seeds)
def test_backward_is_the_transpose_of_forward(case, seed):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ holds exactly for the map of x and for that of w."""
    assume(fits(*case))
    x, w, _ = draw_arrays(*case[:2], seed, np.float64, integers=True)
    out, cache = F.conv_forward(x, w, **case[2])
    y = np.random.default_rng(seed).integers(-6, 7, out.shape).astype(np.float64)
    dx, dw, db = F.conv_backward(y, cache)
    assert db is None
    assert np.vdot(out, y) == np.vdot(x, dx) == np.vdot(w, dw)


@given(case=cases(), seed=seeds)
def test_im2col_and_col2im_make_the_convolution(case, seed):
    (n, c, h, w_), (f, _, r, s), options = case
    options = {k: v for k, v in options.items() if k != "groups"}
    assume(fits(case[0], case[1], options))
    x, w, _ = draw_arrays((n, c, h, w_), (f, c, r, s), seed, np.float64, integers=True)
    columns = F.im2col(x, (r, s), **options)
    out, cache = F.conv_forward(x, w, **options)
    np.testing.assert_array_equal((w.reshape(f, -1) @ columns).reshape(out.shape), out)
    dcolumns = w.reshape(f, -1).T @ out.reshape(n, f, -1)
    np.testing.assert_array_equal(F.col2im(dcolumns, (c, h, w_), (r, s), **options), F.conv_backward(out, cache)[0])
    y = np.random.default_rng(seed).integers(-6, 7, columns.shape).astype(np.float64)
    assert np.vdot(columns, y) == np.vdot(x, F.col2im(y, (c, h, w_), (r, s), **options))


def test_filters_are_not_rotated():
    x = np.arange(4.0).reshape(1, 1, 1, 4)
    out, _ = F.conv_forward(x, np.array([[[[0.0, 1.0]]]]))
    np.testing.assert_array_equal(out[0, 0, 0], [1, 2, 3])  # read by the second tap, not by the first


def test_the_extra_line_of_same_is_below_and_to_the_right():
    x = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)
    out, _ = F.conv_forward(x, np.ones((1, 1, 2, 2)), pad="same")
    np.testing.assert_array_equal(out[0, 0], [[12, 16, 9], [9, 11, 6]])


def test_windows_wholly_outside_the_image_give_the_bias():
    out, cache = F.conv_forward(np.full((1, 1, 1, 1), 3.0), np.ones((1, 1, 1, 1)), np.array([0.5]), pad=2)
    expected = np.full((5, 5), 0.5)
    expected[2, 2] = 3.5
    np.testing.assert_array_equal(out[0, 0], expected)
    dx, dw, db = F.conv_backward(np.ones((1, 1, 5, 5)), cache)
    assert (dx.item(), dw.item(), db.item()) == (1, 3, 25)


@pytest.mark.parametrize("backend", kernels.available_backends())
def test_a_stride_that_skips_pixels_gives_them_no_gradient(backend):
    with fastnn.use_backend(backend):
        out, cache = F.conv_forward(np.ones((1, 1, 5, 5)), np.full((2, 1, 1, 1), 2.0), stride=3)
        dx, _, _ = F.conv_backward(np.ones_like(out), cache)
    expected = np.zeros((5, 5))
    expected[::3, ::3] = 4
    np.testing.assert_array_equal(dx[0, 0], expected)


X, W, B = np.ones((2, 4, 5, 6)), np.ones((6, 4, 3, 3)), np.ones(6)
REFUSED = [
    ((np.ones((4, 5, 6)), W, B), {}, ValueError, r"x must be images \(N, C, H, W\), got \(4, 5, 6\)"),
    ((np.ones((2, 0, 5, 6)), W, B), {}, ValueError, r"x must be images \(N, C, H, W\), got \(2, 0, 5, 6\)"),
    ((X, np.ones((6, 4, 3)), B), {}, ValueError, r"w must be filters \(F, C / groups, R, S\), got \(6, 4, 3\)"),
    ((X, np.ones((0, 4, 3, 3)), None), {}, ValueError, r"w must be filters .*got \(0, 4, 3, 3\)"),
    ((X, np.ones((6, 3, 3, 3)), B), {}, ValueError, r"w has 3 input channels but x has 4 \(x: .*, w: \(6, 3, 3, 3\)\)"),
    ((X, W, B), {"groups": 2}, ValueError, "w has 4 input channels but x has 4 in 2 groups"),
    ((X, W, B), {"groups": 3}, ValueError, "4 channels and 6 filters do not divide into 3 groups"),
    ((X, W, B), {"groups": 0}, ValueError, "groups: expected a whole number of at least 1, got 0"),
    ((X, W, np.ones(4)), {}, ValueError, r"b must have shape \(6,\), one number a filter, got \(4,\)"),
    ((X, W.astype("f4"), B), {}, TypeError, "w must have the dtype of x, float64, got float32"),
    ((X, W, B), {"stride": 0}, ValueError, "stride: expected a whole number of at least 1, got 0"),
    ((X, W, B), {"stride": (1, 2, 3)}, ValueError, r"stride: expected a whole number or a pair of them, got .1, 2, 3."),
    ((X, W, B), {"stride": 1.0}, TypeError, "stride: expected a whole number of at least 1, got 1.0"),
    ((X, W, B), {"dilation": 0}, ValueError, "dilation: expected a whole number of at least 1, got 0"),
    ((X, W, B), {"pad": -1}, ValueError, "pad: expected a whole number of at least 0, got -1"),
    ((X, W, B), {"pad": "valid"}, ValueError, "pad: expected a whole number, a pair, two pairs or .same., got 'valid'"),
    ((X, W, B), {"pad": (1, 2, 3)}, ValueError, "pad: expected a whole number, a pair, two pairs or .same."),
    ((X, W, B), {"pad": True}, TypeError, "pad: expected a whole number of at least 0, got True"),
    ((X, np.ones((6, 4, 6, 1)), B), {}, ValueError, "the window, 6 × 1, is larger than the padded image, 5 × 6"),
    ((X, W, B), {"dilation": 3}, ValueError, "the window, 3 × 3 dilated to 7 × 7, is larger than the padded image"),
]


@pytest.mark.parametrize(("arrays", "options", "error", "message"), REFUSED)
def test_bad_arguments_are_refused(arrays, options, error, message):
    with pytest.raises(error, match=f"^conv_forward: {message}"):
        F.conv_forward(*arrays, **options)


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"^col2im: columns must have shape \(N, 4, 2\), got \(1, 4, 3\)"):
        F.col2im(np.ones((1, 4, 3)), (1, 2, 3), 2)
    with pytest.raises(ValueError, match=r"^col2im: shape must be \(C, H, W\), got \(2, 3\)"):
        F.col2im(np.ones((1, 4, 2)), (2, 3), 2)
    with pytest.raises(ValueError, match=r"^im2col: size: expected a whole number of at least 1, got 0"):
        F.im2col(X, 0)
