/* A machine without libpq, or with one that is too old: dlopen and dlsym are this program's own. */
#include "cmocka_all.h"

#include "medium/postgres_place.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_old; /* the library is there, but lacks a function */

void *dlopen(const char *file, int mode)
{
    (void)mode;
    return is_old && strncmp(file, "libpq", 5) == 0 ? &is_old : NULL;
}

void *dlsym(void *handle, const char *name)
{
    return strcmp(name, "PQsetNoticeReceiver") == 0 ? NULL : handle;
}

char *dlerror(void)
{
    static char story[] = "libpq.so.5: cannot open shared object file";
    return story;
}

static int attempt(const char *words)
{
    irx_url url = {.uri = "postgres://h/d", .shown = "postgres://h/d"};
    irx__pg_place *place = NULL;
    irx_error error = {0, ""};
    for (int i = 0; i < 2; i++) { /* the second time is told the same */
        int code = irx__pg_place_open(&url, 1, &place, &error);
        if (code != IRX_EUNSUPPORTED || error.code != code || place != NULL ||
            strstr(error.text, words) == NULL || strstr(error.text, "libpq5") == NULL ||
            strstr(error.text, "postgres://") == NULL)
            return 1;
    }
    return 0;
}

/* It is loaded once in a process: each case has one of its own. */
static void in_a_child(const char *words)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(attempt(words));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Would break: that whoever lacks the library is told which package to install. */
static void without_the_library(void **state)
{
    (void)state;
    in_a_child("cannot open");
}

/* Would break: a call through a null pointer, later, where the library is too old. */
static void with_one_that_is_too_old(void **state)
{
    (void)state;
    is_old = true;
    in_a_child("has no PQsetNoticeReceiver");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_library),
        cmocka_unit_test(with_one_that_is_too_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
