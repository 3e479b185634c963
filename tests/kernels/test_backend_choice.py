"""Which backend, instruction set and number of threads are used, and that processes, threads and Ctrl-C work."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from strategies import same_bits
from trainings import fit, mlp, needs_native, one_training, output_of, python, samples, threads

import fastnn
from fastnn import kernels
from fastnn.kernels import SIGNATURES, backend_of, current_backend
from fastnn.kernels import threads as thread_count

# --- the backend ---


def test_the_best_backend_is_the_default():
    code = "from fastnn.kernels import available_backends, current_backend; print(current_backend(), *available_backends())"
    current, best, *others = output_of(code).split()
    assert current == best
    assert (best, *others) == kernels.available_backends()
    assert kernels.available_backends()[-1] == "reference"


@pytest.mark.parametrize("name", kernels.available_backends())
def test_the_environment_chooses(name):
    code = "from fastnn.kernels import SIGNATURES, backend_of, current_backend; "
    code += "print(current_backend(), *{backend_of(k) for k in SIGNATURES})"
    current, *used = output_of(code, FASTNN_BACKEND=name).split()
    assert current == name
    assert name in used
    assert "native" not in used or name == "native"


def test_a_backend_that_is_none():
    done = python("import fastnn", FASTNN_BACKEND="cuda")
    assert done.returncode != 0
    assert "ValueError: FASTNN_BACKEND: expected one of native, numba, reference, got 'cuda'" in done.stderr


@pytest.mark.parametrize("name", sorted({"native", "numba"} - set(kernels.available_backends())))
def test_a_backend_that_is_not_installed(name):
    done = python("import fastnn", FASTNN_BACKEND=name)
    assert f"ImportError: FASTNN_BACKEND: backend '{name}' is not installed" in done.stderr
    with pytest.raises(ImportError, match=f"use_backend: backend '{name}' is not installed"), fastnn.use_backend(name):
        pass


def test_without_the_native_module_it_warns_once_and_runs():
    code = """
import sys, warnings
sys.modules["fastnn.kernels._native"] = None
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import fastnn
print(len([w for w in said if "without its compiled kernels" in str(w.message)]), fastnn.get_num_threads())
from trainings import fit, mlp, samples
trainer = fit(mlp(5, 8, 3), *samples(40, 5, 3), epochs=2)
print(trainer.compiled, fastnn.kernels.current_backend() != "native", trainer.history.epochs[-1]["loss"] > 0)
fastnn.set_num_threads(2)
fastnn.show_config()
"""
    lines = output_of(code).splitlines()
    assert lines[:2] == ["1 1", "False True True"]
    assert any("the native module is not installed" in line for line in lines)


def test_use_backend_nests_and_comes_back():
    before = current_backend()
    with fastnn.use_backend("reference"):
        assert {backend_of(k) for k in SIGNATURES} == {"reference"}
        with fastnn.use_backend(before):
            assert current_backend() == before
        assert current_backend() == "reference"
        with pytest.raises(KeyError), fastnn.use_backend(before):
            raise KeyError
        assert current_backend() == "reference"
    assert current_backend() == before


def test_use_backend_of_an_unknown_name_changes_nothing():
    before = current_backend()
    with pytest.raises(ValueError, match="use_backend: expected one of"), fastnn.use_backend("gpu"):
        pass
    assert current_backend() == before


def test_use_backend_holds_in_its_own_thread_alone():
    seen = []
    with fastnn.use_backend("reference"):
        worker = threading.Thread(target=lambda: seen.append(current_backend()))
        worker.start()
        worker.join()
    assert seen == [current_backend()]


# --- the instruction set ---


@needs_native
def test_every_instruction_set_here_trains_to_the_same_numbers():
    from fastnn.kernels import _native

    code = """
import json, fastnn
from fastnn.kernels.backend import native_isa
from trainings import fit, mlp, samples
model = mlp(30, 40, 5, dtype="float64")
fit(model, *samples(100, 30, 5), epochs=2)
print(json.dumps([native_isa(), model.params[::50].tolist()]))
"""
    import json

    results = [json.loads(output_of(code, FASTNN_ISA=isa)) for isa in _native.isa_tables()]
    assert [name for name, _ in results] == list(_native.isa_tables())
    for _, params in results[1:]:
        np.testing.assert_allclose(params, results[0][1], rtol=1e-9, atol=1e-12)


@needs_native
def test_an_instruction_set_that_is_none_here():
    done = python("import fastnn; fastnn.Sequential([], input_shape=(3,)).forward([[1, 2, 3]])", FASTNN_ISA="mmx")
    assert done.returncode != 0
    assert "ImportError: FASTNN_ISA: expected one of" in done.stderr
    assert "got 'mmx'" in done.stderr


# --- the number of threads ---


@needs_native
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"FASTNN_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"FASTNN_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"FASTNN_NUM_THREADS": "", "OMP_NUM_THREADS": "4,2"}, 4),
        ({"OMP_NUM_THREADS": "many"}, None),
        ({"OMP_NUM_THREADS": "0"}, None),
        ({"FASTNN_NUM_THREADS": "100000"}, 256),
    ],
)
def test_the_environment_says_how_many(monkeypatch, environment, expected):
    for variable in ("FASTNN_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    usual = thread_count.default_num_threads()
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert min(thread_count.default_num_threads(), 256) == (usual if expected is None else expected)


@needs_native
def test_it_holds_from_the_import_on():
    assert output_of("import fastnn; print(fastnn.get_num_threads())", FASTNN_NUM_THREADS="3") == "3"


@pytest.mark.parametrize("value", ["-1", "0", "two", "1.5"])
def test_a_number_of_threads_that_is_none(value):
    done = python("import fastnn", FASTNN_NUM_THREADS=value)
    assert f"ValueError: FASTNN_NUM_THREADS: expected a positive whole number, got '{value}'" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks")
def test_the_affinity_mask_counts():
    code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from fastnn.kernels.threads import default_num_threads
print(default_num_threads())
"""
    assert output_of(code) == "1"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "150000 100000\n"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                "sys/fs/cgroup/a/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/cpu.max": "400000 100000\n",
            },
            3.0,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n"}, None),
        ({}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "nonsense\n"}, None),
        (
            {
                "proc/self/cgroup": "4:cpu:/a\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/a\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
    ],
)
def test_the_control_groups_quota(monkeypatch, tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(thread_count, "Path", lambda path: tmp_path / str(path).lstrip("/"))
    assert thread_count._cgroup_quota() == expected
    for variable in ("FASTNN_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(2)), raising=False)
    assert thread_count.default_num_threads() == min(2, max(1, int(expected or 2)))


@pytest.mark.parametrize(
    ("count", "error"), [(0, ValueError), (-1, ValueError), (257, ValueError), (1.0, TypeError), (True, TypeError)]
)
def test_set_num_threads_refuses(count, error):
    before = fastnn.get_num_threads()
    with pytest.raises(error, match="set_num_threads: count must be"):
        fastnn.set_num_threads(count)
    assert fastnn.get_num_threads() == before


@needs_native
def test_set_num_threads():
    with threads(3):
        assert fastnn.get_num_threads() == 3


# --- processes and threads ---


@needs_native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_trains():
    """The child has none of the pool's threads; it makes its own when it first needs them."""
    code = """
import os, sys, fastnn
from trainings import one_training
fastnn.set_num_threads(3)
right = one_training()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if one_training() == right and fastnn.get_num_threads() == 3 else 1)
    children.append(child)
status = [os.waitpid(child, 0)[1] for child in children]
print(status, one_training() == right)
"""
    assert output_of(code, timeout=30) == "[0, 0, 0] True"


@needs_native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_forked_while_another_thread_computes_trains():
    code = """
import os, threading, fastnn
from trainings import one_training
fastnn.set_num_threads(2)
right = one_training()
stop = threading.Event()
def work():
    while not stop.is_set():
        one_training()
worker = threading.Thread(target=work)
worker.start()
status = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if one_training() == right else 1)
    status.append(os.waitpid(child, 0)[1])
stop.set()
worker.join()
print(status)
"""
    assert output_of(code, timeout=30) == "[0, 0, 0]"


@needs_native
def test_two_threads_may_train_at_once():
    """The one that finds the pool taken runs on its own thread; both get the bits they get alone."""
    right = one_training()
    found = []

    def work():
        found.extend(one_training() for _ in range(3))

    with threads(2):
        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert found == [right] * 9


@needs_native
def test_the_number_of_threads_may_change_while_another_thread_computes():
    right = one_training()
    found = []
    worker = threading.Thread(target=lambda: found.extend(one_training() for _ in range(6)))
    worker.start()
    before = fastnn.get_num_threads()
    try:
        while worker.is_alive():
            for count in (1, 2, 3):
                fastnn.set_num_threads(count)
    finally:
        worker.join()
        fastnn.set_num_threads(before)
    assert found == [right] * 6


@needs_native
def test_kernels_let_other_threads_run():
    """While one thread multiplies for long, another one's Python goes on."""
    model = mlp(1000, 1500, 1000)
    x = np.ones((1500, 1000), "f4")
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    with threads(1):
        worker = threading.Thread(target=tick)
        worker.start()
        model.loss_and_gradients(x, np.zeros(1500, int))
        done.set()
        worker.join()
    assert len(ticks) > 3


@needs_native
def test_bits_do_not_depend_on_who_computes_beside(monkeypatch):
    x, y = samples(200, 40, 5)
    alone, beside = mlp(40, 64, 5), mlp(40, 64, 5)
    fit(alone, x, y, epochs=2)
    stop = threading.Event()

    def disturb():
        other = mlp(40, 64, 5)
        while not stop.is_set():
            other.forward(x)

    worker = threading.Thread(target=disturb)
    worker.start()
    try:
        fit(beside, x, y, epochs=2)
    finally:
        stop.set()
        worker.join()
    assert same_bits(alone.params, beside.params)


# --- Ctrl-C ---

_LONG = {
    "training": "fastnn.Trainer(model, epochs=10**6, batch_size=32, progress=False).fit(x, y)",
    "a full batch": "fastnn.Trainer(model, epochs=10**6, batch_size=None, progress=False).fit(x, y)",
    "prediction": "model.predict(x)",
}


@needs_native
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT")
@pytest.mark.parametrize("work", _LONG)
def test_ctrl_c_is_answered_within_a_second(work):
    code = f"""
import numpy as np, fastnn
from trainings import mlp, samples
model = mlp(100, 3000, 2000, 3)
x, y = samples(1000, 100, 3)
x, y = np.tile(x.astype("f4"), (100, 1)), np.tile(y, 100)
print("ready", flush=True)
try:
    while True:
        {_LONG[work]}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    paths = os.pathsep.join(p for p in sys.path if p)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.perf_counter() - start < 1.0
    finally:
        process.kill()
        process.wait()
