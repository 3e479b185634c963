"""The trainer: what a training is made of, and the calls that start it."""

from __future__ import annotations

from os import PathLike
from typing import Any

from numpy.typing import ArrayLike

from fastnn.frames import names_of
from fastnn.keywords import known_keywords
from fastnn.program.explain import explain
from fastnn.program.session import CompiledSession
from fastnn.trainer.callbacks import CallbackList
from fastnn.trainer.history import History
from fastnn.trainer.position import Position
from fastnn.trainer.preparation import Pair, specify
from fastnn.trainer.run import Run
from fastnn.trainer.snapshot import Snapshot
from fastnn.trainer.spec import TrainingSpec
from fastnn.trainer.stepping import SteppingTrainer


class Trainer(SteppingTrainer):
    """Trains a model on arrays.

    Parameters
    ----------
    model : Sequential
        The model, whose parameters are changed in place.
    optimizer : Optimizer or str
        The update rule. Default: ``SGD(0.1)``.
    loss : Loss or str
        A loss or its name in `fastnn.losses.LOSSES`, such as ``"softmax_cross_entropy"`` or ``"mean_squared_error"``.
    batch_size : int or None
        Samples of a step; None: all samples. The last batch of an epoch holds those that remain.
    epochs : int
        Passes over the data.
    seed : int, 0 <= seed < 2**64
        Decides the order of the samples, the split of a validation share, and what layers such as `Dropout` draw.
    schedule : Schedule or str, optional
        Factor on the learning rate as a function of the epoch or the step; or its text, as on the command line:
        ``"cosine"``, ``"onecycle"``, ``"exponential"`` (to a tenth) over all epochs, ``"step:10,0.5"``,
        ``"warmup:2+cosine"``, ``"constant"``; or ``"plateau"``, which adds a `ReduceOnPlateau`. Default: 1.
    metrics : str, callable, sequence of them, or dict of str to callable
        Names of `fastnn.metrics`, or functions of the targets and the raw outputs. They are evaluated after each
        epoch: on the validation set if there is one, otherwise on the training set. None may be named like another
        figure of the history ("loss", "seconds", …).
    class_weight : dict of int to float, sequence of float, or "balanced", optional
        Factor on the loss of each sample, by its class; 1 for classes that a dict does not mention. The keys of a dict
        are numbers of classes, also as floats, or of two classes as False and True. "balanced": N / (C N_c) for class
        c, with N_c of the N samples that are trained on in it and C classes that occur. The loss of a batch remains the
        sum over its samples divided by their number, so weights with a mean of 1 keep the scale of the learning rate.
    clip_norm : float, optional
        The gradient g of all parameters together is multiplied by min(1, clip_norm / ‖g‖₂) (Pascanu, Mikolov & Bengio
        2013, "On the difficulty of training recurrent neural networks", algorithm 1).
    clip_value : float, optional
        Each element of the gradient is clipped to ±clip_value, before `clip_norm`. Weight decay is added afterwards.
    average : str, optional
        ``"ema"``: beside the weights that are trained, a moving average of them is kept, as are averages of running
        statistics. It is what the validation measures, what callbacks see and what the model holds in the end. In step
        t it keeps the share min(0.999, (1 + t) / (10 + t)) of what it was; ``"ema:0.99"``: at most 0.99. The weights
        that are trained stay as they are, also where a callback changes the model, which changes the average.
        Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992. Default: no average.
    precision : {"float32", "fast", "fast3", "bf16"}, optional
        Of the products in training that are large enough to gain by it; see `fastnn.Sequential`. Predictions and
        validation have that of the model. Default: that of the model, which is "float32" unless it was set.
    shuffle : bool or "batches"
        True: the samples are in a new random order in each epoch. "batches": the batches, which always consist of the
        same consecutive samples, are. False: everything keeps its order.
    augmentation : Augmentation, optional
        Augments the training images, differently in each epoch, while other steps are computed. The samples must be
        images; they may also be rows of pixels if the model's input is an image or the augmentation has a `shape`.
    callbacks : sequence of Callback
        Code to run between steps and epochs.
    compile : bool
        False: run the steps layer by layer. The results are the same.
    progress : bool, optional
        Whether to show a progress bar; None: on a terminal and in a notebook.
    print_every : int, optional
        Print a line of the history after every so many epochs.
    on_nonfinite : {"raise", "ignore"}
        What to do when the loss of a step or of the validation set becomes NaN or infinite: raise
        `NonFiniteLossError`, or continue. Metrics of outputs that hold NaN then are NaN.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type.

    Attributes
    ----------
    history : History
        Losses and figures of the last `fit`.
    engine : callable or None
        Makes what runs the steps, such as `fastnn.alexnet.TorchEngine`; None, as at first: fastnn's own kernels.
    stop : bool
        A callback sets it to end the training after the current epoch.
    position : Position
        How far the training has come: the epoch that is under way or comes next, and how many of its steps are done.
    run : Run or None
        The last `fit`: its specification, with all data, and the session that ran its steps.

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

    @known_keywords
    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        validation: Pair | float | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> History:
        """Train from the model's current parameters, with a fresh state of the optimiser.

        Parameters
        ----------
        x : (N, *input_shape), any real dtype
            Samples, as `Sequential.forward` takes them.
            The columns of a table with names are matched with those of the model, which are those of the first table
            that it was trained on.
        y : (N,) integer labels, or (N, *output_shape)
            Targets.
        validation : pair of arrays, or float, optional
            Samples and targets on which the model is evaluated after each epoch; or the share of the samples, in
            (0, 1), that is held out for this: the same share of each class where a sample has one class, or the answer
            to one yes-or-no question, and otherwise drawn from all.
        sample_weight : (N,), optional
            Factor on the loss of each sample, and so on its gradient; finite and at least 0.

        Returns
        -------
        History
            The same object as the attribute `history`, which is also there after Ctrl-C (raised again once the
            callbacks have been called).

        Raises
        ------
        ValueError, TypeError
            If the data do not fit the model; before anything is changed.
        NonFiniteLossError
            If the loss becomes NaN or infinite, or if weights, running statistics or the optimiser's state are so after
            the last step (unless ``on_nonfinite="ignore"``).

        Notes
        -----
        The steps train copies of the parameters. During a training, the model's arrays are up to date only in
        callbacks.

        Examples
        --------
        >>> import fastnn
        >>> x, y = fastnn.data.glyphs(500, seed=0)
        >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        >>> history = fastnn.Trainer(model, epochs=3).fit(x, y, validation=0.2)
        >>> history.names
        ['epoch', 'loss', 'accuracy', 'val_loss', 'val_accuracy', 'learning_rate', 'seconds']
        """
        spec = specify(self, x, y, validation, sample_weight)
        self.history, self.stop, self.position = History(precision=spec.problem.precision.option), False, Position()
        return self._train(spec, None, x)

    def resume(
        self,
        path: str | PathLike[str],
        x: ArrayLike,
        y: ArrayLike,
        validation: Pair | float | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        same_data: bool = True,
    ) -> History:
        """Continue the training of a checkpoint, with the same bits as if it had never been interrupted.

        The trainer must have the same arguments as the interrupted one; only `epochs`, `compile`, `on_nonfinite`,
        `callbacks` and what is displayed may differ. The number of threads may differ too.

        Parameters
        ----------
        path : path
            What a `Checkpoint` wrote: a file, or a folder, whose latest file is used.
        x, y, validation, sample_weight
            The data of the interrupted training.
        same_data : bool
            False: data of other values, but the same shapes and dtypes, are no error. They may have been computed
            anew with other rounding; the bits are then others as well.

        Returns
        -------
        History
            The history of the whole training, including the interrupted part.

        Raises
        ------
        FileNotFoundError
            If there is no checkpoint.
        ValueError, TypeError
            If the checkpoint is damaged, or belongs to another architecture, configuration or data; before anything
            is changed.
        NonFiniteLossError
            As for `fit`.

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
        snapshot.check(spec, same_data)
        self.history, self.stop, self.position = snapshot.history, snapshot.stop, snapshot.position
        self.history.precision = spec.problem.precision.option
        return self._train(spec, snapshot, x)

    @classmethod
    def from_checkpoint(cls, path: str | PathLike[str], **options: Any) -> Trainer:
        """A trainer with the model and the arguments of the one that wrote a checkpoint, ready to `resume`.

        Parameters
        ----------
        path : path
            As for `resume`.
        **options
            Arguments of the constructor that replace those of the checkpoint, or that it does not hold, such as
            ``callbacks``.

        Returns
        -------
        Trainer

        Raises
        ------
        FileNotFoundError
            If there is no checkpoint.
        ValueError
            If it is damaged, or if the interrupted trainer had an argument of a class or function that is not
            fastnn's own and that `options` lacks.

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
        snapshot = Snapshot.read(path)
        arguments = snapshot.trainer_options(options)
        try:
            return cls(**arguments)
        except (TypeError, ValueError) as error:
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"from_checkpoint: {snapshot.path}: {error}") from None

    def explain(self) -> str:
        """The compiled step of the last `fit` as a table.

        Returns
        -------
        str
            Every kernel call after fusion with its arrays, its floating-point operations, the bytes that it moves at
            least and its mean time, followed by sums.

        Raises
        ------
        RuntimeError
            Before the first `fit`.

        Examples
        --------
        >>> import fastnn
        >>> x, y = fastnn.data.glyphs(100, seed=0)
        >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
        >>> trainer = fastnn.Trainer(model, epochs=1, compile=False)
        >>> _ = trainer.fit(x, y)
        >>> trainer.explain()
        'layer by layer: each kernel is called from Python, nothing is fused'
        """
        if self.run is None:
            raise RuntimeError("explain: call fit first")
        return explain(self.run.session, self.run.step_seconds)

    @property
    def compiled(self) -> bool | None:
        """Whether the steps of the last `fit` were compiled; None before the first `fit`."""
        return None if self.run is None else isinstance(self.run.session, CompiledSession)

    def _train(self, spec: TrainingSpec, snapshot: Snapshot | None, x: ArrayLike) -> History:
        self._online = None
        self.model.task = self.loss.task
        if self.model.column_names is None:
            self.model.column_names = names_of(x)
        self.run = Run(spec, CallbackList(self, self.callbacks), self.history, self.position, snapshot)
        self.run.train()
        return self.history
