"""The workloads of the race, and the ratios that each must reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench import images

Kind = Literal["train", "images", "loss", "predict", "gemm"]
Rule = Literal["sgd", "momentum", "adam"]


@dataclass(frozen=True)
class Required:
    """Least ratio peer time / fastnn time: to PyTorch as people write it, to the best peer."""

    eager: float | None = None
    best: float | None = None


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    `sizes` are the layer widths of a network; (pixels, classes) of one of images.NETWORKS; (rows, classes) of a loss;
    (m, k, n) of a product. `batch` is the rows of a step, `rows` those of the data set that they are drawn from.
    """

    key: str
    group: str
    title: str
    kind: Kind
    sizes: tuple[int, ...]
    batch: int = 0
    rows: int = 60_000
    activation: Literal["relu", "tanh"] = "relu"
    rule: Rule = "sgd"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    network: str = ""
    avx512: Required = Required()
    avx2: Required = Required(eager=1.0)

    @property
    def full_batch(self) -> bool:
        """Whether one step sees every row, so that nothing is drawn."""
        return self.batch == self.rows

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in one pass over the rows."""
        return self.rows // self.batch

    @property
    def flops(self) -> int:
        """Floating-point operations of the matrix products of one step."""
        if self.kind == "gemm":
            m, k, n = self.sizes
            return 2 * m * k * n
        if self.kind == "loss":
            return 0
        if self.kind == "images":
            return images.flops(self.network, self.batch)
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        if self.kind == "predict":
            return 2 * self.batch * sum(products)
        # The first layer needs no gradient with respect to its input.
        return 2 * self.batch * (3 * sum(products) - products[0])

    def required(self, isa: str | None) -> Required:
        """The ratios to reach on instruction set `isa` (None: the machine's best)."""
        return self.avx2 if isa == "avx2" else self.avx512


WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "dense-b8", "dense", "784-200-10, batch 8, SGD", "train", (784, 200, 10), 8,
        avx512=Required(8, 2), avx2=Required(5),
    ),
    Workload(
        "dense-b4", "dense", "784-200-10, batch 4, SGD", "train", (784, 200, 10), 4,
        avx512=Required(9, 2.2), avx2=Required(5),
    ),
    Workload(
        "linear-b128", "dense", "784-10, batch 128, momentum", "train", (784, 10), 128,
        rule="momentum", momentum=0.9, avx512=Required(7, 2.7),
    ),
    Workload(
        "tanh-b60", "dense", "2352-70-6 tanh, batch 60, Adam", "train", (2352, 70, 6), 60,
        activation="tanh", rule="adam", learning_rate=1e-4, avx512=Required(4.5, 2),
    ),
    Workload(
        "wide-b100", "dense", "784-666-666-10, batch 100, SGD", "train", (784, 666, 666, 10), 100,
        avx512=Required(2.6, 1.15),
    ),
    Workload(
        "wide-b200", "dense", "784-666-666-10, batch 200, SGD", "train", (784, 666, 666, 10), 200,
        avx512=Required(2.5, 1.15),
    ),
    Workload(
        "full-batch", "dense", "784-1000-10, full batch of 10,000, momentum", "train",
        (784, 1000, 10), 10_000, rows=10_000, rule="momentum", momentum=0.95,
        avx512=Required(2.7, 1.5),
    ),
    Workload(
        "loss-1000", "loss", "softmax loss + gradient, 4096 x 1000", "loss", (4096, 1000),
        avx512=Required(3.5, 3),
    ),
    Workload(
        "loss-10", "loss", "softmax loss + gradient, 4096 x 10", "loss", (4096, 10),
        avx512=Required(6, 3),
    ),
    Workload(
        "predict-1", "predict", "predict 784-200-10, one row", "predict", (784, 200, 10), 1,
        avx512=Required(3, 2),
    ),
    Workload(
        "predict-10000", "predict", "predict 784-200-10, 10,000 rows", "predict", (784, 200, 10),
        10_000, avx512=Required(2, 1.1),
    ),
    Workload(
        "lenet-b128", "images", "LeNet-5, batch 128, Adam", "images", (784, 10), 128,
        rule="adam", network="lenet5", avx512=Required(6, 5),
    ),
    Workload(
        "lenet-b2048", "images", "LeNet-5, batch 2048, Adam", "images", (784, 10), 2048,
        rule="adam", network="lenet5", avx512=Required(6, 4),
    ),
    Workload(
        "study6-b32", "images", "conv 32-dense 784, batch 32, Adam", "images", (784, 10), 32, rows=20_000,
        rule="adam", network="study6", avx512=Required(7, 3.5),
    ),
    Workload("gemm-2048", "gemm", "GEMM 2048 x 2048 x 2048", "gemm", (2048, 2048, 2048)),
    Workload("gemm-200", "gemm", "GEMM 200 x 784 x 666", "gemm", (200, 784, 666)),
)  # fmt: skip

# Least share of the measured FMA peak of a product alone, packing included.
GEMM_SHARE = {"gemm-2048": 0.90, "gemm-200": 0.85}


def select(groups: list[str]) -> list[Workload]:
    """The workloads whose group or key is named, in the table's order."""
    known = {w.group for w in WORKLOADS} | {w.key for w in WORKLOADS}
    unknown = [name for name in groups if name not in known]
    if unknown:
        raise ValueError(f"race: expected rows among {', '.join(sorted(known))}, but {', '.join(unknown)} came")
    return [w for w in WORKLOADS if w.group in groups or w.key in groups]


def find(key: str) -> Workload:
    """The workload of that key."""
    for workload in WORKLOADS:
        if workload.key == key:
            return workload
    raise ValueError(f"race: no workload is called {key!r}")
