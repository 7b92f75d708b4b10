#!/usr/bin/env bash
# Leaves each rule of the protocol out in turn (core/engine/rules.h) and shows what notices: the engine's own
# tests, and the simulator with the engine's assertions off, by the invariant named in the table below.
# Ends non-zero if a rule can be left out unseen, or if another invariant notices than the one expected: then a
# test or a checker is missing, or the rule is superfluous (docs/algorithm.md says which were found so).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
seeds=${INTERREX_SEEDS:-4000}
mkdir -p build

# Rule, the invariants that notice it ("-": it is not for the simulator to see), protocol, takeover, faults, drift,
# members (0: any).
table='
TIME_FROM_SEND          exclusion           lease  safe network           50000 0
LEASE_DRIFT             exclusion           lease  safe network           50000 0
HOLD_DRIFT              exclusion           lease  safe network           50000 0
LARGEST_HOLD            exclusion           lease  safe network           5000  0
HOLD_FROM_RECEIPT       exclusion           lease  safe all,-drift        5000  0
FRESH_CLAIM             liveness            lease  fast none              5000  0
EXPECTED_BEAT           exclusion           lease  safe slow,pause        50000 3
UNUSED_BEAT             exclusion           lease  safe network           5000  0
NEVER_HELD_WAIT         exclusion           lease  safe store             5000  0
NEVER_HELD_RESET        exclusion           lease  safe store             5000  0
LIFE_SEEN               exclusion           lease  fast store             5000  0
QUARANTINE              exclusion           lease  safe store,network     50000 0
QUARANTINE_GONE         exclusion           lease  fast store,network     5000  0
QUARANTINE_INCARNATION  tokens              lease  safe store             5000  0
EPOCH_STEP_DOWN         liveness            lease  safe store,network     5000  0
EPOCH_NEW_SIGHT         exclusion           lease  safe store             5000  0
DEADLINE_FIRST          order               lease  fast members           5000  0
STALE_REPLY             late                lease  safe slow,repeat,pause 5000  3
UNKNOWN_READ            -
READ_CONFIRMS           -
RELEASE_AFTER_NO        order               lease  safe ask               5000  0
DRAIN_SEES_WORK         drain               lease  safe ask               5000  0
DRAIN_LIMIT             drain               lease  safe ask               5000  0
REST                    handover            lease  safe ask               5000  0
REST_ALONE              liveness            lease  safe none              5000  1
ALONE_AFTER_READ        -
STAGGER                 handover            lease  safe none              5000  0
SUCCESSOR_FIRST         handover,liveness   lease  safe ask               5000  0
GONE_MATCH              -
GONE_SEEN               -
SEEN_STAYS              liveness            lease  fast none              5000  0
DEPUTY_WATCHES          bounds              lease  fast none              5000  0
RANK_PRESENT            liveness            lease  fast all,-drift        50000 0
RANK_UNIQUE             bounds              lease  fast store             5000  0
LATE_JOIN               bounds              lease  fast store             50000 0
FULL_STRIKES            -
PAUSED_REPLY            liveness            lease  safe members           5000  0
PRESENCE_LOST           exclusion           lease  fast members           5000  0
PRESENCE_SENT           exclusion           lease  fast unseat,deafen     5000  2
PRESENCE_OF_CLAIM       exclusion           lease  fast unseat,slow       5000  3
SAFE_KEEPS              late                lease  safe members           5000  0
CLOCK_JUMP              exclusion,late      lease  safe guest             5000  0
CLOCK_NEW_SESSION       exclusion           lease  safe guest             5000  0
CLOCK_STIRS             exclusion           lease  safe guest             5000  0
HOST_STALLED            host                lease  safe ask               5000  0
STALLED_RESTS           bounds,host         lease  safe ask               5000  0
FORMAT_READ_ONLY        -
MISMATCH                -
HINT_READS              liveness            lease  fast none              5000  0
FIRST_TERM              tokens              lease  safe clockback,wipe    5000  0
ACK_DEADLINE            exclusion           quorum safe network           5000  0
ACK_FROM_SEND           exclusion           quorum safe hush,hints,slow   5000  5
ACK_EVERY_LIST          exclusion           quorum safe hush,slow,deafen  5000  5
ACK_SHRINKS             exclusion           quorum safe hush,hints,slow   5000  5
SHORTER_FIRST           -
ACKED_ONLY              liveness            quorum safe network           5000  0
SILENT_STRUCK           liveness            quorum safe none              5000  0
LEAVER_STRUCK           -
LIST_CONFIRMED          exclusion           quorum safe hush,hints,slow   5000  5
VOTES_COUNTED           exclusion           quorum safe network           5000  0
CLAIM_ALONE             exclusion           quorum safe network           5000  0
VOTE_SILENCE            exclusion           quorum safe network           5000  0
VOTE_NAMES              exclusion           quorum safe network           5000  0
VOTE_BINDS              exclusion           quorum safe hush,hints,slow   5000  5
VOTE_NOT_SELF           exclusion           quorum safe network           5000  0
BEAT_IS_SIGHT           exclusion           quorum safe network           5000  0
GENUINE                 late                quorum safe network           5000  0
VALUE_GUARDED           register            lease  safe publish,pause     5000  0
VALUE_COUNTED           register            lease  safe publish,pause     5000  0
VALUE_INHERITED         register            lease  safe publish,pause     5000  0
'

# build/mutants: with assertions, for the engine's tests; build/mutants-sim: without, for the simulator.
cmake -S . -B build/mutants -G Ninja --log-level=WARNING -DINTERREX_MUTANTS=ON -DINTERREX_BUILD_TESTS=ON
ninja -C build/mutants --quiet engine_tests
cmake -S . -B build/mutants-sim -G Ninja --log-level=WARNING -DINTERREX_MUTANTS=ON -DINTERREX_BUILD_TESTS=ON \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-DIRX__ASSERTIONS_OFF
ninja -C build/mutants-sim --quiet interrex-sim

# simulate RULE SEEDS PROTOCOL TAKEOVER FAULTS DRIFT MEMBERS: "seed N, …" of the failure, or nothing
simulate() {
    local rule=$1 count=$2 members=()
    [ "$7" = 0 ] || members=(--members "$7")
    env INTERREX_SIM_BRIEF=1 ${rule:+"INTERREX_MUTANT=$rule"} timeout 120 build/mutants-sim/tests/interrex-sim \
        --seeds "$count" --protocol "$3" --takeover "$4" --faults "$5" --drift "$6" "${members[@]}" 2>/dev/null |
        grep '^seed ' || true
}

tests=()
for source in tests/engine/test_*.c; do
    topic=${source##*/test_}
    tests+=("build/mutants/tests/test_engine_${topic%.c}")
done
for test in "${tests[@]}"; do
    "$test" >/dev/null 2>&1 || { echo "$test fails with every rule in force" >&2; exit 1; }
done
unset INTERREX_MUTANT
while read -r protocol takeover faults drift; do
    found=$(simulate "" 1000 "$protocol" "$takeover" "$faults" "$drift" 0)
    [ -z "$found" ] || { echo "with every rule in force: $faults: $found" >&2; exit 1; }
done < <(awk 'NF > 2 { print $3, $4, $5, $6 }' <<<"$table" | sort -u)

survivors=0 killed=0 by_simulator=0
while IFS=$'\t' read -r rule text; do
    killers=
    for test in "${tests[@]}"; do
        out=$(INTERREX_MUTANT=$rule timeout 10 "$test" 2>&1) && continue # one that hangs is noticed too
        # A mutant that trips the engine's own assertions dies before cmocka can name the test.
        first=$(sed -nE 's/^\[  FAILED  \] ([a-z_]+)$/\1/p' <<<"$out" | head -n 1)
        killers="$killers ${test##*/test_engine_}/${first:-aborted}"
    done
    read -r invariants protocol takeover faults drift members < <(awk -v r="$rule" '$1 == r { $1 = ""; print }' <<<"$table") ||
        { echo "scripts/mutants.sh: no row for $rule" >&2; exit 1; }
    seen=
    if [ "$invariants" != - ]; then
        found=$(simulate "$rule" "$seeds" "$protocol" "$takeover" "$faults" "$drift" "$members")
        seen=$(sed -E 's/^seed ([0-9]+), [0-9]+ ms: ([a-z]+): .*/\2/' <<<"$found")
        [[ -n $seen && ,$invariants, == *,$seen,* ]] || seen="NOT by $invariants${seen:+ but by $seen}"
    fi
    if [ -z "$killers" ] || [[ $seen == NOT* ]]; then
        survivors=$((survivors + 1))
        printf 'SURVIVED  %-23s %s\n          simulator: %s; tests:%s\n' "$rule" "$text" "${seen:-not asked}" \
            "${killers:- none}"
        continue
    fi
    killed=$((killed + 1))
    [ -z "$seen" ] || by_simulator=$((by_simulator + 1))
    printf 'killed    %-23s %s\n          %s%s\n' "$rule" "$text" \
        "${seen:+invariant $seen ($protocol $takeover $faults, ${found%% ms:*} ms);}" "$killers"
done < <(sed -nE 's/^ *X\(([A-Z_]+), "(.*)"\).*/\1\t\2/p' core/engine/rules.h)
echo "rules left out one by one: $killed noticed ($by_simulator by an invariant of the simulator), $survivors unnoticed"
[ "$survivors" = 0 ]
