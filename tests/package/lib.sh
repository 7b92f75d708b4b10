# Sourced by the package tests: each of their claims is one TAP line, and one failed claim fails the
# script. A failed claim shows what its command said.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"
cd "$root"
work=$(mktemp -d)
failed=0
trap 'rm -rf "$work"; exit $failed' EXIT

# needs PATTERN...: what this test is about has to exist before it can be tested.
needs() {
    local pattern
    for pattern in "$@"; do
        compgen -G "$pattern" >/dev/null || { echo "1..0 # SKIP $pattern does not exist yet"; exit 0; }
    done
}

claim() { # claim DESCRIPTION COMMAND...
    local description=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok - $description"
    else
        sed 's/^/# /' "$work/said"
        echo "not ok - $description"
        failed=1
    fi
}

# refused DESCRIPTION WORDS COMMAND...: the command must fail, and say these words.
refused() {
    local description=$1 words=$2
    shift 2
    claim "$description" bash -c '
        words=$1; shift
        if "$@" >"$0/refused" 2>&1; then echo "it was accepted"; exit 1; fi
        cat "$0/refused"
        grep -qF -- "$words" "$0/refused"' "$work" "$words" "$@"
}
