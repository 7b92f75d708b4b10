#!/usr/bin/env bash
# The check of the architecture's rules can fail: for every rule, a planted violation is found, and
# what merely looks like one is not.
. "$(dirname "$0")/lib.sh"

planted() { # planted RULE FILE TEXT: this text in this file breaks this rule
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$2")"
    printf '%s\n' "$3" >"$work/tree/$2"
    refused "$1: $2: $3" ": $1: " scripts/check_rules.py "$work/tree"
}

harmless() { # harmless FILE TEXT
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$1")"
    printf '%s\n' "$2" >"$work/tree/$1"
    claim "harmless: $1: $2" scripts/check_rules.py "$work/tree"
}

planted 'one clock' core/runtime/loop.c 'clock_gettime(CLOCK_BOOTTIME, &t);'
planted 'one clock' core/medium/redis.c 'double t = ev_now(loop);'
planted 'one clock' core/engine/lease.c 'srand(time(NULL));'
planted 'one clock' bindings/node/addon.cc 'auto t = std::chrono::steady_clock::now();'
planted 'one clock' bindings/node/election.js 'const t = Date.now()'
planted 'one clock' bindings/python/interrex/aio.py 'deadline = time.monotonic() + 1'
planted 'one clock' bindings/python/interrex/aio.py 'from time import monotonic'
planted 'one clock' nestjs-module/src/service.ts 'const t = performance.now();'
planted 'pure engine: includes' core/engine/lease.c '#include <ev.h>'
planted 'pure engine: includes' core/engine/lease.c '#include <unistd.h>'
planted 'pure engine: includes' core/engine/lease.c '#include "runtime/clock.h"'
planted 'pure engine: calls' core/engine/lease.c 'x = malloc(1);'
planted 'pure engine: calls' core/engine/lease.c 'printf("leader\n");'
planted 'media decide nothing: timers' core/medium/redis.c 'ev_timer_start(loop, &m->again);'
planted 'media decide nothing: timers' core/medium/local.c 'usleep(1000);'
planted 'media decide nothing: roles' core/medium/redis.c 'if (role == IRX_ROLE_LEADER) claim();'
planted 'media decide nothing: roles' core/medium/redis.c 'retry_later(m);'
planted 'bindings decide nothing: roles' bindings/node/election.js "if (this.role === 'leader') run()"
planted 'bindings decide nothing: roles' bindings/python/interrex/_x.c 'if (s.role == IRX_ROLE_LEADER)'
planted 'bindings decide nothing: retries' bindings/python/interrex/aio.py 'await asyncio.sleep(1)'
planted 'bindings decide nothing: retries' nestjs-module/src/module.ts 'this.retries += 1;'
planted 'scripts have files of their own' core/medium/redis.c 'c = "return redis.call(1)";'
planted 'scripts have files of their own' core/medium/postgres.c 'q = "SELECT term FROM record";'

harmless core/runtime/clock.c 'clock_gettime(CLOCK_BOOTTIME, &t);'
harmless core/medium/redis.c '/* no retry here: time(NULL) is not ours */ ev_timer_start(l, &c->deadline);'
harmless core/engine/lease.c '#include "engine/internal.h"'
harmless bindings/node/error.js "message = 'not reachable; the engine will retry'"
