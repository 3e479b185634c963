"""Files of weights give the same tensors in every container and naming; faults are named; nothing in them runs."""

import io
import os
import pickle
import struct
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from data_files import shared
from strategies import same_bits

from fastnn.alexnet import DESCRIPTIONS, FORMS, Form, Preprocessing, Response, Weights, load_weights
from fastnn.alexnet.form import Conv
from fastnn.alexnet.torch_file import read_torch


def torchvision_state(tensors):
    """Our tensors with torchvision's names and order of axes."""
    modules = {"conv1": "features.0", "conv2": "features.3", "conv3": "features.6", "conv4": "features.8"}
    modules |= {"conv5": "features.10", "fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"}
    state = {}
    for name, array in tensors.items():
        layer, part = name.split(".")
        state[f"{modules[layer]}.{'weight' if part == 'w' else 'bias'}"] = array.T if array.ndim == 2 else array
    return {name: np.ascontiguousarray(array) for name, array in state.items()}


@pytest.fixture(autouse=True)
def _small_forms(monkeypatch):
    """Use networks of the same structure with few filters and units, so that files stay small."""
    for name, groups in (("torchvision", 1), ("original", 2)):
        plan = [(8, 11, 4, 2), (12, 5, 1, 2), (16, 3, 1, 1), (12, 3, 1, 1), (8, 3, 1, 1)]
        convs = tuple(
            Conv(f"conv{i}", *sizes, groups if i in (2, 4, 5) else 1, i in (1, 2, 5), i < 3 and groups == 2)
            for i, sizes in enumerate(plan, 1)
        )
        monkeypatch.setitem(FORMS, name, Form(name, FORMS[name].image, convs, (24, 24)))


@pytest.fixture
def weights():
    return Weights.random("torchvision", seed=3)


def equal(a, b):
    assert list(a.tensors) == list(b.tensors)
    assert all(same_bits(array, b.tensors[name]) for name, array in a.tensors.items())
    assert a.description == b.description
    return a.digest() == b.digest()


def test_our_own_file_is_read_back(tmp_path, weights):
    weights.save(tmp_path / "w.safetensors")
    assert equal(load_weights(tmp_path / "w.safetensors"), weights)
    other = Weights(
        DESCRIPTIONS["theano"],
        Weights.random("theano", up_to="conv2").tensors,
        np.random.default_rng(0).uniform(0, 255, (3, 256, 256)).astype("f4"),
    )
    other.save(tmp_path / "w.safetensors")
    again = load_weights(tmp_path / "w.safetensors", like="theano")
    assert equal(again, other)
    assert same_bits(again.mean_image, other.mean_image)
    with pytest.raises(ValueError, match=r"like: .* has a description of its own, which is not 'caffenet'"):
        load_weights(tmp_path / "w.safetensors", like="caffenet")


@pytest.mark.parametrize("container", ["zip", "stream", "parallel", "checkpoint", "half", "parameters"])
def test_files_of_torch_save_are_read(container, tmp_path, weights):
    torch = pytest.importorskip("torch")
    state = {name: torch.tensor(array) for name, array in torchvision_state(weights.tensors).items()}
    whole = state
    if container == "parallel":
        whole = {f"module.{name}": tensor for name, tensor in state.items()}
    elif container == "checkpoint":
        whole = {"state_dict": state}
    elif container == "half":
        whole = {name: tensor.bfloat16() for name, tensor in state.items()}
    elif container == "parameters":  # like the state dict of a module, with transposed views among the tensors
        whole = torch.nn.ParameterDict({n.replace(".", "_"): t for n, t in state.items()}).state_dict()
        whole = type(whole)(
            (n.replace("_", "."), t.t().contiguous().t() if t.ndim == 2 else t) for n, t in whole.items()
        )
    torch.save(whole, tmp_path / "w.pth", _use_new_zipfile_serialization=container != "stream")
    found = load_weights(tmp_path / "w.pth")
    if container == "half":
        assert all(np.abs(a - weights.tensors[n]).max() <= 2**-8 for n, a in found.tensors.items())
    else:
        assert equal(found, weights)
    assert (tmp_path / "w.pth").read_bytes()[:2] == (b"\x80\x02" if container == "stream" else b"PK")


def test_safetensors_with_torchvisions_names_are_read(tmp_path, weights):
    from safetensors.numpy import save_file

    save_file(torchvision_state(weights.tensors), tmp_path / "w.safetensors")
    assert equal(load_weights(tmp_path / "w.safetensors"), weights)


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("names", ["str", "bytes"])
def test_a_pickled_dict_of_pairs_is_read(names, protocol, tmp_path):
    """Filters are (rows, columns, in, out), and the inputs of the first matrix are by row, column, channel."""
    weights = Weights.random("caffenet", seed=4)
    pairs = {}
    for name in dict.fromkeys(n.split(".")[0] for n in weights.tensors):
        w, b = weights.tensors[f"{name}.w"], weights.tensors[f"{name}.b"]
        w = w.transpose(2, 3, 1, 0) if w.ndim == 4 else w
        if name == "fc6":
            w = w.reshape(8, 6, 6, -1).transpose(1, 2, 0, 3).reshape(w.shape)
        pairs[name.encode() if names == "bytes" else name] = [np.ascontiguousarray(w), b]
    holder = np.empty((), object)
    holder[()] = pairs
    with (tmp_path / "w.npy").open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(holder, file, protocol)
    assert equal(load_weights(tmp_path / "w.npy", like="caffenet"), weights)
    np.save(tmp_path / "w2.npy", holder)
    assert equal(load_weights(tmp_path / "w2.npy", like="caffenet"), weights)


@pytest.mark.parametrize("style", ["{}.{}", "{}_{}", "{}_W", "pairs"])
def test_npz_files_are_read(style, tmp_path):
    weights = Weights.random("theano", seed=5, up_to="conv3")
    if style == "pairs":
        arrays = {}
        for name in ("conv1", "conv2", "conv3"):
            arrays[name] = np.empty(2, object)
            arrays[name][:] = [weights.tensors[f"{name}.w"], weights.tensors[f"{name}.b"]]
    else:
        arrays = {style.replace("W", "{}").format(*n.upper().split(".")): a for n, a in weights.tensors.items()}
    np.savez(tmp_path / "w.npz", **arrays, mean=np.zeros((3, 256, 256), "f4"))
    found = load_weights(tmp_path / "w.npz", like="theano")
    assert not equal(found, weights)  # the mean image makes a difference
    assert found.mean_image.shape == (3, 256, 256)


def test_npy_and_npz_do_not_say_who_trained_them(tmp_path):
    weights = Weights.random("theano", seed=5, up_to="conv3")
    np.savez(tmp_path / "w.npz", **weights.tensors)
    with pytest.raises(ValueError, match="does not tell how its network was trained; like= says it: one of torchv"):
        load_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match=r"like: expected one of torchvision, caffenet, .*got 'imagenet'"):
        load_weights(tmp_path / "w.npz", like="imagenet")


def test_missing_surplus_and_misshapen_tensors_are_named(tmp_path, weights):
    tensors = dict(weights.tensors)
    del tensors["conv2.w"], tensors["fc6.b"]
    tensors["conv3.w"] = tensors["conv3.w"][:, :5]
    with pytest.raises(ValueError, match=r"conv2.w \(12, 8, 5, 5\) is missing; fc6.b \(24,\) is missing; conv3.w has"):
        Weights(weights.description, tensors)
    with pytest.raises(ValueError, match=r"surplus tensors conv9.w"):
        Weights(weights.description, dict(weights.tensors) | {"conv9.w": tensors["conv1.w"]})
    state = torchvision_state(weights.tensors) | {"features.11.weight": np.zeros(3, "f4")}
    np.savez(tmp_path / "w.npz", **state)
    with pytest.raises(ValueError, match=r"surplus tensors features.11.weight"):
        load_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="no tensor of AlexNet"):
        Weights(weights.description, {})
    tensors = dict(weights.tensors) | {"conv1.b": np.full(8, np.nan, "f4")}
    with pytest.raises(ValueError, match=r"NaN or infinite values in conv1.b"):
        Weights(weights.description, tensors)
    with pytest.raises(ValueError, match=r"mean has shape \(3, 2, 2\), expected finite \(3, 256, 256\)"):
        Weights(weights.description, weights.tensors, np.zeros((3, 2, 2)))


def test_weights_of_the_lower_layers_alone_suffice_for_their_cuts():
    weights = Weights.random("original" if "original" in DESCRIPTIONS else "theano", seed=1, up_to="conv2.norm")
    assert list(weights.tensors) == ["conv1.w", "conv1.b", "conv2.w", "conv2.b"]
    assert weights.model("conv2.pool").output_shape == (12, 13, 13)
    with pytest.raises(ValueError, match=r"conv3.w .* is missing; conv3.b .* is missing; fc6.w"):
        weights.model("fc6")


def test_another_number_of_classes_is_taken_from_the_file():
    weights = Weights.random("torchvision", seed=1)
    tensors = dict(weights.tensors) | {"fc8.w": np.ones((24, 7), "f4"), "fc8.b": np.ones(7, "f4")}
    assert Weights(weights.description, tensors).model().output_shape == (7,)


def test_the_digest_is_of_what_a_cut_needs():
    a, b = Weights.random("theano", seed=1), Weights.random("theano", seed=1, up_to="conv3")
    assert a.digest("conv2.norm") == b.digest("conv2.norm")
    assert a.digest("conv2.norm") != a.digest("conv2.pool")
    assert a.digest("fc6") != b.digest("conv3")
    changed = dict(a.tensors) | {"conv1.b": a.tensors["conv1.b"] + 1}
    assert Weights(a.description, changed).digest("conv3") != a.digest("conv3")
    assert Weights(DESCRIPTIONS["caffenet"], a.tensors).digest("conv3") != a.digest("conv3")


def test_descriptions_survive_json():
    from fastnn.alexnet import Description

    for description in DESCRIPTIONS.values():
        assert Description.from_description(description.describe()) == description
    with pytest.raises(ValueError, match="damaged description"):
        Description.from_description({"form": "original"})
    with pytest.raises(ValueError, match="preprocessing: expected channels, deviation"):
        Preprocessing.from_description({"resize": 256})
    assert DESCRIPTIONS["theano"].response == Response(k=2.0, divide=False)


# --- hostile and damaged files ---


class Command:
    """A command that a pickle could run."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def torch_zip(pickled, **members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in members.items():
            archive.writestr(f"archive/data/{name}", content)
    return out.getvalue()


def test_no_file_runs_code(tmp_path):
    bad, holder = Command(tmp_path / "made"), np.empty((), object)
    holder[()] = {"conv1": [bad, bad]}
    np.save(tmp_path / "bad.npy", holder)
    (tmp_path / "bad.pth").write_bytes(torch_zip(pickle.dumps({"features.0.weight": bad}, 2)))
    for name in ("bad.npy", "bad.pth"):
        with pytest.raises(ValueError, match=r"posix.mkdir', which is not plain data and is never loaded"):
            load_weights(tmp_path / name, like="theano")
    assert not (tmp_path / "made").exists()


def test_truncated_and_damaged_files_are_refused(tmp_path, weights):
    torch = pytest.importorskip("torch")
    state = {name: torch.tensor(array) for name, array in torchvision_state(weights.tensors).items()}
    rng = np.random.default_rng(0)
    for new in (True, False):
        torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=new)
        whole = (tmp_path / "w.pth").read_bytes()
        for length in (0, 1, 100, 700, len(whole) // 2, len(whole) - 1):
            (tmp_path / "short.pth").write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"short.pth"):
                load_weights(tmp_path / "short.pth")
        for _ in range(60):
            mutated = bytearray(whole)
            mutated[rng.integers(0, min(4000, len(whole)))] = rng.integers(0, 256)
            (tmp_path / "mutated.pth").write_bytes(mutated)
            with suppress(ValueError):
                load_weights(tmp_path / "mutated.pth")


@pytest.mark.parametrize("shape", [((5,), (1,)), ((2, 2), (3, 1)), ((4,), (0,)), ((2**40,), (1,))])
def test_a_tensor_beyond_its_storage_is_refused(shape, tmp_path):
    """It is a view of more numbers than there are, or of the same number many times."""
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(3)}, tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "w.pth") as archive:
        name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        pickled = archive.read(name)
    # K\x00 offset, K\x03\x85 (3,), q., K\x01\x85 (1,)
    start = pickled.index(b"K\x00K\x03\x85")
    end = pickled.index(b"K\x01\x85", start) + 3
    end += 2 if pickled[end : end + 1] == b"q" else 0
    sizes, strides = (pickle.dumps(part, 2)[2:-1] for part in shape)
    sizes, strides = (part[: part.rindex(b"q")] for part in (sizes, strides))
    (tmp_path / "bad.pth").write_bytes(
        torch_zip(pickled[:start] + b"K\x00" + sizes + strides + pickled[end:], **{"0": struct.pack("<3f", 1, 2, 3)})
    )
    with pytest.raises(ValueError, match=r"a tensor of (shape|impossible)"):
        read_torch(tmp_path / "bad.pth")


def test_files_without_weights_are_refused(tmp_path, weights):
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(ValueError, match=r"expected .safetensors, .npy, .npz or a file of torch.save"):
        load_weights(tmp_path / "text.pth")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        load_weights(tmp_path / "none.pth")
    weights.model("conv1").save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="a fastnn model, but not weights of AlexNet"):
        load_weights(tmp_path / "model.safetensors")
    np.save(tmp_path / "plain.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"expected a dict of arrays by name, found one array of shape \(3,\)"):
        load_weights(tmp_path / "plain.npy", like="theano")
    (tmp_path / "squeezed.pth").write_bytes(torch_zip(b""))
    with pytest.raises(ValueError, match=r"squeezed.pth"):
        load_weights(tmp_path / "squeezed.pth")


def test_a_damaged_file_of_ours_is_refused(tmp_path, weights):
    weights.save(tmp_path / "w.safetensors")
    raw = bytearray((tmp_path / "w.safetensors").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "w.safetensors").write_bytes(raw)
    with pytest.raises(ValueError, match="damaged"):
        load_weights(tmp_path / "w.safetensors")


def test_the_real_files_are_read(monkeypatch):
    monkeypatch.undo()
    weights = load_weights(shared("alexnet/alexnet_conv_theano.npz"), like="theano")
    assert weights.tensors["conv4.w"].shape == (384, 192, 3, 3)
    assert 100 < weights.mean_image.mean() < 130
    with pytest.raises(ValueError, match="surplus tensors input, relu1"):
        load_weights(shared("alexnet/caffenet_trace.npz"), like="caffenet")
