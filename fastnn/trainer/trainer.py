"""The trainer: what a training is made of, and the calls that start it."""

from __future__ import annotations

from os import PathLike
from typing import Any

from numpy.typing import ArrayLike

from fastnn.program.explain import explain
from fastnn.program.session import CompiledSession
from fastnn.trainer.base import BaseTrainer
from fastnn.trainer.callbacks import CallbackList
from fastnn.trainer.history import History
from fastnn.trainer.position import Position
from fastnn.trainer.preparation import Pair, specify
from fastnn.trainer.run import Run
from fastnn.trainer.snapshot import Snapshot
from fastnn.trainer.spec import TrainingSpec


class Trainer(BaseTrainer):
    """Trains a model on arrays.

    Parameters
    ----------
    model : Sequential
        Trained in place.
    optimizer : Optimizer or str
        Default: ``SGD(0.1)``.
    loss : Loss or str
        One of `fastnn.losses.LOSSES`, as ``"softmax_cross_entropy"`` or ``"mean_squared_error"``.
    batch_size : int or None
        Samples a step; None: all of them. The last batch of an epoch holds what is left.
    epochs : int
        Passes over the data.
    seed : int
        Of the order of the samples.
    schedule : Schedule, optional
        Factor on the learning rate by epoch or step.
    metrics : sequence of str and callable, or dict of str to callable
        Measured after each epoch, on the validation set or else on the training set: names of `fastnn.metrics`, or
        functions of the targets and the raw outputs.
    class_weight : dict of int to float, sequence of float, or "balanced", optional
        What a sample's loss is multiplied by, by its class; 1 for those that a dict leaves out. "balanced": by
        N / (classes · samples of the class). The loss of a batch stays the sum over its samples divided by their
        number, so weights whose mean is 1 keep the scale of the learning rate.
    clip_norm, clip_value : float, optional
        Gradients are scaled down to this Euclidean norm of all together, or cut element by element; both: first cut.
        Weight decay comes afterwards.
    shuffle : bool or "batches"
        True: all samples in a new order each epoch. "batches": batches of neighbours, fixed, in a new order.
    augmentation : Augmentation, optional
        Distorts the training images, anew each epoch, while other steps are computed. The samples must be images,
        or rows of pixels of a model whose inputs are images or of an augmentation that has a `shape`.
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
    run : Run or None
        The last `fit`: its data and its session.

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

    run: Run | None = None

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        validation: Pair | float | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> History:
        """Train from the model's present parameters, with a fresh optimiser.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype
        y : (N,) integer labels, or (N, *output_shape)
        validation : pair of arrays, or float, optional
            Evaluated after each epoch. A share in (0, 1) is split off the samples, of every class alike.
        sample_weight : (N,), optional
            Finite, at least 0; what a sample's loss (and so its gradient) is multiplied by.

        Returns
        -------
        History
            Kept in `history` too, also after Ctrl-C, which is raised when the callbacks have been told.

        Raises
        ------
        ValueError, TypeError
            If the data do not fit the model; before anything is changed.
        NonFiniteLossError
            If the loss becomes NaN or infinite (unless ``on_nonfinite="ignore"``).

        Notes
        -----
        While it trains, the model's arrays are up to date in callbacks alone: steps change copies of them.
        """
        spec = specify(self, x, y, validation, sample_weight)
        self.history, self.stop, self.position = History(), False, Position()
        return self._train(spec, None)

    def resume(
        self,
        path: str | PathLike[str],
        x: ArrayLike,
        y: ArrayLike,
        validation: Pair | float | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> History:
        """Go on with the training that a checkpoint holds, to the same bits as if it had not been interrupted.

        The trainer must be made as the interrupted one was; `epochs` may be another number, and so may the number
        of threads.

        Parameters
        ----------
        path : path
            What a `Checkpoint` wrote: a file, or the folder of several, of which the latest counts.
        x, y, validation, sample_weight
            The data that the interrupted training had.

        Returns
        -------
        History
            Of the whole training, the interrupted part included.

        Raises
        ------
        FileNotFoundError
            If there is no checkpoint.
        ValueError
            If it is damaged, or of another architecture, configuration or data; before anything is changed.

        Examples
        --------
        >>> import fastnn, tempfile
        >>> x, y = fastnn.data.glyphs(500, seed=0)
        >>> def make(*callbacks, epochs):
        ...     model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        ...     return fastnn.Trainer(model, epochs=epochs, callbacks=callbacks)
        >>> uninterrupted = make(epochs=4)
        >>> _ = uninterrupted.fit(x, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = make(fastnn.Checkpoint(folder), epochs=2).fit(x, y)
        ...     resumed = make(epochs=4)
        ...     len(resumed.resume(folder, x, y))
        4
        >>> bool((resumed.model.params == uninterrupted.model.params).all())
        True
        """
        spec = specify(self, x, y, validation, sample_weight)
        snapshot = Snapshot.read(path)
        snapshot.check(spec)
        self.history, self.stop, self.position = snapshot.history, snapshot.stop, snapshot.position
        return self._train(spec, snapshot)

    @classmethod
    def from_checkpoint(cls, path: str | PathLike[str], **options: Any) -> Trainer:
        """The trainer that wrote a checkpoint, with its model; `resume` goes on with it.

        Parameters
        ----------
        path : path
            As for `resume`.
        **options
            Arguments of the constructor that are not to be those of the checkpoint, such as ``callbacks``, which
            it does not hold.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no checkpoint, if it is damaged, or if something in it is not fastnn's own and missing
            among `options`.

        Examples
        --------
        >>> import fastnn, tempfile
        >>> x, y = fastnn.data.glyphs(500, seed=0)
        >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trainer = fastnn.Trainer(model, optimizer="adam", epochs=2, callbacks=[fastnn.Checkpoint(folder)])
        ...     _ = trainer.fit(x, y)
        ...     again = fastnn.Trainer.from_checkpoint(folder, epochs=5)
        ...     len(again.resume(folder, x, y))
        5
        """
        return cls(**Snapshot.read(path).trainer_options(options))

    def explain(self) -> str:
        """The plan of the last `fit`: steps after fusion, buffers, bytes, operations, and measured times.

        Raises
        ------
        RuntimeError
            Before the first `fit`.
        """
        if self.run is None:
            raise RuntimeError("explain: call fit first")
        return explain(self.run.session, self.run.step_seconds)

    @property
    def compiled(self) -> bool | None:
        """Whether the steps of the last `fit` are compiled; None before the first."""
        return None if self.run is None else isinstance(self.run.session, CompiledSession)

    def _train(self, spec: TrainingSpec, snapshot: Snapshot | None) -> History:
        self.model.task = self.loss.task
        self.run = Run(spec, CallbackList(self, self.callbacks), self.history, self.position, snapshot)
        self.run.train()
        return self.history
