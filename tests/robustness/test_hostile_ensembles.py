"""Files of populations and of estimators of tables that were changed, with checksums that are right again.

Whatever stands in them, reading is one error that names the file and takes the memory of the file's size, or gives
members that predict.
"""

import numpy as np
import pytest
from hostile_descriptions import try_models
from populations import X, fit
from trainings import mlp, output_of

import fastnn
from fastnn.model.file import read, write

pytest.importorskip("safetensors")

TABLE = [[20, "dry", 1.0], [22, "wet", None], [3, "dry", 2.5], [4, "wet", 7.0]] * 10
SEASON = ["summer", "summer", "winter", "winter"] * 10


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "population.safetensors"
    fit(range(3), validation=0.2, epochs=2, callbacks=[fastnn.EarlyStopping(patience=1)]).save(path)
    tensors, description = read(path)
    description["population"]["failed"] = [[1, 3]]  # of which the best parameters were kept
    write(path, tensors, description)
    return path


@pytest.fixture(scope="module", params=["classifier", "regressor", "quantiles"])
def table(request, tmp_path_factory):
    tabular = pytest.importorskip("fastnn.tabular")
    options = {"n_estimators": 2, "max_iter": 2, "random_state": 0, "hidden_layer_sizes": (4,)}
    path = tmp_path_factory.mktemp("hostile") / "table.safetensors"
    if request.param == "classifier":
        tabular.TableClassifier(**options).fit(TABLE, SEASON).save(path)
    else:
        levels = {"quantiles": [0.1, 0.5]} if request.param == "quantiles" else {}
        tabular.TableRegressor(**options, **levels).fit(TABLE, np.arange(40.0)).save(path)
    return path


def test_changed_populations(population, tmp_path):
    try_models(population, tmp_path / "p.safetensors", 100, X)


def test_changed_tables(table, tmp_path):
    try_models(table, tmp_path / "t.safetensors", 80, TABLE, "Table")


@pytest.mark.slow
def test_every_change_of_a_population(population, tmp_path):
    try_models(population, tmp_path / "p.safetensors", None, X)


@pytest.mark.slow
def test_every_change_of_a_table(table, tmp_path):
    try_models(table, tmp_path / "t.safetensors", None, TABLE, "Table")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("params", np.zeros((2, 9), "f4"), r"expected params \(3, 73\) float32, got \(2, 9\) float32"),
        ("params", np.zeros((3, 73)), "expected params .* float32, got .* float64"),
        ("params", None, "'params'"),
        ("epochs_done", np.full(3, 9), "expected epochs_done from 0 to 2"),
        ("epochs_done", np.full(3, -1), "expected epochs_done from 0 to 2"),
        ("epochs_done", np.ones(3), "expected epochs_done .* int64, got .* float64"),
        ("best_epoch", np.full(3, 3), "best_epoch from 0 to epochs_done"),
        ("best_epoch", np.zeros(4, int), "expected best_epoch"),
        ("history/loss", np.zeros((1, 3)), "figures of equally many epochs"),
        ("history/loss", np.zeros((2, 4)), "expected history/loss"),
        ("history/epoch", np.zeros((2, 3)), "'epoch', which is their number"),
        ("more", np.zeros(2), "no other arrays, got 'more'"),
    ],
)
def test_arrays_that_no_population_has(population, tmp_path, name, array, message):
    tensors, description = read(population)
    tensors = {key: value for key, value in tensors.items() if key != name} | ({} if array is None else {name: array})
    write(tmp_path / "p.safetensors", tensors, description)
    with pytest.raises(ValueError, match=rf"load: .*p\.safetensors describes no population .*{message}"):
        fastnn.load(tmp_path / "p.safetensors")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seeds", [], "at least one member"),
        ("seeds", [0, 1], "expected params"),
        ("seeds", [0, 1, 2**64], "seeds: expected a list of whole numbers below"),
        ("failed", [[3, 1]], "expected failed members from 0 to 2, each once"),
        ("failed", [[1, 1], [1, 2]], "expected failed members from 0 to 2, each once"),
        ("failed", [[1, 0]], "failed: expected a list of pairs"),
    ],
)
def test_descriptions_that_no_population_has(population, tmp_path, name, value, message):
    tensors, description = read(population)
    description["population"][name] = value
    write(tmp_path / "p.safetensors", tensors, description)
    with pytest.raises(ValueError, match=rf"load: .*p\.safetensors describes no population .*{message}"):
        fastnn.load(tmp_path / "p.safetensors")


def taken(path):
    """Whether loading a file is refused, and the MiB that it takes until then."""
    code = f"""
import resource, fastnn, fastnn.population
{"import fastnn.tabular" if "table" in path.name else ""}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    fastnn.load({str(path)!r})
except ValueError as error:
    print("{path.name}" in str(error), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    found, mebibytes = output_of(code).split()
    return found == "True", int(mebibytes)


def test_small_files_that_describe_large_members_take_little_memory(population, table, tmp_path):
    tensors, description = read(population)
    description["config"]["input_shape"] = [10**8]
    write(tmp_path / "population.safetensors", tensors, description)
    none = {name: array[:0] for name, array in tensors.items()} | {"params": np.zeros((0, 10**9), "f4")}
    description["population"] = {"seeds": [], "failed": []}
    write(tmp_path / "empty.safetensors", none, description)
    tensors, description = read(table)
    for config in description["table"]["members"]:
        config["input_shape"] = [10**8]
    write(tmp_path / "table.safetensors", tensors, description)
    for name in ("population", "empty", "table"):
        refused, mebibytes = taken(tmp_path / f"{name}.safetensors")
        assert refused, name
        assert mebibytes < 20, name


def test_the_largest_seed_is_kept(tmp_path):
    model = mlp(3, 2, seed=2**64 - 1)
    model.save(tmp_path / "m.safetensors")
    assert fastnn.load(tmp_path / "m.safetensors").seed == 2**64 - 1
