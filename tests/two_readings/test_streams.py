"""Programs without standard streams, or with streams that can only write, train in silence."""

import io
import subprocess
import sys

import pytest
from trainings import ROOT, mlp, samples

import fastnn
from fastnn.environment import is_terminal

X, Y = samples(20, 4, 3)


class Writes:
    """What some programs put in the place of a stream."""

    def write(self, text):
        return len(text)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("options", [{}, {"print_every": 1}, {"progress": True}, {"progress": True, "print_every": 1}])
def test_a_training_needs_no_stream(monkeypatch, name, options):
    monkeypatch.setattr(sys, name, None)
    assert len(fastnn.Trainer(mlp(4, 3), epochs=2, **options).fit(X, Y)) == 2


def test_a_stream_that_can_only_write_or_is_closed_is_no_terminal(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stream in (None, Writes(), closed):
        assert not is_terminal(stream)
        monkeypatch.setattr(sys, "stderr", stream)
        fastnn.Trainer(mlp(4, 3), epochs=1).fit(X, Y)


CODE = """
import numpy as np, fastnn, sys
from fastnn.studies.progress import Bar
x, y = fastnn.data.glyphs(40, seed=0)
def make(rate):
    model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,))
    return fastnn.Trainer(model, epochs=1)
fastnn.sweep(make, fastnn.grid(rate=[1, 2]), x, y)
bar = Bar({"a": 1.0}, False)
bar.begin("a", "title")
bar.at(1, 2)
bar.end(False)
from fastnn.cli import main
sys.exit(main(["gradcheck", "mlp:6-5-3", "--quiet"]) or 7)
"""


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-"])
def test_sweeps_studies_and_commands_run_with_closed_streams(closed):
    shell = f'exec "$0" -c "$1" {closed}'
    done = subprocess.run(["sh", "-c", shell, sys.executable, CODE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 7, done.stderr
