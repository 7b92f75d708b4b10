#!/usr/bin/env bash
# Runs every tests/fuzz/fuzz_*.c under libFuzzer and the sanitizers, FUZZ_SECONDS each (20), as many
# at a time as there are cores. The inputs that a run finds stay in build/fuzz/corpus, where the next
# one goes on; what breaks a target stays in build/fuzz/found, to become a file of the corpus.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
seconds=${FUZZ_SECONDS:-20}
directory=build/fuzz
compiler=$(command -v clang-14 || command -v clang) ||
    { echo 'fuzz: please install clang with its libFuzzer' >&2; exit 1; }

[ -f "$directory/build.ninja" ] ||
    cmake -S . -B "$directory" -G Ninja --log-level=WARNING -DCMAKE_C_COMPILER="$compiler" \
        -DINTERREX_FUZZ=ON -DINTERREX_SANITIZE=fuzzer-no-link,address,undefined || exit 1
NINJA_STATUS='C [%f/%t] ' ninja -C "$directory" -j "$(nproc)" --quiet fuzzers || exit 1

# Only a target's exit status counts; what it says is shown where it failed.
fuzz_one() { # fuzz_one TOPIC
    local grown=$directory/corpus/$1 log=$directory/log/$1 executions
    mkdir -p "$grown" "$directory/log" "$directory/found"
    cp tests/fuzz/corpus/"$1"/* "$grown"
    rm -f "$log.passed"
    "$directory/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len=4096 -print_final_stats=1 -artifact_prefix="$directory/found/$1-" "$grown" \
        >"$log" 2>&1 && touch "$log.passed"
    executions=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    if [ -e "$log.passed" ] && [ "${executions:-0}" -gt 0 ]; then
        echo "ok - fuzz $1: $executions executions"
    else
        tail -n 60 "$log"
        echo "not ok - fuzz $1: see $log and $directory/found"
        return 1
    fi
}
export -f fuzz_one
export directory seconds
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1

if printf '%s\n' tests/fuzz/fuzz_*.c | sed -E 's|.*/fuzz_(.*)\.c|\1|' |
    xargs -P "$(nproc)" -I '{}' bash -c 'fuzz_one "$1"' fuzz '{}'; then
    echo "fuzz: nothing found in $seconds s each"
else
    echo 'fuzz: failed'
    exit 1
fi
