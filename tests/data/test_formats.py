"""The registry of formats: how one is added, which one is chosen, and how often a data set is inspected."""

import io
import pickle
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_memory import KINDS, write

from fastnn.data import formats, load, memory, memory_needed
from fastnn.data.memory import MemoryEstimate
from fastnn.data.raw_dataset import from_named_arrays
from fastnn.data.source import Format, Source

LABELS = np.arange(12) % 3


def save_npz(path, value):
    np.savez(path, images=np.full((12, 4, 4), value, np.uint8), labels=LABELS)


def write_images(folder, value):
    for k, label in enumerate(LABELS):
        (folder / f"class {label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), value, np.uint8)).save(folder / f"class {label}" / f"{k}.png")


def text_format():
    """A format of lines such as "3 17 18": a label and pixels."""

    def read(path):
        table = np.loadtxt(path, np.int64, skiprows=1)
        return from_named_arrays({"images": table[:, 1:], "labels": table[:, 0]}, f"load: {path}")

    def open_file(start, options):
        if not start.content.startswith(b"%pixels\n"):
            return None
        return Source(lambda: read(start.path), lambda: MemoryEstimate(8 * start.path.stat().st_size))

    return Format("a .pixels file", open_file, (".pixels",))


def test_a_new_format_is_one_record(tmp_path, monkeypatch):
    (tmp_path / "a.pixels").write_text("%pixels\n" + "".join(f"{k % 2} {k} {k + 1}\n" for k in range(12)))
    with pytest.raises(ValueError, match="unknown format"):
        load(tmp_path / "a.pixels")
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, text_format()))
    for path in (tmp_path / "a.pixels", tmp_path):
        data = load(path)
        assert sorted(data.train_images[:, 0].tolist() + data.test_images[:, 0].tolist()) == list(range(12))
        assert memory_needed(path) == 8 * (tmp_path / "a.pixels").stat().st_size
    (tmp_path / "b.pixels").write_text("%pixels\n")
    with pytest.raises(ValueError, match=r"several \.pixels files \(a\.pixels, b\.pixels\); give the path of one"):
        load(tmp_path)
    (tmp_path / "notes").write_text("?")
    with pytest.raises(ValueError, match=r"unknown format .*, or a \.pixels file$"):
        load(tmp_path / "notes")


def test_every_format_is_described():
    descriptions = [each.description for each in formats.FORMATS]
    assert len(set(descriptions)) == len(descriptions)
    assert all(description in formats.formats_text() for description in descriptions)


def test_the_first_format_of_the_registry_is_read(tmp_path):
    write_images(tmp_path, 1)
    assert load(tmp_path).train_images.max() == 1
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for k, label in enumerate(LABELS):
            file = io.BytesIO()
            Image.fromarray(np.full((4, 4), 2, np.uint8)).save(file, "PNG")
            info = tarfile.TarInfo(f"set/{label}/{k}.png")
            info.size = file.tell()
            file.seek(0)
            archive.addfile(info, file)
    assert load(tmp_path).train_images.max() == 2
    value = {"images": np.full((12, 4, 4), 3, np.uint8), "labels": LABELS}
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(value, 0))
    assert load(tmp_path).train_images.max() == 3
    save_npz(tmp_path / "a.npz", 4)
    assert load(tmp_path).train_images.max() == 4


def test_content_takes_precedence_over_names(tmp_path):
    save_npz(tmp_path / "a.npz", 5)
    (tmp_path / "a.npz").rename(tmp_path / "a.mat")
    assert load(tmp_path).train_images.max() == 5
    assert load(tmp_path / "a.mat").train_images.max() == 5


@pytest.mark.parametrize("kind", KINDS)
def test_loading_checks_the_memory_once(tmp_path, monkeypatch, kind):
    source = write(tmp_path / "set", kind)
    asked = []
    monkeypatch.setattr(memory, "available_bytes", lambda: asked.append(1) or 1 << 40)
    load(source)
    assert len(asked) == 1


@pytest.mark.parametrize("layout", ["split", "not split"])
def test_loading_lists_each_image_folder_once(tmp_path, monkeypatch, layout):
    parts = ("train", "test") if layout == "split" else ("",)
    for part in parts:
        write_images(tmp_path / part, 7)
    listed, opened = Counter(), Counter()
    iterdir, read_bytes = Path.iterdir, Path.read_bytes
    monkeypatch.setattr(Path, "iterdir", lambda self: listed.update([self]) or iterdir(self))
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.update([self]) or read_bytes(self))
    load(tmp_path)
    folders = [tmp_path / part / f"class {k}" for part in parts for k in range(3)]
    assert {folder: listed[folder] for folder in folders} == dict.fromkeys(folders, 1)
    sampled = [path for path, count in opened.items() if path.suffix == ".png" and count > 1]
    assert len(sampled) == len(folders)  # the header of one file per class, for the estimate
    assert max(opened.values()) == 2
