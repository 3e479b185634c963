"""What the two estimators of tables share: parameters, inputs, folds, members, files."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from fastnn.caller import warn_caller
from fastnn.checks import choice, number, whole
from fastnn.estimators.weights import mean_one, sample_weights
from fastnn.estimators.workers import share_of_threads
from fastnn.frames import check_same_order
from fastnn.keywords import with_known_keywords
from fastnn.losses import Loss
from fastnn.tabular.cells import is_missing
from fastnn.tabular.columns import by_name, check_frame, reads_as_frame, rows_in, unmixed
from fastnn.tabular.ensemble import TRIALS, Trained
from fastnn.tabular.file import write_table
from fastnn.tabular.inputs import Categories, Encoding, Numeric, TableInputs
from fastnn.tabular.members import Fold, Member, Recipe, Rows
from fastnn.tabular.refusals import refuse_a_name, refuse_what_is_no_table

Array = NDArray[Any]
ACTIVATIONS = ("relu", "leaky_relu", "elu", "tanh", "sigmoid", "gelu", "silu")


class TableEstimator(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators of tables.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of the hidden layers of a member.
    n_estimators : int
        Members of the ensemble, whose predictions are averaged. Each is trained without one of as many parts of the
        rows, which decides when it stops; so all rows are used. A single one holds out `validation_fraction`.
    categorical : "auto" or sequence of str and int
        Columns of categories besides those whose dtype says so: text, categories, enumerations.
    numeric : {"auto", "scaled", "piecewise"}
        Whether numbers, besides being scaled, are encoded in up to 12 pieces of their range; "auto": as the first two
        members do better on the rows that they hold out.
    category_encoding : {"auto", "one-hot", "embedding"}
        Whether a column of more than 8 categories becomes an input of 0 or 1 for each, or 8 numbers are learned for
        each; "auto": one-hot, which does better on the tables of `bench/tables_race.py` that have such columns.
    activation : {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "gelu", "silu"}
    dropout : float
        Share of the units of each hidden layer that is dropped in training.
    learning_rate_init : float
        At the beginning; it falls to 0 along half a cosine over `max_iter` epochs.
    alpha : float
        Decoupled weight decay of AdamW, times the learning rate.
    batch_size : int or "auto"
        Rows of a step; "auto": about a twentieth of all, between 16 and 256.
    max_iter : int or "auto"
        Epochs of a member at most; "auto": 4,000 steps, but between 20 and 200 epochs.
    n_iter_no_change : int or "auto"
        Epochs without a lower loss on the rows that are held out, after which a member stops; "auto": a third of
        `max_iter`. It is then as it was in its best epoch.
    validation_fraction : float
        Share of the rows that a single member holds out.
    random_state : int, RandomState instance or None
        Decides the parts, the first weights and the order of the rows.
    verbose : bool or "members"
        Whether `fit` prints what it takes each column for and a line for each member, or the latter alone.
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        *,
        n_estimators: int = 5,
        categorical: str | Sequence[str | int] = "auto",
        numeric: str = "auto",
        category_encoding: str = "auto",
        activation: str = "silu",
        dropout: float = 0.0,
        learning_rate_init: float = 0.01,
        alpha: float = 0.01,
        batch_size: int | str = "auto",
        max_iter: int | str = "auto",
        n_iter_no_change: int | str = "auto",
        validation_fraction: float = 0.15,
        random_state: Any = None,
        verbose: bool | str = False,
    ) -> None:
        self.hidden_layer_sizes, self.n_estimators = hidden_layer_sizes, n_estimators
        self.categorical, self.numeric, self.category_encoding = categorical, numeric, category_encoding
        self.activation, self.dropout = activation, dropout
        self.learning_rate_init, self.alpha, self.batch_size = learning_rate_init, alpha, batch_size
        self.max_iter, self.n_iter_no_change = max_iter, n_iter_no_change
        self.validation_fraction, self.random_state, self.verbose = validation_fraction, random_state, verbose

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        with_known_keywords(cls)

    # --- what the subclasses define ---

    def state(self) -> dict[str, Any]:
        """What a file keeps besides the inputs and the members, as JSON holds it."""
        raise NotImplementedError(f"{type(self).__name__}: state is missing")

    def restore(self, state: dict[str, Any]) -> None:
        """Set what `state` returned."""
        raise NotImplementedError(f"{type(self).__name__}: restore is missing")

    # --- parameters ---

    def _recipe(self) -> Recipe:
        """The parameters of a member, checked."""
        owner, hidden = type(self).__name__, self.hidden_layer_sizes
        sizes = [hidden] if isinstance(hidden, numbers.Integral) else list(hidden)  # type: ignore[arg-type]
        automatic = {
            name: None if isinstance(value, str) and value == "auto" else whole(owner, name, value, at_least=1)
            for name in ("batch_size", "max_iter", "n_iter_no_change")
            for value in (getattr(self, name),)
        }
        return Recipe(
            [whole(owner, "hidden_layer_sizes", units, at_least=1) for units in sizes],
            choice(owner, "activation", self.activation, ACTIVATIONS),
            number(owner, "dropout", self.dropout, at_least=0, below=1),
            number(owner, "learning_rate_init", self.learning_rate_init, above=0),
            number(owner, "alpha", self.alpha, at_least=0),
            automatic["batch_size"],
            automatic["max_iter"],
            automatic["n_iter_no_change"],
        )

    def _categorical(self) -> Sequence[str | int]:
        if isinstance(self.categorical, str):
            if self.categorical != "auto":
                got = f"{self.categorical!r}; the column by itself is [{self.categorical!r}]"
                raise ValueError(f"{type(self).__name__}: categorical: expected 'auto' or a list of columns, got {got}")
            return ()
        return list(self.categorical)

    # --- the table ---

    def _table(self, X: Any, *, fitting: bool) -> Any:
        """X, with what scikit-learn checks of every table: its number of columns, their names, arrays for NaN."""
        refuse_what_is_no_table(type(self).__name__, X)
        if by_name(X):
            return self._mapping(X, fitting)
        if reads_as_frame(X):
            check_frame(type(self).__name__, X)
            validate_data(self, X, reset=fitting, skip_check_array=True)
            return X
        return validate_data(self, unmixed(X), reset=fitting, dtype=None, ensure_all_finite=False, ensure_min_samples=1)

    def _mapping(self, X: Mapping[Any, Any], fitting: bool) -> Mapping[Any, Any]:
        """Columns by name, in the order of the training."""
        owner = type(self).__name__
        if not X:
            raise ValueError(f"{owner}: X: expected columns by name, got none")
        if fitting:
            self.feature_names_in_, self.n_features_in_ = np.array(list(X), object), len(X)
            return X
        known = list(getattr(self, "feature_names_in_", ()))
        if set(known) != set(X):
            raise ValueError(f"{owner}: X: expected the columns {', '.join(known)}, got {', '.join(map(str, X))}")
        return {name: X[name] for name in known}

    def _encoded(self, X: Any) -> Array:
        check_is_fitted(self, "members_")
        return self.inputs_.encode(type(self).__name__, self._table(X, fitting=False))

    # --- fitting ---

    def _targets(self, table: Any, y: Any, sample_weight: ArrayLike | None) -> tuple[Array, Array | None]:
        """Targets and weights of the rows, of equal length; and the name of the targets, if they have one."""
        owner = type(self).__name__
        refuse_a_name(owner, y)
        check_same_order(owner, X=table, y=y, sample_weight=sample_weight)
        targets = column_or_1d(as_targets(owner, y), warn=True)
        gone = np.array([is_missing(value) for value in targets.tolist()], bool)
        if gone.any():
            raise ValueError(
                f"{owner}: y: expected a target in every row, got NaN or none in row {int(np.argmax(gone))} "
                f"({int(gone.sum())} of {len(gone)} rows); leave such rows out"
            )
        check_consistent_length(np.empty(rows_in(table)), targets)
        columns = list(getattr(y, "columns", ()))
        name = columns[0] if len(columns) == 1 else getattr(y, "name", None)
        self.target_name_ = name if isinstance(name, str) else None
        return targets, sample_weights(owner, sample_weight, len(targets))

    def _parts(self, rows: int, labels: Array | None, random: np.random.RandomState) -> list[Fold]:
        """For each member the rows to train on and those to hold out; of each class the same share."""
        count = whole(type(self).__name__, "n_estimators", self.n_estimators, at_least=1)
        share = number(type(self).__name__, "validation_fraction", self.validation_fraction, above=0, below=1)
        if rows < 2:
            got = "1 sample" if rows else "none"
            raise ValueError(f"{type(self).__name__}: expected at least 2 rows, got {got}")
        parts = count if count > 1 else max(2, round(1 / share))
        order = random.permutation(rows)
        if labels is not None:  # rows of a class one after the other, so that dealing them out spreads each class
            order = order[np.argsort(labels[order], kind="stable")]
        part = np.empty(rows, np.int64)
        part[order] = np.arange(rows) % min(parts, rows)
        held_out = [np.flatnonzero(part == k % min(parts, rows)) for k in range(count)]
        return [(np.setdiff1d(np.arange(rows), out, assume_unique=True), out) for out in held_out]

    def _fit(
        self,
        table: Any,
        targets: Array,
        outputs: int,
        loss: Loss,
        *,
        labels: Array | None = None,
        weights: Array | None = None,
        rising: bool = False,
    ) -> Array:
        """Train the members; return for each row the mean raw output of the members that did not see it.

        A row that no member held out gets that of all of them.
        """
        recipe = self._recipe()
        random = check_random_state(self.random_state)
        folds = self._parts(len(targets), labels, random)
        seeds = [int(seed) for seed in random.randint(0, 2**31 - 1, len(folds))]
        if weights is not None:  # rows of weight 0 neither train nor stop a member
            folds = [(own[weights[own] > 0], out[weights[out] > 0]) for own, out in folds]
            if not all(len(own) and len(out) for own, out in folds):
                raise ValueError(f"{type(self).__name__}: sample_weight: expected more rows of weights above 0")
        data = Rows(targets, loss, mean_one(weights), outputs, rising)
        chosen: Trained | None = None
        interrupted = False
        encodings = self._encodings()
        for encoding in encodings:
            inputs = TableInputs.fit(type(self).__name__, table, self._categorical(), encoding)
            tried = Trained.on(inputs, table, type(self).__name__)
            how = f", numbers {encoding.numeric}" if len(encodings) > 1 else ""
            with share_of_threads():
                interrupted = tried.train(recipe, data, folds[:TRIALS], seeds, partial(self._say, len(folds), how))
            if tried.members and (chosen is None or tried.loss < chosen.loss):
                chosen = tried
            if interrupted:
                break
        if chosen is None:
            raise KeyboardInterrupt
        with share_of_threads():
            interrupted = interrupted or chosen.train(recipe, data, folds, seeds, partial(self._say, len(folds), ""))
        if interrupted:
            warn_caller(f"{type(self).__name__}: interrupted; {len(chosen.members)} of {len(folds)} networks are kept")
        self.inputs_, members, x = chosen.inputs, chosen.members, chosen.x
        self.members_ = [member.network for member in members]
        self.best_epochs_ = [member.best_epoch for member in members]
        self.histories_ = [member.history for member in members]
        self.n_iter_ = max(member.epochs for member in members)
        if self.verbose is True:
            print(self.inputs_)
        total, count = np.zeros((len(x), outputs)), np.zeros((len(x), 1))
        for member in members:
            total[member.held_out] += member.network.forward(x[member.held_out])
            count[member.held_out] += 1
        self._held_out = count[:, 0] > 0
        return total / np.maximum(count, 1)

    def _say(self, members: int, how: str, number: int, member: Member) -> None:
        if self.verbose:
            print(
                f"network {number + 1} of {members}{how}: best after {member.best_epoch} of {member.epochs} epochs, "
                f"loss {member.loss:.4g} on the rows held out",
                flush=True,
            )

    def _encodings(self) -> list[Encoding]:
        """The ways of encoding a table among which those members choose that are trained first."""
        owner = type(self).__name__
        numeric = choice(owner, "numeric", self.numeric, ("auto", *get_args(Numeric)))
        categories = choice(owner, "category_encoding", self.category_encoding, ("auto", *get_args(Categories)))
        ways = get_args(Numeric) if numeric == "auto" else [numeric]
        return [Encoding(way, "one-hot" if categories == "auto" else categories) for way in ways]

    def _outputs(self, X: Any) -> Array:
        """The raw outputs of all members, (members, N, outputs) float64."""
        x = self._encoded(X)
        return np.stack([member.forward(x).astype(np.float64) for member in self.members_])

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted estimator to one ``.safetensors`` file, which `fastnn.load` reads.

        Parameters
        ----------
        path : path

        Raises
        ------
        OSError
            If the file cannot be written; a file that was there is then unchanged.
        ImportError
            If the safetensors package is missing.
        sklearn.exceptions.NotFittedError
            If the estimator has not been fitted.
        """
        check_is_fitted(self, "members_")
        write_table(path, self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def as_targets(function: str, y: ArrayLike | None) -> Array:
    """Targets in an array, from a column of a data frame too."""
    if y is None:
        raise ValueError(f"{function}: y: requires y to be passed, but the target y is None")
    return np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)


__all__ = ["Self", "TableEstimator", "as_targets"]
