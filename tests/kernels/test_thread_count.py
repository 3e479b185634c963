"""As many threads are used as were asked for, or else as the process may use."""

import os

import numpy as np
import pytest
from strategies import same_bits
from trainings import needs_native, output_of, python, threads

import fastnn
from fastnn import kernels
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


class TestThreadsWorth:
    """How many threads a call gets, by its multiply-adds and the cost of a thread."""

    @staticmethod
    def worth(threads, products, cost=0.0):
        return thread_count._native.threads_worth(threads, products, cost)

    @needs_native
    def test_two_threads_need_enough_for_both(self):
        assert self.worth(2, 65_535) == self.worth(64, 65_535) == 1
        assert self.worth(2, 65_536) == 2
        assert self.worth(2, 65_536, 1.0) == 2  # the cost is that of threads beyond the second

    @needs_native
    def test_where_threads_cost_nothing_each_needs_enough(self):
        assert self.worth(64, 10 * 32_768) == 10
        assert self.worth(64, 1e12) == 64

    @needs_native
    def test_a_small_step_wakes_few_of_many(self):
        step = 8 * 784 * 200
        assert self.worth(38, step) == 38
        assert self.worth(38, step, 200e-9) == 32
        assert self.worth(38, step, 1e-6) <= 8
        assert self.worth(38, step, 1.0) == 2

    @needs_native
    @pytest.mark.parametrize("products", [1e5, 1e6, 1e7, 1e9])
    def test_it_is_the_best_number(self, products):
        def seconds(w):
            return products / 64e9 / w + 2e-7 * (w - 2 if w <= 8 else 6.5 + (w - 1) // 8)

        for most in (3, 7, 8, 9, 20, 37, 64, 256):
            allowed = range(2, min(most, int(products / 32_768)) + 1)
            assert seconds(self.worth(most, products, 2e-7)) == pytest.approx(min(map(seconds, allowed)))


@needs_native
def test_uneven_processors_share_smaller_pieces():
    """Cut differently, work gives the same bits."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((96, 300), np.float32), rng.standard_normal((300, 200), np.float32)
    found = []
    with threads(3):
        for uneven in (False, True):
            thread_count._native.set_uneven(uneven)
            out = np.empty((96, 200), np.float32)
            kernels.get("affine_forward", "native")(x, w, None, out)
            found.append(out)
        thread_count._native.set_uneven(thread_count.are_uneven(thread_count._allowed()))
    assert same_bits(*found)


def test_processors_of_one_core_count_once(tmp_path):
    for processor in range(4):
        folder = tmp_path / f"cpu{processor}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{processor % 2},{processor % 2 + 2}\n")
    assert thread_count.cores({0, 1, 2, 3}, tmp_path) == [{0, 2}, {1, 3}]
    assert thread_count.cores({0, 1, 3}, tmp_path) == [{0}, {1, 3}]
    assert thread_count.cores({0, 9}, tmp_path) == [{0}, {9}]


def test_one_thread_a_core_is_the_default(monkeypatch, tmp_path):
    for processor in range(4):
        (tmp_path / f"cpu{processor}" / "topology").mkdir(parents=True)
        (tmp_path / f"cpu{processor}" / "topology" / "thread_siblings_list").write_text(f"{processor // 2}")
    for variable in ("FASTNN_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(thread_count, "_allowed", lambda: {0, 1, 2, 3})
    monkeypatch.setattr(thread_count, "_cgroup_quota", lambda: None)
    monkeypatch.setattr(thread_count.cores, "__defaults__", (tmp_path,))
    assert thread_count.default_num_threads() == 2
    assert thread_count.granted_processors() == 4


@pytest.mark.parametrize(
    ("name", "values", "uneven"),
    [
        ("cpu_capacity", (1024, 1024), False),
        ("cpu_capacity", (1024, 400), True),
        ("cpufreq/cpuinfo_max_freq", (5_200_000, 5_100_000), False),
        ("cpufreq/cpuinfo_max_freq", (5_200_000, 3_800_000), True),
        ("cpufreq/cpuinfo_max_freq", ("", 3_800_000), False),
    ],
)
def test_processors_are_uneven_if_some_are_slower(monkeypatch, tmp_path, name, values, uneven):
    monkeypatch.setattr(thread_count.sys, "platform", "linux")
    for processor, value in enumerate(values):
        file = tmp_path / f"cpu{processor}" / name
        file.parent.mkdir(parents=True)
        file.write_text(f"{value}\n")
    assert thread_count.are_uneven({0, 1}, tmp_path) == uneven
