"""Training: the loop, its history, its progress bar."""

from fastnn.trainer.callbacks import Callback
from fastnn.trainer.checkpoint import Checkpoint
from fastnn.trainer.errors import NonFiniteLossError
from fastnn.trainer.history import History
from fastnn.trainer.trainer import Trainer

__all__ = ["Callback", "Checkpoint", "History", "NonFiniteLossError", "Trainer"]
