"""A model file restores the whole model, and a failed write leaves the old file."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, output_of, samples

import fastnn
from fastnn import files
from fastnn.layers import ELU, Dense, Flatten, LeakyReLU, Softmax, Softshrink

safetensors = pytest.importorskip("safetensors.numpy")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_is_restored(path, dtype):
    layers = [
        Flatten(),
        Dense(7, bias=False, init="normal(0.1)"),
        LeakyReLU(0.2),
        Dense(6),
        ELU(0.5),
        Softshrink(0.1),
    ]
    model = fastnn.Sequential(
        [*layers, Dense(3, bias_init="fan_in_uniform"), Softmax()],
        input_shape=(2, 4),
        dtype=dtype,
        seed=np.int64(12),
        input_scale=1 / 255,
        class_names=("null", "ein\u200bs", "zwei"),
    )
    model.task = "regression"
    model.save(path)
    loaded = fastnn.load(path)
    assert loaded.config() == model.config()
    assert same_bits(loaded.params, model.params)
    assert loaded.params.flags.writeable
    x = np.random.default_rng(0).normal(size=(9, 2, 4))
    assert same_bits(loaded.forward(x), model.forward(x))
    assert (loaded.class_names, loaded.task, loaded.seed) == (
        ("null", "ein\u200bs", "zwei"),
        "regression",
        12,
    )
    loaded.save(path.with_name("again.safetensors"))
    assert path.with_name("again.safetensors").read_bytes() == path.read_bytes()


def test_special_values_are_restored(path):
    model = mlp(2, 3)
    model.params[:5] = [np.nan, np.inf, -np.inf, -0.0, 1e-45]
    model.save(str(path))
    assert same_bits(fastnn.load(str(path)).params, model.params)


def test_a_model_without_parameters_is_restored(path):
    fastnn.Sequential([Flatten()], input_shape=(2, 3)).save(path)
    assert fastnn.load(path).output_shape == (6,)


def test_an_initialiser_of_the_users_own_is_not_restored_but_the_values_are(path):
    def ramp(shape, fans, seed, step):
        return np.arange(np.prod(shape)).reshape(shape)

    model = fastnn.Sequential([Dense(3, init=ramp)], input_shape=(2,))
    model.save(path)
    loaded = fastnn.load(path)
    assert same_bits(loaded.params, model.params)
    with pytest.raises(ValueError, match="init: ramp was a function"):
        loaded.reset(0)
    loaded.save(path)
    assert same_bits(fastnn.load(path).params, model.params)


def test_a_trained_model_can_be_trained_further_after_it_was_read(path):
    x, y = samples(60, 5, 3)
    model = mlp(5, 8, 3)
    fit(model, x, y, epochs=1)
    model.save(path)
    loaded = fastnn.load(path)
    for m in (model, loaded):
        fit(m, x, y, epochs=2)
    assert same_bits(model.params, loaded.params)


def test_it_is_an_ordinary_safetensors_file(path):
    model = mlp(5, 4, 3)
    model.save(path)
    tensors = safetensors.load_file(path)
    assert {k: v.shape for k, v in tensors.items()} == {k: v.shape for k, v in model.parameters.items()}
    assert same_bits(tensors["dense1.w"], model.parameters["dense1.w"])


def test_it_is_read_in_a_fresh_process(path):
    model = mlp(5, 4, 3, seed=8)
    model.save(path)
    code = f"import fastnn; from trainings import digest; print(digest(fastnn.load({str(path)!r}).params))"
    from trainings import digest

    assert output_of(code) == digest(model.params)


# --- writing ---


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(path, monkeypatch, step):
    model = mlp(5, 3)
    model.save(path)
    before = path.read_bytes()
    model.params[...] = 0

    def fail(*args):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[step], fail)
    with pytest.raises(OSError, match="no space left on device") as failed:
        model.save(path)
    assert failed.value.filename == str(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def test_an_interrupted_write_leaves_the_old_file(path, monkeypatch):
    path.write_text("something else")

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        mlp(5, 3).save(path)
    assert path.read_text() == "something else"
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "m.PT", "m.pth", "m.pkl", "m.joblib", "m.npz", "m.onnx"])
def test_the_name_of_another_format_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=rf"^save: path: expected a name that ends in .safetensors, got '{name}'"):
        mlp(5, 3).save(tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_a_name_without_a_format_is_taken(tmp_path):
    for name in ("model", "model.v2", "digits.2026-11-30"):
        model = mlp(5, 3)
        model.save(tmp_path / name)
        assert same_bits(fastnn.load(tmp_path / name).params, model.params)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file or directory"):
        mlp(5, 3).save(tmp_path / "nowhere" / "m.safetensors")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        mlp(5, 3).save(tmp_path / "m.safetensors")


def test_the_file_has_the_mode_that_the_umask_grants(path):
    before = os.umask(0o027)
    try:
        mlp(5, 3).save(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_text_is_written_as_utf8(path):
    files.write_whole(path, "Größe")
    assert path.read_bytes() == "Größe".encode()


def test_without_the_package_it_says_what_to_install(path):
    code = f"""
import sys
sys.modules["safetensors"] = sys.modules["safetensors.numpy"] = None
from trainings import mlp
try:
    mlp(3, 2).save({str(path)!r})
except ImportError as error:
    print(error)
"""
    assert output_of(code) == "model files need the safetensors package: pip install safetensors"
