"""Archives of image folders: whatever the names, no class is lost and no two become one."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import encoded, grey, write

from fastnn.data import load
from fastnn.data.tar import tar_members

LONG = "a" * 120
NAMES = ["plain", LONG + "1", LONG + "2", "café", "Ж" * 60, "日本", "with space", "x/../y"]
TARS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def tarred(files, format=tarfile.GNU_FORMAT, extra=(), **options):
    """Return the content of a tar archive of named bytes, and of further TarInfos."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, **options) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return out.getvalue()


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def pictures(classes, count=2, prefix=""):
    """Files in which the images of class k have the grey value k."""
    return [(f"{prefix}{c}/{i}.png", encoded(grey(k))) for k, c in enumerate(classes) for i in range(count)]


def check(path, classes):
    """Every class is there, with its own images."""
    data = load(path, test_fraction=0.5)
    assert sorted(data.class_names) == sorted(classes)
    for images, labels in (data.train, data.test):
        for k, name in enumerate(classes):
            own = images[labels == data.class_names.index(name)]
            assert len(own) == 1
            assert (own == k).all()


@pytest.mark.parametrize("prefix", ["", "./", "set/", "./deep/er/", "../../", "/root/"])
@pytest.mark.parametrize("kind", ["gnu", "pax", "zip"])
@pytest.mark.parametrize("compress", [False, True])
def test_names_keep_classes_apart(tmp_path, kind, prefix, compress):
    classes = [name for name in NAMES if "/" not in name]
    files = pictures(classes, prefix=prefix)
    content = zipped(files) if kind == "zip" else tarred(files, TARS[kind])
    if compress and kind != "zip":
        # two members of gzip, as some tools write them, and zeros that pad a tape
        content = gzip.compress(content[:5000]) + gzip.compress(content[5000:]) + bytes(100)
    path = write(tmp_path / "set.archive", content)
    check(path, classes)


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=200), max_size=4)
)
def test_members_have_the_names_they_were_given(names):
    files = {f"d/{name}": name.encode() for name in names}
    for format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        found = {name: bytes(held) for name, held in tar_members(tarred(files.items(), format), "t")}
        assert found == files


def test_names_in_latin_1_are_text(tmp_path):
    path = write(tmp_path / "a.tar", tarred(pictures(["café", "cafe"]), tarfile.USTAR_FORMAT, encoding="latin-1"))
    check(path, ["café", "cafe"])


def test_zip_names_in_utf_8_without_the_mark_are_text(tmp_path):
    content = zipped(pictures(["CAFX", "cafe"])).replace(b"CAFX", "CA\u00e9".encode())
    check(write(tmp_path / "a.zip", content), ["CAé", "cafe"])


def link(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_linked_images_are_images(tmp_path):
    links = [
        link("s/b/0.png", "s/a/0.png", tarfile.LNKTYPE),
        link("s/b/1.png", "../a/1.png", tarfile.SYMTYPE),
        link("s/c/0.png", "s/b/0.png", tarfile.LNKTYPE),
        link("s/c/1.png", "../b/1.png", tarfile.SYMTYPE),
    ]
    path = write(tmp_path / "a.tar", tarred(pictures(["a"], prefix="s/"), extra=links))
    data = load(path, test_fraction=0.5)
    assert data.class_names == ("a", "b", "c")
    assert len(data.train_images) + len(data.test_images) == 6


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x.png", "2.png"])
def test_a_linked_image_outside_the_archive_is_an_error(tmp_path, target):
    extra = [link("a/2.png", target, tarfile.SYMTYPE)]
    path = write(tmp_path / "a.tar", tarred(pictures(["a", "b"]), extra=extra))
    with pytest.raises(ValueError, match=r"'a/2\.png' is a link to .*, which is not in the archive"):
        load(path)


def test_a_sparse_file_has_its_zeros():
    content = bytearray(tarred([("a/1.bin", b"x" * 512)]))
    content[156:157] = b"S"  # GNU's old form: one block of data at 1024, 2048 bytes in all
    content[257:265] = b"ustar  \0"
    content[345:512] = bytes(167)
    content[386:410] = b"%011o\0%011o\0" % (1024, 512)
    content[483:495] = b"%011o\0" % 2048
    content[148:156] = b" " * 8
    content[148:155] = b"%06o\0" % sum(content[:512])
    (member,) = tar_members(bytes(content), "t")
    assert bytes(member.content) == bytes(1024) + b"x" * 512 + bytes(512)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", [tarred, zipped])
def test_files_of_one_name_are_one_if_they_are_equal(tmp_path, make):
    files = pictures(["a", "b"])
    check(write(tmp_path / "same", make([*files, files[0]])), ["a", "b"])
    with pytest.raises(ValueError, match=r"two files called 'a/0\.png' differ"):
        load(write(tmp_path / "other", make([*files, ("a/0.png", encoded(grey(9)))])))


@pytest.mark.parametrize("make", [tarred, zipped])
def test_the_splits_of_an_archive_are_those_of_a_folder(tmp_path, make):
    files = [*pictures("ab", 3, "set/train/"), *pictures("ab", 2, "set/test/"), ("set/read me.txt", b"words")]
    for name, content in files:
        write(tmp_path / "folder" / name, content)
    folder, archive = load(tmp_path / "folder"), load(write(tmp_path / "a", make(files)))
    assert folder.sha256() == archive.sha256()
    assert archive.test_labels.tolist() == [0, 0, 1, 1]


def names_or_error(content):
    try:
        return [name for name, _ in tar_members(content, "t")]
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("step", [1, 7])
def test_a_damaged_archive_loses_nothing_in_silence(step):
    files = dict(pictures("abc"))
    content = tarred(files.items())
    for at in range(0, len(content) - 1024, 512 * step):
        changed = bytearray(content)
        changed[at] ^= 0xFF
        found = names_or_error(bytes(changed))
        assert found.startswith("t: ") if isinstance(found, str) else len(found) == len(files)
    for end in range(0, len(content.rstrip(b"\0")), 512 * step):
        with pytest.raises(ValueError, match=r"^t: "):
            list(tar_members(content[:end], "t"))


def test_an_archive_behind_another_is_an_error():
    two = tarred(pictures("a")) + tarred(pictures("b"))
    with pytest.raises(ValueError, match="another archive follows at offset"):
        list(tar_members(two, "t"))


def test_a_folder_is_found_in_a_zip_file_beside_it(tmp_path):
    write(tmp_path / "photos.zip", zipped(pictures("ab")))
    assert load(tmp_path, test_fraction=0.5).class_names == ("a", "b")
    assert np.unique(load(tmp_path, test_fraction=0.5).train_images).tolist() == [0, 1]
