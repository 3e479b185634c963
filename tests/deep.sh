#!/usr/bin/env bash
# The long tests: slow tests, the other instruction sets and backends, more examples. Run in a source tree with the
# packages of the `test` extra installed (PYTHON=path/to/python chooses where). `tests/deep.sh slow asan` runs those parts
# only; the sanitizers, asan (with the checks of undefined behaviour) and tsan, are a part of tests/campaign.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=$(command -v "${PYTHON:-python3}")
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(slow isas backends examples)
work=$(mktemp -d "${TMPDIR:-/tmp}/fastnn-deep.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=()
export PYTHONSAFEPATH=1 # the installed builds below, not the source tree

# the tests that take longest are listed, to see which are worth making cheaper
pytest=("$python" -m pytest -p no:cacheprovider -q -n auto --dist loadfile --durations=15 --durations-min=10)
# what calls kernels
calling_tests=(tests/functional tests/program tests/trainer tests/population)
# what runs the native code, rows of mapped files included; plots and the command line add nothing for a sanitizer
native_tests=(tests/kernels "${calling_tests[@]}" tests/robustness/test_trusted_memory.py)
# what Numba compiles and NumPy computes is not under a sanitizer and has no instruction set that is chosen, and takes
# more time than our own code
native_only="not -numba and not [numba and not -reference and not [reference"
# what calls them by models: readers, commands and reports are the same on every instruction set
model_tests=(tests/layers tests/model tests/estimators tests/compat)
# what a backend has no part in: tests of kernels name the one that they try, and the others compute next to nothing
not_of_a_backend=(tests/kernels tests/data/test_hostile.py tests/fuzz tests/bench tests/test_site.py tests/test_packaging.py)
not_of_a_backend+=(tests/test_wheels.py tests/test_documents.py)
# The sources are the same text for every instruction set, and guard pages are tried on all of them elsewhere; so a
# sanitizer looks at one.
sanitized_isa=$(grep -qsw avx2 /proc/cpuinfo && echo avx2 || true)

TIMEFORMAT='%0lR, %U + %S seconds of processors' # after each part, to see which is worth making cheaper
attempt() { # name, command...
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    time "$@" || failed+=("$name")
}

# A build of its own, from a copy without objects of another one: fastnn in $work/NAME, with what it needs from the
# interpreter's packages.
install() { # name, environment assignments...
    local name=$1 source=$work/$1-source
    shift
    mkdir "$source"
    tar -cf - --exclude=./build --exclude=./.git --exclude=./.venv --exclude='*.so' . | tar -xf - -C "$source"
    env FASTNN_REQUIRE_NATIVE=1 "$@" "$python" -m pip install --quiet --no-deps --no-build-isolation --no-cache-dir \
        --disable-pip-version-check --target "$work/$name" "$source"
}
tests() { # name, pytest arguments...
    local name=$1
    shift
    PYTHONPATH=$work/$name "${pytest[@]}" "$@"
}
# Tests on a build with a sanitizer, whose library has to come before everything else.
sanitized() { # name, sanitizer, library, environment assignments...
    local name=$1 sanitizer=$2 library=$3
    shift 3
    # the checks that a sanitizer inserts mislead GCC's analysis of what is initialised
    install "$name" FASTNN_SANITIZE="$sanitizer" FASTNN_BUILD_ISA="$sanitized_isa" CFLAGS=-Wno-maybe-uninitialized ||
        return
    # CC may be several words: a compiler behind a cache. A sanitizer that comes before the library of C++ does not find
    # how that one throws exceptions, and ends the process at the first one, such as PyTorch's.
    library="$(${CC:-gcc} -print-file-name="$library") $(${CC:-gcc} -print-file-name=libstdc++.so.6)"
    env LD_PRELOAD="$library" "$@" PYTHONPATH="$work/$name" "${pytest[@]}" \
        -k "$native_only and not faults_no_page" "${native_tests[@]}" # sanitizers have page faults of their own
}

for part in "${parts[@]}"; do
    case $part in
        slow)
            install plain
            attempt "slow tests" tests plain -m slow
            ;;
        isas)
            [[ -d $work/plain ]] || install plain
            # all but the first and best one, which every other run has
            for isa in $(PYTHONPATH=$work/plain "$python" -c \
                'from fastnn.kernels import _native as native; print(*list(native.isa_tables())[1:])'); do
                attempt "instruction set $isa" env FASTNN_ISA="$isa" PYTHONPATH="$work/plain" \
                    "${pytest[@]}" -k "$native_only" "${native_tests[@]}" "${model_tests[@]}"
            done
            ;;
        backends)
            [[ -d $work/plain ]] || install plain
            # everything on NumPy, which is what is left without a compiler; on Numba what calls its kernels
            attempt "backend reference" env FASTNN_BACKEND=reference PYTHONPATH="$work/plain" \
                "${pytest[@]}" tests "${not_of_a_backend[@]/#/--ignore=}"
            attempt "backend numba" env FASTNN_BACKEND=numba PYTHONPATH="$work/plain" \
                "${pytest[@]}" "${calling_tests[@]}" "${model_tests[@]}"
            ;;
        examples)
            [[ -d $work/plain ]] || install plain
            profile=${HYPOTHESIS_PROFILE:-deep} # tests/campaign.sh asks for more
            attempt "examples of properties: $profile" env HYPOTHESIS_PROFILE="$profile" PYTHONPATH="$work/plain" \
                "${pytest[@]}" tests/kernels tests/functional
            ;;
        asan)
            # Python leaks on purpose; allocator_may_return_null lets tests of absurd sizes get their MemoryError, and
            # without handle_segv a process that reads an unreadable page ends as tests of that expect
            attempt "AddressSanitizer and UndefinedBehaviorSanitizer" \
                sanitized asan address,undefined,float-cast-overflow libasan.so \
                ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:handle_segv=0 \
                UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 PYTHONMALLOC=malloc
            ;;
        tsan)
            of_tsan=halt_on_error=1:ignore_noninstrumented_modules=1:die_after_fork=0
            of_tsan+=:allocator_may_return_null=1:handle_segv=0 # as for AddressSanitizer
            attempt "ThreadSanitizer" sanitized tsan thread libtsan.so \
                TSAN_OPTIONS="$of_tsan" OPENBLAS_NUM_THREADS=1
            ;;
        *)
            echo "deep.sh: unknown part $part; expected slow, isas, backends, examples, asan or tsan" >&2
            exit 2
            ;;
    esac
done

if [[ ${#failed[@]} -gt 0 ]]; then
    printf '\nfailed: %s\n' "${failed[@]}"
    exit 1
fi
printf '\nall passed: %s\n' "${parts[*]}"
