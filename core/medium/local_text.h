/* The text of a local directory's files, and the names of its directories. */
#ifndef IRX_LOCAL_TEXT_H
#define IRX_LOCAL_TEXT_H

#include "interrex_engine.h"
#include "medium/table.h"

enum {
    IRX__LOCAL_RECORD_MAX = 4096,                    /* bytes of a record's text */
    IRX__LOCAL_ROW_MAX = 3 * IRX_LABEL_MAX + 88,     /* bytes of a member row's text but its meta */
    IRX__LOCAL_VALUE_MAX = 3 * IRX_VALUE_MAX + 128,  /* bytes of a published value's text */
    IRX__LOCAL_VERSION_MAX = 80,                     /* the first of them, up to the version */
    IRX__LOCAL_NAME_MAX = 3 * (IRX_NAME_MAX + 1) + 8 /* bytes of an election's relative path */
};

/* The relative path of an election or a namespace: bytes that a file name can not or should not
 * carry become %XX, and what is too long for one name goes on in a subdirectory ("…~/…"), which no
 * other name can mean. */
void irx__local_name(const char *name, char path[IRX__LOCAL_NAME_MAX]);

/* Both print into `text` and return the length; the room must suffice. */
size_t irx__local_print_record(const irx_record *record, char text[IRX__LOCAL_RECORD_MAX]);
size_t irx__local_print_table(const irx__table *table, char *text, size_t room);
/* Bytes that irx__local_print_table needs. */
size_t irx__local_table_room(const irx__table *table);

/* IRX_EFOREIGN where the text is not ours or was damaged. A record of a newer format is read as far
 * as its fields are known, with its format number. `text` ends with a zero. */
int irx__local_parse_record(const char *text, irx_record *record);
/* *table is empty before; IRX_EFOREIGN, IRX_ENOMEM, which may leave it half filled. */
int irx__local_parse_table(const char *text, irx__table *table);

/* A published value; `text` has IRX__LOCAL_VALUE_MAX bytes. Returns the length. */
size_t irx__local_print_value(irx_version version, const void *bytes, size_t length, char *text);
/* What the first IRX__LOCAL_VERSION_MAX bytes of it say. IRX_EFOREIGN. */
int irx__local_parse_version(const char *text, irx_version *version);
/* The whole; *value is the caller's (malloc), of no bytes too. IRX_EFOREIGN, IRX_ENOMEM. */
int irx__local_parse_value(const char *text, irx_version *version, void **value, size_t *length);

#endif
