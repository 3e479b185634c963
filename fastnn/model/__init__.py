"""`Sequential`, its summary and its file."""

from fastnn.model.sequential import Sequential

__all__ = ["Sequential"]
