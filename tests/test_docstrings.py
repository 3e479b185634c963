"""The examples in the docstrings of every module run, and docstrings have their sections."""

import doctest
import importlib
import inspect
import pkgutil
import sys
import types

import pytest

import fastnn
from fastnn.layers import REGISTRY

# importing these starts a program
LEFT_OUT = {"fastnn.__main__"}
# packages that an example uses and that may not be installed
OWN_OPERATIONS = [f"fastnn.custom.{name}" for name in ("activation", "elementary", "loss", "row_loss", "update_rule")]
NEEDS = {
    "fastnn.export.onnx_file": "onnx",
    "fastnn.estimators.search": "optuna",
    **dict.fromkeys(
        [*OWN_OPERATIONS, "fastnn.layers.custom", "fastnn.losses.custom", "fastnn.optim.custom"],
        "numba",
    ),
}
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(fastnn.__path__, "fastnn.")
    if module.name not in LEFT_OUT and not module.name.endswith("._native")
)


@pytest.mark.parametrize("name", ["fastnn", *MODULES])
def test_examples_run(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    for layer, cls in list(REGISTRY.items()):
        if not hasattr(sys.modules[cls.__module__], layer):  # a class that an example has made
            del REGISTRY[layer]
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")  # matplotlib warns if more than twenty are open
    assert result.failed == 0


def test_there_are_examples() -> None:
    found = 0
    for name in MODULES:
        if name in NEEDS:
            continue
        tests = doctest.DocTestFinder().find(importlib.import_module(name))
        found += sum(len(test.examples) for test in tests)
    assert found > 100


# --- the sections of public docstrings ---

# Sections, by numpydoc's names, that a class and a function must have. Parameters and Raises are demanded of those that
# take arguments, and Parameters must name every one of them; Returns of functions.
CLASS = ("Parameters", "Raises", "Examples")
FUNCTION = ("Parameters", "Returns", "Raises", "Examples")
SECTIONS = {
    "fastnn.functional": FUNCTION,
    "fastnn.gradcheck": FUNCTION,
    "fastnn.init": FUNCTION,
    "fastnn.layers": CLASS,
    "fastnn.losses": CLASS,
    "fastnn.metrics": FUNCTION,
    "fastnn.model": CLASS,
    "fastnn.optim": CLASS,
    "fastnn.schedules": CLASS,
    "fastnn.trainer": CLASS,
}
# Users do not make these results and types, so that their attributes are documented instead.
NEVER_RAISE = {"name_of"}
MADE_BY_US = {
    *("ArrayCheck", "GradCheckError", "GradCheckResult", "GradCheckSweep", "PerClass", "ReliabilityCurve"),
    *("History", "NonFiniteLossError", "RateSearch", "Sweep", "Trial"),
}


def public(module: str, kind: type | types.FunctionType) -> list[tuple[str, object]]:
    """The public classes or functions of a module of fastnn, by name."""
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None) or [name for name in vars(found) if not name.startswith("_")]
    return [
        (f"{module}.{name}", value)
        for name in names
        if isinstance(value := getattr(found, name), kind) and value.__module__.startswith(module)
    ]


ITEMS = [
    item
    for module in SECTIONS
    for kind in (type, types.FunctionType)
    for item in public(module, kind)
    if item[0].rpartition(".")[2] not in MADE_BY_US
]


def sections(text: str) -> dict[str, list[str]]:
    """The lines of each section of a docstring; those above the first section under ""."""
    found: dict[str, list[str]] = {"": []}
    lines = inspect.cleandoc(text).splitlines()
    name = ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if below and set(below) == {"-"} and len(below) >= len(line) > 0:
            name, found[line] = line, []
        elif set(line) != {"-"} or not line:
            found[name].append(line)
    return found


def documented(lines: list[str]) -> list[str]:
    """The names of the arguments that a section of parameters describes."""
    heads = [line for line in lines if line and not line.startswith(" ")]
    return [name.strip() for head in heads for name in head.partition(" : ")[0].split(",")]


def arguments(of: object) -> list[str]:
    """The names of the arguments of a function, or of a class's constructor."""
    if isinstance(of, type) and of.__init__ is object.__init__:
        return []
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [f"{marks.get(p.kind, '')}{p.name}" for p in inspect.signature(of).parameters.values()]


@pytest.mark.parametrize(("name", "item"), ITEMS, ids=[name for name, _ in ITEMS])
def test_the_sections_are_there(name: str, item: object) -> None:
    assert item.__doc__, f"{name} has no docstring"
    found, takes = sections(item.__doc__), arguments(item)
    wanted = CLASS if isinstance(item, type) else FUNCTION
    optional = ("Raises",) if item.__name__ in NEVER_RAISE else () if takes else ("Parameters", "Raises")
    assert [section for section in wanted if section not in found and section not in optional] == []
    assert sorted(documented(found.get("Parameters", []))) == sorted(takes)


def methods(cls: type) -> dict[str, object]:
    """The public methods of a class, each as first defined, because overriding methods need no docstring."""
    found: dict[str, object] = {}
    for base in cls.__mro__:
        if base.__module__.startswith("fastnn."):
            found.update({name: getattr(base, name) for name in vars(base)})
    return {name: value for name, value in found.items() if inspect.isroutine(value) and not name.startswith("_")}


METHODS = list(
    {
        getattr(value, "__func__", value): (f"{name}.{method}", value)
        for name, item in ITEMS
        if isinstance(item, type)
        for method, value in methods(item).items()
    }.values()
)


@pytest.mark.parametrize(("name", "method"), METHODS, ids=[name for name, _ in METHODS])
def test_methods_name_their_arguments(name: str, method: object) -> None:
    takes = [argument for argument in arguments(method) if argument != "self"]
    assert method.__doc__, f"{name} has no docstring"
    assert sorted(documented(sections(method.__doc__).get("Parameters", []))) == sorted(takes)


def test_there_are_items() -> None:
    assert len(ITEMS) > 90
    assert {name.rpartition(".")[0] for name, _ in ITEMS} == set(SECTIONS)
    assert len(METHODS) > 20
