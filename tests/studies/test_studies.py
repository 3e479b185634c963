"""The studies run on a few synthetic images and have their expected results."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from reported_figures import missing

import fastnn
from fastnn import studies
from fastnn.data import load
from fastnn.studies.digits.chain_rule import LoopNetwork
from fastnn.studies.digits.two_weights import TwoWeights
from fastnn.studies.mlp.solver import sets, solve, solve_for

pytest.importorskip("matplotlib").use("Agg")

# Settings that make each part take only moments.
TINY: dict[str, dict[str, dict[str, Any]]] = {
    "digits": {
        "gradient": {"images": 10, "weights": 100},
        "rates": {"steps": 20, "train": 300},
        "descent": {"passes": 3, "train": 300},
        "full-batch": {"iterations": 10, "train": 300},
        "momentum": {"steps": 40, "train": 300},
        "contours": {"train": 300, "grid": 11},
        "speed": {"updates": 1, "batch": 2, "units": (2, 3), "layers": (3, 4)},
    },
    "init": {
        "starts": {"epochs": 2, "train": 250, "hidden": 20},
        "normal": {"train": 250, "hidden": 20},
        "search": {"epochs": 1, "train": 250, "hidden": 20, "rates": (0.1,), "batches": (50,)},
        "differences": {"hidden": 100},
    },
    "mlp": {
        "solver": {"epochs": 1, "train": 200, "hidden": 20, "seeds": 1},
        "without": {"epochs": 1, "train": 200, "hidden": 20},
        "depth": {"epochs": 1, "train": 200, "depths": (1, 2), "hidden": 20},
        "today": {"epochs": 1, "train": 200, "hidden": 20},
        "grid": {"hidden": (10, 20), "epochs": (1, 2), "batches": (8,), "train": 200},
    },
    "faces": {
        "network": {"steps": 20, "splits": 1},
        "small": {"iterations": 40},
        "choice": {"sizes": (4, 12), "steps": 20, "splits": 2},
        "hidden": {"sizes": (4, 12), "steps": 20, "splits": 1},
        "resolution": {"sides": (14, 28), "sizes": (20,), "steps": 20, "splits": 1},
        "activation": {"steps": 20, "splits": 1},
        "first-weights": {"steps": 20, "splits": 1},
        "optimiser": {"steps": 20, "splits": 1},
        "loss": {"steps": 20, "splits": 1},
        "units": {"steps": 20},
    },
    "transfer": {
        "data": {"shown": 2},
        "cut-points": {"cuts": ("conv5.pool", "conv5.relu"), "largest": 10_000, "steps": 10},
        "head-b": {"steps": 10, "better_steps": 10},
        "head-a": {"steps": 2},
        "fine-tuning": {"epochs": 1},
        "pixels": {"steps": 20, "seeds": 1},
    },
    "letters": {
        "wide": {"sizes": (200, 60, 60), "epochs": 3, "hidden": 20},
        "width": {"sizes": (200, 60, 60), "epochs": 3, "widths": (10, 20)},
        "conv": {"sizes": (64, 32, 32), "epochs": 1, "filters": 4, "hidden": 20},
        "l2": {"sizes": (64, 32, 32), "epochs": 1, "filters": 4, "hidden": 20, "factors": (0.1,)},
        "dropout": {"sizes": (64, 32, 32), "epochs": 1, "filters": 4, "hidden": 20, "keeps": (0.5,)},
        "game": {"sizes": (64, 32, 32), "epochs": 1, "hidden": 20, "shown": 8},
    },
}


def tiny(name: str) -> studies.Study:
    """The study with tiny settings, on a few synthetic images."""
    study = copy.copy(studies.get(name))
    if name != "transfer":  # whose substitute has weights beside the images
        study.source = replace(study.source, fallback=partial(load, "glyphs", kind="digits", train=320, test=100))
    study.parts = {n: replace(p, quick={**p.quick, **TINY[name].get(n, {})}) for n, p in study.parts.items()}
    return study


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``results(name)`` runs the study of that name once and returns what it wrote."""
    known: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in known:
            out = tmp_path_factory.mktemp(name)
            with pytest.MonkeyPatch.context() as patch:
                patch.delenv("FASTNN_DATA", raising=False)
                patch.setenv("XDG_CACHE_HOME", str(out / "cache"))
                report = studies.run(tiny(name), out=out, quick=True, quiet=True)
            known[name] = json.loads((out / "results.json").read_text()) | {"folder": out, "html": report.read_text()}
        return known[name]

    return of


@pytest.mark.slow
@pytest.mark.parametrize("name", studies.NAMES)
def test_every_part_is_shown_and_every_picture_written(name: str, results: Any) -> None:
    found = results(name)
    assert list(found["results"]) == list(studies.get(name).parts)
    pictures = found["html"].count("<figure")
    folder: Path = found["folder"] / "figures"
    assert pictures == len(list(folder.glob("*.svg"))) == len(list(folder.glob("*.png"))) > 0
    assert '<p class="banner">' in found["html"]
    assert missing(name, found["folder"], found["html"]) == []


@pytest.mark.slow
def test_the_vacuous_check_accepts_what_the_real_one_refuses(results: Any) -> None:
    found = results("digits")["results"]["gradient"]["found"]
    assert all(abs(value) < 1e-8 for value in found["vacuous"].values())
    right = found["real"].pop("right")
    assert right[0] < 1e-2
    assert right[1] < 1e-5
    assert all(errors[0] > 0.5 for errors in found["real"].values())
    assert found["gradcheck passed"]


@pytest.mark.slow
def test_the_table_of_finite_differences_is_the_reported_one(results: Any) -> None:
    errors = results("digits")["results"]["gradient"]["found"]["errors"]
    reported = [2.698202291518717, 0.200166359876926, 0.019912135073950066, 0.0019906216532900034]
    assert errors[:4] == pytest.approx(reported, rel=1e-8)


@pytest.mark.slow
def test_momentum_is_faster_from_a_flat_start_and_circles_when_too_high(results: Any) -> None:
    scenes = results("digits")["results"]["contours"]["found"]["scenes"]
    flat = scenes["flat-start"]["excess"]
    assert min(flat["momentum"]) < min(flat["plain"])
    too_much = scenes["too-much"]["excess"]
    assert (np.diff(too_much["plain"]) < 0).all()
    assert (np.diff(too_much["momentum"]) > 0).any()  # past the lowest point and up again
    steps = np.diff(np.array(scenes["raised-rate"]["paths"]["plain"]), axis=0)
    turns = (steps[1:] * steps[:-1]).sum(axis=1) < 0
    assert turns.sum() >= 3  # it zig-zags


@pytest.mark.slow
def test_zero_weights_stay_where_only_the_last_biases_move(results: Any) -> None:
    runs = results("init")["results"]["starts"]["found"]["runs"]["relu"]
    assert np.abs(np.array(runs["zeros"]["loss"]) - np.log(10)).max() < 0.05
    dead = results("init")["results"]["differences"]["found"]["capped, unit not active"]
    assert max(dead["error"][1:]) == 0  # a step of 1 may activate a unit
    free = results("init")["results"]["differences"]["found"]["without cap, active unit"]
    assert min(free["error"]) < 1e-9 < free["error"][-1]


@pytest.mark.slow
def test_masks_gradients_are_sums_over_all_places(results: Any) -> None:
    checks = dict(results("mlp")["results"]["masks"]["found"]["checks"])
    assert [error < 1e-8 for error in checks.values()] == ["single" not in name for name in checks]
    assert results("mlp")["folder"].joinpath("predictions.csv").read_text().startswith("Id,Category\n1,")


def test_both_ways_through_the_chain_rule_agree() -> None:
    network = LoopNetwork.make(4, 3, seed=1)
    shared, expanded = network.back_propagation(), network.path_by_path()
    assert np.allclose(shared, expanded, rtol=1e-12, atol=1e-15)
    assert np.abs(shared).max() > 1e-3


def test_the_cost_over_two_weights_is_the_cost_of_the_network() -> None:
    rng = np.random.default_rng(0)
    x, labels, w = rng.random((50, 6)) * (rng.random((50, 6)) < 0.5), rng.integers(0, 3, 50), rng.normal(size=(6, 3))
    two = TwoWeights(x, labels, w, (1, 4), 2)

    def cost(a: float, b: float) -> float:
        moved = w.copy()
        moved[1, 2], moved[4, 2] = a, b
        z = x @ moved
        return float(np.sum(np.logaddexp.reduce(z, axis=1) - z[np.arange(50), labels]))

    assert two.cost(0.3, -0.8) == pytest.approx(cost(0.3, -0.8), rel=1e-6)
    h = 1e-5
    numeric = [(two.cost(0.3 + h, -0.8) - two.cost(0.3 - h, -0.8)) / (2 * h),
               (two.cost(0.3, -0.8 + h) - two.cost(0.3, -0.8 - h)) / (2 * h)]  # fmt: skip
    assert two.gradient(np.array([0.3, -0.8])) == pytest.approx(numeric, rel=1e-6)
    lowest = two.minimum()
    assert np.abs(two.gradient(lowest)).max() < 1e-6
    assert np.linalg.eigvalsh(two.hessian(lowest)).min() > 0


@pytest.mark.slow
def test_the_label_of_a_reports_table_is_shown_beside_the_size_that_it_names(results: Any) -> None:
    found = results("transfer")
    sizes = {row["what"]: (row["reported"], row["ours"]) for row in found["results"]["data"]["compared"]}
    assert sizes["features at conv3.relu, torchvision form"] == (64_896, 64_896)
    assert sizes["features at conv2.relu, torchvision form"] == (64_896, 139_968)
    assert "That label does not fit its size" in found["html"]
    cuts = found["results"]["cut-points"]["found"]
    assert list(cuts["by"]) == ["conv5.pool"]
    assert cuts["left out"] == {"conv5.relu": 43_264}


@pytest.mark.filterwarnings("error")
def test_a_point_of_the_grid_is_the_beginning_of_a_longer_training() -> None:
    images = fastnn.data.glyphs(240, seed=0)
    data = SimpleNamespace(train=images, test=images, class_names=[*"0123456789"])
    run: Any = SimpleNamespace(seed=0, data=data)
    parts = sets(run, 200)
    found = solve_for(run, parts, (9,), (1, 3, 2), 8)
    assert list(found) == [1, 3, 2]
    for epochs, (columns, model) in found.items():
        alone, network = solve(run, parts, (9,), epochs, 8)
        assert set(columns) == set(alone)
        for name in set(columns) - {"seconds"}:
            np.testing.assert_array_equal(columns[name], alone[name])
        assert len(columns["seconds"]) == epochs
        assert model.params.tobytes() == network.params.tobytes()
