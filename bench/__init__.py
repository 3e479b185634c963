"""Benchmarks: `race.py` against other frameworks, `bench_*.py` of our own kernels and steps."""
