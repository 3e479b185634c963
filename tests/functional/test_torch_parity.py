"""Functions agree with PyTorch, forward and backward, in both dtypes and on every backend."""

import numpy as np
import pytest
from strategies import DTYPES

import fastnn
from fastnn import functional as F
from fastnn import kernels

torch = pytest.importorskip("torch")

TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}
rng = np.random.default_rng(5)

PAIRS = {
    "relu": {},
    "leaky_relu": {"alpha": 0.3},
    "elu": {"alpha": 1.7},
    "sigmoid": {},
    "tanh": {},
    "tanhshrink": {},
    "softshrink": {"lambd": 0.2},
    "silu": {},
    "softmax": {},
    "softmin": {},
    "log_softmax": {},
}
TORCH_NAMES = {("leaky_relu", "alpha"): "negative_slope"}

pytestmark = [
    pytest.mark.parametrize("dtype", DTYPES),
    pytest.mark.parametrize("backend", kernels.available_backends()),
]


@pytest.mark.parametrize("name", PAIRS)
def test_elementwise_functions_agree_with_torch(name, dtype, backend):
    options = PAIRS[name]
    x, dout = (2 * rng.standard_normal((2, 37, 23))).astype(dtype)
    with fastnn.use_backend(backend):
        out, cache = getattr(F, f"{name}_forward")(x, **options)
        dx = getattr(F, f"{name}_backward")(dout, cache)
    t = torch.tensor(x, requires_grad=True)
    theirs = {TORCH_NAMES.get((name, k), k): v for k, v in options.items()}
    theirs |= {"dim": -1} if "soft" in name and name != "softshrink" else {}
    want = getattr(torch.nn.functional, name)(t, **theirs)
    want.backward(torch.tensor(dout))
    scale = 10 * TOLERANCE[dtype]
    np.testing.assert_allclose(out, want.detach().numpy(), rtol=scale, atol=scale)
    np.testing.assert_allclose(dx, t.grad.numpy(), rtol=scale, atol=scale)


def test_affine_agrees_with_torch(dtype, backend):
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((9, 5, 4), (20, 6), (6,)))
    with fastnn.use_backend(backend):
        out, cache = F.affine_forward(x, w, b)
        grads = F.affine_backward(out, cache)
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    want = leaves[0].flatten(1) @ leaves[1] + leaves[2]
    want.backward(want.detach())
    for got, t in zip((out, *grads), (want.detach(), *(leaf.grad for leaf in leaves)), strict=True):
        np.testing.assert_allclose(got, t.numpy(), rtol=0, atol=100 * TOLERANCE[dtype])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", ["labels", "weights", "squares"])
def test_losses_agree_with_torch(kind, reduction, dtype, backend):
    x = (3 * rng.standard_normal((33, 10))).astype(dtype)
    y = {
        "labels": rng.integers(0, 10, 33),
        "weights": rng.dirichlet(np.ones(10), 33).astype(dtype),
        "squares": rng.standard_normal((33, 10)).astype(dtype),
    }[kind]
    ours, theirs = (F.mse_loss, "mse_loss") if kind == "squares" else (F.softmax_loss, "cross_entropy")
    with fastnn.use_backend(backend):
        loss, dx = ours(x, y, reduction=reduction)
    t = torch.tensor(x, requires_grad=True)
    want = getattr(torch.nn.functional, theirs)(t, torch.tensor(y), reduction=reduction)
    want.backward()
    np.testing.assert_allclose(loss, want.item(), rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(dx, t.grad.numpy(), rtol=0, atol=20 * TOLERANCE[dtype])
