/* An operation as the arguments of its script. */
#ifndef IRX_REDIS_ARGUMENTS_H
#define IRX_REDIS_ARGUMENTS_H

#include "medium/redis_internal.h"

enum {
    IRX_REDIS_ARGUMENTS_MAX = 24,
    IRX_REDIS_IDS_MAX = 8,
    IRX_REDIS_NUMBERS_MAX = 8,
    IRX_REDIS_COPY_MAX = 3 * 33 + 6 * 24
};

/* Points into itself, into the operation and into the seat: to be used at once, and not copied. */
typedef struct irx__redis_arguments {
    int count;
    const char *list[IRX_REDIS_ARGUMENTS_MAX];
    size_t lengths[IRX_REDIS_ARGUMENTS_MAX];
    char ids[IRX_REDIS_IDS_MAX][33];
    int id_count;
    char numbers[IRX_REDIS_NUMBERS_MAX][24];
    int number_count;
    char copy[IRX_REDIS_COPY_MAX];
    char version[2 * 24];
    char voters[IRX_VOTERS_MAX * 32 + 1];
    char beat[IRX_MESSAGE_HEADER_MAX];
} irx__redis_arguments;

/* EVALSHA and all that follows it. `copy` is the record that the sender has, null where it has none
 * that the answer may leave out. */
void irx__redis_arguments_of(irx__redis_arguments *to, const irx_medium *medium,
                             const irx__redis_seat *seat, const irx_op *op, const irx_record *copy);

#endif
