"""Names of other libraries: what they are called here, as the end of the error that refuses them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from fastnn.elsewhere import ADVICE, ADVICE_OF_ESTIMATORS, CLASSES, ELSEWHERE, EXAMPLES, LEADING, METHODS, WITHOUT
from fastnn.named import suggestion

F = TypeVar("F", bound=Callable[..., Any])


def no_method(owner: object, name: str) -> str:
    """The message about an attribute that an object does not have.

    Parameters
    ----------
    owner : object
        Of a class in `METHODS` of `fastnn.elsewhere`, of one derived from it, or of another, about whose names nothing
        is said.
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
    if meant is not None:
        hint = f"; did you mean {meant!r}?"
    elif module == "fastnn" and name in WITHOUT:
        hint = f"; {WITHOUT[name]}"
    else:
        hint = suggestion(name, names)
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
    advice = ADVICE_OF_ESTIMATORS if "random_state" in known else ADVICE
    if meant is not None:
        hint = f"; did you mean {meant!r}?"
    else:
        hint = f"; {advice[keyword]}" if keyword in advice else suggestion(keyword, known)
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
    if isinstance(given[-1], str) and "bias" in known:  # as in Dense(10, "relu")
        hint = f"; {ADVICE['activation']}"
    else:
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
    in_order = [name for name, p in known.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
    needed = [name for name, p in known.items() if p.default is p.empty]

    @functools.wraps(function)
    def checked(self: Any, *arguments: Any, **named: Any) -> Any:
        for keyword in named:
            if keyword not in known:
                raise TypeError(unknown_keyword(owner(self), keyword, known))
        if len(arguments) > len(in_order):
            raise TypeError(too_many_values(owner(self), arguments, known))
        given = in_order[: len(arguments)]
        for name in given:
            if name in named:
                order = ", ".join(in_order)
                got = f"{arguments[in_order.index(name)]!r:.40} without a name and {named[name]!r:.40} by name"
                raise TypeError(f"{owner(self)}: {name}: expected one value, got {got}; the order is {order}")
        for name in needed:
            if name not in named and name not in given:
                how = "" if name in in_order else " by name"
                raise TypeError(f"{owner(self)}: {name}: expected a value{how}, got none{EXAMPLES.get(name, '')}")
        return function(self, *arguments, **named)

    return checked  # type: ignore[return-value]
