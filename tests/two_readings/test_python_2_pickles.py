"""Pickles as Python 2 writes them by default, protocol 0: lines of text, with escapes in it."""

import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import write

from fastnn.data import load, read_pickle
from fastnn.data.pickled import parse_pickle


def python_2_repr(text):
    """Return a byte string as Python 2's repr shows it, in one kind of quotes or the other."""
    escaped = {b: f"\\x{b:02x}" for b in range(256) if not 32 <= b < 127} | {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    quote = '"' if b"'" in text and b'"' not in text else "'"
    return quote + "".join("\\'" if b == 39 and quote == "'" else escaped.get(b, chr(b)) for b in text) + quote


def python_2_dump(value):
    """Return what Python 2's pickle.dumps(value) writes for plain data."""
    lines = []

    def put(item):
        if item is None:
            lines.append("N")
        elif isinstance(item, bool):
            lines.append(f"I{item:02d}\n")
        elif isinstance(item, int):
            lines.append(f"I{item}\n" if -(2**63) <= item < 2**63 else f"L{item}L\n")
        elif isinstance(item, float):
            lines.append(f"F{item!r}\n")
        elif isinstance(item, bytes):
            lines.append(f"S{python_2_repr(item)}\np{len(lines)}\n")
        elif isinstance(item, str):
            text = item.replace("\\", "\\u005c").replace("\n", "\\u000a").encode("raw-unicode-escape")
            lines.append(f"V{text.decode('latin-1')}\np{len(lines)}\n")
        elif isinstance(item, tuple):
            lines.append("(")
            for part in item:
                put(part)
            lines.append(f"tp{len(lines)}\n")
        elif isinstance(item, list):
            lines.append(f"(lp{len(lines)}\n")
            for part in item:
                put(part)
                lines.append("a")
        else:
            lines.append(f"(dp{len(lines)}\n")
            for key, part in item.items():
                put(key)
                put(part)
                lines.append("s")

    put(value)
    return "".join(lines).encode("latin-1") + b"."


def as_read(value):
    """Python 2's byte strings are read as text in Latin-1."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return type(value)(map(as_read, value))
    return {as_read(k): as_read(v) for k, v in value.items()} if isinstance(value, dict) else value


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x1a\0"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary() | TEXT
PLAIN = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.binary() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_plain_data_comes_back(value):
    assert parse_pickle(python_2_dump(value), "t") == as_read(value)


@given(PLAIN)
def test_python_3_reads_the_same(value):
    dumped = python_2_dump(value)
    assert parse_pickle(dumped, "t") == pickle.loads(dumped, encoding="latin-1")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert parse_pickle(pickle.dumps(value, protocol), "t") == value


def test_escaped_text_is_latin_1():
    assert parse_pickle(b"S'caf\\xe9'\n.", "t") == "café"
    assert parse_pickle(b'S"it\'s\\n"\n.', "t") == "it's\n"


@pytest.mark.parametrize("line", [b"S'open\n.", b"Sbare\n.", b"S'x\\xe'\n.", b"S'\n.", b"S'end'", b"S", b""])
def test_malformed_text_is_an_error(line):
    with pytest.raises(ValueError, match=r"^t: truncated or damaged pickle"):
        parse_pickle(line, "t")


def array_dump(array):
    """Return an array as NumPy under Python 2 pickles it with protocol 0."""
    shape = "(" + "".join(f"I{size}\n" for size in array.shape) + "t"
    dtype = f"cnumpy\ndtype\n(S'{array.dtype.str[1:]}'\nI0\nI1\ntR(I3\nS'{array.dtype.str[0]}'\nNNNI-1\nI-1\nI0\ntb"
    values = python_2_repr(array.tobytes())
    head = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    return f"{head}(I1\n{shape}{dtype}I00\nS{values}\ntb"


def test_a_set_that_python_2_pickled_is_the_set(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, 5, 4), dtype=np.uint8), np.arange(12) % 3
    text = f"(dS'images'\n{array_dump(images)}sS'labels'\n{array_dump(labels.astype('>i4'))}s."
    data = load(write(tmp_path / "set.pkl", text.encode("latin-1")), test_fraction=0.5)
    both = np.concatenate([data.train_images, data.test_images]), np.concatenate([data.train_labels, data.test_labels])
    order, expected = np.lexsort(both[0].reshape(12, -1).T), np.lexsort(images.reshape(12, -1).T)
    np.testing.assert_array_equal(both[0][order], images[expected])
    np.testing.assert_array_equal(both[1][order], labels[expected])


def test_what_is_no_data_is_still_refused(tmp_path):
    path = write(tmp_path / "bad.pkl", b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match=re.escape("'os.system', which is not plain data")):
        read_pickle(path)
