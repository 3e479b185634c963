"""What a layer is: shapes, parameters, forward, backward.

Shapes leave out the batch: a layer built on ``(784,)`` gets arrays ``(N, 784)``. A layer computes through `ops`
(`fastnn.kernels.eager.Ops`) only, so that the same two methods run at once or are recorded into a compiled step.
A layer of your own may compute with NumPy instead; training then takes the layer-by-layer path::

    class Scale(Layer):  # out = 2 x
        def forward(self, ops, x, training):
            return 2 * x, None

        def backward(self, ops, dout, cache, need_dx):
            return 2 * dout
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from fastnn.kernels.eager import Ops
from fastnn.parameter import Parameter, State

Shape = tuple[int, ...]
REGISTRY: dict[str, type[Layer]] = {}


class Owner(Protocol):
    """The model that a layer stands in."""

    def place_gradients(self) -> None:
        """Give each parameter the array for its gradient, after a layer was frozen or released."""


class Layer:
    """Base of all layers.

    A subclass sets `input_shape`, `output_shape` and `parameters` in `build`, and implements `forward` and
    `backward`. Its constructor arguments come back from `config`, which is how a model file describes it.

    Attributes
    ----------
    frozen : bool
        Whether training leaves the layer as it is: its parameters get no gradient and no update, batch normalisation
        uses its running statistics and leaves them alone, and no gradient is computed below the lowest layer that is
        trained. Setting it also sets it for the layers inside; kept in model files. Dropout still drops.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.layers import Dense
    >>> model = fastnn.Sequential([Dense(3), Dense(2)], input_shape=(4,))
    >>> model.layers[0].frozen = True
    >>> before = model.parameters["dense1.w"].copy()
    >>> history = fastnn.Trainer(model, epochs=1).fit([[1, 2, 3, 4], [4, 3, 2, 1]], [0, 1])
    >>> bool((model.parameters["dense1.w"] == before).all())
    True
    """

    kind: ClassVar[str] = "layer"  # begins the layer's name in a model: "dense1"
    name: str = ""
    index: int = 0  # place among all layers of the model, those inside others included
    whole_batch: bool = False  # training must see a batch at once: it is not worked through in blocks
    mixes_samples: bool = False  # a sample's output depends on those beside it, at evaluation too
    input_shape: Shape
    output_shape: Shape
    owner: Callable[[], Owner | None] | None = None  # weak reference to the model that the layer stands in
    _frozen: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        known = REGISTRY.get(cls.__name__)
        if not cls.__name__.startswith("_") and (known is None or not known.__module__.startswith("fastnn.")):
            REGISTRY[cls.__name__] = cls

    def build(self, input_shape: Shape) -> Shape:
        """Fix the shapes, declare the parameters, return the output shape (all without the batch).

        Raises
        ------
        ValueError
            If the layer cannot work on `input_shape`.
        """
        self.input_shape = self.output_shape = input_shape
        return input_shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The trained arrays, in a fixed order."""
        return ()

    @property
    def frozen(self) -> bool:
        """Whether training leaves the layer as it is; of one that is made of layers: whether all of them are."""
        return all(layer.frozen for layer in self.inner) if self.inner else self._frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        self._frozen = bool(value) and not self.inner
        for layer in self.inner:
            layer.frozen = value
        model = None if self.owner is None else self.owner()
        if model is not None:
            model.place_gradients()

    @property
    def trained(self) -> tuple[Parameter, ...]:
        """The parameters that get a gradient and an update: all, or none where the layer is frozen."""
        if self.inner:
            return tuple(p for layer in self.inner for p in layer.trained)
        return () if self.frozen else self.parameters

    @property
    def state(self) -> tuple[State, ...]:
        """Arrays without a gradient that are kept with the model, in a fixed order."""
        return ()

    @property
    def arrays(self) -> dict[str, Any]:
        """Values of parameters and state by their names within the layer."""
        return {p.name: p.value for p in self.parameters} | {s.name: s.value for s in self.state}

    @property
    def inner(self) -> tuple[Layer, ...]:
        """Layers that this one is made of; their parameters and state are this one's."""
        return ()

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        """(out, cache) of a batch x (N, *input_shape); out (N, *output_shape)."""
        raise NotImplementedError(f"{type(self).__name__}: forward is missing")

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        """Write the parameters' gradients; return dx, or None where `need_dx` is false."""
        raise NotImplementedError(f"{type(self).__name__}: backward is missing")

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles hold: they stand in no model."""
        return {key: value for key, value in vars(self).items() if key != "owner"}

    def config(self) -> dict[str, Any]:
        """Constructor arguments, as JSON can hold them."""
        return {}

    @classmethod
    def from_config(cls, arguments: Mapping[str, Any]) -> Layer:
        """A layer from what `config` gave."""
        return cls(**arguments)

    def multiply_adds(self) -> int:
        """Multiply-adds of the forward pass of one sample."""
        return 0

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


def describe(layer: Layer) -> dict[str, Any]:
    """Type and constructor arguments, as JSON can hold them.

    Raises
    ------
    ValueError
        If the layer's class has the name of another one.
    """
    name = type(layer).__name__
    if REGISTRY.get(name) is not type(layer):
        raise ValueError(f"Sequential: {layer.name}: another layer is called {name} too")
    return {"type": name, **layer.config(), **({"frozen": True} if layer._frozen else {})}


def described(entry: Mapping[str, Any]) -> Layer:
    """The layer that `describe` gave the entry of.

    Raises
    ------
    ValueError
        If it names a layer that does not exist.
    """
    arguments = dict(entry)
    name, frozen = arguments.pop("type", None), arguments.pop("frozen", False)
    if name not in REGISTRY:
        raise ValueError(f"Sequential: expected a layer of {', '.join(REGISTRY)}, got {name!r}")
    layer = REGISTRY[name].from_config(arguments)
    if frozen:
        layer.frozen = True
    return layer
