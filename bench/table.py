"""Ratios, verdicts, and the markdown tables of a race."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from bench.workloads import GEMM_SHARE, Workload


@dataclass
class Entry:
    """Microseconds per step of one side at one setting, a value for each round."""

    side: str
    setting: str
    times: list[float]
    # It was only compared with the other settings of its framework, because it is too slow to be the best peer.
    screened: bool = False
    # The number of rounds that count although other processes used the cores.
    noisy_rounds: int = 0

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.times)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a fraction of the median."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4)
        return (high - low) / 2 / self.median


@dataclass
class Row:
    """One workload of the race: fastnn, PyTorch as people write it, and each peer at its best setting."""

    workload: Workload
    isa: str | None = None
    ours: Entry | None = None
    eager: Entry | None = None
    peers: dict[str, Entry] = field(default_factory=dict)
    tried: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def best(self) -> Entry | None:
        """The fastest peer, where PyTorch as people write it is one of them."""
        entries = [*self.peers.values(), *([self.eager] if self.eager else [])]
        return min(entries, key=lambda e: e.median, default=None)

    def ratio(self, peer: Entry | None) -> float | None:
        """How many times faster fastnn is than `peer`."""
        if self.ours is None or peer is None:
            return None
        return peer.median / self.ours.median

    @property
    def gflops(self) -> float | None:
        """GFLOP/s of the products at fastnn's median time; None if there are no products."""
        return self.workload.flops / self.ours.median / 1e3 if self.ours and self.workload.flops else None

    def shortfalls(self) -> list[str]:
        """The requirements that are not met, in words; empty if all that could be judged are met."""
        required = self.workload.required(self.isa)
        found = []
        for name, least, peer in (
            ("eager", required.eager, self.eager),
            ("best peer", required.best, self.best),
        ):
            ratio = self.ratio(peer)
            if least is not None and ratio is not None and ratio < least:
                found.append(f"{name} {ratio:.2f} < {least:g}")
        return found

    def verdict(self) -> str:
        """`pass`, `short: ...`, or what is missing, with a warning if the machine was busy."""
        if self.ours is None:
            return "no fastnn"
        required = self.workload.required(self.isa)
        missing = [
            name
            for name, least, peer in (
                ("eager", required.eager, self.eager),
                ("best peer", required.best, self.best),
            )
            if least is not None and peer is None
        ]
        short = self.shortfalls()
        if short:
            text = "short: " + ", ".join(short)
        elif missing:
            text = f"not judged: {' and '.join(missing)} missing"
        else:
            text = "pass"
        judged = [e for e in (self.ours, self.eager, self.best) if e is not None]
        busy = any(2 * e.noisy_rounds > len(e.times) for e in judged)
        return text + " (on a busy machine: race again)" if busy else text


@dataclass
class GemmRow:
    """One product on a number of threads: GFLOP/s of every side and the measured peak."""

    workload: Workload
    threads: int
    peak: float
    entries: list[Entry]

    def gflops(self, entry: Entry) -> float:
        """GFLOP/s at the median time."""
        return self.workload.flops / entry.median / 1e3

    def entry(self, side: str) -> Entry | None:
        """The entry of a side."""
        return next((e for e in self.entries if e.side == side), None)

    def verdict(self) -> str:
        """Whether fastnn reaches the required fraction of the peak."""
        ours = self.entry("fastnn")
        if ours is None:
            return "no fastnn"
        share, least = self.gflops(ours) / self.peak, GEMM_SHARE[self.workload.key]
        return "pass" if share >= least else f"short: {share:.0%} < {least:.0%}"


def microseconds(value: float) -> str:
    """The number with three significant digits, without an exponent."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose columns are aligned in plain text too."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
             for row in [header, *rows]]  # fmt: skip
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def _cell(entry: Entry | None) -> str:
    if entry is None:
        return "–"
    text = microseconds(entry.median)
    return f"({text})" if entry.screened else f"{text} ± {entry.spread:.0%}"


def _ratio(value: float | None, least: float | None) -> str:
    shown = "–" if value is None else f"{value:.2f}"
    return f"{shown} (≥ {least:g})" if least is not None else shown


def step_table(rows: list[Row], peers: list[str]) -> str:
    """The table of times per step and ratios."""
    header = ["workload", "fastnn µs", "torch eager µs", *(f"{p} µs" for p in peers),
              "eager ÷ fastnn", "best ÷ fastnn", "best peer", "numpy ÷ fastnn", "fastnn GFLOP/s",
              "verdict"]  # fmt: skip
    lines = []
    for row in rows:
        required = row.workload.required(row.isa)
        best = row.best
        lines.append([
            row.workload.title, _cell(row.ours), _cell(row.eager),
            *(_cell(row.peers.get(p)) for p in peers),
            _ratio(row.ratio(row.eager), required.eager),
            _ratio(row.ratio(best), required.best),
            f"{best.side} ({best.setting})" if best else "–", _ratio(row.ratio(row.peers.get("numpy")), None),
            f"{row.gflops:.0f}" if row.gflops else "–", row.verdict(),
        ])  # fmt: skip
    return markdown(header, lines)


def gemm_table(rows: list[GemmRow], peers: list[str]) -> str:
    """The table of products, with GFLOP/s and fractions of the measured peak."""
    header = ["product", "threads", "FMA peak", "fastnn", "share", *peers, "verdict"]
    lines = []
    for row in rows:
        ours = row.entry("fastnn")
        cells = [f"{row.gflops(e):.0f}" if (e := row.entry(p)) else "–" for p in peers]
        share = f"{row.gflops(ours) / row.peak:.0%}" if ours else "–"
        lines.append([
            row.workload.title, str(row.threads), f"{row.peak:.0f}",
            f"{row.gflops(ours):.0f}" if ours else "–",
            f"{share} (≥ {GEMM_SHARE[row.workload.key]:.0%})", *cells, row.verdict(),
        ])  # fmt: skip
    return markdown(header, lines)


def settings_list(rows: list[Row]) -> str:
    """The list of the peers' settings that are in the table."""
    lines = []
    for row in rows:
        chosen = ", ".join(f"{e.side}: {e.setting}" for e in row.peers.values())
        lines.append(f"- {row.workload.title}: {chosen or 'no peer'}")
        lines += [f"  - {note}" for note in row.notes]
    return "\n".join(lines)


def as_json(rows: list[Row], gemm: list[GemmRow]) -> list[dict[str, Any]]:
    """Everything that was measured."""

    def entry(e: Entry | None) -> dict[str, Any] | None:
        if e is None:
            return None
        return {"side": e.side, "setting": e.setting, "median_us": e.median, "us": e.times,
                "screened": e.screened, "noisy_rounds": e.noisy_rounds}  # fmt: skip

    steps = [
        {
            "key": r.workload.key, "title": r.workload.title, "isa": r.isa, "fastnn": entry(r.ours),
            "torch_eager": entry(r.eager), "peers": [entry(e) for e in r.peers.values()],
            "tried": [entry(e) for e in r.tried], "notes": r.notes,
            "ratio_eager": r.ratio(r.eager), "ratio_best": r.ratio(r.best), "gflops": r.gflops,
            "required_eager": r.workload.required(r.isa).eager,
            "required_best": r.workload.required(r.isa).best, "verdict": r.verdict(),
        }
        for r in rows
    ]  # fmt: skip
    products = [
        {
            "key": g.workload.key, "title": g.workload.title, "threads": g.threads,
            "peak_gflops": g.peak, "required_share": GEMM_SHARE[g.workload.key],
            "sides": [{**(entry(e) or {}), "gflops": g.gflops(e)} for e in g.entries],
            "verdict": g.verdict(),
        }
        for g in gemm
    ]  # fmt: skip
    return [*steps, *products]
