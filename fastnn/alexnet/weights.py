"""AlexNet's weights with the description that belongs to them: form, response normalisation, preprocessing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.alexnet.form import FORMS, Form, Response, form_named
from fastnn.alexnet.network import check_tensors, sequential, tensor_shapes
from fastnn.alexnet.preprocessing import Preprocessing
from fastnn.model import Sequential
from fastnn.model.file import write

__all__ = ["DESCRIPTIONS", "MEAN", "Description", "Weights"]

Array = NDArray[np.float32]

MEAN = "mean"  # the name of a mean image among the tensors
KEY = "alexnet"  # of the description in a file of ours


@dataclass(frozen=True)
class Description:
    """What one must know of weights to use them.

    Parameters
    ----------
    form : {"torchvision", "original"}
    preprocessing : Preprocessing
    response : Response, optional
        The original form's response normalisation.
    """

    form: str
    preprocessing: Preprocessing
    response: Response | None = None

    def describe(self) -> dict[str, Any]:
        """Return the description in the types that JSON has."""
        response = None if self.response is None else asdict(self.response)
        return {"form": self.form, "preprocessing": self.preprocessing.describe(), "response": response}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Description:
        """What `describe` described.

        Raises
        ------
        ValueError
            If it is no such description.
        """
        try:
            response = description["response"]
            return cls(
                form_named("load_weights", description["form"]).name,
                Preprocessing.from_description(description["preprocessing"]),
                None if response is None else Response(**response),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"load_weights: damaged description ({error})") from None


_IMAGENET = Preprocessing(scale=1 / 255, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225))
_CAFFE = Preprocessing(fit="stretch", channels="BGR", mean=(104.00698793, 116.66876762, 122.67891434))

DESCRIPTIONS = {
    "torchvision": Description("torchvision", _IMAGENET),
    "caffenet": Description("original", _CAFFE, Response()),
    "caffe-alexnet": Description("original", _CAFFE, Response(after_pool=False)),
    "theano": Description("original", Preprocessing(offset=16), Response(k=2.0, divide=False)),
}
"""By the name of those who trained weights of that kind and passed them on."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights and what belongs to them.

    Parameters
    ----------
    description : Description
    tensors : dict of str to float32 array
        "conv1.w" (F, C, R, S), "conv1.b" (F,), ..., "fc6.w" (D, M), ... without gaps from the input on; the upper
        ones may be absent.
    mean_image : (3, H, W) float32 array, optional
        Subtracted from images, see `Preprocessing`.

    Raises
    ------
    ValueError
        If tensors are missing, surplus, misshapen or not finite; all are named.

    Examples
    --------
    >>> from fastnn.alexnet import Weights
    >>> weights = Weights.random("torchvision", seed=1, up_to="conv2")
    >>> list(weights.tensors)
    ['conv1.w', 'conv1.b', 'conv2.w', 'conv2.b']
    """

    description: Description
    tensors: Mapping[str, Array] = field(repr=False)
    mean_image: Array | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        shapes = tensor_shapes(self.description.form)
        there = [i for i, name in enumerate(shapes) if name in self.tensors]
        if not there:
            raise ValueError(f"Weights: no tensor of AlexNet; expected {', '.join(shapes)}")
        surplus = [name for name in self.tensors if name not in shapes]
        if surplus:
            raise ValueError(f"Weights: surplus tensors {', '.join(surplus)}; expected {', '.join(shapes)}")
        layer = list(shapes)[there[-1]].partition(".")[0]
        needed = self.form.names[: self.form.names.index(layer) + 1]
        wanted = {name: shape for name, shape in shapes.items() if name.partition(".")[0] in needed}
        if f"{self.form.dense[-1]}.b" in self.tensors:  # another number of classes than ILSVRC's
            outputs = self.tensors[f"{self.form.dense[-1]}.b"].shape[:1]
            wanted |= {f"{layer}.w": (*wanted[f"{layer}.w"][:1], *outputs), f"{layer}.b": outputs}
        check_tensors("Weights", self.tensors, wanted)
        ordered = {name: _fixed(self.tensors[name]) for name in wanted}
        endless = [name for name, array in ordered.items() if not np.isfinite(array).all()]
        if endless:
            raise ValueError(f"Weights: NaN or infinite values in {', '.join(endless)}")
        object.__setattr__(self, "tensors", ordered)
        if self.mean_image is not None:
            mean = _fixed(self.mean_image)
            side = self.description.preprocessing.resize
            if mean.shape != (3, side, side) or not np.isfinite(mean).all():
                raise ValueError(f"Weights: {MEAN} has shape {mean.shape}, expected finite (3, {side}, {side})")
            object.__setattr__(self, "mean_image", mean)

    def __deepcopy__(self, memo: dict[int, Any]) -> Weights:
        """Itself: nothing in it changes."""
        return self

    @classmethod
    def random(cls, like: str = "torchvision", *, seed: int = 0, up_to: str | None = None) -> Weights:
        """Weights drawn from `seed`, to try things out without trained ones.

        Parameters
        ----------
        like : str
            One of `DESCRIPTIONS`.
        seed : int
        up_to : str, optional
            The cut to which weights are wanted; by default those of the whole network.
        """
        description = description_named("Weights", like)
        model = sequential(description.form, up_to, response=description.response, seed=seed)
        points = {layer: point for point, layer in model.points.items()}
        names = {name: name.partition(".")[::2] for name in model.parameters}
        tensors = {
            f"{points.get(layer, layer)}.{part}": model.parameters[name] for name, (layer, part) in names.items()
        }
        return cls(description, tensors)

    @property
    def form(self) -> Form:
        """The form of the network."""
        return FORMS[self.description.form]

    def names_to(self, cut: str | None) -> tuple[str, ...]:
        """Names of the tensors that the network up to `cut` needs.

        Raises
        ------
        ValueError
            If there is no such cut.
        """
        steps = self.form.steps(self.description.response, cut)
        layers = [step.point for step in steps if step.point in self.form.names]
        return tuple(f"{layer}.{part}" for layer in layers for part in ("w", "b"))

    def digest(self, cut: str | None = None) -> str:
        """SHA-256, in hexadecimal, of all that decides the features at `cut`: tensors, mean image, description."""
        total = hashlib.sha256(json.dumps([self.description.describe(), cut], sort_keys=True).encode())
        arrays = {name: self.tensors[name] for name in self.names_to(cut) if name in self.tensors}
        for name, array in (arrays | ({} if self.mean_image is None else {MEAN: self.mean_image})).items():
            total.update(f"{name}{array.shape}".encode())
            total.update(array.reshape(-1).view(np.uint8).data)
        return total.hexdigest()

    def preparation(self) -> str:
        """SHA-256, in hexadecimal, of all that decides what the network sees of an image."""
        d = self.description
        total = hashlib.sha256(json.dumps([d.preprocessing.describe(), d.form], sort_keys=True).encode())
        if self.mean_image is not None:
            total.update(self.mean_image.reshape(-1).view(np.uint8).data)
        return total.hexdigest()

    def model(self, cut: str | None = None) -> Sequential:
        """The fastnn model with these weights, whole or up to a cut; see `sequential`.

        Raises
        ------
        ValueError
            If there is no such cut, or it needs weights that are not there (all are named).
        """
        d = self.description
        classes = self.tensors[last].size if (last := f"{self.form.dense[-1]}.b") in self.tensors else 1000
        return sequential(d.form, cut, response=d.response, tensors=self.tensors, classes=classes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write weights and description to one ``.safetensors`` file, whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written; what was there is then as it was.
        ImportError
            Without the safetensors package.
        """
        arrays = dict(self.tensors) | ({} if self.mean_image is None else {MEAN: self.mean_image})
        write(path, arrays, {KEY: self.description.describe()})


def _fixed(array: Array) -> Array:
    """The array as float32 in C order, read-only."""
    view = np.ascontiguousarray(array, np.float32).view()
    view.flags.writeable = False
    return view


def description_named(function: str, like: str) -> Description:
    """The description of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if like not in DESCRIPTIONS:
        raise ValueError(f"{function}: like: expected one of {', '.join(DESCRIPTIONS)}, got {like!r}")
    return DESCRIPTIONS[like]
