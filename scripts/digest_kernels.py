"""Digests of what every native kernel computes from fixed arguments."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from digest_lines import digest
from kernel_arguments import GATHER_DTYPES, make
from numpy.typing import NDArray

from fastnn.kernels import SIGNATURES, Activation, UpdateRule

Array = NDArray[Any]

SMALL_CASES = max(12, len(Activation))  # of each kernel and dtype; the first ones take the activations in turn
_USUAL = (Activation.IDENTITY, Activation.RELU, Activation.TANH)  # of the others
_SIZES = (1, 2, 3, 5, 8, 13, 16, 17, 31, 33, 64, 97, 131)
_LENGTHS = (1, 2, 7, 15, 17, 33, 64, 131, 1021, 4099)
_IMAGE = {"n": 19, "g": 2, "c": 5, "h": 13, "w": 37, "f": 27, "k": 5, "r": 5, "s": 5, "p": 9, "q": 19, "e": 2}

# Sizes that reach what small ones do not: work shared by threads, panels and strips of several passes, products of few
# rows or columns, convolutions as products, rows or taps, Winograd's tiles with few and many channels and images.
_PRODUCTS = [
    dict(zip("ndm", shape, strict=True))
    for shape in [
        *[(1, 784, 200), (8, 784, 200), (67, 131, 97), (300, 337, 129), (37, 784, 10), (129, 523, 1), (331, 1, 300)],
        *[(5, 1000, 3), (1021, 67, 10), (128, 785, 10), (1, 300, 300), (1, 784, 2000), (10, 9000, 10)],
        *[(4096, 33, 65), (30, 61, 450), (2100, 13, 450), (12000, 13, 40), (64, 1000, 1000)],
    ]
]
_ROWS = [{"n": n, "c": c, "d": c, "m": 7, "s": 5} for n, c in [(4096, 10), (64, 1000), (3, 20_011), (1, 200_001)]]
_GATHERED = [{"r": 500, "n": n, "d": d} for n, d in [(128, 784), (300, 200), (17, 3072), (64, 13)]]
_NORMS = [
    {"n": n, "g": -(-n // 16), "c": c, "s": s, "m": 4, "h": 8, "w": 9, "p": 7, "q": 5}
    for n, c, s in [(32, 32, 784), (64, 100, 1), (19, 130, 60), (3, 8, 5000)]
]
_WINDOWS = [
    {"n": n, "g": -(-n // 16), "c": c, "h": 9, "w": 9, "p": p, "q": q}
    for n, c, p, q in [(33, 20, 14, 14), (3, 50, 30, 32), (64, 6, 12, 13)]
]


class _Convolution(NamedTuple):
    images: int
    channels: int  # of a group
    filters: int
    taps: int
    extent: tuple[int, int]
    stride: int = 1
    pad: int = 0
    dilation: int = 1
    groups: int = 1

    def dims(self, kernel: str) -> dict[str, int]:
        """By the letters of the signatures; c and e say how many groups, and r the taps, as `make` reads them."""
        channels, rows = self.groups - 1, self.taps
        if kernel == "winograd_forward":
            channels = self.channels * self.groups // 2 * 2 + self.groups - 1
        if kernel.startswith("winograd"):
            rows = {3: 3, 5: 4}[self.taps]
        image = [self.stride * (n - 1) + self.dilation * (self.taps - 1) + 1 - 2 * self.pad for n in self.extent]
        return {
            "n": self.images, "g": -(-self.images // 16), "c": channels, "e": self.groups - 1,
            "h": max(1, image[0]), "w": max(1, image[1]), "f": self.filters * self.groups, "k": self.channels,
            "r": rows, "s": self.taps, "p": self.extent[0], "q": self.extent[1], "j": 1, "i": self.channels,
        }  # fmt: skip

    def scalars(self) -> dict[str, int]:
        """Stride, pad and dilation, and the taps."""
        values = {"stride": self.stride, "pad": self.pad, "dilation": self.dilation}
        return {f"{name}_{axis}": value for name, value in values.items() for axis in "hw"} | {"size": self.taps}

    def suits(self, kernel: str) -> bool:
        """Whether the kernel can compute it: Winograd's algorithm has filters of 3 × 3 and 5 × 5 and stride 1."""
        plain = self.stride == self.dilation == 1 and self.taps in (3, 5)
        return plain or not kernel.startswith("winograd")


_CONVOLUTIONS = [
    _Convolution(33, 1, 6, 5, (24, 24)),
    _Convolution(32, 6, 16, 5, (10, 10)),
    _Convolution(19, 3, 32, 3, (16, 17), pad=1),
    _Convolution(16, 32, 64, 3, (14, 14), pad=1),
    _Convolution(17, 64, 48, 3, (13, 13), pad=1),
    _Convolution(16, 100, 30, 3, (7, 9), pad=1),
    _Convolution(16, 60, 70, 5, (9, 8), pad=2),
    _Convolution(2, 16, 16, 3, (30, 31), pad=1),
    _Convolution(1, 3, 64, 11, (15, 15), stride=4),
    _Convolution(4, 64, 192, 3, (13, 13), pad=1),
    _Convolution(1, 70, 40, 5, (27, 27), pad=2),
    _Convolution(15, 48, 33, 3, (20, 21)),
    _Convolution(20, 40, 24, 1, (9, 11)),
    _Convolution(18, 12, 10, 3, (11, 10), stride=2, pad=1),
    _Convolution(5, 9, 14, 3, (12, 13), pad=2, dilation=2),
    _Convolution(18, 1, 1, 5, (17, 18), pad=2, groups=3),
    _Convolution(6, 8, 12, 3, (15, 14), pad=1, groups=2),
    _Convolution(1, 300, 13, 2, (4, 6)),
    _Convolution(1, 2, 1400, 1, (3, 4)),
    _Convolution(3, 20, 40, 6, (1, 1)),
]


class Case(NamedTuple):
    label: str
    dims: dict[str, int]
    given: dict[str, Any]


def cases(kernel: str) -> Iterator[Case]:
    """Small sizes at random, always the same ones, then the large ones that the kernel's dimensions call for."""
    signature = SIGNATURES[kernel]
    letters, scalars = set(signature.dims), {a.name for a in signature.scalars}
    images = letters & {"p", "e", "h"}
    made = []
    for number in range(SMALL_CASES):
        rng = np.random.default_rng([zlib.crc32(kernel.encode()), number])
        if images:
            dims = {d: int(rng.integers(1, _IMAGE.get(d, 1) + 1)) for d in signature.dims}
        else:
            dims = {d: int(rng.choice(_LENGTHS if d == "*" else _SIZES)) for d in signature.dims}
        made.append(Case(f"small {number}", dims, {}))
    if letters & {"k", "r"} and images:
        for c in _CONVOLUTIONS:
            given = {name: value for name, value in c.scalars().items() if name in scalars}
            if c.suits(kernel):
                label = f"{c.images} of {c.channels} to {c.filters} by {c.taps}, {c.groups} groups"
                made.append(Case(label, c.dims(kernel), given))
    elif {"d", "m"} <= letters:
        sizes = [{d: dims[d] for d in signature.dims if d in dims} for dims in _PRODUCTS]  # without rows some are equal
        made += [Case("large", dims, {}) for k, dims in enumerate(sizes) if dims not in sizes[:k]]
    elif "source" in {a.name for a in signature.arrays} and "d" in letters:
        made += [Case("large", dims, {}) for dims in _GATHERED]
    elif "c" in letters and images:
        made += [Case("large", dims, {}) for dims in _WINDOWS]
    elif {"c", "s"} <= letters:
        made += [Case("large", dims, {}) for dims in _NORMS]
    elif "*" in letters and not images:
        made += [Case("large", {"*": length}, {}) for length in (16_384, 300_007)]
    else:
        made += [Case("large", dims, {}) for dims in _ROWS]
    for number, case in enumerate(made):
        letters_given = [*signature.dims, *(d for d in "nce" if images and d in case.dims)]
        dims = {d: case.dims.get(d, 1 + number % 5) for d in letters_given}
        given = dict(case.given)
        if "rule" in scalars:
            given["rule"] = int(list(UpdateRule)[number % len(UpdateRule)])
        if "kind" in scalars:
            kind = list(Activation)[number] if number < len(Activation) else _USUAL[number % len(_USUAL)]
            given["kind"] = int(Activation.RELU if kind.backward_needs_input and _from_output(kernel) else kind)
        if "source" in {a.name for a in signature.arrays if a.dtype == "any"}:
            given |= _source(kernel, dims, number)
        yield Case(case.label, dims, given)


def _from_output(kernel: str) -> bool:
    """Whether the kernel has no input of an activation, only its output, for the derivative."""
    backward = "backward" in kernel
    return backward and "x" not in {a.name for a in SIGNATURES[kernel].arrays}


def _source(kernel: str, dims: dict[str, int], number: int) -> dict[str, Array]:
    """Rows to gather, of every dtype in turn."""
    dtype = np.dtype(GATHER_DTYPES[number % len(GATHER_DTYPES)])
    argument = next(a for a in SIGNATURES[kernel].arrays if a.name == "source")
    assert argument.dims is not None
    shape = tuple(max(dims[d], dims["n"]) if d == "r" else dims[d] for d in argument.dims)
    values = np.random.default_rng(number).uniform(0 if dtype.kind == "u" else -100, 100, shape)
    return {"source": values.astype(dtype)}


def _in_panels(matrix: Array, width: int) -> Array:
    """A matrix (d, m) as panels (panels, d, width), the last one filled up with zeros."""
    panels = np.zeros((-(-matrix.shape[1] // width), len(matrix), width), matrix.dtype)
    for i, panel in enumerate(panels):
        piece = matrix[:, i * width : (i + 1) * width]
        panel[:, : piece.shape[1]] = piece
    return panels


def _written(kernel: str, arguments: Mapping[str, Any]) -> list[Array]:
    """The outputs; a workspace is none."""
    names = [a.name for a in SIGNATURES[kernel].arrays if a.writes and a.name != "work"]
    return [arguments[name] for name in names if arguments[name] is not None]


def kernel_lines(tables: Mapping[str, Mapping[str, Any]], wanted: Callable[[str], object]) -> Iterator[str]:
    """One line for every kernel, case, dtype and instruction set of `tables` whose name is `wanted`."""
    for kernel, signature in SIGNATURES.items():
        print(kernel, file=sys.stderr, flush=True)
        spaced = [a.name for a in signature.arrays if a.spaced]
        for dtype in (np.float32, np.float64):
            for number, case in enumerate(cases(kernel)):
                arguments = None
                for isa, table in tables.items():
                    sizes = ",".join(f"{letter}={size}" for letter, size in case.dims.items())
                    chosen = "".join(f" {k}={case.given[k]}" for k in ("kind", "rule") if k in case.given)
                    name = f"kernel {isa} {np.dtype(dtype)} {kernel}{chosen} {case.label}: {sizes}"
                    if not wanted(name):
                        continue
                    if arguments is None:
                        arguments = make(kernel, dict(case.dims), dtype, number, **case.given)
                    run = arguments.copy()
                    table[kernel](*run.values())
                    yield f"{digest(*_written(kernel, run))}  {name}"
                    if spaced:
                        width = table[kernel].panel_columns(np.dtype(dtype))
                        run = arguments.unpadded()
                        run.update({k: _in_panels(run[k], width) for k in spaced if run[k] is not None})
                        table[kernel](*run.values())
                        yield f"{digest(*_written(kernel, run))}  {name} in panels"
