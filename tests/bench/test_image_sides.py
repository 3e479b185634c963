"""In the rows of the race on images, every side and setting computes the same as our NumPy reference or PyTorch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench import heat, images, operations, peers, workloads

SMALL = {
    "conv": (16, 24, 9, 40, 3, 1, 1),
    "conv1-direct": (16, 3, 23, 8, 5, 2, 2),
    "max_pool": (16, 3, 8, 0, 2, 2),
    "batch_norm": (16, 5, 7),
}
ROWS = ["conv-192", "conv-192-direct", "conv-192-grad", "conv1-direct", "conv1-grad", "pool", "pool-grad", "norm-grad"]
OTHERS = ["torch", "jax", "tensorflow"]
RUNTIMES = ["onnxruntime", "openvino"]  # of ONNX models


def _operation(key: str):
    """The workload of a row at another size, of which only the numbers matter."""
    workload = workloads.find(key)
    sizes = SMALL["conv1-direct"] if key.startswith("conv1") else SMALL[workload.kind]
    return dataclasses.replace(workload, sizes=sizes)


def _network(key: str, network: str):
    """The workload of a row with a smaller network."""
    pixels = int(np.prod(images.NETWORKS[network].input))
    workload = workloads.find(key)
    rows = (6 if workload.kind == "images" else 2) * workload.batch
    return dataclasses.replace(workload, network=network, sizes=(pixels, 10), rows=rows)


def _plainly(setting) -> bool:
    """Whether a setting needs no compiler, which would take long."""
    return not (setting.options.get("compile") or setting.options.get("xla"))


def _side(name: str, workload) -> list[tuple[str, list[float]]]:
    """Each uncompiled setting of a framework, and its numbers."""
    if not peers.installed(name):
        pytest.skip(f"{name} is not installed")
    side = peers.load(name)
    settings = [s for s in side.settings(workload, 1) if _plainly(s)]
    assert settings
    return [(s.name, side.prepare(workload, s).check()) for s in settings]


@pytest.mark.parametrize("key", ROWS)
def test_fastnn_computes_what_its_reference_computes(key):
    workload = _operation(key)
    assert heat.agree(_side("fastnn", workload)[0][1], _side("numpy", workload)[0][1])


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("key", ROWS)
def test_others_compute_what_the_reference_computes(name, key):
    workload = _operation(key)
    expected = _side("numpy", workload)[0][1]
    for setting, numbers in _side(name, workload):
        assert heat.agree(numbers, expected), setting


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize(
    ("key", "network"),
    [
        ("alexnet-b1", "study6"),
        ("alexnet-b64", "lenet5"),
        pytest.param("lenet-b128", "lenet5", marks=pytest.mark.slow),
        pytest.param("alexnet-train", "study6", marks=pytest.mark.slow),
    ],
)
def test_all_sides_agree_on_networks(name, key, network):
    workload = _network(key, network)
    expected = _side("fastnn", workload)[0][1]
    for setting, numbers in _side(name, workload):
        assert heat.agree(numbers, expected), setting


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("network", ["lenet5", "alexnet-features"])
def test_runtimes_of_onnx_models_compute_the_same_features(name, network):
    pytest.importorskip("onnx")
    workload = _network("alexnet-b1", network)
    expected = _side("fastnn", workload)[0][1]
    for setting, numbers in _side(name, workload):
        assert heat.agree(numbers, expected), setting


def test_numbers_tell_positions_apart():
    x = np.arange(12.0).reshape(1, 3, 2, 2)
    assert operations.numbers(x)[0] == operations.numbers(x[:, ::-1])[0] == 66
    assert operations.numbers(x)[1] != operations.numbers(x[:, ::-1])[1]


def test_alexnet_has_its_shapes():
    shapes = {layer.units: shape for layer, shape in images.shaped("alexnet") if layer.kind in ("conv", "dense")}
    assert shapes[64] == (3, 224, 224)
    assert shapes[192] == (64, 27, 27)
    assert shapes[384] == (192, 13, 13)
    assert shapes[1000] == (4096,)
    assert [item.shape for item in images.learned("alexnet")][5] == (9216, 4096)


def test_operations_count_their_products():
    work = 64 * 13 * 13 * 384 * 192 * 9
    assert workloads.find("conv-192").flops == workloads.find("conv-192-direct").flops == 2 * work
    assert workloads.find("conv-192-grad").flops == 6 * work
    assert workloads.find("pool").flops == workloads.find("norm-grad").flops == 0
