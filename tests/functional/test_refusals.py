"""Bad input raises a ValueError or TypeError that names the function and the argument, before any work."""

import numpy as np
import pytest
from function_cases import PAIRS

from fastnn import functional as F
from fastnn import kernels

x34 = np.ones((3, 4))
w42 = np.ones((4, 2))
labels = np.array([0, 1, 3])


@pytest.fixture(autouse=True)
def let_kernels_run(monkeypatch):
    """No kernel may be looked up before arguments are refused; calling the fixture allows it again."""
    get = kernels.get
    monkeypatch.setattr(kernels, "get", lambda name: pytest.fail(f"kernel {name} ran"))
    return lambda: monkeypatch.setattr(kernels, "get", get)


BAD_DTYPES = {
    "int": [[1, 2], [3, 4]],
    "bool": np.ones((2, 2), bool),
    "complex": np.ones((2, 2), complex),
    "object": np.array([[1.0, None], [2.0, 3.0]], object),
    "half": np.ones((2, 2), np.float16),
    "long double": np.ones((2, 2), np.longdouble),
    "text": np.array([["a", "b"]]),
    "None": None,
}


@pytest.mark.parametrize("bad", BAD_DTYPES)
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_x_of_a_wrong_dtype_is_refused(pair, bad):
    name = f"{pair.name}_forward"
    rest = pair.arguments(np.float64)[1:]
    with pytest.raises(TypeError, match=rf"^{name}: x must be "):
        pair.forward(BAD_DTYPES[bad], *rest)


def test_the_message_says_what_to_do():
    with pytest.raises(TypeError) as error:
        F.relu_forward(np.arange(3))
    assert str(error.value) == (
        "relu_forward: x must be float32 or float64, got int64; "
        'convert it, for example with numpy.asarray(x, dtype="float32")'
    )


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError, match=r"^relu_forward: x must be an array, got a list"):
        F.relu_forward([[1.0], [1.0, 2.0]])


AFFINE = [
    (np.ones((3, 4), "f4"), w42, np.ones(2), TypeError, "w must have the dtype of x, float32, got float64"),
    (x34, w42, np.ones(2, "f4"), TypeError, "b must have the dtype of x, float64, got float32"),
    (np.ones(4), w42, np.ones(2), ValueError, r"x must have a row for each sample.*got \(4,\)"),
    (x34, np.ones(4), np.ones(2), ValueError, r"w must be a matrix \(D, M\), got \(4,\)"),
    (np.ones((3, 0)), np.ones((0, 2)), np.ones(2), ValueError, r"w must be a matrix \(D, M\), got \(0, 2\)"),
    (x34, np.ones((3, 2)), np.ones(2), ValueError, r"w has 3 rows but x has 4 .*x: \(3, 4\), w: \(3, 2\)"),
    (np.ones((3, 2, 3)), w42, np.ones(2), ValueError, r"w has 4 rows but x has 6 "),
    (x34, w42, np.ones(3), ValueError, r"b must have shape \(2,\).*got \(3,\)"),
    (x34, w42, np.ones((1, 2)), ValueError, r"b must have shape \(2,\).*got \(1, 2\)"),
    (x34, w42, 1.0, ValueError, r"b must have shape \(2,\).*got \(\)"),
]


@pytest.mark.parametrize(("x", "w", "b", "error", "message"), AFFINE)
def test_affine_refuses_bad_arguments(x, w, b, error, message):
    with pytest.raises(error, match=rf"^affine_forward: {message}"):
        F.affine_forward(x, w, b)


@pytest.mark.parametrize("name", ["softmax_forward", "softmin_forward", "log_softmax_forward", "log_softmax"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_softmax_without_classes_is_refused(name, shape):
    with pytest.raises(ValueError, match=rf"^{name}: x must have a last axis of at least one element"):
        getattr(F, name)(np.ones(shape))


@pytest.mark.parametrize(
    ("name", "option", "value", "error", "message"),
    [
        ("leaky_relu", "alpha", -0.1, ValueError, "alpha: expected a finite number of at least 0, got -0.1"),
        ("leaky_relu", "alpha", np.nan, ValueError, "alpha: expected a finite number of at least 0, got nan"),
        ("leaky_relu", "alpha", np.inf, ValueError, "alpha: expected a finite number of at least 0, got inf"),
        ("leaky_relu", "alpha", "1", TypeError, "alpha: expected a finite number of at least 0, got '1'"),
        ("elu", "alpha", 0.0, ValueError, "alpha: expected a finite number above 0, got 0.0"),
        ("elu", "alpha", True, TypeError, "alpha: expected a finite number above 0, got True"),
        ("softshrink", "lambd", -1, ValueError, "lambd: expected a finite number of at least 0, got -1"),
        ("softshrink", "lambd", None, TypeError, "lambd: expected a finite number of at least 0, got None"),
    ],
)
def test_bad_options_are_refused(name, option, value, error, message):
    with pytest.raises(error, match=rf"^{name}_forward: {message}"):
        getattr(F, f"{name}_forward")(x34, **{option: value})


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_backward_refuses_bad_gradients_and_caches(pair, let_kernels_run):
    let_kernels_run()
    name = f"{pair.name}_backward"
    out, cache = pair.forward(*pair.arguments(np.float64))
    with pytest.raises(ValueError, match=rf"^{name}: dout must have the shape of the output.*got \(1,"):
        pair.backward(np.ones((1, *out.shape[1:])), cache)
    with pytest.raises(TypeError, match=rf"^{name}: dout must have the dtype of .*float64, got float32"):
        pair.backward(out.astype(np.float32), cache)
    with pytest.raises(TypeError, match=rf"^{name}: dout must be float32 or float64, got int64"):
        pair.backward(np.ones(out.shape, np.int64), cache)
    with pytest.raises(TypeError, match=rf"^{name}: cache must be the one that {pair.name}_forward returned"):
        pair.backward(out, None)


def test_the_cache_of_another_function_is_refused(let_kernels_run):
    let_kernels_run()
    _, cache = F.relu_forward(x34)
    message = "^tanh_backward: cache must be the one that tanh_forward returned, got that of relu_forward"
    with pytest.raises(TypeError, match=message):
        F.tanh_backward(x34, cache)
    _, cache = F.softmax_forward(x34)
    with pytest.raises(TypeError, match=r"^softmin_backward: .*got that of softmax_forward"):
        F.softmin_backward(x34, cache)
    with pytest.raises(TypeError, match=r"^affine_backward: .*got that of softmax_forward"):
        F.affine_backward(x34, cache)


SOFTMAX_LOSS = [
    (x34[0], labels, ValueError, r"x must be \(N, C\).*got \(4,\)"),
    (x34[:0], labels[:0], ValueError, r"x must be \(N, C\) with at least one sample.*got \(0, 4\)"),
    (x34[:, :0], labels, ValueError, r"x must be \(N, C\).*got \(3, 0\)"),
    (x34.astype(int), labels, TypeError, "x must be float32 or float64, got int64"),
    (x34, [0, 1, 4], ValueError, "labels must lie in 0 to 3, got 4 in sample 2"),
    (x34, [0, -1, 2], ValueError, "labels must lie in 0 to 3, got -1 in sample 1"),
    (x34, np.array([0, 2**63, 1], "u8"), ValueError, "labels must lie in 0 to 3, got 9223372036854775808 in sample 1"),
    (x34, [0.0, 1.0, 2.0], TypeError, r"y must hold integer labels of shape \(3,\).*got float64 \(3,\)"),
    (x34, [0, np.nan, 2], TypeError, "y must hold integer labels"),
    (x34, [True, False, True], TypeError, "y must hold integer labels.*got bool"),
    (x34, ["a", "b", "c"], TypeError, "y must hold integer labels"),
    (x34, np.array([0, 1, 2], object), TypeError, "y must hold integer labels.*got object"),
    (x34, np.array([0, 1, 2], complex), TypeError, "y must hold integer labels.*got complex128"),
    (x34, [0, 1], ValueError, r"labels y must have shape \(3,\).*got \(2,\)"),
    (
        x34,
        [[0], [1], [2]],
        ValueError,
        r"labels y must have shape \(3,\).*got \(3, 1\); flatten it with y.ravel",
    ),
    (x34, 1, ValueError, r"labels y must have shape \(3,\).*got \(\)"),
    (x34, np.ones((3, 4), int), TypeError, "one-hot y must have the dtype of x, float64, got int64"),
    (x34, np.ones((3, 4), "f4"), TypeError, "y must have the dtype of x, float64, got float32"),
    (x34, np.ones((3, 4), "f2"), TypeError, "y must be float32 or float64, got float16"),
    (x34, np.ones((2, 4)), ValueError, "y has 2 rows but x has 3"),
    (x34, np.ones((3, 5)), TypeError, r"y must hold integer labels.*got float64 \(3, 5\)"),
    (x34, np.full((3, 4), np.nan), ValueError, "one-hot labels must be finite and at least 0, got nan in sample 0"),
    (x34, np.full((3, 4), np.inf), ValueError, "one-hot labels must be finite and at least 0, got inf in sample 0"),
    (
        x34,
        np.diag([1, 1, 1, -2.0])[1:],
        ValueError,
        "one-hot labels must be finite and at least 0, got -2.0 in sample 2",
    ),
    (x34, None, TypeError, "y must hold integer labels"),
]


@pytest.mark.parametrize(("x", "y", "error", "message"), SOFTMAX_LOSS)
def test_softmax_loss_refuses_bad_arguments(x, y, error, message):
    with pytest.raises(error, match=rf"^softmax_loss: {message}"):
        F.softmax_loss(x, y)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (x34, x34[:, :1], ValueError, r"y must have the shape of x, \(3, 4\), got \(3, 1\)"),
        (x34[:, :1], np.ones(3), ValueError, r"y must have the shape of x, \(3, 1\), got \(3,\)"),
        (x34[:0], x34[:0], ValueError, r"x must have at least one element, got \(0, 4\)"),
        (x34, x34.astype("f4"), TypeError, "y must have the dtype of x, float64, got float32"),
        (x34, x34.astype(int), TypeError, "y must be float32 or float64, got int64"),
    ],
)
def test_mse_loss_refuses_bad_arguments(x, y, error, message):
    with pytest.raises(error, match=rf"^mse_loss: {message}"):
        F.mse_loss(x, y)


@pytest.mark.parametrize("bad", ["none", "", None, 1, ["mean"]])
def test_an_unknown_reduction_is_refused(bad):
    with pytest.raises(ValueError, match=r"^softmax_loss: reduction: expected .mean. or .sum., got "):
        F.softmax_loss(x34, labels, reduction=bad)
    with pytest.raises(ValueError, match=r"^mse_loss: reduction: expected .mean. or .sum., got "):
        F.mse_loss(x34, x34, reduction=bad)


def test_options_are_keyword_only():
    for call in (lambda: F.leaky_relu_forward(x34, 0.1), lambda: F.softmax_loss(x34, labels, "sum")):
        with pytest.raises(TypeError, match="positional argument"):
            call()
