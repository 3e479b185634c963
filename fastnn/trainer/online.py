"""Steps on samples that come one batch after the other: what is compiled and kept between two calls."""

from __future__ import annotations

import math
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import whole
from fastnn.kernels import current_backend
from fastnn.kernels.batch import copy_labels, copy_samples
from fastnn.layers.base import Layer
from fastnn.layers.chain import walk
from fastnn.program.segment import Segment
from fastnn.program.session import session_for
from fastnn.program.step import Problem
from fastnn.schedules import Constant
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.errors import IGNORE, NonFiniteLossError, explain_nonfinite
from fastnn.trainer.learning_rates import schedule_factors, step_factor
from fastnn.trainer.preparation import specify
from fastnn.trainer.shuffle import shuffled_batches

Array = NDArray[Any]

COPIED_BYTES = 1 << 20  # larger inputs are read where they are, and nothing is kept for them
_KINDS = 8  # of input for which something is kept


class Batch:
    """The arrays and the session for inputs of one shape and dtype.

    Parameters
    ----------
    problem : Problem
        Checked; its arrays of data are copied, unless they are large.
    batch_size : int
    ignore_nonfinite : bool
    compile : bool

    Attributes
    ----------
    steps : int
        Steps of an epoch.
    """

    def __init__(self, problem: Problem, batch_size: int, ignore_nonfinite: bool, compile: bool) -> None:
        arrays = [problem.inputs, problem.targets, problem.weights]
        self.copies = sum(a.nbytes for a in arrays if a is not None) <= COPIED_BYTES
        if self.copies:
            inputs, targets, weights = (None if a is None else np.array(a, order="C") for a in arrays)
            problem = replace(problem, inputs=inputs, targets=targets, weights=weights)
        self.problem, self.rows, self.batch_size = problem, len(problem.inputs), batch_size
        self.steps = -(-self.rows // batch_size)
        self._check_finite = not ignore_nonfinite
        self._labels = problem.targets.ndim == 1
        self._classes = math.prod(problem.model.output_shape)
        kept = {"compile": compile, "packed": not self.copies}
        self.session = session_for("step", problem, batch_size, ignore_nonfinite, **kept)
        (self.whole,) = Segment.several([np.arange(self.rows, dtype=np.int64).reshape(1, -1)], 0)

    def take(self, x: Array, y: Array) -> bool:
        """Copy other samples of the same shape and dtype; False: they must be checked anew."""
        problem = self.problem
        if not (self.copies and x.flags.carray and y.flags.carray):
            return False
        if not self._labels or y.dtype != problem.targets.dtype:
            y = problem.loss.prepare(y, problem.model.output_shape, problem.model.dtype)
            if y.shape != problem.targets.shape or y.dtype != problem.targets.dtype:
                return False
        if self._check_finite:
            if not copy_samples(x, problem.inputs):
                return False
        else:
            problem.inputs[...] = x.reshape(problem.inputs.shape)
        if self._labels:
            return copy_labels(y, problem.targets, self._classes)
        problem.targets[...] = y
        return True


class Online:
    """The steps that a trainer has been asked for one by one, and the optimiser's state between them.

    Parameters
    ----------
    trainer : BaseTrainer

    Attributes
    ----------
    done : int
        How many steps have been done.
    state : dict of str to dict of str to array
        The optimiser's state by parameter and slot; empty before the first step.
    """

    def __init__(self, trainer: BaseTrainer) -> None:
        self.trainer, self.done = trainer, 0
        self.state: dict[str, dict[str, Array]] = {}
        self._batches: dict[Any, Batch] = {}
        self._constants: Any = None
        self._layers: tuple[Layer, ...] = ()  # of the model, once they have been needed
        weakref.finalize(self, _release, self._batches).atexit = False

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles have: all but what is compiled."""
        return {"trainer": self.trainer, "done": self.done, "state": self.state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["trainer"])  # type: ignore[misc]
        self.done = state["done"]
        slots = state["state"]
        self.state = {name: {slot: a.copy() for slot, a in arrays.items()} for name, arrays in slots.items()}

    def step(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, steps_per_epoch: int | None) -> float:
        """Do one step with all the given samples; see `Trainer.step`."""
        trainer = self.trainer
        if steps_per_epoch is None:
            if type(trainer.schedule) is not Constant:
                raise ValueError(
                    f"step: steps_per_epoch: expected the number of steps of an epoch, by which {trainer.schedule!r} "
                    "goes, got None"
                )
            rate = trainer.optimizer.learning_rate
        else:
            per_epoch = whole("step", "steps_per_epoch", steps_per_epoch, at_least=1)
            rate = trainer.optimizer.learning_rate * step_factor(trainer.schedule, per_epoch, self.done)
        batch = self._batch("step", x, y, sample_weight, None)
        segment = batch.whole
        segment.rate[0], segment.t[0] = rate, self.done + 1
        segment.loss[0] = segment.correct[0] = 0
        batch.session.run(segment, 0, 1, math.inf)
        self.done += 1
        loss = float(segment.loss[0])
        if not math.isfinite(loss):
            self._refuse(batch.problem, segment, 0)
        if not batch.copies:
            self._let_go(batch)
        return loss

    def steps(self, x: ArrayLike, y: ArrayLike, n: int, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
        """Do `n` steps with batches of the given samples; see `Trainer.steps`."""
        n = whole("steps", "n", n, at_least=1)
        return self._do(self._batch("steps", x, y, sample_weight, self.trainer.batch_size), n)

    def epoch(self, x: ArrayLike, y: ArrayLike, before: int) -> NDArray[np.float64]:
        """Do the steps of one epoch of the given samples, as `fit` does them after `before` others of that length.

        Parameters
        ----------
        x, y
            As for `Trainer.steps`.
        before : int

        Returns
        -------
        (S,) float64
            The loss of each step's samples before its update.
        """
        batch = self._batch("fit", x, y, None, self.trainer.batch_size)
        self.done = before * batch.steps
        return self._do(batch, batch.steps)

    def _do(self, batch: Batch, n: int) -> NDArray[np.float64]:
        """Do the next `n` steps with batches of the samples of `batch`."""
        trainer, per_epoch = self.trainer, batch.steps
        losses, got = np.empty(n), 0
        try:
            while got < n:
                epoch, first = divmod(self.done, per_epoch)
                count = min(n - got, per_epoch - first)
                (indices,) = shuffled_batches(
                    trainer.seed, range(epoch + 1, epoch + 2), batch.rows, batch.batch_size, trainer.shuffle
                )
                factors = schedule_factors(trainer.schedule, per_epoch, self.done, count)
                rates = trainer.optimizer.learning_rate * factors
                for segment, now in batch.session.run_all(_part(indices, first, count), rates, self.done):
                    done = now.stop - now.start
                    losses[got : got + done] = segment.loss[now]
                    self.done, got = self.done + done, got + done
                    if not math.isfinite(segment.loss[now.stop - 1]):
                        self._refuse(batch.problem, segment, now.stop - 1)
        finally:
            if not batch.copies:
                self._let_go(batch)
        return losses

    def _refuse(self, problem: Problem, segment: Segment, i: int) -> None:
        if self.trainer.on_nonfinite == "ignore":
            return
        loss, rate = float(segment.loss[i]), float(segment.rate[i])
        raise NonFiniteLossError(explain_nonfinite(problem, f"the loss of step {self.done}", loss, rate), IGNORE)

    def _batch(
        self, function: str, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, batch_size: int | None
    ) -> Batch:
        """The session for samples of this shape and dtype, which has the samples."""
        constants = self._compiled_for()
        if constants != self._constants:
            _release(self._batches)
            self._constants = constants
        key = None
        if type(x) is np.ndarray and type(y) is np.ndarray and sample_weight is None:
            key = batch_size, x.shape, x.dtype, y.shape, y.dtype
            known = self._batches.get(key)
            if known is not None and known.take(x, y):
                return known
        return self._checked(function, x, y, sample_weight, batch_size, key)

    def _compiled_for(self) -> Any:
        """What is constant in a compiled step."""
        optimizer = self.trainer.optimizer
        settings = {name: value for name, value in vars(optimizer).items() if name != "learning_rate"}
        self._layers = self._layers or tuple(walk(self.trainer.model.layers))
        frozen = [layer._frozen for layer in self._layers]
        return type(optimizer), settings, frozen, current_backend()

    def _checked(
        self,
        function: str,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        batch_size: int | None,
        key: Any,
    ) -> Batch:
        trainer = self.trainer
        for name in ("augmentation", "average", "engine"):
            if getattr(trainer, name) is not None:
                raise ValueError(f"{function}: {name}: expected a trainer without one, got {getattr(trainer, name)!r}")
        if isinstance(trainer.class_weight, str):
            raise ValueError(
                f"{function}: class_weight: expected numbers by class, got {trainer.class_weight!r}, which needs all "
                "samples at once"
            )
        try:
            spec = specify(trainer, x, y, None, sample_weight)
        except (ValueError, TypeError) as error:
            raise type(error)(str(error).replace("fit:", f"{function}:", 1)) from None
        problem = spec.problem
        if trainer.on_nonfinite == "raise" and problem.inputs.dtype.kind == "f":
            bad = ~np.isfinite(problem.inputs).all(axis=1)
            if bad.any():
                raise ValueError(
                    f"{function}: x: expected finite numbers, got NaN or infinity in sample {int(np.argmax(bad))}"
                )
        if not self.state:
            self.state = {name: dict(slots) for name, slots in problem.state.items()}
        trainer.model.task = trainer.loss.task
        problem = replace(problem, state=self.state)
        size = len(problem.inputs) if batch_size is None else min(batch_size, len(problem.inputs))
        batch = Batch(problem, size, trainer.on_nonfinite == "ignore", trainer.compile)
        same = key is not None and problem.inputs.dtype == key[2] and not trainer.model.channels_last
        if same and trainer.class_weight is None and batch.copies:
            if len(self._batches) >= _KINDS:
                _release(self._batches)
            self._batches[key] = batch
        return batch

    def _let_go(self, batch: Batch) -> None:
        """Bring the model up to date after steps on packed weights, and let others use the program."""
        batch.session.store()
        batch.session.store_state()
        batch.session.release()


def _part(indices: list[Array], first: int, count: int) -> list[Array]:
    """The rows that the `count` steps from step `first` of an epoch on read, of those of all its steps."""
    found = []
    for index in indices:
        part = index[first : first + count]
        first, count = max(first - len(index), 0), count - len(part)
        if len(part):
            found.append(part)
    return found


def _release(batches: dict[Any, Batch]) -> None:
    """Let others use the programs of all sessions."""
    while batches:
        batches.popitem()[1].session.release()
