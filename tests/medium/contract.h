/* The contract of medium/medium.h as cases that every medium must pass. A case gets a store of the
 * medium's kind and a loop of its own; names and namespaces are its own too. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "cmocka_all.h"
#include "peer.h"

/* A medium, and how to bring its store up. A later medium is one more of these in stores.c. */
typedef struct store_kind {
    const char *name;
    const irx_medium_class *class;
    void *(*start)(void);
    const char *(*url)(void *store);
    /* The store dies and comes back under another epoch, with its data or empty. `somebody` has it
     * open. */
    void (*come_back)(void *store, peer *somebody, bool with_data);
    void (*stop)(void *store);
} store_kind;

extern const store_kind STORES[];
extern const size_t STORE_COUNT;

typedef struct contract {
    const store_kind *kind;
    void *store;
    struct ev_loop *loop;
    char namespace_name[IRX_NAMESPACE_MAX + 1]; /* of this case alone */
} contract;

typedef enum where { EVERYWHERE, NOT_IN_KERNEL, ONLY_IN_KERNEL, ONLY_WITH_QUORUM } where;

typedef struct contract_case {
    const char *name;
    void (*run)(contract *c);
    where where;
} contract_case;

typedef struct contract_topic {
    const contract_case *cases;
    size_t count;
} contract_topic;

extern const contract_topic CONTRACT_CLAIMS, CONTRACT_RENEWALS, CONTRACT_EPOCHS, CONTRACT_PRESENCE,
    CONTRACT_MEMBERS, CONTRACT_META, CONTRACT_HINTS, CONTRACT_MESSAGES, CONTRACT_VALUE,
    CONTRACT_QUORUM, CONTRACT_CONNECTIONS, CONTRACT_NAMES;

#define CASE(function, where)                                                                      \
    {                                                                                              \
#function, function, where                                                                 \
    }
#define TOPIC(cases)                                                                               \
    {                                                                                              \
        cases, sizeof(cases) / sizeof *(cases)                                                     \
    }

/* A new medium object in the case's namespace, both channels up, and a seat there. */
peer_seat *contract_member(contract *c, const char *name, const char *label);

/* As above, and it has joined. */
peer_seat *contract_joined(contract *c, const char *name, const char *label);
/* JOIN, which must succeed; the join number. */
uint64_t contract_join(peer_seat *s);
/* The row of a session in the table that a seat has, or null. */
const irx_member *contract_row(const peer_seat *reader, irx_id session);

void assert_id_equal(irx_id a, irx_id b);
/* All fields. */
void assert_record_equal(const irx_record *a, const irx_record *b);

#endif
