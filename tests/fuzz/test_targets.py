"""The targets of the fuzzer take what they begin with, and what it has found before."""

import pytest
from fuzz import FOUND, folder_of
from trainings import needs_native

pytest.importorskip("safetensors")
pytest.importorskip("sklearn")
pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def targets():
    from targets import targets

    return targets()


@needs_native
def test_every_target_reads_what_it_begins_with(targets):
    assert len(targets) > 50
    for name, target in targets.items():
        assert target.seeds, name
        for seed in target.seeds:
            target.call(seed)
            target.call(seed[: len(seed) // 2])
            target.call(b"")


def test_what_the_fuzzer_has_found_is_mended(targets):
    by_folder = {folder_of(name): target for name, target in targets.items()}
    for path in sorted(FOUND.glob("*.*")):
        by_folder[path.name.partition(".")[0]].call(path.read_bytes())
