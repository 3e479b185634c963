"""The second assignment as in 2016 and 2017, where dropout's number is the fraction that is dropped."""

# %% setup
import time

import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers.fc_net import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.solver import Solver

# %matplotlib inline
plt.rcParams["figure.figsize"] = (4.0, 3.0)
# %load_ext autoreload
# %autoreload 2


def rel_error(x, y):
    return np.max(np.abs(x - y) / (np.maximum(1e-8, np.abs(x) + np.abs(y))))


np.random.seed(231)
data = get_CIFAR10_data(num_training=400, num_validation=100, num_test=100)

# %% what p meant in these years
from cs231n import dropout_means

dropout_means("dropped")

# %% the initial loss and the gradients
N, D, H1, H2, C = 2, 15, 20, 30, 10
X, y = np.random.randn(N, D), np.random.randint(C, size=(N,))
for reg in [0, 3.14]:
    model = FullyConnectedNet([H1, H2], input_dim=D, num_classes=C, reg=reg, weight_scale=5e-2, dtype=np.float64)
    loss, grads = model.loss(X, y)
    print("Initial loss: ", loss)
    for name in sorted(grads):
        f = lambda _: model.loss(X, y)[0]
        grad_num = eval_numerical_gradient(f, model.params[name], verbose=False, h=1e-5)
        assert rel_error(grad_num, grads[name]) < 1e-4

# %% a few images learnt by heart
small_data = {
    "X_train": data["X_train"][:50],
    "y_train": data["y_train"][:50],
    "X_val": data["X_val"],
    "y_val": data["y_val"],
}
model = FullyConnectedNet([100, 100], weight_scale=1e-2, dtype=np.float64)
solver = Solver(
    model,
    small_data,
    print_every=10,
    num_epochs=20,
    batch_size=25,
    update_rule="sgd",
    optim_config={"learning_rate": 4e-3},
)
solver.train()
plt.plot(solver.loss_history, "o")
plt.show()
assert max(solver.train_acc_history) > 0.95

# %% update rules
from cs231n.optim import adam, rmsprop, sgd, sgd_momentum

N, D = 4, 5
w = np.linspace(-0.4, 0.6, num=N * D).reshape(N, D)
dw = np.linspace(-0.6, 0.4, num=N * D).reshape(N, D)
v = np.linspace(0.6, 0.9, num=N * D).reshape(N, D)
assert rel_error(sgd(w.copy(), dw)[0], w - 0.01 * dw) < 1e-12
config = {"learning_rate": 1e-3, "velocity": v}
next_w, _ = sgd_momentum(w, dw, config=config)
assert rel_error(config["velocity"], 0.9 * v - 1e-3 * dw) < 1e-12
assert rel_error(next_w, w + config["velocity"]) < 1e-12

# %% with means of squares
config = {"learning_rate": 1e-2, "cache": v}
next_w, _ = rmsprop(w, dw, config=config)
cache = 0.99 * v + 0.01 * dw**2
assert rel_error(config["cache"], cache) < 1e-12
assert rel_error(next_w, w - 1e-2 * dw / (np.sqrt(cache) + 1e-8)) < 1e-12
m = np.linspace(0.6, 0.9, num=N * D).reshape(N, D)
config = {"learning_rate": 1e-2, "m": m, "v": 0.5 * v, "t": 5}
next_w, _ = adam(w, dw, config=config)
first, second = 0.9 * m + 0.1 * dw, 0.999 * 0.5 * v + 0.001 * dw**2
step = 1e-2 * first / (1 - 0.9**6) / (np.sqrt(second / (1 - 0.999**6)) + 1e-8)
assert rel_error(next_w, w - step) < 1e-12
assert config["t"] == 6

# %% rules compared
solvers = {}
for update_rule, rate in {"sgd": 5e-3, "sgd_momentum": 5e-3, "rmsprop": 1e-4, "adam": 1e-3}.items():
    model = FullyConnectedNet([50, 50, 50], weight_scale=5e-2)
    solver = Solver(
        model,
        data,
        num_epochs=3,
        batch_size=50,
        update_rule=update_rule,
        optim_config={"learning_rate": rate},
        verbose=update_rule == "adam",
    )
    solvers[update_rule] = solver
    solver.train()
for update_rule, solver in solvers.items():
    plt.plot(solver.val_acc_history, "-o", label=update_rule)
plt.legend()
plt.show()
assert min(solver.best_val_acc for solver in solvers.values()) > 0.3

# %% batch normalisation
N, D1, D2, D3 = 200, 50, 60, 3
X, W1, W2 = np.random.randn(N, D1), np.random.randn(D1, D2), np.random.randn(D2, D3)
a = np.maximum(0, X.dot(W1)).dot(W2)
gamma, beta = np.asarray([1.0, 2.0, 3.0]), np.asarray([11.0, 12.0, 13.0])
a_norm, _ = batchnorm_forward(a, gamma, beta, {"mode": "train"})
assert np.allclose(a_norm.mean(axis=0), beta)
assert np.allclose(a_norm.std(axis=0), gamma, atol=1e-3)

# %% by running averages
bn_param = {"mode": "train"}
for _ in range(50):
    batchnorm_forward(np.maximum(0, np.random.randn(N, D1).dot(W1)).dot(W2), np.ones(D3), np.zeros(D3), bn_param)
bn_param["mode"] = "test"
a_norm, _ = batchnorm_forward(a, np.ones(D3), np.zeros(D3), bn_param)
assert np.abs(a_norm.mean(axis=0)).max() < 0.3

# %% its gradients, by both ways
N, D = 4, 5
x, gamma, beta, dout = 5 * np.random.randn(N, D) + 12, np.random.randn(D), np.random.randn(D), np.random.randn(N, D)
bn_param = {"mode": "train"}
fx = lambda x: batchnorm_forward(x, gamma, beta, bn_param)[0]
dx_num = eval_numerical_gradient_array(fx, x, dout)
_, cache = batchnorm_forward(x, gamma, beta, bn_param)
dx, dgamma, dbeta = batchnorm_backward(dout, cache)
t1 = time.time()
dx2, dgamma2, dbeta2 = batchnorm_backward_alt(dout, cache)
print("alternative way: %f s" % (time.time() - t1))
assert rel_error(dx_num, dx) < 1e-6
assert rel_error(dx, dx2) < 1e-9

# %% a network with it
N, D, H1, H2, C = 2, 15, 20, 30, 10
X, y = np.random.randn(N, D), np.random.randint(C, size=(N,))
model = FullyConnectedNet(
    [H1, H2], input_dim=D, num_classes=C, reg=0.1, weight_scale=5e-2, dtype=np.float64, use_batchnorm=True
)
loss, grads = model.loss(X, y)
assert {"gamma1", "beta1", "gamma2", "beta2"} <= set(grads)

# %% deep, with it and without
histories = {}
for use_batchnorm in (True, False):
    model = FullyConnectedNet([30] * 4, weight_scale=2e-2, use_batchnorm=use_batchnorm)
    settings = {"update_rule": "adam", "optim_config": {"learning_rate": 1e-3}}
    solver = Solver(model, data, num_epochs=3, batch_size=50, verbose=False, **settings)
    solver.train()
    histories[use_batchnorm] = solver.val_acc_history
assert max(histories[True]) > 0.5

# %% dropout
x = np.random.randn(500, 500) + 10
for p in [0.3, 0.6, 0.75]:
    out, _ = dropout_forward(x, {"mode": "train", "p": p})
    out_test, _ = dropout_forward(x, {"mode": "test", "p": p})
    print("Running tests with p = ", p, "fraction of zeros:", (out == 0).mean())
    assert abs((out == 0).mean() - p) < 0.02
    assert abs(out.mean() - x.mean()) < 0.2
    assert np.array_equal(out_test, x)

# %% backwards
x, dout = np.random.randn(10, 10) + 10, np.random.randn(10, 10)
dropout_param = {"mode": "train", "p": 0.8, "seed": 123}
out, cache = dropout_forward(x, dropout_param)
dx_num = eval_numerical_gradient_array(lambda xx: dropout_forward(xx, dropout_param)[0], x, dout)
assert rel_error(dropout_backward(dout, cache), dx_num) < 1e-8

# %% a network with dropout
for dropout in [0, 0.25, 0.5]:
    model = FullyConnectedNet(
        [H1, H2], input_dim=D, num_classes=C, weight_scale=5e-2, dtype=np.float64, dropout=dropout, seed=123
    )
    loss, grads = model.loss(X, y)
    f = lambda _: model.loss(X, y)[0]
    assert rel_error(eval_numerical_gradient(f, model.params["W2"], verbose=False), grads["W2"]) < 1e-4

# %% trained
model = FullyConnectedNet([100], dropout=0.25)
solver = Solver(
    model, small_data, num_epochs=10, batch_size=25, update_rule="adam", optim_config={"learning_rate": 5e-4}
)
solver.train()
assert max(solver.train_acc_history) > 0.8

# %% convolution
from cs231n.classifiers.cnn import *
from cs231n.fast_layers import *
from cs231n.layers import *

x, w = np.linspace(-0.1, 0.5, num=96).reshape(2, 3, 4, 4), np.linspace(-0.2, 0.3, num=144).reshape(3, 3, 4, 4)
out, _ = conv_forward_naive(x, w, np.linspace(-0.1, 0.2, num=3), {"stride": 2, "pad": 1})
assert out.shape == (2, 3, 2, 2)
window = np.pad(x[1], ((0, 0), (1, 1), (1, 1)))[:, 0:4, 0:4]
assert abs(out[1, 0, 0, 0] - np.sum(window * w[0]) + 0.1) < 1e-10

# %% its gradients
x, w, b = np.random.randn(4, 3, 5, 5), np.random.randn(2, 3, 3, 3), np.random.randn(2)
dout, conv_param = np.random.randn(4, 2, 5, 5), {"stride": 1, "pad": 1}
dw_num = eval_numerical_gradient_array(lambda w: conv_forward_naive(x, w, b, conv_param)[0], w, dout)
_, cache = conv_forward_naive(x, w, b, conv_param)
dx, dw, db = conv_backward_naive(dout, cache)
assert rel_error(dw_num, dw) < 1e-6

# %% max-pooling
x, dout = np.random.randn(3, 2, 8, 8), np.random.randn(3, 2, 4, 4)
pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
dx_num = eval_numerical_gradient_array(lambda x: max_pool_forward_naive(x, pool_param)[0], x, dout)
out, cache = max_pool_forward_naive(x, pool_param)
assert rel_error(dx_num, max_pool_backward_naive(dout, cache)) < 1e-8

# %% the fast ones
x, w, b = np.random.randn(10, 3, 16, 16), np.random.randn(5, 3, 3, 3), np.random.randn(5)
conv_param = {"stride": 2, "pad": 1}
out_naive, cache_naive = conv_forward_naive(x, w, b, conv_param)
out_fast, cache_fast = conv_forward_fast(x, w, b, conv_param)
assert rel_error(out_naive, out_fast) < 1e-12
dx_fast, dw_fast, db_fast = conv_backward_fast(np.ones_like(out_fast), cache_fast)
out_pool, cache_pool = max_pool_forward_fast(x, pool_param)
assert max_pool_backward_fast(np.ones_like(out_pool), cache_pool).shape == x.shape

# %% layers in a row
from cs231n.layer_utils import (
    conv_bn_relu_backward,
    conv_bn_relu_forward,
    conv_relu_backward,
    conv_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
)

x, w, b = np.random.randn(2, 3, 8, 8), np.random.randn(3, 3, 3, 3), np.random.randn(3)
conv_param = {"stride": 1, "pad": 1}
out, cache = conv_relu_pool_forward(x, w, b, conv_param, pool_param)
dout = np.random.randn(*out.shape)
dx, dw, db = conv_relu_pool_backward(dout, cache)
db_num = eval_numerical_gradient_array(lambda b: conv_relu_pool_forward(x, w, b, conv_param, pool_param)[0], b, dout)
assert rel_error(db_num, db) < 1e-6
out, cache = conv_relu_forward(x, w, b, conv_param)
dx, dw, db = conv_relu_backward(np.ones_like(out), cache)
out, cache = conv_bn_relu_forward(x, w, b, np.ones(3), np.zeros(3), conv_param, {"mode": "train"})
dx, dw, db, dgamma, dbeta = conv_bn_relu_backward(np.ones_like(out), cache)
assert dgamma.shape == (3,)

# %% a convolutional network
model = ThreeLayerConvNet()
X, y = np.random.randn(10, 3, 32, 32), np.random.randint(10, size=10)
loss, grads = model.loss(X, y)
print("Initial loss (no regularization): ", loss)
assert abs(loss - np.log(10)) < 0.1
model.reg = 0.5
assert model.loss(X, y)[0] > loss

# %% its gradients
num_inputs, input_dim, num_classes = 2, (3, 8, 8), 10
X, y = np.random.randn(num_inputs, *input_dim), np.random.randint(num_classes, size=num_inputs)
model = ThreeLayerConvNet(
    num_filters=2, filter_size=3, input_dim=input_dim, hidden_dim=5, dtype=np.float64, weight_scale=0.1
)
loss, grads = model.loss(X, y)
for param_name in sorted(grads):
    f = lambda _: model.loss(X, y)[0]
    param_grad_num = eval_numerical_gradient(f, model.params[param_name], verbose=False, h=1e-6)
    print("%s max relative error: %e" % (param_name, rel_error(param_grad_num, grads[param_name])))
    assert np.allclose(param_grad_num, grads[param_name], rtol=1e-3, atol=1e-7)

# %% trained
model = ThreeLayerConvNet(num_filters=8, filter_size=5, weight_scale=1e-2, hidden_dim=50, reg=0.001)
solver = Solver(
    model,
    data,
    num_epochs=2,
    batch_size=50,
    update_rule="adam",
    optim_config={"learning_rate": 1e-3},
    verbose=True,
    print_every=4,
)
solver.train()
assert solver.best_val_acc > 0.5

# %% its filters
from cs231n.vis_utils import visualize_grid

grid = visualize_grid(model.params["W1"].transpose(0, 2, 3, 1))
plt.imshow(grid.astype("uint8"))
plt.axis("off")
plt.show()

# %% spatial batch normalisation
x = 4 * np.random.randn(2, 3, 4, 5) + 10
out, cache = spatial_batchnorm_forward(x, np.ones(3), np.zeros(3), {"mode": "train"})
assert np.allclose(out.mean(axis=(0, 2, 3)), 0)
dx, dgamma, dbeta = spatial_batchnorm_backward(np.random.randn(*x.shape), cache)
assert dx.shape == x.shape
