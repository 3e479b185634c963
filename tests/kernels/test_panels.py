"""With weights in panels, native kernels give the same bits as with plain rows, and do not touch the padding."""

import numpy as np
import pytest
from strategies import same_bits

import fastnn
from fastnn import kernels
from fastnn.kernels import SIGNATURES

pytestmark = pytest.mark.skipif("native" not in kernels.available_backends(), reason="the native module is missing")

SPACED = [name for name, s in SIGNATURES.items() if any(a.spaced for a in s.arrays)]
SCALARS = {"kind": 5, "alpha": 0.0, "decay": 0.01, "decay_b": 0.0, "momentum": 0.9, "beta1": 0.9, "beta2": 0.99}


def in_panels(matrix, width):
    """A matrix (d, m) as (panels, d, width), with NaN in the padding."""
    panels = np.full((-(-matrix.shape[1] // width), len(matrix), width), np.nan, matrix.dtype)
    for i, panel in enumerate(panels):
        piece = matrix[:, i * width : (i + 1) * width]
        panel[:, : piece.shape[1]] = piece
    return panels


def arguments(name, dims, dtype):
    rng = np.random.default_rng(sum(dims.values()))
    given = {"rate": np.array([0.01]), "t": np.array([3])}
    made = {}
    for a in SIGNATURES[name].arguments:
        if not a.is_array:
            made[a.name] = SCALARS.get(a.name, 1e-8)
        elif a.name in given:
            made[a.name] = given[a.name].copy()
        else:
            made[a.name] = np.abs(rng.normal(size=[int(d) if d.isdigit() else dims[d] for d in a.dims])).astype(dtype)
    return made


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [
        *[(1, 1, 1), (8, 50, 200), (5, 33, 31), (40, 97, 131), (300, 70, 65), (7, 5, 64), (40, 9, 5)],
        (30, 61, 450),  # enough panels to share, with a cut within one
        (2100, 13, 450),  # with dout in several pieces
        (12000, 13, 40),  # more samples than one chain of sums
    ],
)
@pytest.mark.parametrize("name", SPACED)
def test_panels_give_the_bits_of_rows(name, shape, dtype, threads):
    kernel = kernels.get(name, "native")
    width = kernel.panel_columns(dtype)
    dims = dict(zip("ndm", shape, strict=True)) | {"g": -(-shape[0] // 16)}
    rows = arguments(name, dims, dtype)
    spaced = [a.name for a in SIGNATURES[name].arrays if a.spaced]
    panels = {k: in_panels(v, width) if k in spaced else np.copy(v) for k, v in rows.items()}
    panels = {k: v if isinstance(rows[k], np.ndarray) else rows[k] for k, v in panels.items()}
    before = fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(threads)
        kernel(*panels.values())
        fastnn.set_num_threads(1)
        kernel(*rows.values())
    finally:
        fastnn.set_num_threads(before)
    for k, v in rows.items():
        if isinstance(v, np.ndarray):
            assert same_bits(panels[k], in_panels(v, width) if k in spaced else v), k


def test_panels_of_another_number_or_width_are_refused():
    kernel = kernels.get("affine_forward", "native")
    width = kernel.panel_columns(np.float32)
    x, out = np.ones((2, 3), np.float32), np.ones((2, width + 1), np.float32)
    for shape in [(1, 3, width), (3, 3, width), (2, 3, width - 1), (2, 4, width)]:
        with pytest.raises(ValueError, match="affine_forward"):
            kernel(x, np.ones(shape, np.float32), None, out)
    kernel(x, np.ones((2, 3, width), np.float32), None, out)
    assert (out == 3).all()
