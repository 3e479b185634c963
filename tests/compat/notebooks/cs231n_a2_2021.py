"""The second assignment as since 2018, where dropout's number is the fraction that is kept, with its later names."""

# %% setup
import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers.cnn import *
from cs231n.classifiers.fc_net import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.fast_layers import *
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.layers import *
from cs231n.solver import Solver

# %matplotlib inline
plt.rcParams["figure.figsize"] = (4.0, 3.0)
# %load_ext autoreload
# %autoreload 2


def rel_error(x, y):
    return np.max(np.abs(x - y) / (np.maximum(1e-8, np.abs(x) + np.abs(y))))


def print_mean_std(x, axis=0):
    print(f"  means: {x.mean(axis=axis)}")
    print(f"  stds:  {x.std(axis=axis)}\n")


np.random.seed(231)
data = get_CIFAR10_data(400, 100, 100)

# %% networks with every normalisation
np.random.seed(231)
N, D, H1, H2, C = 2, 15, 20, 30, 10
X, y = np.random.randn(N, D), np.random.randint(C, size=(N,))
for normalization in (None, "batchnorm", "layernorm"):
    for reg in [0, 3.14]:
        model = FullyConnectedNet(
            [H1, H2],
            input_dim=D,
            num_classes=C,
            reg=reg,
            weight_scale=5e-2,
            dtype=np.float64,
            normalization=normalization,
        )
        loss, grads = model.loss(X, y)
        f = lambda _: model.loss(X, y)[0]
        for name in ("W3", "b2" if normalization is None else "beta2"):
            grad_num = eval_numerical_gradient(f, model.params[name], verbose=False, h=1e-5)
            print(f"{normalization} {name} relative error: {rel_error(grad_num, grads[name])}")
            assert rel_error(grad_num, grads[name]) < 1e-3

# %% layer normalisation
x = np.random.randn(4, 60)
gamma, beta = 3 * np.ones(60), 5 * np.ones(60)
a_norm, cache = layernorm_forward(x, gamma, beta, {"mode": "train"})
print_mean_std(a_norm, axis=1)
assert np.allclose(a_norm.mean(axis=1), 5)
assert np.allclose(a_norm.std(axis=1), 3, atol=1e-3)

# %% its gradients
N, D = 4, 5
x, gamma, beta, dout = 5 * np.random.randn(N, D) + 12, np.random.randn(D), np.random.randn(D), np.random.randn(N, D)
ln_param = {}
dx_num = eval_numerical_gradient_array(lambda x: layernorm_forward(x, gamma, beta, ln_param)[0], x, dout)
_, cache = layernorm_forward(x, gamma, beta, ln_param)
dx, dgamma, dbeta = layernorm_backward(dout, cache)
assert rel_error(dx_num, dx) < 1e-6


# %% sizes of batches compared
def run_batchsize_experiments(normalization_mode):
    solvers = []
    for batch_size in (5, 50):
        model = FullyConnectedNet([30, 30], weight_scale=2e-2, normalization=normalization_mode)
        solver = Solver(
            model,
            data,
            num_epochs=2,
            batch_size=batch_size,
            update_rule="adam",
            optim_config={"learning_rate": 10**-3.5},
            verbose=False,
        )
        solver.train()
        solvers.append(solver)
    return solvers


by_mode = {mode: run_batchsize_experiments(mode) for mode in ("batchnorm", "layernorm")}
assert all(len(solver.val_acc_history) == 3 for solvers in by_mode.values() for solver in solvers)

# %% dropout keeps
x = np.random.randn(500, 500) + 10
for p in [0.25, 0.4, 0.7]:
    out, _ = dropout_forward(x, {"mode": "train", "p": p})
    out_test, _ = dropout_forward(x, {"mode": "test", "p": p})
    assert abs((out == 0).mean() - (1 - p)) < 0.02
    assert abs(out.mean() - x.mean()) < 0.3

# %% a network with dropout
for dropout_keep_ratio in [1, 0.75, 0.5]:
    model = FullyConnectedNet(
        [H1, H2],
        input_dim=15,
        num_classes=C,
        weight_scale=5e-2,
        dtype=np.float64,
        dropout_keep_ratio=dropout_keep_ratio,
        seed=123,
    )
    loss, grads = model.loss(X, y)
    f = lambda _: model.loss(X, y)[0]
    assert rel_error(eval_numerical_gradient(f, model.params["W1"], verbose=False, h=1e-5), grads["W1"]) < 1e-2

# %% under the name of 2018 to 2020
model = FullyConnectedNet([H1], 15, C, dropout=0.75, normalization="batchnorm", seed=1)
assert model.dropout_param["p"] == 0.75

# %% two networks, with and without dropout
small_data = {
    "X_train": data["X_train"][:100],
    "y_train": data["y_train"][:100],
    "X_val": data["X_val"],
    "y_val": data["y_val"],
}
solvers = {}
for dropout_keep_ratio in (1, 0.25):
    model = FullyConnectedNet([100], dropout_keep_ratio=dropout_keep_ratio)
    solver = Solver(
        model,
        small_data,
        num_epochs=5,
        batch_size=50,
        update_rule="adam",
        optim_config={"learning_rate": 5e-4},
        verbose=True,
        print_every=100,
    )
    solver.train()
    solvers[dropout_keep_ratio] = solver
    print()
for ratio, solver in solvers.items():
    plt.plot(solver.train_acc_history, "o", label="%.2f keep_ratio" % ratio)
plt.legend(ncol=2, loc="lower right")
plt.show()
assert solvers[1].train_acc_history[-1] > 0.8

# %% checkpoints and the best model
model = FullyConnectedNet([60, 60], weight_scale=3e-2, normalization="batchnorm", reg=1e-4)
solver = Solver(
    model,
    data,
    num_epochs=3,
    batch_size=50,
    lr_decay=0.9,
    num_train_samples=200,
    num_val_samples=50,
    update_rule="adam",
    optim_config={"learning_rate": 1e-3},
    verbose=False,
    checkpoint_name="solver",
)
solver.train()
y_test_pred = np.argmax(model.loss(data["X_test"]), axis=1)
print("Test set accuracy: ", (y_test_pred == data["y_test"]).mean())
assert (y_test_pred == data["y_test"]).mean() > 0.5
assert solver.epoch == 3
assert set(solver.best_params) == set(model.params)

# %% an image and two filters
image = np.linspace(0, 255, 2 * 3 * 20 * 20).reshape(2, 3, 20, 20)
w = np.zeros((2, 3, 3, 3))
w[0, :, 1, 1] = [0.3, 0.6, 0.1]
w[1, 2] = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
out, _ = conv_forward_naive(image, w, np.array([0, 128]), {"stride": 1, "pad": 1})
assert np.allclose(out[:, 0], np.einsum("nchw,c->nhw", image, [0.3, 0.6, 0.1]))

# %% groups of channels
N, C, H, W, G = 2, 6, 4, 5, 2
x = 4 * np.random.randn(N, C, H, W) + 10
gamma, beta = np.ones((1, C, 1, 1)), np.zeros((1, C, 1, 1))
out, _ = spatial_groupnorm_forward(x, gamma, beta, G, {"mode": "train"})
by_group = out.reshape(N * G, -1)
print_mean_std(by_group, axis=1)
assert np.allclose(by_group.mean(axis=1), 0)

# %% their gradients
gamma, beta, dout = np.random.randn(1, C, 1, 1), np.random.randn(1, C, 1, 1), np.random.randn(N, C, H, W)
gn_param = {}
dx_num = eval_numerical_gradient_array(lambda x: spatial_groupnorm_forward(x, gamma, beta, G, gn_param)[0], x, dout)
da_num = eval_numerical_gradient_array(lambda a: spatial_groupnorm_forward(x, a, beta, G, gn_param)[0], gamma, dout)
_, cache = spatial_groupnorm_forward(x, gamma, beta, G, gn_param)
dx, dgamma, dbeta = spatial_groupnorm_backward(dout, cache)
assert dgamma.shape == gamma.shape
assert rel_error(dx_num, dx) < 1e-6
assert rel_error(da_num, dgamma) < 1e-6

# %% the convolutional network learns a few images by heart
model = ThreeLayerConvNet(weight_scale=1e-2, num_filters=8, hidden_dim=40)
solver = Solver(
    model,
    small_data,
    num_epochs=8,
    batch_size=50,
    update_rule="adam",
    optim_config={"learning_rate": 1e-3},
    verbose=True,
    print_every=1,
)
solver.train()
print("Small data training accuracy:", solver.check_accuracy(small_data["X_train"], small_data["y_train"]))
assert solver.check_accuracy(small_data["X_train"], small_data["y_train"], num_samples=50, batch_size=25) > 0.8

# %% its first layer
from cs231n.vis_utils import visualize_grid

plt.imshow(visualize_grid(model.params["W1"].transpose(0, 2, 3, 1)).astype("uint8"))
plt.axis("off")
plt.gcf().set_size_inches(5, 5)
plt.show()
