"""The sides of the race have fair environments and workers, and compute the same."""

from __future__ import annotations

import dataclasses
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import command as race
from bench import environment, heat, load, peers, workloads
from bench import side as side_module
from bench.peers import base, mnist

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "jax", "tensorflow", "sklearn", "numba", "onnx", "onnxruntime", "openvino")


def _small(key: str):
    """A workload with fewer rows, of which only the numbers matter."""
    workload = workloads.find(key)
    if workload.kind in ("loss", "gemm"):
        return workload
    return dataclasses.replace(workload, rows=1200, batch=1200 if workload.full_batch else workload.batch)


class TestEnvironment:
    def test_refuses_what_slows_numpy_down(self):
        environment.refuse_handicaps({"PATH": "/bin"})
        with pytest.raises(ValueError, match="OPENBLAS_CORETYPE is set"):
            environment.refuse_handicaps({"OPENBLAS_CORETYPE": "Haswell"})
        with pytest.raises(ValueError, match="OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are set"):
            environment.refuse_handicaps({"OPENBLAS_L2_SIZE": "1", "OPENBLAS_CORETYPE": ""})

    def test_workers_never_see_it_and_get_their_threads(self):
        env = environment.worker_environment(
            {"OPENBLAS_CORETYPE": "Haswell", "HOME": "/h", "OMP_NUM_THREADS": "7"}, 2, {"FASTNN_ISA": "avx2"}
        )
        assert "OPENBLAS_CORETYPE" not in env
        assert (env["HOME"], env["FASTNN_ISA"]) == ("/h", "avx2")
        assert {env[name] for name in environment.THREAD_VARIABLES} == {"2"}

    def test_race_starts_again_without_it(self, monkeypatch, capsys):
        called = []
        monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
        monkeypatch.setattr(os, "execve", lambda *call: called.append(call))
        race.clean_environment(["--rows", "dense"])
        path, arguments, env = called[0]
        assert path == sys.executable
        assert arguments[2:] == ["--rows", "dense"]
        assert "OPENBLAS_CORETYPE" not in env
        assert "OPENBLAS_CORETYPE" in capsys.readouterr().err

    def test_benchmarks_refuse_it(self):
        pytest.importorskip("pytest_benchmark")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "bench/bench_gather.py", "--benchmark-only", "-q"],
            cwd=ROOT, env={**os.environ, "OPENBLAS_L2_SIZE": "1"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == pytest.ExitCode.USAGE_ERROR
        assert "OPENBLAS_L2_SIZE is set" in done.stderr

    def test_sides_are_pinned_to_cores_of_this_process(self):
        assert environment.cores(1) == sorted(os.sched_getaffinity(0))[:1]
        with pytest.raises(ValueError, match="threads"):
            environment.cores(100_000)


class TestSides:
    def test_settings_are_distinct_and_load_no_framework(self):
        code = (
            f"import sys; sys.path.append({str(ROOT)!r})\n"
            "from bench import peers\nfrom bench.workloads import WORKLOADS\n"
            "for side in peers.SIDES:\n"
            "    for w in WORKLOADS:\n"
            "        names = [s.name for s in peers.load(side).settings(w, 2)]\n"
            "        assert len(set(names)) == len(names), names\n"
            f"print([m for m in {HEAVY!r} if m in sys.modules])\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_first_torch_setting_is_how_people_write_it(self):
        first = peers.load("torch").settings(workloads.find("dense-b8"), 2)[0]
        assert (first.threads, first.options) == (2, {"mode": "eager", "optimizer": ""})

    @pytest.mark.parametrize(("key", "block"), [("full-batch", 500), ("loss-10", 64), ("predict-1", 300)])
    def test_numpy_in_blocks_computes_the_same(self, key, block):
        workload = _small(key)
        prepare = peers.load("numpy").prepare
        plain = prepare(workload, base.Setting("plain", 1)).check()
        assert prepare(workload, base.Setting("blocks", 1, {"block": block})).check() == pytest.approx(plain, rel=1e-5)

    @pytest.mark.parametrize("key", ["dense-b8", "linear-b128", "tanh-b60", "full-batch"])
    def test_training_lowers_the_loss(self, key):
        before, after = peers.load("numpy").prepare(_small(key), base.Setting("plain", 1)).check()
        assert after < before

    @pytest.mark.parametrize(
        "key", ["dense-b4", "linear-b128", "tanh-b60", "full-batch", "loss-1000", "predict-1", "gemm-200"]
    )
    def test_fastnn_computes_what_numpy_computes(self, key):
        workload = _small(key)
        ours = peers.load("fastnn")
        mine = ours.prepare(workload, ours.settings(workload, 1)[0]).check()
        theirs = peers.load("numpy").prepare(workload, base.Setting("plain", 1)).check()
        assert heat.agree(mine, theirs)

    @pytest.mark.parametrize("side", ["onnxruntime", "openvino"])
    @pytest.mark.parametrize("key", ["predict-1", "predict-10000"])
    def test_runtimes_of_onnx_models_predict_what_numpy_predicts(self, key, side):
        if not peers.installed(side):
            pytest.skip(f"{side} is not installed")
        pytest.importorskip("onnx")
        workload = dataclasses.replace(_small(key), batch=1 if key == "predict-1" else 300)
        theirs = peers.load(side)
        mine = theirs.prepare(workload, theirs.settings(workload, 1)[0]).check()
        assert heat.agree(mine, peers.load("numpy").prepare(workload, base.Setting("plain", 1)).check())

    @pytest.mark.parametrize("side", ["numpy", "jax", "tensorflow", "sklearn", "onnxruntime", "openvino"])
    def test_products_of_bf16_are_raced_against_such(self, side):
        assert peers.load(side).settings(workloads.find("wide-b200-bf16"), 2) == []
        assert peers.load("torch").settings(workloads.find("wide-b200-bf16"), 2)

    @pytest.mark.filterwarnings("ignore:fit. precision")  # not on every processor are ours rounded
    def test_torch_rounds_products_to_bf16(self):
        pytest.importorskip("torch")
        workload = dataclasses.replace(_small("wide-b200-bf16"), rows=1000, batch=20, learning_rate=0.1)
        torch, ours = peers.load("torch"), peers.load("fastnn")
        autocast, matmul = torch.settings(workload, 1)[:2]
        assert autocast.name.endswith("bf16 autocast")
        assert matmul.name.endswith("fp32_precision bf16")  # which oneDNN heeds where there are tiles
        rounded = torch.prepare(workload, autocast).check()
        whole = dataclasses.replace(workload, precision="float32")
        assert rounded != torch.prepare(whole, torch.settings(whole, 1)[0]).check()
        assert heat.agree(ours.prepare(workload, ours.settings(workload, 1)[0]).check(), rounded)

    def test_sides_agree_within_rounding(self):
        assert heat.agree([1.0, 2.0], [1.001, 2.0])
        assert not heat.agree([1.0, 2.0], [1.1, 2.0])
        assert not heat.agree([1.0], [1.0, 2.0])
        assert not heat.agree([float("nan")], [float("nan")])


class TestRealRows:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        """A folder of a data set of five images."""
        pixels = bytes(range(256)) * 16
        (tmp_path / mnist.IMAGES).write_bytes(gzip.compress(b"h" * 16 + pixels[: 5 * 784]))
        (tmp_path / mnist.LABELS).write_bytes(gzip.compress(b"h" * 8 + bytes([3, 9, 0, 7, 1])))
        monkeypatch.setenv(mnist.VARIABLE, str(tmp_path))
        return tmp_path

    def test_are_pixels_from_0_to_1_and_classes(self, folder):
        x, y = base.training_data(dataclasses.replace(workloads.find("dense-b8-real"), rows=4))
        assert x.shape == (4, 784)
        assert (x.dtype, y.dtype) == ("float32", "int64")
        assert x[0, 255] == 1
        assert x[0, 51] == pytest.approx(0.2)
        assert y.tolist() == [3, 9, 0, 7]

    def test_of_colour_are_the_grey_image_three_times(self, folder):
        x, y = base.training_data(dataclasses.replace(workloads.find("tanh-b60-real"), rows=5))
        assert x.shape == (5, 2352)
        assert (x[:, :784] == x[:, 784:1568]).all()
        assert y.tolist() == [3, 3, 0, 1, 1]

    def test_are_left_out_with_a_sentence_where_there_are_none(self, capsys, monkeypatch):
        monkeypatch.delenv(mnist.VARIABLE, raising=False)
        monkeypatch.setattr(race, "heading", lambda *_: "A machine.")
        assert race.main(["--rows", "real", "--peers", "numpy"]) == 0
        assert "rows of real images are left out" in capsys.readouterr().err
        with pytest.raises(ValueError, match="--mnist"):
            base.training_data(workloads.find("dense-b8-real"))


def _state(process: int) -> str:
    """The state of a process, after waiting a moment for signals to arrive."""
    deadline = time.monotonic() + 5
    while True:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "T" or time.monotonic() > deadline:
            return state
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
class TestWorker:
    @pytest.fixture
    def side(self):
        side = side_module.Side("numpy", workloads.find("loss-10"), base.Setting("1 thread", 1))
        yield side
        side.close()

    def test_runs_and_is_stopped_in_between(self, side):
        side.prepare()
        assert side.check[0] > 0
        side.calibrate(0.02)
        side.round()
        assert len(side.times) == 1
        assert side.times[0] > 0
        assert _state(side._process.pid) == "T"

    def test_death_is_an_error_that_names_the_side(self, side):
        side.prepare()
        os.killpg(side._process.pid, signal.SIGKILL)
        side._process.wait()
        with pytest.raises(side_module.SideError, match=r"numpy \(1 thread\) died"):
            side.measure(1)

    def test_failure_to_prepare_gives_the_reason(self):
        setting = base.Setting("blocks", 1, {"block": "many"})
        side = side_module.Side("numpy", workloads.find("loss-10"), setting)
        try:
            with pytest.raises(side_module.SideError, match=r"numpy \(blocks\) died: TypeError: .*"):
                side.prepare()
        finally:
            side.close()


class TestLoad:
    def test_own_time_is_not_foreign(self):
        before = load.Reading(100.0, 5.0)
        assert load.foreign(before, load.Reading(101.0, 6.0)) == 0.0
        assert load.foreign(before, load.Reading(101.5, 5.5)) == 1.0
        assert load.foreign(None, before) == 0.0

    def test_noise_needs_a_tenth_of_a_core(self):
        assert not load.is_noisy(0.05, 1.0)
        assert load.is_noisy(0.2, 1.0)
        assert not load.is_noisy(2 * load.TICK, 0.01)

    @pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs /proc")
    def test_reads_the_clock_of_a_process_group(self):
        code = "import time; t = time.process_time\nwhile t() < 0.3: pass\nprint(flush=True); time.sleep(60)"
        busy = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
        try:
            assert busy.stdout is not None
            busy.stdout.readline()
            time.sleep(0.05)
            reading = load.read(busy.pid)
        finally:
            busy.kill()
            busy.communicate()
        assert reading is not None
        assert 0.2 <= reading.group <= 2.0
        assert reading.machine >= reading.group
