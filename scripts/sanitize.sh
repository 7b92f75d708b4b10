#!/usr/bin/env bash
# The C tests under the address, undefined-behaviour and thread sanitizers, then the Node addon's
# start and stop under valgrind. Ends with a line of totals, like `make test`.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
jobs=$(nproc)
failures=()

# Newer kernels randomise addresses more widely than this thread sanitizer's memory map allows for.
fixed_addresses() {
    if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi
}

sanitized() { # sanitized DIRECTORY SANITIZERS
    printf '\n== C tests under %s\n' "$2"
    [ -f "$1/build.ninja" ] ||
        cmake -S . -B "$1" -G Ninja --log-level=WARNING -DINTERREX_SANITIZE="$2"
    NINJA_STATUS='C [%f/%t] ' ninja -C "$1" -j "$jobs" --quiet || { failures+=("$2: build"); return; }
    fixed_addresses ctest --test-dir "$1" --parallel "$jobs" --output-on-failure ||
        failures+=("$2: tests")
}

export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
sanitized build/asan address,undefined
# The simulator has one thread, and is slow under this one: a quarter of its share is enough.
INTERREX_SEEDS=25 sanitized build/tsan thread

# valgrind says much of node itself; scripts/valgrind_report.py keeps what is the addon's doing.
addon_under_valgrind() {
    local script=tests/node/valgrind_smoke.js xml=build/valgrind.xml
    [ -f "$script" ] || { printf '\n== %s does not exist yet, not run\n' "$script"; return; }
    printf '\n== the addon under valgrind\n'
    valgrind --quiet --xml=yes --xml-file="$xml" --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite --num-callers=40 --error-exitcode=0 \
        node --jitless "$script" || { failures+=('valgrind: the script failed'); return; }
    scripts/valgrind_report.py "$xml" interrex.node || failures+=('valgrind: errors in the addon')
}
addon_under_valgrind

printf '\n'
[ ${#failures[@]} = 0 ] || { printf 'sanitize failed: %s\n' "${failures[@]}"; exit 1; }
echo 'sanitize: clean'
