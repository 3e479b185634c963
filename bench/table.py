"""What was measured of a row, its ratios, its share of the floor, and the verdict on it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from bench.workloads import Aim, Kinds, Workload, find


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
    # Half the distance between the quartiles as a fraction of the median, where the single rounds are not known.
    known_spread: float | None = None

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.times)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a fraction of the median."""
        if self.known_spread is not None or len(self.times) < 2:
            return self.known_spread or 0.0
        low, _, high = statistics.quantiles(self.times, n=4)
        return (high - low) / 2 / self.median

    def as_json(self) -> dict[str, Any]:
        """The entry as `from_json` reads it."""
        found: dict[str, Any] = {"side": self.side, "setting": self.setting, "us": [round(t, 3) for t in self.times]}
        if self.screened:
            found["screened"] = True
        if self.noisy_rounds:
            found["noisy_rounds"] = self.noisy_rounds
        if self.known_spread is not None:
            found["spread"] = self.known_spread
        return found

    @classmethod
    def from_json(cls, found: dict[str, Any] | None) -> Entry | None:
        """The entry that was stored."""
        if found is None:
            return None
        return cls(
            found["side"], found["setting"], found["us"], found.get("screened", False), found.get("noisy_rounds", 0),
            found.get("spread"),
        )  # fmt: skip


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
    kind: Kinds = "avx512"
    floor_us: float | None = None  # the least time of a step on this machine; see bench/floor.py
    limits: dict[str, Any] = field(default_factory=dict)  # what the machine could do between the rounds
    made: dict[str, str] = field(default_factory=dict)  # commit, date and versions

    @property
    def best(self) -> Entry | None:
        """The fastest peer, where PyTorch as people write it is one of them."""
        entries = [*self.peers.values(), *([self.eager] if self.eager else [])]
        return min(entries, key=lambda e: e.median, default=None)

    @property
    def name(self) -> str:
        """The key of the workload, with the instruction set if that was chosen."""
        return f"{self.workload.key} {self.isa}" if self.isa else self.workload.key

    @property
    def aim(self) -> Aim:
        """What is aimed at, by the instruction set or the processor."""
        return self.workload.aim("avx2" if self.isa == "avx2" else self.kind)

    def ratio(self, peer: Entry | None) -> float | None:
        """How many times faster fastnn is than `peer`."""
        if self.ours is None or peer is None:
            return None
        return peer.median / self.ours.median

    @property
    def share(self) -> float | None:
        """The floor as a fraction of fastnn's median time; None if the floor is 0 or not known."""
        return self.floor_us / self.ours.median if self.ours and self.floor_us else None

    @property
    def gflops(self) -> float | None:
        """GFLOP/s of the products at fastnn's median time; None if there are no products."""
        return self.workload.flops / self.ours.median / 1e3 if self.ours and self.workload.flops else None

    def judged(self) -> list[tuple[str, float | None, float | None]]:
        """What is aimed at: its name, the value that was reached, the least one."""
        found = [
            ("eager", self.ratio(self.eager), self.aim.eager),
            ("best peer", self.ratio(self.best), self.aim.best),
            ("share of the floor", self.share, self.aim.share),
        ]
        return [
            (name, None if value is None else round(value, 2), least)
            for name, value, least in found
            if least is not None
        ]

    def shortfalls(self) -> list[str]:
        """What is not reached, in words; empty if all that could be judged is."""
        return [
            f"{name} {value:.2f} < {least:g}"
            for name, value, least in self.judged()
            if value is not None and least is not None and value < least
        ]

    def verdict(self) -> str:
        """`pass`, `short: ...`, or what is missing, with a warning if the machine was busy."""
        if self.ours is None:
            return "no fastnn"
        missing = [name for name, value, _ in self.judged() if value is None]
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

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured, as `from_json` reads it."""

        def entry(e: Entry | None) -> dict[str, Any] | None:
            return None if e is None else e.as_json()

        return {
            "key": self.workload.key, "isa": self.isa, "kind": self.kind, **self.made, "limits": self.limits,
            "floor_us": self.floor_us, "fastnn": entry(self.ours), "torch_eager": entry(self.eager),
            "peers": [entry(e) for e in self.peers.values()], "tried": [entry(e) for e in self.tried],
            "notes": self.notes,
        }  # fmt: skip

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Row:
        """The row that was stored."""
        peers = [peer for peer in map(Entry.from_json, found["peers"]) if peer is not None]
        tried = [entry for entry in map(Entry.from_json, found.get("tried", [])) if entry is not None]
        return cls(
            find(found["key"]), found["isa"], Entry.from_json(found["fastnn"]), Entry.from_json(found["torch_eager"]),
            {peer.side: peer for peer in peers}, tried, found.get("notes", []), found["kind"], found["floor_us"],
            found["limits"], {name: found[name] for name in ("commit", "date", "versions") if name in found},
        )  # fmt: skip


def microseconds(value: float) -> str:
    """The number with three significant digits, without an exponent."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in [header, *rows]]
    lines.insert(1, "|" + "|".join("---" for _ in header) + "|")
    return "\n".join(lines)


def _time(entry: Entry | None) -> str:
    if entry is None:
        return "–"
    text = microseconds(entry.median)
    if entry.screened:
        return f"({text})"
    return f"{text} ± {entry.spread:.0%}" if entry.spread else text


def _aimed(value: float | None, least: float | None, form: str) -> str:
    """A value with what is aimed at in brackets, in bold if it falls short."""
    text = "–" if value is None else format(value, form)
    if least is None:
        return text
    text = f"{text} (≥ {format(least, form) if form.endswith('%') else format(least, 'g')})"
    return f"**{text}**" if value is not None and round(value, 2) < least else text


def row_table(rows: list[Row]) -> str:
    """The table of times per step, shares of the floor and ratios; what falls short of its aim is bold."""
    header = ["workload", "fastnn µs", "share of floor", "eager ÷ fastnn", "best ÷ fastnn", "best peer", "GFLOP/s",
              "commit"]  # fmt: skip
    lines = []
    for row in rows:
        best = row.best
        lines.append([
            row.workload.title + (f", {row.isa}" if row.isa else ""), _time(row.ours),
            _aimed(row.share, row.aim.share, ".0%"), _aimed(row.ratio(row.eager), row.aim.eager, ".2f"),
            _aimed(row.ratio(best), row.aim.best, ".2f"), f"{best.side} ({best.setting})" if best else "–",
            f"{row.gflops:.0f}" if row.gflops else "–", row.made.get("commit", ""),
        ])  # fmt: skip
    return markdown(header, lines)


def settings_list(rows: list[Row]) -> str:
    """The floor, the times of all peers at their best settings, and what happened in the race."""
    lines = []
    for row in rows:
        chosen = ", ".join(f"{e.side}: {e.setting}, {_time(e)} µs" for e in row.peers.values())
        floor = f"floor {microseconds(row.floor_us)} µs; " if row.floor_us else ""
        lines.append(f"- {row.workload.title}: {floor}{chosen or 'no peer'}")
        lines += [f"  - {note}" for note in row.notes]
    return "\n".join(lines)
