"""Compiled programs that nobody uses now, kept so that the next training of the same kind need not compile anew.

What a program depends on is its key; everything else is bound to it when it is taken. A user takes a program out of the
cache and puts it back, so that no two threads ever have the same one. Each operation on the cache is a single one on a
dict or a list, which Python makes whole (by its lock, or by one of each object where it runs without that), because a
lock of the cache itself could be held by another thread when the process forks. A child begins with an empty cache.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

MAX_BYTES = 64 << 20  # of the memory of all programs in a cache; larger ones are never kept
MAX_PROGRAMS = 64


class Kept(Protocol):
    """What a cache holds."""

    @property
    def nbytes(self) -> int:
        """The bytes that it occupies while nobody uses it."""


T = TypeVar("T", bound=Kept)


class WarmCache(Generic[T]):
    """The programs of one kind that nobody uses now, the least recently used first.

    Parameters
    ----------
    max_bytes, max_programs : int
        The bounds on what is kept.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.program.warm import WarmCache
    >>> cache = WarmCache()
    >>> cache.put("key", np.zeros(3))
    >>> cache.take("key")
    array([0., 0., 0.])
    >>> cache.take("key") is None
    True
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_programs: int = MAX_PROGRAMS) -> None:
        self.max_bytes, self.max_programs = max_bytes, max_programs
        # key, program and its bytes, by an object that stands for this stay in the cache alone: a number from a counter
        # may be given to two threads where Python runs without its lock
        self._idle: dict[object, tuple[Hashable, T, int]] = {}
        self._by_key: dict[Hashable, list[object]] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.clear)

    def take(self, key: Hashable) -> T | None:
        """Return the key's most recently used program, which is now the caller's alone, or None without one."""
        stays = self._by_key.get(key)
        while stays:
            with suppress(IndexError, KeyError):  # another thread was here, or the program has been dropped
                return self._idle.pop(stays.pop())[1]
        return None

    def put(self, key: Hashable, program: T) -> None:
        """Keep a program that its user has finished with."""
        size = program.nbytes
        if size > self.max_bytes:
            return
        stay = object()
        self._idle[stay] = key, program, size
        self._by_key.setdefault(key, []).append(stay)
        idle = list(self._idle.items())
        total = sum(size for _, (_, _, size) in idle)
        for count, (old, (old_key, _, size)) in enumerate(idle):
            if total <= self.max_bytes and len(idle) - count <= self.max_programs:
                break
            total -= size
            self._drop(old, old_key)

    def clear(self) -> None:
        """Drop all programs."""
        self._idle, self._by_key = {}, {}

    def __len__(self) -> int:
        return len(self._idle)

    def _drop(self, stay: object, key: Hashable) -> None:
        self._idle.pop(stay, None)
        stays = self._by_key.get(key, [])
        with suppress(ValueError):
            stays.remove(stay)
        if not stays:
            self._by_key.pop(key, None)
