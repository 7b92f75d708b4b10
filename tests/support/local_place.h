/* A local directory of a test's own, and what lies in it. */
#ifndef LOCAL_PLACE_H
#define LOCAL_PLACE_H

#include "peer.h"
#include "temp.h"

#define PLACE_NAMESPACE "test"

typedef struct place {
    struct ev_loop *loop;
    char directory[TEMP_PATH_MAX + 16];
    char url[TEMP_PATH_MAX + 32];
} place;

/* cmocka's setup and teardown: *state is a place. */
int place_make(void **state);
int place_remove(void **state);

/* A new medium object there, both channels up, and a seat. */
peer_seat *place_member(place *where, const char *name);

/* The path of a file of an election, valid until the next call but one. */
const char *place_file(const place *where, const char *name, const char *file);
const char *place_session_file(const place *where, const char *name, irx_id session);

/* The whole of a small file, valid until the next call; null where there is none. */
const char *place_read(const char *path);
void place_write(const char *path, const char *text);
/* Entries of a directory whose names contain `part`. */
int place_count(const char *directory, const char *part);

#endif
