"""Model files and checkpoints whose description was changed, with a checksum that is right again.

Whatever stands in them, reading is one error that names the file, or a model or a training like any other; it takes
about the time and memory of the file's size.
"""

import gc
import resource

import numpy as np
import pytest
from hostile_descriptions import chosen, is_one_error, try_models
from trainings import mlp, output_of, samples

import fastnn
from fastnn.layers import BatchNorm, Dense, ReLU
from fastnn.model.file import read, write

pytest.importorskip("safetensors")

X, Y = samples(40, 6, 3)


def trainer(*callbacks, epochs=3):
    chosen = {"optimizer": "adam", "batch_size": 20, "schedule": fastnn.schedules.Exponential(0.9)}
    return fastnn.Trainer(mlp(6, 4, 3, seed=1), epochs=epochs, callbacks=callbacks, progress=False, **chosen)


def best():
    return fastnn.EarlyStopping("loss", patience=50)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "training.safetensors"
    trainer(best(), fastnn.Checkpoint(path), epochs=2).fit(X, Y)
    return path


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "model.safetensors"
    options = {"class_names": ["a", "b"], "points": {"top": "dense1"}, "column_names": ["p", "q", "r"]}
    model = fastnn.Sequential([BatchNorm(), Dense(2), ReLU()], input_shape=(3,), reading={"scale": 2}, **options)
    model.save(path)
    return path


def try_checkpoints(path, target, count):
    tensors, description = read(path)
    refused = 0
    for place, value, changed in chosen(description, count):
        write(target, tensors, changed)
        for call in (
            lambda: trainer(best()).resume(target, X, Y),
            lambda: fastnn.Trainer.from_checkpoint(target, epochs=2, progress=False),
            lambda: fastnn.load(target),
        ):
            try:
                refused += is_one_error(call, target)
            except fastnn.NonFiniteLossError:
                # a number that the optimiser takes, and no training survives
                assert place[:2] == ("checkpoint", "optimizer"), place
            except Exception as error:
                raise AssertionError(f"{place} = {value!r}: {error!r}") from error
    assert refused > 50


def test_changed_models(model_file, tmp_path):
    try_models(model_file, tmp_path / "m.safetensors", 150, np.ones((2, 3)))


def test_changed_checkpoints(checkpoint, tmp_path):
    try_checkpoints(checkpoint, tmp_path / "c.safetensors", 120)


@pytest.mark.slow
def test_every_change_of_a_model(model_file, tmp_path):
    try_models(model_file, tmp_path / "m.safetensors", None, np.ones((2, 3)))


@pytest.mark.slow
def test_every_change_of_a_checkpoint(checkpoint, tmp_path):
    try_checkpoints(checkpoint, tmp_path / "c.safetensors", None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("step", 10**6, "position: expected at most 2 steps"),
        ("epoch", -5, "position: epoch: expected a whole number of at least 1, got -5"),
        ("epoch", 2, "position: expected epoch 3, got 2"),
        ("correct", 10**9, "and 40 samples of an epoch"),
        ("seconds", "1", "position: seconds: expected a number of at least 0"),
    ],
)
def test_a_position_that_no_training_has(checkpoint, tmp_path, name, value, message):
    tensors, description = read(checkpoint)
    description["checkpoint"]["position"][name] = value
    write(tmp_path / "c.safetensors", tensors, description)
    with pytest.raises(ValueError, match=rf"resume: .*c\.safetensors: .*{message}"):
        trainer(best()).resume(tmp_path / "c.safetensors", X, Y)


@pytest.mark.parametrize(
    ("name", "value"), [("update", 1), ("_known", 1.0), ("learning_rate", -1), ("beta1", 2), ("eps", "1e-8")]
)
def test_an_optimiser_gets_its_own_arguments_alone(checkpoint, tmp_path, name, value):
    tensors, description = read(checkpoint)
    description["checkpoint"]["optimizer"][name] = value
    write(tmp_path / "c.safetensors", tensors, description)
    resumed = trainer(best())
    before = resumed.model.params.copy(), dict(vars(resumed.optimizer))
    with pytest.raises(ValueError, match=rf"c\.safetensors: .*{name}"):
        resumed.resume(tmp_path / "c.safetensors", X, Y)
    np.testing.assert_array_equal(resumed.model.params, before[0])
    assert vars(resumed.optimizer) == before[1]


def test_the_state_of_a_callback_must_fit_the_model(checkpoint, tmp_path):
    tensors, description = read(checkpoint)
    key = next(name for name in tensors if name.startswith("callback/"))
    for array in (np.zeros(3, "f4"), None):
        changed = {name: value for name, value in tensors.items() if name != key} | (
            {} if array is None else {key: array}
        )
        write(tmp_path / "c.safetensors", changed, description)
        with pytest.raises(ValueError, match=r"c\.safetensors holds no state of EarlyStopping"):
            trainer(best()).resume(tmp_path / "c.safetensors", X, Y)


@pytest.mark.parametrize("change", [{"surprise": 1}, {"seed": True}, {"input_scale": "1"}, {"layers": {}}])
def test_a_model_has_the_entries_that_a_model_has(tmp_path, change):
    """What is made of the others is not asked: it may take no notice of one, or take it for something else."""
    model = fastnn.Sequential([Dense(3)], input_shape=(4,))
    write(tmp_path / "m.safetensors", model.parameters, {"config": model.config() | change})
    with pytest.raises(ValueError, match=rf"m\.safetensors.*config.*{next(iter(change))}"):
        fastnn.load(tmp_path / "m.safetensors")


def test_a_small_file_that_describes_large_arrays_takes_little_memory(tmp_path):
    model = fastnn.Sequential([BatchNorm(), BatchNorm(), Dense(3)], input_shape=(4,))
    config = model.config() | {"input_shape": [10**8]}
    write(tmp_path / "m.safetensors", {}, {"config": config})
    code = f"""
import resource, fastnn
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    fastnn.load({str(tmp_path / "m.safetensors")!r})
except ValueError as error:
    print("holds arrays {{}}" in str(error), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    found, mebibytes = output_of(code).split()
    assert found == "True"
    assert int(mebibytes) < 20


def test_the_time_for_many_layers_grows_with_their_number(tmp_path):
    """The least of some times, without the garbage collector, which looks at what other tests have left as well."""
    config = fastnn.Sequential([ReLU()], input_shape=(4,)).config()
    seconds = []
    gc.collect()
    gc.disable()
    try:
        for count in (2_000, 16_000):
            write(tmp_path / "m.safetensors", {}, {"config": config | {"layers": config["layers"] * count}})
            taken = []
            for _ in range(3):
                before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
                assert len(fastnn.load(tmp_path / "m.safetensors").layers) == count
                taken.append(resource.getrusage(resource.RUSAGE_SELF).ru_utime - before)
            seconds.append(min(taken))
    finally:
        gc.enable()
    assert seconds[1] < 24 * seconds[0]  # 64 times, if each layer were compared with each
