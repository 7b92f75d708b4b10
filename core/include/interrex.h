/* Interrex: exactly one of several instances leads.
 *
 *     irx_options *options = irx_options_new();
 *     irx_options_set(options, "name", "billing");
 *     irx_election *election;
 *     irx_error error;
 *     if (irx_election_open(&election, "redis://localhost", options, &error)) { puts(error.text); …
 * } irx_election_start(election); … if (irx_election_is_leader(election)) { do the singular work; }
 *
 * Functions return 0 or a negative IRX_E…, unless they return bool or a pointer. Out-parameters
 * come last. Every function may be called from any thread; the callers of irx_election_close see to
 * it that no other call on the same handle is under way. All elections of a process share one
 * background thread; nothing here calls back into the application but the function given to
 * irx_election_on_ready.
 *
 * After fork() a child's handles answer "not leader", every other call returns IRX_EFORKED, and
 * close frees the handle without a goodbye to the medium. Open a new handle in the child. */
#ifndef INTERREX_H
#define INTERREX_H

#include "interrex_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IRX_VERSION "0.1.0"

typedef struct irx_options irx_options;
typedef struct irx_election irx_election;

/* ---- options --------------------------------------------------------------------------------- */

/* Keys (values are text): name, namespace, protocol, heartbeat_ms, timeout_ms, profile, takeover,
 * probe_ms, label, meta, candidate, stall_limit_ms, drain_limit_ms, start_timeout_ms, drift,
 * max_members, create_table. docs/c.md has the table. */

/* New options with every default; the caller frees them. Null only when memory is out. */
IRX_API irx_options *irx_options_new(void);

/* Sets one option. IRX_ECONFIG for an unknown key or a bad value; the story stays readable by
 * irx_options_error, and irx_election_open refuses the options with it, so that a program may check
 * once, there. */
IRX_API int irx_options_set(irx_options *options, const char *key, const char *value);

/* The first error of any irx_options_set, or null. Belongs to the options. */
IRX_API const irx_error *irx_options_error(const irx_options *options);

IRX_API void irx_options_free(irx_options *options); /* null is fine */

/* Prints the SQL that creates what a postgres:// election needs in its database, for a migration or
 * an administrator; it may be run again where it is there. `schema` and `namespace_name` as in the
 * URL and the options; null: the first schema of the search_path, and "interrex". Writes up to
 * `room` bytes, the final zero included, to `text` (null with 0), and returns the length of the
 * whole without that zero, as snprintf does; 0 where PostgreSQL can't have such names (up to 63
 * bytes; the namespace up to 56), or memory is out. Any thread. */
IRX_API size_t irx_schema(const char *schema, const char *namespace_name, char *text, size_t room);

/* ---- life ------------------------------------------------------------------------------------ */

/* Makes a handle; nothing is connected yet. `url` says where the election is held (docs/c.md has
 * the table); null means $INTERREX_URL, else "local:" with one warning event that says so; an empty
 * one is an error. `options` is copied. On failure *election is null and *error (may be null) names
 * the option or the part of the URL, the value (credentials as ***) and the rule. The caller closes
 * the handle. */
IRX_API int irx_election_open(irx_election **election, const char *url, const irx_options *options,
                              irx_error *error);

/* Begins to take part; returns at once. IRX_EVENT_STARTED tells when it does (connected, role
 * known); an unreachable medium is tried again with back-off and reported as IRX_EVENT_ERROR once
 * per kind of trouble. With start_timeout_ms an IRX_EVENT_ERROR of code IRX_ETIMEOUT and
 * IRX_EVENT_STOPPED follow if it takes longer. Started already: 0. After a stop it starts anew with
 * a new session. */
IRX_API int irx_election_start(irx_election *election);

/* Gives up leadership (draining first), leaves, and ends with IRX_EVENT_STOPPED; returns at once.
 * Legal in any state; stopped already: 0, and no event. */
IRX_API int irx_election_stop(irx_election *election);

/* Ends and frees the handle. Not stopped: stops without draining and waits up to 50 ms for the
 * medium to be told. The last handle of a process also ends and joins the background thread. Null
 * is fine. */
IRX_API void irx_election_close(irx_election *election);

/* ---- am I the leader? ------------------------------------------------------------------------ */

/* True only within the deadline of a leadership that is not draining. Reads one clock and two
 * words; takes no lock; counts as a pulse. */
IRX_API bool irx_election_is_leader(irx_election *election);

/* True while the leadership, draining included, has at least need_ms left. *token (may be null) is
 * the leadership's fencing token, written only if true. */
IRX_API bool irx_election_check(irx_election *election, int64_t need_ms, irx_token *token);

/* As irx_election_is_leader with at least need_ms left; *token (may be null) as above. */
IRX_API bool irx_election_leads(irx_election *election, int64_t need_ms, irx_token *token);

/* Begins a piece of leader work, which a graceful end of leadership waits for (up to
 * drain_limit_ms). IRX_ENOTLEADER where irx_election_is_leader is false. Each success needs one
 * irx_election_work_end. */
IRX_API int irx_election_work_begin(irx_election *election, irx_token *token);
IRX_API void irx_election_work_end(irx_election *election);

/* Gives leadership up and contends again after 1.5 `timeout_ms` (sooner where nobody else can
 * lead). IRX_ENOTLEADER. */
IRX_API int irx_election_resign(irx_election *election);

/* Gives leadership to the candidate with this session. IRX_ENOTLEADER, IRX_ENOMEMBER. */
IRX_API int irx_election_transfer(irx_election *election, irx_id session);

/* Says that the application's own loop is alive (see stall_limit_ms). Any other call says so too.
 */
IRX_API void irx_election_pulse(irx_election *election);

/* ---- what is known --------------------------------------------------------------------------- */

typedef struct irx_status {
    irx_role role;        /* never LEADER when irx_election_is_leader is false */
    irx_id session;       /* none before the first start */
    irx_token token;      /* of the leadership in force; term 0: none */
    int64_t remaining_ms; /* of it; INT64_MAX under the guarantee `kernel`; 0: none */
    bool has_leader;
    irx_id leader_session;
    uint64_t leader_term;
    char leader_label[IRX_LABEL_MAX + 1];
    irx_guarantee guarantee;
    bool connected; /* to the medium, for commands */
} irx_status;

IRX_API int irx_election_status(irx_election *election, irx_status *status);

/* What is promised about two leaders at one instant. A medium that has to look for that
 * (PostgreSQL, under takeover: safe) says IRX_GUARANTEE_TERM until it has. */
IRX_API irx_guarantee irx_election_guarantee(const irx_election *election);

/* Bytes of the largest message that this election's medium carries: IRX_MESSAGE_MAX, or less. */
IRX_API size_t irx_election_message_max(const irx_election *election);

typedef struct irx_member_info {
    irx_id session;
    char label[IRX_LABEL_MAX + 1];
    irx_role role; /* LEADER or FOLLOWER, as far as known here */
    bool candidate;
    bool self;
    int64_t last_seen_ms; /* since the table that names it was received */
    const void *meta;     /* what that member says of itself; belongs to the list; null: nothing */
    size_t meta_length;
} irx_member_info;

/* The member table as last received, in the order of joining; the caller frees it with
 * irx_members_free. */
IRX_API int irx_election_members(irx_election *election, irx_member_info **members, size_t *count);
IRX_API void irx_members_free(irx_member_info *members);

/* The flight recorder: the last transitions, one per line, oldest first. The caller frees it with
 * irx_text_free. */
IRX_API int irx_election_history(irx_election *election, char **text);
IRX_API void irx_text_free(char *text);

typedef struct irx_metrics {
    uint64_t elected;         /* leaderships won */
    uint64_t defeated;        /* leaderships ended, all reasons */
    uint64_t defeated_by[16]; /* by irx_reason */
    uint64_t renewals;        /* confirmed renewals */
    uint64_t operations;      /* sent to the medium */
    uint64_t failures;        /* operations that failed or timed out */
    uint64_t reconnects;      /* connections lost or refused */
    uint64_t events_dropped;
    uint64_t messages_sent; /* the protocol's own among them, as in the two below */
    uint64_t messages_received;
    uint64_t messages_dropped; /* came in foreign, of a newer version, malformed or not the
                                  sender's; or the protocol's own, that could not leave */
    int64_t last_round_trip_ns;
} irx_metrics;

IRX_API int irx_election_metrics(irx_election *election, irx_metrics *metrics);

/* ---- members, messages, the published value --------------------------------------------------
 *
 * Bytes are opaque here and copied. What takes time returns at once; *ticket (may be null: nobody
 * waits) is a number above zero, and an IRX_SETTLED event of that ticket tells what became of it,
 * in any case and once, unless the handle is closed before. At most IRX_REQUESTS_MAX of an election
 * may be under way, or settled and not yet taken as an event (IRX_EFULL). They are carried out in
 * the order of asking, stops and resignations among them. */

enum { IRX_REQUESTS_MAX = 1024 };

/* What this member says of itself: up to IRX_META_MAX bytes (IRX_ETOOLARGE) that every member sees
 * in its table, from now on and after later starts too. Legal in any state; before a start there is
 * nothing to wait for, and it settles at once. Settled: the row is written. IRX_ESTOPPED: the
 * election was stopped before. */
IRX_API int irx_election_set_meta(irx_election *election, const void *meta, size_t length,
                                  uint64_t *ticket);

/* Sends up to irx_election_message_max bytes (IRX_ETOOLARGE) to one member (IRX_TO_MEMBER:
 * `member`, a session of the member table, else IRX_ENOMEMBER), to the leader (IRX_ENOMEMBER: none
 * is known), to all followers or to all members; never to oneself (IRX_ESTATE: the member or the
 * leader is this one). At most once, in order per sender. IRX_ESTOPPED, but a leader that is
 * draining may still send; IRX_EUNSUPPORTED. Settled: the medium took it; with IRX_ENOMEMBER:
 * nobody received it, where the medium can tell; with another error: it did not leave, or its
 * connection or the election ended before anybody knew. */
IRX_API int irx_election_send(irx_election *election, irx_audience audience, irx_id member,
                              const void *data, size_t length, uint64_t *ticket);

/* Publishes a value of up to IRX_VALUE_MAX bytes (IRX_ETOOLARGE), which every member receives and
 * the next leader inherits. Only the leader may, draining included: IRX_ENOTLEADER, at once or,
 * where the store knows better, settled. Settled: it is durable in the medium, with `version`, and
 * IRX_VALUE was told here before. An error of another code than IRX_ENOTLEADER may say that it may
 * have been written: then the value tells. */
IRX_API int irx_election_publish(irx_election *election, const void *value, size_t length,
                                 uint64_t *ticket);

typedef struct irx_value {
    irx_version version; /* {0, 0}: nothing was published yet */
    const void *data;
    size_t length;
} irx_value;

/* The newest value that this member has received, readable after a stop too; the caller frees it
 * with irx_value_free. */
IRX_API int irx_election_value(irx_election *election, irx_value **value);
IRX_API void irx_value_free(irx_value *value);

/* ---- events ---------------------------------------------------------------------------------- */

typedef enum irx_happening {
    IRX_STARTED = 1, /* taking part */
    IRX_ELECTED,     /* token */
    IRX_DRAINING,    /* token, reason */
    IRX_DEFEATED,    /* token, reason, leader */
    IRX_LEADER,      /* leader */
    IRX_ROLE,        /* role, previous */
    IRX_MEMBERS,
    IRX_WARNING, /* error */
    IRX_ERROR,   /* error */
    IRX_STOPPED,
    IRX_MESSAGE, /* from, from_leader, data, length */
    IRX_VALUE,   /* version, data, length: a newer published value */
    IRX_SETTLED  /* ticket, error (code 0: it is done), version of a publish */
} irx_happening;

/* Fields that do not belong to the kind are zero. */
typedef struct irx_event {
    irx_happening kind;
    irx_token token;
    irx_reason reason;
    irx_role role;
    irx_role previous;
    bool has_leader;
    irx_id leader_session;
    uint64_t leader_term;
    char leader_label[IRX_LABEL_MAX + 1];
    irx_error error;
    irx_id from;      /* session */
    bool from_leader; /* the sender led when it sent this */
    uint64_t ticket;
    irx_version version;
    const void *data; /* belongs to the event */
    size_t length;
} irx_event;

/* Takes the next event, in legal order: elected before defeated, one defeated per elected. Waits up
 * to timeout_ms (negative: without limit). IRX_ETIMEOUT when none came. The caller frees *event. An
 * undrained queue never stalls an election: leader, role, members, warning and error keep their
 * newest; transitions are never dropped, but a pair of elected and defeated that nobody took is
 * dropped whole, counted, with one warning. Messages wait up to 1024 of them or 8 MiB, and the
 * oldest are dropped then, counted, with one warning; of values the newest waits; what has settled
 * waits as long as it must. */
IRX_API int irx_election_next_event(irx_election *election, irx_event **event, int timeout_ms);
IRX_API void irx_event_free(irx_event *event);

/* A descriptor that is readable while events wait; it belongs to the election. Never read it: take
 * the events. */
IRX_API int irx_election_event_fd(irx_election *election);

/* `ready(argument)` is called on the background thread when events begin to wait (not per event).
 * It must not block nor call into Interrex. Null takes it away; when this returns, no call of the
 * old one is under way. */
IRX_API int irx_election_on_ready(irx_election *election, void (*ready)(void *argument),
                                  void *argument);

#ifdef __cplusplus
}
#endif
#endif
