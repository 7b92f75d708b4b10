/* Base64 as RFC 4648, section 4, has it. Decides what is well-formed: the one text that encode
 * writes for some bytes, and no other; it must never read or write beyond what it was given. */
#include "medium/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void irx__base64_encode(const void *bytes, size_t length, char *text)
{
    const unsigned char *from = bytes;
    for (size_t at = 0; at < length; at += 3) {
        size_t left = length - at;
        uint32_t group = (uint32_t)from[at] << 16;
        group |= left > 1 ? (uint32_t)from[at + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)from[at + 2] : 0;
        *text++ = digits[group >> 18];
        *text++ = digits[group >> 12 & 63];
        *text++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *text++ = left > 2 ? digits[group & 63] : '=';
    }
    *text = '\0';
}

/* The value of a digit, or -1. */
static int value_of(char digit)
{
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);
    return found == NULL ? -1 : (int)(found - digits);
}

bool irx__base64_decode(const char *text, void *bytes, size_t room, size_t *length)
{
    size_t count = strlen(text);
    size_t padding = 0;
    unsigned char *to = bytes;

    if (count % 4 != 0) {
        return false;
    }
    if (count > 0 && text[count - 1] == '=') {
        padding = text[count - 2] == '=' ? 2 : 1;
    }
    if (count / 4 * 3 - padding > room) {
        return false;
    }
    for (size_t at = 0; at < count; at += 4) {
        size_t whole = at + 4 == count ? 4 - padding : 4;
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++) {
            int value = i < whole ? value_of(text[at + i]) : 0;
            if (value < 0) {
                return false;
            }
            group = group << 6 | (uint32_t)value;
        }
        for (size_t i = 0; i + 1 < whole; i++) {
            *to++ = (unsigned char)(group >> (16 - 8 * i));
        }
        if ((group & (UINT32_C(0xffffff) >> (8 * (whole - 1)))) != 0) {
            return false; /* bits that no byte needs */
        }
    }
    *length = count / 4 * 3 - padding;
    return true;
}
