"""A resumed training ends with the bits of an uninterrupted one, wherever it was interrupted."""

import json

import numpy as np
import pytest
from strategies import same_bits
from trainings import OPTIMIZERS, digest, mlp, output_of, samples, threads

import fastnn
from fastnn import layers, schedules

pytest.importorskip("safetensors")

X, Y = samples(90, 6, 3)
VALIDATION = samples(20, 6, 3, seed=5)
STEPS = 6  # steps in an epoch, of which the last is smaller


def make(*callbacks, epochs=4, **options):
    chosen = {"optimizer": "adam", "batch_size": 17, "seed": 3, "schedule": schedules.Exponential(0.9)} | options
    model = mlp(6, 40, 3, seed=1)
    return fastnn.Trainer(model, epochs=epochs, callbacks=callbacks, progress=False, **chosen)


class Stop(fastnn.Callback):
    """Ends the training by an error after a step."""

    def __init__(self, step):
        self.every = step

    def on_step(self, trainer, step):
        raise InterruptedError


def interrupted(path, at, validation=None, **options):
    """Write a checkpoint after step `at`, and stop there."""
    checkpoint = fastnn.Checkpoint(path, every_steps=at)
    stop = Stop(at)
    stop.order = 1000
    with pytest.raises(InterruptedError):
        make(checkpoint, stop, **options).fit(X, Y, validation)


def outcome(trainer):
    """Everything that a training leaves, except its times."""
    epochs = [{k: v for k, v in e.items() if k != "seconds"} for e in trainer.history.epochs]
    state = [a for slots in trainer.run.spec.problem.state.values() for a in slots.values()]
    trainer.run.session.store_state()
    return digest(trainer.model.params, trainer.history.steps, *state), epochs


@pytest.mark.parametrize("at", [1, 5, 6, 7, 13, 23])
def test_it_can_be_interrupted_anywhere_in_an_epoch(tmp_path, at):
    whole = make()
    whole.fit(X, Y, VALIDATION)
    interrupted(tmp_path, at, VALIDATION)
    resumed = make()
    history = resumed.resume(tmp_path, X, Y, VALIDATION)
    assert outcome(resumed) == outcome(whole)
    assert history is resumed.history
    assert len(history.steps) == 4 * STEPS


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("shuffle", [True, False, "batches"])
def test_it_works_for_every_optimiser_and_path(tmp_path, optimizer, compile, shuffle):
    def options():
        return {"optimizer": OPTIMIZERS[optimizer](), "shuffle": shuffle}

    whole = make(compile=compile, **options())
    whole.fit(X, Y)
    interrupted(tmp_path, 9, compile=compile, **options())
    resumed = make(compile=not compile, **options())
    resumed.resume(tmp_path, X, Y)
    assert outcome(resumed) == outcome(whole)


def test_the_number_of_threads_may_differ(tmp_path):
    results = set()
    for before, behind in ((1, 2), (2, 1), (4, 2)):
        folder = tmp_path / f"{before}-{behind}"
        with threads(before):
            interrupted(folder, 8)
        with threads(behind):
            resumed = make()
            resumed.resume(folder, X, Y)
        results.add(outcome(resumed)[0])
    assert len(results) == 1


def test_a_large_batch_in_blocks_is_resumed(tmp_path):
    x, y = samples(2600, 6, 3)

    def trainer(*callbacks):
        return fastnn.Trainer(
            mlp(6, 40, 3), optimizer="momentum", batch_size=1300, epochs=3, callbacks=callbacks, progress=False
        )

    whole = trainer()
    whole.fit(x, y)
    stop = Stop(3)
    stop.order = 1000
    with pytest.raises(InterruptedError):
        trainer(fastnn.Checkpoint(tmp_path, every_steps=3), stop).fit(x, y)
    resumed = trainer()
    resumed.resume(tmp_path, x, y)
    assert outcome(resumed) == outcome(whole)


@pytest.mark.parametrize("compile", [True, False])
def test_running_statistics_and_dropout_are_resumed(tmp_path, compile):
    x = samples(60, 36, 3)[0].reshape(60, 1, 6, 6)

    def trainer(*callbacks):
        stack = [layers.Conv2D(4, 3, pad="same"), layers.BatchNorm(), layers.ReLU(), layers.MaxPool2D(2)]
        stack += [layers.Flatten(), layers.Dropout(0.4), layers.Dense(3)]
        model = fastnn.Sequential(stack, input_shape=(1, 6, 6))
        return fastnn.Trainer(
            model, optimizer="nesterov", batch_size=17, epochs=3, callbacks=callbacks, compile=compile, progress=False
        )

    whole = trainer()
    whole.fit(x, Y[:60])
    stop = Stop(6)
    stop.order = 1000
    with pytest.raises(InterruptedError):
        trainer(fastnn.Checkpoint(tmp_path, every_steps=6), stop).fit(x, Y[:60])
    resumed = trainer()
    resumed.resume(tmp_path, x, Y[:60])
    assert outcome(resumed) == outcome(whole)
    assert same_bits(*(np.concatenate(list(t.model.state.values())) for t in (resumed, whole)))


def test_more_epochs_than_at_first_may_be_asked_for(tmp_path):
    whole = make(epochs=5)
    whole.fit(X, Y)
    make(fastnn.Checkpoint(tmp_path), epochs=2).fit(X, Y)
    resumed = make(epochs=5)
    resumed.resume(tmp_path, X, Y)
    assert outcome(resumed) == outcome(whole)


def test_a_finished_training_resumed_does_nothing_more(tmp_path):
    done = make(fastnn.Checkpoint(tmp_path))
    done.fit(X, Y)
    resumed = make()
    resumed.resume(tmp_path, X, Y)
    assert outcome(resumed) == outcome(done)


def test_checkpoints_change_no_bit_and_continue_in_the_same_folder(tmp_path):
    plain = make()
    plain.fit(X, Y)
    watched = make(fastnn.Checkpoint(tmp_path / "a", every_steps=1, every_seconds=1e-3))
    watched.fit(X, Y)
    assert outcome(watched) == outcome(plain)
    interrupted(tmp_path / "b", 5)
    resumed = make(fastnn.Checkpoint(tmp_path / "b", every_steps=5))
    resumed.resume(tmp_path / "b", X, Y)
    assert outcome(resumed) == outcome(plain)
    assert names(tmp_path / "b") == [15, 20, 24]


def test_it_can_be_interrupted_many_times(tmp_path):
    whole = make()
    whole.fit(X, Y)
    interrupted(tmp_path, 3)
    for at in (7, 11):
        stop = Stop(at)
        stop.order = 1000
        with pytest.raises(InterruptedError):
            make(fastnn.Checkpoint(tmp_path, every_steps=at), stop).resume(tmp_path, X, Y)
    resumed = make()
    resumed.resume(tmp_path, X, Y)
    assert outcome(resumed) == outcome(whole)


def test_a_new_process_resumes_without_the_code_that_trained(tmp_path):
    whole = make()
    whole.fit(X, Y)
    interrupted(tmp_path, 10)
    code = f"""
import fastnn
from trainings import digest, samples
x, y = samples(90, 6, 3)
trainer = fastnn.Trainer.from_checkpoint({str(tmp_path)!r}, progress=False)
trainer.resume({str(tmp_path)!r}, x, y)
print(digest(trainer.model.params))
"""
    assert output_of(code) == digest(whole.model.params)


# --- what callbacks keep ---


class Rates(fastnn.Callback):
    """Halves the rate after three epochs, and notes the parameters that it sees."""

    def __init__(self):
        self.count, self.seen = 0, np.zeros(0)

    def on_epoch_end(self, trainer, epoch):
        self.count += 1
        self.seen = trainer.model.params.copy()
        if self.count == 2:
            trainer.optimizer.learning_rate /= 2

    def state(self):
        return {"count": self.count, "seen": self.seen}

    def restore(self, state):
        self.count, self.seen = state["count"], state["seen"]


@pytest.mark.parametrize("at", [10, 12, 15])
def test_the_state_of_callbacks_and_a_changed_rate_are_resumed(tmp_path, at):
    whole = make(Rates())
    whole.fit(X, Y)
    stop = Stop(at)
    stop.order = 1000
    with pytest.raises(InterruptedError):
        make(fastnn.Checkpoint(tmp_path, every_steps=at), Rates(), stop).fit(X, Y)
    rates = Rates()
    resumed = make(rates)
    resumed.resume(tmp_path, X, Y)
    assert outcome(resumed) == outcome(whole)
    assert rates.count == 4
    assert same_bits(rates.seen, whole.callbacks[0].seen)


def test_class_weights_and_early_stopping_are_resumed(tmp_path):
    def trainer(*callbacks, epochs):
        weights = {0: 2.0, 2: 0.5}
        return make(fastnn.EarlyStopping(patience=3), *callbacks, epochs=epochs, class_weight=weights, clip_norm=0.1)

    whole = trainer(epochs=40)
    whole.fit(X, Y, VALIDATION)
    trainer(fastnn.Checkpoint(tmp_path), epochs=2).fit(X, Y, VALIDATION)
    resumed = trainer(epochs=40)
    resumed.resume(tmp_path, X, Y, VALIDATION)
    assert outcome(resumed) == outcome(whole)
    rebuilt = fastnn.Trainer.from_checkpoint(
        tmp_path, callbacks=[fastnn.EarlyStopping(patience=3)], epochs=40, progress=False
    )
    rebuilt.resume(tmp_path, X, Y, VALIDATION)
    assert outcome(rebuilt) == outcome(whole)


def test_a_training_that_a_callback_ended_stays_ended(tmp_path):
    class Enough(fastnn.Callback):
        def on_epoch_end(self, trainer, epoch):
            trainer.stop = epoch["epoch"] == 2

    ended = make(fastnn.Checkpoint(tmp_path, every_epochs=10), Enough())
    ended.fit(X, Y)
    resumed = make(Enough())
    resumed.resume(tmp_path, X, Y)
    assert len(resumed.history) == 2
    assert outcome(resumed) == outcome(ended)


# --- which files there are ---


def names(folder):
    """The steps in the names of the files in a folder that contains nothing else."""
    return sorted(int(p.name.removeprefix("checkpoint-").removesuffix(".safetensors")) for p in folder.iterdir())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"keep_last": None}, [6, 12, 18, 24]),
        ({}, [12, 18, 24]),
        ({"keep_last": 1}, [24]),
        ({"every_epochs": 3, "keep_last": None}, [18, 24]),
        ({"every_steps": 10, "keep_last": None}, [10, 20, 24]),
        ({"every_steps": 8, "every_epochs": 2, "keep_last": None}, [8, 12, 16, 24]),
        ({"every_seconds": 1e-9, "keep_last": 2}, [23, 24]),
        ({"every_seconds": 1e9, "keep_last": None}, [24]),
    ],
)
def test_checkpoints_are_written_as_often_as_asked(tmp_path, options, expected):
    make(fastnn.Checkpoint(tmp_path, **options), compile=False).fit(X, Y)
    assert names(tmp_path) == expected


def test_a_single_file_is_replaced(tmp_path):
    path = tmp_path / "deep" / "last.safetensors"
    trainer = make(fastnn.Checkpoint(path))
    trainer.fit(X, Y)
    assert [p.name for p in path.parent.iterdir()] == ["last.safetensors"]
    resumed = make(fastnn.Checkpoint(path), epochs=6)
    resumed.resume(path, X, Y)
    assert len(resumed.history) == 6


def test_the_checkpoint_is_a_model_file(tmp_path):
    path = tmp_path / "last.safetensors"
    trainer = make(fastnn.Checkpoint(path))
    trainer.fit(X, Y)
    model = fastnn.load(path)
    assert same_bits(model.params, trainer.model.params)
    assert model.config() == trainer.model.config()


def test_the_file_describes_itself(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "last.safetensors"
    make(fastnn.Checkpoint(path)).fit(X, Y, VALIDATION)
    with safe_open(path, framework="numpy") as file:
        description = json.loads(file.metadata()["fastnn"])
    checkpoint = description["checkpoint"]
    assert description["fastnn_version"] == fastnn.__version__
    assert checkpoint["configuration"]["optimizer"]["type"] == "Adam"
    assert checkpoint["configuration"]["schedule"] == {
        "type": "Exponential",
        "arguments": {"decay": 0.9, "by": "epoch"},
    }
    assert checkpoint["position"]["epoch"] == 5
    assert checkpoint["data"]["inputs"]["shape"] == [90, 6]
    assert [epoch["epoch"] for epoch in checkpoint["history"]] == [1, 2, 3, 4]


def test_files_left_by_a_killed_process_are_removed(tmp_path):
    (tmp_path / f".checkpoint-000000001.safetensors.{'0' * 16}.unfinished").write_text("half")
    (tmp_path / "mine.txt").write_text("mine")
    make(fastnn.Checkpoint(tmp_path, keep_last=1)).fit(X, Y)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-000000024.safetensors", "mine.txt"]
