"""The examples of docs/CUSTOM.md run as they stand."""

import doctest

import pytest
from trainings import ROOT

pytest.importorskip("numba")


@pytest.mark.slow
def test_the_examples_of_the_page_run():
    failed, attempted = doctest.testfile(str(ROOT / "docs/CUSTOM.md"), module_relative=False)
    assert attempted > 10
    assert failed == 0
