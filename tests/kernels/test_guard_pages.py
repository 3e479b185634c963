"""No kernel reads or writes a byte before or after its arrays.

The processor also checks masked loads and stores, which AddressSanitizer does not see.
"""

import sys
from pathlib import Path

import pytest
from trainings import needs_native, python

pytestmark = [needs_native, pytest.mark.skipif(sys.platform == "win32", reason="no mprotect")]

_IMPORT = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); from guarded import call_all, guarded; "


@pytest.mark.parametrize("cases", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_kernels_stay_inside_their_arrays(cases):
    done = python(_IMPORT + f"call_all({cases})")
    last = done.stdout.strip().rpartition("\n")[2]
    assert done.returncode == 0, f"ended with {done.returncode} in: {last}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize(("at_end", "outside"), [(True, 5), (False, -1)])
def test_the_element_outside_cannot_be_read(at_end, outside):
    code = f"import ctypes, numpy as np; a = guarded(np.ones(5), at_end={at_end}); print(a.sum(), flush=True); "
    done = python(_IMPORT + code + f"ctypes.string_at(a.ctypes.data + {8 * outside}, 8)")
    assert (done.stdout, done.returncode < 0) == ("5.0\n", True)
