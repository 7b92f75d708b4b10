/* The texts, numbers and identifiers that replies are made of, and the errors about them. Decides
 * what exactly one of each is; it must never read past the end of a text, and never put more of a
 * foreign one into an error than a short printable piece. */
#include "medium/redis_value.h"

#include "runtime/error.h"

#include <string.h>

bool irx__redis_is_text(const redisReply *reply)
{
    return reply != NULL &&
           (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) &&
           reply->str != NULL;
}

bool irx__redis_is_array(const redisReply *reply, size_t at_least)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < at_least) {
        return false;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i] == NULL) {
            return false;
        }
    }
    return true;
}

bool irx__redis_text_is(const redisReply *reply, const char *text)
{
    return irx__redis_is_text(reply) && reply->len == strlen(text) &&
           memcmp(reply->str, text, reply->len) == 0;
}

bool irx__redis_read_number(const char *text, size_t length, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    if (length == 0 || length > 19 || (length > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value > max) {
        return false;
    }
    *number = value;
    return true;
}

bool irx__redis_read_id(const char *text, size_t length, bool optional, irx_id *id)
{
    char digits[33];
    if (length == 0 && optional) {
        *id = (irx_id){0, 0};
        return true;
    }
    if (length != 32) {
        return false;
    }
    memcpy(digits, text, 32);
    digits[32] = '\0';
    return irx_id_parse(digits, id);
}

void irx__redis_show(const redisReply *reply, char shown[IRX_REDIS_SHOWN_MAX])
{
    size_t length = irx__redis_is_text(reply) ? reply->len : 0;
    size_t kept = length > 40 ? 40 : length;
    for (size_t i = 0; i < kept; i++) {
        char c = reply->str[i];
        shown[i] = '?';
        if (c >= ' ' && c <= '~') {
            shown[i] = c;
        }
    }
    memcpy(shown + kept, length > kept ? "..." : "", length > kept ? 4 : 1);
}

int irx__redis_foreign(irx_error *error, const char *key, const char *field,
                       const redisReply *found)
{
    char shown[IRX_REDIS_SHOWN_MAX];
    if (!irx__redis_is_text(found)) {
        return irx__error_set(error, IRX_EFOREIGN,
                              "key \"%.180s\" is not a record of ours: it has no field \"%.40s\"; "
                              "use another namespace, or remove the key",
                              key, field);
    }
    irx__redis_show(found, shown);
    return irx__error_set(error, IRX_EFOREIGN,
                          "key \"%.180s\" is not a record of ours: its field \"%.40s\" is \"%s\"; "
                          "use another namespace, or remove the key",
                          key, field, shown);
}

int irx__redis_senseless(irx_error *error, const char *what)
{
    return irx__error_set(error, IRX_EPROTOCOL, "the server's answer makes no sense: %s", what);
}
