/* What the texts of a local directory have in common: escaped bytes, numbers, and the last line. */
#ifndef IRX_LOCAL_ESCAPE_H
#define IRX_LOCAL_ESCAPE_H

#include "interrex_types.h"

/* Writes bytes so that they fit into a line: control characters, '%' and those in `escaped` become
 * %XX. At most three bytes for each, and a zero, which the returned length does not count. */
size_t irx__escape(const void *bytes, size_t length, const char *escaped, char *text);

/* Reads them back, `room` bytes at most. False where the text is not as irx__escape may write it.
 */
bool irx__unescape(const char *text, size_t length, void *bytes, size_t room, size_t *count);

/* The same for a text: it carries no zero byte, and gets one at its end. */
bool irx__unescape_text(const char *text, size_t length, char *to, size_t room);

/* Up to 20 digits and nothing else. */
bool irx__parse_number(const char *text, size_t length, uint64_t *number);

/* 32 hexadecimal digits and nothing else. */
bool irx__parse_digits(const char *text, size_t length, irx_id *id);

enum { IRX__SEAL_SIZE = 23 /* "check ", 16 digits and a newline */ };

/* Appends a line that sums up all before it, and a zero; returns the length with it. */
size_t irx__seal(char *text, size_t length);

/* True if the text ends with that line. *end is where it begins. */
bool irx__is_sealed(const char *text, const char **end);

#endif
