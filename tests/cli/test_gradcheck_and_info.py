"""``fastnn gradcheck``, ``fastnn info``, and the options that belong to no command."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastnn
from fastnn.cli import main, parser
from fastnn.layers import Tanh


def test_gradcheck_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", "mlp:6-5-4-3", "--activation", "tanh", "--samples", "0"]) == 0
    out = capsys.readouterr().out
    assert "passed (largest error" in out
    assert re.findall(r"^  (dense\d\.\w) +\S+ +(\d+)", out, re.M) == [
        ("dense1.w", "30"),
        ("dense1.b", "5"),
        ("dense2.w", "20"),
        ("dense2.b", "4"),
        ("dense3.w", "12"),
        ("dense3.b", "3"),
    ]


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_gradcheck_takes_every_loss(loss: str) -> None:
    assert main(["gradcheck", "mlp:6-5-3", "--loss", loss, "--quiet"]) == 0


def test_a_wrong_gradient_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    right = Tanh.backward

    def wrong(self: Tanh, ops: object, dout: object, cache: object, need_dx: bool) -> object:
        dx = right(self, ops, dout, cache, need_dx)  # type: ignore[arg-type]
        dx *= 1.001
        return dx

    monkeypatch.setattr(Tanh, "backward", wrong)
    assert main(["gradcheck", "mlp:6-5-3", "--activation", "tanh"]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_a_sweep_is_printed_and_plotted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from matplotlib import pyplot

    picture, figures = tmp_path / "errors.png", pyplot.get_fignums()
    assert main(["gradcheck", "mlp:6-5-3", "--activation", "tanh", "--sweep", "--plot", str(picture)]) == 0
    rows = re.findall(r"^ +(1\.00e-\d\d) +(\S+) +(\S+)$", capsys.readouterr().out, re.M)
    assert len(rows) == 11
    central = {step: float(error) for step, _, error in rows}
    assert central["1.00e-01"] > central["1.00e-05"] < central["1.00e-11"]
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert pyplot.get_fignums() == figures


def test_info_prints_what_is_active(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"^fastnn +{re.escape(fastnn.__version__)}$", out, re.M)
    assert re.search(rf"^threads +{fastnn.get_num_threads()}$", out, re.M)
    assert "measured limits" not in out


def test_info_measures_the_machine_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--probe"]) == 0
    out = capsys.readouterr().out
    if "native" not in fastnn.kernels.available_backends():
        assert "the native module is not installed" in out
    else:
        found = re.search(r"measured limits +(\d+) GFLOP/s in float32, (\d+) in float64; ([\d.]+) GB/s read", out)
        assert found
        assert all(float(number) > 0 for number in found.groups())


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"fastnn {fastnn.__version__}\n"


COMMANDS = ("train", "evaluate", "predict", "export", "study", "alexnet", "data", "gradcheck", "info")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_values_and_not_the_expressions_that_have_them(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert re.findall(r"\{\w+[\[.(].*?\}", capsys.readouterr().out) == []


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["predict"], ["gradcheck"], ["info"]])
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert re.search(r"^(examples|first steps):$", out, re.M)
    assert "(default: None)" not in out


def test_the_examples_in_help_can_be_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    found = 0
    for command in ([], ["train"], ["evaluate"], ["predict"], ["gradcheck"], ["info"]):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        for line in capsys.readouterr().out.splitlines():
            example = re.match(r"  (?:[A-Z_]+=\S+ )?fastnn ([^|]*?)(?:  .*|\|.*)?$", line)
            if example and "--help" not in line:
                parser().parse_args(example[1].split())
                found += 1
    assert found >= 15


def test_python_dash_m_runs_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fastnn", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"fastnn {fastnn.__version__}\n")
