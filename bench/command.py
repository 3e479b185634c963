"""The command line of the race and what it prints."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import peers as sides
from bench.environment import cores, handicaps, without_handicaps
from bench.heat import Plan, race_gemm, race_row
from bench.probe import probe
from bench.table import GemmRow, Row, as_json, gemm_table, settings_list, step_table
from bench.workloads import WORKLOADS, Workload, select

RACE = Path(__file__).resolve().parent / "race.py"
DESCRIPTION = """Race fastnn against the other frameworks, side by side on this machine.

Every side runs in a process of its own, pinned to the same cores, and is stopped while another is timed. First the
settings of each framework are tried; the fastest one is timed in rounds in which all frameworks alternate. A step
includes gathering its rows from the data set. The results are medians over the rounds."""
GROUPS = tuple(dict.fromkeys(w.group for w in WORKLOADS))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rows", default=",".join(GROUPS), help="groups or single rows, by comma (--list shows them)")
    add("--peers", default=",".join(sides.PEERS), help="frameworks, by comma; those missing are left out")
    add("--repeats", type=int, default=15, help="alternating rounds (default 15)")
    add("--threads", type=int, default=2, help="cores every side may use (default 2)")
    add("--isa", help="FASTNN_ISA for our side: avx2, avx512, baseline, neon")
    add("--json", type=Path, help="also write everything measured to this file")
    add("--settings", type=Path, help="the --json of an earlier race: run its best settings, try no others")
    add("--peers-only", action="store_true", help="measure the peers without fastnn")
    add("--list", action="store_true", help="list the rows and the installed frameworks")
    return parser.parse_args(arguments)


def clean_environment(arguments: list[str]) -> None:
    """Start again without the variables that slow NumPy down, if any are set."""
    found = handicaps(os.environ)
    if found:
        names = " and ".join(found)
        print(f"race: {names} would hold NumPy back; starting again without", file=sys.stderr, flush=True)
        command = [sys.executable, str(RACE), *arguments]
        os.execve(sys.executable, command, without_handicaps(os.environ))


def versions(names: list[str]) -> dict[str, str]:
    """The installed versions of the frameworks."""
    distributions = {
        "fastnn": ("fastnn-cpu",), "numpy": ("numpy",), "torch": ("torch",), "jax": ("jax",),
        "tensorflow": ("tensorflow", "tensorflow-cpu"), "sklearn": ("scikit-learn",),
        "numba": ("numba",),
    }  # fmt: skip
    found = {"python": platform.python_version()}
    for name in names:
        for distribution in distributions[name]:
            try:
                found[name] = importlib.metadata.version(distribution)
                break
            except importlib.metadata.PackageNotFoundError:
                continue
    return found


def earlier_settings(path: Path) -> dict[tuple[str, str], str]:
    """The settings that were best in an earlier race, by workload and side."""
    rows = json.loads(path.read_text())["rows"]
    return {
        (row["key"], entry["side"]): entry["setting"]
        for row in rows if "peers" in row
        for entry in row["peers"]
    }  # fmt: skip


def heading(machine: dict[str, Any], found: dict[str, str], options: argparse.Namespace) -> str:
    """The heading of the results: the machine and its measured limits, versions, and options of the race."""
    lines = [f"Machine: {machine['processor']}; {platform.system()} {platform.release()}"]
    for p in machine["probes"]:
        lines.append(
            f"Measured on {p['threads']} thread{'s' * (p['threads'] > 1)}: "
            f"FMA {p['fma_gflops']:.0f} GFLOP/s, memory read {p['read_gbs']:.1f} GB/s, "
            f"update in place {p['update_gbs']:.1f} GB/s ({p['source']})"
        )
    lines.append("Versions: " + ", ".join(f"{name} {version}" for name, version in found.items()))
    lines.append(
        f"Threads: {options.threads}; rounds: {options.repeats}; fastnn's instruction set: "
        f"{options.isa or 'the best here'}; times are medians, ± half the distance between the quartiles; "
        "(in brackets): more than three times slower than the best peer when its settings were tried, "
        "so not in the rounds"
    )
    return "\n\n".join(lines)


def race_all(
    wanted: list[Workload],
    plan: Plan,
    rows: list[Row],
    products: list[GemmRow],
    save: Callable[[], None],
) -> None:
    """Race the workloads one after the other, and save each when it is done."""

    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    for workload in wanted:
        if workload.kind == "gemm":
            for threads in sorted({1, plan.threads}):
                product, notes = race_gemm(workload, threads, plan, say)
                products.append(product)
                for note in notes:
                    say(f"{workload.title}: {note}")
        else:
            rows.append(race_row(workload, plan, say))
            say(f"{workload.title}: {rows[-1].verdict()}")
        save()


def main(arguments: list[str] | None = None) -> int:
    """Race and print; return 1 if a row falls short of its required ratios."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
    try:
        wanted = select([name for name in options.rows.split(",") if name])
        asked = [name for name in options.peers.split(",") if name]
        present = [name for name in asked if sides.installed(name)]
        cores(options.threads)
        if options.repeats < 1:
            raise ValueError(f"race: expected at least 1 round, but --repeats {options.repeats} came")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        for w in wanted:
            print(f"{w.key:16} {w.group:8} {w.title}")
        print("frameworks:", ", ".join(n for n in ("fastnn", *present) if sides.installed(n)))
        return 0
    clean_environment(given)
    if not options.peers_only and not sides.installed("fastnn"):
        print("race: fastnn is not installed here (pip install .), or use --peers-only", file=sys.stderr)
        return 2
    for name in set(asked) - set(present):
        print(f"race: {name} is not installed and left out", file=sys.stderr)

    plan = Plan(
        tuple(present), options.threads, options.repeats, options.isa, not options.peers_only,
        earlier_settings(options.settings) if options.settings else None,
    )  # fmt: skip

    machine = probe(options.threads)
    found = versions([*([] if options.peers_only else ["fastnn"]), *present])
    print(heading(machine, found, options), flush=True)
    rows: list[Row] = []
    products: list[GemmRow] = []

    def save() -> None:
        if options.json:
            report = {
                "machine": machine,
                "versions": found,
                "threads": options.threads,
                "repeats": options.repeats,
                "isa": options.isa,
                "rows": as_json(rows, products),
            }
            options.json.write_text(json.dumps(report, indent=1) + "\n")

    try:
        race_all(wanted, plan, rows, products, save)
    except KeyboardInterrupt:
        print("race: interrupted; the rows that were done:", file=sys.stderr)
    if rows:
        print("\n" + step_table(rows, present))
        print("\nSettings of the peers in the table:\n\n" + settings_list(rows))
    if products:
        print("\nProducts alone, float32 GFLOP/s:\n\n" + gemm_table(products, present))
    verdicts = [row.verdict() for row in rows] + [product.verdict() for product in products]
    return 1 if any(v.startswith("short") for v in verdicts) else 0
