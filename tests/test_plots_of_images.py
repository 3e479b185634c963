"""Pictures of images, weights, sweeps and surfaces show everything in the right place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fastnn import plots

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def drawn(figure: Any) -> np.ndarray[Any, Any]:
    return np.asarray(figure.axes[0].images[0].get_array())


def texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


# contour


def test_a_bowl_is_drawn_with_its_minimum_where_it_is() -> None:
    """The innermost contour surrounds (0.75, -0.25) and no point with x and y exchanged."""
    x, y = np.linspace(-1, 1, 41), np.linspace(-2, 2, 61)
    cost = plots.cost_grid(lambda a, b: (a - 0.75) ** 2 + 4 * (b + 0.25) ** 2, x, y)
    figure = plots.contour(x, y, cost, {"way": [[-1, 2], [0.75, -0.25]]}, xlabel="first", ylabel="second")
    axes = figure.axes[0]
    innermost = min(
        (path.vertices for path in axes.collections[0].get_paths() if len(path.vertices) > 3),
        key=lambda v: np.ptp(v, axis=0).sum(),
    )
    assert np.abs((innermost.min(axis=0) + innermost.max(axis=0)) / 2 - [0.75, -0.25]).max() < 0.05
    widths = np.ptp(innermost, axis=0)
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.05)
    way = axes.get_lines()[0]
    assert way.get_xydata().tolist() == [[-1, 2], [0.75, -0.25]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("first", "second")
    assert (axes.get_xlim(), axes.get_ylim()) == ((-1, 1), (-2, 2))


def test_contour_refuses_a_grid_of_the_other_orientation() -> None:
    with pytest.raises(ValueError, match=r"cost must have shape \(len\(x\), len\(y\)\) = \(3, 2\), got \(2, 3\)"):
        plots.contour([0, 1, 2], [0, 1], np.zeros((2, 3)))


# images


def test_image_grid_has_each_image_in_reading_order() -> None:
    images = RNG.random((5, 4, 3))
    whole = drawn(plots.image_grid(images, columns=2))
    assert whole.shape == (3 * 4 + 2 * 2, 2 * 3 + 2)
    assert np.array_equal(whole[6:10, 5:8], images[3].astype(whole.dtype))
    assert np.array_equal(whole[12:16, :3], images[4].astype(whole.dtype))
    assert np.isnan(np.asarray(whole[12:16, 5:8], float)).all()


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 4, 5, 3)])
def test_image_grid_takes_channels_first_and_last(shape: tuple[int, ...]) -> None:
    assert drawn(plots.image_grid(np.zeros(shape))).shape == (4, 5 + 2 + 5, 3)


def test_image_grid_frames_what_is_marked() -> None:
    figure = plots.image_grid(np.zeros((3, 5, 5)), ["a", "b", "c"], marked=[False, True, False])
    assert texts(figure) == ["a", "b", "c"]
    assert [text.get_fontweight() for text in figure.axes[0].texts] == ["normal", "bold", "normal"]
    assert len(figure.axes[0].patches) == 1
    with pytest.raises(ValueError, match="words must have one entry for each of 3 images, got 1"):
        plots.image_grid(np.zeros((3, 5, 5)), ["a"])


def test_weight_images_are_columns_and_zero_is_grey() -> None:
    w = np.zeros((6, 3))
    w[1, 0], w[4, 1] = 2.0, -2.0
    whole = drawn(plots.weight_images(w, (2, 3)))
    gap = 2
    tiles = [whole[:2, k * (3 + gap) : k * (3 + gap) + 3] for k in range(3)]
    assert tiles[0][0, 1] == 1
    assert tiles[1][1, 1] == 0
    assert (tiles[2] == 0.5).all()


def test_weight_images_of_colours_have_positive_and_negative_parts_side_by_side() -> None:
    w = np.zeros((12, 1))
    w[0], w[11] = 1.0, -0.5  # red, first pixel; blue, last pixel
    whole = drawn(plots.weight_images(w, (3, 2, 2)))
    assert whole.shape == (2, 5, 3)
    assert whole[0, 0].tolist() == [1, 0, 0]
    assert whole[1, 4].tolist() == [0, 0, 0.5]


# sweeps and times


def test_sweep_leaves_words_unconnected_and_shows_per_cent() -> None:
    figure = plots.sweep(["tanh", "ReLU"], {"a": [0.25, 0.5], "b": [0.5, 1.0]}, xlabel="activation")
    figure.canvas.draw()
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["tanh", "ReLU"]
    assert {line.get_linestyle() for line in axes.get_lines()} == {"None"}
    assert axes.get_lines()[1].get_ydata().tolist() == [0.5, 1.0]
    assert "100" in "".join(label.get_text() for label in axes.get_yticklabels())


def test_a_few_values_have_a_tick_each_and_per_cents_no_needless_decimals() -> None:
    figure = plots.sweep([30, 50, 80], [0.9625, 0.965, 0.966], xlabel="epochs")
    figure.canvas.draw()
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["30", "50", "80"]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert [float(text) for text in shown] == pytest.approx((100 * axes.get_yticks()).tolist(), abs=1e-9)
    assert any(not text.endswith("0") for text in shown)


def test_lines_differ_without_colour() -> None:
    lines = plots.sweep([1, 2], {str(k): [k, k] for k in range(9)}, xlabel="x").axes[0].get_lines()
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 9


def test_scaling_puts_the_model_through_the_last_measured_point() -> None:
    measured, model = plots.scaling([1, 2, 4], {"m": [1, 3, np.nan]}, {"m": [1, 4, 16]}, xlabel="n").axes[0].get_lines()
    assert measured.get_ydata()[:2].tolist() == [1, 3]
    assert model.get_ydata().tolist() == [0.75, 3, 12]


# classes


def test_confusion_matrix_has_true_classes_in_rows() -> None:
    figure = plots.confusion_matrix([0, 0, 0, 1], [0, 1, 1, 1], ["a", "b"])
    assert np.allclose(drawn(figure), [[1 / 3, 2 / 3], [0, 1]])
    assert texts(figure) == ["1", "2", "0", "1"]
    assert figure.axes[0].get_ylabel() == "true class"


def test_wrong_predictions_shows_the_wrong_ones_alone() -> None:
    images = np.arange(4.0)[:, None, None] * np.ones((1, 2, 2))
    figure = plots.wrong_predictions(images, [0, 1, 0, 1], [0, 0, 0, 0], ["x", "y"])
    assert texts(figure) == ["y as x", "y as x"]
    assert figure.axes[0].get_title().startswith("2 of 4 wrong")
    with pytest.raises(ValueError, match="every prediction is right"):
        plots.wrong_predictions(images, [0] * 4, [0] * 4)


def test_useful_units_are_the_most_frequent_extremes() -> None:
    a = np.array([[3.0, 1, 0], [3, 0, 1], [0, 1, 3]])
    outgoing = np.array([[1.0], [-1], [1]])
    found = plots.useful_units(a, outgoing, [0, 0, 0])
    assert (found.promoters[0], found.inhibitors[0]) == (0, 1)
    assert (found.promoter_shares[0], found.inhibitor_shares[0]) == pytest.approx((2 / 3, 1))


def test_every_picture_draws_into_given_axes() -> None:
    useful = plots.useful_units(np.eye(4), np.eye(4, 2), [0, 1, 1, 0])
    pictures = [
        lambda ax: plots.image_grid(np.zeros((3, 4, 4)), ax=ax),
        lambda ax: plots.weight_images(np.eye(16), (4, 4), ax=ax),
        lambda ax: plots.sweep([1, 2], [1, 2], xlabel="x", ax=ax),
        lambda ax: plots.contour([0, 1], [0, 1], [[0, 1], [1, 2]], ax=ax),
        lambda ax: plots.confusion_matrix([0, 1], [1, 1], ax=ax),
        lambda ax: plots.wrong_predictions(np.zeros((1, 2, 2)), [0], [1], ax=ax),
        lambda ax: plots.scaling([1, 2], {"a": [1, 2]}, xlabel="x", ax=ax),
        lambda ax: plots.promoters(np.eye(16, 4), (4, 4), useful, ["a", "b"], ax=ax),
        lambda ax: plots.filters(RNG.random((4, 3, 5, 5)), ax=ax),
        lambda ax: plots.filters(RNG.random((4, 2, 5, 5)), ax=ax),
    ]
    for draw in pictures:
        figure, ax = plt.subplots()
        assert draw(ax) is figure
        assert ax.get_title()
        plt.close(figure)


def test_a_rendered_figure_has_the_same_bytes_again() -> None:
    from fastnn.plots.style import render

    for kind in ("svg", "png"):
        first, second = (render(plots.sweep([1, 2], [1, 2], xlabel="x"), kind) for _ in range(2))
        assert first == second
