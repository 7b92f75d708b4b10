/* The only file that reads a clock. */
#ifndef IRX_CLOCK_H
#define IRX_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t irx__clock_boot_ns(void); /* goes on through suspend, never jumps */
int64_t irx__clock_wall_ns(void); /* Unix time */

/* The moment `wait_ms` from now on CLOCK_MONOTONIC, which condition variables wait by. */
struct timespec irx__clock_wait_until(int64_t wait_ms);

#endif
