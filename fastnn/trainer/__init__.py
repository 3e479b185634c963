"""Training: the loop, its history, its progress bar."""

from fastnn.trainer.best import BestWeights, EarlyStopping
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.checkpoint import Checkpoint
from fastnn.trainer.errors import NonFiniteLossError
from fastnn.trainer.history import History
from fastnn.trainer.logs import CSVLog, MLflowLog, OptunaPruning, TensorBoardLog
from fastnn.trainer.plateau import ReduceOnPlateau
from fastnn.trainer.rate_finder import RateSearch, find_learning_rate
from fastnn.trainer.sweep import Sweep, Trial, grid, sweep
from fastnn.trainer.trainer import Trainer

__all__ = [
    "BestWeights",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "MLflowLog",
    "NonFiniteLossError",
    "OptunaPruning",
    "RateSearch",
    "ReduceOnPlateau",
    "Sweep",
    "TensorBoardLog",
    "Trainer",
    "Trial",
    "find_learning_rate",
    "grid",
    "sweep",
]
