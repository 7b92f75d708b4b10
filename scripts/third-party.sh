#!/usr/bin/env bash
# Brings hiredis and libev, the two libraries compiled into Interrex, into third_party/ (ignored by
# git). Both come through a package client, from packages that carry their sources unchanged; each
# archive is pinned by its sha256. CMake, binding.gyp and setup.py all compile this one copy.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

hiredis_package=redis-fast-driver@2.2.6 # npm; hiredis 1.2.0 with its adapters
hiredis_sha256=861baef471f15919da7f0cff7e74fc98c5aa9164791763956c85c195756dff56
libev_package=gevent==25.9.1 # PyPI; libev 4.33
libev_sha256=adf9cd552de44a4e6754c51ff2e78d9193b7fa6eab123db9578a210e657235dd

pins="$hiredis_package $hiredis_sha256 $libev_package $libev_sha256"
[ "$(cat third_party/.pins 2>/dev/null)" = "$pins" ] && exit 0

mkdir -p third_party
work=$(mktemp -d third_party/.fetch.XXXXXX)
work=$root/$work
trap 'rm -rf "$work"' EXIT

checked() { # checked FILE SHA256: stops unless the file is exactly the one that was reviewed
    echo "$2  $1" | sha256sum --check --status ||
        { echo "third-party: $(basename "$1") is not the pinned archive (sha256 differs)" >&2; exit 1; }
}

echo "third-party: hiredis from $hiredis_package"
archive=$(cd "$work" && npm pack --silent --ignore-scripts "$hiredis_package")
checked "$work/$archive" "$hiredis_sha256"
tar -C "$work" -xf "$work/$archive" package/deps/hiredis

# pip asks a source archive for its metadata before it keeps it, which means running the archive's
# build. We want the file alone, so this stand-in for setuptools answers instead: nothing of the
# archive runs, and its build dependencies are not fetched.
echo "third-party: libev from $libev_package"
mkdir -p "$work/answer/setuptools" "$work/sdist"
touch "$work/answer/setuptools/__init__.py"
cat >"$work/answer/setuptools/build_meta.py" <<'PY'
import os
import pathlib


def prepare_metadata_for_build_wheel(directory, settings=None):
    name, version = os.environ["SDIST"].split("==")
    info = pathlib.Path(directory, f"{name}-{version}.dist-info")
    info.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(text)
    return info.name
PY
SDIST=$libev_package PYTHONPATH="$work/answer" python3 -m pip download --quiet --no-deps \
    --no-binary :all: --no-build-isolation --dest "$work/sdist" "$libev_package"
archive=$(echo "$work"/sdist/*.tar.gz)
checked "$archive" "$libev_sha256"
tar -C "$work" -xf "$archive" --wildcards '*/deps/libev/*'

rm -rf third_party/hiredis third_party/libev
mv "$work/package/deps/hiredis" third_party/hiredis
mv "$work"/gevent-*/deps/libev third_party/libev
echo "$pins" >third_party/.pins
