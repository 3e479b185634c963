"""The first assignment as since 2020: the network of layers, trained by the solver, on pixels and on features."""

# %% setup
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


# %% the data
np.random.seed(231)
data = get_CIFAR10_data(num_training=400, num_validation=100, num_test=100)
for k, v in list(data.items()):
    print(f"{k}: {v.shape}")
assert data["X_train"].shape == (400, 3, 32, 32)
assert np.abs(data["X_train"].mean(axis=0)).max() < 1e-9

# %% an affine layer
x, w, b = np.random.randn(2, 4, 5, 6), np.random.randn(120, 3), np.random.randn(3)
out, _ = affine_forward(x, w, b)
assert rel_error(out, x.reshape(2, -1).dot(w) + b) < 1e-9

# %% backwards
np.random.seed(231)
x, w, b, dout = np.random.randn(10, 2, 3), np.random.randn(6, 5), np.random.randn(5), np.random.randn(10, 5)
dx_num = eval_numerical_gradient_array(lambda x: affine_forward(x, w, b)[0], x, dout)
dw_num = eval_numerical_gradient_array(lambda w: affine_forward(x, w, b)[0], w, dout)
db_num = eval_numerical_gradient_array(lambda b: affine_forward(x, w, b)[0], b, dout)
_, cache = affine_forward(x, w, b)
dx, dw, db = affine_backward(dout, cache)
for numerical, analytic in ((dx_num, dx), (dw_num, dw), (db_num, db)):
    assert rel_error(numerical, analytic) < 1e-7

# %% relu
x = np.linspace(-0.5, 0.5, num=12).reshape(3, 4)
out, cache = relu_forward(x)
assert rel_error(out, np.where(x > 0, x, 0)) < 1e-12
dout = np.random.randn(*x.shape)
dx_num = eval_numerical_gradient_array(lambda x: relu_forward(x)[0], x, dout)
assert rel_error(dx_num, relu_backward(dout, cache)) < 1e-8

# %% both together
from cs231n.layer_utils import affine_relu_backward, affine_relu_forward

x, w, b, dout = np.random.randn(2, 3, 4), np.random.randn(12, 10), np.random.randn(10), np.random.randn(2, 10)
out, cache = affine_relu_forward(x, w, b)
dx, dw, db = affine_relu_backward(dout, cache)
dw_num = eval_numerical_gradient_array(lambda w: affine_relu_forward(x, w, b)[0], w, dout)
assert rel_error(dw_num, dw) < 1e-6

# %% losses
num_classes, num_inputs = 10, 50
x, y = 0.001 * np.random.randn(num_inputs, num_classes), np.random.randint(num_classes, size=num_inputs)
dx_num = eval_numerical_gradient(lambda x: svm_loss(x, y)[0], x, verbose=False)
loss, dx = svm_loss(x, y)
print("svm loss:", loss, "dx error:", rel_error(dx_num, dx))
assert abs(loss - 9) < 0.1
dx_num = eval_numerical_gradient(lambda x: softmax_loss(x, y)[0], x, verbose=False)
loss, dx = softmax_loss(x, y)
assert abs(loss - 2.3) < 0.1
assert rel_error(dx_num, dx) < 1e-6

# %% the network
N, D, H, C = 3, 5, 50, 7
X, y, std = np.random.randn(N, D), np.random.randint(C, size=N), 1e-3
model = TwoLayerNet(input_dim=D, hidden_dim=H, num_classes=C, weight_scale=std)
assert abs(model.params["W1"].std() - std) < std / 10
assert np.all(model.params["b1"] == 0)

# %% its scores
model.params["W1"] = np.linspace(-0.7, 0.3, num=D * H).reshape(D, H)
model.params["b1"] = np.linspace(-0.1, 0.9, num=H)
model.params["W2"] = np.linspace(-0.3, 0.4, num=H * C).reshape(H, C)
model.params["b2"] = np.linspace(-0.9, 0.1, num=C)
X = np.linspace(-5.5, 4.5, num=N * D).reshape(D, N).T
scores = model.loss(X)
hidden = np.maximum(X @ model.params["W1"] + model.params["b1"], 0)
assert np.abs(scores - (hidden @ model.params["W2"] + model.params["b2"])).sum() < 1e-6

# %% its loss
y = np.asarray([0, 5, 1])
loss, grads = model.loss(X, y)
assert abs(loss - softmax_loss(scores, y)[0]) < 1e-10
model.reg = 1.0
with_penalty, grads = model.loss(X, y)
assert abs(with_penalty - loss - 0.5 * sum(np.sum(model.params[name] ** 2) for name in ("W1", "W2"))) < 1e-10

# %% its gradients
for reg in [0.0, 0.7]:
    model.reg = reg
    loss, grads = model.loss(X, y)
    for name in sorted(grads):
        f = lambda _: model.loss(X, y)[0]
        grad_num = eval_numerical_gradient(f, model.params[name], verbose=False)
        print(f"{name} relative error: {rel_error(grad_num, grads[name]):.2e}")
        assert rel_error(grad_num, grads[name]) < 1e-6

# %% trained
input_size, hidden_size, num_classes = 32 * 32 * 3, 50, 10
model = TwoLayerNet(input_size, hidden_size, num_classes)
solver = Solver(
    model,
    data,
    update_rule="sgd",
    optim_config={"learning_rate": 1e-3},
    lr_decay=0.95,
    num_epochs=5,
    batch_size=50,
    print_every=20,
)
solver.train()
assert solver.best_val_acc > 0.5

# %% how it went
plt.subplot(2, 1, 1)
plt.plot(solver.loss_history, "o")
plt.subplot(2, 1, 2)
plt.plot(solver.train_acc_history, "-o", label="train")
plt.plot(solver.val_acc_history, "-o", label="val")
plt.plot([0.5] * len(solver.val_acc_history), "k--")
plt.legend(loc="lower right")
plt.show()

# %% its weights
from cs231n.vis_utils import visualize_grid

W1 = model.params["W1"].reshape(3, 32, 32, -1).transpose(3, 1, 2, 0)
plt.imshow(visualize_grid(W1, padding=3).astype("uint8"))
plt.gca().axis("off")
plt.show()

# %% the best of a few
best_model, best_acc = None, 0.0
for learning_rate in (1e-4, 1e-3):
    candidate = TwoLayerNet(hidden_dim=40, reg=0.01)
    searched = Solver(candidate, data, optim_config={"learning_rate": learning_rate}, num_epochs=3, verbose=False)
    searched.train()
    if searched.best_val_acc > best_acc:
        best_model, best_acc = candidate, searched.best_val_acc
y_val_pred = np.argmax(best_model.loss(data["X_val"]), axis=1)
y_test_pred = np.argmax(best_model.loss(data["X_test"]), axis=1)
assert (y_val_pred == data["y_val"]).mean() > 0.5
assert (y_test_pred == data["y_test"]).mean() > 0.5

# %% kept in a file
best_model.save("best_two_layer_net.npy")
other = TwoLayerNet(hidden_dim=40)
other.load("best_two_layer_net.npy")
assert np.array_equal(other.loss(data["X_val"]), best_model.loss(data["X_val"]))

# %% features
from cs231n.features import *

raw = get_CIFAR10_data(num_training=400, num_validation=100, num_test=100, subtract_mean=False)
pixels = {name: raw[name].transpose(0, 2, 3, 1) for name in ("X_train", "X_val", "X_test")}
feature_fns = [hog_feature, lambda img: color_histogram_hsv(img, nbin=10)]
feats = {name: extract_features(images, feature_fns) for name, images in pixels.items()}
mean_feat, std_feat = feats["X_train"].mean(axis=0), feats["X_train"].std(axis=0) + 1e-8
feats = {name: np.hstack([(rows - mean_feat) / std_feat, np.ones((len(rows), 1))]) for name, rows in feats.items()}

# %% linear classifiers of features
from cs231n.classifiers.linear_classifier import LinearSVM, Softmax

for kind in (LinearSVM, Softmax):
    linear = kind()
    linear.train(feats["X_train"], data["y_train"], learning_rate=1e-2, reg=1e-3, num_iters=300, batch_size=100)
    print(kind.__name__, np.mean(linear.predict(feats["X_val"]) == data["y_val"]))
    assert np.mean(linear.predict(feats["X_val"]) == data["y_val"]) > 0.5
linear.save("best_softmax.npy")
again = Softmax()
again.load("best_softmax.npy")
assert np.array_equal(again.W, linear.W)

# %% a network of features
sets = {**data, **{name: rows[:, :-1] for name, rows in feats.items()}}
net = TwoLayerNet(sets["X_train"].shape[1], 60, 10, weight_scale=1e-2)
solver = Solver(net, sets, optim_config={"learning_rate": 0.1}, num_epochs=20, batch_size=50, verbose=False)
solver.train()
assert solver.check_accuracy(sets["X_val"], sets["y_val"]) > 0.5
