"""Race fastnn against the other frameworks, side by side on this machine.

    python bench/race.py                                  every row, every installed peer: hours
    python bench/race.py --rows dense --peers torch,jax
    python bench/race.py --isa avx2 --json race.json

Every side runs in a process of its own, pinned to the same cores, and is stopped while another is
timed. Within each framework its settings are tried first; the fastest goes into alternating rounds
with all others. A step includes drawing its rows from the data set. Medians over the rounds.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    # Last, so that an installed fastnn wins over the source tree.
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT / "bench"]
    sys.path.append(str(ROOT))
    from bench.command import main

    sys.exit(main())
