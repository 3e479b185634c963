"""A model as one C99 file: its weights, the functions of its layers, and a test of itself."""

from fastnn.export.c.source import to_c

__all__ = ["to_c"]
