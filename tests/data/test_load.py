"""`load`: every layout of files, its arguments, and the real data sets."""

import numpy as np
import pytest
import scipy.io
from data_files import shared, toy_set, write_idx_set

from fastnn.data import Dataset, load

KEYS = ("train_images", "train_labels", "test_images", "test_labels")
CONVENTIONS = [
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("training_data", "training_labels", "test_data", "test_labels"),
    ("trainData", "trainTarget", "testData", "testTarget"),
    ("X-Train", "Y-Train", "X-Test", "Y-Test"),
]


def assert_equals_toy_set(data, toy):
    assert isinstance(data, Dataset)
    for key, expected in zip(KEYS, toy, strict=True):
        np.testing.assert_array_equal(getattr(data, key), expected)
    assert data.train_images.dtype == np.uint8
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.class_names == tuple("0123456789")
    assert data.scale == 1 / 255


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_folder(tmp_path, suffix):
    toy = toy_set()
    folder = write_idx_set(tmp_path / "digits", *toy, suffix=suffix)
    assert_equals_toy_set(load(folder), toy)
    assert load(folder).name == "digits"
    assert load("mnist", path=folder).name == "mnist"


def test_idx_names_with_a_prefix_or_a_dot(tmp_path):
    toy = toy_set()
    for file in list(write_idx_set(tmp_path, *toy).iterdir()):
        file.rename(tmp_path / ("emnist-digits-" + file.name.replace("-idx", ".idx")))
    # the names say that the images lie on their side
    turned = [array.transpose(0, 2, 1) if array.ndim == 3 else array for array in toy]
    assert_equals_toy_set(load(tmp_path), turned)
    assert_equals_toy_set(load(tmp_path, axes="NHW"), toy)


def test_a_decompressed_idx_file_goes_before_its_gz(tmp_path):
    toy = toy_set()
    write_idx_set(tmp_path, *toy)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(b"not read")
    assert_equals_toy_set(load(tmp_path), toy)


@pytest.mark.parametrize("names", CONVENTIONS)
@pytest.mark.parametrize("how", ["npz", "compressed npz", "npz folder", "mat", "mat folder", "npy folder"])
def test_named_arrays(tmp_path, names, how):
    toy = toy_set()
    if "mat" in how:
        names = [name.replace("-", "_") for name in names]
    arrays = dict(zip(names, toy, strict=True)) | {"extra": np.zeros(3)}
    if how == "npy folder":
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
    elif "mat" in how:
        scipy.io.savemat(tmp_path / "set.mat", arrays)
    else:
        (np.savez_compressed if "compressed" in how else np.savez)(tmp_path / "set.npz", **arrays)
    source = tmp_path if "folder" in how else tmp_path / f"set.{how.split()[-1]}"
    assert_equals_toy_set(load(source), toy)
    assert_equals_toy_set(load(str(source)), toy)


def test_mat_with_a_variable_for_each_class(tmp_path):
    train_images, train_labels, test_images, test_labels = toy_set()
    variables = {}
    for k in range(10):
        variables[f"test{k}"] = test_images[test_labels == k].reshape(-1, 784)
        variables[f"train{k}"] = train_images[train_labels == k].reshape(-1, 784)
    scipy.io.savemat(tmp_path / "mnist_all.mat", variables)
    scipy.io.savemat(tmp_path / "other.mat", {"x": np.eye(2)})
    train_order, test_order = np.argsort(train_labels, kind="stable"), np.argsort(test_labels, kind="stable")
    expected = (
        train_images[train_order],
        train_labels[train_order],
        test_images[test_order],
        test_labels[test_order],
    )
    assert_equals_toy_set(load(tmp_path), expected)
    del variables["train7"]
    scipy.io.savemat(tmp_path / "mnist_all.mat", variables)
    with pytest.raises(ValueError, match=r"mnist_all.mat: train7 missing"):
        load(tmp_path)


@pytest.mark.parametrize("shape", ["row", "column", "flat", "one-hot", "float"])
def test_shapes_of_labels(tmp_path, shape):
    toy = toy_set()

    def shaped(labels):
        return {
            "row": labels[None],
            "column": labels[:, None],
            "flat": labels,
            "one-hot": np.eye(10, dtype=np.uint8)[labels],
            "float": labels.astype(np.float64),
        }[shape]

    np.savez(tmp_path / "a.npz", x_train=toy[0], y_train=shaped(toy[1]), x_test=toy[2], y_test=shaped(toy[3]))
    assert_equals_toy_set(load(tmp_path / "a.npz"), toy)


@pytest.mark.parametrize(("images", "labels"), [("images", "labels"), ("data", "target"), ("X", "y")])
def test_a_source_without_a_test_split_gets_a_stratified_one(tmp_path, images, labels):
    toy_images, toy_labels, _, _ = toy_set(train=120)
    np.savez(tmp_path / "a.npz", **{images: toy_images, labels: toy_labels})
    data = load(tmp_path / "a.npz")
    assert np.bincount(data.test_labels).tolist() == [2] * 10
    assert np.bincount(data.train_labels).tolist() == [10] * 10
    where = {image.tobytes(): label for image, label in zip(toy_images, toy_labels, strict=True)}
    found = [where.pop(i.tobytes()) == k for split in (data.train, data.test) for i, k in zip(*split, strict=True)]
    assert len(found) == 120
    assert all(found)
    assert load(tmp_path / "a.npz", test_fraction=0.25).test_labels.size == 30
    assert np.array_equal(load(tmp_path / "a.npz").test_images, data.test_images)
    assert not np.array_equal(load(tmp_path / "a.npz", seed=1).test_images, data.test_images)


def test_test_images_without_labels_are_kept_apart(tmp_path):
    images, labels, test_images, _ = toy_set(train=60)
    variables = {"training_data": images.reshape(-1, 784), "training_labels": labels[:, None] * 1.0}
    scipy.io.savemat(tmp_path / "mnist_data.mat", variables | {"test_data": test_images.reshape(-1, 784)})
    data = load(tmp_path / "mnist_data.mat")
    assert data.train_labels.size + data.test_labels.size == 60
    assert data.unlabelled_images is not None
    np.testing.assert_array_equal(data.unlabelled_images, test_images)
    assert "and 10 images without labels" in data.summary().splitlines()


def test_images_keep_type_and_shape(tmp_path):
    _, labels, _, _ = toy_set()
    for dtype, shape, scale, expected in (
        ("f4", (784,), 1.0, (28, 28)),
        (">f8", (12, 10, 3), 1.0, (3, 12, 10)),
        ("i8", (7,), 1.0, (7,)),
        ("i8", (64,), 1 / 255, (64,)),
        ("u2", (28, 28), 1.0, (28, 28)),
        ("?", (4, 4), 1.0, (4, 4)),
    ):
        images = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 256, (30, *shape)).astype(dtype)
        if dtype == "u2":
            images[0, 0, 0] = 300
        np.savez(tmp_path / "a.npz", x=images, y=labels)
        data = load(tmp_path / "a.npz")
        assert data.train_images.shape[1:] == data.test_images.shape[1:] == expected
        assert data.train_images.dtype == np.dtype(dtype).newbyteorder("=")
        assert data.scale == scale


def test_class_names(tmp_path):
    images, labels, _, _ = toy_set()
    np.savez(tmp_path / "notMNIST_small.npz", images=images, labels=labels)
    assert load(tmp_path / "notMNIST_small.npz").class_names == tuple("ABCDEFGHIJ")
    names = [f"class {k}" for k in range(12)]
    assert load(tmp_path / "notMNIST_small.npz", class_names=names).class_names == tuple(names)
    np.savez(tmp_path / "a.npz", images=images, labels=labels % 3)
    assert load(tmp_path / "a.npz").class_names == ("0", "1", "2")
    with pytest.raises(ValueError, match="'labels': label 2 at index 2 is out of range: there are 2 classes"):
        load(tmp_path / "a.npz", class_names=["no", "yes"])


def test_environment_variable(tmp_path, monkeypatch):
    toy = toy_set()
    write_idx_set(tmp_path / "mnist", *toy)
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    assert_equals_toy_set(load("mnist"), toy)
    with pytest.raises(FileNotFoundError, match=r"notmnist and download is False\. Three ways out"):
        load("notmnist", download=False)


def test_missing_data_names_the_path_and_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    for call, words in (
        (lambda: load("mnist"), "MNIST is not at"),
        (lambda: load("mnist", download=False), "'mnist' is not at"),
        (lambda: load(tmp_path / "nowhere"), f"no file or folder {tmp_path / 'nowhere'}"),
        (lambda: load("mnist", path=tmp_path / "nowhere"), f"no file or folder {tmp_path / 'nowhere'}"),
        (lambda: load("mnits"), "no file or folder mnits"),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            call()
        for part in (words, "path=", "FASTNN_DATA", "load('glyphs')"):
            assert part in str(caught.value)


def test_glyphs_arguments():
    data = load("glyphs", train=50, test=20, seed=4, kind="digits")
    assert data.name == "glyphs"
    assert data.class_names == tuple("0123456789")
    assert data.scale == 1 / 255
    assert data.train_images.shape == (50, 28, 28)
    assert data.test_labels.shape == (20,)
    for options, message in (
        ({"path": "x"}, "takes no path, but it is 'x'"),
        ({"class_names": "ABC"}, "takes no class_names"),
        ({"kind": "runes"}, "kind: expected 'letters' or 'digits', got 'runes'"),
        ({"train": -1}, "n: expected a whole number of at least 0, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            load("glyphs", **options)
    for option in ("kind", "train", "test"):
        with pytest.raises(ValueError, match=f"{option} is for 'glyphs' only, but the data set is 'mnist'"):
            load("mnist", **{option: 5})


def test_glyphs_is_the_default_with_its_documented_sizes():
    data = load()
    assert (data.name, data.train_labels.size, data.test_labels.size) == ("glyphs", 10_000, 2_000)
    assert data.class_names == tuple("ABCDEFGHIJ")


def test_real_mnist():
    data = load("mnist", path=shared("mnist"))
    assert data.name == "mnist"
    assert data.train_images.shape == (60_000, 28, 28)
    assert data.test_images.shape == (10_000, 28, 28)
    assert np.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_real_mnist_all():
    data = load(shared("mnist") / "mnist_all.mat")
    assert data.train_images.shape == (60_000, 28, 28)
    assert data.test_images.shape == (10_000, 28, 28)
    assert (np.diff(data.train_labels) >= 0).all()
    assert np.bincount(data.train_labels)[:3].tolist() == [5923, 6742, 5958]


def test_real_notmnist():
    data = load(shared("notmnist"))
    assert data.class_names == tuple("ABCDEFGHIJ")
    assert len(data.train_labels) + len(data.test_labels) == 18_724
    assert set(np.bincount(data.test_labels).tolist()) == {312, 313}
