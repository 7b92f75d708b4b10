/* A text that grows. */
#ifndef IRX_POSTGRES_TEXT_H
#define IRX_POSTGRES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is empty. Once memory was out it stays failed, so that only the end need be looked at.
 */
typedef struct irx__pg_text {
    char *bytes;
    size_t used;
    size_t room;
    bool failed;
} irx__pg_text;

void irx__pg_text_put(irx__pg_text *text, const char *bytes, size_t length);
/* Two hexadecimal digits for each byte. */
void irx__pg_text_put_hex(irx__pg_text *text, const void *bytes, size_t length);
/* What stands between two of these quotes; and a literal, in the form that means the same whatever
 * standard_conforming_strings says. */
void irx__pg_text_put_quoted(irx__pg_text *text, const char *name, char quote);
void irx__pg_text_put_literal(irx__pg_text *text, const char *value);
/* The text, malloc'ed, with a final zero; null, and nothing to free, where memory was out. */
char *irx__pg_text_end(irx__pg_text *text);

#endif
