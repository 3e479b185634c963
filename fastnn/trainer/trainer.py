"""The training loop."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import losses, optim
from fastnn.inputs import as_array, as_batch, gatherable
from fastnn.kernels import current_backend
from fastnn.losses import Loss
from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer
from fastnn.program.explain import explain
from fastnn.program.record import NotRecordableError
from fastnn.program.session import CompiledSession, EagerSession, Epoch
from fastnn.program.step import Task
from fastnn.schedules import Constant, Schedule
from fastnn.trainer.arguments import checked, count
from fastnn.trainer.callbacks import Callback, Calls
from fastnn.trainer.errors import NonFiniteLossError, explain_nonfinite
from fastnn.trainer.history import History
from fastnn.trainer.order import batches
from fastnn.trainer.position import Position
from fastnn.trainer.progress import Progress

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
    position : Position
        Where training stands.

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
        self.model = checked("model", model, Sequential)
        self.optimizer = optim.SGD() if optimizer is None else optim.get(optimizer)
        self.loss = losses.get(loss)
        self.batch_size = None if batch_size is None else count("batch_size", batch_size)
        self.epochs = count("epochs", epochs)
        self.seed = count("seed", seed, least=0)
        self.schedule = checked("schedule", Constant() if schedule is None else schedule, Schedule)
        if shuffle not in (True, False, "batches"):
            raise ValueError(f'Trainer: shuffle must be True, False or "batches", got {shuffle!r}')
        self.shuffle = shuffle
        self.callbacks = tuple(checked("a callback", callback, Callback) for callback in callbacks)
        self.compile = compile
        self.progress = progress
        self.print_every = None if print_every is None else count("print_every", print_every)
        if on_nonfinite not in ("raise", "ignore"):
            raise ValueError(f'Trainer: on_nonfinite must be "raise" or "ignore", got {on_nonfinite!r}')
        self.on_nonfinite = on_nonfinite
        self.history = History()
        self.compiled: bool | None = None
        self.stop = False
        self.position = Position()
        self._losses: list[Array] = []  # of steps that are not in the history yet
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
        task, validation = self._prepare(x, y, validation)
        self.history, self.stop, self.position = History(), False, Position()
        return self._train(task, validation)

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

    @property
    def optimizer_state(self) -> Mapping[str, Mapping[str, Array]]:
        """State arrays of the optimiser by parameter and slot, as they are behind the last step.

        Raises
        ------
        RuntimeError
            Before the first `fit`.
        """
        if self._session is None:
            raise RuntimeError("optimizer_state: call fit first")
        self._session.store_state()
        return self._session.task.state

    # --- preparation ---

    def _prepare(self, x: ArrayLike, y: ArrayLike, validation: Pair | None) -> tuple[Task, Pair | None]:
        task = self._task(x, y)
        if validation is not None:
            validation = self._checked_validation(validation)
        return task, validation

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
        return Task(self.model, self.loss, self.optimizer, state, inputs, targets, self.seed)

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
                warnings.warn(f"fit: training runs layer by layer ({error})", stacklevel=4)
        self.compiled = False
        return EagerSession(task)

    # --- the loop ---

    def _train(self, task: Task, validation: Pair | None) -> History:
        samples = len(task.inputs)
        batch = min(self.batch_size or samples, samples)
        self.model.task = "classification" if self.loss.classifies else "regression"
        self._session = self._make_session(task, batch)
        calls, steps = Calls(self.callbacks), -(-samples // batch)
        for callback in calls.callbacks:
            callback.on_train_begin(self)
        try:
            done = (self.position.epoch - 1) * steps + self.position.step
            with Progress(steps * self.epochs, self.progress, done) as progress:
                if self.print_every:
                    progress.line(self.history.table_head())
                while self.position.epoch <= self.epochs and not self.stop:
                    self._epoch(samples, batch, steps, validation, progress, calls)
        finally:
            for callback in calls.callbacks:
                callback.on_train_end(self)
        return self.history

    def _epoch(
        self, samples: int, batch: int, steps: int, validation: Pair | None, progress: Progress, calls: Calls
    ) -> None:
        position, number = self.position, self.position.epoch
        started = time.perf_counter() - position.seconds
        rate = self.optimizer.learning_rate * self.schedule.factor(number - 1)
        before = (number - 1) * steps
        assert self._session is not None
        self._session.load()
        try:
            first = position.step
            for index in batches(self.seed, number, samples, batch, self.shuffle):
                part = Epoch.of(index, rate, before)
                self._run(part, min(first, len(index)), before, progress, calls, started)
                first, before = max(first - len(index), 0), before + len(index)
        finally:
            self._session.store()
            self._keep_losses()
        seconds = time.perf_counter() - started
        self._step_seconds = seconds / steps
        losses, whole = self.history.steps[-steps:], samples // batch
        total = float(losses[:whole].sum()) * batch + float(losses[whole:].sum()) * (samples - whole * batch)
        line: dict[str, Any] = {"epoch": number, "loss": total / samples}
        if self.loss.classifies:
            line["accuracy"] = position.correct / samples
        if validation is not None:
            line |= {f"val_{k}": v for k, v in self.model.evaluate(*validation, loss=self.loss).items()}
        line |= {"learning_rate": rate, "seconds": seconds}
        self.history.epochs.append(line)
        self.position = Position(number + 1)
        if self.print_every and (number % self.print_every == 0 or number == self.epochs):
            progress.line(self.history.table_line(line))
        for callback in calls.callbacks:
            callback.on_epoch_end(self, line)

    def _run(self, part: Epoch, first: int, before: int, progress: Progress, calls: Calls, started: float) -> None:
        """The steps of `part` from `first` on; `before` others precede the part."""
        assert self._session is not None
        position, steps = self.position, len(part.index)
        while first < steps:
            most = min(steps - first, calls.most_steps(before + first))
            done = slice(first, first + self._session.run(part, first, most, _LOOK_UP_SECONDS))
            first = done.stop
            position.step += done.stop - done.start
            position.correct += int(part.correct[done].sum())
            self._losses.append(part.loss[done])
            value = float(part.loss[first - 1])
            if self.on_nonfinite == "raise" and not math.isfinite(value):
                rate = float(part.rate[first - 1])
                self._session.store()
                raise NonFiniteLossError(explain_nonfinite(self.model, self.optimizer, before + first, value, rate))
            progress.advance(done.stop - done.start, position.epoch, value)
            due = calls.due(before + first)
            if due:
                position.seconds = time.perf_counter() - started
                self._session.store()
                self._keep_losses()
                for callback in due:
                    callback.on_step(self, before + first)
                self._session.load()

    def _keep_losses(self) -> None:
        self.history.steps = np.concatenate([self.history.steps, *self._losses])
        self._losses = []
