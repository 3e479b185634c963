"""Checkpoints of populations: a training that was interrupted goes on to the same bits."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from populations import LABELS, NUMBERS, RNG, X, assert_same, fit, network

import fastnn
from fastnn.layers import Dense, ReLU, Standardize
from fastnn.model.file import read, write

pytest.importorskip("safetensors")

ROWS = [np.sort(RNG.permutation(90)[: 50 + k % 2 * 20]) for k in range(20)]  # two groups go in step
OPTIONS = {
    "plain": {},
    "momentum": {"optimizer": "momentum", "schedule": "cosine"},
    "sgd": {"optimizer": "sgd", "shuffle": "batches"},
    "folds": {"rows": ROWS, "validation": "rest", "weight_decays": [0.01 * k for k in range(20)]},
    "same order": {"same_order": True, "learning_rates": [0.001 * (k + 1) for k in range(20)]},
}


class Interrupt(fastnn.Callback):
    """Ctrl-C after some epochs."""

    def __init__(self, after):
        self.after = after

    def on_epoch_end(self, trainer, epoch):
        if epoch["epoch"] == self.after:
            raise KeyboardInterrupt


def interrupted(folder, after, callbacks=(), **options):
    with pytest.raises(KeyboardInterrupt):
        fit(range(20), epochs=6, callbacks=[*callbacks, fastnn.Checkpoint(folder), Late(after)], **options)


class Late(Interrupt):
    order = 200  # after the checkpoint was written


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_resumed_training_has_the_bits_of_one_that_was_not_interrupted(name, threads, tmp_path):
    whole = fit(range(20), epochs=6, **OPTIONS[name])
    interrupted(tmp_path, 2, **OPTIONS[name])
    before = fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(threads)
        resumed = fit(range(20), epochs=6, resume=tmp_path, **OPTIONS[name])
    finally:
        fastnn.set_num_threads(before)
    assert_same(resumed, whole)
    assert resumed.epochs_done.tolist() == [6] * 20


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("restore_best", [True, False])
def test_members_that_had_stopped_stay_so_and_the_best_parameters_are_kept(restore_best, tmp_path):
    def stopping():
        return fastnn.EarlyStopping("val_loss", patience=2, restore_best=restore_best)

    options = {"rows": ROWS, "validation": "rest", "learning_rates": [0.001 * 1.6**k for k in range(20)], "epochs": 30}
    whole = fit(range(20), callbacks=[stopping()], **options)
    after = sorted(whole.epochs_done)[8]
    assert sorted(whole.epochs_done)[0] < after < max(whole.epochs_done)
    callbacks = [stopping(), fastnn.Checkpoint(tmp_path, keep_last=1), Late(after)]
    with pytest.raises(KeyboardInterrupt) as error:
        fit(range(20), callbacks=callbacks, **options)
    stopped = error.value.population.epochs_done < after
    assert stopped.any()
    resumed = fit(range(20), callbacks=[stopping()], resume=tmp_path, **options)
    assert_same(resumed, whole)
    assert resumed.best_epoch.tolist() == whole.best_epoch.tolist()


@pytest.mark.usefixtures("way")
def test_a_member_that_failed_is_not_taken_up_again(tmp_path):
    rates = [1e30 if k == 3 else 0.01 for k in range(20)]
    options = {"y": NUMBERS, "loss": "mean_squared_error", "optimizer": "sgd", "learning_rates": rates}
    interrupted(tmp_path, 3, **options)
    with pytest.warns(UserWarning, match=r"members 3 \(step 2\)"):
        resumed = fit(range(20), epochs=6, resume=tmp_path, **options)
    assert resumed.failed == {3: 2}
    with pytest.warns(UserWarning, match="members 3"):
        assert_same(resumed, fit(range(20), epochs=6, **options))


@pytest.mark.usefixtures("way")
def test_a_training_that_has_ended_goes_on_with_more_epochs(tmp_path):
    fit(range(20), epochs=2, callbacks=[fastnn.Checkpoint(tmp_path)])
    assert_same(fit(range(20), epochs=5, resume=tmp_path), fit(range(20), epochs=5))
    assert_same(fit(range(20), epochs=2, resume=tmp_path), fit(range(20), epochs=2))


def test_a_checkpoint_is_a_file_of_the_population(tmp_path):
    interrupted(tmp_path, 2)
    (path,) = tmp_path.glob("*000000012*")  # six steps an epoch
    members = fastnn.load(path)
    assert_same(members, fit(range(20), epochs=2))
    with pytest.raises(ValueError, match="not a checkpoint"):
        fastnn.Trainer(network()).resume(path, X, LABELS)


@pytest.mark.usefixtures("way")
def test_the_statistics_of_the_inputs_are_in_the_file(tmp_path):
    model = network(0, lambda: [Standardize(), Dense(7), ReLU(), Dense(3)])
    model.layers[0].set_statistics(X.mean(axis=0), X.std(axis=0))
    whole = fit(range(3), model, epochs=4)
    fit(range(3), model, epochs=2, callbacks=[fastnn.Checkpoint(tmp_path)])
    assert_same(fit(range(3), model, epochs=4, resume=tmp_path), whole)
    whole.save(tmp_path / "members.safetensors")
    again = fastnn.load(tmp_path / "members.safetensors")
    np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


def test_a_killed_process_is_resumed_by_another(tmp_path):
    script = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import fastnn
from populations import fit
class Kill(fastnn.Callback):
    order = 200
    def on_epoch_end(self, trainer, epoch):
        if epoch["epoch"] == 3:
            os.kill(os.getpid(), signal.SIGKILL)
fit(range(20), epochs=6, callbacks=[fastnn.Checkpoint(sys.argv[2]), Kill()])
"""
    tests = Path(__file__).parents[1]
    found = subprocess.run([sys.executable, "-c", script, str(tests), str(tmp_path)], check=False)
    assert found.returncode < 0
    assert_same(fit(range(20), epochs=6, resume=tmp_path), fit(range(20), epochs=6))


WRONG = {
    "epochs may differ, seeds not": ({"seeds": range(1, 21)}, "trained with other data: seeds have other values"),
    "samples": ({"x": X + 1}, "inputs have other values"),
    "rows": ({"rows": ROWS}, "rows have shape"),
    "rates": ({"learning_rates": [0.1] * 20}, "learning_rates have other values"),
    "batch": ({"batch_size": 8}, "belongs to another training: batch_size was 16, is 8"),
    "order": ({"same_order": True}, "same_order was False, is True"),
    "optimizer": ({"optimizer": "sgd"}, "optimizer was Adam"),
    "architecture": ({"model": network(0, lambda: [Dense(3)])}, "another architecture: layers"),
    "fewer": ({"seeds": range(19)}, "seeds have shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_training_is_not_resumed(name, tmp_path):
    changed, message = WRONG[name]
    interrupted(tmp_path, 2)
    options = {"seeds": range(20), "epochs": 6, "resume": tmp_path} | changed
    with pytest.raises(ValueError, match=message):
        fit(**options)


def _arrays(change):
    return lambda tensors, description: change(tensors)


DAMAGED = {
    "no members left": (_arrays(lambda t: t.pop("training/left")), "does not say which members are left"),
    "unknown members": (_arrays(lambda t: t["training/left"].__setitem__(-1, 99)), "not among the 20"),
    "members twice": (_arrays(lambda t: t["training/left"].__setitem__(1, 0)), "which members are left"),
    "no state": (_arrays(lambda t: t.pop("training/optimizer/m")), "optimizer: expected arrays"),
    "other state": (
        _arrays(lambda t: t.update({"training/optimizer/v": t["training/optimizer/v"][:, 1:]})),
        "optimizer: expected arrays",
    ),
    "a rule without epochs": (_arrays(lambda t: t.pop("training/rule/epochs")), "rule of stopping"),
    "a rule of others": (
        _arrays(lambda t: t.update({"training/rule/kept": t["training/rule/kept"][1:]})),
        "rule of stopping",
    ),
    "parameters of other members": (
        _arrays(lambda t: t["training/rule/kept"].__setitem__(0, 77)),
        "rule of stopping",
    ),
    "no callbacks": (lambda t, d: d["population_training"].pop("callbacks"), "callbacks"),
    "stop": (lambda t, d: d["population_training"].update(stop=3), "stop"),
    "data": (lambda t, d: d["population_training"].update(data={"inputs": 3}), "describes no training"),
    "configuration": (lambda t, d: d["population_training"].update(configuration=[]), "configuration"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_checkpoint_is_one_clear_error(name, tmp_path):
    change, message = DAMAGED[name]
    options = {"epochs": 6, "validation": (X, LABELS)}
    callbacks = [fastnn.EarlyStopping(patience=9)]
    interrupted(tmp_path, 2, callbacks, validation=(X, LABELS))
    file = sorted(tmp_path.iterdir())[-1]
    tensors, description = read(file)
    change(tensors, description)
    write(file, tensors, description)
    with pytest.raises(ValueError, match=message):
        fit(range(20), resume=tmp_path, callbacks=callbacks, **options)


def test_what_is_no_checkpoint_of_a_population_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint in"):
        fit(range(3), resume=tmp_path)
    fit(range(3)).save(tmp_path / "members.safetensors")
    with pytest.raises(ValueError, match=r"expected the checkpoint of a population, got .*members.safetensors"):
        fit(range(3), resume=tmp_path / "members.safetensors")
    interrupted(tmp_path / "run", 2)
    file = sorted((tmp_path / "run").iterdir())[-1]
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(ValueError, match="is damaged"):
        fit(range(20), epochs=6, resume=tmp_path / "run")


def test_two_trainings_are_not_mixed_in_a_folder(tmp_path):
    interrupted(tmp_path, 2)
    with pytest.raises(ValueError, match="expected a place without a checkpoint"):
        fit(range(3), callbacks=[fastnn.Checkpoint(tmp_path)])
    shutil.rmtree(tmp_path)
    fit(range(3), epochs=5, callbacks=[fastnn.Checkpoint(tmp_path, every_epochs=2, keep_last=None)])
    assert len(list(tmp_path.iterdir())) == 3  # after the epochs 2, 4 and 5
