"""For any damage to a file, a reader returns arrays or raises one ValueError that names the file."""

import gzip
import io

import numpy as np
import pytest
import scipy.io
from data_files import idx_bytes, mat_bytes, mat_variable, npy_bytes

from fastnn.data import load, read_idx, read_mat, read_npy, read_npz

IMAGES = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)


def saved(save, *arguments, **options):
    file = io.BytesIO()
    save(file, *arguments, **options)
    return file.getvalue()


FILES = {
    "idx": (read_idx, idx_bytes(IMAGES)),
    "idx.gz": (read_idx, gzip.compress(idx_bytes(IMAGES), mtime=0)),
    "mat": (read_mat, saved(scipy.io.savemat, {"images": IMAGES})),
    "compressed mat": (read_mat, saved(scipy.io.savemat, {"images": IMAGES}, do_compression=True)),
    "big-endian mat": (read_mat, mat_bytes([mat_variable("images", IMAGES.astype("f8"), ">", "u1")], ">")),
    "text mat": (read_mat, saved(scipy.io.savemat, {"text": "digits and letters"})),
    "npy": (read_npy, npy_bytes(IMAGES)),
    "npz": (read_npz, saved(np.savez, images=IMAGES)),
    "compressed npz": (read_npz, saved(np.savez_compressed, images=IMAGES, labels=np.arange(5))),
}


def answer(read, path):
    """Return what a reader makes of a file, or None and the message of its ValueError; all else fails the test."""
    try:
        return read(path), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.parametrize("kind", FILES)
def test_every_truncation_is_refused(tmp_path, kind):
    read, data = FILES[kind]
    path = tmp_path / "damaged"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match="damaged") as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", FILES)
def test_mutations_never_crash(tmp_path, kind):
    read, data = FILES[kind]
    path = tmp_path / "mutated"
    rng = np.random.default_rng(list(kind.encode()))
    refused = 0
    for _ in range(250):
        mutated = np.frombuffer(data, np.uint8).copy()
        for _ in range(rng.integers(1, 4)):
            at = rng.integers(mutated.size)
            if rng.random() < 0.5:
                mutated[at] ^= 1 << rng.integers(8)
            else:
                mutated[at : at + 4] = rng.choice([0, 1, 127, 128, 255])
        path.write_bytes(mutated.tobytes())
        out, message = answer(read, path)
        if out is None:
            refused += 1
            assert str(path) in message
        else:
            arrays = out.values() if isinstance(out, dict) else [out]
            assert all(array.nbytes <= 1000 * len(data) for array in arrays)
    assert refused > 20


@pytest.mark.parametrize("name", ["data.mat", "data.npz"])
def test_load_never_crashes_on_mutations(tmp_path, name):
    images = np.random.default_rng(1).integers(0, 256, (24, 6, 6), dtype=np.uint8)
    arrays = {"images": images, "labels": np.arange(24) % 3}
    path = tmp_path / name
    if name == "data.mat":
        scipy.io.savemat(path, arrays)
    else:
        np.savez(path, **arrays)
    data = path.read_bytes()
    rng = np.random.default_rng(2)
    for _ in range(200):
        mutated = np.frombuffer(data, np.uint8).copy()
        mutated[rng.integers(mutated.size)] = rng.integers(256)
        path.write_bytes(mutated.tobytes())
        out, message = answer(load, path)
        if out is None:
            assert str(path) in message
        else:
            assert out.train_labels.size + out.test_labels.size == 24
