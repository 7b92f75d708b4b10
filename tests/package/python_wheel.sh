#!/usr/bin/env bash
# The Python package: the source archive builds by itself, the wheel serves every CPython from 3.11 on
# (abi3) and imports in an environment of its own.
. "$(dirname "$0")/lib.sh"
needs bindings/python/interrex/__init__.py 'bindings/python/interrex/*.so'

claim 'the source archive' bash -c '
    python -c "import setuptools.build_meta as b, sys; b.build_sdist(sys.argv[1])" "$1"' - "$work"
archive=$(find "$work" -name 'interrex-*.tar.gz')
listing=$(tar -tf "$archive")
for file in core/sources.txt third_party/libev/ev.c third_party/hiredis/COPYING scripts/embed.py \
    core/medium/postgres/schema.sql bindings/python/interrex/py.typed; do
    claim "it has $file" grep -qE "^interrex-[^/]+/$file\$" <<<"$listing"
done
claim 'a wheel builds from it' pip wheel --quiet --no-build-isolation --no-deps --wheel-dir "$work" \
    "$archive"
wheel=$(find "$work" -name '*.whl')
claim 'it is an abi3 wheel' bash -c '[[ "$1" == *-cp311-abi3-* ]]' - "$wheel"
claim 'it carries types and licences, and no C' python - "$wheel" <<'PY'
import sys
import zipfile

names = zipfile.ZipFile(sys.argv[1]).namelist()
assert "interrex/py.typed" in names, names
assert any(name.endswith(".pyi") for name in names), names
assert any(name.endswith("COPYING") for name in names), names
assert not any(name.endswith((".c", ".h")) for name in names), names
PY
claim 'a fresh environment' python3 -m venv "$work/venv"
claim 'the wheel installs' "$work/venv/bin/pip" install --quiet --no-index "$wheel"
cd "$work" || exit 1
claim 'and imports' "$work/venv/bin/python" -c 'import interrex; interrex.Election'
claim 'with the SQL in it' "$work/venv/bin/python" -c \
    'import interrex; assert "CREATE TABLE" in interrex.schema()'
claim 'and without any need of libpq' bash -c '! readelf -d "$1" | grep NEEDED | grep -q libpq' - \
    "$(find "$work/venv" -name '_interrex*.so')"
