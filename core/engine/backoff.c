/* Random numbers from the seed, and how long to wait after a failure: full jitter, from the first
 * retry on.
 *
 * Decides only durations. Elections that share a connection are given the same draw for it, so that
 * a thousand of them knock once. */
#include "engine/internal.h"

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* xoshiro256** (Blackman and Vigna, 2018). */
uint64_t irx__random_next(irx_engine *e)
{
    uint64_t *s = e->random;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

/* From here on another sequence. */
void irx__random_stir(irx_engine *e, uint64_t with)
{
    e->random[1] ^= with;
    e->random[0] |= 1;
    for (int i = 0; i < 16; i++) {
        irx__random_next(e);
    }
}

irx_id irx__random_session(irx_engine *e)
{
    irx_id id;
    do {
        id.hi = irx__random_next(e);
        id.lo = irx__random_next(e);
    } while (irx_id_none(id));
    return id;
}

/* Uniform in (0, window]; the window doubles from 20 ms up to min(timeout, 5 s). */
int64_t irx__backoff(const irx_engine *e, uint32_t attempt, uint64_t draw)
{
    int64_t cap = 5000 * IRX__MILLISECOND_NS;
    if (e->options.timeout_ns < cap) {
        cap = e->options.timeout_ns;
    }
    int64_t window = 20 * IRX__MILLISECOND_NS;
    for (uint32_t i = 1; i < attempt && window < cap; i++) {
        window *= 2;
    }
    if (window > cap) {
        window = cap;
    }
    return 1 + (int64_t)(draw % (uint64_t)window);
}
