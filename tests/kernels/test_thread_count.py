"""As many threads are used as were asked for, or else as the process may use."""

import os

import pytest
from trainings import needs_native, output_of, python, threads

import fastnn
from fastnn.kernels import control_group
from fastnn.kernels import threads as thread_count


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
        ({"OMP_NUM_THREADS": "²"}, None),
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
def test_the_environment_counts_from_the_import_on():
    assert output_of("import fastnn; print(fastnn.get_num_threads())", FASTNN_NUM_THREADS="3") == "3"


@needs_native
@pytest.mark.parametrize("value", ["-1", "0", "two", "1.5", "²", "9" * 5000])
def test_a_bad_number_of_threads_is_refused(value):
    done = python("import fastnn", FASTNN_NUM_THREADS=value)
    assert f"ValueError: FASTNN_NUM_THREADS: expected a positive whole number, got '{value}'" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks")
def test_the_affinity_mask_limits_threads():
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
def test_the_quota_of_control_groups_limits_threads(monkeypatch, tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(control_group, "Path", lambda path: tmp_path / str(path).lstrip("/"))
    assert thread_count._cgroup_quota() == expected
    for variable in ("FASTNN_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(2)), raising=False)
    assert thread_count.default_num_threads() == min(2, max(1, int(expected or 2)))


@pytest.mark.parametrize(
    ("count", "error"),
    [(0, ValueError), (-1, ValueError), (257, ValueError), (1.0, TypeError), (True, TypeError)],
)
def test_set_num_threads_refuses_bad_numbers(count, error):
    before = fastnn.get_num_threads()
    with pytest.raises(error, match="set_num_threads: count: expected a whole number"):
        fastnn.set_num_threads(count)
    assert fastnn.get_num_threads() == before


@needs_native
def test_set_num_threads_sets_the_number():
    with threads(3):
        assert fastnn.get_num_threads() == 3
