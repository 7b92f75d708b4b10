#!/usr/bin/env bash
# One version, wherever it is written.
. "$(dirname "$0")/lib.sh"

version=$(sed -nE 's/^project\(interrex VERSION ([^ ]+).*/\1/p' CMakeLists.txt)
claim "CMakeLists.txt names a version ($version)" test -n "$version"
claim 'package.json has it' grep -q "\"version\": \"$version\"" package.json
claim 'nestjs-module/package.json has it' grep -q "\"version\": \"$version\"" nestjs-module/package.json
claim 'pyproject.toml has it' grep -qx "version = \"$version\"" pyproject.toml
claim 'interrex.h has it' grep -q "IRX_VERSION \"$version\"" core/include/interrex.h
claim 'CHANGELOG.md has a section for it' grep -qE "^## \[($version|Unreleased)\]" CHANGELOG.md
claim 'package-lock.json names no registry' bash -c '! grep -qE "\"resolved\": \"http" package-lock.json'
claim 'requirements-dev.txt names no registry' bash -c '! grep -qE "index-url|https?:" requirements-dev.txt'
