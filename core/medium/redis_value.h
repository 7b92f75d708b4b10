/* What replies are made of: texts, numbers, identifiers. Pure. */
#ifndef IRX_REDIS_VALUE_H
#define IRX_REDIS_VALUE_H

#include "interrex_engine.h"

#include <hiredis/hiredis.h>

/* Terms and beats stay under 2^53, so that Lua and JavaScript can hold them. */
#define IRX_REDIS_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

enum { IRX_REDIS_SHOWN_MAX = 48 };

bool irx__redis_is_text(const redisReply *reply);
/* A list of that many elements or more, none of them null. */
bool irx__redis_is_array(const redisReply *reply, size_t at_least);
bool irx__redis_text_is(const redisReply *reply, const char *text);

/* Decimal digits without leading zeros, up to `max`. *number is touched only if it is one. */
bool irx__redis_read_number(const char *text, size_t length, uint64_t max, uint64_t *number);
/* Exactly 32 digits; with `optional` the empty text is none. */
bool irx__redis_read_id(const char *text, size_t length, bool optional, irx_id *id);

/* At most 40 printable characters of what was found, for an error's text. */
void irx__redis_show(const redisReply *reply, char shown[IRX_REDIS_SHOWN_MAX]);
/* IRX_EFOREIGN: what was found in this field of this key, or that there is none. */
int irx__redis_foreign(irx_error *error, const char *key, const char *field,
                       const redisReply *found);
/* IRX_EPROTOCOL. */
int irx__redis_senseless(irx_error *error, const char *what);

#endif
