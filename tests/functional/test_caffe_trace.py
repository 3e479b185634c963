"""The first layers of a trained network agree with Caffe on one image: convolutions, pools and response norms."""

from pathlib import Path

import numpy as np
import pytest

from fastnn import functional as F

TRACE = Path(__file__).resolve().parents[3] / "shared" / "data" / "alexnet" / "caffenet_trace.npz"

pytestmark = pytest.mark.skipif(not TRACE.is_file(), reason="no trace of Caffe beside the repository")


@pytest.fixture(scope="module")
def trace():
    with np.load(TRACE) as file:
        return {name: np.ascontiguousarray(file[name], "f4") for name in file.files}


STEPS = {
    "relu1": ("input", lambda x, t: np.maximum(F.conv_forward(x, t["conv1.w"], t["conv1.b"], stride=4)[0], 0)),
    "pool1": ("relu1", lambda x, t: F.max_pool_forward(x, size=3, stride=2)[0]),
    "norm1": ("pool1", lambda x, t: F.local_response_norm_forward(x, size=5, alpha=1e-4, beta=0.75)[0]),
    "relu2": ("norm1", lambda x, t: np.maximum(F.conv_forward(x, t["conv2.w"], t["conv2.b"], pad=2, groups=2)[0], 0)),
    "pool2": ("relu2", lambda x, t: F.max_pool_forward(x, size=3, stride=2)[0]),
    "norm2": ("pool2", lambda x, t: F.local_response_norm_forward(x, size=5, alpha=1e-4, beta=0.75)[0]),
    "pool5": ("relu5", lambda x, t: F.max_pool_forward(x, size=3, stride=2)[0]),
}


@pytest.mark.parametrize("layer", STEPS)
def test_each_layer_agrees_with_caffe(layer, trace):
    before, step = STEPS[layer]
    out = step(trace[before][None], trace)[0]
    assert np.abs(out - trace[layer]).max() <= 6e-6 * np.abs(trace[layer]).max()
