"""A small file of each format, and ways to damage it."""

import gzip
import hashlib
import io
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from data_files import idx_bytes, mat_bytes, mat_variable, npy_bytes
from PIL import Image

from fastnn.data import (
    load,
    read_csv,
    read_idx,
    read_image_folder,
    read_mat,
    read_npy,
    read_npz,
    read_photo_list,
    read_pickle,
)

IMAGES = np.random.default_rng(5).integers(0, 256, (6, 7, 5), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
NUMBERS = np.array([0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1])


@dataclass(frozen=True)
class Format:
    """Content to damage, and a function that turns it into a file, so that damage gets past checksums too."""

    name: str
    read: Callable
    content: bytes
    wrap: Callable[[bytes], bytes] = bytes
    path: str = "file"  # path in the folder; the reader gets its first part

    def place(self, folder, content, wrapped):
        """Write the file; return the path to read."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if wrapped else self.wrap(content))
        return folder / Path(self.path).parts[0]


DEEP = {"I;16": 257.0, "F": 1 / 255}  # modes that Pillow does not convert to


def saved(save, *arguments, **options):
    file = io.BytesIO()
    save(file, *arguments, **options)
    return file.getvalue()


def image_bytes(kind, mode="RGB"):
    pixels = np.random.default_rng(3).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert("RGB" if mode in DEEP else mode)
    if mode in DEEP:
        image = Image.fromarray((pixels[..., 0] * DEEP[mode]).astype("u2" if mode == "I;16" else "f4"))
    return saved(image.save, format=kind)


def zipped(method):
    def wrap(content):
        return saved(lambda file: write_zip(file, content, method))

    return wrap


def write_zip(file, content, method):
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("images.npy", content)
        archive.writestr("labels.npy", npy_bytes(LABELS))


def compressed_mat(element):
    packed = zlib.compress(element)
    return mat_bytes([np.array([15, len(packed)], "<u4").tobytes() + packed])


def tarred(name, more=()):
    def wrap(content):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
            for member, data in ((name, content), *more):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return file.getvalue()

    return wrap


def zip_of_images(content):
    def write(file):
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in (("a/1.png", content), *MORE_IMAGES):
                archive.writestr(name, data)

    return saved(write)


def gzipped(content):
    return gzip.compress(content, mtime=0)


def cifar_batch(protocol):
    data = np.arange(6 * 3072, dtype=np.uint32).astype(np.uint8).reshape(6, 3072)
    return pickle.dumps({b"data": data, b"labels": [0, 1] * 3, b"filenames": ["a", "b"] * 3}, protocol)


PAIRS = tuple((IMAGES.reshape(6, 35).astype(np.float32) / 255, LABELS) for _ in range(3))
CELLS = np.array(["one", "two"], object)
PICTURE = image_bytes("PNG")
PICTURES = {"BMP": "RGB 1", "GIF": "P", "TIFF": "RGBA I;16 F", "WEBP": "RGBA", "PNG": "I;16 LA", "JPEG2000": "RGB"}
PICTURES |= {"PCX": "RGB", "SGI": "RGB", "QOI": "RGB", "AVIF": "RGB"}
Image.init()
NAMED_DATASETS = {"images": IMAGES, "labels": LABELS, "scale": np.float32(0.5), "names": ["a", "b", None, 1.5, True]}
CSV = "label,width,height\n" + "".join(f"{k % 3},{k * 37 % 256},{k / 4}\n" for k in range(12))


def read_listed(path):
    if not (path / "photos").exists():
        (path / "photos").mkdir()
        (path / "photos" / "1.png").write_bytes(image_bytes("PNG"))
    return read_photo_list(path / "list.txt", path / "photos", size=8)


MORE_IMAGES = [(f"{name}/{k}.png", image_bytes("PNG")) for name in "ab" for k in (2, 3, 4)]
PHOTO_LINE = f"Ann Bee 1 2 http://host/1.png 1,2,7,8 {hashlib.sha256(image_bytes('PNG')).hexdigest()}\n".encode()

FORMATS = [
    Format("IDX", read_idx, idx_bytes(IMAGES)),
    Format("IDX .gz", read_idx, idx_bytes(IMAGES), gzipped),
    Format("IDX mapped", lambda path: read_idx(path, mapped=True), idx_bytes(IMAGES)),
    Format("MAT", read_mat, saved(scipy.io.savemat, {"images": IMAGES, "text": "letters"})),
    Format("MAT compressed", read_mat, mat_variable("images", IMAGES, "<"), compressed_mat),
    Format("MAT big-endian", read_mat, mat_bytes([mat_variable("images", IMAGES.astype("f8"), ">", "u1")], ">")),
    Format("MAT struct", read_mat, saved(scipy.io.savemat, {"set": {"train": {"images": IMAGES}, "names": CELLS}})),
    Format("npy", read_npy, npy_bytes(IMAGES)),
    Format("npy of text", read_npy, npy_bytes(np.array(["one", "two", "three"]))),
    Format("npy mapped", lambda path: read_npy(path, mapped=True), npy_bytes(IMAGES)),
    Format("npz", read_npz, npy_bytes(IMAGES), zipped(zipfile.ZIP_STORED)),
    Format("npz compressed", read_npz, npy_bytes(IMAGES), zipped(zipfile.ZIP_DEFLATED)),
    *(Format(f"pickle protocol {p}", read_pickle, pickle.dumps(NAMED_DATASETS, p)) for p in (0, 2, 4, 5)),
    Format("mnist.pkl.gz", load, pickle.dumps(PAIRS, 2), gzipped, "mnist.pkl.gz"),
    Format("CIFAR-10 batch", load, cifar_batch(2), bytes, "cifar/data_batch_1"),
    Format("CIFAR-10 .tar.gz", load, cifar_batch(2), tarred("cifar/data_batch_1"), "cifar.tar.gz"),
    Format("tar", load, gzip.decompress(tarred("a/1.png", MORE_IMAGES)(image_bytes("PNG")))),
    Format("tar with long names and links", load, gzip.decompress(tarred("a" * 120 + "/1.png", MORE_IMAGES)(PICTURE))),
    Format("zip of images", load, PICTURE, zip_of_images),
    Format("CSV", read_csv, CSV.encode()),
    Format("CSV .gz", read_csv, CSV.encode(), gzipped),
    Format("PNG", read_image_folder, image_bytes("PNG"), bytes, "folder/class/1.png"),
    Format("PNG grey", read_image_folder, image_bytes("PNG", "1"), bytes, "folder/class/1.png"),
    Format("JPEG", read_image_folder, image_bytes("JPEG"), bytes, "folder/class/1.jpg"),
    Format("PGM", read_image_folder, image_bytes("PPM", "L"), bytes, "folder/class/1.pgm"),
    Format("photo list", read_listed, PHOTO_LINE * 3, bytes, "listed/list.txt"),
    Format("PPM", read_image_folder, image_bytes("PPM"), bytes, "folder/class/1.ppm"),
    *(
        Format(f"{kind} {mode}", read_image_folder, image_bytes(kind, mode), bytes, "folder/class/1.image")
        for kind, modes in PICTURES.items()
        if kind in Image.SAVE  # older versions of Pillow write fewer
        for mode in modes.split()
    ),
]


def mutated(content, rng):
    """Damage content at one to three positions: change bits or numbers; drop, double, move or invent pieces."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(data) + 1))
        length = int(rng.integers(1, 1 + max(1, min(64, len(data) // 4))))
        kind = rng.integers(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1 and at < len(data):
            data[at] = int(rng.integers(256))
        elif kind == 2:
            width, order = int(rng.choice([2, 4, 8])), str(rng.choice(["little", "big"]))
            number = int(rng.choice(NUMBERS)) % (1 << (8 * width))
            data[at : at + width] = number.to_bytes(width, order)
        elif kind == 3:
            del data[at : at + length]
        elif kind == 4:
            data[at:at] = data[at : at + length] * int(rng.integers(1, 4))
        elif kind == 5:
            data[at:at] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        else:
            other = int(rng.integers(len(data) + 1))
            data[at : at + length] = data[other : other + length]
    return bytes(data)
