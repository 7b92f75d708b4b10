/* Which numbers are safe together. Decides only that; reading text into numbers is the runtime's.
 */
#include "engine/internal.h"

#include <stdio.h>

static int refuse(irx_error *error, const char *option, int64_t value_ns, const char *rule)
{
    if (error != NULL) {
        error->code = IRX_ECONFIG;
        snprintf(error->text, sizeof error->text, "option %s: %lld ms is %s", option,
                 (long long)(value_ns / IRX__MILLISECOND_NS), rule);
    }
    return IRX_ECONFIG;
}

int irx_engine_options_check(const irx_engine_options *o, irx_error *error)
{
    const int64_t second_ns = 1000 * IRX__MILLISECOND_NS;
    if (o->protocol == IRX_PROTOCOL_QUORUM && o->kernel) {
        if (error != NULL) {
            error->code = IRX_ECONFIG;
            snprintf(error->text, sizeof error->text,
                     "option protocol: quorum has no meaning where the kernel excludes a second "
                     "leader: use lease");
        }
        return IRX_ECONFIG;
    }
    if (o->heartbeat_ns < 10 * IRX__MILLISECOND_NS || o->heartbeat_ns > 60 * second_ns) {
        return refuse(error, "heartbeat", o->heartbeat_ns,
                      "out of range: it must be from 10 ms to 60 s");
    }
    if (o->timeout_ns > 600 * second_ns) {
        return refuse(error, "timeout", o->timeout_ns, "out of range: it must be at most 10 min");
    }
    if (o->timeout_ns < 3 * o->heartbeat_ns) {
        return refuse(error, "timeout", o->timeout_ns,
                      "unsafe: it must be at least three heartbeats");
    }
    if (o->probe_ns < 5 * IRX__MILLISECOND_NS || o->probe_ns > 60 * second_ns) {
        return refuse(error, "probe", o->probe_ns, "out of range: it must be from 5 ms to 60 s");
    }
    if (o->drain_limit_ns < 0 || o->drain_limit_ns > 3600 * second_ns) {
        return refuse(error, "drain_limit", o->drain_limit_ns,
                      "out of range: it must be from 0 to 1 h");
    }
    if (o->stall_limit_ns < 0 || (o->stall_limit_ns > 0 && o->stall_limit_ns < o->heartbeat_ns)) {
        return refuse(error, "stall_limit", o->stall_limit_ns,
                      "out of range: it must be 0 (never) or at least one heartbeat");
    }
    if (o->drift_ppm > 100000) {
        if (error != NULL) {
            error->code = IRX_ECONFIG;
            snprintf(error->text, sizeof error->text,
                     "option drift: %u ppm is out of range: it must be at most 0.1 (100000 ppm)",
                     (unsigned)o->drift_ppm);
        }
        return IRX_ECONFIG;
    }
    return 0;
}
