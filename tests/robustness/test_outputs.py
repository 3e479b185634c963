"""Outputs: never over what is read, through links, into pipes, and with the permissions that are there."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli import main
from fastnn.files import remove_unfinished, write_whole
from fastnn.layers import Dense

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions, links and pipes")


@posix
def test_a_replaced_file_keeps_its_permissions_and_a_new_one_has_those_of_the_system(tmp_path):
    secret, new, plain = tmp_path / "secret", tmp_path / "new", tmp_path / "plain"
    secret.write_text("old")
    secret.chmod(0o600)
    plain.write_text("by the system")
    for path in (secret, new):
        write_whole(path, "text")
    assert secret.stat().st_mode & 0o777 == 0o600
    assert new.stat().st_mode == plain.stat().st_mode


@posix
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    for name in ("there", "not yet"):
        target, link = tmp_path / "real" / name, tmp_path / name
        if name == "there":
            target.write_text("old")
        link.symlink_to(target)
        write_whole(link, "new")
        assert link.is_symlink()
        assert target.read_text() == "new"
    assert len(list((tmp_path / "real").iterdir())) == 2


@posix
def test_a_pipe_and_a_device_are_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"through" * 30_000)
    reader.join(10)
    assert found == [b"through" * 30_000]
    assert pipe.is_fifo()
    write_whole(os.devnull, "nothing")
    assert Path(os.devnull).is_char_device()


@posix
def test_a_file_and_then_the_entry_of_its_folder_are_on_the_disk(tmp_path, monkeypatch):
    """Without the second a power failure can take the name away, or give back the file that was replaced."""
    target, synced, fsync = tmp_path / "file", [], os.fsync

    def record(handle):
        there = target.read_text() if target.exists() else None
        synced.append((os.fstat(handle).st_ino, there))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", record)
    write_whole(target, "old")
    first = target.stat().st_ino
    write_whole(target, "new")
    second, folder = target.stat().st_ino, tmp_path.stat().st_ino
    assert synced == [(first, None), (folder, "old"), (second, "old"), (folder, "new")]


def test_the_error_names_the_file(tmp_path):
    for path in (tmp_path, tmp_path / "missing" / "file", tmp_path / ("n" * 300)):
        with pytest.raises(OSError) as raised:
            write_whole(path, "text")
        assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_the_longest_length_can_be_written(tmp_path):
    path = tmp_path / ("ü" * 127)
    write_whole(path, "text")
    assert path.read_text() == "text"


def test_only_our_own_unfinished_files_are_removed(tmp_path):
    """Characters that a pattern would understand are part of a name, and files of others that look alike stay."""
    others = [
        ".best.safetensors.notes",
        ".best.safetensors.0123456789abcdef",
        ".bestXsafetensors.0123456789abcdef.unfinished",
        ".model1.safetensors.0123456789abcdef.unfinished",
        ".checkpoint-1.safetensors.notes",
        ".checkpoint-x.safetensors.0123456789abcdef.unfinished",
    ]
    ours = [
        ".best.safetensors.0123456789abcdef.unfinished",
        ".model[1].safetensors.00000000000000ff.unfinished",
        ".checkpoint-000000012.safetensors.00000000000000ff.unfinished",
    ]
    for name in (*others, *ours):
        (tmp_path / name).write_text("text")
    remove_unfinished(tmp_path / "best.safetensors")
    x, y = np.zeros((8, 2), np.float32), np.zeros(8, np.int64)
    for place in (tmp_path / "model[1].safetensors", tmp_path):
        model = fastnn.Sequential([Dense(2)], input_shape=(2,))
        callbacks = [fastnn.Checkpoint(place, overwrite=True)]
        fastnn.Trainer(model, epochs=1, callbacks=callbacks, progress=False).fit(x, y)
    left = {path.name for path in tmp_path.iterdir() if path.name.startswith(".")}
    assert left == set(others)


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.safetensors"
    fastnn.Sequential([Dense(3)], input_shape=(4,), seed=0).save(path)
    return path


def test_a_command_does_not_write_over_what_it_reads(tmp_path, model_file, capsys):
    data = tmp_path / "x.npy"
    np.save(data, np.zeros((5, 4), np.float32))
    link = tmp_path / "link.npz"
    link.hardlink_to(model_file)
    before = model_file.read_bytes(), data.read_bytes()
    for arguments in (
        ["predict", str(model_file), "--data", str(data), "-o", str(data)],
        ["predict", str(model_file), "--data", str(data), "-o", str(model_file)],
        ["predict", str(tmp_path), "--data", str(data), "-o", str(model_file)],
        ["export", str(model_file), "-o", str(link)],
    ):
        assert main(arguments) == 2, arguments
        assert "is what is read" in capsys.readouterr().err
        assert (model_file.read_bytes(), data.read_bytes()) == before
