#!/usr/bin/env bash
# The npm package: what is in it, how it resolves under every module system, and that it builds and
# loads outside this checkout.
. "$(dirname "$0")/lib.sh"
needs bindings/node/index.js build/Release/interrex.node

claim 'npm pack' bash -c 'npm pack --silent --ignore-scripts --pack-destination "$1"' - "$work"
archive=$(find "$work" -name 'interrex-*.tgz')
listing=$(tar -tf "$archive")
for file in bindings/node/index.js bindings/node/index.mjs bindings/node/index.d.ts \
    bindings/node/index.d.mts bindings/node/schema.js bindings/node/compat/node-raft-redis.js \
    bindings/node/compat/node-raft-redis.mjs bindings/node/compat/node-raft-redis.d.ts \
    bindings/node/compat/node-raft-redis.d.mts binding.gyp core/sources.txt core/medium/postgres/schema.sql \
    third_party/libev/ev.c third_party/libev/LICENSE third_party/hiredis/COPYING LICENSE THIRD_PARTY.md README.md; do
    claim "the package has $file" grep -qx "package/$file" <<<"$listing"
done
claim 'it has no tests and no built files' bash -c '! grep -E "^package/(tests|build|nestjs)" <<<"$1"' \
    - "$listing"
claim 'publint' publint --strict "$archive"
claim 'types resolve from node16 and bundlers' attw --profile node16 --no-emoji "$archive"

# A stranger's project: the package with its own dependency, built by hand as the README says.
mkdir -p "$work/app/node_modules/interrex"
tar -C "$work/app/node_modules/interrex" --strip-components=1 -xf "$archive"
cp -r node_modules/node-addon-api "$work/app/node_modules/"
cd "$work/app" || exit 1
refused 'without the addon, loading names the command that builds it' node-gyp \
    node -e 'require("interrex")'
nodedir=$(node -p 'require("path").resolve(process.execPath, "../..")')
claim 'the addon builds from the package alone' bash -c 'cd node_modules/interrex &&
    node-gyp rebuild --nodedir "$1" --python "$(command -v python3)" --jobs max' - "$nodedir"
claim 'require' node -e 'if (typeof require("interrex").Election !== "function") process.exit(1)'
claim 'import' node --input-type=module -e \
    'import { Election } from "interrex"; if (typeof Election !== "function") process.exit(1)'
claim 'the stand-in for node-raft-redis' node --input-type=module -e \
    'import { Candidate } from "interrex/compat/node-raft-redis"; new Candidate({ redis: {} })'
claim 'the SQL is in the addon' node -e \
    'if (!/CREATE TABLE/.test(require("interrex").schema())) process.exit(1)'
claim 'the addon needs no libpq to load' bash -c '! readelf -d "$1" | grep NEEDED | grep -q libpq' \
    - node_modules/interrex/build/Release/interrex.node
claim 'the addon exports only what Node looks for' bash -c '
    ! nm -D --defined-only "$1" | awk "\$2 == \"T\" { print \$3 }" |
        grep -vE "^(napi_register_module_v1|node_api_module_get_api_version_v1|irx_[a-z]\w*)$"' \
    - node_modules/interrex/build/Release/interrex.node
