#!/usr/bin/env bash
# Runs smoke.js on an older Nest: smoke/run.sh nest-10 PACKED. The Nest is locked in a folder of its
# own; the module is put beside it as it was packed, so that it finds that Nest and no other.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
nest=$1 tarball=$2
cd "$here/$nest"
want=$(cat package.json package-lock.json | sha256sum)
if [ "$(cat node_modules/.stamp 2>/dev/null)" != "$want" ]; then
    npm ci --silent --no-audit --no-fund --ignore-scripts
    echo "$want" >node_modules/.stamp
fi
rm -rf node_modules/@interrex node_modules/interrex
mkdir -p node_modules/@interrex/nestjs
tar -xzf "$tarball" -C node_modules/@interrex/nestjs --strip-components=1
ln -s "$root" node_modules/interrex
cp ../smoke.js node_modules/smoke.js
node node_modules/smoke.js "${nest#nest-}"
# The same, for the programs of the package that the compat module stands in for.
node ../page.js "$PWD/node_modules" "${nest#nest-}"
