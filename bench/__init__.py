"""Benchmarks: `race.py` races against other frameworks, `bench_*.py` time our own kernels and steps."""
