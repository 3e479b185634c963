"""The network class of the IFT6135 hand-out."""

import numpy as np
import pytest
from trainings import samples

import fastnn
from fastnn.compat.ift6135 import NN, accuracy, data_iter, glorot, one_hot
from fastnn.layers import Dense, ReLU, Sigmoid, Tanh

X, Y = samples(60, 5, 3)


def small(**options):
    return NN([7, 6], 2, **({"init": "Glorot", "input_dim": 5, "n_classes": 3, "seed": 0} | options))


class OwnNN(NN):
    """Is not the hand-out's class, so it is trained by its functions."""


@pytest.mark.parametrize(("activate", "layer"), [("relu", ReLU), ("sigmoid", Sigmoid), ("tanh", Tanh)])
def test_loss_and_gradients_are_those_of_the_library(activate, layer):
    network = small(activate=activate)
    model = fastnn.Sequential([Dense(7), layer(), Dense(6), layer(), Dense(3)], input_shape=(5,), dtype="float64")
    for i, (w, b) in enumerate(zip(network.weights, network.biases, strict=True), 1):
        model.parameters[f"dense{i}.w"][...], model.parameters[f"dense{i}.b"][...] = w, b
    loss, gradients = model.loss_and_gradients(X, Y)
    pred, lss, cache = network.forward(X, Y)
    assert lss == pytest.approx(loss, abs=1e-6)  # the difference is that of the capped logarithm
    np.testing.assert_allclose(pred, model.predict_proba(X), rtol=1e-12)
    nabla_w, nabla_b = network.backward(cache, Y, lss)
    for i in range(3):
        np.testing.assert_allclose(nabla_w[i], gradients[f"dense{i + 1}.w"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(nabla_b[i], gradients[f"dense{i + 1}.b"], rtol=1e-9, atol=1e-12)


def test_labels_are_numbers_or_one_hot_rows():
    network = small()
    a, b = network.forward(X, Y), network.forward(X, one_hot(Y, 3))
    assert a[1] == b[1]
    assert all(
        (x == y).all()
        for x, y in zip(network.backward(a[2], Y)[0], network.backward(b[2], one_hot(Y, 3))[0], strict=True)
    )


def test_a_step_includes_the_penalty():
    for lamdb in (0.0, 0.5):
        network, other = small(), small()
        network.train((X, Y), 1, len(X), 0.1, lamdb)
        _, lss, cache = other.forward(X, Y)
        nabla_w, nabla_b = other.backward(cache, Y, lss)
        for i in range(3):
            np.testing.assert_allclose(
                network.weights[i], other.weights[i] - 0.1 * (nabla_w[i] + lamdb * other.weights[i])
            )
            np.testing.assert_allclose(network.biases[i], other.biases[i] - 0.1 * nabla_b[i])


def test_the_sizes_and_draws_of_the_hand_out():
    network = NN()
    assert [w.shape for w in network.weights] == [(784, 666), (666, 666), (666, 10)]
    assert sum(w.size for w in network.weights) + sum(b.size for b in network.biases) == 973_702
    assert network.weights[0].std() == pytest.approx(1, abs=0.01)
    assert not any(b.any() for b in network.biases)
    assert not any(w.any() for w in NN(init="Zero").weights)
    bound = np.sqrt(6 / (784 + 666))
    assert bound * 0.999 < abs(glorot(784, 666)).max() <= bound


def test_the_loss_is_capped():
    assert small().loss(np.array([[0.0, 1.0, 0.0]]), [0]) == pytest.approx(18.4206807)


def test_training_learns_and_reports_it():
    network = small(activate="tanh")
    accuracies, losses = network.train((X, Y), 30, 10, 0.2, test_data=(X, Y))
    assert len(accuracies) == len(losses) == 30
    assert losses[-1] < losses[0]
    assert (accuracies[-1], losses[-1]) == pytest.approx(network.test((X, Y)), rel=1e-12)
    assert accuracies[-1] == accuracy(network.forward(X, Y)[0], Y) > 80


def test_compiled_steps_have_the_results_of_the_functions():
    for options, lamdb in (({}, 0.0), ({"activate": "tanh"}, 0.1), ({"activate": "sigmoid", "init": "Normal"}, 0.0)):
        options = {"init": "Glorot", "input_dim": 5, "n_classes": 3, "seed": 3} | options
        both = [kind([7, 6], 2, **options) for kind in (NN, OwnNN)]
        # with a batch of 4 samples among those of 8, wherever the order of the batches puts it
        results = [network.train((X, Y), 6, 8, 0.1, lamdb, verbose=False) for network in both]
        np.testing.assert_allclose(*results, rtol=1e-12)
        for ours, theirs in zip(both[0].weights + both[0].biases, both[1].weights + both[1].biases, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_numpys_seed_decides_everything_where_no_other_is_given(capsys):
    def run(seed):
        np.random.seed(seed)
        network = NN([7], 1, init="Glorot", input_dim=5, n_classes=3)
        return network.train((X, Y), 3, 8, 0.1)

    assert run(1) == run(1) != run(2)
    np.random.seed(0)
    assert (glorot(3, 2) != glorot(3, 2)).all()
    assert (NN([4], 1).weights[0] != NN([4], 1).weights[0]).any()
    assert capsys.readouterr().out.count("epoch 3 / 3: loss") == 3


def test_an_epoch_can_be_silent(capsys):
    small().train((X, Y), 2, 7, 0.1, verbose=False)
    assert capsys.readouterr().out == ""


def test_batches_cover_the_data_in_a_random_order():
    batches = [x[:, 0].tolist() for x, _ in data_iter((np.arange(7).reshape(7, 1), np.zeros(7, int)), 3)]
    assert sorted(batches) == [[0, 1, 2], [3, 4, 5], [6]]
    shuffled = data_iter((np.arange(60).reshape(60, 1), np.zeros(60, int)), 3, np.random.default_rng(0))
    firsts = [int(x[0, 0]) for x, _ in shuffled]
    assert sorted(firsts) == list(range(0, 60, 3)) != firsts


def test_inputs_are_not_written_to():
    x, y = X.copy(), Y.copy()
    small().train((x, y), 2, 7, 0.1)
    assert (x == X).all()
    assert (y == Y).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NN([3], 2), "NN: n_hidden is 2, but hidden_dims names 1"),
        (lambda: small(init="normal"), "NN: init: expected 'Normal', 'Glorot' or 'Zero'"),
        (lambda: small(activate="elu"), "NN: activate: expected 'relu', 'sigmoid' or 'tanh'"),
        (lambda: NN([0], 1), "NN: hidden_dims: expected a whole number of at least 1, got 0"),
        (lambda: small().forward(X[:, :4], Y), "inputs have 4 columns, the network takes 5"),
        (lambda: small().forward(X, Y[:5]), "NN: labels must be 60 classes of 3"),
        (lambda: small().forward(X, Y + 1), "one_hot: label 3"),
        (lambda: small().test((X, Y[:5])), "NN.test: 60 inputs but 5 labels"),
        (lambda: list(data_iter((X, Y), 0)), "data_iter: batch_size: expected a whole number of at least 1"),
        (lambda: accuracy([[1, 2]], [0, 1]), "accuracy: labels must be one for each of 1 samples"),
        (lambda: glorot(0, 3), "glorot: fan_in: expected a whole number of at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
