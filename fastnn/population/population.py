"""A trained population: many networks of one architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import losses
from fastnn.checks import choice
from fastnn.model.file import write
from fastnn.model.measure import measure
from fastnn.model.sequential import Sequential
from fastnn.population.file import Stored, contents_of, read_population
from fastnn.population.state import Figures, figures_of, mean_figures
from fastnn.trainer.history import History, check_figure

Array = NDArray[Any]
How = Literal["mean", "vote", "members"]


class Population(Sequence[Sequential]):
    """Networks of one architecture that were trained side by side, see `fit_many`.

    Parameters
    ----------
    model : Sequential
        One of the architecture; its parameters count for nothing.
    params : (K, P) array of the model's dtype
    seeds : sequence of K int
    epochs : list of dict of str to (K,) array
        The figures of every epoch.
    done, best_epoch : (K,) int64
    failed : mapping of int to int

    Attributes
    ----------
    model : Sequential
        One of the architecture, with what all members share: classes, names of columns, statistics of a first
        `Standardize`. Its parameters count for nothing.
    epochs : list of dict of str to (K,) array
        The figures of every epoch; NaN for members that had stopped before. See `column` and `histories`.
    params : (K, P) array
        The parameters of the members, each laid out as `Sequential.params`.
    seeds : list of int
    epochs_done, best_epoch : (K,) int64
        How many epochs each member was trained, and with early stopping which was the best one (otherwise 0).
    failed : dict of int to int
        For each member whose loss became infinite or NaN, the step at which it did. Its parameters are NaN, or the
        best ones before if these are kept.

    Examples
    --------
    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(300, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> population = fastnn.fit_many(model, x, y, seeds=[0, 1, 2], epochs=3, progress=False)
    >>> len(population), population.predict(x).shape
    (3, (300,))
    """

    def __init__(
        self,
        model: Sequential,
        params: Array,
        seeds: Sequence[int],
        epochs: list[Figures],
        done: NDArray[np.int64],
        best_epoch: NDArray[np.int64],
        failed: Mapping[int, int],
    ) -> None:
        self.model, self.params, self.seeds, self.epochs = model, params, list(seeds), epochs
        self.epochs_done, self.best_epoch, self.failed = done, best_epoch, dict(failed)

    def __len__(self) -> int:
        return len(self.params)

    def __getitem__(self, k: Any) -> Any:
        """Member k as a `Sequential` of its own, or a list of those of a slice."""
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        try:
            k = range(len(self))[k]
        except IndexError:
            message = f"Population: expected the number of one of {len(self)} members, got {k}"
            raise IndexError(message) from None
        model = self.model.copy()
        model.params[...] = self.params[k]
        model.seed, model.task = self.seeds[k], self.model.task
        return model

    def __iter__(self) -> Iterator[Sequential]:
        return (self[k] for k in range(len(self)))

    @property
    def histories(self) -> list[History]:
        """The history of each member, without the losses of single steps."""
        return [History(figures_of(self.epochs, int(done), k)) for k, done in enumerate(self.epochs_done)]

    @property
    def history(self) -> History:
        """The means of the figures over the members that were trained in each epoch."""
        return History([mean_figures(figures, i) for i, figures in enumerate(self.epochs, 1)])

    def config(self) -> dict[str, Any]:
        """What all members share, as `Sequential.config` describes it."""
        return self.model.config()

    def column(self, name: str) -> NDArray[np.float64]:
        """One figure of all epochs and members (E, K); NaN where a member had stopped.

        Parameters
        ----------
        name : str

        Raises
        ------
        ValueError
            If no epoch has it.
        """
        check_figure("Population", name, self.epochs)
        missing = np.full(len(self), np.nan)
        return np.array([epoch.get(name, missing) for epoch in self.epochs]).reshape(-1, len(self))

    # --- predictions ---

    def outputs(self, x: ArrayLike) -> Array:
        """Raw outputs (K, N, *output_shape) of all members.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype

        Raises
        ------
        ValueError, TypeError
            If x does not fit the model.
        """
        return self._each(x, Sequential.forward)

    def predict_proba(self, x: ArrayLike) -> Array:
        """The mean over the members of the probabilities of classes, or of labels, (N, C).

        Parameters
        ----------
        x : (N, *input_shape), any real dtype

        Raises
        ------
        ValueError, TypeError
            If x does not fit the model, its outputs are not rows, or those of a member hold NaN.
        """
        return np.asarray(self._each(x, Sequential.predict_proba).mean(axis=0))

    def predict(self, x: ArrayLike, how: How = "mean") -> Array:
        """Classes, labels or outputs that the members agree on.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype
        how : {"mean", "vote", "members"}
            "mean": the class of the largest mean probability, the labels of a mean probability above 1/2, or the mean
            of the outputs. "vote": the class that most members predict, the smallest of several; for outputs the
            median. "members": what every member predicts.

        Returns
        -------
        (N,) int64, (N, C) int64 or (N, *output_shape)
            As `Sequential.predict`; with "members" one more axis of K in front.

        Raises
        ------
        ValueError, TypeError
            As `Sequential.predict`.
        """
        choice("predict", "how", how, ("mean", "vote", "members"))
        task = self.model.task
        if how == "mean" and task == "classification":
            return np.asarray(self.predict_proba(x).argmax(axis=1))
        if how == "mean" and task == "multilabel":
            return (self.predict_proba(x) > 0.5).astype(np.int64)
        found = self._each(x, Sequential.predict)
        if how == "members":
            return np.asarray(found)
        if task == "regression":
            return np.asarray(found.mean(axis=0) if how == "mean" else np.median(found, axis=0))
        if task == "multilabel":
            return np.asarray(2 * found.sum(axis=0) > len(found), np.int64)
        votes = np.zeros((found.shape[1], self.model.output_shape[0]), np.int64)
        for classes in found:
            votes[np.arange(len(classes)), classes] += 1
        return np.asarray(votes.argmax(axis=1))

    def evaluate(self, x: ArrayLike, y: ArrayLike) -> dict[str, Any]:
        """Mean loss of the members' mean prediction, and for classes its accuracy in [0, 1], over all samples.

        The loss is the cross-entropy of the mean probabilities, or the squared error of the mean outputs.

        Parameters
        ----------
        x : (N, *input_shape)
        y : (N,) integer labels, or (N, *output_shape)

        Raises
        ------
        ValueError, TypeError
            If x or y does not fit the model, or the outputs of a member hold NaN.

        Examples
        --------
        >>> import fastnn
        >>> x, y = fastnn.data.glyphs(300, seed=0)
        >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        >>> population = fastnn.fit_many(model, x, y, seeds=[0, 1, 2], epochs=9, progress=False)
        >>> population.evaluate(x, y)["accuracy"] > 0.8
        True
        """
        return measure(self.model, x, y, losses.BY_TASK[self.model.task], self._mean_scores)[0]

    def _mean_scores(self, x: ArrayLike) -> Array:
        """Outputs of which a loss makes the mean probabilities, or the mean outputs."""
        if self.model.task == "regression":
            return self.predict(x)
        mean = self.predict_proba(x)
        least = np.finfo(mean.dtype).tiny
        scores = np.log(np.maximum(mean, least))
        others = np.log(np.maximum(1 - mean, least)) if self.model.task == "multilabel" else 0
        return np.asarray(scores - others)

    def _each(self, x: ArrayLike, method: Any) -> Array:
        """What a method gives for the samples, of one member after the other."""
        model, found = self.model.copy(), []
        model.task = self.model.task
        for k, params in enumerate(self.params):
            model.params[...] = params
            try:
                found.append(method(model, x))
            except ValueError as error:
                raise ValueError(f"{error} (member {k})") from None
        return np.array(found)

    # --- files ---

    def save(self, path: str | PathLike[str]) -> None:
        """Write all members to one ``.safetensors`` file, from which `fastnn.load` reads the population.

        Parameters
        ----------
        path : path

        Raises
        ------
        OSError
            If the file cannot be written; a file that was there is then unchanged.
        ImportError
            If the safetensors package is missing.

        Examples
        --------
        >>> import fastnn, tempfile, pathlib
        >>> x, y = fastnn.data.glyphs(100, seed=0)
        >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        >>> population = fastnn.fit_many(model, x, y, seeds=[0, 1], epochs=1, progress=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     population.save(pathlib.Path(folder, "two.safetensors"))
        ...     again = fastnn.load(pathlib.Path(folder, "two.safetensors"))
        >>> bool((again.params == population.params).all())
        True
        """
        write(path, *self.contents())

    def contents(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """The arrays and the description that a file of the population holds."""
        columns = {name: self.column(name) for name in dict.fromkeys(n for epoch in self.epochs for n in epoch)}
        members = self.params, self.seeds, columns, self.epochs_done, self.best_epoch, self.failed
        return contents_of(Stored(self.model, *members))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Population:
        """Read a population that `save` wrote. Nothing in the file is run as code.

        Raises
        ------
        ValueError
            If the file is not that of a population, or is damaged.
        FileNotFoundError
            If there is no such file.
        ImportError
            If the safetensors package is missing.
        """
        return cls.of_stored(read_population(path))

    @classmethod
    def of_stored(cls, stored: Stored) -> Population:
        """The population that a file holds."""
        model, params, seeds, columns, done, best, failed = stored
        epochs = [{n: a[i] for n, a in columns.items()} for i in range(max(map(len, columns.values()), default=0))]
        return cls(model, params, seeds, epochs, done, best, failed)

    def __repr__(self) -> str:
        return f"<Population of {len(self)}: {self.model!r}>"
