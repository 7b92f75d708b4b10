#!/usr/bin/env bash
# The npm package @interrex/nestjs: what is in it and how it resolves.
. "$(dirname "$0")/lib.sh"
needs nestjs-module/dist/index.js

claim 'npm pack' bash -c 'npm pack --silent --ignore-scripts -w nestjs-module --pack-destination "$1"' \
    - "$work"
archive=$(find "$work" -name 'interrex-nestjs-*.tgz')
listing=$(tar -tf "$archive")
for file in dist/index.js dist/index.d.ts index.mjs index.d.mts; do
    claim "the package has $file" grep -qx "package/$file" <<<"$listing"
done
claim 'it has no sources and no tests' bash -c '! grep -E "^package/(src|test)" <<<"$1"' - "$listing"
claim 'publint' publint --strict "$archive"
claim 'types resolve from node16 and bundlers' attw --profile node16 --no-emoji "$archive"
