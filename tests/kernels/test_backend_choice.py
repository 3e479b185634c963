"""The backend and the instruction set are those that were asked for, or the best."""

import json
import threading

import numpy as np
import pytest
from trainings import fit, mlp, needs_native, output_of, python, samples

import fastnn
from fastnn import kernels
from fastnn.kernels import SIGNATURES, backend_of, current_backend

# --- the backend ---


@needs_native
def test_the_best_backend_is_the_default():
    code = "from fastnn import kernels; print(kernels.current_backend(), *kernels.available_backends())"
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


def test_an_unknown_backend_is_refused():
    done = python("import fastnn", FASTNN_BACKEND="cuda")
    assert done.returncode != 0
    assert "ValueError: FASTNN_BACKEND: expected one of native, numba, reference, got 'cuda'" in done.stderr


@pytest.mark.parametrize("name", sorted({"native", "numba"} - set(kernels.available_backends())))
def test_a_backend_that_is_not_installed_is_an_error(name):
    done = python("import fastnn", FASTNN_BACKEND=name)
    assert f"ImportError: FASTNN_BACKEND: backend '{name}' is not installed" in done.stderr
    with (
        pytest.raises(ImportError, match=f"use_backend: backend '{name}' is not installed"),
        fastnn.use_backend(name),
    ):
        pass


@needs_native
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


def test_use_backend_nests_and_restores():
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


def test_use_backend_holds_in_its_own_thread_only():
    seen = []
    with fastnn.use_backend("reference"):
        worker = threading.Thread(target=lambda: seen.append(current_backend()))
        worker.start()
        worker.join()
    assert seen == [current_backend()]


# --- the instruction set ---


def _isas():
    try:
        from fastnn.kernels import _native
    except ImportError:
        return []
    return list(_native.isa_tables())


@needs_native
@pytest.mark.parametrize("isa", _isas())
def test_every_instruction_set_here_trains_to_the_same_numbers(isa):
    code = """
import json
from fastnn.kernels.backend import native_isa
from trainings import fit, mlp, samples
model = mlp(30, 40, 5, dtype="float64")
fit(model, *samples(100, 30, 5), epochs=2)
print(json.dumps([native_isa(), model.params[::50].tolist()]))
"""
    used, params = json.loads(output_of(code, FASTNN_ISA=isa))
    assert used == isa
    model = mlp(30, 40, 5, dtype="float64")
    fit(model, *samples(100, 30, 5), epochs=2)
    np.testing.assert_allclose(params, model.params[::50], rtol=1e-9, atol=1e-12)


@needs_native
def test_an_instruction_set_that_is_not_available_is_an_error():
    done = python("import fastnn", FASTNN_ISA="mmx")
    assert done.returncode != 0
    assert "ImportError: FASTNN_ISA: expected one of" in done.stderr
    assert "got 'mmx'" in done.stderr
