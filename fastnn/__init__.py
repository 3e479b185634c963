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

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn._version import __version__
from fastnn.kernels.backend import use_backend
from fastnn.kernels.threads import get_num_threads, one_thread, set_num_threads
from fastnn.keywords import no_attribute

if TYPE_CHECKING:
    from fastnn import (
        custom,
        data,
        export,
        functional,
        gradcheck,
        init,
        kernels,
        layers,
        losses,
        metrics,
        optim,
        random,
        schedules,
    )
    from fastnn.config import show_config
    from fastnn.model import Sequential
    from fastnn.population import Population, fit_many
    from fastnn.trainer import (
        BestWeights,
        Callback,
        Checkpoint,
        CSVLog,
        EarlyStopping,
        History,
        MLflowLog,
        NonFiniteLossError,
        OptunaPruning,
        ReduceOnPlateau,
        TensorBoardLog,
        Trainer,
        find_learning_rate,
    )
    from fastnn.trainer.sweep import Sweep, grid, sweep

# Packages whose names other libraries have on top.
_PLACES = ("layers", "optim", "losses", "metrics", "data", "export", "estimators", "tabular")

# The modules of what is imported when it is first used; `fastnn.trainer` has the others.
_ELSEWHERE = {"show_config": "config", "Sequential": "model", "Population": "population", "fit_many": "population"}


def load(path: str | PathLike[str]) -> Any:
    """Read what `save` of a model, a population or an estimator of tables wrote. Nothing in it is run as code.

    Parameters
    ----------
    path : path

    Returns
    -------
    Sequential, Population, TableClassifier or TableRegressor

    Raises
    ------
    ValueError
        If the file is not a model file of fastnn, or is damaged.
    FileNotFoundError
        If there is no such file.
    ImportError
        If a package that the model needs is missing.

    Examples
    --------
    >>> import fastnn, tempfile, pathlib
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(pathlib.Path(folder, "digits.safetensors"))
    ...     again = fastnn.load(pathlib.Path(folder, "digits.safetensors"))
    >>> bool((again.params == model.params).all())
    True
    """
    from fastnn.model.file import TABLE, describes

    if describes(path, TABLE):
        return import_module("fastnn.tabular").load(path)
    return __getattr__("Population" if describes(path, "population") else "Sequential").load(path)


def _public(part: str) -> list[str]:
    """The public names of a package, or none where what it needs is not installed."""
    try:
        return list(import_module(f"fastnn.{part}").__all__)
    except ImportError:
        return []


def _parts() -> list[str]:
    """The names of the modules and packages in fastnn's folder, which are its attributes."""
    # pkgutil.iter_modules would take longer to import than all of this
    names = (part.name.removesuffix(".py") for part in Path(__path__[0]).iterdir())
    return [name for name in names if name.isidentifier() and not name.startswith("_")]


def __getattr__(name: str) -> Any:
    """What `import fastnn` leaves out, because it takes time or optional packages to import: nearly everything."""
    parts = _parts()
    if name in parts:
        return import_module(f"fastnn.{name}")
    if name not in __all__:
        place = None if name.startswith("_") else next((part for part in _PLACES if name in _public(part)), None)
        hint = f"module 'fastnn' has no attribute {name!r}; did you mean fastnn.{place}.{name}?"
        raise AttributeError(hint if place else no_attribute("fastnn", name, (*__all__, *parts)))
    value = getattr(import_module(f"fastnn.{_ELSEWHERE.get(name, 'trainer')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_parts()})


__all__ = [
    "BestWeights",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "MLflowLog",
    "NonFiniteLossError",
    "OptunaPruning",
    "Population",
    "ReduceOnPlateau",
    "Sequential",
    "Sweep",
    "TensorBoardLog",
    "Trainer",
    "__version__",
    "custom",
    "data",
    "export",
    "find_learning_rate",
    "fit_many",
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
