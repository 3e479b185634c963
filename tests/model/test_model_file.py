"""The model file: the whole model comes back; damage is named; what was there survives a failure."""

import json
import os
import struct
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


def rewrite(path, change):
    """Change the description in the file's metadata by a function on it."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata, tensors = file.metadata(), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    description = json.loads(metadata["fastnn"])
    text = change(description, tensors)
    metadata["fastnn"] = text if isinstance(text, str) else json.dumps(description)
    path.write_bytes(safetensors.save(tensors, metadata))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_comes_back(path, dtype):
    layers = [Flatten(), Dense(7, bias=False, init="normal(0.1)"), LeakyReLU(0.2), Dense(6), ELU(0.5), Softshrink(0.1)]
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
    assert (loaded.class_names, loaded.task, loaded.seed) == (("null", "ein\u200bs", "zwei"), "regression", 12)
    loaded.save(path.with_name("again.safetensors"))
    assert path.with_name("again.safetensors").read_bytes() == path.read_bytes()


def test_special_values_come_back(path):
    model = mlp(2, 3)
    model.params[:5] = [np.nan, np.inf, -np.inf, -0.0, 1e-45]
    model.save(str(path))
    assert same_bits(fastnn.load(str(path)).params, model.params)


def test_a_model_without_parameters(path):
    fastnn.Sequential([Flatten()], input_shape=(2, 3)).save(path)
    assert fastnn.load(path).output_shape == (6,)


def test_an_initialiser_of_ones_own_does_not_come_back_but_the_values_do(path):
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


def test_a_trained_model_goes_on_training_after_it_was_read(path):
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


# --- damage ---


def test_no_file(path):
    with pytest.raises(FileNotFoundError, match=f"load: no model file at {path}"):
        fastnn.load(path)
    with pytest.raises(FileNotFoundError, match="load: no model file"):
        fastnn.load(path.parent)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 100, -1, -100])
def test_a_file_cut_short(path, keep):
    mlp(5, 4, 3).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=f"load: {path} is not a readable safetensors file"):
        fastnn.load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"PK\x03\x04" + bytes(200),
        b"\x80\x04\x95" + bytes(100),
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 4) + b"nope",
        struct.pack("<Q", 2) + b"{}" + b"left over",
    ],
    ids=["text", "zip", "pickle", "a header too long", "a header that is no JSON", "left over"],
)
def test_another_kind_of_file(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"load: {path} is not a readable safetensors file"):
        fastnn.load(path)


def test_every_byte_of_the_header_may_be_wrong(path):
    """Whatever a flipped bit does, loading gives a model or a ValueError that names the file."""
    mlp(3, 2).save(path)
    good = path.read_bytes()
    header = 8 + struct.unpack("<Q", good[:8])[0]
    rng = np.random.default_rng(0)
    for place in range(header):
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        try:
            model = fastnn.load(path)
        except ValueError as error:
            assert str(path) in str(error)
        else:
            assert isinstance(model, fastnn.Sequential)


def test_safetensors_of_somebody_else(path):
    path.write_bytes(safetensors.save({"w": np.zeros(3)}, {"format": "pt"}))
    with pytest.raises(ValueError, match=f"load: {path} is a safetensors file, but not a fastnn model"):
        fastnn.load(path)
    path.write_bytes(safetensors.save({"w": np.zeros(3)}))
    with pytest.raises(ValueError, match="not a fastnn model"):
        fastnn.load(path)


def _config(**change):
    return lambda metadata, tensors: metadata["config"].update(change)


def _layer(**change):
    return lambda metadata, tensors: metadata["config"]["layers"][0].update(change)


DAMAGE = {
    "a later format": (lambda m, t: m.update(format_version="2"), "format version 2, this fastnn reads 1"),
    "no version": (lambda m, t: m.pop("format_version") and None, "describes no model"),
    "no config": (lambda m, t: m.pop("config") and None, "describes no model"),
    "a description that is no JSON": (lambda m, t: "{", "describes no model"),
    "a config that is a list": (lambda m, t: m.update(config=[1]), "describes no model"),
    "a description nested without end": (lambda m, t: "[" * 100_000, "describes no model"),
    "an unknown layer": (_layer(type="os.system"), "expected a layer of"),
    "a base class": (_layer(type="_Elementwise"), "expected a layer of"),
    "a layer type that is a list": (_layer(type=["Dense"]), "describes no model"),
    "an unknown argument": (_layer(colour="red"), "describes no model"),
    "an unknown initialiser": (_layer(init="eval('1')"), "describes no model"),
    "units below 1": (_layer(units=0), "units must be at least 1"),
    "units without end": (_layer(units=10**15), "describes no model"),
    "units beyond int64": (_layer(units=10**30), "describes no model"),
    "units as text": (_layer(units="3"), "describes no model"),
    "layers that are a number": (_config(layers=3), "describes no model"),
    "no input shape": (lambda m, t: m["config"].pop("input_shape"), "describes no model"),
    "an input shape with text": (_config(input_shape=["a"]), "describes no model"),
    "another dtype": (_config(dtype="object"), "describes no model"),
    "a scale that is no number": (_config(input_scale=float("nan")), "input_scale must be finite"),
    "too few class names": (_config(class_names=["a"]), "class_names"),
    "a task of its own": (_config(task="x"), "task must be"),
    "more units": (_layer(units=9), "the architecture needs"),
    "a tensor missing": (lambda m, t: t.pop("dense1.b"), "the architecture needs"),
    "a tensor too many": (lambda m, t: t.update(more=np.zeros(3)), "the architecture needs"),
    "another shape": (lambda m, t: t.update({"dense1.w": np.zeros((5, 3), "f4").T.copy()}), "the architecture needs"),
    "another tensor dtype": (lambda m, t: t.update({"dense1.w": np.zeros((5, 3))}), "dense1.w as float64, expected float32"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_file_that_describes_no_model(path, case):
    change, message = DAMAGE[case]
    mlp(5, 3).save(path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=f"load: {path} .*{message}"):
        fastnn.load(path)


def test_loading_runs_no_code(path, monkeypatch):
    """Neither pickle nor eval nor exec nor an import is in the way from the file to the model."""
    mlp(5, 3).save(path)
    fastnn.load(path)

    def forbidden(*args, **kwargs):
        raise AssertionError("loading a model ran code")

    import builtins
    import importlib
    import pickle

    for module, names in [(pickle, ["load", "loads", "Unpickler"]), (builtins, ["eval"]), (importlib, ["import_module"])]:
        for name in names:
            monkeypatch.setattr(module, name, forbidden)
    rewrite(path, _layer(init="__import__('os').system('true')"))
    with pytest.raises(ValueError, match="describes no model"):
        fastnn.load(path)


# --- writing ---


class Full(OSError):
    pass


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_what_was_there(path, monkeypatch, step):
    model = mlp(5, 3)
    model.save(path)
    before = path.read_bytes()
    model.params[...] = 0

    def fail(*args):
        raise Full("no space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[step], fail)
    with pytest.raises(Full):
        model.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def test_a_write_interrupted_leaves_what_was_there(path, monkeypatch):
    path.write_text("something else")

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        mlp(5, 3).save(path)
    assert path.read_text() == "something else"
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="No such file or directory"):
        mlp(5, 3).save(tmp_path / "nowhere" / "m.safetensors")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
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
