"""fastnn: train small and medium neural networks from NumPy arrays, fast on a CPU.

NumPy in, NumPy out: a model is a `Sequential` of `layers`, a `Trainer` trains it, every kernel has a plain NumPy
reference beside it, and the same seed gives the same bits whatever the number of threads.

Examples
--------
>>> import fastnn
>>> images, labels = fastnn.data.glyphs(2000, seed=0)
>>> model = fastnn.Sequential(
...     [fastnn.layers.Dense(64), fastnn.layers.ReLU(), fastnn.layers.Dense(10)],
...     input_shape=(784,), input_scale=1 / 255)
>>> history = fastnn.Trainer(model, optimizer=fastnn.optim.Adam(0.003), epochs=5).fit(images, labels)
>>> history.epochs[-1]["accuracy"] > 0.8
True
"""

from fastnn import data, export, functional, gradcheck, init, kernels, layers, losses, metrics, optim, random, schedules
from fastnn._version import __version__
from fastnn.config import show_config
from fastnn.kernels.backend import use_backend
from fastnn.kernels.threads import get_num_threads, one_thread, set_num_threads
from fastnn.model import Sequential
from fastnn.trainer import (
    BestWeights,
    Callback,
    Checkpoint,
    EarlyStopping,
    History,
    NonFiniteLossError,
    Sweep,
    Trainer,
    find_learning_rate,
    grid,
    sweep,
)

load = Sequential.load

__all__ = [
    "BestWeights",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "NonFiniteLossError",
    "Sequential",
    "Sweep",
    "Trainer",
    "__version__",
    "data",
    "export",
    "find_learning_rate",
    "functional",
    "get_num_threads",
    "gradcheck",
    "grid",
    "init",
    "kernels",
    "layers",
    "load",
    "losses",
    "metrics",
    "one_thread",
    "optim",
    "random",
    "schedules",
    "set_num_threads",
    "show_config",
    "sweep",
    "use_backend",
]
