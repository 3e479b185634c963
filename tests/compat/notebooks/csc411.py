"""CSC411's second project: a softmax network in which columns are cases, by the names of both reports."""

# %% setup
import matplotlib.pyplot as plt
import numpy as np
from csc411 import (
    NLL,
    SimpleNetwork,
    df,
    finite_difference,
    finite_difference_case,
    finite_difference_table,
    forward,
    gradient_descend,
    gradient_descent,
    negLogLossGrad,
    negLogLossGrad_FiniteDifference,
    next_batch,
    part5_gradient_descent,
    sgd,
    sgd_momentum,
    shift_all_weights_check,
    shuffle_input,
    softmax,
    update_every_weight,
)

# %matplotlib inline

# %% cases as columns, with a row of ones
np.random.seed(0)
classes = np.random.randint(3, size=300)
centres = np.random.randn(8, 3)
x = np.vstack([centres[:, classes] + 0.3 * np.random.randn(8, 300), np.ones((1, 300))])
y = np.eye(3)[classes].T
w = np.zeros((9, 3))

# %% the network, by two names
assert np.allclose(softmax(w.T @ x).sum(axis=0), 1)
assert np.array_equal(forward(x, w), SimpleNetwork(w, x))
assert abs(NLL(forward(x, w), y) - 300 * np.log(3)) < 1e-9

# %% the gradient, by two names
assert np.array_equal(df(w, x, y), negLogLossGrad(x, y, w))
numerical = negLogLossGrad_FiniteDifference(x, y, w, 1e-5)
assert np.allclose(numerical, df(w, x, y), rtol=1e-3, atol=1e-2)

# %% the check of report A, which is a number
print(finite_difference(x, y, w))
assert np.ndim(finite_difference(x, y, w, 1e-3)) == 0
assert np.isfinite(shift_all_weights_check(x, y, w, df, 1e-3))

# %% the table of report B
for row in finite_difference_table(*finite_difference_case()):
    print(row)

# %% batches
for batch, target in next_batch(*shuffle_input(x, y), 128):
    assert batch.shape[1] == target.shape[1] <= 128

# %% descent
trained = sgd(x, y, w, df, 0.01, 20)
assert np.mean(forward(x, trained).argmax(axis=0) == classes) > 0.9
faster = sgd_momentum(x, y, w, df, 0.001, 20, momentum=0.9, init_v=0.0)
assert NLL(forward(x, faster), y) < NLL(forward(x, w), y)

# %% weight by weight
small = x[:, :40], y[:, :40]
slow = gradient_descent(*small, w, 0.01, 1)
assert np.allclose(slow, sgd(*small, w, df, 0.01, 1))
assert gradient_descend(*small, w, 0.01, 1).shape == w.shape
changed = w.copy()
update_every_weight(*small, changed, 0, 1, 0.1, forward(small[0], changed))
assert np.count_nonzero(changed) == 1

# %% the whole set at once, with its path
weights, history = part5_gradient_descent(x, y, w, 1e-3, 1e-4, 100, 0.0, 0.9)
plt.plot(*zip(*history))
plt.xlabel("iteration")
plt.show()
assert history[-1][1] < history[0][1]

# %% a sweep of rates
costs = [NLL(forward(x, sgd(x, y, w, df, rate, 2)), y) for rate in (0, 1e-4, 1e-3)]
assert costs == sorted(costs, reverse=True)
