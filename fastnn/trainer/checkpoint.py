"""Checkpoints: a training that can be gone on with."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn.checks import number, whole
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.snapshot import Snapshot, data_of, file_of, files_in

if TYPE_CHECKING:
    from fastnn.trainer.trainer import Trainer


class Checkpoint(Callback):
    """Writes the state of the training to a file, from which `Trainer.resume` goes on.

    Parameters
    ----------
    path : path
        A folder (made if missing), which gets files ``checkpoint-000000123.safetensors`` by the number of steps
        done; or a file, whose name ends in ``.safetensors``, that each checkpoint replaces.
    every_epochs, every_steps : int, optional
        How often; behind the last epoch there is one in any case. With none of the three: every epoch.
    every_seconds : float, optional
        Also when so much time has passed.
    keep_last : int or None
        How many files stay in a folder; None: all.
    overwrite : bool
        Whether a new training may replace checkpoints that are there already. One that is resumed may.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    Notes
    -----
    A file is written to a temporary name, to the disk, and then renamed, so a crash at any moment leaves the
    checkpoint before. It holds parameters, optimiser state, the position in the epoch (which with the seed decides
    all random numbers to come), history, the state of callbacks, the configuration, fingerprints of the data and a
    SHA-256 of it all. It is a model file as well: `fastnn.load` reads the model as it was.

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

    order = 100  # behind callbacks whose state it keeps

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
        self.overwrite = overwrite

    @property
    def is_folder(self) -> bool:
        """Whether `path` is a folder of checkpoints."""
        return self.path.suffix != ".safetensors"

    @property
    def files(self) -> list[Path]:
        """The checkpoints there are, the latest last."""
        return files_in(self.path) if self.is_folder else [self.path] * self.path.exists()

    def on_train_begin(self, trainer: Trainer) -> None:
        """Make the folder; refuse to mix with another training.

        Raises
        ------
        ValueError
            If there are checkpoints and the training does not go on from one.
        OSError
            If the folder cannot be made.
        """
        run = trainer.run
        assert run is not None
        if run.snapshot is None and self.files:
            if not self.overwrite:
                raise ValueError(
                    f"Checkpoint: {self.path} already holds a checkpoint; resume it, choose another place, or say "
                    "overwrite=True"
                )
            for path in files_in(self.path):  # a single file is replaced
                path.unlink()
        folder = self.path if self.is_folder else self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        pattern = ".checkpoint-*.safetensors.*" if self.is_folder else f".{self.path.name}.*"
        for left_over in folder.glob(pattern):  # of a process that was killed while it wrote
            left_over.unlink()
        self._data = data_of(run.task, run.validation)

    def on_step(self, trainer: Trainer, step: int) -> None:
        """Write one."""
        self._write(trainer)

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        """Write one, if it is time."""
        last = trainer.stop or epoch["epoch"] == trainer.epochs
        if last or (self.every_epochs and epoch["epoch"] % self.every_epochs == 0):
            self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        run = trainer.run
        assert run is not None
        path = file_of(self.path, run.done) if self.is_folder else self.path
        try:
            Snapshot.take(path, run, self._data).write()
        except OSError as error:
            raise type(error)(error.errno, f"Checkpoint: cannot write ({error.strerror})", str(path)) from error
        if self.is_folder and self.keep_last is not None:
            for old in self.files[: -self.keep_last]:
                old.unlink(missing_ok=True)
