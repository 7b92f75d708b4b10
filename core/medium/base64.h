/* Bytes as text, for carriers that take text alone: base64 with padding. Pure. */
#ifndef IRX_BASE64_H
#define IRX_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Characters for that many bytes, without the final zero. */
#define IRX_BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4)

/* Writes IRX_BASE64_LENGTH(length) characters and a zero. */
void irx__base64_encode(const void *bytes, size_t length, char *text);
/* False for anything that encode does not write, or that is longer than `room` bytes. */
bool irx__base64_decode(const char *text, void *bytes, size_t room, size_t *length);

#endif
