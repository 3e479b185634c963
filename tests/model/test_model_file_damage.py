"""Model files that are damaged, or are no model files, raise one ValueError that names the file."""

import json
import struct

import numpy as np
import pytest
from trainings import mlp

import fastnn

safetensors = pytest.importorskip("safetensors.numpy")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def rewrite(path, change):
    """Change the description in the metadata of the file by a function."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata, tensors = file.metadata(), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    description = json.loads(metadata["fastnn"])
    text = change(description, tensors)
    metadata["fastnn"] = text if isinstance(text, str) else json.dumps(description)
    path.write_bytes(safetensors.save(tensors, metadata))


def test_a_missing_file_is_refused(path):
    with pytest.raises(FileNotFoundError, match=f"load: no model file at {path}"):
        fastnn.load(path)
    with pytest.raises(FileNotFoundError, match="load: no model file"):
        fastnn.load(path.parent)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 100, -1, -100])
def test_a_truncated_file_is_refused(path, keep):
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
def test_another_kind_of_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"load: {path} is not a readable safetensors file"):
        fastnn.load(path)


def test_every_byte_of_the_header_may_be_wrong(path):
    """For every flipped bit, loading returns a model or raises a ValueError that names the file."""
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
            outcome = str(error)
        else:
            outcome = f"{path}: {type(model).__name__}"
        assert str(path) in outcome


def test_a_foreign_safetensors_file_is_refused(path):
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
    "a base class": (_layer(type="Elementwise"), "expected a layer of"),
    "a layer type that is a list": (_layer(type=["Dense"]), "describes no model"),
    "an unknown argument": (_layer(colour="red"), "describes no model"),
    "an unknown initialiser": (_layer(init="eval('1')"), "describes no model"),
    "units below 1": (_layer(units=0), "units: expected a whole number of at least 1"),
    "units without end": (_layer(units=10**15), "holds arrays"),
    "units beyond int64": (_layer(units=10**30), "holds arrays"),
    "units as text": (_layer(units="3"), "describes no model"),
    "layers that are a number": (_config(layers=3), "describes no model"),
    "no input shape": (lambda m, t: m["config"].pop("input_shape"), "describes no model"),
    "an input shape with text": (_config(input_shape=["a"]), "describes no model"),
    "another dtype": (_config(dtype="object"), "describes no model"),
    "a scale that is no number": (_config(input_scale=float("nan")), "input_scale: expected a finite number"),
    "too few class names": (_config(class_names=["a"]), "class_names"),
    "a task of its own": (_config(task="x"), "task: expected .classification., .multilabel. or .regression."),
    "more units": (_layer(units=9), "the architecture needs"),
    "a tensor missing": (lambda m, t: t.pop("dense1.b"), "the architecture needs"),
    "a tensor too many": (lambda m, t: t.update(more=np.zeros(3)), "the architecture needs"),
    "another shape": (
        lambda m, t: t.update({"dense1.w": np.zeros((5, 3), "f4").T.copy()}),
        "the architecture needs",
    ),
    "another tensor dtype": (
        lambda m, t: t.update({"dense1.w": np.zeros((5, 3))}),
        "dense1.w as float64, expected float32",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_file_that_describes_no_model_is_refused(path, case):
    change, message = DAMAGE[case]
    mlp(5, 3).save(path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=f"load: {path} .*{message}"):
        fastnn.load(path)


def test_loading_runs_no_code(path, monkeypatch):
    """Loading uses neither pickle nor eval nor exec nor an import."""
    mlp(5, 3).save(path)
    fastnn.load(path)

    def forbidden(*args, **kwargs):
        raise AssertionError("loading a model ran code")

    import builtins
    import importlib
    import pickle

    for module, names in [
        (pickle, ["load", "loads", "Unpickler"]),
        (builtins, ["eval"]),
        (importlib, ["import_module"]),
    ]:
        for name in names:
            monkeypatch.setattr(module, name, forbidden)
    rewrite(path, _layer(init="__import__('os').system('true')"))
    with pytest.raises(ValueError, match="describes no model"):
        fastnn.load(path)


def test_a_changed_value_is_detected(path):
    mlp(5, 3).save(path)
    bad = bytearray(path.read_bytes())
    bad[-2] ^= 1
    path.write_bytes(bad)
    with pytest.raises(ValueError, match=f"load: {path} is damaged: its contents do not have the SHA-256"):
        fastnn.load(path)
