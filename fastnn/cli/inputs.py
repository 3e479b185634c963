"""The inputs of the commands: data sets, images to predict and model files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data import NAMED_DATASETS, Dataset, load, train_test_split
from fastnn.data.assembling import unknown_classes
from fastnn.data.formats import formats_text
from fastnn.data.mapped import is_mapped
from fastnn.decisions import Decision
from fastnn.environment import DATA
from fastnn.model import Sequential
from fastnn.population import Population
from fastnn.population.file import holds_population

MODEL_FILE = "model.safetensors"
READING = (
    "size",
    "mode",
    "skip_damaged",
    "background",
    "axes",
    "label",
    "scale",
    "class_names",
)  # arguments of `load` that are options too
SYNTHETIC = ("glyphs", "digits")  # data sets that need no files
MAPPED_HELP = (
    "read the images of .npy and uncompressed IDX files from disk as they are used, for data sets larger than memory"
)
DATA_HELP = (
    f"glyphs (synthetic letters A-J), digits (synthetic digits), {', '.join(NAMED_DATASETS)} (from the folder that "
    f"{DATA} names, else downloaded), or the path of a data set: {formats_text()}"
)


def add_data(group: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add DATA, and --data, which says the same. `settle_data` finds out which was given."""
    shown = DATA_HELP if default is None else f"{DATA_HELP} (default: {default})"
    group.add_argument("data_set", metavar="DATA", nargs="?", help=shown)
    group.add_argument("--data", metavar="DATA", help="the same as DATA")


def settle_data(options: argparse.Namespace, default: str | None = None) -> None:
    """Set the attribute `data` of the options to the data set that they name, or to the default.

    Raises
    ------
    ValueError
        If they name two, or none and there is no default.
    """
    if options.data_set is not None and options.data is not None:
        raise ValueError(f"DATA: expected one data set, got {options.data_set} and --data {options.data}")
    options.data = options.data_set or options.data or default
    options.data_set = None
    if options.data is None:
        raise ValueError("DATA: expected the name or the path of a data set, got none")


def add_model(group: argparse._ActionsContainer) -> None:
    """Add MODEL, the path of a trained model."""
    group.add_argument(
        "model", metavar="MODEL", help=f"a model that `fastnn train` wrote: its {MODEL_FILE}, or the folder with it"
    )


def load_data(data: str, option: str = "--data", **arguments: Any) -> Dataset:
    """Return the data set with the name or path `data`. It does not depend on the seed of the training.

    Parameters
    ----------
    data, option : str
        The data set, and the option that names it.
    **arguments
        Further arguments of `fastnn.data.load`.

    Raises
    ------
    FileNotFoundError
        If the data set must be downloaded and no source can be reached.
    ValueError
        If there is no such data set, its files are damaged, or it is made and not read, but `arguments` say how to read
        it.
    """
    if data not in SYNTHETIC:
        if arguments.get("like") is None:
            arguments.setdefault("size", "common")
        return load(**locate(data, option), **arguments)
    for argument, value in arguments.items():
        if argument in READING:
            raise ValueError(f"{option_of(argument)}: {data} reads no files, but it is {value!r}")
    made = load("glyphs", kind="digits" if data == "digits" else "letters", like=arguments.get("like"))
    return replace(made, name=data)


def locate(data: str, option: str) -> dict[str, Any]:
    """Return the arguments of `fastnn.data.load` for the name or the path of a data set.

    Raises
    ------
    ValueError
        If `data` is neither.
    """
    here = Path(data).expanduser()
    if data in NAMED_DATASETS:
        return {"name": data, "path": here if here.exists() else None}
    if not here.exists():
        raise ValueError(
            f"{option}: there is no file or folder {data}. Give the path of a data set, one of "
            f"{', '.join(NAMED_DATASETS)} ({DATA} names the folder above it), or use glyphs or digits, which need no "
            "files"
        )
    return {"name": here}


def load_validation(path: str, data: Dataset, **arguments: Any) -> Split:
    """Return a split whose validation samples are all labelled ones of the data set at `path`.

    Parameters
    ----------
    path : str
    data : Dataset
    **arguments
        Further arguments of `fastnn.data.load`.

    Raises
    ------
    FileNotFoundError, ValueError
        As in `load_data`, and ValueError if shape, columns, scale or classes are not those of `data`.
    """
    try:
        found = load_data(path, "--validation", like=data, **arguments)
    except ValueError as error:
        raise ValueError(f"--validation: {str(error).removeprefix('--validation: ').removeprefix('load: ')}") from None
    images, labels = map(np.concatenate, zip(found.train, found.test, strict=True))
    unknown = unknown_classes(labels, found.class_names, len(data.class_names))
    if unknown:
        raise ValueError(f"--validation: {path} has classes that {data.name} lacks: {unknown}")
    return Split(data.train, (images, labels), found.decisions)


@dataclass(frozen=True)
class Split:
    """The training images, and the validation images if there are any, each with labels; how the latter were read."""

    train: tuple[NDArray[Any], NDArray[np.int64]]
    validation: tuple[NDArray[Any], NDArray[np.int64]] | None
    decisions: tuple[Decision, ...] = ()


def split_data(data: Dataset, held_out: float | str, **arguments: Any) -> Split:
    """Split training images into training and validation images.

    Parameters
    ----------
    data : Dataset
    held_out : float or str
        The share of the training images to hold out, 0 for none, or the path of a data set to validate on instead.
    **arguments
        How that data set is read: arguments of `fastnn.data.load`.

    Raises
    ------
    ValueError
        If there are too few images, if they are mapped from a file (holding some out would copy them all into
        memory), or if the other data set does not fit.
    """
    images, labels = data.train
    if isinstance(held_out, str):
        return load_validation(held_out, data, **arguments)
    if held_out == 0:
        return Split(data.train, None)
    if is_mapped(images):
        raise ValueError(
            "--mapped: needs --validation 0 or a path, because held-out images would be copied into memory"
        )
    try:
        training, validation = train_test_split(labels, held_out)
    except ValueError as error:
        raise ValueError(
            f"--validation: {held_out} of {len(labels)} {data.noun} cannot be held out ({error})"
        ) from None
    return Split((images[training], labels[training]), (images[validation], labels[validation]))


def option_of(argument: str) -> str:
    """Return the option that stands for an argument of `fastnn.data.load`."""
    return "--target" if argument == "label" else f"--{argument.replace('_', '-')}"


def resolved_data(data: str) -> str:
    """Return `data` in a form that is valid in any folder: an absolute path if it is a path."""
    here = Path(data).expanduser()
    return str(here.resolve()) if data not in (*SYNTHETIC, *NAMED_DATASETS) and here.exists() else data


def samples_of(model: Sequential, images: NDArray[Any]) -> NDArray[Any]:
    """Return images of a data set, whose channels come first, as the model takes them."""
    return np.moveaxis(images, 1, -1) if model.channels_last and images.ndim == 4 else images


def load_model(file: str) -> Sequential | Population:
    """Return the model, or the population, in a file or in the folder of a run.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or does not hold a model.
    """
    path = model_file(file)
    return (Population if holds_population(path) else Sequential).load(path)


def architecture_of(model: Sequential | Population) -> Sequential:
    """Return a model that knows how samples are read for the given one: itself, or that of a population."""
    return model.model if isinstance(model, Population) else model


def model_file(file: str) -> Path:
    """Return the path of the model's file, whose folder may be given instead."""
    path = Path(file).expanduser()
    return path / MODEL_FILE if path.is_dir() else path
