"""What does not fit into memory is refused before it is read, with the way out."""

import numpy as np
import pytest

from fastnn.data import memory, read_npy


def test_a_file_larger_than_memory_is_refused_and_can_be_mapped(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.arange(1000))
    monkeypatch.setattr(memory, "available_bytes", lambda: 7999)
    with pytest.raises(MemoryError, match=r"read_npy: .*x\.npy: takes .* are available; mapped=True"):
        read_npy(tmp_path / "x.npy")
    assert read_npy(tmp_path / "x.npy", mapped=True)[999] == 999
    monkeypatch.setattr(memory, "available_bytes", lambda: 8000)
    assert read_npy(tmp_path / "x.npy")[999] == 999


def test_the_system_says_what_is_available():
    found = memory.available_bytes()
    assert found is None or 1 << 20 < found < 1 << 50
