/* An election's handle: what the application may touch at any time, what it shares with the loop
 * thread under a lock, and what is the loop thread's own. */
#ifndef IRX_ELECTION_H
#define IRX_ELECTION_H

#include "interrex.h"
#include "interrex_engine.h"
#include "medium/medium.h"
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
    _Atomic int64_t last_round_trip_ns;
} irx__counters;

struct irx_election {
    /* any thread, without a lock */
    irx__snapshot snapshot;
    _Atomic int64_t pulse_ns;
    _Atomic uint32_t work; /* pieces of leader work that run */
    _Atomic bool forked;
    _Atomic bool connected;
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
    irx_guarantee guarantee;
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
    irx_member *members; /* in the order of joining */
    size_t member_count;
    int64_t members_received_ns;

    /* the loop thread's own */
    irx_engine *engine;
    irx__due due;
    int64_t start_deadline_ns;
    irx__hub *hub;
    irx_seat seat;
    irx_election *next_seat;
    irx_election **link_seat;
    size_t in_flight;
    bool active;         /* between START and the STOPPED event */
    bool stopping;       /* STOP was said, STOPPED not yet heard */
    bool closing;        /* no draining any more */
    bool notify;         /* events began to wait in this step */
    uint64_t told_up[2]; /* generation the engine knows as up, 0: none */
    irx_error story;     /* of the last trouble the medium told */
    struct {
        uint64_t id;
        irx_op_kind kind;
        int64_t sent_ns;
    } last_op;
};

/* runtime.c: the handles of this process and their loop. */
int irx__runtime_enter(irx_election *election, irx_error *error);
void irx__runtime_leave(irx_election *election);

/* lead.c: the application lives. */
void irx__pulse(irx_election *election, int64_t now_ns);

/* Refuses a handle from before a fork; counts as a pulse. */
int irx__enter(irx_election *election);

#endif
