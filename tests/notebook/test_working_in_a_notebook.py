"""What a notebook shows: figures once, a progress bar, tables for models and searches, warnings at the user's line."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import Executed, cells_of, execute
from trainings import needs_native

pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")

NOTEBOOK = """
# %% data
import fastnn
import numpy as np
from fastnn.layers import Dense, Layer, ReLU
x, y = fastnn.data.glyphs(300, seed=0)
def make(units=8, rate=0.01, layers=()):
    model = fastnn.Sequential([*layers, Dense(units), ReLU(), Dense(10)], input_shape=(784,), input_scale=1 / 255)
    return fastnn.Trainer(model, optimizer=fastnn.optim.Adam(rate), epochs=3)
# %% training
def wrong(targets, outputs):
    return float((outputs.argmax(1) != targets).mean())
trainer = make()
trainer = fastnn.Trainer(trainer.model, epochs=3, metrics=wrong, print_every=1)
history = trainer.fit(x, y)
# %% history
history
# %% value
history.plot()
# %% kept
figure = history.plot()
# %% two
history.plot()
history.plot(metric="loss")
# %% again
figure
# %% own axes
import matplotlib.pyplot as plt
mine, (left, right) = plt.subplots(1, 2)
fastnn.plots.learning_curve(history, ax=left, metric="loss")
fastnn.plots.learning_curve(history, ax=right, metric="accuracy")
# %% shown
figure = fastnn.plots.image_grid(x[:4].reshape(-1, 28, 28))
plt.show()
# %% rates
found = fastnn.find_learning_rate(make(), x, y, steps=20)
found.plot()
# %% summary
trainer.model.summary()
# %% model
trainer.model
# %% sweep
trials = fastnn.sweep(make, fastnn.grid(units=[4, 8]), x, y)
trials
# %% warning
class Half(Layer):
    kind = "half"
    def forward(self, ops, x, training):
        return x / 2, None
    def backward(self, ops, dout, cache, need_dx):
        return dout / 2
quiet = make(layers=[Half()])
quiet.progress = False
quiet.fit(x, y)
# %% quiet
silent = make()
silent.progress = False
silent.fit(x, y);
# %% evaluate
trainer.model.evaluate(x, y, metrics=wrong)["wrong"]
"""
NAMES = [line.removeprefix("# %% ") for line in NOTEBOOK.splitlines() if line.startswith("# %%")]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    return execute(cells_of(NOTEBOOK), tmp_path_factory.mktemp("notebook"))


def pictures(notebook: Executed, name: str) -> int:
    return len(notebook.kinds(NAMES.index(name), "image/png"))


def test_every_cell_runs(notebook: Executed) -> None:
    assert notebook.failures() == []


@pytest.mark.parametrize("name", ["value", "kept", "again", "own axes", "shown", "rates"])
def test_a_figure_appears_once(notebook: Executed, name: str) -> None:
    assert pictures(notebook, name) == 1


def test_each_of_two_figures_appears_once(notebook: Executed) -> None:
    assert pictures(notebook, "two") == 2


def test_the_progress_bar_is_one_output_that_ends_at_the_last_state(notebook: Executed) -> None:
    bars = notebook.kinds(NAMES.index("training"), "text/plain")
    assert len(bars) == 1
    assert "100%" in bars[0]
    assert "epoch 3, loss" in bars[0]
    assert notebook.printed(NAMES.index("training"), "stderr") == ""


def test_the_table_of_epochs_is_printed_beside_the_bar(notebook: Executed) -> None:
    lines = notebook.printed(NAMES.index("training")).splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "wrong", "seconds"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3"]


def test_a_search_counts_its_trials(notebook: Executed) -> None:
    (bar,) = [text for text in notebook.kinds(NAMES.index("sweep"), "text/plain") if "2/2" in text]
    assert "100%" in bar


def test_a_bar_that_was_not_wanted_is_not_there(notebook: Executed) -> None:
    assert notebook.cells[NAMES.index("quiet")] == []


@pytest.mark.parametrize(
    ("name", "heads", "rows"),
    [
        ("history", ["epoch", "loss", "accuracy", "wrong"], 3),
        ("summary", ["layer", "type", "output shape", "parameters"], 4),
        ("model", ["layer", "type", "output shape", "parameters"], 4),
        ("sweep", ["units", "epoch", "loss", "accuracy"], 2),
    ],
)
def test_it_is_shown_as_a_table(notebook: Executed, name: str, heads: list[str], rows: int) -> None:
    (table,) = notebook.kinds(NAMES.index(name), "text/html")
    shown = [part.rpartition(">")[2] for part in table.split("</th>")[:-1]]
    assert shown[: len(heads)] == heads
    assert table.count("<tr>") == 1 + rows


def test_the_summary_has_its_totals_in_the_table_too(notebook: Executed) -> None:
    (table,) = notebook.kinds(NAMES.index("summary"), "text/html")
    assert "6,370 parameters, 24.9 KiB as float32" in table


@needs_native
def test_a_warning_shows_the_line_of_the_cell(notebook: Executed) -> None:
    text = notebook.printed(NAMES.index("warning"), "stderr")
    assert "UserWarning: fit: the training runs layer by layer" in text
    assert "quiet.fit(x, y)" in text
    assert str(Path("fastnn", "trainer")) not in text


def test_a_metric_is_a_plain_function(notebook: Executed) -> None:
    (value,) = notebook.kinds(NAMES.index("evaluate"), "text/plain")
    assert 0 <= float(value) < 0.9
