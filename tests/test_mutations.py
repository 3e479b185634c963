"""The wrong changes that ``scripts/mutate.py`` tries can be made to the code as it is."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def mutations():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from mutation_list import MUTATIONS
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    return MUTATIONS


def test_there_are_enough_of_them_and_no_two_are_the_same(mutations):
    assert len({(m.file, m.before, m.after) for m in mutations}) == len(mutations) >= 60


def test_each_changes_one_place_and_has_tests(mutations):
    for mutation in mutations:
        found = (ROOT / mutation.file).read_text().count(mutation.before)
        assert found == 1, f"{mutation.file} has {mutation.before!r} {found} times"
        assert mutation.before != mutation.after
        for test in mutation.tests.split():
            assert (ROOT / test).exists(), test
