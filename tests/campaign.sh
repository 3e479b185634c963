#!/usr/bin/env bash
# Tries hard to break the code: what tests/deep.sh runs, more examples, sanitizers, hundreds of thousands of damaged files,
# every reader fuzzed for 20 minutes, the unary kernels on every float32, and the wrong changes that tests have to notice.
# A day. Run in a source tree with the packages of the `test` extra and atheris installed (PYTHON=path/to/python chooses
# where). `tests/campaign.sh files mutations` runs those parts only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=$(command -v "${PYTHON:-python3}")
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(deep examples sanitizers files fuzz unary mutations)
failed=()

for part in "${parts[@]}"; do
    case $part in
        deep) tests/deep.sh || failed+=("$part") ;;
        examples) HYPOTHESIS_PROFILE=campaign tests/deep.sh examples || failed+=("$part") ;;
        sanitizers) tests/deep.sh asan tsan || failed+=("$part") ;;
        files) PYTHONPATH=$PWD "$python" tests/data/hostile.py "${MUTATIONS:-100000}" || failed+=("$part") ;;
        fuzz) PYTHONPATH=$PWD "$python" tests/fuzz/fuzz.py --seconds "${SECONDS_A_TARGET:-1200}" || failed+=("$part") ;;
        unary) PYTHONPATH=$PWD "$python" scripts/sweep_unary.py || failed+=("$part") ;;
        mutations) "$python" scripts/mutate.py || failed+=("$part") ;;
        *)
            echo "campaign.sh: unknown part $part; expected deep, examples, sanitizers, files, fuzz, unary or mutations" >&2
            exit 2
            ;;
    esac
done

if [[ ${#failed[@]} -gt 0 ]]; then
    printf '\nfailed: %s\n' "${failed[*]}"
    exit 1
fi
printf '\nall passed: %s\n' "${parts[*]}"
