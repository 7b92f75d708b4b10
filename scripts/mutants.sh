#!/usr/bin/env bash
# Leaves each rule of the protocol out in turn (core/engine/rules.h) and shows the tests that fail without it.
# Ends non-zero if a rule can be left out unseen: then a test is missing, or the rule is superfluous.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/mutants
mkdir -p build
cmake -S . -B "$build" -G Ninja -DINTERREX_MUTANTS=ON -DINTERREX_BUILD_TESTS=ON >build/mutants.log
ninja -C "$build" engine_tests >>build/mutants.log || { tail -n 30 build/mutants.log >&2; exit 1; }

rules=$(sed -nE 's/^ *X\(([A-Z_]+), "(.*)"\).*/\1\t\2/p' core/engine/rules.h)
survivors=0 killed=0
for test in "$build"/tests/test_engine_*; do
  "$test" >/dev/null 2>&1 || { echo "$test fails with every rule in force" >&2; exit 1; }
done
while IFS=$'\t' read -r rule text; do
  killers=
  for test in "$build"/tests/test_engine_*; do
    out=$(INTERREX_SEEDS=${INTERREX_SEEDS:-40} INTERREX_MUTANT=$rule timeout 120 "$test" 2>&1) && continue
    # A mutant that trips the engine's own assertions dies before cmocka can name the test.
    first=$(sed -nE 's/^\[  FAILED  \] ([a-z_]+)$/\1/p' <<<"$out" | head -n 1)
    killers="$killers ${test##*/test_engine_}/${first:-aborted}"
  done
  if [ -n "$killers" ]; then
    killed=$((killed + 1))
    printf 'killed    %-24s %s\n          by%s\n' "$rule" "$text" "$killers"
  else
    survivors=$((survivors + 1))
    printf 'SURVIVED  %-24s %s\n' "$rule" "$text"
  fi
done <<<"$rules"
echo "rules left out one by one: $killed noticed, $survivors unnoticed"
[ "$survivors" = 0 ]
