/* Fills errors and draws random bits. A text that does not fit is cut, never overrun; random bits
 * come from the kernel alone, since a session that was drawn twice would be two leaders. */
#include "runtime/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

int irx__error_set(irx_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (written < 0)
        error->text[0] = '\0';
    return code;
}

void irx__random(void *bytes, size_t length)
{
    unsigned char *at = bytes;
    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        at += got;
        length -= (size_t)got;
    }
}

irx_id irx__random_id(void)
{
    irx_id id = {0, 0};
    while (irx_id_none(id)) /* all zero means "none" */
        irx__random(&id, sizeof id);
    return id;
}
