/* The life of a handle: open, start, stop, close. It says what the application wants and lets the
 * loop thread do it; it must never touch what is the loop thread's own but by a call on that
 * thread. */
#include "runtime/election.h"

#include "runtime/clock.h"
#include "runtime/drive.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

enum { CLOSE_LIMIT_MS = 50, PENDING_MAX = 64 };

/* ---- open -------------------------------------------------------------------------------------
 */

/* No URL: $INTERREX_URL, else this host's directory, which is worth a warning. */
static int choose_url(const char *url, irx_url *parsed, bool *assumed, irx_error *error)
{
    *assumed = false;
    if (url)
        return irx__url_parse(url, parsed, error);
    url = getenv("INTERREX_URL");
    if (url && *url == '\0')
        return irx__error_set(error, IRX_ECONFIG,
                              "INTERREX_URL is set but empty: it must say where the election is "
                              "held, as in redis://localhost or local:");
    *assumed = !url;
    return irx__url_parse(url ? url : "local:", parsed, error);
}

static int configure(irx_election *e, const char *url, const irx_options *options, bool *assumed,
                     irx_error *error)
{
    if (!options)
        return irx__error_set(error, IRX_ECONFIG, "options are missing: name, at least, is needed");
    if (options->error.code) {
        if (error)
            *error = options->error;
        return options->error.code;
    }
    e->settings = options->settings;
    int failed = choose_url(url, &e->url, assumed, error);
    if (failed)
        return failed;
    e->class = irx__medium_find(e->url.scheme);
    if (!e->class)
        return irx__error_set(error, IRX_EUNSUPPORTED,
                              "url \"%s\": %s: is not built into this version", e->url.shown,
                              e->url.scheme);
    failed = irx__options_resolve(&e->settings, e->class, &e->options, error);
    if (failed)
        return failed;
    bool fast = e->options.takeover == IRX_TAKEOVER_FAST;
    atomic_store(&e->guarantee, fast ? e->class->guarantee_fast : e->class->guarantee_safe);
    if (e->settings.label[0] == '\0')
        irx__default_label(e->settings.label);
    return 0;
}

static void free_shared(irx_election *e)
{
    irx__courier_free(&e->courier);
    irx__doubts_free(&e->doubts);
    free(e->members);
    free(e->value);
    if (e->value_event)
        irx_event_free(&e->value_event->event);
    free(e->seat.members);
    free(e->seat.metas);
    free(e->seat.value);
    free(e->engine);
    free(e);
}

static irx_election *allocate(void)
{
    irx_election *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->engine = malloc(irx_engine_size());
    if (!e->engine || irx__events_init(&e->events)) {
        free_shared(e);
        return NULL;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->quiet_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&e->lock, NULL);
    irx__snapshot_init(&e->snapshot);
    irx__recorder_init(&e->recorder);
    e->start_deadline_ns = IRX_NEVER;
    return e;
}

static void release(irx_election *e)
{
    irx__events_free(&e->events);
    irx__recorder_free(&e->recorder);
    irx__snapshot_free(&e->snapshot);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->quiet_changed);
    free_shared(e);
}

/* In a child: locks and waiters belong to threads that were left in the parent. */
static void release_forked(irx_election *e)
{
    irx__events_free_forked(&e->events);
    irx__recorder_free_forked(&e->recorder);
    free_shared(e);
}

typedef struct attachment {
    irx_election *election;
    irx_error *error;
} attachment;

static int attach(void *argument)
{
    attachment *what = argument;
    irx_election *e = what->election;
    e->due.at_ns = IRX_NEVER;
    if (irx__heap_add(&e->loop->deadlines, &e->due))
        return irx__error_set(what->error, IRX_ENOMEM, "no memory for an election");
    int failed = irx__hub_join(e, what->error);
    if (failed)
        irx__heap_remove(&e->loop->deadlines, &e->due);
    return failed;
}

static int detach(void *argument)
{
    irx_election *e = argument;
    irx__heap_remove(&e->loop->deadlines, &e->due);
    irx__hub_leave(e);
    irx__loop_empty_inbox(e->loop);
    return 0;
}

static void prepare_engine(irx_election *e)
{
    uint64_t seed[4];
    irx__random(seed, sizeof seed);
    e->options.phase_ns = e->loop->phase_ns % e->options.heartbeat_ns;
    irx_engine_init(e->engine, &e->options, seed);
    memcpy(e->seat.name, e->settings.name, sizeof e->seat.name);
    memcpy(e->seat.label, e->settings.label, sizeof e->seat.label);
    e->seat.owner = e;
    e->seat.meta = e->meta;
    e->seat.meta_length = strlen(e->settings.meta);
    memcpy(e->meta, e->settings.meta, e->seat.meta_length);
    atomic_store(&e->pulse_ns, irx__clock_boot_ns());
}

static void warn_of_assumption(irx_election *e)
{
    irx_event event = {.kind = IRX_WARNING};
    irx__error_set(&event.error, IRX_ECONFIG,
                   "no url given and INTERREX_URL is not set: the election is held on this host "
                   "alone (local:)");
    irx__events_push(&e->events, &event);
}

int irx_election_open(irx_election **election, const char *url, const irx_options *options,
                      irx_error *error)
{
    if (error)
        *error = (irx_error){0};
    if (!election)
        return irx__error_set(error, IRX_ECONFIG, "there is no place to put the election");
    *election = NULL;
    irx_election *e = allocate();
    if (!e)
        return irx__error_set(error, IRX_ENOMEM, "no memory for an election");
    bool assumed = false;
    int failed = configure(e, url, options, &assumed, error);
    if (!failed)
        failed = irx__runtime_enter(e, error);
    if (failed) {
        release(e);
        return failed;
    }
    prepare_engine(e);
    failed = irx__loop_call(e->loop, attach, &(attachment){e, error});
    if (failed) {
        irx__runtime_leave(e);
        release(e);
        return failed;
    }
    if (assumed)
        warn_of_assumption(e);
    *election = e;
    return 0;
}

/* ---- start, stop ------------------------------------------------------------------------------
 */

/* Changes the application's mind. A long alternation that the loop thread has not got to yet is
 * shortened by pairs. */
static bool want(irx_election *e, bool wanted)
{
    pthread_mutex_lock(&e->lock);
    bool changed = e->wanted != wanted;
    if (changed) {
        e->wanted = wanted;
        e->courier.lives += wanted;
        e->pending++;
        if (e->pending > PENDING_MAX)
            e->pending -= 2;
        if (!wanted)
            irx__snapshot_withhold(&e->snapshot);
    }
    pthread_mutex_unlock(&e->lock);
    return changed;
}

int irx_election_start(irx_election *election)
{
    int failed = irx__enter(election);
    if (failed)
        return failed;
    if (want(election, true))
        irx__loop_poke(election->loop, election);
    return 0;
}

int irx_election_stop(irx_election *election)
{
    int failed = irx__enter(election);
    if (failed)
        return failed;
    if (want(election, false))
        irx__loop_poke(election->loop, election);
    return 0;
}

/* ---- close ------------------------------------------------------------------------------------
 */

static void wait_until_quiet(irx_election *e)
{
    struct timespec until = irx__clock_wait_until(CLOSE_LIMIT_MS);
    pthread_mutex_lock(&e->lock);
    e->close_asked = true;
    irx__snapshot_withhold(&e->snapshot);
    pthread_mutex_unlock(&e->lock);
    irx__loop_poke(e->loop, e);
    pthread_mutex_lock(&e->lock);
    while (!e->quiet && !pthread_cond_timedwait(&e->quiet_changed, &e->lock, &until))
        continue;
    pthread_mutex_unlock(&e->lock);
}

void irx_election_close(irx_election *e)
{
    if (!e)
        return;
    if (atomic_load(&e->forked)) {
        release_forked(e);
        return;
    }
    wait_until_quiet(e);
    irx__loop_call(e->loop, detach, e);
    irx__runtime_leave(e);
    release(e);
}
