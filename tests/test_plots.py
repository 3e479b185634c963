"""Pictures have the right data and labels, and styles that can be told apart in greyscale."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastnn.plots import gradcheck_error, learning_curve

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

STEPS = [1e-1, 1e-2, 1e-3]
EPOCHS: list[dict[str, Any]] = [
    {"epoch": 1, "loss": 2.0, "accuracy": 0.25, "val_loss": 2.1, "val_accuracy": 0.2, "seconds": 0.1},
    {"epoch": 2, "loss": 1.0, "accuracy": 0.5, "val_loss": None, "val_accuracy": None, "seconds": 0.1},
    {"epoch": 3, "loss": 0.5, "accuracy": 0.75, "val_loss": 1.5, "val_accuracy": 0.6, "seconds": 0.1},
]


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def lines(ax: Any) -> dict[str, tuple[list[float], list[float]]]:
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()}


def test_import_does_not_load_matplotlib() -> None:
    code = "import sys, fastnn.plots; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# learning_curve


def test_learning_curve_of_a_history_has_a_panel_for_each_metric() -> None:
    figure = learning_curve(SimpleNamespace(epochs=EPOCHS))
    loss, accuracy = figure.axes
    assert lines(loss) == {"training": ([1, 2, 3], [2, 1, 0.5]), "validation": ([1, 3], [2.1, 1.5])}
    assert lines(accuracy) == {"training": ([1, 2, 3], [0.25, 0.5, 0.75]), "validation": ([1, 3], [0.2, 0.6])}
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss (nats)", "accuracy (%)")
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"
    assert figure.get_suptitle() == "Learning curve"
    figure.canvas.draw()
    assert "60" in [label.get_text() for label in accuracy.get_yticklabels()]


def test_learning_curve_takes_rows_columns_and_arrays() -> None:
    expected = lines(learning_curve(EPOCHS, metric="loss").axes[0])
    columns = {key: [row[key] for row in EPOCHS] for key in EPOCHS[0]}
    assert lines(learning_curve(columns, metric="loss").axes[0]) == expected
    assert lines(learning_curve(np.array([3.0, 2.0])).axes[0]) == {"training": ([1, 2], [3, 2])}
    test_only = learning_curve({"test_accuracy": [0.5, 0.6], "epoch": [0, 10]}, xlabel="iteration").axes[0]
    assert lines(test_only) == {"test": ([0, 10], [0.5, 0.6])}
    assert test_only.get_xlabel() == "iteration"


def test_learning_curve_draws_into_given_axes() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert learning_curve(EPOCHS, ax=left, title="A") is figure
    assert learning_curve(EPOCHS, ax=right, metric="accuracy", title=None) is figure
    assert left.get_ylabel() == "loss (nats)"
    assert (left.get_title(), right.get_title()) == ("A", "")
    assert list(lines(right)["training"][1]) == [0.25, 0.5, 0.75]
    assert len(plt.get_fignums()) == 1


def test_learning_curve_finds_the_figure_of_a_subfigure() -> None:
    figure = plt.figure()
    ax = figure.subfigures(1, 2)[0].subplots()
    assert learning_curve([1.0, 0.5], ax=ax) is figure


def test_learning_curve_names_the_unit_of_the_loss() -> None:
    assert learning_curve([1.0], loss_unit=None).axes[0].get_ylabel() == "loss"
    assert learning_curve([1.0], loss_unit="m²").axes[0].get_ylabel() == "loss (m²)"


def test_learning_curve_refuses_what_is_no_history() -> None:
    for bad in (3, "loss", None):
        with pytest.raises(TypeError, match="learning_curve: history must be"):
            learning_curve(bad)
    with pytest.raises(ValueError, match="no loss and no accuracy"):
        learning_curve({"seconds": [1.0]})
    with pytest.raises(ValueError, match="equal length"):
        learning_curve({"loss": [1.0, 2.0], "val_loss": [1.0]})
    with pytest.raises(ValueError, match="empty"):
        learning_curve({"loss": []})
    with pytest.raises(ValueError, match=r"metric .*loss.*got 'accuracy'"):
        learning_curve([1.0], metric="accuracy")
    assert plt.get_fignums() == []


# gradcheck_error


def test_gradcheck_error_draws_every_line_log_log() -> None:
    errors = {"forward": [1e-1, 1e-2, 1e-3], "central": [1e-2, 1e-4, 1e-6]}
    ax: Any = gradcheck_error(STEPS, errors).axes[0]
    assert lines(ax) == {name: (STEPS, values) for name, values in errors.items()}
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["forward", "central"]
    assert ax.get_xlabel().startswith("step h")
    assert "analytic" in ax.get_ylabel()
    assert ax.get_title()
    assert ax.xaxis_inverted()


def test_gradcheck_error_takes_one_list_and_axes() -> None:
    figure, ax = plt.subplots()
    for _ in range(2):  # the second call does not reverse the axis again
        assert gradcheck_error(STEPS, [1e-1, 1e-2, 1e-3], ax=ax, ylabel="error (nats)") is figure
    assert ax.xaxis_inverted()
    assert ax.get_ylabel() == "error (nats)"


def test_gradcheck_error_interrupts_the_line_at_zero() -> None:
    (line,) = gradcheck_error(STEPS, [1e-1, 0.0, 1e-3]).axes[0].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [1e-1, np.nan, 1e-3])


@pytest.mark.parametrize("relative", [True, False])
def test_sweeps_plot_themselves(relative: bool) -> None:
    from fastnn.gradcheck import sweep

    table = sweep(lambda x: (float(np.sin(x).sum()), np.cos(x)), [0.3, 1.0], relative=relative)
    ax = table.plot().axes[0]
    drawn = lines(ax)
    assert drawn["forward differences"] == (table.steps.tolist(), table.forward_errors.tolist())
    assert drawn["central differences"] == (table.steps.tolist(), table.central_errors.tolist())
    assert ("/ max" in ax.get_ylabel()) == relative
    figure, given = plt.subplots()
    assert table.plot(ax=given) is figure


def test_gradcheck_error_refuses_bad_arguments() -> None:
    with pytest.raises(ValueError, match="errors must be given"):
        gradcheck_error(STEPS)
    with pytest.raises(ValueError, match="must have length"):
        gradcheck_error(STEPS, [1.0])
    with pytest.raises(ValueError, match="negative"):
        gradcheck_error(STEPS, [1.0, 1.0, -1.0])
    with pytest.raises(ValueError, match="list of numbers"):
        gradcheck_error([], [])
    sweep_like = SimpleNamespace(steps=STEPS, forward_errors=STEPS, central_errors=STEPS, relative=True)
    with pytest.raises(ValueError, match="errors must be None for a sweep"):
        gradcheck_error(sweep_like, STEPS)
    assert plt.get_fignums() == []


# All of them.


def test_lines_differ_without_colour() -> None:
    from fastnn.plots.style import line_style

    for a in range(4):
        for b in range(a):
            first, second = line_style(a, 5), line_style(b, 5)
            assert first["marker"] != second["marker"]
            assert first["linestyle"] != second["linestyle"]
    ax = learning_curve(EPOCHS, metric="loss").axes[0]
    assert len({(line.get_marker(), line.get_linestyle()) for line in ax.get_lines()}) == 2


def test_long_lines_are_not_covered_with_markers() -> None:
    line: Any = learning_curve(np.linspace(2, 1, 1000)).axes[0].get_lines()[0]
    assert len(line.get_xdata()) == 1000
    assert 1000 / line.get_markevery() < 20


def test_figures_can_be_saved(tmp_path: Path) -> None:
    for k, figure in enumerate((learning_curve(EPOCHS), gradcheck_error(STEPS, STEPS))):
        path = tmp_path / f"{k}.png"
        figure.savefig(path)
        assert path.read_bytes().startswith(b"\x89PNG")
