"""PyTorch: its settings, of which the first is eager as people write it, and the runner of each kind of workload."""

from __future__ import annotations

from bench import operations
from bench.peers import base, torch_dense, torch_images, torch_operations
from bench.peers.base import Runner, Setting
from bench.workloads import ON_IMAGES, Workload

MODULE = "torch"


def settings(workload: Workload, threads: int) -> list[Setting]:
    """Return eager with default optimisers on all threads first, then the settings that may be faster.

    The mode "graph" compiles the step as one graph: gather, loss, gradients by `torch.func` and update.
    """
    if workload.kind == "gemm":
        return base.plain_settings(threads)
    if workload.kind in ON_IMAGES:
        return torch_images.settings(workload, threads)
    modes = [("eager", ""), ("compile", "")]
    if workload.kind == "train":
        modes = [("eager", ""), ("eager", "foreach"), ("eager", "fused"), ("compile", "fused"), ("graph", "")]
    if workload.precision == "bf16":
        ways = (("eager", "autocast"), ("eager", "matmul"), ("compile", "autocast"), ("compile", "matmul"))
        return [_rounded(count, *way) for count in base.plain_settings(threads) for way in ways]
    return [_named(count, *mode) for count in base.plain_settings(threads) for mode in modes]


def _named(count: Setting, mode: str, optimizer: str) -> Setting:
    parts = [count.name, mode] + ([f"{optimizer} optimizer"] if optimizer else [])
    return Setting(", ".join(parts), count.threads, {"mode": mode, "optimizer": optimizer})


def _rounded(count: Setting, mode: str, rounding: str) -> Setting:
    """Products of bf16 by autocast, as people write it, or by the precision of float32 products (`matmul`)."""
    named = {"autocast": "bf16 autocast", "matmul": "fp32_precision bf16"}[rounding]
    options = {"mode": mode, "optimizer": "", "rounding": rounding}
    return Setting(f"{count.name}, {mode}, {named}", count.threads, options)


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    import torch

    torch.set_num_threads(setting.threads)
    if workload.kind in operations.KINDS:
        return torch_operations.Operation(workload, setting)
    if workload.kind in ON_IMAGES:
        return (torch_images.Train if workload.kind == "images" else torch_images.Features)(workload, setting)
    mode = setting.options.get("mode", "eager")
    if workload.kind == "train":
        if mode == "graph":
            return torch_dense.GraphTrain(workload)
        rounding = setting.options.get("rounding")
        if rounding == "matmul":
            torch.backends.mkldnn.matmul.fp32_precision = "bf16"
        return torch_dense.Train(workload, mode == "compile", setting.options["optimizer"], rounding == "autocast")
    if workload.kind == "loss":
        return torch_dense.Loss(workload, mode == "compile")
    if workload.kind == "predict":
        return torch_dense.Predict(workload, mode == "compile")
    return torch_dense.Gemm(workload)
