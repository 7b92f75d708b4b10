/* Reads the parts of a URL: query, credentials, host, port, database. Each rule stands in one
 * function, and its error names the part, the value and the rule. It must never print what may
 * belong to a credential. */
#include "runtime/url_parts.h"

#include "runtime/error.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { DATABASE_MAX = 65535, PORT_MAX = 65535 };

static size_t append(char *shown, size_t size, size_t used, const char *text, size_t length)
{
    for (size_t i = 0; i < length && used + 1 < size; i++)
        shown[used++] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    shown[used] = '\0';
    return used;
}

/* What is no port after the host's colon: "redis://user:password", say, whose '@' was forgotten. */
static const char *suspect_port(const char *authority)
{
    const char *bracket = *authority == '[' ? strchr(authority, ']') : NULL;
    const char *at = bracket ? bracket : authority;
    const char *end = authority + strcspn(authority, "/?");
    for (;;) { /* a list of hosts has commas */
        const char *colon = strchr(at, ':');
        if (!colon || colon >= end)
            return NULL;
        size_t digits = strspn(colon + 1, "0123456789");
        at = colon + 1 + digits;
        if (digits > 5 || (at != end && *at != ','))
            return colon + 1;
    }
}

/* A query parameter that holds no credential and helps to know the place. */
static bool is_harmless(const char *parameter)
{
    static const char *const names[] = {"db=", "schema=", "host=", "port=", "sslmode=", NULL};
    for (const char *const *name = names; *name; name++) {
        if (strncmp(parameter, *name, strlen(*name)) == 0)
            return true;
    }
    return false;
}

void irx__url_show(const char *text, char *shown, size_t size)
{
    size_t used = 0;
    const char *at = strrchr(text, '@');
    const char *slashes = strstr(text, "://");
    if (slashes != strchr(text, ':')) /* not the scheme's: what stands before it is anything */
        slashes = NULL;
    if (at) {
        if (slashes && slashes < at)
            used = append(shown, size, used, text, (size_t)(slashes + 3 - text));
        used = append(shown, size, used, "***", 3);
        text = at;
    } else if (slashes && suspect_port(slashes + 3)) {
        const char *suspect = suspect_port(slashes + 3);
        used = append(shown, size, used, text, (size_t)(suspect - text));
        used = append(shown, size, used, "***", 3);
        text = suspect + strcspn(suspect, "/?");
    }
    size_t plain = strcspn(text, "?&"); /* the '@' may have been a parameter's */
    used = append(shown, size, used, text, plain);
    text += plain;
    while (*text) { /* a '?' or '&', then a parameter */
        size_t length = 1 + strcspn(text + 1, "&");
        const char *equals = memchr(text, '=', length);
        bool harmless = is_harmless(text + 1);
        size_t kept = equals && !harmless ? (size_t)(equals + 1 - text) : length;
        used = append(shown, size, used, text, kept);
        if (kept < length)
            used = append(shown, size, used, "***", 3);
        text += length;
    }
    if (used + 1 == size && size > 4)
        memcpy(shown + size - 4, "...", 4);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int irx__url_decode(const irx_url *url, const char *part, irx__url_span from, char *into,
                    size_t size, irx_error *error)
{
    size_t used = 0;
    for (size_t i = 0; i < from.length; i++) {
        int c = (unsigned char)from.text[i];
        if (c == '%') {
            bool room = from.length - i > 2;
            int high = room ? digit_of(from.text[i + 1]) : -1;
            int low = room ? digit_of(from.text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return irx__error_set(error, IRX_ECONFIG,
                                      "url \"%s\": in the %s a '%%' is not followed by two "
                                      "hexadecimal digits (write %%25 for a '%%')",
                                      url->shown, part);
            c = high * 16 + low;
            i += 2;
        }
        if (c < ' ' || c == 0x7f)
            return irx__error_set(error, IRX_ECONFIG,
                                  "url \"%s\": the %s holds a control character (%%%02X)",
                                  url->shown, part, (unsigned)c);
        if (used + 1 >= size)
            return irx__error_set(error, IRX_ECONFIG,
                                  "url \"%s\": the %s is longer than %zu characters", url->shown,
                                  part, size - 1);
        into[used++] = (char)c;
    }
    into[used] = '\0';
    return 0;
}

static int misplaced_at(const irx_url *url, irx_error *error)
{
    return irx__error_set(error, IRX_ECONFIG,
                          "url \"%s\": a '/' or '?' in user or password, or an '@' after the "
                          "host, must be percent-encoded (%%2F, %%3F, %%40)",
                          url->shown);
}

int irx__url_split_query(const irx_url *url, const char *rest, irx__url_span *before,
                         irx__url_span *database, irx_error *error)
{
    size_t length = strcspn(rest, "?");
    if (strchr(rest + length, '@')) /* what looks like a parameter may be a piece of a password */
        return misplaced_at(url, error);
    *before = (irx__url_span){rest, length};
    const char *at = rest + length;
    while (*at) {
        at++; /* the '?' or '&' */
        length = strcspn(at, "&");
        if (database && strncmp(at, "db=", 3) == 0 && length > 3) {
            if (database->text)
                return irx__error_set(error, IRX_ECONFIG,
                                      "url \"%s\": the query parameter db stands twice",
                                      url->shown);
            *database = (irx__url_span){at + 3, length - 3};
        } else if (length > 0) {
            return irx__error_set(
                error, IRX_ECONFIG, "url \"%s\": unknown query parameter \"%.*s\"; %s", url->shown,
                (int)strcspn(at, "=&"), at,
                database ? "known is db, a number" : "settings are given as options");
        }
        at += length;
    }
    return 0;
}

int irx__url_split_authority(const irx_url *url, irx__url_span *path, irx__url_span *authority,
                             irx_error *error)
{
    if (path->length < 2 || path->text[0] != '/' || path->text[1] != '/')
        return irx__error_set(error, IRX_ECONFIG, "url \"%s\": %s: must be followed by //",
                              url->shown, url->scheme);
    const char *begin = path->text + 2;
    const char *end = path->text + path->length;
    const char *slash = memchr(begin, '/', (size_t)(end - begin));
    const char *stop = slash ? slash : end;
    if (strchr(stop, '@')) /* what looks like the host is then a piece of a password */
        return misplaced_at(url, error);
    *authority = (irx__url_span){begin, (size_t)(stop - begin)};
    *path = (irx__url_span){stop, (size_t)(end - stop)};
    return 0;
}

int irx__url_credentials(irx_url *url, irx__url_span *authority, irx_error *error)
{
    const char *at = memrchr(authority->text, '@', authority->length);
    if (!at)
        return 0;
    irx__url_span user = {authority->text, (size_t)(at - authority->text)};
    irx__url_span password = {at, 0};
    const char *colon = memchr(user.text, ':', user.length);
    if (colon) {
        password = (irx__url_span){colon + 1, (size_t)(at - colon - 1)};
        user.length = (size_t)(colon - user.text);
    }
    authority->length -= (size_t)(at + 1 - authority->text);
    authority->text = at + 1;
    int failed = irx__url_decode(url, "user", user, url->user, sizeof url->user, error);
    if (failed)
        return failed;
    return irx__url_decode(url, "password", password, url->password, sizeof url->password, error);
}

/* A decimal number from `least` to `most`, or -1. */
static int read_number(irx__url_span span, int least, int most)
{
    int number = 0;
    if (span.length == 0 || span.length > 5)
        return -1;
    for (size_t i = 0; i < span.length; i++) {
        if (span.text[i] < '0' || span.text[i] > '9')
            return -1;
        number = number * 10 + (span.text[i] - '0');
    }
    return number >= least && number <= most ? number : -1;
}

static bool is_host_name(const char *host)
{
    for (const unsigned char *at = (const unsigned char *)host; *at; at++) {
        bool letter = (*at | 0x20) >= 'a' && (*at | 0x20) <= 'z';
        bool digit = *at >= '0' && *at <= '9';
        if (!letter && !digit && !strchr("-._", *at))
            return false;
    }
    return *host != '\0';
}

/* Inside the brackets: an address, perhaps with a zone ("fe80::1%eth0"). */
static bool is_address(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    size_t length = strcspn(host, "%");
    if (length >= sizeof address)
        return false;
    memcpy(address, host, length);
    address[length] = '\0';
    bool zone = host[length] == '\0' || is_host_name(host + length + 1);
    return zone && inet_pton(AF_INET6, address, &ignored) == 1;
}

int irx__url_host(irx_url *url, irx__url_span authority, irx_error *error)
{
    irx__url_span host = authority, port = {NULL, 0};
    bool bracketed = host.length > 0 && host.text[0] == '[';
    if (bracketed) {
        const char *close = memchr(host.text, ']', host.length);
        if (!close)
            return irx__error_set(error, IRX_ECONFIG, "url \"%s\": the host's '[' has no ']'",
                                  url->shown);
        port = (irx__url_span){close + 1, (size_t)(host.text + host.length - close - 1)};
        host = (irx__url_span){host.text + 1, (size_t)(close - host.text - 1)};
    } else {
        const char *colon = memchr(host.text, ':', host.length);
        if (colon) {
            port = (irx__url_span){colon, (size_t)(host.text + host.length - colon)};
            host.length = (size_t)(colon - host.text);
        }
    }
    int failed = irx__url_decode(url, "host", host, url->host, sizeof url->host, error);
    if (failed)
        return failed;
    if (!(bracketed ? is_address(url->host) : is_host_name(url->host)))
        return irx__error_set(
            error, IRX_ECONFIG, "url \"%s\": the host \"%.64s\" must be %s", url->shown, url->host,
            bracketed ? "an IPv6 address inside its brackets"
                      : "a name, an IPv4 address, or an IPv6 address in brackets");
    if (port.length == 0)
        return 0;
    irx__url_span digits = {port.text + 1, port.length - 1};
    int number = port.text[0] == ':' ? read_number(digits, 1, PORT_MAX) : -1;
    if (number < 0)
        return irx__error_set(error, IRX_ECONFIG,
                              "url \"%s\": the port after the host must be a number from 1 to %d",
                              url->shown, PORT_MAX);
    url->port = (uint16_t)number;
    return 0;
}

int irx__url_database(irx_url *url, irx__url_span number, irx_error *error)
{
    url->database = read_number(number, 0, DATABASE_MAX);
    if (url->database >= 0)
        return 0;
    url->database = 0;
    return irx__error_set(
        error, IRX_ECONFIG, "url \"%s\": the database \"%.*s\" must be a number from 0 to %d",
        url->shown, (int)(number.length < 64 ? number.length : 64), number.text, DATABASE_MAX);
}
