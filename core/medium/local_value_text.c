/* Decides how a published value is written as text: with its version, sealed, in one file that is
 * replaced whole. So the value and its version are one thing: whoever sees a version sees the bytes
 * that were published under it, whenever a writer ended. Pure: it must never touch a file.
 *
 *     interrex-value 1
 *     version <term> <index>
 *     bytes <the value>
 *     check <FNV-1a, 64 bits> */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "medium/local_escape.h"
#include "medium/local_text.h"

#define TITLE "interrex-value 1\nversion "
#define BYTES "bytes "

size_t irx__local_print_value(irx_version version, const void *bytes, size_t length, char *text)
{
    size_t at =
        (size_t)sprintf(text, TITLE "%" PRIu64 " %" PRIu64 "\n" BYTES, version.term, version.index);
    at += irx__escape(bytes, length, "", text + at);
    text[at++] = '\n';
    return irx__seal(text, at);
}

/* Where the version's line ends, or null. */
static const char *parse_head(const char *text, irx_version *version)
{
    size_t title = strlen(TITLE);
    if (strncmp(text, TITLE, title) != 0)
        return NULL;
    text += title;
    const char *end = strchr(text, '\n');
    const char *space = end ? memchr(text, ' ', (size_t)(end - text)) : NULL;
    bool good = space && irx__parse_number(text, (size_t)(space - text), &version->term) &&
                irx__parse_number(space + 1, (size_t)(end - space) - 1, &version->index) &&
                version->term > 0 && version->index > 0;
    return good ? end : NULL;
}

int irx__local_parse_version(const char *text, irx_version *version)
{
    irx_version read;
    if (!parse_head(text, &read))
        return IRX_EFOREIGN;
    *version = read;
    return 0;
}

int irx__local_parse_value(const char *text, irx_version *version, void **value, size_t *length)
{
    irx_version read;
    const char *end;
    const char *line = parse_head(text, &read);
    size_t title = strlen(BYTES), count;
    if (!line || !irx__is_sealed(text, &end) || strncmp(line + 1, BYTES, title) != 0)
        return IRX_EFOREIGN;
    const char *bytes = line + 1 + title;
    if (bytes >= end || memchr(bytes, '\n', (size_t)(end - bytes)) != end - 1)
        return IRX_EFOREIGN;
    size_t size = (size_t)(end - 1 - bytes);
    void *copy = malloc((size < IRX_VALUE_MAX ? size : IRX_VALUE_MAX) + 1);
    if (!copy)
        return IRX_ENOMEM;
    if (!irx__unescape(bytes, size, copy, IRX_VALUE_MAX, &count)) {
        free(copy);
        return IRX_EFOREIGN;
    }
    *version = read;
    *value = copy;
    *length = count;
    return 0;
}
