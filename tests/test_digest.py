"""The digests of `scripts/digest_results.py`: every kernel has lines, the same ones each time, and differences show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from trainings import ROOT, needs_native

import fastnn
from fastnn.kernels import SIGNATURES

sys.path.append(str(ROOT / "scripts"))
from digest_lines import compare, digest, read, write

pytestmark = needs_native


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script on the fastnn under test."""
    environment = os.environ | {"PYTHONPATH": str(Path(fastnn.__file__).parent.parent), "PYTHONHASHSEED": "random"}
    environment = {k: v for k, v in environment.items() if k not in ("PYTHONSAFEPATH", "FASTNN_ISA")}
    script = str(ROOT / "scripts/digest_results.py")
    return subprocess.run(
        [sys.executable, script, *arguments], env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_every_kernel_has_cases_of_small_and_of_large_sizes():
    from digest_kernels import cases

    for kernel in SIGNATURES:
        labels = [case.label for case in cases(kernel)]
        assert any(label.startswith("small") for label in labels), kernel
        assert not all(label.startswith("small") for label in labels), kernel


def test_two_runs_write_the_same_lines_and_one_of_other_results_does_not(tmp_path):
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    from fastnn.kernels import _native

    isa = next(iter(_native.isa_tables()))
    some = r"(kernel \S+ float32 (batch_norm_forward|update|affine_forward) .*small|training \S+ dense sgd)"
    for file in files:
        done = run("write", str(file), "--isa", isa, "--match", some)
        assert done.returncode == 0, done.stderr
    found = read(files[0])
    assert {name.split()[0] for name in found} == {"kernel", "training"}
    assert all(re.search(some, name) for name in found)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert run("compare", *map(str, files)).returncode == 0
    name = next(name for name in found if " update rule=0" in name)
    files[1].write_text(files[1].read_text().replace(found[name], "0" * 64))
    done = run("compare", *map(str, files))
    assert (done.returncode, f"differs: {name}" in done.stdout) == (1, True)


def test_a_renamed_line_is_no_difference_and_a_missing_one_is(tmp_path):
    one, two, three = (digest_of * 64 for digest_of in "abc")
    differs, renamed = compare({"x": one, "y": two, "same": three}, {"x2": one, "z": three, "same": three})
    assert renamed == ["renamed: x -> x2"]
    assert differs == ["only before: y", "only after: z"]


def test_malformed_lines_and_names_that_occur_twice_are_refused(tmp_path):
    (tmp_path / "bad.txt").write_text("abc  kernel\n")
    with pytest.raises(ValueError, match=r"read: .*bad.txt line 1: expected a SHA-256"):
        read(tmp_path / "bad.txt")
    with pytest.raises(ValueError, match="write: two results have the name 'x'"):
        write(tmp_path / "twice.txt", ["a" * 64 + "  x", "b" * 64 + "  x"])
    assert not (tmp_path / "twice.txt").exists()


def test_shape_and_dtype_count_in_a_digest():
    import numpy as np

    zeros = np.zeros(4, np.float32)
    assert len({digest(zeros), digest(zeros.reshape(2, 2)), digest(zeros.astype("f8")), digest(-zeros)}) == 4
