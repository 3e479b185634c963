"""The parent's end of a worker, which starts it, wakes it for a run and stops it in between.

Between its runs a side is stopped by SIGSTOP, so that no idle thread pool of one framework spins on a core on which
another is timed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import load
from bench.environment import cores, worker_environment
from bench.floor import Call
from bench.peers.base import Setting
from bench.workloads import Workload

WORKER = Path(__file__).resolve().parent / "worker.py"
PATIENCE = 600.0  # seconds for a reply; compiling a step may take minutes
# of those that are raced only where they are quick
LESS_PATIENCE = {"jax": 60.0, "tensorflow": 60.0}
ATTEMPTS = 4


class SideError(RuntimeError):
    """A side could not be prepared, or it died."""


class Side:
    """A running worker of one framework at one setting."""

    def __init__(self, name: str, workload: Workload, setting: Setting, env: dict[str, str] | None = None) -> None:
        self.name, self.workload, self.setting = name, workload, setting
        self.check: list[float] = []
        self.work: list[Call] = []  # of fastnn: what the kernel calls of a step must do
        self.steps = 1
        self.estimate = 0.0  # microseconds per step, from the calibration
        self.times: list[float] = []
        self.noisy_rounds = 0  # rounds that count although other processes used the cores
        order = {
            "side": name, "workload": workload.key, "setting": asdict(setting),
            "cores": cores(setting.threads),
        }  # fmt: skip
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in close)
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(order)],
            env=worker_environment(os.environ, setting.threads, setting.env | (env or {})),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True,
        )  # fmt: skip
        self._buffer = b""

    @property
    def label(self) -> str:
        """The framework and the setting."""
        return f"{self.name} ({self.setting.name})"

    def prepare(self) -> None:
        """Wait until the workload is ready; keep the numbers on which sides must agree."""
        reply = self._reply()
        self.check = [float(value) for value in reply["check"]]
        self.work = [Call(**call) for call in reply["work"]]
        self._signal(signal.SIGSTOP)

    def measure(self, steps: int, warm: int = 0) -> tuple[int, float]:
        """Wake the worker, run it and stop it; return the steps done and the seconds that they took."""
        self._signal(signal.SIGCONT)
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"steps": steps, "warm": warm}).encode() + b"\n")
            self._process.stdin.flush()
            reply = self._reply()
        except BrokenPipeError:
            raise SideError(f"{self.label} died: {self._last_words()}") from None
        finally:
            self._signal(signal.SIGSTOP)
        return int(reply["steps"]), float(reply["seconds"])

    def calibrate(self, seconds: float) -> None:
        """Choose `steps` so that a run lasts about `seconds`. The first run, which compiles, does not count."""
        self.measure(1)
        steps = 1
        while True:
            done, took = self.measure(steps)
            if took >= 0.3 * seconds:
                break
            steps = min(done * 50, max(done * 2, int(done * seconds / max(took, 1e-9))))
        self.estimate = took / done * 1e6
        self.steps = max(1, round(done / took * seconds))

    def round(self, attempts: int = ATTEMPTS) -> None:
        """Time one run and add its microseconds per step to `times`.

        A run during which other processes used the cores is repeated after a pause.
        """
        for attempt in range(attempts):
            before, start = load.read(self._process.pid), time.monotonic()
            done, took = self.measure(self.steps, warm=max(1, self.steps // 10))
            wall = time.monotonic() - start
            others = load.foreign(before, load.read(self._process.pid))
            if not load.is_noisy(others, wall):
                break
            if attempt < attempts - 1:
                time.sleep(0.5)
        else:
            self.noisy_rounds += 1
        self.times.append(took / done * 1e6)

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        patience = LESS_PATIENCE.get(self.name, PATIENCE)
        deadline = time.monotonic() + patience
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise SideError(f"{self.label} gave no answer for {patience:.0f} s")
            part = os.read(descriptor, 65536)
            if not part:
                self._process.wait()
                raise SideError(f"{self.label} died: {self._last_words()}")
            self._buffer += part
        line, self._buffer = self._buffer.split(b"\n", 1)
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().splitlines() if line.strip()]
        errors = [line for line in lines if "Error" in line or "Exception" in line]
        return (errors or lines or ["no message"])[-1][:300]
