/* Reads the URL that says where an election is held. Decides what is well-formed, never what is
 * reachable. It must never let a credential into an error or a log: everything up to the last '@'
 * is masked before a single part is looked at, and a part that may hold a piece of a password is
 * named, not shown. */
#include "runtime/url.h"

#include "runtime/error.h"
#include "runtime/url_parts.h"

#include <stdio.h>
#include <string.h>

enum {
    URL_LENGTH_MAX = 2048,
    SHOWN_MAX = 160 /* so that an error has room for the rule */
};

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(word, *list) == 0)
            return true;
    }
    return false;
}

static const char *const built_in[] = {"local",    "memory",     "redis", "redis+socket",
                                       "postgres", "postgresql", NULL};
static const char *const later[] = {"rediss", "redis+sentinel", "host", NULL};

static int check_characters(const char *text, irx_url *url, irx_error *error)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c <= ' ' || c == 0x7f)
            return irx__error_set(error, IRX_ECONFIG,
                                  "url \"%s\": a %s must be percent-encoded (%%%02X)", url->shown,
                                  c == ' ' ? "space" : "control character", c);
        if (c == '#')
            return irx__error_set(error, IRX_ECONFIG,
                                  "url \"%s\": a '#' must be percent-encoded (%%23)", url->shown);
    }
    return 0;
}

/* The scheme, in lower case; *rest is what follows its colon. */
static int read_scheme(const char *text, irx_url *url, const char **rest, irx_error *error)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    bool known = length > 0 && length < sizeof url->scheme;
    for (size_t i = 0; known && i < length; i++) {
        char c = text[i];
        url->scheme[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    if (known && is_one_of(url->scheme, later))
        return irx__error_set(error, IRX_EUNSUPPORTED,
                              "url \"%s\": the scheme %s: is not built into this version; use "
                              "local:, memory:, redis://, redis+socket:// or postgres://",
                              url->shown, url->scheme);
    if (!known || !is_one_of(url->scheme, built_in))
        return irx__error_set(error, IRX_ECONFIG,
                              "url \"%s\": it must begin with local:, memory:, redis://, "
                              "redis+socket:// or postgres://",
                              url->shown);
    *rest = colon + 1;
    return 0;
}

static int read_local(const char *rest, irx_url *url, irx_error *error)
{
    if (*rest == '\0')
        return 0;
    if (strncmp(rest, "///", 3) != 0 || rest[3] == '\0')
        return irx__error_set(
            error, IRX_ECONFIG,
            "url \"%s\": it must be local: or local:///directory, an absolute path", url->shown);
    irx__url_span path;
    int failed = irx__url_split_query(url, rest + 2, &path, NULL, error);
    if (failed)
        return failed;
    return irx__url_decode(url, "path", path, url->path, sizeof url->path, error);
}

static int read_memory(const char *rest, irx_url *url, irx_error *error)
{
    irx__url_span name;
    int failed = irx__url_split_query(url, rest, &name, NULL, error);
    if (failed)
        return failed;
    if (memchr(name.text, '/', name.length))
        return irx__error_set(error, IRX_ECONFIG,
                              "url \"%s\": it must be memory: or memory:name, without a '/'",
                              url->shown);
    return irx__url_decode(url, "name", name, url->host, sizeof url->host, error);
}

static int read_redis(const char *rest, irx_url *url, irx_error *error)
{
    irx__url_span path, authority;
    int failed = irx__url_split_query(url, rest, &path, NULL, error);
    if (!failed)
        failed = irx__url_split_authority(url, &path, &authority, error);
    if (!failed)
        failed = irx__url_credentials(url, &authority, error);
    if (!failed)
        failed = irx__url_host(url, authority, error);
    if (failed || path.length <= 1) /* nothing, or a lone slash: database 0 */
        return failed;
    path.text++;
    path.length--;
    return irx__url_database(url, path, error);
}

static int read_redis_socket(const char *rest, irx_url *url, irx_error *error)
{
    irx__url_span path, authority, database = {NULL, 0};
    int failed = irx__url_split_query(url, rest, &path, &database, error);
    if (!failed)
        failed = irx__url_split_authority(url, &path, &authority, error);
    if (!failed)
        failed = irx__url_credentials(url, &authority, error);
    if (failed)
        return failed;
    if (authority.length > 0 || path.length < 2)
        return irx__error_set(
            error, IRX_ECONFIG,
            "url \"%s\": it must be redis+socket:///path/to/socket, an absolute path", url->shown);
    failed = irx__url_decode(url, "path", path, url->path, sizeof url->path, error);
    if (failed || !database.text)
        return failed;
    return irx__url_database(url, database, error);
}

/* Everything is libpq's to read and to judge, but for `schema=`, which is ours and taken out. */
static int read_postgres(const char *text, const char *rest, irx_url *url, irx_error *error)
{
    const char *query = rest + strcspn(rest, "?");
    if (strncmp(rest, "//", 2) != 0)
        return irx__error_set(error, IRX_ECONFIG, "url \"%s\": %s: must be followed by //",
                              url->shown, url->scheme);
    char *to = url->uri;
    memcpy(to, text, (size_t)(query - text));
    to += query - text;
    char separator = '?';
    for (const char *at = query; *at;) {
        at++; /* the '?' or '&' */
        size_t length = strcspn(at, "&");
        if (strncmp(at, "schema=", 7) == 0) {
            irx__url_span schema = {at + 7, length - 7};
            if (url->schema[0] != '\0' || schema.length == 0)
                return irx__error_set(error, IRX_ECONFIG,
                                      "url \"%s\": the query parameter schema %s", url->shown,
                                      schema.length == 0 ? "is empty" : "stands twice");
            int failed =
                irx__url_decode(url, "schema", schema, url->schema, sizeof url->schema, error);
            if (failed)
                return failed;
        } else if (length > 0) {
            *to++ = separator;
            separator = '&';
            memcpy(to, at, length);
            to += length;
        }
        at += length;
    }
    *to = '\0';
    return 0;
}

int irx__url_parse(const char *text, irx_url *url, irx_error *error)
{
    memset(url, 0, sizeof *url);
    if (!text || *text == '\0')
        return irx__error_set(error, IRX_ECONFIG,
                              "url is empty: it must say where the election is held, as in "
                              "redis://localhost or local:");
    if (strnlen(text, URL_LENGTH_MAX + 1) > URL_LENGTH_MAX)
        return irx__error_set(error, IRX_ECONFIG, "url is longer than %d characters",
                              URL_LENGTH_MAX);
    irx__url_show(text, url->shown, SHOWN_MAX + 1);
    const char *rest = NULL;
    int failed = check_characters(text, url, error);
    if (!failed)
        failed = read_scheme(text, url, &rest, error);
    if (failed)
        return failed;
    if (strcmp(url->scheme, "local") == 0)
        return read_local(rest, url, error);
    if (strcmp(url->scheme, "memory") == 0)
        return read_memory(rest, url, error);
    if (strcmp(url->scheme, "redis") == 0)
        return read_redis(rest, url, error);
    if (strncmp(url->scheme, "postgres", strlen("postgres")) == 0)
        return read_postgres(text, rest, url, error);
    return read_redis_socket(rest, url, error);
}
