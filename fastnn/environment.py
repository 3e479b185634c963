"""The environment variables that fastnn heeds, by name."""

from __future__ import annotations

BACKEND = "FASTNN_BACKEND"
ISA = "FASTNN_ISA"
NUM_THREADS = "FASTNN_NUM_THREADS"
OMP_NUM_THREADS = "OMP_NUM_THREADS"  # where NUM_THREADS is not set
DATA = "FASTNN_DATA"  # the folder above those of the named data sets

VARIABLES = (BACKEND, ISA, NUM_THREADS, OMP_NUM_THREADS, DATA)
