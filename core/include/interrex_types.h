/* The words shared by the public API and the pure engine: identifiers, roles, reasons, errors.
 *
 * Nothing here decides anything; every list is closed and has a text for each entry, so that a log
 * line, an exception and a test name the same thing with the same word. */
#ifndef INTERREX_TYPES_H
#define INTERREX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define IRX_API __attribute__((visibility("default")))
#else
#define IRX_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* 128 random bits. All zero means "none". Printed as 32 hexadecimal digits, high half first. */
typedef struct irx_id {
    uint64_t hi;
    uint64_t lo;
} irx_id;

/* A fencing token. `term` grows at every acquisition by anyone and stays under 2^53. Tokens compare
 * by term; an equal term with another incarnation is to be refused. */
typedef struct irx_token {
    uint64_t term;
    irx_id incarnation;
} irx_token;

enum {
    IRX_NAME_MAX = 128,      /* characters of an election's name */
    IRX_NAMESPACE_MAX = 64,  /* characters of a namespace */
    IRX_LABEL_MAX = 128,     /* characters of a label */
    IRX_META_MAX = 4096,     /* bytes of a member's meta */
    IRX_VALUE_MAX = 65536,   /* bytes of an election's published value */
    IRX_MESSAGE_MAX = 65536, /* bytes of a message */
    IRX_VOTERS_MAX = 32,     /* voters of one election, under protocol quorum */
    IRX_ERROR_TEXT_MAX = 384 /* bytes of an error's text, the final zero included */
};

/* Of an election's published value: values compare by term, then by index. {0, 0}: none yet. */
typedef struct irx_version {
    uint64_t term;
    uint64_t index;
} irx_version;

/* For whom a message is; never for its sender. */
typedef enum irx_audience {
    IRX_TO_MEMBER = 1,
    IRX_TO_LEADER,
    IRX_TO_FOLLOWERS,
    IRX_TO_ALL
} irx_audience;

/* What a member is at this moment. */
#define IRX_ROLE_MAP(X)                                                                            \
    X(STOPPED, "stopped")                                                                          \
    X(FOLLOWER, "follower")                                                                        \
    X(CANDIDATE, "candidate")                                                                      \
    X(LEADER, "leader")                                                                            \
    X(DRAINING, "draining")

/* Why a leadership ended. The list is closed; PROTOCOLS calls it "reasons for a loss". */
#define IRX_REASON_MAP(X)                                                                          \
    X(NONE, "none")                                                                                \
    X(RESIGNED, "resigned")                                                                        \
    X(TRANSFERRED, "transferred")                                                                  \
    X(STOPPED, "stopped")                                                                          \
    X(EXPIRED, "expired")                                                                          \
    X(CUT_OFF, "cut-off")                                                                          \
    X(PRESENCE_LOST, "presence-lost")                                                              \
    X(SUPERSEDED, "superseded")                                                                    \
    X(RECORD_LOST, "record-lost")                                                                  \
    X(STORE_CHANGED, "store-changed")                                                              \
    X(CLOCK_JUMP, "clock-jump")                                                                    \
    X(HOST_STALLED, "host-stalled")                                                                \
    X(FORKED, "forked")

/* What is promised about two leaders at one instant; docs/guarantees.md has the whole sentence. */
#define IRX_GUARANTEE_MAP(X)                                                                       \
    X(NONE, "none")                                                                                \
    X(KERNEL, "kernel")                                                                            \
    X(EXCLUSIVE, "exclusive")                                                                      \
    X(MAJORITY, "majority")                                                                        \
    X(TERM, "term")

/* Every error of the library: name, code as bindings show it, and the sentence a person reads. */
#define IRX_ERROR_MAP(X)                                                                           \
    X(OK, 0, "OK", "success")                                                                      \
    X(ECONFIG, -1, "CONFIG", "an option or URL is missing, unknown or unsafe")                     \
    X(EMISMATCH, -2, "MISMATCH", "another member of this election uses other settings")            \
    X(EUNSUPPORTED, -3, "UNSUPPORTED", "not built into this version")                              \
    X(ENOMEM, -4, "NO_MEMORY", "out of memory")                                                    \
    X(EFORKED, -5, "FORKED", "this handle was made before a fork; open a new one")                 \
    X(ESTATE, -6, "STATE", "the election is not in a state that allows this call")                 \
    X(ESTOPPED, -7, "STOPPED", "the election is stopped")                                          \
    X(ENOTLEADER, -8, "NOT_LEADER", "this member does not lead")                                   \
    X(ENOMEMBER, -9, "NO_MEMBER", "no such member in this election")                               \
    X(ETIMEOUT, -10, "TIMEOUT", "it did not happen in time")                                       \
    X(EUNREACHABLE, -11, "UNREACHABLE", "the medium can not be reached")                           \
    X(EAUTH, -12, "AUTH", "the medium refused the credentials or the right")                       \
    X(EUNAVAILABLE, -13, "UNAVAILABLE", "the medium can not take writes at present")               \
    X(EFULL, -14, "FULL", "the medium has no room")                                                \
    X(EFOREIGN, -15, "FOREIGN", "the medium holds something that is not ours under our name")      \
    X(EPROTOCOL, -16, "PROTOCOL", "the medium answered something that makes no sense")             \
    X(ESYSTEM, -17, "SYSTEM", "the operating system refused")                                      \
    X(EOVERFLOW, -18, "OVERFLOW", "events were dropped because nobody took them")                  \
    X(ETOOLARGE, -19, "TOO_LARGE", "it is larger than the limit")

typedef enum irx_role {
#define X(name, text) IRX_ROLE_##name,
    IRX_ROLE_MAP(X)
#undef X
} irx_role;

typedef enum irx_reason {
#define X(name, text) IRX_REASON_##name,
    IRX_REASON_MAP(X)
#undef X
} irx_reason;

typedef enum irx_guarantee {
#define X(name, text) IRX_GUARANTEE_##name,
    IRX_GUARANTEE_MAP(X)
#undef X
} irx_guarantee;

enum irx_error_code {
#define X(name, value, code, text) IRX_##name = value,
    IRX_ERROR_MAP(X)
#undef X
};

/* An error with its story. `code` is one of IRX_E…; `text` names what was wrong, the offending
 * value (credentials as ***) and the rule or the next step. */
typedef struct irx_error {
    int code;
    char text[IRX_ERROR_TEXT_MAX];
} irx_error;

/* Static texts, never null; an unknown value gives "unknown". Safe from any thread. */
IRX_API const char *irx_role_text(irx_role role);
IRX_API const char *irx_reason_text(irx_reason reason);
IRX_API const char *irx_guarantee_text(irx_guarantee guarantee);
IRX_API const char *irx_error_name(int code); /* "CONFIG", "MISMATCH", … */
IRX_API const char *irx_error_text(int code); /* one sentence */

/* Writes the 32 digits and a zero into `text` (33 bytes). */
IRX_API void irx_id_print(irx_id id, char text[33]);
/* Reads exactly 32 hexadecimal digits of either case; false, with *id untouched, for anything else.
 */
IRX_API bool irx_id_parse(const char *text, irx_id *id);

static inline bool irx_id_equal(irx_id a, irx_id b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

static inline bool irx_id_none(irx_id id)
{
    return id.hi == 0 && id.lo == 0;
}

#ifdef __cplusplus
}
#endif
#endif
