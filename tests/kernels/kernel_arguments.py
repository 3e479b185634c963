"""Makes arguments for any kernel from its signature, and from what signatures cannot express."""

from typing import Any

import numpy as np
from strategies import Array

from fastnn.kernels import SIGNATURES, Activation, ConvAlgorithm, ElementwiseLoss, UpdateRule, reference
from fastnn.kernels.convolution import moments_work, winograd_shape, winograd_tile_work, winograd_work
from fastnn.kernels.limits import PRELU
from fastnn.kernels.signature import Argument
from fastnn.kernels.updates import orthogonal_work

GATHER_DTYPES = ("f4", "f8", "u1", "i1", "u2", "i2", "i4", "i8")
_ALPHAS = {
    Activation.LEAKY_RELU: (0.0, 0.01, 0.25),
    Activation.ELU: (0.5, 1.0, 1.7),
    Activation.SOFTSHRINK: (0.0, 0.3, 0.5),
}
_WINDOW = {
    "stride_h": (1, 1, 2, 3),
    "stride_w": (1, 1, 2, 4),
    "pad_h": (0, 1, 4),
    "pad_w": (0, 1, 3),
    "dilation_h": (1, 1, 3),
    "dilation_w": (1, 1, 2),
    "algorithm": tuple(ConvAlgorithm),
    "size_h": (1, 2, 2, 3, 20),
    "size_w": (1, 2, 2, 3, 15),
    "size": (1, 2, 5, 40),
    "count_pad": (0, 1),
    "fixed": (0, 1),
    "purpose": (3, 3 + (7 << 16)),
    "epoch": (0, 1, 2**32 - 1),
    "seed_low": (0, 1, 2**32 - 1),
    "seed_high": (0, 2**32 - 1),
}


_PADDING = 12345.0  # visible in any sum that reads it


class Arguments(dict[str, Any]):
    """The arguments of one call by name, in the order of the signature."""

    def copy(self) -> "Arguments":
        """Copies of all arrays; padded rows stay padded."""
        return Arguments({k: _copy(v) if isinstance(v, np.ndarray) else v for k, v in self.items()})

    def unpadded(self) -> "Arguments":
        """Copies of all arrays, without padding between rows."""
        return Arguments({k: v.copy() if isinstance(v, np.ndarray) else v for k, v in self.items()})

    def padding_untouched(self) -> bool:
        arrays = [v for v in self.values() if isinstance(v, np.ndarray) and not v.flags.c_contiguous]
        return all(np.all(v.base[:, v.shape[1] :] == _PADDING) for v in arrays)


def _copy(a: Array) -> Array:
    return a.copy() if a.flags.c_contiguous else _padded(a, a.base.shape[1] - a.shape[1])


def _padded(a: Array, padding: int) -> Array:
    """``a`` with padding between its rows."""
    wide = np.full((len(a), a.shape[1] + padding), _PADDING, a.dtype)
    wide[:, : a.shape[1]] = a
    return wide[:, : a.shape[1]] if padding else wide


def make(
    kernel: str,
    dims: dict[str, int],
    dtype: type[np.floating],
    seed: int,
    *,
    integers: bool = False,
    **given: Any,
) -> Arguments:
    """Make random arguments for ``kernel``.

    Outputs that the kernel must not read contain NaN. With ``integers``, data and scalars are such that sums and
    products are exact. ``given`` arguments are used as they are.
    """
    groups = {"g": -(-dims["n"] // 16)} if "n" in dims else {}  # groups of 16 images
    maker = _Maker(kernel, groups | dims, dtype, np.random.default_rng(seed), integers)
    return maker.make(given)


class _Maker:
    def __init__(
        self,
        kernel: str,
        dims: dict[str, int],
        dtype: type[np.floating],
        rng: np.random.Generator,
        integers: bool,
    ) -> None:
        self.kernel, self.dtype, self.rng, self.integers = kernel, dtype, rng, integers
        self.signature = SIGNATURES[kernel]
        if {"g", "n"} <= set(dims):  # n images in groups of 16
            dims["g"] = -(-dims["n"] // 16)
        if kernel.startswith("gather") or kernel == "warp_images":
            dims["r"] = max(dims["r"], dims["n"])  # an index of None reads the first n rows
        self.flip = int(rng.integers(2))
        if kernel == "winograd_forward":
            self._winograd_on_few_images(dims)
        elif kernel.startswith("winograd"):
            self._winograd(dims)
        elif "k" in dims and "f" in dims:  # channels of a group
            groups = 1 + dims["c"] % 3
            dims["c"] = groups * dims["k"]
            dims["f"] = groups * max(1, dims["f"] // groups)
        if kernel.endswith("_panels"):
            dims["c"] = -(-dims["m"] // dims["s"])
        if "norm_max_pool" in kernel:  # windows that tile the image
            dims["h"], dims["w"] = dims["p"] * (1 + dims["h"] % 3), dims["q"] * (1 + dims["w"] % 3)
        if kernel.startswith("embedding"):
            dims["d"], dims["o"] = dims["k"] + dims["c"], dims["k"] + dims["c"] * dims["m"]
            self.codes = self._codes(dims)
        if "statistics" in kernel or "norm_max_pool_backward" in kernel:
            dims["*"] = moments_work(dims["g"], dims["f" if kernel.startswith("conv") else "c"])
        if kernel == "orthogonal_update":
            dims["*"] = orthogonal_work(dims["d"], dims["m"])
        if kernel.startswith("group_norm"):
            dims["c"] = dims["m"] * max(1, dims["c"] // dims["m"])
        self.dims = dims
        self.padding = int(rng.integers(1, 40)) if rng.random() < 0.4 else 0  # padding of arrays that may have it

    def _codes(self, dims: dict[str, int]) -> dict[str, Array]:
        """Which columns are kept and which hold codes of which rows: rows of their own, or the same ones for all."""
        columns = self.rng.permutation(dims["d"])
        cuts = np.sort(self.rng.integers(0, dims["r"] + 1, max(0, dims["c"] - 1)))
        ends = np.concatenate([[0], cuts, [dims["r"]]])
        first, count = (ends[:-1], np.diff(ends)) if self.rng.random() < 0.5 else ([0], [dims["r"]])
        found = {"kept": columns[: dims["k"]], "column": columns[dims["k"] :]}
        found |= {"first": np.resize(first, dims["c"]), "count": np.resize(count, dims["c"])}
        return {name: np.ascontiguousarray(value, np.int64) for name, value in found.items()}

    def _coded(self, shape: tuple[int, ...]) -> Array:
        """Samples with codes, of which a few have no row or are none."""
        x, count = self._real(shape), self.codes["count"]
        codes = self.rng.integers(-1, np.maximum(count, 0), (len(x), len(count))).astype(self.dtype)
        wrong = np.array([-2, -0.5, 0.5, 2.0**24, 1e30, np.nan, np.inf, -np.inf])
        codes = np.where(self.rng.random(codes.shape) < 0.1, self.rng.choice([*wrong, *count], codes.shape), codes)
        x[:, self.codes["column"]] = codes
        return x

    def _winograd(self, dims: dict[str, int]) -> None:
        """Set dimensions that follow from others: groups, square filters, blocks of transformed weights."""
        groups = dims["e"] = 1 + dims.get("e", dims.get("c", 0)) % 2
        dims["f"] = groups * -(-dims["f"] // groups)
        filters, channels = dims["f"] // groups, dims["k"]
        dims["c"] = groups * channels
        dims["*"] = winograd_work(filters, channels)
        if "r" in dims:
            dims["r"] = dims["s"] = 3 if dims["r"] % 2 else 5
            if self.flip and "i" in dims:
                filters, channels = channels, filters
        blocks = winograd_shape(filters, channels, groups)
        dims["j"] = blocks[1]
        dims["i"] = channels

    def _winograd_on_few_images(self, dims: dict[str, int]) -> None:
        """The same for few images; weight[i, k] is that of the layer, whose input gradient is computed with flip."""
        groups = 1 + dims["c"] % 2
        dims["c"], dims["f"] = (groups * -(-dims[name] // groups) for name in "cf")
        dims["i"], inputs = (dims["c"], dims["f"]) if self.flip else (dims["f"], dims["c"])
        dims["k"] = inputs // groups
        dims["r"] = dims["s"] = 3 if dims["r"] % 2 else 5
        dims["*"] = winograd_tile_work(dims["n"], dims["c"], groups, (dims["p"], dims["q"]), dims["r"])

    def make(self, given: dict[str, Any]) -> Arguments:
        absent = self._absent()
        made = Arguments()
        # scalars come first, because arrays depend on them
        for a in self.signature.scalars:
            made[a.name] = given[a.name] if a.name in given else self._scalar(a.name, made)
        if "size_h" in made:  # so that every window has a cell inside the image
            for edge, count, axis in (("h", "p", "_h"), ("w", "q", "_w")):
                least = (self.dims[count] - 1) * made["stride" + axis] - made["pad" + axis] + 1
                self.dims[edge] = max(self.dims[edge], least)
        for a in self.signature.arrays:
            if a.name in given:
                made[a.name] = given[a.name]
            else:
                made[a.name] = None if a.name in absent else self._array(a, made)
        if made.get("beta") == 0:
            for name in ("dw", "db"):
                if made.get(name) is not None:
                    made[name][...] = np.nan
        if "rule" in made:
            self._complete_update(made)
        if made.get("saved") is not None and "saved" not in given:
            made["saved"] = self._saved(made)
        elif "out" in made and self._is_backward():
            made["out"] = self._forward_output(made)
        return Arguments({a.name: made[a.name] for a in self.signature.arguments})

    def _absent(self) -> set[str]:
        """The optional arguments to leave out, where the bias and its companions go together."""
        optional = {a.name for a in self.signature.arrays if a.optional} - {"parameters"}  # which follow from the kind
        bias = optional & {"b", "db"}
        out = set(bias) if self.rng.random() < 0.3 else set()
        if self.kernel.startswith("learned_activation"):  # PReLU has one number
            out |= {"w2", "w3", "dw2", "dw3"}
        moved = optional & {"control", "basis_y", "basis_x"}
        if moved:
            out |= moved if self.rng.random() < 0.3 else set()
            optional -= moved
        return out | {name for name in sorted(optional - bias) if self.rng.random() < 0.3}

    def _is_backward(self) -> bool:
        return self.kernel.endswith(("_backward", "_backward_input"))

    def _scalar(self, name: str, made: dict[str, Any]) -> float:
        pick = self.rng.choice
        if name == "kind":
            # the fused gradient of a batch norm and a pool computes the derivative from the output of the activation
            from_output = "norm_max_pool_backward" in self.kernel
            exact = (Activation.IDENTITY, Activation.RELU)
            kinds = exact if self.integers and "activation" not in self.kernel else tuple(Activation)
            return int(pick([k for k in kinds if not (from_output and k.backward_needs_input)]))
        if name == "rule":
            exact = (UpdateRule.SGD, UpdateRule.MOMENTUM, UpdateRule.NESTEROV)
            return int(pick(exact if self.integers else tuple(UpdateRule)))
        if name == "learned_kind":
            return PRELU
        if name == "loss_kind":
            return int(pick(ElementwiseLoss))
        if name == "precision":  # tests/kernels/test_bf16.py and test_parts.py have the others
            return 0
        if name in ("c0", "c1", "c2"):
            return self._coefficient(int(name[1]), made)
        if name in ("pad_h", "pad_w") and "size" + name[3:] in made:
            return int(self.rng.integers(0, made["size" + name[3:]]))
        if name == "alpha" and "kind" in made:
            return float(pick(_ALPHAS.get(Activation(made["kind"]), (0.0,))))
        if name == "sign":
            return float(pick([-1.0, 1.0]))
        if name == "beta":
            return float(pick([0.0, 1.0]))
        if name == "flip":
            return self.flip
        if name == "size" and self.kernel.startswith("winograd"):
            return int(pick([3, 5]))
        if name in _WINDOW:
            return int(pick(_WINDOW[name]))
        if name == "images":  # the last group may be partly empty
            return int(self.rng.integers(max(0, 16 * self.dims["g"] - 15), 16 * self.dims["g"] + 1))
        exact = {
            "scale": [1.0, 0.5],
            "momentum": [0.5],
            "decay": [0.0, 0.25],
            "decay_b": [0.0, 0.5],
            "l1": [0.0, 0.5],
            "l2": [0.0, 2.0],
        }
        usual = {
            "scale": [1.0, 1 / 255, 1 / 7],
            "momentum": [0.9],
            "keep": [0.5, 0.999],
            "decay": [0.0, 0.01],
            "decay_b": [0.0, 0.3],
            "alpha": [1e-4, 0.5],
            "power": [0.75, 0.5, 1.3],
            "k": [1.0, 2.0],
            "l1": [0.0, 0.3],
            "l2": [0.0, 0.02],
            "rate": [0.0, 0.1, 0.5, 1.0],
            "noise": [0.0, 0.3, 20.0],
            "low": [-np.inf, -1.0, 0.0],
            "high": [np.inf, 1.0, 2.0],
        }
        others = {"delta": [1.0, 0.5], "gamma": [0.0, 1.0, 2.0, 0.7], "limit": [0.5, 3.0, 100.0], "eps": [1e-8, 1e-3]}
        return float(pick((usual | (exact if self.integers else {}) | others)[name]))

    def _coefficient(self, place: int, made: dict[str, Any]) -> float:
        names = UpdateRule(made["rule"]).coefficients
        if place >= len(names):
            return 0.0
        usual = {"momentum": [0.9], "rho": [0.99, 0.9], "beta1": [0.9, 0.5], "beta2": [0.999, 0.9], "eps": [1e-8, 1e-3]}
        exact = {"momentum": [0.5]} if self.integers else {}
        return float(self.rng.choice((usual | exact)[names[place]]))

    def _complete_update(self, made: dict[str, Any]) -> None:
        """Keep only the state that the rule has, with second moments that are not negative."""
        rule = UpdateRule(made["rule"])
        for slot in "mv":
            for suffix in ("", "w", "b"):
                name, of = slot + suffix, suffix or "w"
                if name not in made:
                    continue
                made[name] = None
                if slot in rule.slots and made[of] is not None:
                    values = self._real(made[of].shape)
                    signed = slot == "m" or rule in (UpdateRule.MOMENTUM, UpdateRule.NESTEROV)
                    values = values if signed else np.square(values)
                    made[name] = _padded(values, self.padding) if suffix == "w" else values

    def _shape(self, a: Argument) -> tuple[int, ...]:
        assert a.dims is not None
        if a.dims == ("*",):
            return (self.dims["*"],)
        return tuple(int(d) if d.isdigit() else self.dims[d] for d in a.dims)

    def _array(self, a: Argument, made: dict[str, Any]) -> Array:
        shape, rng = self._shape(a), self.rng
        if a.name == "labels":
            return rng.integers(0, self.dims["c"], shape)
        if a.name == "index":
            return rng.integers(0, self.dims["r"], shape)
        if self.kernel.startswith("embedding") and a.reads and a.name in ("x", *self.codes):
            return self._coded(shape) if a.name == "x" else self.codes[a.name]
        if a.name == "rate":
            return np.array([0.5 if self.integers else rng.uniform(1e-3, 0.3)])
        if a.name == "t":
            return rng.integers(1, 3000, 1)
        if a.name == "source":
            return self._source(a, shape)
        if a.name == "sample":
            return rng.integers(0, 100_000, shape)
        if a.name == "box":
            return rng.integers(-5, 20, shape)
        if a.name == "transform":
            return self._transform(shape)
        if a.name == "step":
            return rng.integers(0, 2**33, 1)
        if a.name == "seeds":
            return rng.integers(-(2**63), 2**63 - 1, shape)
        if a.name == "row":
            return rng.integers(0, 1000, 1)
        if a.name == "argmax":
            return self._position(a, shape, made)
        if not a.reads:
            return np.full(shape, -1, np.int64) if a.dtype == "i64" else np.full(shape, np.nan, self._dtype(a))
        if a.name == "targets" and self.kernel == "soft_cross_entropy":
            weights = rng.random(shape) * (rng.random(shape) < 0.7)
            return weights.astype(self.dtype)
        if a.name == "targets" and self.kernel == "binary_cross_entropy":
            chances = rng.random(shape)
            return np.where(rng.random(shape) < 0.6, chances.round(), chances).astype(self.dtype)
        if self.kernel == "elementwise_loss" and a.name in ("targets", "parameters"):
            return self._of_loss(a.name, shape, ElementwiseLoss(made["loss_kind"]))
        if a.name == "weights":
            return rng.integers(0, 4, shape).astype(self.dtype) / self.dtype(1 if self.integers else 3)
        values = self._real(shape).astype(self._dtype(a))
        if a.spaced:
            values = _padded(values, self.padding)
        if a.name in ("var", "running_var", "scale"):
            np.square(values, out=values)
        if a.name == "scale":
            values += 1
        return values

    def _of_loss(self, name: str, shape: tuple[int, ...], kind: ElementwiseLoss) -> Array | None:
        """The targets or parameters that an elementwise loss takes."""
        if name == "parameters":
            if not kind.has_parameter:
                return None
            between = (
                self.rng.choice([0.25, 0.5, 0.75], shape) if self.integers else self.rng.uniform(0.05, 0.95, shape)
            )
            return (between if kind == ElementwiseLoss.PINBALL else 4 * between).astype(self.dtype)
        if kind == ElementwiseLoss.HALF_POISSON_DEVIANCE:
            return self.rng.integers(0, 5, shape).astype(self.dtype)
        if kind == ElementwiseLoss.HALF_GAMMA_DEVIANCE:
            return self.rng.integers(1, 5, shape).astype(self.dtype)
        return self._real(shape)

    def _transform(self, shape: tuple[int, ...]) -> Array:
        """Affine transforms to points inside and outside the image."""
        near = np.array([1, 0, 0, 0, 1, 0]) + self.rng.integers(-1, 2, shape) * [1, 1, 6, 1, 1, 6]
        return (near if self.integers else near + 0.3 * self.rng.standard_normal(shape)).astype(self.dtype)

    def _dtype(self, a: Argument) -> type[np.floating]:
        return np.float64 if a.dtype == "f64" else self.dtype

    def _position(self, a: Argument, shape: tuple[int, ...], made: dict[str, Any]) -> Array:
        names = ("size_h", "size_w", "stride_h", "stride_w", "pad_h", "pad_w")
        size = (self.dims["h"] // max(1, self.dims["p"]), self.dims["w"] // max(1, self.dims["q"]))
        window = tuple(made[name] for name in names) if "size_h" in made else (*size, *size, 0, 0)
        cells = window[0] * window[1]
        dtype = np.uint8 if cells <= 255 else np.int32
        if not a.reads:
            return np.full(shape, cells, dtype)
        innermost = len(shape) == 5
        if innermost:
            shape = (16 * shape[0], *shape[1:-1])
        x = self._real((shape[0], shape[1], self.dims["h"], self.dims["w"]))
        argmax = np.zeros(shape, dtype)
        reference.max_pool_forward(x, np.empty(shape, self.dtype), argmax, *window)
        if innermost:
            argmax = np.ascontiguousarray(np.moveaxis(argmax.reshape(-1, 16, *shape[1:]), 1, -1))
        return argmax

    def _real(self, shape: tuple[int, ...]) -> Array:
        if self.integers:
            return self.rng.integers(-8, 9, shape).astype(self.dtype)
        scale = self.rng.choice([0.01, 1.0, 1.0, 10.0])
        return (scale * self.rng.standard_normal(shape)).astype(self.dtype)

    def _source(self, a: Argument, shape: tuple[int, ...]) -> Array:
        if a.dtype == "i64":
            return self.rng.integers(-(2**62), 2**62, shape)
        dtype = np.dtype(self.rng.choice(GATHER_DTYPES))
        if dtype.kind == "f":
            return self.rng.standard_normal(shape).astype(dtype)
        info = np.iinfo(dtype)
        return self.rng.integers(info.min, info.max, shape, dtype, endpoint=True)

    def _saved(self, made: dict[str, Any]) -> Array:
        """Values that an activation could have saved for its derivative."""
        x = self._real(made["saved"].shape)
        if not Activation(made["kind"]).backward_needs_input:
            reference.activation_forward(x, x, made["kind"], made["alpha"])
        return x

    def _forward_output(self, made: dict[str, Any]) -> Array:
        """An output that the forward kernel could have computed."""
        x = made["x"] if made.get("x") is not None else self._real(made["out"].shape)
        out = np.empty_like(x)
        if self.kernel == "softmax_backward":
            reference.softmax_forward(x, out, made["sign"])
        else:
            reference.log_softmax_forward(x, out)
        return out
