"""Masks on one image: true convolution rotates them, and correlation does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import seeds

from fastnn import functional as F
from fastnn.gradcheck import check_function

rng = np.random.default_rng(7)


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from((1, 3, 5)), st.sampled_from((1, 3, 5)), seeds)
def test_true_convolution_is_its_formula(height, width, rows, cols, seed):
    image, mask = (
        np.random.default_rng(seed).integers(-9, 9, s).astype(float) for s in ((height, width), (rows, cols))
    )
    expected = np.zeros((height, width))
    for y, x, i, j in np.ndindex(height, width, rows, cols):
        v, u = y - (i - rows // 2), x - (j - cols // 2)
        if 0 <= v < height and 0 <= u < width:
            expected[y, x] += mask[i, j] * image[v, u]
    np.testing.assert_array_equal(F.true_convolution(image, mask), expected)


def test_convolution_commutes_and_correlation_does_not():
    one, other = np.zeros((2, 7, 7))
    one[2:5, 2:5], other[2:5, 2:5] = rng.integers(-9, 9, (2, 3, 3))
    a, b = one[2:5, 2:5], other[2:5, 2:5]
    np.testing.assert_array_equal(F.true_convolution(one, b), F.true_convolution(other, a))
    correlated = [F.mask_response_forward(x[None], y[None].copy())[0] for x, y in ((one, b), (other, a))]
    assert not np.array_equal(*correlated)


def test_the_derivative_mask_is_the_central_difference():
    image = rng.integers(-9, 9, (4, 8)).astype(float)
    np.testing.assert_array_equal(
        F.true_convolution(image, F.derivative_mask())[:, 1:-1], (image[:, 2:] - image[:, :-2]) / 2
    )


def test_prewitt_finds_vertical_edges():
    step = np.zeros((1, 5, 6))
    step[:, :, 3:] = 1
    response, _ = F.mask_response_forward(step, F.prewitt_mask()[None])
    np.testing.assert_array_equal(response, [[0, 3, 3, 0]] * 3)
    flat, _ = F.mask_response_forward(step, F.prewitt_mask().T[None].copy())
    assert not flat.any()
    np.testing.assert_array_equal(F.true_convolution(step[0], -F.prewitt_mask())[1:-1, 1:-1], response)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_mask_response_and_its_gradients_are_their_formulas(stride):
    image, masks = (rng.integers(-9, 9, s).astype(float) for s in ((3, 9, 8), (3, 3, 2)))
    response, cache = F.mask_response_forward(image, masks, stride=stride)
    dresponse = rng.integers(-9, 9, response.shape).astype(float)
    expected, dimage, dmasks = np.zeros_like(response), np.zeros_like(image), np.zeros_like(masks)
    for i, j, c, x, y in np.ndindex(*response.shape, *masks.shape):
        expected[i, j] += image[c, stride * i + x, stride * j + y] * masks[c, x, y]
        dmasks[c, x, y] += dresponse[i, j] * image[c, stride * i + x, stride * j + y]
        dimage[c, stride * i + x, stride * j + y] += dresponse[i, j] * masks[c, x, y]
    np.testing.assert_array_equal(response, expected)
    for got, want in zip(F.mask_response_backward(dresponse, cache), (dimage, dmasks), strict=True):
        np.testing.assert_array_equal(got, want)
    result = check_function(
        lambda i, m: F.mask_response_forward(i, m, stride=stride), F.mask_response_backward, image, masks
    )
    assert result.passed, str(result)


IMAGE = np.ones((2, 5, 5))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.true_convolution(IMAGE, np.ones((2, 3))),
            ValueError,
            r"true_convolution: mask must be .* odd, got \(2, 3\)",
        ),
        (lambda: F.true_convolution(np.ones(3), np.ones((1, 3))), ValueError, "true_convolution: image must be"),
        (
            lambda: F.true_convolution(IMAGE, np.ones((1, 3), "f4")),
            TypeError,
            "true_convolution: mask must have the dtype",
        ),
        (lambda: F.mask_response_forward(IMAGE[0], IMAGE), ValueError, "mask_response_forward: image must be"),
        (lambda: F.mask_response_forward(IMAGE, IMAGE[:1]), ValueError, "mask_response_forward: masks must be"),
        (
            lambda: F.mask_response_forward(IMAGE, np.ones((2, 6, 1))),
            ValueError,
            "mask_response_forward: masks must be",
        ),
        (lambda: F.mask_response_backward(np.ones((1, 1)), None), TypeError, "mask_response_backward: cache must be"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


def test_a_gradient_of_another_shape_is_refused():
    _, cache = F.mask_response_forward(IMAGE, np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match=r"^mask_response_backward: dresponse must have .*\(4, 4\), got \(4, 5\)"):
        F.mask_response_backward(np.ones((4, 5)), cache)
