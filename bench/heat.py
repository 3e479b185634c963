"""Races a row: tries the settings of each framework, then times all sides in alternating rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench import peers as sides
from bench.floor import floor
from bench.peers.base import Setting
from bench.probe import Probe, best_of, caches, halves, in_process, processor
from bench.side import ATTEMPTS, Side, SideError
from bench.table import Entry, Row
from bench.workloads import Kinds, Workload

SCREEN_SECONDS, SCREEN_ROUNDS = 0.1, 3
ROUND_SECONDS = 0.25
ROUNDS_PER_PROBE = 3
# A framework that is so many times slower than the best one when settings are tried is not raced.
HOPELESS = 3.0
AGREE = 5e-3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """The options of the command line."""

    peers: tuple[str, ...]
    threads: int
    repeats: int
    isa: str | None = None
    ours: bool = True
    # The name of the only setting to run, from an earlier race, by (key of the workload, side).
    fixed: dict[tuple[str, str], str] | None = None

    @property
    def our_env(self) -> dict[str, str]:
        """The environment of fastnn's side."""
        return {"FASTNN_ISA": self.isa} if self.isa else {}

    def threads_of(self, workload: Workload) -> int:
        """The threads that each side may use."""
        return workload.threads or self.threads


def kind_of_processor() -> Kinds:
    """The kind of this processor, by which a row is judged."""
    name = processor()
    if "avx512f" not in name:
        return "avx2"
    return "halves" if halves(name) else "avx512"


def agree(a: list[float], b: list[float]) -> bool:
    """Whether two sides computed the same thing."""
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=AGREE, abs_tol=1e-6) for x, y in zip(a, b, strict=True))


@contextmanager
def started(
    name: str, workload: Workload, settings: list[Setting], plan: Plan, notes: list[str], tried: list[Entry]
) -> Iterator[list[Side]]:
    """Start a worker for each setting of a framework; prepare, calibrate and stop it.

    Failures become notes. Settings that are far slower than an earlier one are ended at once.
    """
    ready: list[Side] = []
    try:
        for setting in settings:
            env = plan.our_env if name == "fastnn" else None
            side = Side(name, workload, setting, env)
            try:
                side.prepare()
                side.calibrate(SCREEN_SECONDS)
            except (SideError, KeyboardInterrupt) as error:
                side.close()
                if isinstance(error, KeyboardInterrupt):
                    raise
                notes.append(str(error))
                continue
            if ready and side.estimate > HOPELESS * min(s.estimate for s in ready):
                tried.append(Entry(name, setting.name, [side.estimate], screened=True))
                side.close()
                continue
            ready.append(side)
        yield ready
    except BaseException:
        for side in ready:
            side.close()
        raise


def rotate(entries: list[Side], by: int) -> list[Side]:
    """The same sides in an order that begins with another one, so that none always runs after the same neighbour."""
    by %= max(1, len(entries))
    return entries[by:] + entries[:by]


def rounds(
    running: list[Side], repeats: int, attempts: int = ATTEMPTS, probe: Callable[[], Probe] | None = None
) -> list[Probe]:
    """Time the sides in alternation, every side once in each round, and probe the machine between some rounds."""
    probes = []
    for number in range(repeats):
        for side in rotate(running, number):
            side.round(attempts)
        if probe is not None and number % ROUNDS_PER_PROBE == 0:
            probes.append(probe())
    return probes


def screen(name: str, workload: Workload, settings: list[Setting], plan: Plan, row: Row) -> list[Side]:
    """Compare the settings of one framework and keep the first and the fastest."""
    with started(name, workload, settings, plan, row.notes, row.tried) as ready:
        rounds(ready, SCREEN_ROUNDS, attempts=1)
        row.tried += [_entry(side, screened=True) for side in ready]
        if not ready:
            return []
        # The minimum of the times, because a trial is short and other processes may have been busy in one of its runs.
        best = min(ready, key=lambda s: min(s.times))
        # The first setting of PyTorch is how people write it, and has a column of its own.
        first = next((s for s in ready if s.setting is settings[0]), None)
        keep = [first, best] if name == "torch" and first not in (None, best) else [best]
        for side in ready:
            if side not in keep:
                side.close()
        return [side for side in keep if side is not None]


def fixed_settings(settings: list[Setting], side: str, wanted: str | None) -> list[Setting]:
    """The setting that was best before, and PyTorch as people write it; all of them if there is none of that name."""
    chosen = [s for s in settings if s.name == wanted]
    if not chosen:
        return settings
    eager = settings[:1] if side == "torch" else []
    return eager + [s for s in chosen if s not in eager]


def race_row(workload: Workload, plan: Plan, say: Say) -> Row:
    """Race one workload."""
    threads = plan.threads_of(workload)
    row = Row(workload, plan.isa, kind=kind_of_processor())
    with ExitStack() as stack:
        running: list[Side] = []
        for name in (("fastnn",) if plan.ours else ()) + plan.peers:
            settings = sides.load(name).settings(workload, threads)
            settings = fixed_settings(settings, name, (plan.fixed or {}).get((workload.key, name)))
            say(f"{workload.title}: {name}, {len(settings)} setting{'s' * (len(settings) != 1)}")
            kept = screen(name, workload, settings, plan, row)
            for side in kept:
                stack.callback(side.close)
            running += kept
        _drop_those_that_disagree(running, row)
        final = _without_hopeless(running, row)
        for side in final:
            side.steps = max(1, round(side.steps * ROUND_SECONDS / SCREEN_SECONDS))
            side.times.clear()
            side.noisy_rounds = 0
        say(f"{workload.title}: {plan.repeats} rounds of {', '.join(s.label for s in final)}")
        probes = rounds(final, plan.repeats, probe=lambda: in_process(threads, plan.our_env, attempts=1))
        for side in final:
            _place(row, side, _entry(side))
            if side.name == "fastnn":
                _set_floor(row, side, best_of(probes), threads)
        row.notes += noise_notes(final)
    return row


def _set_floor(row: Row, ours: Side, limits: Probe, threads: int) -> None:
    held = caches(threads)
    row.limits = {**{name: round(getattr(limits, name), 1) for name in ("fma_gflops", "read_gbs", "update_gbs")},
                  "threads": threads, "cache_bytes": held}  # fmt: skip
    row.floor_us = round(floor(ours.work, row.limits, held, row.workload.data_bytes) * 1e6, 3)


def noise_notes(running: list[Side]) -> list[str]:
    """A note for each side that was timed while other processes used the cores."""
    return [
        f"{s.label}: other processes used the cores in {s.noisy_rounds} of {len(s.times)} rounds"
        for s in running
        if s.noisy_rounds
    ]


def _drop_those_that_disagree(running: list[Side], row: Row) -> None:
    """Remove the sides whose check numbers differ from those of most others."""
    if len(running) < 2:
        return
    votes = [sum(agree(a.check, b.check) for b in running) for a in running]
    reference = running[votes.index(max(votes))]
    for side in [s for s in running if not agree(s.check, reference.check)]:
        row.notes.append(
            f"{side.label} left out: it computed {side.check} where {reference.label} has {reference.check}"
        )
        running.remove(side)


def _without_hopeless(running: list[Side], row: Row) -> list[Side]:
    least = {id(s): min(s.times) for s in running}
    others = [least[id(s)] for s in running if s.name != "fastnn"]
    final = []
    for side in running:
        eager = side.name == "torch" and side.setting == sides.load("torch").settings(
            row.workload, side.setting.threads)[0]  # fmt: skip
        if side.name == "fastnn" or eager or least[id(side)] <= HOPELESS * min(others):
            final.append(side)
        else:
            _place(row, side, _entry(side, screened=True))
    return final


def _place(row: Row, side: Side, entry: Entry) -> None:
    if side.name == "fastnn":
        row.ours = entry
        return
    if side.name == "torch" and side.setting == sides.load("torch").settings(
            row.workload, side.setting.threads)[0] and row.eager is None:  # fmt: skip
        row.eager = entry
    known = row.peers.get(side.name)
    if known is None or entry.median < known.median:
        row.peers[side.name] = entry


def _entry(side: Side, screened: bool = False) -> Entry:
    return Entry(side.name, side.setting.name, list(side.times), screened, side.noisy_rounds)
