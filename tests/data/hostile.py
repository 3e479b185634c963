"""Reads damaged files of every format in separate processes with limited memory and time, and counts the outcomes.

``python tests/data/hostile.py [mutations [format ...]]`` prints a table of what each reader returned for every
truncation of a small file and for that many seeded mutations. Half of the mutations change the file, and half change
content before it is compressed, so that checksums hold.
"""

import codecs
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

SECONDS, PATIENCE = 5, 300
MEBIBYTES = 192  # address space in addition to what the process has before the first file; files have some kB
# of old pickles, tables, MATLAB's text and names in archives: Python imports each codec at its first use
CODECS = ("raw_unicode_escape", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp437")
FORBIDDEN = ("exec", "os.", "subprocess.", "socket.", "pickle.", "shutil.", "ctypes.", "marshal.", "urllib.", "pty.")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Ran(BaseException):
    """A file made something happen that must never happen."""


class Hung(BaseException):
    """Reading took more than SECONDS of a processor, or waited for more than PATIENCE."""


class Watch:
    """An audit hook that is active while a file is being read."""

    def __init__(self):
        self.on = False
        sys.addaudithook(self.event)

    def event(self, name, arguments):
        if not self.on or name in ("os.listdir", "os.scandir"):
            return
        new = name == "import" and arguments[0] not in sys.modules
        writes = name == "open" and ((arguments[2] or 0) & WRITING or "w" in str(arguments[1] or ""))
        if new or writes or name.startswith(FORBIDDEN):
            self.on = False
            raise Ran(f"{name} {arguments!r:.200}")


def numbers(value):
    """The total bytes of all arrays in the result of a reader."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(numbers, value.values()))
    if isinstance(value, (tuple, list)):
        return sum(map(numbers, value[:1000]))
    return sum(map(numbers, vars(value).values())) if hasattr(value, "train_images") else 0


def one(read, path, watch):
    """Read one file and return "read", "error", or what else happened."""
    started = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of a processor, which other programs may use as well
    signal.alarm(PATIENCE)
    try:
        watch.on = True
        value = read(path)
        watch.on = False
        return "read" if numbers(value) < 1 << 26 else "holds more than 64 MiB"
    except ValueError as error:
        watch.on = False
        return "error" if str(path) in str(error) else f"error without the file's name: {error}"
    except Hung:
        return f"took {time.process_time() - started:.0f} s of a processor"
    except (Exception, Ran) as error:
        watch.on = False
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        watch.on = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)


def hang(*_):
    raise Hung


def cases(fmt, mutations):
    """Yield every truncation and the mutations, as content and whether it is wrapped already."""
    import numpy as np
    from hostile_files import mutated

    whole = fmt.wrap(fmt.content)
    for length in range(len(whole)):
        yield "truncated", length, whole[:length], True
    seed = [ord(letter) for letter in fmt.name]
    for number in range(mutations):
        rng = np.random.default_rng([*seed, number])
        inner = number % 2 and fmt.wrap is not bytes
        yield "mutated", number, mutated(fmt.content if inner else whole, rng), not inner


def work(name, mutations, first):
    """Read the cases of a format from case `first`; print progress, and at the end the counts as JSON."""
    from hostile_files import FORMATS
    from PIL import Image

    warnings.simplefilter("ignore")
    Image.init()
    for codec in CODECS:
        codecs.lookup(codec)
    fmt = next(fmt for fmt in FORMATS if fmt.name == name)
    watch = Watch()
    for timer in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(timer, hang)
    counts = {"truncated": {}, "mutated": {}}
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "box"
        fmt.read(fmt.place(root, fmt.content, False))  # imports what it needs
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        cap = pages * resource.getpagesize() + (MEBIBYTES << 20)
        resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
        for place, (kind, number, content, wrapped) in enumerate(cases(fmt, mutations)):
            if place < first:
                continue
            sys.stderr.write(f"\r{place}")
            path = fmt.place(root, content, wrapped)
            answer = one(fmt.read, path, watch)
            if answer not in ("read", "error"):
                failures.append(f"{kind} {number}: {answer}")
                answer = "failed"
            counts[kind][answer] = counts[kind].get(answer, 0) + 1
        stray = [entry.name for entry in Path(folder).iterdir() if entry != root]
        failures += [f"wrote {stray}"] if stray else []
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"counts": counts, "failures": failures, "peak_mib": int(peak.split()[1]) / 1024}))


def campaign(name, mutations):
    """Run a format in a separate process, restart it after each case that kills it, and return the counts."""
    total = {"truncated": {}, "mutated": {}}
    failures, first = [], 0
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "FASTNN_NUM_THREADS": "1"}
    here = Path(__file__).resolve().parent
    environment["PYTHONPATH"] = os.pathsep.join([str(here), *filter(None, [os.environ.get("PYTHONPATH")])])
    while True:
        command = [sys.executable, str(Path(__file__).resolve()), "--work", name, str(mutations), str(first)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=3600)
        if done.returncode == 0:
            result = json.loads(done.stdout)
            for kind, answers in result["counts"].items():
                for answer, count in answers.items():
                    total[kind][answer] = total[kind].get(answer, 0) + count
            return {"counts": total, "failures": failures + result["failures"], "peak_mib": result["peak_mib"]}
        last = done.stderr.rsplit("\r", 1)[-1].split("\n")[0]
        if not last.isdigit():
            raise RuntimeError(done.stderr)
        failures.append(f"case {last}: the process ended with {done.returncode}: {done.stderr[-300:]}")
        first = int(last) + 1


def main(mutations, *names):
    """Print the table for the given formats, or for all."""
    sys.path[:0] = [str(Path(__file__).resolve().parent)]
    from hostile_files import FORMATS

    print("format               truncations   read  errors  mutations   read  errors  failures  peak MiB")
    bad = 0
    for fmt in FORMATS:
        if names and fmt.name not in names:
            continue
        result = campaign(fmt.name, mutations)
        bad += len(result["failures"])
        cut, changed = (result["counts"][kind] for kind in ("truncated", "mutated"))
        print(
            f"{fmt.name:<20} {sum(cut.values()):>11} {cut.get('read', 0):>6} {cut.get('error', 0):>7} "
            f"{sum(changed.values()):>10} {changed.get('read', 0):>6} {changed.get('error', 0):>7} "
            f"{len(result['failures']):>9} {result['peak_mib']:>9.0f}",
            flush=True,
        )
        for failure in result["failures"][:5]:
            print(f"    {failure}")
    return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, *sys.argv[2:]))
