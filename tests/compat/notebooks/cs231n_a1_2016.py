"""The first assignment as in 2016 to 2019: nearest neighbours, linear classifiers, a network that trains itself."""

# %% setup
import random
import time

import matplotlib.pyplot as plt
import numpy as np
from cs231n.data_utils import load_CIFAR10

# %matplotlib inline
plt.rcParams["figure.figsize"] = (4.0, 3.0)
plt.rcParams["image.interpolation"] = "nearest"
plt.rcParams["image.cmap"] = "gray"
np.random.seed(231)
# %load_ext autoreload
# %autoreload 2

# %% the images
X_train, y_train, X_test, y_test = load_CIFAR10("cs231n/datasets/cifar-10-batches-py")
print("Training data:", X_train.shape, y_train.shape, "test data:", X_test.shape, y_test.shape)
assert X_train.shape == (500, 32, 32, 3)
assert X_train.dtype == np.float64

# %% some of them
classes = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
for label, name in enumerate(classes[:4]):
    plt.subplot(1, 4, label + 1)
    plt.imshow(X_train[random.choice(list(np.flatnonzero(y_train == label)))].astype("uint8"))
    plt.axis("off")
    plt.title(name)
plt.show()

# %% as rows
mask = range(400)
X_val, y_val = X_train[400:].reshape(100, -1), y_train[400:]
X_train, y_train = X_train[mask], y_train[mask]
X_train = np.reshape(X_train, (X_train.shape[0], -1))
X_test = np.reshape(X_test, (X_test.shape[0], -1))

# %% nearest neighbours
from cs231n.classifiers import KNearestNeighbor

classifier = KNearestNeighbor()
classifier.train(X_train, y_train)
dists = classifier.compute_distances_two_loops(X_test)
print(dists.shape)
plt.imshow(dists, interpolation="none")
plt.show()

# %% predictions
y_test_pred = classifier.predict_labels(dists, k=1)
num_correct = np.sum(y_test_pred == y_test)
print("Got %d / %d correct" % (num_correct, len(y_test)))
assert num_correct > 50
assert np.mean(classifier.predict_labels(dists, 5) == y_test) > 0.5

# %% fewer loops
for other in (classifier.compute_distances_one_loop(X_test), classifier.compute_distances_no_loops(X_test)):
    difference = np.linalg.norm(dists - other, ord="fro")
    print("Difference was: %f" % (difference,))
    assert difference < 0.001


# %% their times
def time_function(f, *args):
    tic = time.time()
    f(*args)
    return time.time() - tic


print("Two loop version took %f seconds" % time_function(classifier.compute_distances_two_loops, X_test))

# %% cross-validation
num_folds, k_choices = 4, [1, 3, 5, 8]
X_folds, y_folds = np.array_split(X_train, num_folds), np.array_split(y_train, num_folds)
k_to_accuracies = {}
for k in k_choices:
    k_to_accuracies[k] = []
    for fold in range(num_folds):
        inner = KNearestNeighbor()
        inner.train(
            np.concatenate(X_folds[:fold] + X_folds[fold + 1 :]), np.concatenate(y_folds[:fold] + y_folds[fold + 1 :])
        )
        k_to_accuracies[k].append(np.mean(inner.predict(X_folds[fold], k=k, num_loops=0) == y_folds[fold]))
best_k = max(k_choices, key=lambda k: np.mean(k_to_accuracies[k]))
classifier = KNearestNeighbor()
classifier.train(X_train, y_train)
y_test_pred = classifier.predict(X_test, k=best_k)
assert np.mean(y_test_pred == y_test) > 0.5

# %% centred, with a one for the bias
mean_image = np.mean(X_train, axis=0)
X_train, X_val, X_test = (np.hstack([part - mean_image, np.ones((len(part), 1))]) for part in (X_train, X_val, X_test))
dev = np.random.choice(len(X_train), 50, replace=False)
X_dev, y_dev = X_train[dev], y_train[dev]
print(X_train.shape, X_val.shape, X_test.shape, X_dev.shape)

# %% the hinge loss
from cs231n.classifiers.linear_svm import svm_loss_naive

W = np.random.randn(3073, 10) * 0.0001
loss, grad = svm_loss_naive(W, X_dev, y_dev, 0.00001)
print("loss: %f" % (loss,))
assert abs(loss - 9) < 3

# %% its gradient
from cs231n.gradient_check import grad_check_sparse

loss, grad = svm_loss_naive(W, X_dev, y_dev, 0.0)
f = lambda w: svm_loss_naive(w, X_dev, y_dev, 0.0)[0]
grad_numerical = grad_check_sparse(f, W, grad)
loss, grad = svm_loss_naive(W, X_dev, y_dev, 1e2)
f = lambda w: svm_loss_naive(w, X_dev, y_dev, 1e2)[0]
grad_numerical = grad_check_sparse(f, W, grad, 5)

# %% without loops
from cs231n.classifiers.linear_svm import svm_loss_vectorized

tic = time.time()
loss_vectorized, grad_vectorized = svm_loss_vectorized(W, X_dev, y_dev, 1e2)
print("Vectorized loss: %e computed in %fs" % (loss_vectorized, time.time() - tic))
assert abs(loss - loss_vectorized) < 1e-9
assert np.linalg.norm(grad - grad_vectorized, ord="fro") < 1e-9

# %% trained
from cs231n.classifiers import LinearSVM

svm = LinearSVM()
loss_hist = svm.train(X_train, y_train, learning_rate=1e-7, reg=2.5e4, num_iters=101, verbose=True)
plt.plot(loss_hist)
plt.xlabel("Iteration number")
plt.show()
assert loss_hist[-1] < loss_hist[0]

# %% a search
results, best_val, best_svm = {}, -1, None
for rate in [1e-7, 1e-6]:
    for strength in [1e2, 1e4]:
        svm = LinearSVM()
        svm.train(X_train, y_train, rate, strength, 100, batch_size=50)
        accuracies = np.mean(svm.predict(X_train) == y_train), np.mean(svm.predict(X_val) == y_val)
        results[(rate, strength)] = accuracies
        if accuracies[1] > best_val:
            best_val, best_svm = accuracies[1], svm
for lr, reg in sorted(results):
    print("lr %e reg %e accuracies: %f %f" % (lr, reg, *results[(lr, reg)]))
assert np.mean(best_svm.predict(X_test) == y_test) > 0.5

# %% templates
w = best_svm.W[:-1, :].reshape(32, 32, 3, 10)
w_min, w_max = np.min(w), np.max(w)
for i in range(10):
    plt.subplot(2, 5, i + 1)
    plt.imshow((255.0 * (w[:, :, :, i].squeeze() - w_min) / (w_max - w_min)).astype("uint8"))
    plt.axis("off")
    plt.title(classes[i])
plt.show()

# %% cross-entropy
from cs231n.classifiers.softmax import softmax_loss_naive

loss, grad = softmax_loss_naive(W, X_dev, y_dev, 0.0)
print("sanity check: %f" % (-np.log(0.1)))
assert abs(loss + np.log(0.1)) < 0.5
f = lambda w: softmax_loss_naive(w, X_dev, y_dev, 0.0)[0]
grad_check_sparse(f, W, grad, 10)

# %% without loops either
from cs231n.classifiers.softmax import softmax_loss_vectorized

loss_naive, grad_naive = softmax_loss_naive(W, X_dev, y_dev, 0.000005)
loss_vectorized, grad_vectorized = softmax_loss_vectorized(W, X_dev, y_dev, 0.000005)
print("Loss difference: %f" % np.abs(loss_naive - loss_vectorized))
assert np.linalg.norm(grad_naive - grad_vectorized, ord="fro") < 1e-9

# %% a softmax classifier
from cs231n.classifiers import Softmax

softmax = Softmax()
history = softmax.train(X_train, y_train, learning_rate=1e-6, reg=1e2, num_iters=150, batch_size=100, verbose=False)
accuracy = np.mean(softmax.predict(X_test) == y_test)
print("softmax on raw pixels final test set accuracy: %f" % (accuracy,))
assert accuracy > 0.5

# %% a small network
from cs231n.classifiers.neural_net import TwoLayerNet

np.random.seed(0)
net = TwoLayerNet(4, 10, 3, std=1e-1)
np.random.seed(1)
X, y = 10 * np.random.randn(5, 4), np.array([0, 1, 2, 2, 1])


def rel_error(x, y):
    return np.max(np.abs(x - y) / (np.maximum(1e-8, np.abs(x) + np.abs(y))))


# %% its scores
scores = net.loss(X)
expected = np.maximum(X @ net.params["W1"] + net.params["b1"], 0) @ net.params["W2"] + net.params["b2"]
assert np.sum(np.abs(scores - expected)) < 1e-7

# %% its loss
loss, _ = net.loss(X, y, reg=0.05)
penalty = 0.05 * sum(np.sum(net.params[name] ** 2) for name in ("W1", "W2"))
shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
data_loss = -np.mean(np.log((shifted / shifted.sum(axis=1, keepdims=True))[np.arange(5), y]))
assert abs(loss - data_loss - penalty) < 1e-12

# %% its gradients
from cs231n.gradient_check import eval_numerical_gradient

loss, grads = net.loss(X, y, reg=0.05)
for param_name in grads:
    f = lambda W: net.loss(X, y, reg=0.05)[0]
    param_grad_num = eval_numerical_gradient(f, net.params[param_name], verbose=False)
    error = rel_error(param_grad_num, grads[param_name])
    print("%s max relative error: %e" % (param_name, error))
    assert error < 1e-6

# %% its training
stats = net.train(X, y, X, y, learning_rate=1e-1, reg=5e-6, num_iters=100, verbose=False)
print("Final training loss:", stats["loss_history"][-1])
assert stats["loss_history"][-1] < 0.1

# %% on the images
net = TwoLayerNet(X_train.shape[1] - 1, 50, 10, std=1e-4)
stats = net.train(
    X_train[:, :-1],
    y_train,
    X_val[:, :-1],
    y_val,
    num_iters=101,
    batch_size=100,
    learning_rate=1e-3,
    learning_rate_decay=0.95,
    reg=0.25,
    verbose=True,
)
val_acc = (net.predict(X_val[:, :-1]) == y_val).mean()
print("Validation accuracy:", val_acc)
assert val_acc > 0.5

# %% how it went
plt.subplot(2, 1, 1)
plt.plot(stats["loss_history"])
plt.subplot(2, 1, 2)
plt.plot(stats["train_acc_history"], label="train")
plt.plot(stats["val_acc_history"], label="val")
plt.legend()
plt.show()

# %% its weights
from cs231n.vis_utils import visualize_grid


def show_net_weights(net):
    W1 = net.params["W1"].reshape(32, 32, 3, -1).transpose(3, 0, 1, 2)
    plt.imshow(visualize_grid(W1, padding=3).astype("uint8"))
    plt.gca().axis("off")
    plt.show()


show_net_weights(net)

# %% features
from cs231n.features import color_histogram_hsv, extract_features, hog_feature

num_color_bins = 10
feature_fns = [hog_feature, lambda img: color_histogram_hsv(img, nbin=num_color_bins)]
images, labels, test_images, test_labels = load_CIFAR10("cs231n/datasets/cifar-10-batches-py")
train_feats = extract_features(images, feature_fns, verbose=True)
test_feats = extract_features(test_images, feature_fns)
mean_feat, std_feat = np.mean(train_feats, axis=0, keepdims=True), np.std(train_feats, axis=0, keepdims=True)
train_feats = (train_feats - mean_feat) / std_feat
test_feats = (test_feats - mean_feat) / std_feat
assert train_feats.shape == (500, 154)

# %% a classifier of features
from cs231n.classifiers.linear_classifier import LinearSVM

svm = LinearSVM()
svm.train(train_feats, labels, learning_rate=1e-3, reg=1e-1, num_iters=300)
y_test_pred = svm.predict(test_feats)
test_accuracy = np.mean(test_labels == y_test_pred)
print(test_accuracy)
assert test_accuracy > 0.5

# %% what it takes for a plane
idxs = np.where((test_labels != 0) & (y_test_pred == 0))[0]
for i, idx in enumerate(idxs[:8]):
    plt.subplot(1, 8, i + 1)
    plt.imshow(test_images[idx].astype("uint8"))
    plt.axis("off")
plt.show()

# %% a network of features
from cs231n.classifiers.neural_net import TwoLayerNet

net = TwoLayerNet(train_feats.shape[1], 100, 10)
net.train(train_feats, labels, test_feats, test_labels, 0.5, 0.95, 1e-3, 200, 100, False)
test_acc = (net.predict(test_feats) == test_labels).mean()
assert test_acc > 0.5
