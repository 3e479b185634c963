#!/usr/bin/env bash
# What share of the code the fast tests and the slow ones of the studies run: lines and branches of Python by coverage.py,
# lines of C by gcov. Run in a source tree with the packages of the `test` and `coverage` extras installed
# (PYTHON=path/to/python chooses where). `tests/coverage.sh python tests/data` and `tests/coverage.sh c` do one of the two,
# with some of the tests. The status is 1 if a test fails or less is run than has to be.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=$(command -v "${PYTHON:-python3}")
parts=(python c) tests=()
if [[ $# -gt 0 ]]; then
    parts=("$1") tests=("${@:2}")
fi
# what checks arguments and what reads files and texts: every branch
every_branch=(fastnn/checks.py fastnn/schedule_texts.py)
every_branch+=(fastnn/architecture/{__init__,conv,mlp,named}.py fastnn/alexnet/{array,torch}_file.py)
every_branch+=(fastnn/data/{archives,binary,expected,formats,idx,inflate,loading,mat,mat_elements,npy,npz}.py)
every_branch+=(fastnn/data/{pickle_opcodes,pickled,pickled_arrays,pickled_datasets,tar,zip_files}.py)
every_branch+=(fastnn/model/{declared,schema}.py fastnn/trainer/{checkpoint_schema,continuation,snapshot}.py)
least=95 # per cent of the lines and branches of all of Python
work=$(mktemp -d "${TMPDIR:-/tmp}/fastnn-coverage.XXXXXX")
trap 'rm -rf "$work"' EXIT

# a copy, so that neither counts nor instrumented objects stay in the tree
tar -cf - --exclude=./build --exclude=./.git --exclude=./.venv --exclude='*.so' . | tar -xf - -C "$work"
cd "$work"
export PYTHONPATH=$work FASTNN_REQUIRE_NATIVE=1
# the sources are the same text for every instruction set
FASTNN_BUILD_ISA=$(grep -qsw avx2 /proc/cpuinfo && echo avx2 || true)
export FASTNN_BUILD_ISA
pytest=(-m pytest -q -p no:cacheprovider -n auto --dist loadfile)
status=0

for part in "${parts[@]}"; do
    case $part in
        python)
            "$python" setup.py -q build_ext --inplace
            "$python" -m coverage run "${pytest[@]}" "${tests[@]}" || status=1
            if [[ ${#tests[@]} -eq 0 ]]; then # whole studies run in slow tests alone
                "$python" -m coverage run "${pytest[@]}" -m slow tests/studies || status=1
            fi
            "$python" -m coverage combine -q
            "$python" -m coverage report --show-missing --skip-covered --fail-under="$least" || status=1
            "$python" -m coverage report --show-missing --fail-under=100 --include="$(IFS=,; echo "${every_branch[*]}")" ||
                status=1
            ;;
        c)
            [[ ${#tests[@]} -gt 0 ]] || tests=(tests/kernels tests/functional tests/program tests/population tests/robustness)
            CFLAGS=--coverage LDFLAGS=--coverage "$python" setup.py -q build_ext --inplace --force
            "$python" "${pytest[@]}" "${tests[@]}" || status=1
            "$python" -m gcovr --root . --filter csrc/ --sort uncovered-number --sort-reverse
            ;;
        *)
            echo "coverage.sh: unknown part $part; expected python or c" >&2
            exit 2
            ;;
    esac
done
exit $status
