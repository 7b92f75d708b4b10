/* Whatever text is given as a URL, reading it must not crash or read past its end, what is taken
 * must be good, and nothing that is shown may depend on what a credential consists of. */
#include "runtime/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool good)
{
    if (!good)
        abort();
}

static bool ends(const char *field, size_t size)
{
    return memchr(field, '\0', size) != NULL;
}

/* Other letters and digits in the place of each, but for those of a percent escape. */
static void disguise_span(char *from, const char *end)
{
    for (char *at = from; at < end; at++) {
        if (*at == '%')
            at += 2;
        else if (isdigit((unsigned char)*at))
            *at = *at == '7' ? '8' : '7';
        else if (isalpha((unsigned char)*at))
            *at = *at == 'x' ? 'y' : 'x';
    }
}

/* Another user and password: all between the slashes, or else the scheme's colon, and the last '@'.
 */
static void disguise(char *text)
{
    bool libpq = strncasecmp(text, "postgres", strlen("postgres")) == 0;
    size_t length =
        libpq ? strcspn(text, "?") : strlen(text); /* its parameters may hold one, too */
    char *at = memrchr(text, '@', length);
    char *slashes = strstr(text, "://");
    char *colon = strchr(text, ':');
    if (at && slashes && slashes < at)
        disguise_span(slashes + 3, at);
    else if (at && colon && colon < at)
        disguise_span(colon + 1, at);
}

static void check_parts(const irx_url *url)
{
    bool local = strcmp(url->scheme, "local") == 0;
    bool memory = strcmp(url->scheme, "memory") == 0;
    bool redis = strcmp(url->scheme, "redis") == 0;
    bool redis_socket = strcmp(url->scheme, "redis+socket") == 0;
    bool libpq = strcmp(url->scheme, "postgres") == 0 || strcmp(url->scheme, "postgresql") == 0;

    must(ends(url->user, sizeof url->user) && ends(url->password, sizeof url->password));
    must(ends(url->host, sizeof url->host) && ends(url->path, sizeof url->path));
    must(ends(url->uri, sizeof url->uri) && ends(url->schema, sizeof url->schema));
    must(local || memory || redis || redis_socket || libpq);
    must(libpq == (url->uri[0] != '\0') && (libpq || url->schema[0] == '\0'));
    const char *query = url->uri + strcspn(url->uri, "?");
    must(strncmp(query, "?schema=", strlen("?schema=")) != 0 && !strstr(query, "&schema="));
    must(redis || url->port == 0);
    must(redis || redis_socket || (url->database == 0 && url->user[0] == '\0'));
    must(url->database >= 0 && url->database <= 65535);
    must(!redis || (url->host[0] != '\0' && url->path[0] == '\0'));
    must(!redis_socket || url->path[0] == '/');
    must(!local || url->path[0] == '\0' || url->path[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    irx_url url, other;
    irx_error error = {0}, other_error = {0};
    char *text = malloc(length + 1); /* exact, for the sanitizers */

    must(text != NULL);
    memcpy(text, bytes, length);
    text[length] = '\0';
    int code = irx__url_parse(text, &url, &error);
    must(code == 0 || code == IRX_ECONFIG || code == IRX_EUNSUPPORTED);
    must(ends(url.shown, sizeof url.shown) && ends(error.text, sizeof error.text));
    must(code == 0 || (error.code == code && error.text[0] != '\0'));
    if (code == 0)
        check_parts(&url);
    disguise(text);
    must(irx__url_parse(text, &other, &other_error) == code);
    must(strcmp(url.shown, other.shown) == 0);
    must(strcmp(error.text, other_error.text) == 0);
    free(text);
    return 0;
}
