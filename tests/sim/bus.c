/* Messages between members: encoded as the engine's codec does it, carried by the sender's command
 * connection to the store and from there by the receivers' presence connections, each with its own
 * faults. It is the media and the runtime's routing in one, and decides nothing else. */
#include "world.h"

#include <string.h>

/* What is wrong with a stray message, by its `by`. */
enum { STRAY_FOREIGN, STRAY_LATER_VERSION, STRAY_LATER_KIND, STRAY_CUT_SHORT, STRAY_OLD };
enum { STRAY_OTHER_PRESENCE = 6 };

static bool encode(sim_world *w, const irx_message *message, sim_letter *letter)
{
    letter->length = irx_message_encode(message, letter->bytes, sizeof letter->bytes);
    if (letter->length == 0)
        sim_fail(w, SIM_INV_BOUNDS, "a message of kind %d has no room in %d bytes", message->kind,
                 IRX_MESSAGE_HEADER_MAX);
    return letter->length != 0;
}

static void post(sim_world *w, sim_post_kind kind, int who, int64_t after_ns,
                 const sim_letter *letter, irx_id process)
{
    sim_post *p = sim_send(w, kind, who, w->now_ns + after_ns);
    p->letter = *letter;
    p->id = process;
}

static bool repeats(sim_world *w, const sim_member *m, int64_t *late_ns)
{
    if (!sim_open(w, m, SIM_REPEAT) || sim_draw(&w->random, 2) != 0)
        return false;
    *late_ns = (int64_t)sim_draw(&w->random, (uint64_t)m->amount[SIM_REPEAT] + 1) * SIM_MS;
    return true;
}

/* The presence that a session is reached under: as its row says, or, where none came yet, the
 * record that it holds. */
static bool find_process(const sim_member *m, irx_id session, irx_id *process)
{
    for (size_t i = 0; i < m->row_count; i++) {
        if (irx_id_equal(m->rows[i].session, session)) {
            *process = m->rows[i].process;
            return true;
        }
    }
    *process = m->holder_process;
    return irx_id_equal(m->holder, session);
}

/* From a member to the store. */
void sim_bus_send(sim_world *w, int who, const irx_message *message)
{
    sim_member *m = &w->members[who];
    sim_letter letter;
    if (!encode(w, message, &letter))
        return;
    w->report->messages[message->kind]++;
    bool alive = m->up[IRX_CHANNEL_COMMAND] && !m->dead[IRX_CHANNEL_COMMAND];
    irx_id process = {0, 0};
    bool found = irx_id_none(message->to) || find_process(m, message->to, &process);
    w->report->dropped += found ? 0 : 1;
    if (!alive || !found || sim_request_lost(w, who))
        return;
    post(w, POST_SEND, who, sim_latency(w, who), &letter, process);
    int64_t late_ns;
    if (repeats(w, m, &late_ns))
        post(w, POST_SEND, who, sim_latency(w, who) + late_ns, &letter, process);
}

/* From the store to a member, as hints go. */
static void pass(sim_world *w, int who, const sim_letter *letter)
{
    sim_member *m = &w->members[who];
    bool alive = m->up[IRX_CHANNEL_PRESENCE] && !m->dead[IRX_CHANNEL_PRESENCE];
    if (!alive || sim_reply_lost(w, who))
        return;
    int64_t delay_ns = sim_latency(w, who);
    if (sim_open(w, m, SIM_HINTS)) {
        if (sim_draw(&w->random, 2) == 0)
            return;
        delay_ns += (int64_t)sim_draw(&w->random, (uint64_t)m->amount[SIM_HINTS] + 1) * SIM_MS;
    }
    post(w, POST_MESSAGE, who, delay_ns, letter, m->process);
    int64_t late_ns;
    if (repeats(w, m, &late_ns))
        post(w, POST_MESSAGE, who, delay_ns + late_ns, letter, m->process);
}

static bool is_session_of(const sim_member *m, irx_id session)
{
    return m->handle && irx_id_equal(irx_engine_session(m->engine), session);
}

/* What the store does with a message: to whom listens under a presence, or (none) to all others. */
static void deliver(sim_world *w, int sender, irx_id process, const sim_letter *letter)
{
    bool hushed = w->now_ns < w->hush_until_ns;
    if (hushed && (int64_t)sim_draw(&w->random, 100) < w->hush_percent)
        return;
    bool found = false;
    for (int i = 0; i < w->plan->members; i++) {
        bool meant =
            irx_id_none(process) ? i != sender : irx_id_equal(w->members[i].process, process);
        found = found || meant;
        if (meant)
            pass(w, i, letter);
    }
    if (!found)
        w->report->dropped++;
}

/* A message reaches the store. */
void sim_bus_serve(sim_world *w, const sim_post *post)
{
    if (w->now_ns < w->down_until_ns)
        return;
    sim_letter letter = post->letter;
    irx_id to = irx_message_to(letter.bytes, letter.length);
    if (irx_id_none(to) || !irx_id_none(post->id))
        deliver(w, post->member, irx_id_none(to) ? to : post->id, &letter);
}

/* The store has applied a RENEW. */
void sim_bus_beat(sim_world *w, int who, const irx_op *op)
{
    irx_message beat = {
        .kind = IRX_MESSAGE_BEAT,
        .from = op->session,
        .presence = irx_presence_digest(op->process),
        .token = {op->term, op->incarnation},
        .beat = op->beat,
        .hold_ns = op->hold_ns,
    };
    sim_letter letter;
    if (!encode(w, &beat, &letter))
        return;
    w->report->messages[IRX_MESSAGE_BEAT]++;
    deliver(w, who, (irx_id){0}, &letter);
}

/* A message reaches a running member: routed as the runtime does it. */
void sim_bus_take(sim_world *w, const sim_post *post)
{
    int who = post->member;
    const sim_member *m = &w->members[who];
    irx_input input = {.kind = IRX_IN_MESSAGE};
    irx_decoded decoded =
        irx_message_decode(post->letter.bytes, post->letter.length, &input.message);
    bool none = post->number > 0 && post->number - 1 < STRAY_OLD;
    if (none != (decoded != IRX_DECODED)) {
        sim_fail(w, SIM_INV_LATE, "a message %s", none ? "that is none passes for one" : "is lost");
        return;
    }
    irx_id session = irx_engine_session(m->engine);
    bool other = !irx_id_none(input.message.to) && !irx_id_equal(input.message.to, session);
    if (none || other || !m->handle || irx_id_equal(input.message.from, session)) {
        w->report->dropped++;
        return;
    }
    w->report->received++;
    if (post->number == 0)
        w->letters[w->letter_count++ % SIM_LETTERS] = post->letter;
    sim_check_message(w, who, &input);
}

/* ---- strays -----------------------------------------------------------------------------------
 */

/* One that came through before, or else the record's own beat. */
static bool some_letter(sim_world *w, sim_letter *letter)
{
    const irx_record *r = &w->ledger.record;
    if (w->letter_count > 0) {
        size_t kept = w->letter_count < SIM_LETTERS ? w->letter_count : SIM_LETTERS;
        *letter = w->letters[sim_draw(&w->random, kept)];
        return true;
    }
    irx_message beat = {
        .kind = IRX_MESSAGE_BEAT,
        .from = r->session,
        .presence = irx_presence_digest(r->process),
        .token = {r->term, r->incarnation},
        .beat = r->beat,
        .hold_ns = r->hold_ns,
    };
    return w->ledger.has_record && r->term != 0 && !irx_id_none(r->session) &&
           encode(w, &beat, letter);
}

static bool forge_presence(sim_world *w, sim_letter *letter)
{
    irx_message message;
    if (irx_message_decode(letter->bytes, letter->length, &message) != IRX_DECODED)
        return false;
    message.presence ^= 1 + (uint32_t)sim_draw(&w->random, 1000);
    return encode(w, &message, letter);
}

bool sim_bus_stray(sim_world *w, int who, int64_t by)
{
    sim_letter letter;
    if (!some_letter(w, &letter))
        return false;
    switch (by) {
    case STRAY_FOREIGN: letter.bytes[sim_draw(&w->random, 2)] ^= 0x20; break;
    case STRAY_LATER_VERSION: letter.bytes[2]++; break;
    case STRAY_LATER_KIND: letter.bytes[3] = IRX_MESSAGE_DATA + 1; break;
    case STRAY_CUT_SHORT: letter.length -= 1 + sim_draw(&w->random, letter.length); break;
    default:
        if (by >= STRAY_OTHER_PRESENCE && !forge_presence(w, &letter))
            return false;
        break;
    }
    irx_id to = irx_message_to(letter.bytes, letter.length);
    for (int i = 0; i < w->plan->members && !irx_id_none(to); i++)
        who = is_session_of(&w->members[i], to) ? i : who;
    if (!w->members[who].running)
        return false;
    sim_post *p = sim_send(w, POST_MESSAGE, who, w->now_ns + sim_latency(w, who));
    p->letter = letter;
    p->number = 1 + (uint64_t)by;
    return true;
}
