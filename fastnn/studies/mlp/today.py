"""A network of the same width, trained with today's methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import optim, plots
from fastnn.layers import Dense, Dropout, ReLU
from fastnn.model import Sequential
from fastnn.schedules import Cosine
from fastnn.studies.mlp.solver import sets
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import curves
from fastnn.studies.training import train as train_on


def today(run: Run, hidden: int, epochs: int, batch: int, train: int) -> Found:
    """Pixels in [0, 1], He weights, Adam with a decreasing rate, and dropout, with the {hidden} units of the report.

    {epochs} epochs of {train} images in batches of {batch}.
    """
    data = sets(run, train)
    inputs = data[""][0][0].size
    layers: list[Any] = [Dense(hidden, init="he_normal"), ReLU(), Dropout(0.25), Dense(len(run.data.class_names))]
    model = Sequential(layers, input_shape=(inputs,), input_scale=run.data.scale, seed=run.seed)
    flat = {name: (x.reshape(len(x), -1), y) for name, (x, y) in data.items()}
    return {"columns": train_on(model, flat, optimizer=optim.Adam(2e-3), schedule=Cosine(epochs), epochs=epochs,
                                batch_size=batch, seed=run.seed)}  # fmt: skip


def show_today(page: Page, found: Found) -> None:
    """Show the curves."""
    columns = {name: np.asarray(values) for name, values in found["columns"].items()}
    best = int(columns["val_accuracy"].argmax())
    page.compare([
        ("test accuracy at the epoch with the best validation accuracy", None,
         float(columns["test_accuracy"][best]), f"epoch {best}"),
        ("validation accuracy at that epoch", None, float(columns["val_accuracy"][best])),
    ])  # fmt: skip
    page.figure("curves", plots.learning_curve(curves(columns), title="With today's methods"),
                "Adam, a cosine schedule and dropout.")  # fmt: skip
