/* The files of one local election, and what an operation has read of them. */
#ifndef IRX_LOCAL_ELECTION_H
#define IRX_LOCAL_ELECTION_H

#include "medium/ledger.h"
#include "medium/local.h"

/* One operation under way. */
typedef struct irx__local_work {
    irx_medium *medium;
    irx__local_seat *seat;
    const irx_op *op;
    irx_error *why;
    irx__ledger ledger; /* its record's `value` is the value file's */
    irx__table table;
    bool has_table;
    irx_version version; /* of the published value; {0, 0}: none */
    void *value;         /* its bytes, where the seat has an older one */
    size_t value_length;
    uint64_t join;
    bool rings; /* the others have to be told of a row that says something new */
    irx_status_kind status;
} irx__local_work;

/* Those that return something return 0 or a negative IRX_E… with *w->why. */

/* Makes the election's directory where it is missing, and listens to it. */
int irx__local_make_election(irx__local_work *w);
/* The published value, as far as the seat needs it, and then the record: so no record is seen with
 * a value that was published before its time. A file that is not there is no error. */
int irx__local_read_ledger(irx__local_work *w);
int irx__local_write_record(irx__local_work *w);
int irx__local_read_table(irx__local_work *w);
/* IRX_EFULL where the members say more than a file may hold. */
int irx__local_write_table(irx__local_work *w);
/* Publishes the operation's value under the version that its record has now. */
int irx__local_write_value(irx__local_work *w);
/* Removes what a record that is not there any more has left behind. */
int irx__local_drop_value(irx__local_work *w);

/* Keeps old files from those who clean up. */
void irx__local_touch(irx__local_work *w);
/* Hands the value to the seat where it is newer than what the seat has. */
void irx__local_hand_value(irx__local_work *w);
void irx__local_work_free(irx__local_work *w);

/* Names every session whose presence file is there. 0 or a negative IRX_E…. */
int irx__local_each_session(const irx__local_root *root, const char *election,
                            void (*each)(void *argument, irx_id session), void *argument,
                            irx_error *error);

#endif
