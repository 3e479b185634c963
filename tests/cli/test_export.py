"""``fastnn export``."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli import main


def test_npz_has_the_parameters(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "model.npz"
    assert main(["export", str(run_folder), "-o", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}: {target.stat().st_size:,} bytes\n"
    model = fastnn.load(run_folder / "model.safetensors")
    with np.load(target, allow_pickle=False) as archive:
        assert json.loads(str(archive["config"])) == model.config()
        assert {name: archive[name].tobytes() for name in archive.files if name != "config"} == {
            name: value.tobytes() for name, value in (model.parameters | model.state).items()
        }


def test_onnx_computes_the_same(run_folder: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    target = tmp_path / "model.onnx"
    assert main(["export", str(run_folder / "model.safetensors"), "-o", str(target)]) == 0
    assert [node.op_type for node in onnx.load(target).graph.node] == [
        *("Mul", "Sub", "Div"),
        *("Gemm", "Relu", "Gemm"),
    ]


def test_c_says_that_it_is_right(run_folder: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    target = tmp_path / "my-model.c"
    assert main(["export", str(run_folder), "-o", str(target)]) == 0
    program = tmp_path / "model"
    build = [compiler, "-Wall", "-Wextra", "-Werror", "-Dmy_model_MAIN", str(target), "-o", str(program), "-lm"]
    subprocess.run(build, check=True)
    assert subprocess.run([program], check=True, capture_output=True).stdout == b"my_model: right\n"


@pytest.mark.parametrize(
    ("model", "output", "message"),
    [
        (None, "model.pt", "model.pt must end in one of .onnx, .npz, .c, .h"),
        (None, "no/model.npz", "cannot write in no"),
        ("nothing", "model.npz", "no model file at nothing"),
    ],
)
def test_bad_arguments_are_refused(
    run_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    model: str | None,
    output: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", model or str(run_folder), "-o", output]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_the_error_names_the_command(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(run_folder), "-o", str(tmp_path / "m.onnx")]) == 2
    assert "pip install fastnn-cpu[onnx]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
