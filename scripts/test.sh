#!/usr/bin/env bash
# Runs every check and every test, shows them as they go, and ends with one line of totals:
#   N passed, N failed
# Arguments name suites to run alone: lint c node types python nest package. The exit status is zero
# only if nothing failed. A suite without files is not run, and said not to be. Node, types, Python and Nest
# wait more than they work: they run side by side, each line under its suite's name.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
logs=build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
failures=()

heading() { printf '\n== %s\n' "$*"; }
absent() { printf '\n== %s: no files yet, not run\n' "$1"; }
files() { find "$@" -not -path '*/node_modules/*' 2>/dev/null | sort; }

# A tool that is pleased or not counts as one test.
check() { # check NAME COMMAND...
    local name=$1 log=$logs/check.$BASHPID.log
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok - $name"
        passed=$((passed + 1))
    else
        cat "$log"
        echo "not ok - $name"
        failed=$((failed + 1))
        failures+=("$name")
    fi
}

# A tool that counts for itself adds its own numbers. That it failed without a failing test, or that
# it left no report, is a failure too.
counted() { # counted NAME STATUS KIND REPORT
    local name=$1 status=$2 good=0 bad=0
    [ -s "$4" ] && read -r good bad < <(scripts/count.py "$3" "$4")
    [ "$status" != 0 ] && [ "$bad" = 0 ] && bad=1
    [ "$good" = 0 ] && [ "$bad" = 0 ] && bad=1
    echo "-- $name: $good passed, $bad failed"
    passed=$((passed + good))
    failed=$((failed + bad))
    [ "$bad" = 0 ] || failures+=("$name")
}

suite_lint() {
    heading 'formatting, linters, rules of the architecture'
    local sources
    mapfile -t sources < <(files core bindings tests bench examples \
        \( -name '*.c' -o -name '*.h' -o -name '*.cc' \))
    [ ${#sources[@]} = 0 ] || check clang-format clang-format --dry-run -Werror "${sources[@]}"
    check eslint eslint .
    check prettier prettier --log-level warn --check .
    check 'ruff check' ruff check --quiet .
    check 'ruff format' ruff format --check --quiet .
    check 'rules of the architecture' scripts/check_rules.py
}

suite_c() {
    compgen -G 'build/tests/*' >/dev/null || { absent 'C tests'; return; }
    heading 'C tests and examples'
    ctest --test-dir build --parallel "$(($(nproc) * 2))" --output-on-failure --no-tests=error \
        --test-output-size-passed 10000000 --output-junit "$root/$logs/ctest.xml"
    counted 'C tests' $? ctest "$logs/ctest.xml"
    # What the contract suite says of each medium belongs into the log of a good run too.
    grep -hE '^contract(, [a-z ]+)?: [a-z]+ [0-9]' "$logs/ctest.xml" || true
}

suite_node() {
    local tests
    mapfile -t tests < <(files tests/node -name '*.test.js' -o -name '*.test.mjs')
    [ ${#tests[@]} != 0 ] || { absent 'Node tests'; return; }
    heading 'Node tests'
    # The time-out is one for each file, too.
    node --test --test-concurrency=4 --test-timeout=300000 \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$logs/node.tap" "${tests[@]}"
    counted 'Node tests' $? tap "$logs/node.tap"
}

suite_types() {
    [ -n "$(files tests/node -name '*.ts' -o -name '*.mts')" ] || { absent 'type tests'; return; }
    heading 'TypeScript type tests'
    check tsc tsc -p tsconfig.json
}

suite_python() {
    [ -n "$(files tests/python -name 'test_*.py')" ] || { absent 'Python tests'; return; }
    heading 'Python tests'
    pytest -q --junitxml="$logs/pytest.xml" tests/python
    counted 'Python tests' $? pytest "$logs/pytest.xml"
    check 'mypy --strict' mypy --strict bindings/python/interrex
}

suite_nest() {
    [ -n "$(files tests/nestjs nestjs-module/test -name '*.test.*' -o -name '*.spec.*')" ] ||
        { absent 'Nest tests'; return; }
    heading 'Nest tests'
    npm test --silent -w nestjs-module 2>&1 | tee "$logs/nest.log"
    counted 'Nest tests' "${PIPESTATUS[0]}" nest "$logs/nest.log"
}

suite_package() {
    heading 'package tests'
    local script status
    for script in tests/package/*.sh; do
        [ "$script" = tests/package/lib.sh ] && continue
        "$script" 2>&1 | tee "$logs/package.tap"
        status=${PIPESTATUS[0]}
        grep -q '^1\.\.0 # SKIP' "$logs/package.tap" && continue
        counted "$script" "$status" tap "$logs/package.tap"
    done
}

# Runs a suite in a process of its own, which leaves its totals in a file.
apart() { # apart SUITE
    (
        passed=0 failed=0 failures=()
        "suite_$1"
        printf '%s\n' "$passed" "$failed" "${failures[@]}" >"$logs/$1.totals"
    ) 2>&1 | sed -u "s/^/$1 | /"
}

under_way=()
collect() {
    local suite totals
    wait
    for suite in "${under_way[@]}"; do
        totals=(0 1 "$suite: no totals")
        [ -s "$logs/$suite.totals" ] && mapfile -t totals <"$logs/$suite.totals"
        passed=$((passed + totals[0]))
        failed=$((failed + totals[1]))
        failures+=("${totals[@]:2}")
    done
    under_way=()
}

started=$SECONDS
[ $# -gt 0 ] || set -- lint c node types python nest package
for suite in "$@"; do
    case $suite in
        node | types | python | nest)
            apart "$suite" &
            under_way+=("$suite")
            ;;
        *)
            collect
            "suite_$suite"
            ;;
    esac
done
collect

printf '\n'
[ $failed = 0 ] || printf 'failed: %s\n' "${failures[@]}"
echo "took $((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
