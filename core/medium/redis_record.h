/* A record and a member table as a reply carries them. Pure. */
#ifndef IRX_REDIS_RECORD_H
#define IRX_REDIS_RECORD_H

#include "medium/redis_reply.h"

/* Both return 0, or with *error: IRX_EFOREIGN, IRX_EPROTOCOL, IRX_ENOMEM. `key` is the record's,
 * for the error's text. */
int irx__redis_read_record(const redisReply *list, const char *key, irx_record *record,
                           irx_error *error);
/* Fills the members of *answer; untouched after a failure. */
int irx__redis_read_members(const redisReply *list, const char *key, irx__redis_answer *answer,
                            irx_error *error);

#endif
