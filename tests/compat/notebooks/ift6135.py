"""IFT6135's first assignment: the multilayer perceptron by hand."""

# %% setup
import matplotlib.pyplot as plt
import numpy as np
from ift6135 import NN, accuracy, data_iter, glorot

# %matplotlib inline

# %% pixels
np.random.seed(6135)
prototypes = np.random.rand(10, 784)
labels = np.random.randint(10, size=1200)
images = 0.6 * prototypes[labels] + 0.4 * np.random.rand(1200, 784)
train_data, valid_data = (images[:1000], labels[:1000]), (images[1000:], labels[1000:])

# %% three ways to begin
for init in ("Zero", "Normal", "Glorot"):
    network = NN([64, 32], 2, init=init)
    print(init, [float(weights.std()) for weights in network.weights])
    assert [weights.shape for weights in network.weights] == [(784, 64), (64, 32), (32, 10)]
assert glorot(784, 64).shape == (784, 64)
assert not np.array_equal(glorot(3, 4), glorot(3, 4))

# %% batches
batches = list(data_iter(train_data, 300))
assert sorted(len(x) for x, _ in batches) == [100, 300, 300, 300]

# %% a pass in both directions
network = NN(hidden_dims=(64, 32), n_hidden=2, init="Glorot", activate="relu")
pred, loss, cache = network.forward(images[:20], labels[:20])
nabla_w, nabla_b = network.backward(cache, labels[:20], loss)
assert [gradient.shape for gradient in nabla_w] == [weights.shape for weights in network.weights]
assert abs(loss - network.loss(pred, labels[:20])) < 1e-12

# %% the gradient by finite differences
eps, p = 1e-5, 7
numerical = []
for step in (eps, -eps):
    network.weights[1][p, 3] += step
    numerical.append(network.forward(images[:20], labels[:20])[1])
    network.weights[1][p, 3] -= step
assert abs((numerical[0] - numerical[1]) / (2 * eps) - nabla_w[1][p, 3]) < 1e-6

# %% a step by hand
before = network.weights[0].copy()
network.update((nabla_w, nabla_b), 0.1)
assert np.allclose(network.weights[0], before - 0.1 * nabla_w[0])

# %% the activation and its derivative
assert network.activation(np.array([-1.0, 2.0])).tolist() == [0.0, 2.0]
assert network.activate_grad(np.array([-1.0, 2.0])).tolist() == [0.0, 1.0]
assert np.allclose(network.softmax(np.zeros((2, 10))), 0.1)

# %% trained
network.initialize_weights()
accuracies, losses = network.train(train_data, 5, 50, 0.1, lamdb=0.0, test_data=valid_data)
plt.plot(losses, label="loss")
plt.legend()
plt.show()
right, loss = network.test(valid_data)
assert right > 90
assert abs(right - accuracies[-1]) < 1e-9
assert abs(accuracy(network.forward(*valid_data)[0], valid_data[1]) - right) < 1e-9

# %% other activations and a penalty
for activate in ("sigmoid", "tanh"):
    other = NN([32], 1, "Glorot", activate)
    other.train(train_data, epochs=3, batch_size=20, lr=0.2, lamdb=1e-4, verbose=False)
    print(activate, other.test(valid_data))
    assert other.test(valid_data)[0] > 50
