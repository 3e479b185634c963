"""The training loop of the hand-out, for anything with ``params`` and ``loss(X, y)``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np

from fastnn.checks import choice
from fastnn.compat.cs231n import optim
from fastnn.compat.cs231n.arrays import Array, Params
from fastnn.compat.cs231n.compiled import CompiledSteps, compiled_steps
from fastnn.files import write_whole

__all__ = ["Solver"]

UpdateRule = Callable[[Array, Array, Params], tuple[Array, Params]]


class Solver:
    """Trains a model on batches drawn with replacement, and keeps its best parameters.

    Parameters
    ----------
    model : object
        ``model.params``, a dict of arrays; ``model.loss(X)`` → scores, ``model.loss(X, y)`` → (loss, grads).
    data : mapping
        "X_train", "y_train", "X_val", "y_val".
    update_rule : str
        The name of a function in `fastnn.compat.cs231n.optim`.
    optim_config : dict
        Settings of the rule, of which each parameter gets a copy.
    lr_decay : float
        Factor by which the learning rate is multiplied after every epoch.
    batch_size, num_epochs : int
    num_train_samples, num_val_samples : int or None
        The number of samples on which accuracies are measured; None means all.
    checkpoint_name : str, optional
        If given, ``<name>_epoch_<n>.npz`` is written after every epoch, with parameters and histories.
    print_every : int
        The number of steps from one printed loss to the next.
    verbose : bool
        If False, nothing is printed.

    Attributes
    ----------
    loss_history : list of float
        The loss of each step.
    train_acc_history, val_acc_history : list of float
        Accuracies after the first step, after every epoch, and after the last step.
    best_val_acc : float
    best_params : dict
        The best parameters, which are copied into the model when `train` ends.
    compiled : bool or None
        Whether the steps of the last `train` were compiled; None before.

    Notes
    -----
    If the solver, the model and the update rule are those of the hand-out as they stand, and not a subclass or a
    function of your own, the steps are the compiled ones of `fastnn.Trainer`. The batches, the random numbers, what is
    printed and, up to rounding, all results are the same. A network with dropout, whose masks are drawn by NumPy
    between the steps, is trained by calling its functions.
    """

    measures_at_start = False  # before the first step rather than after it

    def __init__(
        self,
        model: Any,
        data: Mapping[str, Any],
        *,
        update_rule: str = "sgd",
        optim_config: Params | None = None,
        lr_decay: float = 1.0,
        batch_size: int = 100,
        num_epochs: int = 10,
        num_train_samples: int | None = 1000,
        num_val_samples: int | None = None,
        checkpoint_name: str | None = None,
        print_every: int = 10,
        verbose: bool = True,
    ) -> None:
        choice("Solver", "update_rule", update_rule, optim.__all__)
        self.model = model
        self.X_train, self.y_train = data["X_train"], data["y_train"]
        self.X_val, self.y_val = data["X_val"], data["y_val"]
        self.update_rule: UpdateRule = getattr(optim, update_rule)
        self.optim_config = dict(optim_config or {})
        self.lr_decay, self.batch_size, self.num_epochs = lr_decay, batch_size, num_epochs
        self.num_train_samples, self.num_val_samples = num_train_samples, num_val_samples
        self.checkpoint_name, self.print_every, self.verbose = checkpoint_name, print_every, verbose
        self.compiled: bool | None = None
        self._reset()

    def _reset(self) -> None:
        self.epoch = 0
        self.best_val_acc = 0.0
        self.best_params: Params = {}
        self.loss_history: list[float] = []
        self.train_acc_history: list[float] = []
        self.val_acc_history: list[float] = []
        self.optim_configs = {name: copy.deepcopy(self.optim_config) for name in self.model.params}

    def _step(self) -> None:
        batch = np.random.choice(len(self.X_train), self.batch_size)
        loss, grads = self.model.loss(self.X_train[batch], self.y_train[batch])
        self.loss_history.append(loss)
        for name, w in self.model.params.items():
            # a rule may compute in a wider dtype; the model keeps its own
            updated, self.optim_configs[name] = self.update_rule(w, grads[name], self.optim_configs[name])
            self.model.params[name] = updated.astype(w.dtype, copy=False)

    def check_accuracy(self, X: Array, y: Array, num_samples: int | None = None, batch_size: int = 100) -> float:
        """Return the accuracy, in [0, 1], on all samples or on `num_samples` random ones."""
        return self._accuracy(X, y, num_samples, batch_size, self.model.loss)

    def _accuracy(
        self, X: Array, y: Array, num_samples: int | None, batch_size: int, scores: Callable[[Array], Array]
    ) -> float:
        if num_samples is not None and len(X) > num_samples:
            chosen = np.random.choice(len(X), num_samples)
            X, y = X[chosen], y[chosen]
        starts = range(0, len(X), batch_size)
        predicted = [np.argmax(scores(X[s : s + batch_size]), axis=1) for s in starts]
        return float(np.mean(np.hstack(predicted) == y))

    def train(self) -> None:
        """Run all epochs. The model then has the parameters that were best on the validation data."""
        per_epoch = max(len(self.X_train) // self.batch_size, 1)
        steps = self.num_epochs * per_epoch
        compiled = self._compile()
        self.compiled = compiled is not None
        if self.measures_at_start:
            self._measure(compiled)
        stops = {per_epoch * (epoch + 1) for epoch in range(self.num_epochs)}
        if not self.measures_at_start and steps:
            stops.add(1)
        begin = 0
        for end in sorted(stops):
            self._run(begin, end, steps, compiled)
            if end % per_epoch == 0:
                self.epoch += 1
                for config in self.optim_configs.values():
                    config["learning_rate"] *= self.lr_decay
            self._measure(compiled)
            begin = end
        if self.best_params:
            self.model.params = {name: w.copy() for name, w in self.best_params.items()}

    def _compile(self) -> CompiledSteps | None:
        """The compiled steps, unless somebody has a solver of their own."""
        methods = self._step, self._measure, self._accuracy, self.check_accuracy
        if type(self).__module__ not in _OWN_MODULES or any(m.__module__ != __name__ for m in methods):
            return None
        arguments = self.X_train, self.y_train, self.batch_size
        return compiled_steps(self.model, self.update_rule, self.optim_configs, *arguments)

    def _run(self, begin: int, end: int, steps: int, compiled: CompiledSteps | None) -> None:
        """Do steps `begin` to `end` of the whole training, and print the losses that are due."""
        if compiled is None:
            for t in range(begin, end):
                self._step()
                self._print_losses(t, t + 1, steps)
            return
        index = np.random.choice(len(self.X_train), (end - begin, self.batch_size))
        try:
            for losses in compiled.run(index):
                self.loss_history += losses.tolist()
                self._print_losses(begin, begin + len(losses), steps)
                begin += len(losses)
        finally:
            compiled.publish()

    def _print_losses(self, begin: int, end: int, steps: int) -> None:
        if self.verbose:
            for t in range(begin + -begin % self.print_every, end, self.print_every):
                print(f"(Iteration {t + 1} / {steps}) loss: {self.loss_history[t - end]:f}")

    def _measure(self, compiled: CompiledSteps | None) -> None:
        if compiled is None:
            train = self.check_accuracy(self.X_train, self.y_train, self.num_train_samples)
            val = self.check_accuracy(self.X_val, self.y_val, self.num_val_samples)
        else:
            size = 4096  # the accuracy does not depend on it
            train = self._accuracy(self.X_train, self.y_train, self.num_train_samples, size, compiled.scores)
            val = self._accuracy(self.X_val, self.y_val, self.num_val_samples, size, compiled.scores)
        self.train_acc_history.append(train)
        self.val_acc_history.append(val)
        self._save_checkpoint()
        if self.verbose:
            print(f"(Epoch {self.epoch} / {self.num_epochs}) train acc: {train:f}; val_acc: {val:f}")
        if val > self.best_val_acc:
            self.best_val_acc = val
            self.best_params = {name: w.copy() for name, w in self.model.params.items()}

    def _save_checkpoint(self) -> None:
        """Write parameters and histories under their names. (The hand-out pickled them.)"""
        if self.checkpoint_name is None:
            return
        histories: Params = {
            name: np.asarray(getattr(self, name)) for name in ("loss_history", "train_acc_history", "val_acc_history")
        }
        whole = BytesIO()
        np.savez(whole, **(self.model.params | histories))
        write_whole(f"{self.checkpoint_name}_epoch_{self.epoch}.npz", whole.getvalue())


_OWN_MODULES = {__name__, "fastnn.compat.cs189.solver"}
