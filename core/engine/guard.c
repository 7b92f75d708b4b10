/* Two doubts about ourselves: was this machine paused or restored, and does the application still
 * live?
 *
 * A guest that was paused finds the wall clock ahead of the boot-time clock; it may even be one of
 * two copies of itself, so it becomes somebody new. A silent application under a live thread would
 * be a zombie leader. Backward steps of the wall clock mean nothing. */
#include "engine/internal.h"

void irx__guard_clock(irx_engine *e, int64_t passed_ns)
{
    const irx_input *input = e->input;
    int64_t forward_ns = input->wall_ns - e->wall_ns - passed_ns;
    e->wall_ns = input->wall_ns;
    /* Under the kernel's exclusion a pause takes nothing away, and the lock names the session. */
    if (e->options.kernel || forward_ns <= e->options.timeout_ns / 2) {
        return;
    }
    irx__trace(e, "the clock jumped %lld ms", (long long)(forward_ns / IRX__MILLISECOND_NS));
    if (irx__leads(e) && IRX__RULE(CLOCK_JUMP)) {
        irx__lead_end(e, IRX_REASON_CLOCK_JUMP);
    }
    if (IRX__RULE(CLOCK_NEW_SESSION)) {
        if (IRX__RULE(CLOCK_STIRS)) {
            irx__random_stir(e, (uint64_t)input->wall_ns); /* what copies do not share */
        }
        irx__new_session(e);
        irx__connections_drop(e, IRX_CHANNEL_PRESENCE);
    }
}

void irx__guard_host(irx_engine *e)
{
    if (e->options.stall_limit_ns == 0) {
        return;
    }
    int64_t stalled_at_ns = e->input->pulse_ns + e->options.stall_limit_ns;
    bool stalled = e->now_ns >= stalled_at_ns;
    if (!stalled) {
        irx__want(e, stalled_at_ns);
    }
    if (stalled == e->stalled) {
        return;
    }
    e->stalled = stalled && IRX__RULE(STALLED_RESTS);
    irx__trace(e, stalled ? "the host is silent" : "the host lives again");
    if (stalled && irx__leads(e) && IRX__RULE(HOST_STALLED)) {
        irx__lead_end(e, IRX_REASON_HOST_STALLED);
    }
    irx__publish(e);
}
