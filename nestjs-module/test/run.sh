#!/usr/bin/env bash
# Everything that @interrex/nestjs is tested by: its build, its tests on Nest 12, its packaging, the
# smoke tests on each older Nest, and what the example counts by. Ends with one line of totals.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
bin=$here/../node_modules/.bin
example=$here/../examples/bull-producer
passed=0
failed=0

# Runs a command as one test; what it has to say is seen only if it fails.
check() {
    local name=$1 log=.test/check.log
    shift
    if "$@" >"$log" 2>&1; then
        echo "  ✔ $name"
        passed=$((passed + 1))
    else
        cat "$log"
        echo "  ✖ $name"
        failed=$((failed + 1))
    fi
}

# Adds a runner's own totals, as LINE in its log says them; a runner that failed without saying so counts once.
tally() {
    local status=$1 log=$2 line_passed=$3 line_failed=$4 p f
    p=$(sed -nE "s/$line_passed/\1/p" "$log" | tail -n 1)
    f=$(sed -nE "s/$line_failed/\1/p" "$log" | tail -n 1)
    [ "$status" = 0 ] || [ "${f:-0}" != 0 ] || f=1
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0}))
}

rm -rf .test && mkdir .test
"$bin/tsc" -p tsconfig.json && "$bin/tsc" -p test/tsconfig.json && "$bin/tsc" -p "$example" || exit 1

"$bin/mocha" --timeout 180000 --forbid-only --forbid-pending '.test/*.test.js' 2>&1 |
    tee .test/mocha.log
tally "${PIPESTATUS[0]}" .test/mocha.log '^ *([0-9]+) passing.*' '^ *([0-9]+) failing.*'

node --test --test-reporter=spec "$example"/dist/*.test.js 2>&1 | tee .test/example.log
tally "${PIPESTATUS[0]}" .test/example.log '^ℹ pass ([0-9]+)' '^ℹ fail ([0-9]+)'

# What a registry would get, as the two module systems and TypeScript see it.
mkdir .test/pack
npm pack --silent --pack-destination .test/pack >/dev/null
tarball=$(echo "$here"/.test/pack/*.tgz)
check 'attw finds nothing in the package' "$bin/attw" --no-color "$tarball"
check 'publint finds nothing in the package' "$bin/publint" --strict "$tarball"
check "the programs of nest-leader-election's page run on Nest 12" node smoke/page.js "$here/.test" 12
check 'the smoke test passes on Nest 10' smoke/run.sh nest-10 "$tarball"
check 'the smoke test passes on Nest 11' smoke/run.sh nest-11 "$tarball"

echo "nestjs-module: $passed passed, $failed failed"
[ "$failed" = 0 ]
