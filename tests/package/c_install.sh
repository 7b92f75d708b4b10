#!/usr/bin/env bash
# What `cmake --install` leaves can be used by a stranger's program: through find_package and
# pkg-config, static and shared, with the public headers alone, from C and from C++.
. "$(dirname "$0")/lib.sh"
needs build/libinterrex.so 'core/runtime/election*.c'

prefix=$work/prefix
claim 'cmake --install' cmake --install build --prefix "$prefix"

mkdir "$work/consumer"
cat >"$work/consumer/main.c" <<'C'
#include <interrex.h>
#include <stdio.h>

int main(void)
{
    irx_options *options = irx_options_new();
    irx_error error;
    irx_election *election = NULL;
    if (irx_options_set(options, "name", "consumer") != 0 ||
        irx_election_open(&election, "memory:", options, &error) != 0)
        return 1;
    int leads = irx_election_is_leader(election);
    irx_election_close(election);
    irx_options_free(options);
    puts(IRX_VERSION);
    return leads;
}
C
cp "$work/consumer/main.c" "$work/consumer/main.cpp"
cat >"$work/consumer/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(consumer LANGUAGES C)
find_package(interrex 0.1 REQUIRED)
foreach(kind interrex static shared)
  add_executable(with_${kind} main.c)
  target_link_libraries(with_${kind} PRIVATE interrex::${kind})
endforeach()
CMAKE
claim 'find_package(interrex) configures' cmake -S "$work/consumer" -B "$work/consumer/build" \
    -G Ninja -DCMAKE_PREFIX_PATH="$prefix"
claim 'a consumer builds' ninja -C "$work/consumer/build"
for kind in interrex static shared; do
    claim "a consumer of interrex::$kind runs" "$work/consumer/build/with_$kind"
done

libdir=$(dirname "$(find "$prefix" -name interrex.pc)")
export PKG_CONFIG_PATH=$libdir
# shellcheck disable=SC2046 # the flags are words
{
    claim 'pkg-config, shared' gcc "$work/consumer/main.c" -o "$work/shared" \
        $(pkg-config --cflags --libs interrex)
    claim 'it runs' env LD_LIBRARY_PATH="$libdir/.." "$work/shared"
    claim 'pkg-config, static' gcc "$work/consumer/main.c" -o "$work/static" \
        $(pkg-config --cflags interrex) "$libdir/../libinterrex.a" \
        $(pkg-config --static --libs-only-other --libs-only-l interrex | sed 's/-linterrex//')
    claim 'it runs' "$work/static"
    claim 'the headers serve C++' g++ -Wall -Wextra -Werror "$work/consumer/main.cpp" -o "$work/cpp" \
        $(pkg-config --cflags --libs interrex)
}

exported() { nm -D --defined-only "$libdir/../libinterrex.so" | awk '$2 ~ /[TDBR]/ { print $3 }'; }
claim 'the shared library exports irx_ names and nothing else' \
    bash -c '! grep -vE "^irx_[a-z]" <<<"$1"' - "$(exported)"
# Another hiredis or libev in the application must not meet ours.
claim 'and so does the static one' bash -c \
    '! nm -g --defined-only "$1" | awk "NF == 3 { print \$3 }" | grep -vE "^irx_[a-z]"' \
    - "$libdir/../libinterrex.a"
claim 'every public function is exported' bash -c '
    names=$(cat core/include/*.h | tr "\n" " " | grep -oE "IRX_API [^;(]*\(" |
        grep -oE "irx_\w+\(" | tr -d "(")
    for name in $names; do grep -qx "$name" <<<"$1" || { echo "$name is missing"; exit 1; }; done' \
    - "$(exported)"
