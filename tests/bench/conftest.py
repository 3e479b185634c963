"""Makes the race importable, which is next to the package, not in it."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # after the installed package, because the source tree may have no compiled module
