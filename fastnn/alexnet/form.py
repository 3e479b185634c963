"""AlexNet as data: both forms of the network, described once, and the points at which they may be cut.

`network` makes the fastnn model of it and `torch_network` the PyTorch module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

__all__ = ["DROPOUT", "FORMS", "Conv", "Dense", "Dropout", "Flatten", "Form", "Pool", "ReLU", "Response", "Step"]

CLASSES = 1000  # of ILSVRC, which both forms were trained on
DROPOUT = 0.5


@dataclass(frozen=True)
class Conv:
    """A convolution, and what follows its ReLU."""

    name: str
    filters: int
    size: int
    stride: int = 1
    pad: int = 0
    groups: int = 1
    pooled: bool = False
    normed: bool = False


@dataclass(frozen=True)
class ReLU:
    """max(x, 0)."""


@dataclass(frozen=True)
class Pool:
    """A max-pool."""

    size: int = 3
    stride: int = 2


@dataclass(frozen=True)
class Response:
    """Local response normalisation: x (k + α Σ x²)^(-β), the sum over `size` neighbouring channels.

    Parameters
    ----------
    size : int
    alpha, beta, k : float
    divide : bool
        Whether α is divided by `size`.
    after_pool : bool
        Whether it follows the max-pool or goes before it.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
    divide: bool = True
    after_pool: bool = True


@dataclass(frozen=True)
class Flatten:
    """Each image as one row, channel by channel."""


@dataclass(frozen=True)
class Dropout:
    """A share of the values set to 0 while training."""

    rate: float


@dataclass(frozen=True)
class Dense:
    """A fully connected layer."""

    name: str
    units: int


Operation = Conv | ReLU | Pool | Response | Flatten | Dropout | Dense


@dataclass(frozen=True)
class Step:
    """One operation; `point` names its outputs where the network may be cut there, and is empty elsewhere."""

    point: str
    operation: Operation


@dataclass(frozen=True)
class Form:
    """A form of the network.

    Parameters
    ----------
    name : str
    image : int
        Rows and columns of an image of three channels.
    convs : tuple of Conv
    hidden : tuple of int
        Units of the fully connected layers before the outputs.
    """

    name: str
    image: int
    convs: tuple[Conv, ...]
    hidden: tuple[int, ...] = (4096, 4096)

    @property
    def dense(self) -> tuple[str, ...]:
        """Names of the fully connected layers, counted on from the convolutions."""
        first = len(self.convs) + 1
        return tuple(f"fc{first + i}" for i in range(len(self.hidden) + 1))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all layers with weights."""
        return (*(conv.name for conv in self.convs), *self.dense)

    @property
    def normed(self) -> bool:
        """Whether there is response normalisation."""
        return any(conv.normed for conv in self.convs)

    @property
    def cuts(self) -> tuple[str, ...]:
        """The points at which the network may be cut, from the input on.

        ``.pool`` of a convolution without a pool of its own is its ReLU followed by the network's last pool; what
        lies between is skipped.
        """
        points: list[str] = []
        for conv in self.convs:
            points += [conv.name, f"{conv.name}.relu", f"{conv.name}.pool"]
            points += [f"{conv.name}.norm"] if conv.normed else []
        return (*points, *(point for name in self.dense[:-1] for point in (name, f"{name}.relu")))

    def check_cut(self, function: str, cut: str) -> str:
        """`cut`, if the network has it.

        Raises
        ------
        ValueError
            If it has not; the message has the list of those it has.
        """
        if cut not in self.cuts:
            raise ValueError(
                f"{function}: cut: expected one of {', '.join(self.cuts)} (the {self.name} form), got {cut!r}"
            )
        return cut

    def steps(
        self,
        response: Response | None = None,
        cut: str | None = None,
        *,
        classes: int = CLASSES,
        dropout: float = DROPOUT,
    ) -> tuple[Step, ...]:
        """The operations in their order, up to `cut`; without one all, the outputs for `classes` last.

        Raises
        ------
        ValueError
            If there is no such cut.
        """
        everything = list(self._steps(Response() if response is None else response, classes, dropout))
        if cut is None:
            return tuple(everything)
        self.check_cut("alexnet", cut)
        points = [step.point for step in everything]
        if cut in points:
            return tuple(everything[: points.index(cut) + 1])
        relu = points.index(cut.removesuffix(".pool") + ".relu")
        return (*everything[: relu + 1], Step(cut, Pool()))

    def _steps(self, response: Response, classes: int, dropout: float) -> Iterator[Step]:
        for conv in self.convs:
            yield Step(conv.name, conv)
            yield Step(f"{conv.name}.relu", ReLU())
            pool = [Step(f"{conv.name}.pool", Pool())] if conv.pooled else []
            norm = [Step(f"{conv.name}.norm", response)] if conv.normed else []
            yield from pool + norm if response.after_pool else norm + pool
        yield Step("", Flatten())
        for name, units in zip(self.dense, self.hidden, strict=False):
            yield Step("", Dropout(dropout))
            yield Step(name, Dense(name, units))
            yield Step(f"{name}.relu", ReLU())
        yield Step(self.dense[-1], Dense(self.dense[-1], classes))


def features_and_classifier(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """What goes before the flattening of the images, and what follows it."""
    images = tuple(takewhile(lambda step: not isinstance(step.operation, Flatten), steps))
    return images, steps[len(images) + 1 :]


FORMS = {
    form.name: form
    for form in (
        Form(
            "torchvision",
            224,
            (
                Conv("conv1", 64, 11, stride=4, pad=2, pooled=True),
                Conv("conv2", 192, 5, pad=2, pooled=True),
                Conv("conv3", 384, 3, pad=1),
                Conv("conv4", 256, 3, pad=1),
                Conv("conv5", 256, 3, pad=1, pooled=True),
            ),
        ),
        Form(
            "original",
            227,
            (
                Conv("conv1", 96, 11, stride=4, pooled=True, normed=True),
                Conv("conv2", 256, 5, pad=2, groups=2, pooled=True, normed=True),
                Conv("conv3", 384, 3, pad=1),
                Conv("conv4", 384, 3, pad=1, groups=2),
                Conv("conv5", 256, 3, pad=1, groups=2, pooled=True),
            ),
        ),
    )
}
"""By name: Krizhevsky (2014) as torchvision has it, and Krizhevsky, Sutskever & Hinton (2012)."""


def form_named(function: str, name: str) -> Form:
    """The form of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in FORMS:
        raise ValueError(f"{function}: form: expected one of {', '.join(FORMS)}, got {name!r}")
    return FORMS[name]
