"""Names of other libraries: what they are called here, as the end of the error that refuses them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from fastnn.named import suggestion

F = TypeVar("F", bound=Callable[..., Any])

ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "padding": ("pad",),
    "kernel_size": ("size",),
    "pool_size": ("size",),
    "strides": ("stride",),
    "dilation_rate": ("dilation",),
    "out_channels": ("filters",),
    "num_filters": ("filters",),
    "out_features": ("units",),
    "num_embeddings": ("categories",),
    "embedding_dim": ("dim",),
    "output_dim": ("dim",),
    "use_bias": ("bias",),
    "kernel_initializer": ("init",),
    "bias_initializer": ("bias_init",),
    "epsilon": ("eps",),
    "elementwise_affine": ("affine",),
    "num_groups": ("groups",),
    "negative_slope": ("alpha",),
    "p": ("rate",),
    "lr": ("learning_rate_init", "learning_rate"),
    "optim": ("optimizer", "solver"),
    "optimiser": ("optimizer", "solver"),
    "optimizer": ("solver",),
    "criterion": ("loss",),
    "loss_fn": ("loss",),
    "batchsize": ("batch_size",),
    "n_epochs": ("epochs", "max_iter"),
    "num_epochs": ("epochs", "max_iter"),
    "max_epochs": ("epochs", "max_iter"),
    "epochs": ("max_iter",),
    "max_iter": ("epochs",),
    "random_state": ("seed",),
    "seed": ("random_state",),
    "verbose": ("progress",),
    "scheduler": ("schedule",),
    "lr_scheduler": ("schedule",),
    "weight_decay": ("alpha",),
    "hidden": ("hidden_layer_sizes",),
    "hidden_units": ("hidden_layer_sizes",),
    "hidden_dims": ("hidden_layer_sizes",),
    "max_grad_norm": ("clip_norm",),
    "gradient_clip_val": ("clip_norm",),
    "betas": ("beta1",),
    "beta_1": ("beta1",),
    "beta_2": ("beta2",),
    "label_smoothing_factor": ("label_smoothing",),
    "validation_data": ("validation",),
    "validation_split": ("validation",),
    "eval_set": ("validation",),
}
"""A keyword of another library, and the arguments here of which the first that exists has its meaning."""

_COUNTED = {what: f"the {what} are counted when the model is built" for what in ("inputs", "channels")}

ADVICE: Mapping[str, str] = {
    "activation": "an activation is a layer of its own, such as layers.ReLU(), after this one",
    "in_features": f"leave it out: {_COUNTED['inputs']}",
    "in_channels": f"leave it out: {_COUNTED['channels']}",
    "input_dim": "leave it out: a model has input_shape=(…,)",
    "input_shape": "leave it out: the model has it, Sequential([…], input_shape=(…,))",
    "learning_rate": "it belongs to the optimiser, as optimizer=fastnn.optim.Adam(0.001)",
    "lr": "it belongs to the optimiser, as optimizer=fastnn.optim.Adam(0.001)",
    "weight_decay": "it belongs to the optimiser, as optimizer=fastnn.optim.AdamW(0.001, weight_decay=0.01)",
    "momentum": "it belongs to the optimiser, as optimizer=fastnn.optim.Momentum(0.1, 0.9)",
    "validation_data": "it belongs to fit, as fit(x, y, validation=(x_val, y_val))",
    "validation_split": "it belongs to fit, as fit(x, y, validation=0.1)",
    "sample_weight": "it belongs to fit, as fit(x, y, sample_weight=…)",
    "callbacks": "they belong to the trainer, as Trainer(model, callbacks=[…])",
    "shuffle": "it belongs to the trainer, as Trainer(model, shuffle=False)",
    "epochs": "it belongs to the trainer, as Trainer(model, epochs=10)",
    "batch_size": "it belongs to the trainer, as Trainer(model, batch_size=100)",
    "verbose": "a progress bar belongs to the trainer, as Trainer(model, progress=True)",
    "device": "leave it out: everything is computed on the processor",
    "inplace": "leave it out: where an activation can be computed in place, it is",
    "dim": "leave it out: classes are the last axis of (N, classes), channels the first of (C, H, W)",
    "axis": "leave it out: classes are the last axis of (N, classes), channels the first of (C, H, W)",
}
"""What to do about a keyword that no argument here stands for."""

LEADING: Mapping[str, str] = {
    "Dense": _COUNTED["inputs"],
    "Conv2D": _COUNTED["channels"],
    "BatchNorm": _COUNTED["channels"],
    "LayerNorm": _COUNTED["inputs"],
    "GroupNorm": _COUNTED["channels"],
    "Sequential": "the layers stand in one list",
}
"""A class whose constructor elsewhere begins with another argument, and why it does not have that here."""

EXAMPLES: Mapping[str, str] = {"input_shape": ", such as input_shape=(784,)"}
"""An argument that has to be given, and what it looks like."""

CLASSES: Mapping[str, str] = {
    "Linear": "Dense",
    "BatchNormalization": "BatchNorm",
    "BatchNorm1d": "BatchNorm",
    "BatchNorm2d": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "GroupNormalization": "GroupNorm",
    "AveragePooling2D": "AvgPool2D",
    "GlobalAveragePooling2D": "GlobalAvgPool2D",
    "GlobalMaxPooling2D": "GlobalMaxPool2D",
    "Swish": "SiLU",
    "Model": "Sequential",
    "Module": "Sequential",
    "nn": "layers",
    "linear": "affine_forward",
    "conv2d": "conv_forward",
    "max_pool2d": "max_pool_forward",
    "avg_pool2d": "avg_pool_forward",
    "cross_entropy": "softmax_loss",
}
"""A class, a function or a module of another library, and what is nearest to it here."""

METHODS: Mapping[str, Mapping[str, str]] = {
    "Sequential": {
        "fit": "a trainer trains it: fastnn.Trainer(model, epochs=10).fit(x, y)",
        "train": "a trainer trains it: fastnn.Trainer(model, epochs=10).fit(x, y)",
        "eval": "it has no modes: forward and predict are always those of a trained model",
        "compile": "optimizer and loss belong to the trainer: fastnn.Trainer(model, optimizer='adam')",
        "train_on_batch": "a trainer does single steps: fastnn.Trainer(model).step(x, y)",
        "backward": "loss_and_gradients(x, y) computes both",
        "zero_grad": "leave it out: gradients are computed anew each time",
        "to": "leave it out: everything is computed on the processor; dtype= belongs to Sequential",
        "cuda": "leave it out: everything is computed on the processor",
        "state_dict": "parameters has its arrays by name, fastnn.export.to_torch_state_dict PyTorch's",
        "load_state_dict": "did you mean fastnn.export.from_torch_state_dict?",
        "weights": "did you mean 'parameters'?",
        "get_weights": "did you mean 'parameters'?",
        "set_weights": "write into the arrays of parameters: model.parameters['dense1.w'][...] = w",
        "named_params": "did you mean 'parameters'?",
        "count_params": "did you mean 'size'?",
        "score": "did you mean 'evaluate'?",
        "add": "layers are given together: fastnn.Sequential([…], input_shape=(…,))",
    },
    "Trainer": {
        "train": "did you mean 'fit'?",
        "fit_generator": "fit takes data larger than memory from fastnn.data.load(…, mapped=True)",
        "evaluate": "the model does: trainer.model.evaluate(x, y)",
        "predict": "the model does: trainer.model.predict(x)",
        "save": "the model does: trainer.model.save(path); a Checkpoint keeps the training as well",
    },
}
"""Methods of other libraries, by the class here that has none of that name, and what to do instead."""


def no_method(owner: object, name: str) -> str:
    """The message about an attribute that an object does not have.

    Parameters
    ----------
    owner : object
        Of a class in `METHODS`, of one derived from it, or of another, about whose names nothing is said.
    name : str

    Examples
    --------
    >>> from fastnn.keywords import no_method
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,))
    >>> no_method(model, "score")
    "'Sequential' object has no attribute 'score'; did you mean 'evaluate'?"
    """
    known = next((METHODS[cls.__name__] for cls in type(owner).__mro__ if cls.__name__ in METHODS), {})
    if name in known:
        hint = f"; {known[name]}"
    elif name.startswith("_"):  # Python itself asks for such names
        hint = ""
    else:
        hint = suggestion(name, (attribute for attribute in dir(type(owner)) if not attribute.startswith("_")))
    return f"{type(owner).__name__!r} object has no attribute {name!r}{hint}"


class AnswersOtherNames:
    """Base of classes whose objects answer methods of other libraries by what to do instead."""

    if not TYPE_CHECKING:  # with it, a type checker would believe in any attribute

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(no_method(self, name), name=name, obj=self)


def no_attribute(module: str, name: str, known: Iterable[str]) -> str:
    """The message about a name that a module does not have.

    Parameters
    ----------
    module : str
    name : str
    known : iterable of str
        The names that it has.

    Examples
    --------
    >>> from fastnn.keywords import no_attribute
    >>> no_attribute("fastnn.layers", "Linear", ("Dense", "ReLU"))
    "module 'fastnn.layers' has no attribute 'Linear'; did you mean 'Dense'?"
    """
    names = list(known)
    meant = next((other for other in (CLASSES.get(name), f"{name}_forward") if other in names), None)
    hint = suggestion(name, names) if meant is None else f"; did you mean {meant!r}?"
    return f"module {module!r} has no attribute {name!r}{hint}"


def unknown_keyword(owner: str, keyword: str, known: Mapping[str, Any]) -> str:
    """The message about a keyword that a constructor or a method does not have.

    Parameters
    ----------
    owner : str
        The class, or the method.
    keyword : str
    known : mapping of str
        The arguments that it has.

    Examples
    --------
    >>> from fastnn.keywords import unknown_keyword
    >>> unknown_keyword("Conv2D", "padding", {"filters": None, "size": None, "pad": None})
    "Conv2D: padding: expected one of filters, size, pad; did you mean 'pad'?"
    """
    meant = next((name for name in ELSEWHERE.get(keyword, ()) if name in known), None)
    if meant is not None:
        hint = f"; did you mean {meant!r}?"
    else:
        hint = f"; {ADVICE[keyword]}" if keyword in ADVICE else suggestion(keyword, known)
    expected = f"one of {', '.join(known)}" if known else "no arguments"
    return f"{owner}: {keyword}: expected {expected}{hint}"


def too_many_values(owner: str, given: Sequence[object], known: Mapping[str, inspect.Parameter]) -> str:
    """The message about more values without a name than a constructor or a method takes.

    Parameters
    ----------
    owner : str
        The class, or the method.
    given : sequence
        The values.
    known : mapping of str to inspect.Parameter
        The arguments that it has.

    Examples
    --------
    >>> import inspect
    >>> from fastnn.keywords import too_many_values
    >>> from fastnn.layers import BatchNorm
    >>> too_many_values("BatchNorm", (64,), inspect.signature(BatchNorm).parameters)
    'BatchNorm: expected affine, track, eps, momentum by name, got 64; the channels are counted when the model is built'
    """
    taken = [name for name, one in known.items() if one.kind == one.POSITIONAL_OR_KEYWORD]
    rest = ", ".join(name for name in known if name not in taken)
    expected = [
        *([f"{', '.join(taken)} alone without a name"] if taken else []),
        *([f"{rest} by name"] if rest else []),
    ]
    got = ", ".join(f"{value!r:.40}" for value in given)
    hint = f"; {LEADING[owner]}" if owner in LEADING else ""
    return f"{owner}: expected {' and '.join(expected) or 'no arguments'}, got {got}{hint}"


def with_known_keywords(cls: type) -> None:
    """Make the constructor that a class defines refuse what it does not take in such words.

    Parameters
    ----------
    cls : type
        It keeps its signature. One whose constructor takes any keyword is left as it is.
    """
    constructor: Callable[..., None] | None = vars(cls).get("__init__")
    if constructor is not None:
        cls.__init__ = _checking(constructor, lambda self: type(self).__name__)  # type: ignore[misc]


def known_keywords(method: F) -> F:
    """Make a method refuse what it does not take in such words; it keeps its signature."""
    return _checking(method, lambda _: method.__name__)


def _checking(function: F, owner: Callable[[Any], str]) -> F:
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters):
        return function
    known = {p.name: p for p in list(parameters)[1:]}
    most = sum(p.kind == p.POSITIONAL_OR_KEYWORD for p in known.values())
    needed = [name for name, p in known.items() if p.default is p.empty and p.kind == p.KEYWORD_ONLY]

    @functools.wraps(function)
    def checked(self: Any, *arguments: Any, **named: Any) -> Any:
        for keyword in named:
            if keyword not in known:
                raise TypeError(unknown_keyword(owner(self), keyword, known))
        if len(arguments) > most:
            raise TypeError(too_many_values(owner(self), arguments, known))
        for name in needed:
            if name not in named:
                raise TypeError(f"{owner(self)}: {name}: expected a value by name, got none{EXAMPLES.get(name, '')}")
        return function(self, *arguments, **named)

    return checked  # type: ignore[return-value]
