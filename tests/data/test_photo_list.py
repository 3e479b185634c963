"""Photos are read by a list of addresses, boxes and hashes."""

import functools
import hashlib
import http.server
import threading

import numpy as np
import pytest
from PIL import Image

from fastnn.data import read_photo_list

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)
URL = "http://127.0.0.1:9/photos"


def photo(folder, name, seed):
    folder.mkdir(exist_ok=True)
    Image.fromarray(PIXELS ^ np.uint8(seed)).save(folder / name, "PNG")
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


def line(person, url, sha256, box="2,3,8,9"):
    return f"{person}\t17\t{hash(url) % 100}\t{url}\t{box}\t{sha256}"


def listed(tmp_path, *lines):
    path = tmp_path / "list.txt"
    path.write_text("\n".join(lines) + "\n\n")
    return path


def cut(seed, top=3, bottom=9, left=2, right=8):
    return (PIXELS ^ np.uint8(seed))[top:bottom, left:right].transpose(2, 0, 1)


def test_photos_are_found_by_hash_whatever_their_name(tmp_path):
    folder = tmp_path / "photos"
    a, b = photo(folder, "one", 1), photo(folder, "b.png", 2)
    path = listed(tmp_path, line("Lorraine Bracco", f"{URL}/x.jpg", b), line("Alec Baldwin", f"{URL}/y.jpg", a.upper()))
    found = read_photo_list(path, folder, size=6)
    np.testing.assert_array_equal(found.images, [cut(2), cut(1)])
    assert found.class_names == ("Alec Baldwin", "Lorraine Bracco")
    assert found.labels.tolist() == [1, 0]
    assert found.lines.tolist() == [1, 2]
    assert found.rejected == ()
    assert found.labelled.class_names == found.class_names


@pytest.mark.parametrize(
    ("box", "rows"),
    [("-5,-7,8,9", (0, 9, 0, 8)), ("2,3,99,99", (3, 12, 2, 10)), ("2,3,8,9", (3, 9, 2, 8))],
)
def test_the_box_is_cut_down_to_the_photo(tmp_path, box, rows):
    sha256 = photo(tmp_path / "p", "a", 0)
    top, bottom, left, right = rows
    size = (bottom - top, right - left)
    found = read_photo_list(listed(tmp_path, line("A B", URL, sha256, box)), tmp_path / "p", size=size)
    np.testing.assert_array_equal(found.images[0], cut(0, *rows))


def test_rejected_photos_have_a_reason(tmp_path):
    folder = tmp_path / "p"
    good, other = photo(folder, "good.png", 1), photo(folder, "other.png", 2)
    (folder / "text.png").write_text("no image")
    text = hashlib.sha256(b"no image").hexdigest()
    path = listed(
        tmp_path,
        line("A B", f"{URL}/good.png", good),
        line("A B", f"{URL}/other.png?x=1", "0" * 64),
        line("C D", f"{URL}/missing.png", "1" * 64),
        line("C D", f"{URL}/text.png", text),
        line("C D", f"{URL}/good.png", good, "50,50,60,60"),
    )
    found = read_photo_list(path, folder, size=6)
    assert found.lines.tolist() == [1]
    assert [entry.line for entry in found.rejected] == [2, 3, 4, 5]
    reasons = [entry.reason for entry in found.rejected]
    for reason, words in zip(
        reasons,
        (
            f"SHA-256 differs: {other[:12]}",
            "not in the folder",
            "not a PNG, JPEG, PGM, BMP, GIF, WebP or TIFF file",
            "lies outside the image",
        ),
        strict=True,
    ):
        assert words in reason
    assert found.report().startswith("1 photos of 2 people; 4 rejected\nline 2: SHA-256 differs")


@pytest.mark.parametrize("by", ["url", "hash"])
def test_accept_takes_a_photo_whose_hash_differs(tmp_path, by):
    photo(tmp_path / "p", "a.png", 3)
    path = listed(tmp_path, line("A B", f"{URL}/a.png", "0" * 64))
    accept = [f"{URL}/a.png"] if by == "url" else ["0" * 64]
    np.testing.assert_array_equal(read_photo_list(path, tmp_path / "p", size=6, accept=accept).images[0], cut(3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A B 1 2 url 1,2,3,4", "line 1: 6 fields, expected 7"),
        (f"A B 1 2 url 1,2,3 {'0' * 64}", r"line 1: field 5: expected a box x1,y1,x2,y2, found '1,2,3'"),
        (f"A B 1 2 url 1,2,3,nan {'0' * 64}", "line 1: the box .* is out of range"),
        ("A B 1 2 url 1,2,3,4 xyz", "line 1: field 6: expected a SHA-256"),
        (f"A B 1 2 url 1,2,3,4 {'0' * 64}", "none of 1 photos could be read: not in the folder"),
        ("", "none of 0 photos could be read"),
    ],
)
def test_bad_lists_are_refused(tmp_path, text, message):
    path = listed(tmp_path, text)
    with pytest.raises(ValueError, match=message) as caught:
        read_photo_list(path, tmp_path / "p", size=6)
    assert str(caught.value).startswith(f"read_photo_list: {path}: ")


def test_photos_are_downloaded_only_when_asked(tmp_path):
    sha256 = photo(tmp_path / "served", "a b.png", 4)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{httpd.server_port}"
        path = listed(
            tmp_path,
            line("A B", f"{address}/a%20b.png", sha256),
            line("A B", f"{address}/none.png", "1" * 64),
            line("A B", "file:///etc/passwd", "2" * 64),
        )
        with pytest.raises(ValueError, match="none of 3 photos could be read: not in the folder"):
            read_photo_list(path, tmp_path / "p", size=6)
        found = read_photo_list(path, tmp_path / "p", size=6, download=True, timeout=5)
        httpd.shutdown()
    np.testing.assert_array_equal(found.images, [cut(4)])
    assert "cannot be downloaded (HTTP Error 404" in found.rejected[0].reason
    assert "not an http URL" in found.rejected[1].reason
    assert [file.name for file in (tmp_path / "p").iterdir()] == [sha256]
    np.testing.assert_array_equal(read_photo_list(path, tmp_path / "p", size=6).images, [cut(4)])


def test_a_silent_server_is_given_up_after_the_timeout(tmp_path):
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.png"
        with pytest.raises(ValueError, match=r"cannot be downloaded \(.*timed out"):
            read_photo_list(
                listed(tmp_path, line("A B", url, "0" * 64)), tmp_path / "p", size=6, download=True, timeout=0.2
            )
