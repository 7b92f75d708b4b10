/* A text that grows, for statements and parameters. It decides only how much room there is; what is
 * in the text is its writers' business. */
#include "medium/postgres_text.h"

#include <stdlib.h>
#include <string.h>

/* Room for `length` more bytes; null where memory is out. */
static char *extend(irx__pg_text *text, size_t length)
{
    if (text->failed)
        return NULL;
    if (length > text->room - text->used) {
        size_t room = 2 * (text->used + length) + 64;
        char *bytes = realloc(text->bytes, room);
        if (bytes == NULL) {
            text->failed = true;
            return NULL;
        }
        text->bytes = bytes;
        text->room = room;
    }
    text->used += length;
    return text->bytes + text->used - length;
}

void irx__pg_text_put(irx__pg_text *text, const char *bytes, size_t length)
{
    char *to = extend(text, length);
    if (to != NULL && length > 0)
        memcpy(to, bytes, length);
}

void irx__pg_text_put_hex(irx__pg_text *text, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    char *to = extend(text, 2 * length);
    for (size_t i = 0; to != NULL && i < length; i++) {
        *to++ = digits[from[i] >> 4];
        *to++ = digits[from[i] & 15];
    }
}

void irx__pg_text_put_quoted(irx__pg_text *text, const char *name, char quote)
{
    for (; *name != '\0'; name++) {
        bool doubled = *name == quote || (quote == '\'' && *name == '\\');
        irx__pg_text_put(text, name, 1);
        if (doubled)
            irx__pg_text_put(text, name, 1);
    }
}

void irx__pg_text_put_literal(irx__pg_text *text, const char *value)
{
    irx__pg_text_put(text, "E'", 2);
    irx__pg_text_put_quoted(text, value, '\'');
    irx__pg_text_put(text, "'", 1);
}

char *irx__pg_text_end(irx__pg_text *text)
{
    char *bytes;
    irx__pg_text_put(text, "", 1);
    bytes = text->bytes;
    if (text->failed) {
        free(bytes);
        bytes = NULL;
    }
    *text = (irx__pg_text){0};
    return bytes;
}
