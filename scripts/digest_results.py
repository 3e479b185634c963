"""Digests of everything that is computed, to compare two versions of the code bit by bit.

``python scripts/digest_results.py write before.txt`` runs every native kernel on fixed inputs, for every instruction
set that this machine has and both dtypes, and some sixty small trainings. It writes a line for each: the SHA-256 of
the results, two spaces, and what was computed. ``compare before.txt after.txt`` lists what differs and ends with
status 1 if anything does.

The inputs come from seeds, so two files agree line by line where the code computes the same bits. A change that renames
a kernel shows as a renamed line with the same digest; one that changes how ``tests/kernels/kernel_arguments.py`` draws
arguments changes the digests of kernels too, and should then be made in a commit of its own.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from digest_lines import compare, read, write

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT), *(str(ROOT / folder) for folder in ("tests", "tests/kernels"))]  # behind an installed fastnn


def trainings(isas: Iterable[str], match: str) -> Iterable[str]:
    """Lines of the trainings, each instruction set in a process of its own, which chooses it at import."""
    import fastnn

    found = {"PYTHONPATH": str(Path(fastnn.__file__).parent.parent)}  # the same fastnn as here
    for isa in isas:
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts/digest_trainings.py"), match],
            env=os.environ | found | {"FASTNN_ISA": isa},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        yield from done.stdout.splitlines()


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write", help="compute the digests and write them to a file")
    writing.add_argument("file", type=Path)
    writing.add_argument("--isa", action="append", help="only this instruction set; may be given several times")
    writing.add_argument("--match", default="", help="only lines in which this regular expression is found")
    comparing = commands.add_parser("compare", help="list what differs between two files")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    options = parser.parse_args()
    if options.command == "compare":
        differs, renamed = compare(read(options.before), read(options.after))
        print(*renamed, *differs, sep="\n")
        print(f"{len(differs)} differ, {len(renamed)} have another name")
        return 1 if differs else 0

    from digest_kernels import kernel_lines

    from fastnn.kernels import _native

    tables = _native.isa_tables()
    isas = options.isa or list(tables)
    if unknown := [isa for isa in isas if isa not in tables]:
        parser.error(f"--isa: expected one of {', '.join(tables)} on this machine, got {', '.join(unknown)}")
    lines = list(kernel_lines({isa: tables[isa] for isa in isas}, re.compile(options.match).search))
    lines += trainings(isas, options.match)
    print(f"{write(options.file, lines)} digests in {options.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
