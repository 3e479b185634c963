"""The network of CS189: layers, gradients, a solver, predictions in a file."""

# %% setup
import matplotlib.pyplot as plt
import numpy as np
from cs189.classifiers.fc_net import *
from cs189.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array, rel_error
from cs189.layer_utils import *
from cs189.layers import *
from cs189.solver import Solver

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% an affine layer
np.random.seed(189)
x, w, b, dout = np.random.randn(10, 2, 3), np.random.randn(6, 5), np.random.randn(5), np.random.randn(10, 5)
out, cache = affine_forward(x, w, b)
dx, dw, db = affine_backward(dout, cache)
assert rel_error(eval_numerical_gradient_array(lambda w: affine_forward(x, w, b)[0], w, dout), dw) < 1e-7
assert dx.shape == x.shape

# %% relu, by itself and behind an affine layer
out, relu_cache = relu_forward(dout)
assert np.array_equal(relu_backward(np.ones_like(dout), relu_cache), dout > 0)
out, cache = affine_relu_forward(x, w, b)
dx, dw, db = affine_relu_backward(dout, cache)
assert rel_error(eval_numerical_gradient_array(lambda b: affine_relu_forward(x, w, b)[0], b, dout), db) < 1e-6

# %% the loss
scores, y = 0.001 * np.random.randn(50, 10), np.random.randint(10, size=50)
loss, dx = softmax_loss(scores, y)
assert abs(loss - np.log(10)) < 0.01
assert rel_error(eval_numerical_gradient(lambda s: softmax_loss(s, y)[0], scores, verbose=False), dx) < 1e-6

# %% a network of two layers
N, D, H, C = 3, 5, 50, 7
X, y = np.random.randn(N, D), np.random.randint(C, size=N)
model = FullyConnectedNet(input_dim=D, hidden_dim=[H], num_classes=C, weight_scale=0.1)
assert abs(model.params["W1"].std() - 0.1) < 0.02
assert model.loss(X).shape == (N, C)

# %% its gradients hold the weights as well
loss, grads = model.loss(X, y)
for name in sorted(grads):
    numerical = eval_numerical_gradient(lambda _: model.loss(X, y)[0], model.params[name], verbose=False)
    expected = numerical + model.params[name] if name.startswith("W") else numerical
    print(f"{name} relative error: {rel_error(expected, grads[name]):.1e}")
    assert np.allclose(expected, grads[name], rtol=1e-5, atol=1e-8)

# %% deeper, with what the course calls its arguments
model = FullyConnectedNet(D, [20, 30], C, 0.05, reg=0.1, dropout=0.5, use_batchnorm=True, dtype=np.float64, seed=1)
assert model.loss(X, y)[0] > 0

# %% data
centres = 40 * np.random.randn(4, 20)
labels = np.random.randint(4, size=600)
samples = centres[labels] + 20 * np.random.randn(600, 20)
data = {
    "X_train": samples[:400],
    "y_train": labels[:400],
    "X_val": samples[400:500],
    "y_val": labels[400:500],
}

# %% trained
model = FullyConnectedNet(20, [30], 4, weight_scale=0.01)
solver = Solver(
    model,
    data,
    update_rule="sgd_momentum",
    optim_config={"learning_rate": 1e-4, "momentum": 0.9},
    lr_decay=0.95,
    num_epochs=10,
    batch_size=20,
    print_every=50,
)
solver.train()
assert solver.best_val_acc > 0.8

# %% how it went
plt.plot(solver.loss_history, "o")
plt.show()
plt.plot(solver.train_acc_history, "-o", label="train")
plt.plot(solver.val_acc_history, "-o", label="val")
plt.legend()
plt.show()

# %% predictions for the contest
from cs189 import results_to_csv

predicted = np.argmax(model.loss(samples[500:]), axis=1)
results_to_csv(predicted, "predictions.csv")
lines = open("predictions.csv").read().split()
assert lines[0] == "Id,Category"
assert lines[1] == f"1,{predicted[0]}"
assert len(lines) == 101
