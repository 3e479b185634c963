"""An attribute that is computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy_attribute(Generic[T]):
    """Like ``functools.cached_property``, without a lock.

    Up to Python 3.11, that one computes under a lock. A child that is forked while another thread holds it waits for
    ever. Here two threads that ask at the same time may both compute, and the value of the last one stays.

    Examples
    --------
    >>> from fastnn.lazy import lazy_attribute
    >>> class Square:
    ...     @lazy_attribute
    ...     def area(self):
    ...         return 3 * 3
    >>> Square().area
    9
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazy_attribute[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> lazy_attribute[T] | T:
        if instance is None:
            return self
        value = self._compute(instance)
        vars(instance)[self._name] = value  # found there from now on, because this class has no __set__
        return value
