"""Archives and compressed data are read to their end, links lead inside, and what is damaged is named."""

import gzip
import io
import tarfile
import zlib

import pytest
from data_files import gzipped

from fastnn.data import inflate
from fastnn.data.inflate import check_declared, gunzip, gunzip_all, inflate_start, max_decompressed
from fastnn.data.tar import is_tar, tar_members


def info(name, **attributes):
    found = tarfile.TarInfo(name)
    for key, value in attributes.items():
        setattr(found, key, value)
    return found


def tar(*members, **options):
    """An archive of pairs of a name, or a header, and the content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", **options) as archive:
        for name, content in members:
            header = name if isinstance(name, tarfile.TarInfo) else info(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return file.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    return info(name, type=kind, linkname=target), b""


def read(content):
    return [(member.name, bytes(member.content)) for member in tar_members(content, "f")]


ONE, TWO = ("a/1.png", b"one"), ("a/2.png", b"two")
# a file of ten bytes of which three are stored
SPARSE = info("s", pax_headers={"GNU.sparse.size": "10", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "2,3"}), b"abc"


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([ONE, TWO], [ONE, TWO]),
        ([ONE, ONE], [ONE]),
        ([(info("a", type=tarfile.DIRTYPE), b""), ONE], [ONE]),
        ([ONE, link("a/3.png", "1.png")], [ONE, ("a/3.png", b"one")]),
        ([ONE, link("3.png", "a/1.png", tarfile.LNKTYPE)], [ONE, ("3.png", b"one")]),
        ([ONE, link("b/3.png", "../a/1.png")], [ONE, ("b/3.png", b"one")]),
        ([ONE, link("a/3.png", "4.png"), link("a/4.png", "1.png")], [ONE, ("a/3.png", b"one"), ("a/4.png", b"one")]),
        ([ONE, link("a/notes", "/etc/passwd"), link("a/x", "x")], [ONE]),
        ([SPARSE], [("s", b"\0\0abc\0\0\0\0\0")]),
    ],
)
def test_members_are_read(members, found):
    content = tar(*members)
    assert is_tar(content[:512])
    assert read(content) == read(gzip.compress(content)) == found


def test_names_are_utf8_or_else_latin_1():
    names = ["\xe9.png", "\u4e2d.png"]
    assert [name for name, _ in read(tar(*((name, b"") for name in names), encoding="utf-8"))] == names
    assert read(tar(("\xe9.png", b"x"), encoding="latin-1", format=tarfile.GNU_FORMAT)) == [("\xe9.png", b"x")]


def changed(content, at, new):
    return content[:at] + new + content[at + len(new) :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tar(ONE, ("a/1.png", b"two")), "f: two files called 'a/1.png' differ"),
        (tar(ONE, link("a/3.png", "9.png")), "'a/3.png' is a link to 'a/9.png', which is not in the archive"),
        (tar(link("3.png", "4.png"), link("4.png", "3.png")), "'3.png' is a link to '4.png', which is not in"),
        (tar(("a", bytes(3000)))[:2000], "f: 'a': truncated: declares 3000 bytes, but 1488 are left"),
        (tar(ONE)[:1024], "f: truncated: a header at offset 1024 has 0 bytes"),
        (tar(ONE, TWO)[:1300], "f: truncated"),
        (changed(tar(ONE, TWO), 1024, b"z"), "f: damaged archive: wrong checksum in the header at offset 1024"),
        (tar(ONE) + tar(TWO), "f: another archive follows at offset 10240: give each by itself"),
        (changed(tar(ONE), 124, b"zzz"), "f: truncated or damaged archive"),
        (
            tar((info("s", pax_headers=SPARSE[0].pax_headers | {"GNU.sparse.size": str(10**15)}), b"abc")),
            "f: 's': decl",
        ),
        (gzipped(tar(ONE))[:60], "f: truncated: the compressed data ends after"),
    ],
)
def test_damaged_archives_are_refused(content, message):
    with pytest.raises(ValueError, match=r"^f: ") as caught:
        read(content)
    assert message in str(caught.value)


@pytest.mark.parametrize("start", [b"", bytes(512), b"x" * 148 + b"99999999" + bytes(400)])
def test_other_content_is_no_archive(start):
    assert not is_tar(start)


ABC = zlib.compress(b"abc" * 10)


def test_streams_of_the_declared_size_are_read():
    assert inflate.inflate(ABC, 30, "f", zlib.MAX_WBITS) == b"abc" * 10
    assert inflate.inflate(zlib.compress(b""), 0, "f", zlib.MAX_WBITS) == b""
    assert inflate_start(ABC, 3, "f", zlib.MAX_WBITS) == b"abc"
    assert gunzip(gzip.compress(b"abc"), "f") == b"abc"
    assert gunzip_all(gzip.compress(b"abc") + gzip.compress(b"de") + bytes(7), "f") == b"abcde"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: check_declared(10, 10**6, "f"),
            "but 10 compressed bytes cannot hold that many",
        ),
        (
            lambda: check_declared(10**9, 1 << 34, "f"),
            f"but at most {1 << 33} are decompressed",
        ),
        (
            lambda: inflate.inflate(ABC, 29, "f", zlib.MAX_WBITS),
            "declares 29 bytes, but the compressed",
        ),
        (lambda: inflate.inflate(ABC, 0, "f", zlib.MAX_WBITS), "declares 0 bytes, but the compressed data holds more"),
        (lambda: inflate.inflate(ABC, 31, "f", zlib.MAX_WBITS), "declares 31 bytes, but the compressed data holds 30"),
        (lambda: inflate.inflate(ABC[:-1], 30, "f", zlib.MAX_WBITS), "the compressed data does not reach its end"),
        (lambda: inflate.inflate(ABC + b"xy", 30, "f", zlib.MAX_WBITS), "2 trailing bytes after the compressed data"),
        (lambda: inflate.inflate(b"xyz", 3, "f", zlib.MAX_WBITS), "damaged compressed data"),
        (lambda: inflate_start(b"xyz", 3, "f", zlib.MAX_WBITS), "damaged compressed data"),
        (lambda: gunzip(b"\x1f\x8b\x08", "f"), "truncated: 3 bytes, but a gzip file has at least 18"),
        (lambda: gunzip_all(gzip.compress(b"abc")[:-1], "f"), "truncated: the compressed data ends after 3 bytes"),
        (lambda: gunzip_all(gzip.compress(b"abc") + b"junk", "f"), "damaged compressed data"),
    ],
)
def test_damaged_streams_are_refused(call, message):
    with pytest.raises(ValueError, match=r"^f: ") as caught:
        call()
    assert message in str(caught.value)


def test_no_more_than_the_limit_is_decompressed(monkeypatch):
    assert max_decompressed(1 << 40) == inflate.MAX_DECOMPRESSED
    assert max_decompressed(1) < 2000
    monkeypatch.setattr(inflate, "MAX_DECOMPRESSED", 100)
    with pytest.raises(ValueError, match="f: holds more than 100 bytes"):
        gunzip_all(gzip.compress(bytes(101)), "f")
    assert len(gunzip_all(gzip.compress(bytes(100)), "f")) == 100


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (b"abc", 3),
        (gzipped(b"abc"), 3),
        (b"\x1f\x8b\x08x", 4),
        (gzipped(b"abc")[:-4] + b"\xff" * 4, max_decompressed(23)),
    ],
)
def test_the_size_of_a_file_is_what_it_declares_and_can_hold(tmp_path, content, size):
    path = tmp_path / "a"
    path.write_bytes(content)
    assert inflate.file_sizes(path) == (len(content), size)
