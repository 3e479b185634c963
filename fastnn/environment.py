"""The names of the environment variables that fastnn reads."""

from __future__ import annotations

BACKEND = "FASTNN_BACKEND"
ISA = "FASTNN_ISA"
NUM_THREADS = "FASTNN_NUM_THREADS"
OMP_NUM_THREADS = "OMP_NUM_THREADS"  # read if NUM_THREADS is not set
DATA = "FASTNN_DATA"  # the folder that contains the folders of the named data sets

VARIABLES = (BACKEND, ISA, NUM_THREADS, OMP_NUM_THREADS, DATA)
