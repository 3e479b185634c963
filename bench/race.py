"""Race fastnn against the other frameworks, side by side on this machine.

    python bench/race.py                                  every row, every installed peer: hours
    python bench/race.py --rows dense --peers torch,jax
    python bench/race.py --repeats 3 --store --resume     keeps each row in bench/results, goes on where it was stopped
    python bench/results.py                               writes the tables of bench/RESULTS.md from what was kept

`--help` lists the options and says how the sides are timed.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    # It comes last, so that an installed fastnn takes precedence over the source tree.
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT / "bench"]
    sys.path.append(str(ROOT))
    from bench.command import main

    sys.exit(main())
