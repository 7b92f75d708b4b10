/* Decides how bytes of any kind become part of a line, and how a file shows that it is whole. What
 * is read has exactly one way to be written only as far as it matters: more may be escaped than
 * need be. Pure: it must never touch a file. */
#include "medium/local_escape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_plain(unsigned char c, const char *escaped)
{
    return c >= 0x20 && c != 0x7f && c != '%' && !strchr(escaped, c);
}

size_t irx__escape(const void *bytes, size_t length, const char *escaped, char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *from = bytes;
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (is_plain(from[i], escaped)) {
            text[at++] = (char)from[i];
            continue;
        }
        text[at++] = '%';
        text[at++] = digits[from[i] >> 4];
        text[at++] = digits[from[i] & 15];
    }
    text[at] = '\0';
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool irx__unescape(const char *text, size_t length, void *bytes, size_t room, size_t *count)
{
    unsigned char *to = bytes;
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (at >= room)
            return false;
        if (text[i] != '%') {
            to[at++] = (unsigned char)text[i];
            continue;
        }
        int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        to[at++] = (unsigned char)(high * 16 + low);
        i += 2;
    }
    *count = at;
    return true;
}

bool irx__unescape_text(const char *text, size_t length, char *to, size_t room)
{
    size_t count;
    if (!irx__unescape(text, length, to, room - 1, &count) || memchr(to, 0, count))
        return false;
    to[count] = '\0';
    return true;
}

bool irx__parse_number(const char *text, size_t length, uint64_t *number)
{
    uint64_t sum = 0;
    if (length == 0 || length > 20)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

bool irx__parse_digits(const char *text, size_t length, irx_id *id)
{
    char digits[33];
    if (length != 32)
        return false;
    memcpy(digits, text, 32);
    digits[32] = '\0';
    return irx_id_parse(digits, id);
}

/* FNV-1a. */
static uint64_t checksum(const char *text, size_t length)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return sum;
}

size_t irx__seal(char *text, size_t length)
{
    return length +
           (size_t)sprintf(text + length, "check %016" PRIx64 "\n", checksum(text, length));
}

bool irx__is_sealed(const char *text, const char **end)
{
    size_t length = strlen(text);
    char expected[IRX__SEAL_SIZE + 1];
    if (length < IRX__SEAL_SIZE)
        return false;
    *end = text + length - IRX__SEAL_SIZE;
    snprintf(expected, sizeof expected, "check %016" PRIx64 "\n",
             checksum(text, length - IRX__SEAL_SIZE));
    return strcmp(*end, expected) == 0;
}
