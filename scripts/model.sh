#!/usr/bin/env bash
# Checks the models of the protocols (docs/model/*.pml) with Spin: every state that can be reached
# within the bounds is visited. A model must hold with every rule in force, must fail with any one of
# the rules below left out, and what it is about must be able to happen at all. Ends non-zero
# otherwise, and if a search was not complete.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
command -v spin >/dev/null || { echo 'model: please install spin' >&2; exit 1; }
directory=$root/build/model
rm -rf "$directory"
mkdir -p "$directory"

# Model, members (sessions), terms, lease in ticks; then what is expected: that it "holds"; that it
# "fails" with this definition changed; or that what is named "happens" when a claim is applied.
table='
lease   4 3 3 holds
lease   3 5 4 holds
lease   3 3 3 happens LAST_TERM
lease   3 3 3 happens TAKEN_OVER
lease   2 3 3 fails   EXPECTED_BEAT=0
lease   2 3 3 fails   TIME_FROM_SEND=0
lease   2 3 3 fails   RELEASE_AFTER_NO=0
lease   2 3 3 fails   HOLD=2
quorum  3 2 3 holds
quorum  3 3 2 holds
quorum  3 2 2 happens BY_VOTES
quorum  3 2 2 happens ALL_LISTED
quorum  3 2 2 fails   EXPECTED_BEAT=0
quorum  3 2 2 fails   TIME_FROM_SEND=0
quorum  3 2 2 fails   RELEASE_AFTER_NO=0
quorum  3 2 2 fails   HOLD=1
quorum  3 2 2 fails   ACK_DEADLINE=0
quorum  3 2 2 fails   ACK_FROM_SEND=0
quorum  3 2 2 fails   ACK_EVERY_LIST=0
quorum  3 2 2 fails   LIST_CONFIRMED=0
quorum  3 2 2 fails   VOTES_COUNTED=0
quorum  3 2 2 fails   VOTE_SILENCE=0
quorum  3 2 2 fails   VOTE_BINDS=0
quorum  3 2 2 fails   VOTE_NOT_SELF=0
quorum  3 3 2 fails   VOTE_NAMES=0
quorum  3 3 2 fails   CLAIM_ALONE=0
'

explore() { # explore NUMBER MODEL MEMBERS TERMS LEASE EXPECTED WHAT: one line about it
    local place=$directory/$1 expected=$6 what=${7:-} result states depth violated as_expected=no
    local defined=(-DMEMBERS="$3" -DTERMS="$4" -DLEASE="$5")
    case $expected in
    fails) defined+=(-D"$what") ;;
    happens) defined+=(-DHAPPENS="$what") ;;
    esac
    mkdir -p "$place" && cd "$place" || return 1
    # Breadth first: a failure comes by the shortest way.
    spin -a "${defined[@]}" "$root/docs/model/$2.pml" >spin.log 2>&1 &&
        cc -O2 -DSAFETY -DBFS -DNOREDUCE -DMEMLIM=3500 -o pan pan.c >cc.log 2>&1 &&
        timeout 600 ./pan -E >result.log 2>&1
    states=$(sed -nE 's/^ *([0-9]+) states, stored.*/\1/p' result.log)
    depth=$(sed -nE 's/.*depth reached ([0-9]+), errors.*/\1/p' result.log)
    violated=$(sed -nE 's/^pan:.*assertion violated (.*) \(at depth.*/\1/p' result.log)
    case $violated in
    '') result='never two leaders, terms grow' ;;
    *leader*) result='two leaders at one instant' ;;
    *led* | *term\>*) result='a term that does not grow' ;;
    *) result='happens' ;;
    esac
    case $expected in
    holds) grep -q 'errors: 0' result.log && [ -z "$violated" ] && as_expected=yes ;;
    fails) [ -n "$violated" ] && [ "$result" != happens ] && as_expected=yes ;;
    happens) [ "$result" = happens ] && as_expected=yes ;;
    esac
    grep -q 'Search not completed' result.log && [ -z "$violated" ] && as_expected=no
    [ "$as_expected" = yes ] || result="NOT AS EXPECTED: see ${place#"$root"/}"
    printf '%-7s %7s %5s %5s  %-7s %-18s %9s %5s  %s\n' "$2" "$3" "$4" "$5" "$expected" "$what" \
        "${states:--}" "${depth:--}" "$result" >line
    [ "$as_expected" = yes ]
}
export -f explore
export directory root

printf '%-7s %7s %5s %5s  %-26s %9s %5s  %s\n' model members terms lease expected states steps result
awk 'NF { printf "%02d %s\n", ++n, $0 }' <<<"$table" |
    xargs -P "$(nproc)" -I '{}' bash -c 'set -f; explore $1' model '{}' 2>/dev/null
status=$?
cat "$directory"/*/line
[ "$status" = 0 ] || { echo 'model: failed'; exit 1; }
echo 'model: each holds as it is and fails without any one of its rules'
