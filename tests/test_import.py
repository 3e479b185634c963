"""Importing fastnn loads little and is fast, and a minimal installation can train."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fastnn.environment import BACKEND

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    "torch",
    "numba",
    "matplotlib",
    "scipy",
    "sklearn",
    "tqdm",
    "safetensors",
    "pooch",
    "PIL",
    "argparse",
    "logging",
    "tempfile",
)

# All modules except those of the standard library and the allowed ones behave as if they were not installed.
BLOCKER = """
import sys
class Blocker:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top in {allowed!r}:
            return self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Blocker(finder) for finder in sys.meta_path]
"""
SLIM = ("numpy", "fastnn", "_cython")

TRAIN = """
import numpy as np, fastnn
images, labels = fastnn.data.glyphs(600, seed=0)
model = fastnn.Sequential(
    [fastnn.layers.Dense(32), fastnn.layers.ReLU(), fastnn.layers.Dense(10)],
    input_shape=(784,), input_scale=1 / 255)
trainer = fastnn.Trainer(model, optimizer="adam", epochs=5, progress=True)
history = trainer.fit(images, labels, validation=(images, labels))
assert history.epochs[-1]["val_accuracy"] > 0.6, history
assert (model.predict(images) == labels).mean() > 0.6
assert model.predict_proba(images).shape == (600, 10)
"""


def python(code: str, *, cwd: Path, allowed: tuple[str, ...] | None = None) -> str:
    """Run `code` in a new process, with the blocker if `allowed` is given, and return what it prints."""
    blocker = "" if allowed is None else BLOCKER.format(allowed=set(allowed))
    asked_in_vain = {} if allowed is None else {BACKEND: "numba"}  # what is blocked cannot be the backend
    environment = dict(os.environ.items() - asked_in_vain.items())
    done = subprocess.run(
        [sys.executable, "-c", blocker + code], capture_output=True, text=True, cwd=cwd, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = python("import sys, fastnn; print(*sys.modules)", cwd=tmp_path).split()
    assert "fastnn.kernels.backend" in loaded
    assert [name for name in loaded if name in ("fastnn.trainer", "fastnn.data", "fastnn.layers")] == []
    code = "import sys, fastnn; [getattr(fastnn, name) for name in fastnn.__all__]; print(*sys.modules)"
    used = python(code, cwd=tmp_path).split()
    assert "fastnn.trainer" in used
    assert [name for name in HEAVY if name in used] == []


def test_every_public_name_is_found_where_it_is_first_asked_for(tmp_path: Path) -> None:
    for name in ("Sequential", "fit_many", "Trainer", "estimators", "data", "show_config"):
        found = python(f"import fastnn; print(fastnn.{name}.__name__)", cwd=tmp_path)
        assert found.strip().removeprefix("fastnn.") == name
    said = python("import fastnn\ntry:\n    fastnn.Trainr\nexcept AttributeError as e:\n    print(e)", cwd=tmp_path)
    assert "did you mean 'Trainer'?" in said
    assert {"Sequential", "estimators", "fit_many"} <= set(
        python("import fastnn; print(*dir(fastnn))", cwd=tmp_path).split()
    )


def test_the_blocker_blocks(tmp_path: Path) -> None:
    code = "try:\n    import safetensors\nexcept ImportError as e:\n    print(e)"
    assert python(code, cwd=tmp_path, allowed=SLIM) == "No module named 'safetensors'\n"


def test_numpy_alone_trains_and_predicts(tmp_path: Path) -> None:
    python(TRAIN, cwd=tmp_path, allowed=SLIM)


def test_saving_without_safetensors_says_what_to_install(tmp_path: Path) -> None:
    code = "try:\n    model.save('m.safetensors')\nexcept ImportError as e:\n    print(e)"
    assert "pip install safetensors" in python(TRAIN + code, cwd=tmp_path, allowed=SLIM)


def test_saving_needs_only_safetensors_and_numpy(tmp_path: Path) -> None:
    code = "model.save('m.safetensors')\nassert (fastnn.load('m.safetensors').params == model.params).all()"
    python(TRAIN + code, cwd=tmp_path, allowed=(*SLIM, "safetensors"))


def test_the_command_line_runs_in_a_minimal_installation(tmp_path: Path) -> None:
    code = "from fastnn.cli import main; sys.exit(main(['train', '--epochs', '1', '--quiet']))"
    said = python(code, cwd=tmp_path, allowed=(*SLIM, "safetensors"))
    assert said.startswith("test accuracy ")
    assert sorted(path.name for path in (tmp_path / "fastnn-run-1").iterdir()) == [
        "config.json",
        "config.toml",
        "history.csv",
        "model.safetensors",
    ]


@pytest.mark.slow
def test_import_takes_at_most_twice_as_long_as_numpy(tmp_path: Path) -> None:
    script = ROOT / "bench" / "import_time.py"
    said = subprocess.run([sys.executable, script, "31"], capture_output=True, text=True, cwd=tmp_path, check=True)
    ratio = re.search(r"ratio ([0-9.]+)", said.stdout)
    assert ratio is not None
    assert float(ratio[1]) <= 2.0, said.stdout


def test_subpackages_load_when_they_are_used(tmp_path: Path) -> None:
    code = """
import sys, fastnn
assert "fastnn.plots" not in sys.modules
assert fastnn.plots.residuals and fastnn.architecture and fastnn.compat and fastnn.studies
assert {"plots", "estimators", "tabular"} <= set(dir(fastnn))
try:
    fastnn.plot
except AttributeError as error:
    print(error)
"""
    said = python(code, cwd=tmp_path)
    assert said == "module 'fastnn' has no attribute 'plot'; did you mean 'plots'?\n"


def test_a_model_runs_in_a_process_that_imported_nothing_but_fastnn():
    code = "import fastnn; fastnn.Sequential([fastnn.layers.Dense(2)], input_shape=(3,)).forward([[1, 2, 3]])"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("part", ["model", "trainer", "program", "population", "studies", "tabular"])
def test_every_part_is_an_attribute_of_fastnn(part):
    subprocess.run([sys.executable, "-c", f"import fastnn; fastnn.{part}.__all__"], check=True)
