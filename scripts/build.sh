#!/usr/bin/env bash
# Builds everything, again only what changed. scripts/bootstrap.sh must have run before.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
jobs=$(nproc)

# Two builds in one directory would overwrite each other's half-written files.
exec 9>.toolchain/lock
flock 9

# ---- the C library, its tests, benchmarks and examples ---------------------------------------------

echo 'build: C library'
[ -f build/build.ninja ] || cmake -S . -B build -G Ninja --log-level=WARNING
NINJA_STATUS='C [%f/%t] ' ninja -C build -j "$jobs" --quiet | { grep -v 'no work to do' || true; }

# ---- the Node addon ----------------------------------------------------------------------------------

# node-gyp looks at binding.gyp alone to decide what to compile, and we know no server to fetch headers
# from: both are settled here.
node_addon() {
    local stamp=build/.node-stamp want nodedir log=build/node-gyp.log
    nodedir=$(node -p 'require("path").resolve(process.execPath, "../..")')
    want=$(
        node --version
        cat binding.gyp core/sources.txt core/third_party.txt package-lock.json
        find bindings/node core/medium -name '*.cc' -o -name '*.lua' -o -name '*.sql' | sort
    )
    want=$(sha256sum <<<"$want")
    local gyp=(node-gyp --nodedir "$nodedir" --python "$(command -v python3)" --loglevel error)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
        "${gyp[@]}" configure >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
        echo "$want" >"$stamp"
    fi
    "${gyp[@]}" build --jobs "$jobs" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}
if compgen -G 'bindings/node/*.cc' >/dev/null; then
    echo 'build: Node addon'
    node_addon
fi

# ---- the Python extension ------------------------------------------------------------------------------

# Installed once in editable form, so that `import interrex` works in .venv; after that only the
# extension is compiled anew.
python_extension() {
    local stamp=.venv/.python-stamp want log=build/python.log
    want=$(cat setup.py pyproject.toml core/sources.txt | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
        pip install --quiet --no-build-isolation --no-deps --editable . >"$log" 2>&1 ||
            { cat "$log" >&2; exit 1; }
        echo "$want" >"$stamp"
    fi
    python setup.py --quiet build_clib build_ext --inplace >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}
if compgen -G 'bindings/python/interrex/*.c' >/dev/null; then
    echo 'build: Python extension'
    python_extension
fi

# ---- the Nest module -------------------------------------------------------------------------------------

if compgen -G 'nestjs-module/src/*.ts' >/dev/null; then
    echo 'build: Nest module'
    npm run --silent build -w nestjs-module
fi
