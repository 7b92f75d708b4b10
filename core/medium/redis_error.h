/* What Redis refuses, in our words. One table. */
#ifndef IRX_REDIS_ERROR_H
#define IRX_REDIS_ERROR_H

#include "interrex_types.h"

#include <hiredis/hiredis.h>

/* Reads an error reply: fills *error and returns its code. *refused: surely nothing was applied. */
int irx__redis_explain(const redisReply *reply, const char *shown_url, bool *refused,
                       irx_error *error);

bool irx__redis_is_noscript(const redisReply *reply);

#endif
