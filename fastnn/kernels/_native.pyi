from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn.kernels.signature import Signature

class Kernel:
    signature: Signature
    def __call__(self, *args: Any) -> None: ...
    def panel_columns(self, dtype: np.dtype[Any]) -> int: ...

def isa_tables(probes: bool = False) -> dict[str, dict[str, Kernel]]: ...
def get_num_threads() -> int: ...
def set_num_threads(count: int) -> None: ...
def set_single_threaded(enabled: bool) -> bool: ...
def read_rows(file: int, index: np.ndarray[Any, Any], out: np.ndarray[Any, Any], start: int) -> int: ...
def replay(
    parts: Sequence[tuple[Program, Sequence[np.ndarray[Any, Any]], int, np.ndarray[Any, Any] | None]], seconds: float
) -> tuple[int, list[float]]: ...

ROW_INDEX: int

class Program:
    def __init__(
        self,
        operations: Sequence[tuple[Callable[..., None], Sequence[Any]]],
        stream_arguments: Sequence[tuple[int, int, int, int]] = ...,
        gather: int = ...,
        double_buffers: Sequence[tuple[int, int, int]] = ...,
    ) -> None: ...
    def run(
        self,
        streams: Sequence[np.ndarray[Any, Any]],
        first: int,
        count: int,
        seconds: float,
        watch: np.ndarray[Any, Any] | None = ...,
    ) -> int: ...
    def apply(
        self, x: np.ndarray[Any, Any], shape: tuple[int, ...], number: int, numbers_only: bool = False
    ) -> np.ndarray[Any, Any] | None: ...
    @property
    def seconds_per_operation(self) -> list[float]: ...
    def forget_seconds(self) -> None: ...
