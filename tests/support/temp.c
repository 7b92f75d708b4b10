/* See temp.h. */
#include "temp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void temp_make(char path[TEMP_PATH_MAX])
{
    strcpy(path, "/tmp/irx-test-XXXXXX");
    if (!mkdtemp(path)) {
        fprintf(stderr, "no temporary directory: %s\n", strerror(errno));
        abort();
    }
}

void temp_remove(const char *path)
{
    temp_shell("rm -rf '%s'", path);
}

void temp_shell(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        abort();
    }
}
