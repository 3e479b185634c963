"""The examples in the docstrings of every module run as they stand."""

import doctest
import importlib
import pkgutil
import sys

import pytest

import fastnn

# these start what they are named after
LEFT_OUT = {"fastnn.__main__"}
# packages that an example uses and an installation may lack
NEEDS = {"fastnn.export.onnx_file": "onnx", "fastnn.estimators.search": "optuna"}
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(fastnn.__path__, "fastnn.")
    if module.name not in LEFT_OUT and not module.name.endswith("._native")
)


@pytest.mark.parametrize("name", ["fastnn", *MODULES])
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")  # it warns of more than twenty
    assert result.failed == 0


def test_there_are_examples() -> None:
    found = 0
    for name in MODULES:
        tests = doctest.DocTestFinder().find(importlib.import_module(name))
        found += sum(len(test.examples) for test in tests)
    assert found > 100
