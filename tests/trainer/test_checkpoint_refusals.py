"""Checkpoints that cannot be resumed give one clear error, and nothing is changed."""

import numpy as np
import pytest
from strategies import same_bits
from trainings import mlp, samples

import fastnn
from fastnn import optim, schedules
from fastnn.model import file
from fastnn.trainer import description

pytest.importorskip("safetensors")

X, Y = samples(60, 6, 3)


def make(*callbacks, sizes=(6, 8, 3), model=None, **options):
    chosen = {"optimizer": "adam", "batch_size": 20, "epochs": 2} | options
    return fastnn.Trainer(mlp(*sizes) if model is None else model, callbacks=callbacks, progress=False, **chosen)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "last.safetensors"
    make(fastnn.Checkpoint(path)).fit(X, Y)
    return path


def refused(path, trainer, x=X, y=Y, validation=None, error=ValueError):
    """Return the message of the error; neither model nor trainer nor file may have changed."""
    params, file = trainer.model.params.copy(), path.read_bytes() if path.is_file() else None
    with pytest.raises(error) as caught:
        trainer.resume(path, x, y, validation)
    assert same_bits(trainer.model.params, params)
    assert (len(trainer.history), trainer.run) == (0, None)
    if file is not None:
        assert path.read_bytes() == file
        assert str(path) in str(caught.value)
    message = str(caught.value)
    assert message.startswith("resume: ")
    return message


class Rule(schedules.Schedule):
    def factor(self, epoch):
        return 1.0


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        (lambda: make(sizes=(6, 9, 3)), "of another architecture: layers was"),
        (lambda: make(model=mlp(6, 8, 3, dtype="float64")), "dtype was float32, is float64"),
        (lambda: make(model=mlp(6, 8, 3, input_scale=0.5)), "input_scale was 1.0, is 0.5"),
        (lambda: make(optimizer="sgd"), "optimizer was Adam(learning_rate=0.001, weight"),
        (lambda: make(optimizer=optim.Adam(0.01)), "is Adam(learning_rate=0.01"),
        (lambda: make(batch_size=30), "belongs to another training: batch_size was 20, is 30"),
        (lambda: make(seed=1, shuffle=False), "seed was 0, is 1; shuffle was True, is False"),
        (lambda: make(schedule=schedules.Exponential(0.5)), "schedule was Constant(), is Exponential(decay=0.5, "),
        (lambda: make(schedule=Rule()), "schedule was Constant(), is Rule()"),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(path, trainer, message):
    assert message in refused(path, trainer())


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:50], Y[:50], "inputs have shape (50, 6) instead of (60, 6)"),
        (X.astype(np.float32), Y, "inputs have other values"),
        (X[::-1], Y, "inputs have other values"),
        (X, Y[::-1], "targets have other values"),
    ],
)
def test_other_data_are_refused(path, x, y, message):
    assert message in refused(path, make(), x, y)


def test_data_that_do_not_fit_are_refused(path):
    with pytest.raises(ValueError, match=r"x must have shape \(N, 6\)"):
        make().resume(path, X[:, :5], Y)


def test_other_validation_data_are_refused(path, tmp_path):
    assert "was trained without validation inputs" in refused(path, make(), validation=(X, Y))
    other = tmp_path / "other.safetensors"
    make(fastnn.Checkpoint(other)).fit(X, Y, (X[:9], Y[:9]))
    assert "was trained with validation inputs, which are missing" in refused(other, make())
    assert "validation inputs have shape (8, 6)" in refused(other, make(), validation=(X[:8], Y[:8]))


@pytest.mark.parametrize("keep", [0, 7, 100, 2000, -1])
def test_a_truncated_file_is_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    assert "is not a readable safetensors file" in refused(path, make())


def test_every_flipped_bit_is_seen_or_harmless(path):
    """Values and description have a SHA-256; other changes of the file may be harmless."""
    good = path.read_bytes()
    header = 8 + int.from_bytes(good[:8], "little")
    rng = np.random.default_rng(0)
    for place in (*rng.integers(0, header, 150), *rng.integers(header, len(good), 50)):
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        trainer = make()
        message = None
        try:
            trainer.resume(path, X, Y)
        except ValueError as error:
            message = str(error)
        assert place < header if message is None else str(path) in message


def test_a_missing_checkpoint_is_an_error(tmp_path):
    assert "no checkpoint in" in refused(tmp_path, make(), error=FileNotFoundError)
    assert "no model file at" in refused(tmp_path / "nothing.safetensors", make(), error=FileNotFoundError)


def test_a_model_is_no_checkpoint(tmp_path):
    path = tmp_path / "model.safetensors"
    mlp(6, 8, 3).save(path)
    assert "is a model file, not a checkpoint" in refused(path, make())


def test_a_new_training_does_not_mix_with_what_is_there(tmp_path):
    for path in (tmp_path / "folder", tmp_path / "last.safetensors"):
        make(fastnn.Checkpoint(path)).fit(X, Y)
        files = {p: p.read_bytes() for p in tmp_path.rglob("*.safetensors")}
        trainer = make(fastnn.Checkpoint(path))
        params = trainer.model.params.copy()
        with pytest.raises(ValueError, match="already holds one; resume it"):
            trainer.fit(X, Y)
        assert same_bits(trainer.model.params, params)
        assert {p: p.read_bytes() for p in tmp_path.rglob("*.safetensors")} == files
        make(fastnn.Checkpoint(path, overwrite=True), epochs=1).fit(X, Y)
        assert len(make().resume(path, X, Y)) == 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"every_epochs": 0}, ValueError, "Checkpoint: every_epochs: expected a whole number of at least 1"),
        ({"every_steps": 1.5}, TypeError, "Checkpoint: every_steps: expected a whole number of at least 1"),
        ({"every_seconds": 0}, ValueError, "Checkpoint: every_seconds: expected a number above 0"),
        ({"keep_last": 0}, ValueError, "Checkpoint: keep_last: expected a whole number of at least 1"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        fastnn.Checkpoint(tmp_path, **options)


def test_what_is_not_fastnns_own_must_be_given(tmp_path):
    path = tmp_path / "last.safetensors"
    make(fastnn.Checkpoint(path), schedule=Rule()).fit(X, Y)
    with pytest.raises(ValueError, match=r"from_checkpoint: .*: schedule was Rule, .*pass schedule=…"):
        fastnn.Trainer.from_checkpoint(path)
    trainer = fastnn.Trainer.from_checkpoint(path, schedule=Rule(), epochs=3, progress=False)
    assert len(trainer.resume(path, X, Y)) == 3


@pytest.mark.parametrize(("hashed_bytes", "seen"), [(1 << 26, range(50)), (400, range(0, 50, 5))])
def test_data_that_differ_in_a_row_that_is_looked_at_have_another_fingerprint(monkeypatch, hashed_bytes, seen):
    """All rows of small arrays are; of large ones those at equal distances, from the first to the last part."""
    monkeypatch.setattr(description, "_HASHED_BYTES", hashed_bytes)
    array = np.arange(250.0).reshape(50, 5)  # 2000 bytes
    before, found = description.fingerprint(array), []
    for row in range(50):
        array[row, 2] += 1
        if description.fingerprint(array) != before:
            found.append(row)
        array[row, 2] -= 1
    assert found == list(seen)


def rewritten(path, change):
    """Change the arrays and the description of a checkpoint, and write it with the checksum that belongs to them."""
    tensors, found = file.read(path)
    tensors = change(tensors, found["checkpoint"]) or tensors
    file.write(path, tensors, {name: found[name] for name in ("config", "checkpoint")})


def without(name):
    return lambda tensors, _: {key: value for key, value in tensors.items() if key != name}


def replaced(name, make_array):
    return lambda tensors, _: tensors | {name: make_array(tensors[name])}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("history/steps"), "expected the losses of the steps, a vector of float64"),
        (
            replaced("history/steps", lambda steps: steps[:, None]),
            "expected the losses of the steps, a vector of float",
        ),
        (replaced("history/steps", np.float32), "expected the losses of the steps, a vector of float64"),
        (replaced("history/steps", lambda steps: steps[:-1]), "expected the losses of 6 steps, got 5"),
        (without("optimizer/m/dense1.w"), "holds no optimizer/m/dense1.w of shape (6, 8) and dtype float32"),
        (replaced("dense1.w", lambda w: w[:5]), "holds no dense1.w of shape (6, 8) and dtype float32"),
        (replaced("dense1.w", np.float64), "holds no dense1.w of shape (6, 8) and dtype float32"),
    ],
)
def test_other_arrays_with_a_right_checksum_are_refused(path, change, message):
    rewritten(path, change)
    assert message in refused(path, make())


def test_a_callback_takes_the_first_state_of_its_class(tmp_path):
    path = tmp_path / "last.safetensors"
    stopping = fastnn.EarlyStopping("loss", patience=7)
    make(fastnn.Checkpoint(path), fastnn.ReduceOnPlateau("loss"), stopping).fit(X, Y)
    again = fastnn.EarlyStopping("loss", patience=7)
    make(again).resume(path, X, Y)  # the state of the other callback is left
    np.testing.assert_equal(again.state(), stopping.state())
    make(fastnn.EarlyStopping("loss", patience=7), fastnn.EarlyStopping("loss", patience=7)).resume(path, X, Y)
