"""What a layer is: shapes, parameters, forward, backward.

Shapes leave out the batch: a layer built on ``(784,)`` gets arrays ``(N, 784)``. A layer computes only through `ops`
(`fastnn.kernels.eager.Ops`), so that the same two methods either run immediately or are recorded into a compiled step.
A layer that you write may compute with NumPy instead; the model is then trained layer by layer, without compiling.
``help(fastnn.layers)`` has one with a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from fastnn.checks import flag
from fastnn.kernels.eager import Ops
from fastnn.keywords import with_known_keywords
from fastnn.layers.onnx_graph import Graph
from fastnn.named import is_built_in
from fastnn.parameter import Parameter, State

Shape = tuple[int, ...]
REGISTRY: dict[str, type[Layer]] = {}


class Owner(Protocol):
    """The model that a layer belongs to."""

    revision: int
    """How many attributes of its layers have been set since the model was made."""

    def place_gradients(self) -> None:
        """Give each parameter the array for its gradient, after a layer was frozen or released."""


class Layer:
    """Base of all layers.

    A subclass sets `input_shape`, `output_shape` and `parameters` in `build`, and implements `forward` and
    `backward`. `config` returns its constructor arguments, which is how a model file describes it. That is all: the
    class registers itself, so that model files and architecture strings know it. `onnx` and `torch_tensors` say what
    it is called elsewhere, if it is known there.

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

    kind: ClassVar[str] = "layer"  # begins the layer's name in a model, "dense1", and names it in architecture strings
    words: ClassVar[Mapping[str, int]] = {}  # its other names in architecture strings, with how many numbers each takes
    elementwise: ClassVar[bool] = False  # whether it is an activation that maps each element by itself
    gives_probabilities: ClassVar[bool] = False  # whether its outputs are the probabilities of classes
    name: str = ""
    index: int = 0  # position among all layers of the model, including those inside other layers
    codes: Mapping[int, int] = MappingProxyType({})  # columns of rows that hold codes, with how many there are: 0, 1, …
    whole_batch: bool = False  # whether training must give it a batch at once instead of in blocks
    mixes_samples: bool = False  # whether a sample's output depends on the other samples even at evaluation
    input_shape: Shape
    output_shape: Shape
    owner: Callable[[], Owner | None] | None = None  # weak reference to the model that the layer belongs to
    _frozen: bool = False

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        with_known_keywords(cls)
        known = REGISTRY.get(cls.__name__)
        named = not abstract and not cls.__name__.startswith("_")
        if named and (known is None or not is_built_in(known)):
            REGISTRY[cls.__name__] = cls

    def __init__(self) -> None:
        """Begin a layer; one without options needs no constructor of its own."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, and tell the model, whose compiled passes hold the values that there were."""
        object.__setattr__(self, name, value)
        model = None if self.owner is None else self.owner()
        if model is not None:
            model.revision += 1

    def build(self, input_shape: Shape) -> Shape:
        """Set the shapes and declare the parameters.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of a sample, without the batch.

        Returns
        -------
        tuple of int
            Shape of the output for a sample.

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
        """Whether training leaves the layer as it is; for a layer made of layers, whether all of them are frozen."""
        return all(layer.frozen for layer in self.inner) if self.inner else self._frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        frozen = flag(type(self).__name__, "frozen", value)
        self._frozen = frozen and not self.inner
        for layer in self.inner:
            layer.frozen = frozen
        model = None if self.owner is None else self.owner()
        if model is not None:
            model.place_gradients()

    @property
    def trained(self) -> tuple[Parameter, ...]:
        """The parameters that get a gradient and an update: all of them, or none if the layer is frozen."""
        if self.inner:
            return tuple(p for layer in self.inner for p in layer.trained)
        return () if self.frozen else self.parameters

    @property
    def state(self) -> tuple[State, ...]:
        """Arrays that are saved with the model but have no gradient, in a fixed order."""
        return ()

    @property
    def arrays(self) -> dict[str, Any]:
        """The values of parameters and state, by their names within the layer."""
        return {p.name: p.value for p in self.parameters} | {s.name: s.value for s in self.state}

    @property
    def inner(self) -> tuple[Layer, ...]:
        """The layers that this one is made of; their parameters and state are its own."""
        return ()

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        """Compute the output of a batch.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels, and makes arrays.
        x : (N, *input_shape) array of the model's dtype
        training : bool
            Whether `backward` will follow.

        Returns
        -------
        out : (N, *output_shape) array
        cache : object
            What `backward` needs.
        """
        raise NotImplementedError(f"{type(self).__name__}: forward is missing")

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        """Write the gradients of the parameters and compute that of the input.

        Parameters
        ----------
        ops : Ops
        dout : (N, *output_shape) array of the model's dtype
            Gradient of the loss with respect to the output.
        cache : object
            From `forward`.
        need_dx : bool
            Whether the gradient of the input is needed.

        Returns
        -------
        (N, *input_shape) array, or None if it is not needed
        """
        raise NotImplementedError(f"{type(self).__name__}: backward is missing")

    def __getstate__(self) -> dict[str, Any]:
        """The attributes of copies and pickles, which belong to no model."""
        return {key: value for key, value in vars(self).items() if key != "owner"}

    def config(self) -> dict[str, Any]:
        """The constructor arguments, as values that JSON can hold."""
        return {}

    @classmethod
    def from_config(cls, arguments: Mapping[str, Any]) -> Layer:
        """Make a layer of what `config` returned.

        Parameters
        ----------
        arguments : dict
        """
        return cls(**arguments)

    @classmethod
    def from_word(cls, *numbers: float, **options: Any) -> Layer:
        """Make a layer of a word in an architecture string.

        Parameters
        ----------
        *numbers : int or float
            The numbers in the word, for the constructor.
        **options
            `stride` and `pad`, if the word has them, and `init`, if the constructor takes it.
        """
        return cls(*numbers, **options)

    def multiply_adds(self) -> int:
        """How many multiply-adds the forward pass of one sample takes."""
        return 0

    def onnx(self, graph: Graph, x: str) -> str:
        """Add the layer, as it is at evaluation, to an ONNX graph.

        Parameters
        ----------
        graph : Graph
        x : str
            Name of the input.

        Returns
        -------
        str
            Name of the output.

        Raises
        ------
        ValueError
            If ONNX has nothing that computes the same.
        """
        raise ValueError(f"to_onnx: {self.name}: {type(self).__name__} has no counterpart in ONNX")

    def torch_tensors(self) -> dict[str, Any] | None:
        """The arrays under the names and in the layouts of the PyTorch module that computes the same.

        Returns
        -------
        dict of str to array, or None
            Views: writing into them changes the layer. None if PyTorch has no such module with parameters.
        """
        return None if self.arrays else {}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


with_known_keywords(Layer)


def speaks_for_itself(layer: Layer, method: str) -> bool:
    """Whether the layer's class says what another library calls it; a user's subclass does not inherit that."""
    cls = type(layer)
    return is_built_in(cls) or method in vars(cls)


def row_shape(layer: Layer, shape: Shape) -> int:
    """The number of features of a sample.

    Raises
    ------
    ValueError
        If samples are not rows.
    """
    if len(shape) != 1:
        raise ValueError(
            f"{type(layer).__name__}: expected inputs of one dimension, got shape {shape}; put a Flatten() before it"
        )
    return shape[0]


def image_shape(layer: Layer, shape: Shape) -> tuple[int, int, int]:
    """Channels, rows and columns of a sample.

    Raises
    ------
    ValueError
        If samples are not images.
    """
    if len(shape) != 3:
        raise ValueError(f"{type(layer).__name__}: expected images (C, H, W), got shape {shape}")
    return shape[0], shape[1], shape[2]
