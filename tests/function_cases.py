"""Every pair of functions with arguments for it, for tests of what all of them have in common."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastnn import functional as F


@dataclass(frozen=True)
class Pair:
    """``name_forward`` and ``name_backward``, with shapes of arguments, options and kinks."""

    name: str
    shapes: tuple[tuple[int, ...], ...] = ((5, 7),)
    options: dict[str, Any] = field(default_factory=dict)
    kinks: tuple[float, ...] = ()

    def __str__(self) -> str:
        return "-".join([self.name, *map(str, self.shapes[0]), *map(str, self.options.values())])

    def forward(self, *args: Any) -> tuple[Any, Any]:
        return getattr(F, f"{self.name}_forward")(*args, **self.options)

    def backward(self, dout: Any, cache: Any) -> Any:
        return getattr(F, f"{self.name}_backward")(dout, cache)

    def arguments(self, dtype: Any, seed: int = 0) -> list[np.ndarray]:
        """Normally distributed data, moved 0.01 away from the kinks."""
        rng = np.random.default_rng(seed)
        args = [rng.standard_normal(shape) for shape in self.shapes]
        for kink in self.kinks:
            x = args[0]
            x[np.abs(x - kink) < 0.01] += 0.02
        return [a.astype(dtype) for a in args]


PAIRS = [
    Pair("affine", ((5, 7), (7, 3), (3,))),
    Pair("affine", ((4, 2, 3, 2), (12, 5), (5,))),
    Pair("conv", ((2, 3, 4, 5), (4, 3, 2, 3), (4,))),
    Pair("conv", ((2, 4, 5, 4), (2, 2, 3, 2), (2,)), {"stride": 2, "pad": ((1, 2), (0, 1)), "groups": 2}),
    Pair("conv", ((3, 1, 4, 6), (2, 1, 2, 2), (2,)), {"pad": "same", "dilation": (1, 2)}),
    Pair("max_pool", ((2, 3, 5, 4),), {"size": 2}),
    Pair("max_pool", ((2, 2, 6, 7),), {"size": (3, 2), "stride": (2, 1), "pad": ((1, 2), (0, 1))}),
    Pair("avg_pool", ((2, 3, 5, 4),), {"size": 2}),
    Pair("avg_pool", ((2, 2, 6, 7),), {"size": 3, "stride": 2, "pad": 1, "count_pad": False}),
    Pair("batch_norm", ((5, 7), (7,), (7,))),
    Pair("batch_norm", ((3, 4, 3, 2), (4,), (4,)), {"eps": 0.1}),
    Pair("layer_norm", ((5, 7), (7,), (7,))),
    Pair("layer_norm", ((3, 2, 3), (2, 3), (2, 3))),
    Pair("group_norm", ((3, 6), (6,), (6,)), {"groups": 2}),
    Pair("group_norm", ((3, 4, 3, 2), (4,), (4,)), {"groups": 2}),
    Pair("local_response_norm", ((3, 7, 2, 2),), {"size": 3, "alpha": 0.5}),
    Pair("local_response_norm", ((3, 5),), {"size": 4, "alpha": 0.5, "beta": 0.6, "k": 2.0, "divide": False}),
    Pair("dropout", options={"rate": 0.4, "seed": 3}),
    Pair("relu", kinks=(0,)),
    Pair("leaky_relu", options={"alpha": 0.2}, kinks=(0,)),
    Pair("elu", options={"alpha": 1.0}),
    Pair("elu", options={"alpha": 0.6}, kinks=(0,)),
    Pair("sigmoid"),
    Pair("tanh"),
    Pair("tanhshrink"),
    Pair("gelu"),
    Pair("silu"),
    Pair("softplus"),
    Pair("mish"),
    Pair("hard_sigmoid", kinks=(-3, 3)),
    Pair("hard_swish", kinks=(-3, 3)),
    Pair("selu", kinks=(0,)),
    Pair("prelu", ((5, 7), (1,)), kinks=(0,)),
    Pair("prelu", ((3, 4, 3, 2), (4,)), kinks=(0,)),
    Pair("softshrink", options={"lambd": 0.5}, kinks=(-0.5, 0.5)),
    Pair("softmax"),
    Pair("softmax", ((2, 3, 4),)),
    Pair("softmin"),
    Pair("log_softmax"),
]


def outputs(result: Any) -> Iterator[np.ndarray]:
    """The arrays in the result of a function."""
    for part in result if isinstance(result, tuple) and not hasattr(result, "origin") else (result,):
        if isinstance(part, np.ndarray):
            yield part
        elif isinstance(part, float):
            yield np.array(part)


def run_all(pair: Pair, args: list[np.ndarray], dout: np.ndarray) -> list[np.ndarray]:
    """The output and all gradients."""
    out, cache = pair.forward(*args)
    return [out, *outputs(pair.backward(dout, cache))]


LOSSES: dict[str, Callable[[Any], tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    "softmax_loss labels": lambda dtype: (F.softmax_loss, (_scores(dtype), np.array([0, 3, 1, 3, 2, 0]))),
    "softmax_loss weights": lambda dtype: (F.softmax_loss, (_scores(dtype), np.abs(_scores(dtype, 2)))),
    "hinge_loss": lambda dtype: (F.hinge_loss, (_scores(dtype), np.array([0, 3, 1, 3, 2, 0]))),
    "mse_loss": lambda dtype: (F.mse_loss, (_scores(dtype), _scores(dtype, 1))),
}


def _scores(dtype: Any, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((6, 4)).astype(dtype)
