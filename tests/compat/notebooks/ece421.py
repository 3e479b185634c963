"""ECE421: letters in NumPy, the convolutional network, and the game."""

# %% setup
import matplotlib.pyplot as plt
import numpy as np
from ece421 import (
    CE,
    averageCE,
    buildGraph,
    computeLayer,
    convertOneHot,
    gradCE,
    loadData,
    playGame,
    relu,
    shuffle,
    softmax,
)

# %matplotlib inline
np.random.seed(421)

# %% the letters
trainData, validData, testData, trainTarget, validTarget, testTarget = loadData()
print(trainData.shape, validData.shape, testData.shape)
assert trainData.shape == (10000, 28, 28)
assert validTarget.shape == (6000,)
assert trainData.max() <= 1

# %% two of them
two = loadData(posClass=2, negClass=9)
assert two[3].shape == (3500, 1)
assert set(np.unique(two[3])) == {0, 1}

# %% rows and one-hot targets
trainData, validData, testData = (part.reshape(len(part), -1) for part in (trainData, validData, testData))
newtrain, newvalid, newtest = convertOneHot(trainTarget, validTarget, testTarget)
assert newtrain.shape == (10000, 10)
assert np.array_equal(newtrain.argmax(axis=1), trainTarget)

# %% in another order
shuffledData, shuffledTarget = shuffle(trainData, newtrain)
assert not np.array_equal(shuffledTarget, newtrain)
assert np.array_equal(np.sort(shuffledTarget.argmax(axis=1)), np.sort(trainTarget))

# %% the functions
hidden = relu(computeLayer(trainData[:5], np.random.randn(784, 30) * 0.05, np.zeros((1, 30))))
assert hidden.min() >= 0
probabilities = softmax(computeLayer(hidden, np.random.randn(30, 10), np.zeros((1, 10))))
assert np.allclose(probabilities.sum(axis=1), 1)
loss, accuracy = CE(newtrain[:5], probabilities)
assert abs(loss - averageCE(newtrain[:5], probabilities)) < 1e-12
assert np.allclose(gradCE(probabilities, newtrain[:5]), probabilities - newtrain[:5])

# %% back-propagation by hand, with momentum
x, t = trainData[:2000], newtrain[:2000]
units, gamma, alpha = 50, 0.9, 0.1
W1, W2 = np.random.randn(784, units) * np.sqrt(2 / 834), np.random.randn(units, 10) * np.sqrt(2 / 60)
b1, b2 = np.zeros((1, units)), np.zeros((1, 10))
v = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
losses = []
for _ in range(40):
    before = computeLayer(x, W1, b1)
    h = relu(before)
    p = softmax(computeLayer(h, W2, b2))
    losses.append(averageCE(t, p))
    delta = gradCE(p, t) / len(x)
    back = delta.dot(W2.T) * (before > 0)
    gradients = x.T.dot(back), back.sum(0, keepdims=True), h.T.dot(delta), delta.sum(0, keepdims=True)
    v = [gamma * velocity + alpha * gradient for velocity, gradient in zip(v, gradients)]
    W1, b1, W2, b2 = W1 - v[0], b1 - v[1], W2 - v[2], b2 - v[3]
plt.plot(losses)
plt.show()
assert losses[-1] < losses[0] / 2

# %% the convolutional network
graph = buildGraph(beta1=0.95, beta2=0.99, epsilon=1e-8, lossType="CE", learning_rate=1e-3, keep_prob=0.9, reg=0.01)
history = graph.train(trainData[:320], trainTarget[:320], validData[:64], validTarget[:64], epochs=2)
assert history["train_loss"][1] < history["train_loss"][0]
assert graph.predict(testData[:4]).shape == (4, 10)
print("accuracy on other letters:", graph.accuracy(testData[:100], testTarget[:100]))

# %% guess a letter
answers = iter("ABC")
person, network = playGame(
    graph.model, testData[:100].reshape(-1, 28, 28), testTarget[:100], rounds=3, ask=lambda question: next(answers)
)
assert 0 <= person <= 3
