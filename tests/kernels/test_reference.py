"""The reference kernels agree with independent code: math.fsum, scipy.special and PyTorch in float64."""

import math

import numpy as np
import pytest

from fastnn.kernels import Activation, UpdateRule, reference
from fastnn.kernels.limits import PRELU

special = pytest.importorskip("scipy.special")
rng = np.random.default_rng(2024)


def close(got, want, rtol=1e-14):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)


def test_affine_agrees_with_exact_sums():
    x, w, b = rng.standard_normal((5, 31)), rng.standard_normal((31, 7)), rng.standard_normal(7)
    dout = rng.standard_normal((5, 7))
    out, dx, dw, db = np.empty((5, 7)), np.empty_like(x), np.empty_like(w), np.empty_like(b)
    reference.affine_forward(x, w, b, out)
    reference.affine_backward_input(dout, w, dx, None)
    reference.affine_backward_weight(x, dout, dw, db, 0.0)
    close(out, [[math.fsum([*(x[i] * w[:, j]), b[j]]) for j in range(7)] for i in range(5)])
    close(dx, [[math.fsum(dout[i] * w[j]) for j in range(31)] for i in range(5)])
    close(dw, [[math.fsum(x[:, i] * dout[:, j]) for j in range(7)] for i in range(31)])
    close(db, [math.fsum(dout[:, j]) for j in range(7)])
    once = dw.copy(), db.copy()
    reference.affine_backward_weight(x, dout, dw, db, 1.0)
    close(dw, 2 * once[0])
    close(db, 2 * once[1])


def test_sigmoid_softmax_and_log_softmax_agree_with_scipy():
    x = 20 * rng.standard_normal((40, 13))
    out = np.empty_like(x)
    reference.activation_forward(x, out, Activation.SIGMOID, 0.0)
    close(out, special.expit(x))
    reference.softmax_forward(x, out, 1.0)
    close(out, special.softmax(x, axis=1), 1e-13)
    reference.softmax_forward(x, out, -1.0)
    close(out, special.softmax(-x, axis=1), 1e-13)
    reference.log_softmax_forward(x, out)
    close(out, special.log_softmax(x, axis=1), 1e-13)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


ACTIVATIONS = {
    Activation.RELU: ("relu", 0.0, {}),
    Activation.LEAKY_RELU: ("leaky_relu", 0.2, {"negative_slope": 0.2}),
    Activation.ELU: ("elu", 1.3, {"alpha": 1.3}),
    Activation.SIGMOID: ("sigmoid", 0.0, {}),
    Activation.TANH: ("tanh", 0.0, {}),
    Activation.TANHSHRINK: ("tanhshrink", 0.0, {}),
    Activation.SOFTSHRINK: ("softshrink", 0.4, {"lambd": 0.4}),
    Activation.GELU: ("gelu", 0.0, {"approximate": "tanh"}),
    Activation.SILU: ("silu", 0.0, {}),
    Activation.SOFTPLUS: ("softplus", 0.0, {"threshold": 1000.0}),
    Activation.MISH: ("mish", 0.0, {}),
    Activation.HARD_SIGMOID: ("hardsigmoid", 0.0, {}),
    Activation.HARD_SWISH: ("hardswish", 0.0, {}),
    Activation.SELU: ("selu", 0.0, {}),
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_agree_with_torch(kind, torch):
    name, alpha, options = ACTIVATIONS[kind]
    x, dout = np.append(3 * rng.standard_normal(499), 0.0), rng.standard_normal(500)
    t = torch.tensor(x, requires_grad=True)
    want = getattr(torch.nn.functional, name)(t, **options)
    want.backward(torch.tensor(dout))
    out, dx = np.empty_like(x), np.empty_like(x)
    reference.activation_forward(x, out, kind, alpha)
    reference.activation_backward(dout, x if kind.backward_needs_input else out, dx, kind, alpha)
    close(out, want.detach().numpy())
    rounded = kind is Activation.HARD_SIGMOID  # PyTorch's slope is 1/6 as a float32
    close(dx, t.grad.numpy(), 3e-8 if rounded else 1e-13)


@pytest.mark.parametrize("kind", [Activation.GELU, Activation.SILU, Activation.MISH])
def test_gated_activations_of_float32_are_those_of_float64_rounded(kind):
    x = np.linspace(-20, 20, 100_001, dtype=np.float32)
    out, wide = np.empty_like(x), np.empty(x.shape)
    reference.activation_forward(x, out, kind, 0.0)
    reference.activation_forward(x.astype(np.float64), wide, kind, 0.0)
    np.testing.assert_array_equal(out, wide.astype(np.float32))


@pytest.mark.parametrize("slopes", [1, 3])
def test_prelu_agrees_with_torch(slopes, torch):
    x, dout, w = rng.standard_normal((4, 3, 5)), rng.standard_normal((4, 3, 5)), rng.standard_normal(slopes)
    t, slope = torch.tensor(x, requires_grad=True), torch.tensor(w, requires_grad=True)
    want = torch.nn.functional.prelu(t, slope)
    want.backward(torch.tensor(dout))
    shape = (4, slopes, -1)
    out, dx, dw = np.empty_like(x), np.empty_like(x), np.empty_like(w)
    reference.learned_activation_forward(x.reshape(shape), w, None, None, out.reshape(shape), PRELU)
    numbers, gradients = (w, None, None), (dw, None, None)
    reference.learned_activation_backward(
        dout.reshape(shape), x.reshape(shape), *numbers, dx.reshape(shape), *gradients, 0.0, PRELU
    )
    close(out, want.detach().numpy())
    close(dx, t.grad.numpy())
    close(dw, slope.grad.numpy())


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_softmax_gradients_agree_with_torch(name, torch):
    x, dout = 5 * rng.standard_normal((30, 11)), rng.standard_normal((30, 11))
    t = torch.tensor(x, requires_grad=True)
    getattr(torch.nn.functional, name)(t, dim=1).backward(torch.tensor(dout))
    out, dx = np.empty_like(x), np.empty_like(x)
    if name == "log_softmax":
        reference.log_softmax_forward(x, out)
        reference.log_softmax_backward(dout, out, dx)
    else:
        sign = 1.0 if name == "softmax" else -1.0
        reference.softmax_forward(x, out, sign)
        reference.softmax_backward(dout, out, dx, sign)
    close(dx, t.grad.numpy(), 1e-13)


@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_agrees_with_torch(soft, torch):
    x = 5 * rng.standard_normal((30, 11))
    targets = rng.dirichlet(np.ones(11), 30) * 1.5 if soft else rng.integers(0, 11, 30)
    t = torch.tensor(x, requires_grad=True)
    want = torch.nn.functional.cross_entropy(t, torch.tensor(targets), reduction="mean")
    want.backward()
    kernel = reference.soft_cross_entropy if soft else reference.softmax_cross_entropy
    dx, loss, correct = np.empty_like(x), np.empty(1), np.empty(1, np.int64)
    kernel(x, targets, dx, loss, correct, None, 1 / 30)
    close(loss[0], want.item())
    close(dx, t.grad.numpy())
    answers = targets.argmax(axis=1) if soft else targets
    assert correct[0] == sum(int(row.argmax()) == a for row, a in zip(x, answers, strict=True))
    only_loss = np.empty(1)
    kernel(x, targets, None, only_loss, correct, None, 1 / 30)
    assert only_loss[0] == loss[0]


def test_squared_error_agrees_with_torch(torch):
    x, y = rng.standard_normal((2, 30, 4))
    t = torch.tensor(x, requires_grad=True)
    want = torch.nn.functional.mse_loss(t, torch.tensor(y))
    want.backward()
    dx, loss = np.empty_like(x), np.empty(1)
    reference.squared_error(x, y, dx, loss, None, 1 / 120)
    close(loss[0], want.item())
    close(dx, t.grad.numpy())


# PyTorch has v = momentum v + g, w -= rate v. Ours scales the velocity, which is the same for a constant rate.
@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_updates_agree_with_torch(rule, decay, torch):
    w = rng.standard_normal(50)
    gradients = rng.standard_normal((6, 50))
    t = torch.tensor(w, requires_grad=True)
    if rule == "adam":
        optimiser = torch.optim.Adam([t], lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=decay)
    else:
        momentum = 0.9 if rule == "momentum" else 0.0
        optimiser = torch.optim.SGD([t], lr=0.1, momentum=momentum, weight_decay=decay)
    m, v, rate = np.zeros(50), np.zeros(50), np.array([0.1])
    for step, g in enumerate(gradients, 1):
        t.grad = torch.tensor(g)
        optimiser.step()
        if rule == "sgd":
            reference.update(w, None, None, g, rate, np.array([step]), UpdateRule.SGD, decay)
        elif rule == "momentum":
            reference.update(w, None, v, g, rate, np.array([step]), UpdateRule.MOMENTUM, decay, 0.9)
        else:
            reference.update(w, m, v, g, rate, np.array([step]), UpdateRule.ADAM, decay, 0.8, 0.95, 1e-3)
        close(w, t.detach().numpy(), 1e-13)


def test_adam_first_step_is_the_rate_in_the_direction_of_the_sign():
    """Without eps, the corrected moments of the first step are g and g²."""
    w, g = np.zeros(4), np.array([1e-8, -3.0, 0.5, 1e8])
    m, v, rate, t = np.zeros(4), np.zeros(4), np.array([0.25]), np.array([1])
    reference.update(w, m, v, g, rate, t, UpdateRule.ADAM, 0.0, 0.9, 0.999, 0.0)
    close(w, -0.25 * np.sign(g), 1e-12)


def test_tanhshrink_keeps_its_digits_near_zero():
    x = np.array([1e-3, 1e-5, -1e-7])
    out = np.empty_like(x)
    reference.activation_forward(x, out, Activation.TANHSHRINK, 0.0)
    np.testing.assert_allclose(out, x**3 / 3 - 2 * x**5 / 15 + 17 * x**7 / 315, rtol=1e-14, atol=0)


def test_gather_takes_rows_in_the_order_of_the_index():
    source = np.arange(12, dtype=np.uint8).reshape(4, 3)
    out = np.empty((3, 3), np.float32)
    reference.gather_rows(source, np.array([3, 0, 3]), out, 0.5)
    np.testing.assert_array_equal(out, [[4.5, 5, 5.5], [0, 0.5, 1], [4.5, 5, 5.5]])
    reference.gather_rows(source, None, out, 1.0)
    np.testing.assert_array_equal(out, source[:3])
    labels = np.empty(3, np.int64)
    reference.gather_labels(np.array([7, 8, 9, 6]), np.array([3, 0, 3]), labels)
    np.testing.assert_array_equal(labels, [6, 7, 6])
