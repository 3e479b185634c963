"""The letters, the network and the game of the ECE421 hand-out."""

import numpy as np
import pytest

from fastnn.compat.ece421 import buildGraph, loadData, playGame


def letters(count: int, seed: int = 0):
    """Images whose bright rows say their class, so that a network can learn them."""
    labels = np.random.default_rng(seed).integers(0, 10, count)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 2 : 2 * label + 5] = 255
    return images, labels


def test_two_classes_are_split_as_the_first_assignment_does(tmp_path):
    labels = np.arange(18_500) % 5
    images = np.broadcast_to(labels[:, np.newaxis, np.newaxis], (18_500, 2, 2)).astype(np.uint8)
    np.savez(tmp_path / "letters.npz", images=images, labels=labels)
    train, valid, test, *targets = loadData(tmp_path / "letters.npz", posClass=3, negClass=1)
    assert [len(part) for part in (train, valid, test)] == [3500, 100, 3800]
    for part, target in zip((train, valid, test), targets, strict=True):
        assert target.shape == (len(part), 1)
        np.testing.assert_array_equal(target[:, 0], part[:, 0, 0] * 255 == 3)
    with pytest.raises(ValueError, match="both posClass and negClass"):
        loadData(tmp_path / "letters.npz", posClass=3)
    np.savez(tmp_path / "few.npz", images=images[:9], labels=labels[:9])
    with pytest.raises(ValueError, match="expected more than 16000 images, got 9"):
        loadData(tmp_path / "few.npz")


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["CE", "MSE"])
def test_the_network_learns_letters_with_either_loss_and_either_kind_of_target(loss):
    images, labels = letters(300)
    x = images / 255.0
    plain, one_hot = (
        buildGraph(lossType=loss, learning_rate=1e-3, reg=1e-4, keep_prob=0.9).train(
            x, target, x[:50], target[:50], epochs=2, verbose=False
        )
        for target in (labels, np.eye(10)[labels])
    )
    assert plain == one_hot
    assert set(plain) == {"train_loss", "train_accuracy", "valid_loss", "valid_accuracy"}
    assert plain["train_accuracy"][-1] > {"CE": 90, "MSE": 40}[loss]  # 10 by chance


def test_the_network_refuses_what_is_no_letter_and_half_a_set():
    graph = buildGraph()
    with pytest.raises(ValueError, match=r"expected images \(N, 28, 28\) or rows \(N, 784\), got \(3, 5\)"):
        graph.predict(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="valid: expected data and targets"):
        graph.train(np.zeros((3, 784)), [0, 1, 2], np.zeros((3, 784)), verbose=False)
    with pytest.raises(ValueError, match="keep_prob"):
        buildGraph(keep_prob=0)


def test_the_game_counts_right_answers_and_ends_at_an_empty_one(capsys):
    class Network:
        def predict(self, x):
            return np.eye(3)[np.full(len(x), 2)]

    answers = iter(["c", ""])
    assert playGame(Network(), np.ones((4, 2, 2)), np.full(4, 2), letters="ABC", ask=lambda _: next(answers)) == (1, 1)
    assert "You 1, the network 1 of 1." in capsys.readouterr().out
    with pytest.raises(ValueError, match="classes from 0 to 1"):
        playGame(Network(), np.ones((4, 2, 2)), np.full(4, 2), letters="AB", ask=lambda _: "A")
