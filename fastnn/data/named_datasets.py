"""The data sets that can be loaded by name: their files, where to download them, and the checksums."""

from __future__ import annotations

from dataclasses import dataclass

from fastnn.data.synthetic import CLASS_NAMES


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Parameters
    ----------
    name : str
        Its name on every mirror.
    sha256 : str or None
        None if only the checksum of the decoded images is known (`NamedDataset.content_sha256`).
    """

    name: str
    sha256: str | None


@dataclass(frozen=True)
class NamedDataset:
    """A data set that can be loaded by name.

    Parameters
    ----------
    title : str
    class_names : tuple of str
    files : tuple of RemoteFile
    mirrors : tuple of str
        URLs of folders with the files, in the order in which they are tried.
    mebibytes : int
        The size of the download.
    skip_damaged : bool
        Whether the data set is known to include damaged images, which are then left out.
    content_sha256 : str or None
        `fastnn.data.download.content_digest` of the images and labels, for a data set whose files have no published
        SHA-256.
    """

    title: str
    class_names: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]
    mebibytes: int
    skip_damaged: bool = False
    content_sha256: str | None = None


def _idx(train_images: str, train_labels: str, test_images: str, test_labels: str) -> tuple[RemoteFile, ...]:
    return (
        RemoteFile("train-images-idx3-ubyte.gz", train_images),
        RemoteFile("train-labels-idx1-ubyte.gz", train_labels),
        RemoteFile("t10k-images-idx3-ubyte.gz", test_images),
        RemoteFile("t10k-labels-idx1-ubyte.gz", test_labels),
    )


NAMED_DATASETS = {
    "mnist": NamedDataset(
        "MNIST",
        CLASS_NAMES["digits"],
        _idx(
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        12,
    ),
    "fashion-mnist": NamedDataset(
        "Fashion-MNIST",
        ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
        _idx(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        30,
    ),
    "kmnist": NamedDataset(
        "KMNIST",
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        _idx(
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
        21,
    ),
    "notmnist": NamedDataset(
        "notMNIST (small)",
        CLASS_NAMES["letters"],
        (RemoteFile("notMNIST_small.tar.gz", None),),
        ("https://commondatastorage.googleapis.com/books1000/", "http://yaroslavvb.com/upload/notMNIST/"),
        9,
        skip_damaged=True,
        content_sha256="efaff5ed43131789b4df845bd4f89b583902d6abf597159e5352091dd2469239",
    ),
    "cifar10": NamedDataset(
        "CIFAR-10",
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        (RemoteFile("cifar-10-python.tar.gz", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),),
        ("https://www.cs.toronto.edu/~kriz/",),
        163,
    ),
}
