"""Files that pages show and that are made from the repository before the pages are read, in docs/generated.

The tables and charts of the page about benchmarks come from bench/results and bench/baselines, the page about the
command from its parser, and the pages about studies from quick runs of them.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent
ROOT = DOCS.parent
GENERATED = DOCS / "generated"
CHARTED = "amd-epyc-family-25-model-17-avx2-fma-avx512f-2-threads"  # the processor whose rows are drawn


def step_ratios(file: Path) -> list[tuple[str, float, float, str]]:
    """Workload, eager ÷ fastnn, best ÷ fastnn, best peer of what was raced, products and single convolutions apart."""
    sys.path.append(str(ROOT))
    from bench.results import rows_of

    return [
        (row.workload.title, row.ratio(row.eager), row.ratio(row.best), row.best.side)
        for row in rows_of(file)
        if row.isa is None and row.eager and row.best and row.workload.kind not in ("gemm", "conv")
    ]


def draw_step_ratios(rows: list[tuple[str, float, float, str]], path: Path) -> None:
    """Bars of how many times longer the others take, the best of them in the darker colour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 0.42 * len(rows) + 1), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    axes.barh(places, [row[1] for row in rows], color="#b8cfe8", label="PyTorch as people write it")
    axes.barh(places, [row[2] for row in rows], color="#1f5fa8", height=0.5, label="the best of all others")
    for place, (_, eager, best, _) in zip(places, rows, strict=True):
        axes.text(eager * 1.03, place, f"{eager:.1f} / {best:.1f}", va="center", fontsize=8)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(0.9, 100)
    axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    axes.set_yticks(places, [row[0] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("time ÷ time of fastnn")
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    figure.savefig(path, metadata={"Date": None})


def write_baselines(folder: Path, path: Path) -> None:
    """One row a kernel: how many times longer NumPy and Numba take, from the stored measurements."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["kernel and size", "NumPy ÷ native", "Numba ÷ native", "processor"])
        for stored in sorted(folder.glob("*.json")):
            content = json.loads(stored.read_text(encoding="utf-8"))
            for name, ratios in content["ratios"].items():
                label = re.sub(r"^bench_(\w+)\.py::test_(\w+)", r"\1, \2", name).replace("_", " ")
                cells = [f"{ratios[peer]:.1f}" if peer in ratios else "" for peer in ("reference", "numba")]
                writer.writerow([label, *cells, content["processor"].split(",")[0]])


def write_command_line(path: Path) -> None:
    """The help of the command and of every subcommand, a section each."""
    import argparse

    from fastnn.cli import parser

    sections: list[str] = []

    def add(of: argparse.ArgumentParser) -> None:
        mark = "-" if sections else "~"
        head = f"{of.prog}\n{'-' * len(of.prog)}\n\n" if mark == "-" else ""
        text = "\n".join(f"   {line}".rstrip() for line in of.format_help().splitlines())
        sections.append(f"{head}.. code-block:: text\n\n{text}\n")
        for action in of._subparsers._group_actions if of._subparsers else ():
            for below in dict.fromkeys(action.choices.values()):
                add(below)

    os.environ["COLUMNS"] = "100"
    add(parser())
    path.write_text("\n".join(sections), encoding="utf-8")


def run_studies() -> None:
    """Quick runs of all studies; what an earlier build has computed with the same code is not computed again."""
    from fastnn import studies

    for name in studies.NAMES:
        studies.run(studies.get(name), out=GENERATED / "studies" / name, quick=True, quiet=True)


def copy_reports(app: Any, failure: Exception | None) -> None:
    """Put the studies' reports, which are whole pages, beside the pages of the site."""
    reports = Path(app.outdir) / "reports"
    reports.mkdir(exist_ok=True)
    for report in (GENERATED / "studies").glob("*/report.html"):
        shutil.copyfile(report, reports / f"{report.parent.name}.html")


def generate(app: Any) -> None:
    """Write all files."""
    GENERATED.mkdir(exist_ok=True)
    draw_step_ratios(step_ratios(ROOT / f"bench/results/{CHARTED}.json"), GENERATED / "step_ratios.svg")
    write_baselines(ROOT / "bench/baselines", GENERATED / "baselines.csv")
    write_command_line(GENERATED / "command_line.txt")
    run_studies()


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", generate)
    app.connect("build-finished", copy_reports)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
