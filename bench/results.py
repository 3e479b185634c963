"""The rows of the race by kind of processor, as files in the repository, and the tables that are made from them.

    python bench/results.py          writes the tables into bench/RESULTS.md, each between its markers

`bench/race.py --store` puts the rows that it has raced into bench/results/KIND.json. The document has, for each kind, a
comment that begins its table, and one that ends it; what stands around them is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench" / "results"
DOCUMENT = ROOT / "bench" / "RESULTS.md"
MARKED = re.compile(r"(<!-- race: (\S+) -->\n)(.*?)(<!-- end of race -->)", re.DOTALL)


def load(file: Path) -> dict[str, Any]:
    """The rows of a kind of processor by their names, and what is known of the machine; empty if there is no file."""
    empty: dict[str, Any] = {"rows": {}}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else empty
    return found


def merge(file: Path, machine: dict[str, Any], row: Any) -> None:
    """Put a row into a file, in place of the one of the same name, in the order of the race."""
    from bench.workloads import WORKLOADS
    from fastnn.files import write_whole

    content = load(file)
    rows = content["rows"] | {row.name: row.as_json()}
    order = [workload.key for workload in WORKLOADS]
    names = sorted(rows, key=lambda name: (rows[name]["isa"] or "", order.index(rows[name]["key"])))
    file.parent.mkdir(exist_ok=True)
    whole = content | machine | {"rows": {name: rows[name] for name in names}}
    write_whole(file, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def rows_of(file: Path) -> list[Any]:
    """The rows of a file as `bench.table.Row`."""
    from bench.table import Row

    return [Row.from_json(row) for row in load(file)["rows"].values()]


def section(file: Path) -> str:
    """The machine and the table of a file, as Markdown."""
    from bench.table import row_table

    content = load(file)
    return f"{content['machine']}\n\n{row_table(rows_of(file))}\n"


def filled(document: str, folder: Path = FOLDER) -> str:
    """The document with the tables of today's files."""
    return MARKED.sub(lambda found: f"{found[1]}\n{section(folder / f'{found[2]}.json')}\n{found[4]}", document)


def main() -> int:
    """Write the tables."""
    from fastnn.files import write_whole

    write_whole(DOCUMENT, filled(DOCUMENT.read_text(encoding="utf-8")))
    return 0


if __name__ == "__main__":
    # It comes last, so that an installed fastnn takes precedence over the source tree.
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT / "bench"]
    sys.path.append(str(ROOT))
    sys.exit(main())
