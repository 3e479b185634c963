"""Checkpoints: files from which an interrupted training can be resumed."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, Protocol

from fastnn.checks import flag, number, whole
from fastnn.files import remove_unfinished
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.continuation import file_of, files_in, unfinished_in


class SnapshotLike(Protocol):
    """A training at one point between two steps."""

    def write(self) -> None:
        """Write it to its file, whole or not at all."""


class RunLike(Protocol):
    """What a checkpoint is taken of, the `run` of a trainer or of a population."""

    @property
    def snapshot(self) -> Any:
        """The snapshot from which the training is resumed, or None."""

    @property
    def spec(self) -> Any:
        """The specification of the training, whose `data` describes its data."""

    @property
    def steps_done(self) -> int:
        """How many steps are done."""

    def take_snapshot(self, path: Path) -> SnapshotLike:
        """The training as it is now."""


class Checkpoint(Callback):
    """Writes the state of the training to a file from which `Trainer.resume`, or `fit_many`, continues.

    Parameters
    ----------
    path : path
        A folder, made if it is missing, for files ``checkpoint-000000123.safetensors`` named after the number of
        steps done; or a file with the suffix ``.safetensors``, which each checkpoint replaces.
    every_epochs, every_steps : int, optional
        Write a checkpoint after every so many epochs or steps. Without any of `every_epochs`, `every_steps` and
        `every_seconds`, after every epoch. In any case there is one after the last epoch.
    every_seconds : float, optional
        Write a checkpoint when so many seconds have passed since the last one of this kind.
    keep_last : int or None
        How many files to keep in a folder; None: all.
    overwrite : bool
        Whether a new training may replace checkpoints that are there already. They are removed when its first one is
        written. A resumed training always may.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type.

    Notes
    -----
    A file is written under a temporary name, flushed to the disk and then renamed, so that a crash at any moment
    leaves the previous checkpoint intact. It holds the parameters, the optimiser's state, the position in the epoch
    (which with the seed decides all random numbers to come), the history, the state of the callbacks, the
    configuration, fingerprints of the data and a SHA-256 of all of this. It is a model file as well: `fastnn.load`
    reads the model from it.

    Examples
    --------
    >>> import fastnn, tempfile, pathlib
    >>> x, y = fastnn.data.glyphs(500, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = fastnn.Checkpoint(folder, every_epochs=2, keep_last=1)
    ...     _ = fastnn.Trainer(model, epochs=4, batch_size=50, callbacks=[checkpoint]).fit(x, y)
    ...     [path.name for path in pathlib.Path(folder).iterdir()]
    ['checkpoint-000000040.safetensors']
    """

    order = 100  # after the callbacks whose state it stores

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        every_epochs: int | None = None,
        every_steps: int | None = None,
        every_seconds: float | None = None,
        keep_last: int | None = 3,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        if every_epochs is None and every_steps is None and every_seconds is None:
            every_epochs = 1
        counts = (("every_epochs", every_epochs), ("every_steps", every_steps), ("keep_last", keep_last))
        self.every_epochs, self.every, self.keep_last = (
            None if value is None else whole("Checkpoint", name, value, at_least=1) for name, value in counts
        )
        if every_seconds is not None:
            every_seconds = number("Checkpoint", "every_seconds", every_seconds, above=0, finite=False)
        self.every_seconds = every_seconds
        self.overwrite = flag("Checkpoint", "overwrite", overwrite)
        self._outdated: list[Path] = []  # checkpoints of an earlier training, until there is one of this training

    @property
    def is_folder(self) -> bool:
        """Whether `path` is a folder of checkpoints."""
        return self.path.suffix != ".safetensors"

    @property
    def files(self) -> list[Path]:
        """The checkpoints that exist, from the earliest to the latest."""
        return files_in(self.path) if self.is_folder else [self.path] * self.path.exists()

    def on_train_begin(self, trainer: Any) -> None:
        """Make the folder, and refuse to mix the checkpoints of two trainings.

        Raises
        ------
        ValueError
            If there are checkpoints already and the training is not resumed from one.
        OSError
            If the folder cannot be made.
        """
        if _run(trainer).snapshot is None and self.files:
            if not self.overwrite:
                raise ValueError(
                    f"Checkpoint: path: expected a place without a checkpoint, got {self.path}, which already holds "
                    "one; resume it, choose another path, or pass overwrite=True"
                )
            self._outdated = files_in(self.path)  # a single file is replaced
        folder = self.path if self.is_folder else self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        for file in [folder / name for name in unfinished_in(folder)] if self.is_folder else [self.path]:
            remove_unfinished(file)
        _ = _run(trainer).spec.data  # hash the data now, not in the middle of the training

    def on_step(self, trainer: Any, step: int) -> None:
        """Write a checkpoint."""
        self._write(trainer)

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        """Write a checkpoint if one is due."""
        last = trainer.stop or epoch["epoch"] == trainer.epochs
        if last or (self.every_epochs and epoch["epoch"] % self.every_epochs == 0):
            self._write(trainer)

    def _write(self, trainer: Any) -> None:
        run = _run(trainer)
        path = file_of(self.path, run.steps_done) if self.is_folder else self.path
        try:
            run.take_snapshot(path).write()
        except OSError as error:
            raise type(error)(error.errno, f"Checkpoint: cannot write ({error.strerror})", str(path)) from error
        for old in reversed(self._outdated):  # only now, so that there is always one to resume from
            if old != path:
                old.unlink(missing_ok=True)
        self._outdated = []
        if self.is_folder and self.keep_last is not None:
            for old in self.files[: -self.keep_last]:
                old.unlink(missing_ok=True)


def _run(trainer: Any) -> RunLike:
    run: RunLike = trainer.run
    return run
