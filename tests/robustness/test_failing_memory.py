"""Each allocation of the native module fails once: a MemoryError, or the same result; nothing leaks, all goes on."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from trainings import needs_native, output_of

SHIM = Path(__file__).with_name("failing_memory.c")
COMPILER = shutil.which("gcc") or shutil.which("cc")

pytestmark = [
    needs_native,
    pytest.mark.skipif(sys.platform != "linux" or not COMPILER, reason="needs Linux and a C compiler"),
]


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    """The environment of a process whose native module can run out of memory."""
    library = tmp_path_factory.mktemp("shim") / "failing.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc", "OPENBLAS_NUM_THREADS": "1"}


COMMON = """
import ctypes, gc, threading
import numpy as np, fastnn
from fastnn import kernels
from fastnn.data import read_npy
from fastnn.kernels import _native
from fastnn.program import forward, session
from fastnn.layers import BatchNorm, Dense, ReLU

shim = ctypes.CDLL(None)
shim.memory_arm.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
lines = [line.split() for line in open("/proc/self/maps") if _native.__file__ in line]
begin = min(int(line[0].split("-")[0], 16) for line in lines)
end = max(int(line[0].split("-")[1], 16) for line in lines)

x, y = np.random.default_rng(0).random((600, 40), np.float32), np.arange(600) % 3
wide = np.random.default_rng(1).random((400, 400), np.float32)

def network():
    forward._WARM.clear()  # so that its predictions are compiled
    return fastnn.Sequential([Dense(30), BatchNorm(), ReLU(), Dense(3)], input_shape=(40,), seed=0)

def fit(**options):
    session._WARM.clear()  # so that its step is compiled
    trainer = fastnn.Trainer(network(), epochs=2, batch_size=50, optimizer="adam", progress=False, **options)
    trainer.fit(x, y)
    return trainer.model.params

def product():
    out = np.empty((400, 400), np.float32)
    kernels.get("affine_forward", "native")(wide, wide, None, out)
    return out

def in_thread(call):
    "In a thread of its own, which has no workspace yet."
    found = []
    def work():
        try:
            found.append(call())
        except MemoryError as error:
            found.append(error)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    if isinstance(found[0], MemoryError):
        raise found[0]
    return found[0]

def new_pool():
    fastnn.set_num_threads(1)
    fastnn.set_num_threads(3)
    return product()

def many():
    small = fastnn.Sequential([Dense(5), ReLU(), Dense(3)], input_shape=(40,), seed=0)
    return fastnn.fit_many(small, x, y, seeds=range(3), epochs=1, batch_size=50)[1].params

np.save("x.npy", x)

def mapped():
    return network().predict_proba(read_npy("x.npy", mapped=True))

CALLS = {
    "a kernel in a new thread": lambda: in_thread(product),
    "a new pool": new_pool,
    "a training": fit,
    "a training in a new thread": lambda: in_thread(fit),
    "a training layer by layer": lambda: fit(compile=False),
    "a prediction": lambda: network().predict_proba(x),
    "a prediction of one sample": lambda: network().predict_proba(x[:1]),
    "many networks": many,
    "a mapped file": mapped,
}
def each_fails(name, call, want):
    "Let each allocation of a call fail; return how many there were, and how many errors."
    number, errors, seen = 0, 0, 0
    while seen >= number:
        number += 1
        assert number < 500, (name, seen)
        found = None
        shim.memory_arm(begin, end, number)
        try:
            found = call()
        except MemoryError:
            errors += 1
        seen = shim.memory_disarm()
        if found is not None:
            np.testing.assert_array_equal(found, want, err_msg=f"{name} {number}")
        np.testing.assert_array_equal(call(), want, err_msg=f"{name} after {number}")
    # Python keeps the memory of freed tuples and uses it again. Some tuples of the programs that are kept for later use
    # lie in memory that the module had asked for, and would count as the module's, one more in each round.
    forward._WARM.clear()
    session._WARM.clear()
    gc.collect()
    return seen, errors

total = 0
for name, call in CALLS.items():
    call()
    want, live = call(), []
    for _ in range(3):  # in the first, what is kept for later use is counted too
        seen, errors = each_fails(name, call, want)
        live.append(shim.memory_live())
    print(name, seen, "allocations", errors, "errors", live, "live", flush=True)
    assert live[2] <= live[1], (name, live)
    total += errors
assert total > 60
print("done")
"""


def test_each_allocation_of_the_module_may_fail(tmp_path, preload):
    code = f"import os; os.chdir({str(tmp_path)!r})" + COMMON
    assert output_of(code, timeout=300, FASTNN_NUM_THREADS="2", **preload).endswith("done")
