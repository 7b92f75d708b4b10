#!/usr/bin/env bash
# The programs in README.md run as they stand there, each alone in a directory of its own; NestJS's is
# compiled.
. "$(dirname "$0")/lib.sh"
needs 'core/medium/local*.c' build/libinterrex.a bindings/node/index.mjs \
    bindings/python/interrex/__init__.py nestjs-module/dist/index.d.ts

# In the checkout, so that `interrex` and `@interrex/nestjs` are found as a user's project finds them.
blocks=$root/build/readme
claim 'README.md has a program per language' scripts/readme_blocks.py README.md "$blocks"

# leads COMMAND...: the program ends well, and says that it led.
leads() {
    mkdir "$work/local"
    INTERREX_DIR=$work/local timeout 20 "$@" >"$work/output" 2>&1
    local status=$?
    cat "$work/output"
    rm -rf "$work/local"
    [ $status = 0 ] && grep -q 'leading, term [1-9]' "$work/output"
}
claim 'C: compiles' gcc -std=c11 -Wall -Wextra -Werror -Icore/include "$blocks/readme.c" \
    build/libinterrex.a -pthread -lm -ldl -o "$blocks/readme_c"
claim 'C: leads' leads "$blocks/readme_c"
claim 'Node.js: leads' leads node "$blocks/readme.mjs"
claim 'Python: leads' leads python "$blocks/readme.py"
claim 'NestJS: compiles' tsc --ignoreConfig --noEmit --strict --skipLibCheck --experimentalDecorators \
    --target es2022 --module node20 --types node "$blocks/readme.ts"
