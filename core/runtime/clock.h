/* The only file that reads a clock. */
#ifndef IRX_CLOCK_H
#define IRX_CLOCK_H

#include <stdint.h>

int64_t irx__clock_boot_ns(void); /* goes on through suspend, never jumps */
int64_t irx__clock_wall_ns(void); /* Unix time */

#endif
