"""Custom operations in other processes and threads, and where they fail."""

import math
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from custom.own_operations import own_lion, own_swish
from trainings import PATIENCE, samples

import fastnn
from fastnn import custom, kernels
from fastnn.environment import BACKEND
from fastnn.estimators import MLPClassifier
from fastnn.layers import Dense

pytest.importorskip("numba")

CALLS = 1000  # of each thread


@pytest.fixture(params=kernels.available_backends())
def backend(request):
    """Each backend in turn, in use during the test."""
    with fastnn.use_backend(request.param):
        yield request.param


@custom.activation
def raises_from_seven_on(x):
    if x >= 7:
        raise ValueError("too large")
    return x


@custom.loss
def root_of_difference(out, target):
    return math.sqrt(out - target + 4)


@custom.update_rule
def divides_by_the_gradient(w, g, rate, t):
    return w - rate / g


def trainer(activation, **options):
    model = fastnn.Sequential([Dense(9, init="normal(3)"), activation(), Dense(2)], input_shape=(4,), seed=1)
    return fastnn.Trainer(model, epochs=3, progress=False, **options)


@pytest.mark.usefixtures("backend")
def test_an_operation_that_fails_ends_as_one_error_that_names_it():
    x, y = samples(80, 4, 2)
    with pytest.raises(fastnn.NonFiniteLossError, match="the activation 'raises_from_seven_on' gives nan at 7"):
        trainer(raises_from_seven_on).fit(x, y)
    with pytest.raises(fastnn.NonFiniteLossError, match=r"the loss 'root_of_difference' gives inf at -4, 0"):
        trainer(own_swish, loss=root_of_difference).fit(x, 50 + x[:, :2])
    with pytest.raises(fastnn.NonFiniteLossError, match=r"update rule 'divides_by_the_gradient' gives .*"):
        trainer(fastnn.layers.ReLU, optimizer=divides_by_the_gradient(0.1)).fit(0 * x, y)


def test_threads_of_python_run_it_at_once(backend):
    own_swish.kernel.prepare(np.dtype("float32"))
    # the reference calls a Python function for each element
    x = np.random.default_rng(0).normal(size=3 if backend == "reference" else 500).astype(np.float32)
    forward = kernels.get("activation_forward", backend)
    want = np.empty_like(x)
    forward(x, want, int(own_swish.kernel), 0.0)
    right = []

    def calls():
        out = np.empty_like(x)
        for _ in range(CALLS):
            out.fill(np.nan)
            forward(x, out, int(own_swish.kernel), 0.0)
            right.append(np.array_equal(out, want))

    running = [threading.Thread(target=calls) for _ in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert right == [True] * (8 * CALLS)  # none was left out by an error in a thread


def predicted(net, x):
    return net.predict_proba(x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_while_another_thread_compiles_waits_for_no_inherited_lock():
    code = """
    import os, signal, threading, time
    from fastnn.kernels import custom

    compiling = threading.Event()

    def slowly(dtype):
        compiling.set()
        time.sleep(0.5)
        raise ValueError("not compiled")

    def kernel(name):
        return custom.CustomActivation(name, name, slowly, abs, abs, False)

    def compile_one():
        try:
            kernel("first").prepare("float32")
        except ValueError:
            pass

    threading.Thread(target=compile_one).start()
    compiling.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        custom.enter(kernel("second"))
        os._exit(0)
    print(os.waitpid(child, 0)[1])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, text=True)
    assert done.stdout == "0\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.usefixtures("backend")
@pytest.mark.filterwarnings("ignore:os.fork")  # as JAX says, if another test has imported it
def test_a_forked_process_runs_it():
    x, y = samples(40, 4, 2)
    net = MLPClassifier((6,), activation=own_swish, max_iter=2, random_state=0)
    with pytest.warns(match="max_iter"):
        net.fit(x, y)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        np.testing.assert_array_equal(pool.submit(predicted, net, x).result(timeout=60), net.predict_proba(x))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver", "loky"])
def test_processes_run_what_a_script_made(method, backend, tmp_path):
    """The functions stand in the script itself, which workers of loky never run."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import math, multiprocessing, sys
            import numpy as np
            import fastnn
            from fastnn.estimators import MLPClassifier
            @fastnn.custom.activation
            def bump(x):
                return math.exp(-x * x)
            def fitted(net, x, y):
                return net.fit(x, y).predict_proba(x)
            if __name__ == "__main__":
                rng = np.random.default_rng(0)
                x, y = rng.normal(size=(40, 3)), np.arange(40) % 2
                nets = [MLPClassifier((5,), activation=bump, max_iter=2, random_state=i) for i in range(3)]
                want = [fitted(net, x, y) for net in nets]
                if sys.argv[1] == "loky":
                    import joblib
                    got = joblib.Parallel(2)(joblib.delayed(fitted)(net, x, y) for net in nets)
                else:
                    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                        got = pool.starmap(fitted, [(net, x, y) for net in nets])
                assert all(np.array_equal(a, b) for a, b in zip(want, got))
                print("the same")
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script), method],
        env=os.environ | {BACKEND: backend},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.strip() == "the same", done.stderr


@pytest.mark.slow
def test_processes_that_compile_at_once_share_a_cache_and_the_next_one_finds_it(tmp_path):
    code = (
        "import fastnn, numpy as np, sys; sys.path.insert(0, sys.argv[1]); from custom.own_operations import own_swish"
    )
    code += "; m = fastnn.Sequential([own_swish()], input_shape=(3,)); print(m.forward(np.ones((2, 3))).tolist())"
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, tests],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    results = [process.communicate(timeout=PATIENCE) for process in running]
    assert len({out for out, _ in results}) == 1, results
    again = subprocess.run(
        [sys.executable, "-c", code, tests], env=environment, capture_output=True, text=True, check=True
    )
    assert (again.stdout, again.stderr) == (results[0][0], "")


@pytest.mark.slow
def test_a_cache_folder_that_cannot_be_written_is_done_without(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    code = "import fastnn, sys; sys.path.insert(0, sys.argv[1]); from custom.own_operations import own_swish"
    code += "; fastnn.Sequential([own_swish()], input_shape=(3,)).forward([[1, 2, 3]])"
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    done = subprocess.run(
        [sys.executable, "-c", code, tests],
        env=os.environ | {"XDG_CACHE_HOME": str(blocked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "compiling own_swish" in done.stderr
    assert "not kept, because" in done.stderr


@pytest.mark.usefixtures("backend")
def test_state_below_the_smallest_normal_number_is_kept_as_zero():
    own_lion.kernel.prepare(np.dtype("float32"))
    w, m, g = (np.full(5, value, np.float32) for value in (1, np.finfo(np.float32).tiny, 0))
    arguments = (w, m, None, g, np.array([0.1]), np.array([1]), int(own_lion.kernel), 0.0, 0.9, 0.5)
    kernels.get("update")(*arguments)
    assert (m == 0).all()
