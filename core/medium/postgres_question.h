/* Operations as parameters of a statement. READ, RENEW and STRIKE take many at once. Pure. */
#ifndef IRX_POSTGRES_QUESTION_H
#define IRX_POSTGRES_QUESTION_H

#include "interrex_engine.h"
#include "medium/postgres_statement.h"

/* What an operation says, beside what is in the operation. */
typedef struct irx__pg_question {
    const irx_op *op;
    const char *name;
    const char *label;
    const char *channel; /* of its election */
    const void *meta;    /* JOIN */
    size_t meta_length;
    uint64_t members_version; /* of the member table that the sender has; 0: none */
    irx_version value_version;
} irx__pg_question;

enum { IRX_PG_VALUES_MAX = 24 };

typedef struct irx__pg_values {
    int count;
    const char *list[IRX_PG_VALUES_MAX];
    char *memory; /* what they are in; freed by irx__pg_values_free */
} irx__pg_values;

/* Questions of one kind and one epoch: as many as `count` for READ, RENEW and STRIKE, else one. 0
 * or IRX_ENOMEM. */
int irx__pg_values_of(irx__pg_values *values, const irx__pg_question *questions, size_t count,
                      uint32_t max_members);
void irx__pg_values_free(irx__pg_values *values);

#endif
