"""Reading damaged files of any format in a separate process gives an array or a ValueError, nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from hostile import campaign
from hostile_files import FORMATS

from fastnn.data import read_pickle

pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the cap on memory needs Linux's /proc")


def check(name, mutations):
    result = campaign(name, mutations)
    fmt = next(fmt for fmt in FORMATS if fmt.name == name)
    assert result["failures"] == []
    assert sum(result["counts"]["truncated"].values()) == len(fmt.wrap(fmt.content))
    assert sum(result["counts"]["mutated"].values()) == mutations
    assert result["counts"]["mutated"].get("error", 0) > 0


@pytest.mark.parametrize("name", ["IDX .gz", "pickle protocol 2", "PNG"])
def test_truncations_and_some_mutations_are_harmless(name):
    check(name, 200)


@pytest.mark.slow
@pytest.mark.parametrize("name", [fmt.name for fmt in FORMATS])
def test_truncations_and_many_mutations_are_harmless(name):
    check(name, 500)  # tests/campaign.sh has many more


CODE = """
import sys
sys.path[:0] = {path!r}
from hostile import Watch, one
watch = Watch()
print(one(lambda path: exec({attack!r}), "file", watch))
"""


@pytest.mark.parametrize(
    "attack",
    [
        "import os; os.system('true')",
        "import antigravity",
        "open('stray', 'w')",
        "bytearray(1 << 40)",
        "raise KeyError('x')",
        "import pickle; pickle.loads(pickle.dumps(print))",
    ],
)
def test_the_watch_sees_what_must_not_happen(tmp_path, attack):
    code = CODE.format(path=[str(Path(__file__).parent), *sys.path], attack=attack)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert said.stdout.strip() not in ("read", "error", ""), said
    assert not (tmp_path / "stray").exists()


def test_no_code_in_a_pickle_runs(tmp_path):
    path = tmp_path / "bad.pkl"
    for attack in (
        b"cos\nsystem\n(S'touch stray'\ntR.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
        b"\x80\x02cnumpy.core.multiarray\nfromfile\n(U\x04filetR.",
        b"\x80\x02cnumpy\nload\n(U\x04filetR.",
        b"\x80\x02ccopyreg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
        b"(S'touch stray'\nios\nsystem\n.",
    ):
        path.write_bytes(attack)
        with pytest.raises(ValueError, match=r"bad.pkl: .*at offset") as caught:
            read_pickle(path)
        assert "never loaded" in str(caught.value) or "does not need" in str(caught.value)
