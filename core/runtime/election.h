/* An election's handle: what the application may touch at any time, what it shares with the loop
 * thread under a lock, and what is the loop thread's own. */
#ifndef IRX_ELECTION_H
#define IRX_ELECTION_H

#include "interrex.h"
#include "interrex_engine.h"
#include "medium/medium.h"
#include "runtime/courier.h"
#include "runtime/doubt.h"
#include "runtime/events.h"
#include "runtime/hub.h"
#include "runtime/loop.h"
#include "runtime/options.h"
#include "runtime/recorder.h"
#include "runtime/snapshot.h"

/* Written by the loop thread, read by anyone; each by itself. */
typedef struct irx__counters {
    _Atomic uint64_t elected;
    _Atomic uint64_t defeated;
    _Atomic uint64_t defeated_by[16];
    _Atomic uint64_t renewals;
    _Atomic uint64_t operations;
    _Atomic uint64_t failures;
    _Atomic uint64_t reconnects;
    _Atomic uint64_t messages_sent;
    _Atomic uint64_t messages_received;
    _Atomic uint64_t messages_dropped;
    _Atomic int64_t last_round_trip_ns;
} irx__counters;

struct irx_election {
    /* any thread, without a lock */
    irx__snapshot snapshot;
    _Atomic int64_t pulse_ns;
    _Atomic uint32_t work; /* pieces of leader work that run */
    _Atomic bool forked;
    _Atomic bool connected;
    _Atomic irx_guarantee guarantee;
    _Atomic bool wake_asked;
    _Atomic bool ready_asked; /* on_ready was set while events may wait */
    _Atomic bool marked;      /* in the loop's inbox */
    irx_election *next_marked;
    irx__events events;
    irx__recorder recorder;
    irx__counters counters;

    /* fixed since open */
    irx__settings settings;
    irx_engine_options options;
    irx_url url;
    const irx_medium_class *class;
    irx__loop *loop;

    /* under the runtime's lock */
    irx_election *next_handle;
    irx_election **link_handle;

    /* under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t quiet_changed;
    bool wanted;        /* the application's last word: started, or not */
    bool obeyed;        /* what the engine was told last */
    unsigned pending;   /* changes between the two, taken one by one */
    bool give_up_asked; /* resign or transfer */
    uint64_t give_up_term;
    irx_id give_up_to; /* transfer: the successor; none: resign */
    bool close_asked;
    bool quiet; /* closing: nothing is under way any more */
    irx_id session;
    irx_leader leader;
    irx_member *members; /* in the order of joining; their metas lie behind them */
    size_t member_count;
    int64_t members_received_ns;
    irx_value *value;     /* null: none yet */
    irx__courier courier; /* in part */

    /* the loop thread's own */
    irx_engine *engine;
    irx__due due;
    int64_t start_deadline_ns;
    irx__hub *hub;
    irx_seat seat;
    irx_election *next_seat;
    irx_election **link_seat;
    size_t in_flight;
    bool active;                  /* between START and the STOPPED event */
    irx__event_slot *value_event; /* of the newest value, not told yet; null: none */
    bool started;                 /* between the STARTED and the STOPPED event */
    bool stopping;                /* STOP was said, STOPPED not yet heard */
    bool closing;                 /* no draining any more */
    bool notify;                  /* events began to wait in this step */
    uint64_t told_up[2];          /* generation the engine knows as up, 0: none */
    irx_id epoch;                 /* the store's, as last heard */
    irx_id holder;                /* session and process of the record last received */
    irx_id holder_process;
    bool value_confirmed;    /* since the start */
    irx_id looked_for;       /* the last sender without a row */
    irx__doubts doubts;      /* messages that wait for newer rows */
    char meta[IRX_META_MAX]; /* what the seat's points to */
    irx_error story;         /* of the last trouble the medium told */
    struct {
        uint64_t id;
        irx_op_kind kind;
        int64_t sent_ns;
    } last_op;
};

/* runtime.c: the handles of this process and their loop. */
int irx__runtime_enter(irx_election *election, irx_error *error);
void irx__runtime_leave(irx_election *election);

/* roster.c, on the loop thread: copies the member table if the medium brought another one; true if
 * it did. */
bool irx__roster_look(irx_election *election);

/* value.c, on the loop thread: asks the first answer of a start whether what is here is there. */
void irx__value_confirm(irx_election *election, const irx_result *result);
/* Takes over the published value, if the medium brought a newer one.
 */
void irx__value_look(irx_election *election);
/* Makes this the newest, unless it is already; false without memory. */
bool irx__value_keep(irx_election *election, irx_version version, const void *data, size_t length);
/* Tells the application of the newest, once, as soon as it takes part. */
void irx__value_tell(irx_election *election);

/* lead.c: the application lives. */
void irx__pulse(irx_election *election, int64_t now_ns);
/* Does the leadership hold, draining included? No pulse; *token (may be null) only if so. */
bool irx__holds(const irx_election *election, irx_token *token);

/* Refuses a handle from before a fork; counts as a pulse. */
int irx__enter(irx_election *election);

#endif
