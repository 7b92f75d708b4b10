/* Reads the clocks: the boot-time clock that leases count, the wall clock, and the monotonic clock
 * that condition variables wait by. No other file may read a clock, and this one decides nothing
 * with them. */
#include "runtime/clock.h"

#include <assert.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec at;
    int failed = clock_gettime(clock, &at);
    assert(!failed);
    (void)failed;
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

int64_t irx__clock_boot_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

int64_t irx__clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

struct timespec irx__clock_wait_until(int64_t wait_ms)
{
    int64_t at_ns = read_ns(CLOCK_MONOTONIC) + wait_ms * 1000000;
    return (struct timespec){.tv_sec = (time_t)(at_ns / 1000000000),
                             .tv_nsec = (long)(at_ns % 1000000000)};
}
