#!/usr/bin/env bash
# Everything that @interrex/nestjs is tested by: its build, its tests on Nest 12, its packaging, and
# one smoke test on each older Nest. Ends with one line of totals.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
bin=$here/../node_modules/.bin

rm -rf .test
"$bin/tsc" -p tsconfig.json
"$bin/tsc" -p test/tsconfig.json
"$bin/mocha" --timeout 60000 --forbid-only --forbid-pending '.test/*.test.js' \
    --reporter spec --reporter-option maxDiffSize=0 2>&1 | tee .test/mocha.log
passed=$(sed -nE 's/^ *([0-9]+) passing.*/\1/p' .test/mocha.log)

# What a registry would get, as the two module systems and TypeScript see it.
rm -rf .test/pack && mkdir .test/pack
npm pack --silent --pack-destination .test/pack >/dev/null
tarball=$(echo "$here"/.test/pack/*.tgz)
"$bin/attw" --no-color "$tarball" >.test/attw.log || { cat .test/attw.log >&2; exit 1; }
"$bin/publint" --strict "$tarball" >.test/publint.log || { cat .test/publint.log >&2; exit 1; }
echo '  ✔ the package: attw and publint find nothing'
passed=$((passed + 2))

for nest in nest-10 nest-11; do
    smoke/run.sh "$nest" "$tarball"
    passed=$((passed + 1))
done
echo "nestjs-module: $passed passed, 0 failed"
