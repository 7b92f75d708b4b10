/* Answers "am I the leader?" in the caller's thread, and takes the application's word about its
 * leadership. The answers need no other thread: past the deadline they are no, even if the loop
 * thread stands still. */
#include "runtime/election.h"

#include "runtime/clock.h"

enum { PULSE_EVERY_NS = 1000000 };

/* A cache line is written at most once a millisecond, however often the application asks. */
void irx__pulse(irx_election *e, int64_t now_ns)
{
    if (e->options.stall_limit_ns == 0)
        return;
    int64_t last_ns = atomic_load_explicit(&e->pulse_ns, memory_order_relaxed);
    if (now_ns - last_ns >= PULSE_EVERY_NS)
        atomic_store(&e->pulse_ns, now_ns);
    if (atomic_load(&e->snapshot.stalled) && !atomic_exchange(&e->wake_asked, true))
        irx__loop_poke(e->loop, e);
}

int irx__enter(irx_election *e)
{
    if (!e)
        return IRX_ESTATE;
    if (atomic_load(&e->forked))
        return IRX_EFORKED;
    irx__pulse(e, irx__clock_boot_ns());
    return 0;
}

/* The deadline is loaded before the clock is read: at the time of that reading it still held. */
bool irx_election_is_leader(irx_election *e)
{
    int64_t until_ns = atomic_load(&e->snapshot.leader_until_ns);
    int64_t now_ns = irx__clock_boot_ns();
    if (!atomic_load_explicit(&e->forked, memory_order_relaxed))
        irx__pulse(e, now_ns);
    return now_ns < until_ns;
}

static bool has_left(int64_t until_ns, int64_t now_ns, int64_t need_ms)
{
    if (now_ns >= until_ns)
        return false;
    return until_ns == IRX_NEVER || need_ms <= 0 || (until_ns - now_ns) / 1000000 >= need_ms;
}

static bool answer(irx_election *e, bool draining_too, int64_t need_ms, irx_token *token)
{
    irx__view view = irx__snapshot_read(&e->snapshot);
    int64_t now_ns = irx__clock_boot_ns();
    if (!atomic_load_explicit(&e->forked, memory_order_relaxed))
        irx__pulse(e, now_ns);
    int64_t until_ns = draining_too ? view.valid_until_ns : view.leader_until_ns;
    if (!has_left(until_ns, now_ns, need_ms))
        return false;
    if (token)
        *token = view.token;
    return true;
}

bool irx__holds(const irx_election *e, irx_token *token)
{
    irx__view view = irx__snapshot_read(&e->snapshot);
    if (irx__clock_boot_ns() >= view.valid_until_ns)
        return false;
    if (token)
        *token = view.token;
    return true;
}

bool irx_election_check(irx_election *e, int64_t need_ms, irx_token *token)
{
    return answer(e, true, need_ms, token);
}

bool irx_election_leads(irx_election *e, int64_t need_ms, irx_token *token)
{
    return answer(e, false, need_ms, token);
}

/* ---- work -------------------------------------------------------------------------------------
 */

static void wake_if_draining(irx_election *e)
{
    if (atomic_load(&e->snapshot.role) != IRX_ROLE_DRAINING)
        return;
    atomic_store(&e->wake_asked, true);
    irx__loop_poke(e->loop, e);
}

/* Counts first and looks then; the loop publishes first and counts then. One of the two sees the
 * other. */
int irx_election_work_begin(irx_election *e, irx_token *token)
{
    int failed = irx__enter(e);
    if (failed)
        return failed;
    atomic_fetch_add(&e->work, 1);
    if (answer(e, false, 0, token))
        return 0;
    irx_election_work_end(e);
    return IRX_ENOTLEADER;
}

void irx_election_work_end(irx_election *e)
{
    if (irx__enter(e))
        return;
    uint32_t work = atomic_load(&e->work);
    while (work > 0 && !atomic_compare_exchange_weak(&e->work, &work, work - 1))
        continue; /* an end without a beginning counts for nothing */
    if (work == 1)
        wake_if_draining(e);
}

/* ---- giving it up -----------------------------------------------------------------------------
 */

/* From here on is_leader is false; the loop thread says it to the engine. */
static int give_up(irx_election *e, irx_id successor)
{
    irx_token token;
    pthread_mutex_lock(&e->lock);
    bool leads = answer(e, false, 0, &token);
    if (leads) {
        e->give_up_asked = true;
        e->give_up_term = token.term;
        e->give_up_to = successor;
        irx__snapshot_withhold(&e->snapshot);
    }
    pthread_mutex_unlock(&e->lock);
    if (!leads)
        return IRX_ENOTLEADER;
    irx__loop_poke(e->loop, e);
    return 0;
}

int irx_election_resign(irx_election *e)
{
    int failed = irx__enter(e);
    return failed ? failed : give_up(e, (irx_id){0, 0});
}

static bool is_other_candidate(irx_election *e, irx_id session)
{
    bool found = false;
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < e->member_count && !irx_id_none(session); i++) {
        if (irx_id_equal(e->members[i].session, session))
            found = e->members[i].candidate && !irx_id_equal(session, e->session);
    }
    pthread_mutex_unlock(&e->lock);
    return found;
}

int irx_election_transfer(irx_election *e, irx_id session)
{
    int failed = irx__enter(e);
    if (failed)
        return failed;
    if (!irx_election_leads(e, 0, NULL))
        return IRX_ENOTLEADER;
    return is_other_candidate(e, session) ? give_up(e, session) : IRX_ENOMEMBER;
}

void irx_election_pulse(irx_election *e)
{
    irx__enter(e);
}
