"""What is fuzzed: every reader of files and texts, with content to begin with.

A target is a function of bytes. It may raise `ValueError`, whose message names the file where there is one; anything
else that it raises is a finding, and so is a time or a memory out of proportion to the content.
"""

import io
import itertools
import json
import pickle
import re
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hostile_files import FORMATS

import fastnn
from fastnn.alexnet.array_file import read_arrays
from fastnn.alexnet.torch_file import read_torch
from fastnn.architecture import parse
from fastnn.cli.run_config import expand
from fastnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, MaxPool2D, ReLU, Residual
from fastnn.model.file import read, write
from fastnn.schedule_texts import from_text
from fastnn.studies.store import Folder

FOLDER = Path(tempfile.mkdtemp(prefix="fastnn-fuzz-"))


@dataclass(frozen=True)
class Target:
    """A function to call with bytes, and some to begin with."""

    call: Callable[[bytes], None]
    seeds: Sequence[bytes]


class ForeignError(Exception):
    """An error that does not name the file."""


def named(path: Path, call: Callable[[], object]) -> None:
    """Call something whose errors must name a file."""
    try:
        call()
    except ValueError as error:
        if str(path) not in str(error):
            raise ForeignError(f"{path} is not named") from error


def of_file(read_path: Callable[[Path], object], name: str = "file") -> Callable[[bytes], None]:
    """A target that writes its bytes to a file and reads that."""
    path = FOLDER / name

    def call(content: bytes) -> None:
        path.write_bytes(content)
        named(path, lambda: read_path(path))

    return call


def of_format(fmt) -> Callable[[bytes], None]:
    """A target for a format of data sets; compressed ones get content that is compressed for them."""
    root = FOLDER / fmt.name.replace(" ", "-").replace(".", "-")

    def call(content: bytes) -> None:
        path = fmt.place(root, content, False)
        named(path, lambda: fmt.read(path))

    return call


def of_description(path: Path, use: Callable[[Path], object]) -> Target:
    """A target for the description in a model file, written with the checksum that belongs to it."""
    tensors, description = read(path)
    changed = FOLDER / "described.safetensors"

    def call(content: bytes) -> None:
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            return
        if isinstance(found, dict):
            try:
                write(changed, tensors, found)
            except (RecursionError, UnicodeEncodeError):  # JSON that cannot be written
                return
            named(changed, lambda: use(changed))

    left_out = ("sha256", "format_version", "fastnn_version")
    return Target(call, [json.dumps({k: v for k, v in description.items() if k not in left_out}).encode()])


def with_model(name: str, make: Callable[[Path], object]) -> Path:
    """A file that a model or an estimator was saved to."""
    path = FOLDER / name
    make(path)
    return path


X = np.random.default_rng(0).random((24, 1, 6, 6), np.float32)
Y = np.arange(24) % 3


def network(seed: int = 0) -> fastnn.Sequential:
    """A small network of many kinds of layers."""
    layers = [Conv2D(2, 3), BatchNorm(), ReLU(), MaxPool2D(2), Flatten(), Residual([Dense(8)]), Dropout(0.5), Dense(3)]
    return fastnn.Sequential(layers, input_shape=(1, 6, 6), seed=seed)


def trainer(*callbacks: fastnn.Callback, epochs: int = 3) -> fastnn.Trainer:
    """A training whose checkpoints have something of everything."""
    options = {"schedule": "onecycle", "optimizer": "adam", "batch_size": 8, "progress": False}
    stopping = fastnn.EarlyStopping("loss", patience=50)
    return fastnn.Trainer(network(), epochs=epochs, callbacks=[stopping, *callbacks], **options)


def use_checkpoint(path: Path) -> None:
    """Read a checkpoint in each of the ways that there are, without running a step."""
    named(path, lambda: fastnn.load(path))
    named(path, lambda: fastnn.Trainer.from_checkpoint(path, epochs=1, progress=False))
    resumed = trainer(epochs=1)
    named(path, lambda: resumed.resume(path, X, Y))


def table(path: Path) -> None:
    """Save an estimator of tables."""
    from fastnn.tabular import TableClassifier

    rows = [[20, "dry"], [22, "wet"], [3, "dry"], [4, None]] * 20
    TableClassifier((4,), n_estimators=2, max_iter=2, random_state=0).fit(rows, ["s", "s", "w", "w"] * 20).save(path)


def use_table(path: Path) -> None:
    """Read an estimator of tables and predict with it."""
    estimator = fastnn.load(path)
    if hasattr(estimator, "inputs_"):
        try:
            estimator.predict([[21, "dry"], [5, "wet"]])
        except ValueError:  # a table of other columns is expected
            return


def population(path: Path) -> None:
    """Save a population."""
    model = fastnn.Sequential([Dense(4), ReLU(), Dense(3)], input_shape=(36,), seed=0)
    fastnn.fit_many(model, X.reshape(24, 36), Y, seeds=range(2), epochs=1).save(path)


def cached(content: bytes) -> None:
    """Read a result of a study from its cache; what is wrong with it is None."""
    folder = Folder(FOLDER / "study")
    try:
        (folder.path / "cache").mkdir(exist_ok=True)
        (folder.path / "cache" / "part.npz").write_bytes(content)
        folder.load_result("part")
    finally:
        folder.close()


def stored_result() -> bytes:
    """A result as a study caches it."""
    folder = Folder(FOLDER / "stored")
    folder.store_result("part", {"found": {"a": np.arange(3), "b": [1, None, "c"]}, "seconds": 1.5})
    folder.close()
    return (FOLDER / "stored" / "cache" / "part.npz").read_bytes()


def text(call: Callable[[str], object]) -> Callable[[bytes], None]:
    """A target that is given text; its errors name no file."""

    def of_bytes(content: bytes) -> None:
        try:
            call(content.decode())
        except ValueError:
            return

    return of_bytes


def architecture(text: str) -> None:
    """Read an architecture; one that asks for a large network gets one, which would tell nothing here."""
    if not re.search(r"\d{3}", text):
        parse(text)


def options(content: bytes) -> None:
    """Read the options of a training from TOML."""
    path = FOLDER / "config.toml"
    path.write_bytes(content)
    defaults = {"epochs": 3, "model": None, "quiet": False, "learning_rate": None, "data": None}
    given = defaultdict(lambda: None, config=str(path))
    named(path, lambda: expand([], defaults, given))


def torch_file() -> bytes:
    """An archive as torch.save writes it, without torch."""
    item = (
        b"\x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03"
        b"ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x06tq\x07QK\x00K\x02K\x03\x86q\x08"
        b"K\x03K\x01\x86q\t\x89ccollections\nOrderedDict\nq\n)Rq\x0btq\x0cRq\rs."
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a/data.pkl", item)
        archive.writestr("a/byteorder", "little")
        archive.writestr("a/data/0", np.arange(6, dtype="<f4").tobytes())
    return content.getvalue()


def pickled_arrays() -> bytes:
    """An .npy file with a dict of arrays, as AlexNet's weights are passed on."""
    content = io.BytesIO()
    np.save(content, {"conv1": [np.ones((2, 2), "f4"), np.zeros(2, "f4")]}, allow_pickle=True)
    return content.getvalue()


def targets() -> dict[str, Target]:
    """All targets by name."""
    model = with_model("model.safetensors", lambda path: network().save(path))
    checkpoint = with_model("checkpoint.safetensors", lambda path: trainer(fastnn.Checkpoint(path)).fit(X, Y))
    of_table, many = with_model("table.safetensors", table), with_model("many.safetensors", population)
    saved = [path.read_bytes() for path in (model, checkpoint, of_table, many)]
    words = "mlp:78-20,tanh-10", "conv:32x3,relu,bn,pool2,fc78,drop0.5,relu,fc10", "lenet5"
    found = {fmt.name: Target(of_format(fmt), [fmt.content]) for fmt in FORMATS}
    return found | {
        "model file": Target(of_file(fastnn.load, "any.safetensors"), saved),
        "model": of_description(model, lambda path: fastnn.load(path).predict(X[:2])),
        "checkpoint": of_description(checkpoint, use_checkpoint),
        "table": of_description(of_table, use_table),
        "population": of_description(many, fastnn.load),
        "torch file": Target(of_file(read_torch, "weights.pth"), [torch_file()]),
        "torch stream": Target(of_file(read_torch, "weights.pt"), [b"".join(torch_stream())]),
        "arrays": Target(of_file(read_arrays, "weights.npy"), [pickled_arrays()]),
        "study cache": Target(cached, [stored_result()]),
        "options": Target(options, [b'epochs = 3\nmodel = "mlp:8-3"\nquiet = true\n[a]\nb = [1, 2.5]\n']),
        "architecture": Target(text(architecture), [word.encode() for word in words]),
        "schedule": Target(text(from_text), [b"onecycle", b"step:10,0.5", b"cosine"]),
    }


def torch_stream() -> itertools.chain[bytes]:
    """The older stream of torch.save: two numbers, the system, the tensors, the keys, the numbers."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = (pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, system))
    archive = zipfile.ZipFile(io.BytesIO(torch_file()))
    tail = (archive.read("a/data.pkl"), pickle.dumps(["0"], 2), (6).to_bytes(8, "little"), archive.read("a/data/0"))
    return itertools.chain(head, tail)
