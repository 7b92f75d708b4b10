/* The media that the contract is held against, and their stores. */
#include "contract.h"
#include "medium/memory_store.h"
#include "postgres_server.h"
#include "redis_server.h"
#include "temp.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- memory ---------------------------------------------------------------------------------- */

static void *start_memory(void)
{
    return NULL;
}

static const char *memory_url(void *store)
{
    (void)store;
    return "memory:contract";
}

static void memory_comes_back(void *store, peer *somebody, bool with_data)
{
    (void)store;
    irx__memory_restart(somebody->medium, with_data);
}

static void stop_memory(void *store)
{
    (void)store;
}

/* ---- local ----------------------------------------------------------------------------------- */

typedef struct local_store {
    char directory[TEMP_PATH_MAX];
    char url[TEMP_PATH_MAX + 16];
} local_store;

static void *start_local(void)
{
    local_store *store = malloc(sizeof *store);
    temp_make(store->directory);
    snprintf(store->url, sizeof store->url, "local://%s", store->directory);
    return store;
}

static const char *local_url(void *store)
{
    return ((local_store *)store)->url;
}

/* A copy is another directory: it has another inode. */
static void local_comes_back(void *store, peer *somebody, bool with_data)
{
    const char *directory = ((local_store *)store)->directory;
    (void)somebody;
    temp_shell("mv '%s' '%s.old'", directory, directory);
    if (with_data)
        temp_shell("cp -a '%s.old' '%s'", directory, directory);
    temp_shell("rm -rf '%s.old'", directory);
}

static void stop_local(void *store)
{
    temp_remove(((local_store *)store)->directory);
    free(store);
}

/* ---- redis ----------------------------------------------------------------------------------- */

static void *start_redis(void)
{
    return redis_server_start(NULL);
}

static const char *redis_url(void *store)
{
    return redis_server_url(store);
}

static void redis_comes_back(void *store, peer *somebody, bool with_data)
{
    (void)somebody;
    if (with_data)
        redis_server_say(store, "SAVE");
    redis_server_kill(store);
    redis_server_restart(store, true);
}

static void stop_redis(void *store)
{
    redis_server_stop(store);
}

/* ---- postgres ---------------------------------------------------------------------------------
 */

static void *start_postgres(void)
{
    return postgres_server_start(NULL);
}

static const char *postgres_url(void *store)
{
    return postgres_server_url(store);
}

static void postgres_comes_back(void *store, peer *somebody, bool with_data)
{
    if (!with_data)
        postgres_server_say(store, "DROP TABLE IF EXISTS \"%s_ledger\"", somebody->namespace_name);
    postgres_server_kill(store);
    postgres_server_restart(store);
}

static void stop_postgres(void *store)
{
    postgres_server_stop(store);
}

const store_kind STORES[] = {
    {"memory", &irx__medium_memory, start_memory, memory_url, memory_comes_back, stop_memory},
    {"local", &irx__medium_local, start_local, local_url, local_comes_back, stop_local},
    {"redis", &irx__medium_redis, start_redis, redis_url, redis_comes_back, stop_redis},
    {"postgres", &irx__medium_postgres, start_postgres, postgres_url, postgres_comes_back,
     stop_postgres},
};
const size_t STORE_COUNT = sizeof STORES / sizeof *STORES;
