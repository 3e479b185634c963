"""The workloads of the race, and what is aimed at in each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bench import images, operations

Kind = Literal["train", "images", "features", "loss", "predict", "gemm", "conv", "max_pool", "batch_norm"]
Rule = Literal["sgd", "momentum", "adam"]
# the kinds whose samples are images and can have several layouts
ON_IMAGES = ("images", "features", *operations.KINDS)


Kinds = Literal["avx512", "halves", "avx2"]  # of processors: whole AVX-512 units, units in halves, neither


@dataclass(frozen=True)
class Aim:
    """The ratios to fastnn's time, of PyTorch as people write it and of the best peer, and the share of the floor."""

    eager: float | None = None
    best: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    `sizes` are the layer widths of a network, (inputs, outputs) of one of images.NETWORKS, (rows, classes) of a loss,
    (m, k, n) of a product, or the operations.Shape of an operation on images. A step has `batch` rows of a data set of
    `rows` rows.
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
    direction: operations.Direction = "forward"
    algorithm: Literal["auto", "direct", "winograd"] = "auto"  # fastnn's algorithm; peers choose for themselves
    data: Literal["random", "mnist"] = "random"  # dense random rows, or real ones, which are mostly zeros
    precision: Literal["float32", "bf16"] = "float32"  # of the products of a training
    threads: int = 0  # 0: as many as the race has
    avx512: Aim = Aim()
    halves: Aim | None = None  # None: as avx512
    avx2: Aim = Aim(eager=1.0, best=1.0)

    @property
    def full_batch(self) -> bool:
        """Whether one step uses all rows, so that none are gathered."""
        return self.batch == self.rows

    @property
    def steps_per_epoch(self) -> int:
        """The number of full batches in one pass over the rows."""
        return self.rows // self.batch

    @property
    def flops(self) -> int:
        """The floating-point operations of the matrix products of one step."""
        if self.kind == "gemm":
            m, k, n = self.sizes
            return 2 * m * k * n
        if self.kind == "loss":
            return 0
        if self.kind in operations.KINDS:
            return operations.flops(self)
        if self.network:
            return images.flops(self.network, self.batch, training=self.kind == "images")
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        if self.kind == "predict":
            return 2 * self.batch * sum(products)
        # The first layer needs no gradient with respect to its input.
        return 2 * self.batch * (3 * sum(products) - products[0])

    def aim(self, kind: Kinds) -> Aim:
        """What is aimed at on a kind of processor or by its instruction set."""
        if kind == "halves" and self.halves is not None:
            return self.halves
        return self.avx2 if kind == "avx2" else self.avx512

    @property
    def data_bytes(self) -> int:
        """The size of the data set from which a step takes its rows; 0 if it has none."""
        return 4 * self.rows * self.sizes[0] if self.kind in ("train", "images", "features", "predict") else 0


def _convolution(key: str, title: str, sizes: tuple[int, ...], winograd: Aim | None) -> list[Workload]:
    """Rows for a forward pass by Winograd's algorithm if possible, a direct one, and one with both gradients."""
    direct = Aim(best=0.95)
    both = Aim(best=1.4) if winograd else direct
    rows = [
        Workload(f"{key}-direct", "conv", f"{title}, direct", "conv", sizes, algorithm="direct", avx512=direct),
        Workload(f"{key}-grad", "conv", f"{title}, forward + backward", "conv", sizes, direction="both", avx512=both),
    ]
    if winograd:
        by_winograd = Workload(key, "conv", f"{title}, Winograd", "conv", sizes, algorithm="winograd", avx512=winograd)
        rows.insert(0, by_winograd)
    return rows


CONVOLUTIONS: tuple[Workload, ...] = (
    *_convolution("conv-192", "192→384 3×3 at 13×13, 64 images", (64, 192, 13, 384, 3, 1, 1), Aim(best=2.3)),
    *_convolution("conv-384", "384→256 3×3 at 13×13, 64 images", (64, 384, 13, 256, 3, 1, 1), Aim(best=2.3)),
    *_convolution("conv-256", "256→256 3×3 at 14×14, 32 images", (32, 256, 14, 256, 3, 1, 1), Aim(best=2.3)),
    *_convolution("conv-32", "32→64 3×3 at 28×28, 32 images", (32, 32, 28, 64, 3, 1, 1), Aim(best=2.3)),
    *_convolution("conv2", "AlexNet conv2 5×5, 64 images", (64, 64, 27, 192, 5, 1, 2), Aim(best=1.6)),
    *_convolution("conv1", "AlexNet conv1 11×11 / 4, 16 images", (16, 3, 224, 64, 11, 4, 2), None),
    Workload(
        "conv-1-grad", "conv", "1→32 3×3 at 28×28, 32 images, forward + backward", "conv", (32, 1, 28, 32, 3, 1, 1),
        direction="both", avx512=Aim(best=3),
    ),
)  # fmt: skip


PRODUCTS_OF_ROWS = Aim(eager=1.0, best=1.0, share=0.80)  # with AVX2

DENSE: tuple[Workload, ...] = (
    Workload(
        "dense-b8", "dense", "784-200-10, batch 8, SGD", "train", (784, 200, 10), 8,
        avx512=Aim(best=2), avx2=Aim(eager=5, best=1),
    ),
    Workload(
        "dense-b4", "dense", "784-200-10, batch 4, SGD", "train", (784, 200, 10), 4,
        avx512=Aim(best=2.2), avx2=Aim(eager=5, best=1),
    ),
    Workload(
        "linear-b128", "dense", "784-10, batch 128, momentum", "train", (784, 10), 128,
        rule="momentum", momentum=0.9, avx512=Aim(best=2.7),
    ),
    Workload(
        "tanh-b60", "dense", "2352-70-6 tanh, batch 60, Adam", "train", (2352, 70, 6), 60,
        activation="tanh", rule="adam", learning_rate=1e-4, avx512=Aim(best=2),
    ),
    Workload(
        "wide-b100", "dense", "784-666-666-10, batch 100, SGD", "train", (784, 666, 666, 10), 100,
        avx512=Aim(best=1.35, share=0.78), halves=Aim(best=1.25, share=0.88), avx2=PRODUCTS_OF_ROWS,
    ),
    Workload(
        "wide-b200", "dense", "784-666-666-10, batch 200, SGD", "train", (784, 666, 666, 10), 200,
        avx512=Aim(best=1.3, share=0.78), halves=Aim(best=1.2, share=0.90), avx2=PRODUCTS_OF_ROWS,
    ),
    Workload(
        "full-batch", "dense", "784-1000-10, full batch of 10,000, momentum", "train",
        (784, 1000, 10), 10_000, rows=10_000, rule="momentum", momentum=0.95,
        avx512=Aim(best=1.15, share=0.82), halves=Aim(best=1.08, share=0.85), avx2=PRODUCTS_OF_ROWS,
    ),
    Workload(
        "small-full", "dense", "4-32-16-4, full batch of 10,000, SGD", "train", (4, 32, 16, 4), 10_000, rows=10_000,
        avx512=Aim(best=1),
    ),
    Workload(
        "higgs-b100", "dense", "28-300-300-300-300-300-2 tanh, batch 100, Adam", "train",
        (28, 300, 300, 300, 300, 300, 2), 100, activation="tanh", rule="adam", avx512=Aim(best=1),
    ),
    Workload(
        "wide-b200-bf16", "dense", "784-666-666-10, batch 200, SGD, products of bf16", "train",
        (784, 666, 666, 10), 200, precision="bf16", avx512=Aim(best=2), halves=Aim(best=1),
    ),
)  # fmt: skip

PREDICT: tuple[Workload, ...] = (
    Workload(
        "predict-1", "predict", "predict 784-200-10, one row", "predict", (784, 200, 10), 1,
        avx512=Aim(best=2),
    ),
    Workload(
        "predict-10000", "predict", "predict 784-200-10, 10,000 rows", "predict", (784, 200, 10),
        10_000, avx512=Aim(best=1.15, share=0.80), halves=Aim(share=0.80),
    ),
)  # fmt: skip


REAL = "-real"  # how the keys of rows with real images end


def _real(key: str, best: float) -> Workload:
    """A row of DENSE or PREDICT with real images; on halves of units the aim is that of the row with random ones."""
    row = next(workload for workload in (*DENSE, *PREDICT) if workload.key == key)
    return replace(
        row, key=f"{key}{REAL}", group="real", title=f"{row.title}, MNIST", data="mnist",
        avx512=Aim(best=best), halves=row.avx512,
    )  # fmt: skip


WORKLOADS: tuple[Workload, ...] = (
    *DENSE,
    *(_real(*row) for row in (("dense-b8", 3.5), ("dense-b4", 4), ("linear-b128", 3.5), ("tanh-b60", 2.2))),
    Workload(
        "loss-1000", "loss", "softmax loss + gradient, 4096 x 1000", "loss", (4096, 1000),
        avx512=Aim(best=3),
    ),
    Workload(
        "loss-10", "loss", "softmax loss + gradient, 4096 x 10", "loss", (4096, 10),
        avx512=Aim(best=3),
    ),
    *PREDICT,
    _real("predict-1", 2.5),
    Workload(
        "lenet-b128", "images", "LeNet-5, batch 128, Adam", "images", (784, 10), 128,
        rule="adam", network="lenet5", avx512=Aim(best=5.5, share=0.75), halves=Aim(best=5, share=0.75),
    ),
    Workload(
        "lenet-b2048", "images", "LeNet-5, batch 2048, Adam", "images", (784, 10), 2048,
        rule="adam", network="lenet5", avx512=Aim(best=4),
    ),
    Workload(
        "study6-b32", "images", "conv 32-dense 784, batch 32, Adam", "images", (784, 10), 32, rows=20_000,
        rule="adam", network="study6", avx512=Aim(best=2.8, share=0.70), halves=Aim(share=0.70),
    ),
    *CONVOLUTIONS,
    Workload(
        "pool", "conv", "max-pool 2×2 of 32×32×28×28, forward", "max_pool", (32, 32, 28, 0, 2, 2),
        avx512=Aim(best=1.2),
    ),
    Workload(
        "pool-grad", "conv", "max-pool 2×2 of 32×32×28×28, backward", "max_pool", (32, 32, 28, 0, 2, 2),
        direction="backward", avx512=Aim(best=1.2),
    ),
    Workload(
        "norm-grad", "conv", "batch norm of 32×32×28×28, forward + backward", "batch_norm", (32, 32, 28),
        direction="both", avx512=Aim(best=1.6),
    ),
    Workload(
        "alexnet-b64", "alexnet", "AlexNet features, batch 64", "features", (3 * 224 * 224, 9216), 64, rows=64,
        network="alexnet-features", avx512=Aim(best=2.2), halves=Aim(best=1.8),
    ),
    Workload(
        "alexnet-b1", "alexnet", "AlexNet features, one image", "features", (3 * 224 * 224, 9216), 1, rows=16,
        network="alexnet-features", avx512=Aim(best=1.3), halves=Aim(best=1.1),
    ),
    # so many steps in an epoch that the work at its ends does not matter
    Workload(
        "alexnet-train", "alexnet", "AlexNet training, batch 32, momentum", "images", (3 * 224 * 224, 1000), 32,
        rows=512, rule="momentum", momentum=0.9, network="alexnet", avx512=Aim(best=2.1), halves=Aim(best=1.5),
    ),
    *(
        Workload(
            f"{key}{suffix}", "gemm", f"GEMM {title}{words}", "gemm", sizes, threads=threads,
            avx512=Aim(best=best, share=share), halves=Aim(share=share), avx2=Aim(best=1.0, share=on_avx2),
        )
        for key, title, sizes, best, share, on_avx2 in (
            ("gemm-2048", "2048 × 2048 × 2048", (2048, 2048, 2048), 1.0, 0.88, 0.85),
            ("gemm-200", "200 × 784 × 666", (200, 784, 666), 1.05, 0.82, 0.80),
        )
        for suffix, words, threads in (("-one", ", one thread", 1), ("", "", 0))
    ),
)  # fmt: skip


def select(groups: list[str]) -> list[Workload]:
    """The workloads whose group or key is given, in the order of the table."""
    known = {w.group for w in WORKLOADS} | {w.key for w in WORKLOADS}
    unknown = [name for name in groups if name not in known]
    if unknown:
        raise ValueError(f"race: expected rows among {', '.join(sorted(known))}, but {', '.join(unknown)} came")
    return [w for w in WORKLOADS if w.group in groups or w.key in groups]


def find(key: str) -> Workload:
    """The workload with that key."""
    for workload in WORKLOADS:
        if workload.key == key:
            return workload
    raise ValueError(f"race: no workload is called {key!r}")
