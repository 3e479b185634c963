#!/usr/bin/env bash
# Some tests on the backends other than the native one: what layers, models and predictions compute, and operations of
# one's own. `tests/deep.sh backends` runs all tests on them. PYTHON=path/to/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PYTHONSAFEPATH=1 # the installed fastnn, not the source tree
for backend in numba reference; do
    printf '\n== backend %s\n' "$backend"
    FASTNN_BACKEND=$backend "${PYTHON:-python3}" -m pytest -p no:cacheprovider -q -n auto --dist loadfile \
        tests/layers tests/model tests/custom/test_training.py
done
