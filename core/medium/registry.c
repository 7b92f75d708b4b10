/* The list of media that are built in. */
#include "medium/medium.h"

#include <string.h>

const irx_medium_class *irx__medium_find(const char *scheme)
{
    static const struct {
        const char *scheme;
        const irx_medium_class *medium;
    } media[] = {
        {"local", &irx__medium_local},       {"memory", &irx__medium_memory},
        {"postgres", &irx__medium_postgres}, {"postgresql", &irx__medium_postgres},
        {"redis", &irx__medium_redis},       {"redis+socket", &irx__medium_redis},
    };
    for (size_t i = 0; i < sizeof media / sizeof media[0]; i++) {
        if (strcmp(scheme, media[i].scheme) == 0)
            return media[i].medium;
    }
    return NULL;
}
