"""JAX on images: networks with channels before or after rows and columns, trained by jitted scans of steps."""

from __future__ import annotations

from typing import Any

from bench import images
from bench.images import ImageLayer
from bench.peers import base
from bench.peers.base import Runner, Setting
from bench.peers.jax_dense import Train, device_parameters
from bench.workloads import Workload


def settings(threads: int) -> list[Setting]:
    """One setting for each number of threads and layout."""
    return [
        Setting(f"{s.name}, {layout}", s.threads, {"layout": layout})
        for layout in ("NCHW", "NHWC")
        for s in base.plain_settings(threads)
    ]


def convolution(x: Any, w: Any, b: Any, layer: ImageLayer, last: bool) -> Any:
    """The convolution of a layer; `last` says whether channels come after rows and columns."""
    import jax

    layout = "NHWC" if last else "NCHW"
    window = ((layer.stride,) * 2, [(layer.pad, layer.pad)] * 2)
    out = jax.lax.conv_general_dilated(x, w, *window, dimension_numbers=(layout, "OIHW", layout))
    return out + b.reshape((-1,) if last else (-1, 1, 1))


def max_pool(x: Any, layer: ImageLayer, last: bool) -> Any:
    """The max-pooling of a layer."""
    import jax
    import jax.numpy as jnp

    def over(n: int) -> tuple[int, ...]:
        return (1, n, n, 1) if last else (1, 1, n, n)

    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, over(layer.size), over(layer.stride), "VALID")


def normalised(x: Any, last: bool, eps: float = 1e-5) -> Any:
    """Normalise each channel by its mean and variance over the batch."""
    import jax

    axes = (0, 1, 2) if last else (0, 2, 3)
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + eps)


def forward(params: Any, x: Any, network: str, last: bool) -> Any:
    """The outputs for images x (n, pixels): logits, or features n × channels × rows × columns."""
    import jax
    import jax.numpy as jnp

    x = x.reshape(-1, *images.NETWORKS[network].input)
    x = jnp.moveaxis(x, 1, -1) if last else x
    learned = iter(params)
    for layer in images.NETWORKS[network].layers:
        if layer.kind == "relu":
            x = jax.nn.relu(x)
        elif layer.kind == "pool":
            x = max_pool(x, layer, last)
        elif layer.kind == "norm":
            x = normalised(x, last)
        elif layer.kind == "conv":
            x = convolution(x, *next(learned), layer, last)
        else:
            x = jnp.moveaxis(x, -1, 1) if last and x.ndim == 4 else x
            w, b = next(learned)
            x = x.reshape(len(x), -1) @ w + b
    return jnp.moveaxis(x, -1, 1) if last and x.ndim == 4 else x


class TrainImages(Train):
    """Trains by scans of `chunk` steps, as for dense networks."""

    def __init__(self, workload: Workload, last: bool) -> None:
        super().__init__(workload)
        self.last = last

    def logits(self, params: Any, x: Any) -> Any:
        """The outputs of the network for the rows x."""
        return forward(params, x, self.workload.network, self.last)


class Features(base.FeaturesRunner):
    """Computes features by a jitted pass over images on the device."""

    def __init__(self, workload: Workload, last: bool) -> None:
        import jax
        import jax.numpy as jnp

        super().__init__(workload)
        params = device_parameters(workload)
        self.batches = [jnp.asarray(batch) for batch in self.batches]
        self.call = jax.jit(lambda x: forward(params, x, workload.network, last))

    def features(self, x: Any) -> Any:
        """Return the outputs for a batch, after they have been computed."""
        return self.call(x).block_until_ready()


def prepare(workload: Workload, setting: Setting) -> Runner:
    """Return the runner of a workload."""
    last = setting.options["layout"] == "NHWC"
    return TrainImages(workload, last) if workload.kind == "images" else Features(workload, last)
