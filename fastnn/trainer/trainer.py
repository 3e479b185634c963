"""The training loop."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import losses, optim, random
from fastnn.inputs import as_array, as_batch, gatherable
from fastnn.kernels import current_backend
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer
from fastnn.program.explain import explain
from fastnn.program.record import NotRecordableError
from fastnn.program.session import CompiledSession, EagerSession, Epoch
from fastnn.program.step import Task
from fastnn.random import Purpose
from fastnn.schedules import Constant, Schedule
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.errors import NonFiniteLossError, explain_nonfinite
from fastnn.trainer.history import History
from fastnn.trainer.progress import Progress

T = TypeVar("T")
Array = NDArray[Any]
Pair = tuple[ArrayLike, ArrayLike]

_LOOK_UP_SECONDS = 0.1  # a compiled run returns to Python this often, so that Ctrl-C and the progress bar work


class Trainer:
    """Trains a model on arrays.

    Parameters
    ----------
    model : Sequential
        Trained in place.
    optimizer : Optimizer or str
        Default: ``SGD(0.1)``.
    loss : Loss or str
        ``"softmax_cross_entropy"`` or ``"mean_squared_error"``.
    batch_size : int or None
        Samples a step; None: all of them. The last batch of an epoch holds what is left.
    epochs : int
        Passes over the data.
    seed : int
        Of the order of the samples.
    schedule : Schedule, optional
        Factor on the learning rate by epoch.
    shuffle : bool or "batches"
        True: all samples in a new order each epoch. "batches": batches of neighbours, fixed, in a new order.
    callbacks : sequence of Callback
    compile : bool
        False: run layer by layer. The numbers are the same.
    progress : bool, optional
        Show a progress bar; None: if standard error is a terminal.
    print_every : int, optional
        Print a line of the history every so many epochs.
    on_nonfinite : {"raise", "ignore"}
        What to do when the loss becomes NaN or infinite.

    Attributes
    ----------
    history : History
        Of the last `fit`.
    compiled : bool or None
        Whether the last `fit` ran compiled.
    stop : bool
        Set by a callback to end training after the epoch.

    Examples
    --------
    >>> import numpy as np, fastnn
    >>> from fastnn.layers import Dense, Tanh
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> model = fastnn.Sequential([Dense(16), Tanh(), Dense(2)], input_shape=(2,))
    >>> trainer = fastnn.Trainer(model, optimizer=fastnn.optim.Adam(0.02), batch_size=20, epochs=40)
    >>> history = trainer.fit(x, y)
    >>> history.epochs[-1]["accuracy"] > 0.9
    True
    """

    def __init__(
        self,
        model: Sequential,
        *,
        optimizer: Optimizer | str | None = None,
        loss: Loss | str = "softmax_cross_entropy",
        batch_size: int | None = 32,
        epochs: int = 10,
        seed: int = 0,
        schedule: Schedule | None = None,
        shuffle: bool | Literal["batches"] = True,
        callbacks: Sequence[Callback] = (),
        compile: bool = True,
        progress: bool | None = None,
        print_every: int | None = None,
        on_nonfinite: Literal["raise", "ignore"] = "raise",
    ) -> None:
        self.model = _checked("model", model, Sequential)
        self.optimizer = optim.SGD() if optimizer is None else optim.get(optimizer)
        self.loss = losses.get(loss)
        self.batch_size = None if batch_size is None else _count("batch_size", batch_size)
        self.epochs = _count("epochs", epochs)
        self.seed = _count("seed", seed, least=0)
        self.schedule = _checked("schedule", Constant() if schedule is None else schedule, Schedule)
        if shuffle not in (True, False, "batches"):
            raise ValueError(f'Trainer: shuffle must be True, False or "batches", got {shuffle!r}')
        self.shuffle = shuffle
        self.callbacks = tuple(_checked("a callback", callback, Callback) for callback in callbacks)
        self.compile = compile
        self.progress = progress
        self.print_every = None if print_every is None else _count("print_every", print_every)
        if on_nonfinite not in ("raise", "ignore"):
            raise ValueError(f'Trainer: on_nonfinite must be "raise" or "ignore", got {on_nonfinite!r}')
        self.on_nonfinite = on_nonfinite
        self.history = History()
        self.compiled: bool | None = None
        self.stop = False
        self._session: CompiledSession | EagerSession | None = None
        self._step_seconds = math.nan

    def fit(self, x: ArrayLike, y: ArrayLike, validation: Pair | None = None) -> History:
        """Train from the model's present parameters, with a fresh optimiser.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype
        y : (N,) integer labels, or (N, *output_shape)
        validation : pair of arrays, optional
            Evaluated after each epoch.

        Returns
        -------
        History

        Raises
        ------
        ValueError, TypeError
            If the data do not fit the model; before anything is changed.
        NonFiniteLossError
            If the loss becomes NaN or infinite (unless ``on_nonfinite="ignore"``).
        """
        task = self._task(x, y)
        if validation is not None:
            validation = self._checked_validation(validation)
        batch = min(self.batch_size or len(task.inputs), len(task.inputs))
        self.model.task = "classification" if self.loss.classifies else "regression"
        self._session = self._make_session(task, batch)
        self.history, self.stop = History(), False
        samples = len(task.inputs)
        steps = -(-samples // batch)
        for callback in self.callbacks:
            callback.on_train_begin(self)
        try:
            with Progress(steps * self.epochs, self.progress) as progress:
                if self.print_every:
                    progress.line(self.history.table_head())
                for number in range(1, self.epochs + 1):
                    self._epoch(number, samples, batch, steps, validation, progress)
                    if self.stop:
                        break
        finally:
            for callback in self.callbacks:
                callback.on_train_end(self)
        return self.history

    def explain(self) -> str:
        """The plan of the last `fit`: steps after fusion, buffers, bytes, operations, and measured times.

        Raises
        ------
        RuntimeError
            Before the first `fit`.
        """
        if self._session is None:
            raise RuntimeError("explain: call fit first")
        return explain(self._session, self._step_seconds)

    # --- preparation ---

    def _task(self, x: ArrayLike, y: ArrayLike) -> Task:
        inputs = gatherable(as_batch("fit", x, self.model.input_shape))
        inputs = inputs.reshape(len(inputs), -1)
        targets = self.loss.prepare(as_array("fit", "y", y), self.model.output_shape, self.model.dtype)
        if len(inputs) != len(targets):
            raise ValueError(f"fit: x has {len(inputs)} samples but y has {len(targets)}")
        state: dict[str, dict[str, Array]] = {name: {} for name in self.model.named_parameters}
        for slot in self.optimizer.slots:
            flat = np.full_like(self.model.params, self.optimizer.initial(slot))
            for name, parameter in self.model.named_parameters.items():
                state[name][slot] = parameter.view(flat)
        return Task(self.model, self.loss, self.optimizer, state, inputs, targets)

    def _checked_validation(self, validation: Pair) -> tuple[Array, Array]:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise TypeError("fit: validation must be a pair (x, y)")
        x = as_batch("fit: validation", validation[0], self.model.input_shape)
        y = self.loss.prepare(as_array("fit", "validation y", validation[1]), self.model.output_shape, self.model.dtype)
        if len(x) != len(y):
            raise ValueError(f"fit: validation x has {len(x)} samples but y has {len(y)}")
        return x, y

    def _make_session(self, task: Task, batch: int) -> CompiledSession | EagerSession:
        if self.compile and current_backend() == "native":
            try:
                session = CompiledSession(task, batch, self.on_nonfinite == "ignore")
                self.compiled = True
                return session
            except NotRecordableError as error:
                warnings.warn(f"fit: training runs layer by layer ({error})", stacklevel=3)
        self.compiled = False
        return EagerSession(task)

    # --- the loop ---

    def _order(self, number: int, samples: int, batch: int) -> list[NDArray[np.int64]]:
        """Rows of each step of epoch `number`: the equal batches (S, batch), then what is left (1, rest)."""
        whole = samples // batch * batch
        if self.shuffle == "batches":
            full = np.arange(whole).reshape(-1, batch)
            full = full[random.permutation(self.seed, Purpose.SHUFFLE, number, len(full))]
            rest = np.arange(whole, samples)
        else:
            order = (
                random.permutation(self.seed, Purpose.SHUFFLE, number, samples)
                if self.shuffle
                else np.arange(samples, dtype=np.int64)
            )
            full, rest = order[:whole].reshape(-1, batch), order[whole:]
        return [full] if whole == samples else [full, rest.reshape(1, -1)]

    def _epoch(
        self, number: int, samples: int, batch: int, steps: int, validation: Pair | None, progress: Progress
    ) -> None:
        started = time.perf_counter()
        rate = self.optimizer.learning_rate * self.schedule.factor(number - 1)
        done = (number - 1) * steps
        total, correct = 0.0, 0
        assert self._session is not None
        self._session.load()
        try:
            for index in self._order(number, samples, batch):
                part = Epoch.of(index, rate, done)
                self._run(part, done, number, progress)
                done += len(index)
                total += float(part.loss.sum()) * index.shape[1]
                correct += int(part.correct.sum())
                self.history.steps = np.concatenate([self.history.steps, part.loss])
        finally:
            self._session.store()
        seconds = time.perf_counter() - started
        self._step_seconds = seconds / steps
        line: dict[str, Any] = {"epoch": number, "loss": total / samples}
        if self.loss.classifies:
            line["accuracy"] = correct / samples
        if validation is not None:
            line |= {f"val_{k}": v for k, v in self.model.evaluate(*validation, loss=self.loss).items()}
        line |= {"learning_rate": rate, "seconds": seconds}
        self.history.epochs.append(line)
        if self.print_every and (number % self.print_every == 0 or number == self.epochs):
            progress.line(self.history.table_line(line))
        for callback in self.callbacks:
            callback.on_epoch_end(self, line)

    def _run(self, part: Epoch, done: int, number: int, progress: Progress) -> None:
        assert self._session is not None
        first, count = 0, len(part.index)
        while first < count:
            steps = self._session.run(part, first, count - first, _LOOK_UP_SECONDS)
            first += steps
            value = float(part.loss[first - 1])
            if self.on_nonfinite == "raise" and not math.isfinite(value):
                rate = float(part.rate[first - 1])
                self._session.store()
                raise NonFiniteLossError(explain_nonfinite(self.model, self.optimizer, done + first, value, rate))
            progress.advance(steps, number, value)


def _checked(name: str, value: T, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"Trainer: {name} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def _count(name: str, value: int, least: int = 1) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"Trainer: {name} must be an int, got {type(value).__name__}")
    if not least <= value < 2**64:
        raise ValueError(f"Trainer: {name} must be at least {least} and below 2**64, got {value}")
    return int(value)
