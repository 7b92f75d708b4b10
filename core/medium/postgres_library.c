/* Loads libpq. Decides under which name it is looked for and what a person is told who lacks it. It
 * must never let libpq meet the symbols of the program: Node has an OpenSSL of its own inside,
 * which libpq would call instead of the one that it was built for. */
#include "medium/postgres_library.h"

#include "runtime/error.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* A sanitizer replaces functions of the C library and refuses to be bound around. */
#if defined(RTLD_DEEPBIND) && !defined(SANITIZED)
#define FLAGS (RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)
#else
#define FLAGS (RTLD_NOW | RTLD_LOCAL)
#endif

#ifdef __APPLE__
#define LIBRARY "libpq.5.dylib"
#else
#define LIBRARY "libpq.so.5"
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static irx__libpq library;
static bool loaded;
static char why[160];

static bool find(void *handle, const char *name, void *to)
{
    void *symbol = dlsym(handle, name);
    memcpy(to, &symbol, sizeof symbol); /* C has no conversion between data and function */
    if (symbol == NULL) {
        snprintf(why, sizeof why, "%s has no %s: it is older than version 12", LIBRARY, name);
    }
    return symbol != NULL;
}

static void load(void)
{
    void *handle = dlopen(LIBRARY, FLAGS);

    if (handle == NULL) {
        const char *story = dlerror();
        snprintf(why, sizeof why, "%s", story != NULL ? story : LIBRARY);
        return;
    }
#define X(type, name, arguments)                                                                   \
    if (!find(handle, "PQ" #name, &library.name)) {                                                \
        return;                                                                                    \
    }
    IRX_LIBPQ_MAP(X)
#undef X
    void *pending = dlsym(handle, "SSL_pending");
    memcpy(&library.ssl_pending, &pending, sizeof pending);
    loaded = true;
}

const irx__libpq *irx__libpq_load(irx_error *error)
{
    pthread_once(&once, load);
    if (!loaded) {
        irx__error_set(error, IRX_EUNSUPPORTED,
                       "postgres:// needs libpq, the client library of PostgreSQL: install the "
                       "package libpq5 (Debian, Ubuntu) or libpq (Alpine, Homebrew), and start "
                       "again (%s)",
                       why);
        return NULL;
    }
    return &library;
}
