/* What a URL may say, and how a wrong one is refused: the part, the rule, and never a credential.
 */
#include "cmocka_all.h"
#include "runtime/url.h"

#include <stdlib.h>
#include <string.h>

typedef struct good {
    const char *text, *scheme, *user, *password, *host;
    uint16_t port;
    const char *path;
    int database;
    const char *shown;
} good;

static const good goods[] = {
    {"local:", "local", "", "", "", 0, "", 0, "local:"},
    {"LOCAL:", "local", "", "", "", 0, "", 0, "LOCAL:"},
    {"local:///var/run/x", "local", "", "", "", 0, "/var/run/x", 0, "local:///var/run/x"},
    {"local:///a%20b", "local", "", "", "", 0, "/a b", 0, "local:///a%20b"},
    {"memory:", "memory", "", "", "", 0, "", 0, "memory:"},
    {"memory:one", "memory", "", "", "one", 0, "", 0, "memory:one"},
    {"redis://localhost", "redis", "", "", "localhost", 0, "", 0, "redis://localhost"},
    {"redis://localhost/", "redis", "", "", "localhost", 0, "", 0, "redis://localhost/"},
    {"redis://h:6380/3", "redis", "", "", "h", 6380, "", 3, "redis://h:6380/3"},
    {"redis://h:1", "redis", "", "", "h", 1, "", 0, "redis://h:1"},
    {"redis://h:65535/65535", "redis", "", "", "h", 65535, "", 65535, "redis://h:65535/65535"},
    {"redis://10.0.0.1:7", "redis", "", "", "10.0.0.1", 7, "", 0, "redis://10.0.0.1:7"},
    {"redis://[::1]:7/1", "redis", "", "", "::1", 7, "", 1, "redis://[::1]:7/1"},
    {"redis://[fe80::1%25eth0]", "redis", "", "", "fe80::1%eth0", 0, "", 0,
     "redis://[fe80::1%25eth0]"},
    {"redis://me:secret@h", "redis", "me", "secret", "h", 0, "", 0, "redis://***@h"},
    {"redis://:secret@h", "redis", "", "secret", "h", 0, "", 0, "redis://***@h"},
    {"redis://me@h", "redis", "me", "", "h", 0, "", 0, "redis://***@h"},
    {"redis://m%40e:s%3A%2f@h", "redis", "m@e", "s:/", "h", 0, "", 0, "redis://***@h"},
    {"redis://:se@cret@h", "redis", "", "se@cret", "h", 0, "", 0, "redis://***@h"},
    {"redis://:a:b@h", "redis", "", "a:b", "h", 0, "", 0, "redis://***@h"},
    {"redis+socket:///run/r.sock", "redis+socket", "", "", "", 0, "/run/r.sock", 0,
     "redis+socket:///run/r.sock"},
    {"redis+socket:///run/r.sock?db=4", "redis+socket", "", "", "", 0, "/run/r.sock", 4,
     "redis+socket:///run/r.sock?db=4"},
    {"redis+socket://u:secret@/run/r.sock", "redis+socket", "u", "secret", "", 0, "/run/r.sock", 0,
     "redis+socket://***@/run/r.sock"},
};

static void good_ones_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        const good *want = &goods[i];
        irx_url url;
        irx_error error = {0};
        if (irx__url_parse(want->text, &url, &error))
            fail_msg("%s: %s", want->text, error.text);
        assert_string_equal(url.scheme, want->scheme);
        assert_string_equal(url.user, want->user);
        assert_string_equal(url.password, want->password);
        assert_string_equal(url.host, want->host);
        assert_int_equal(url.port, want->port);
        assert_string_equal(url.path, want->path);
        assert_int_equal(url.database, want->database);
        assert_string_equal(url.shown, want->shown);
    }
}

typedef struct libpq {
    const char *text, *uri, *schema, *shown;
} libpq;

static const libpq libpqs[] = {
    {"postgres://", "postgres://", "", "postgres://"},
    {"POSTGRES://h/db", "POSTGRES://h/db", "", "POSTGRES://h/db"},
    {"postgres://u:secret@h:5433/db?schema=app", "postgres://u:secret@h:5433/db", "app",
     "postgres://***@h:5433/db?schema=app"},
    {"postgresql://a:1,b:2/db?schema=My%20App&target_session_attrs=read-write",
     "postgresql://a:1,b:2/db?target_session_attrs=read-write", "My App",
     "postgresql://a:1,b:2/db?schema=My%20App&target_session_attrs=***"},
    {"postgres:///db?host=/run/postgresql&user=me@here&password=secret&sslmode=require",
     "postgres:///db?host=/run/postgresql&user=me@here&password=secret&sslmode=require", "",
     "postgres://***@here&password=***&sslmode=require"},
    {"postgres://h/db?&a=b&&schema=s&c", "postgres://h/db?a=b&c", "s",
     "postgres://h/db?&a=***&&schema=s&c"},
};

/* libpq reads all but the schema, which it does not know. */
static void libpq_gets_its_uri(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof libpqs / sizeof libpqs[0]; i++) {
        irx_url url;
        irx_error error = {0};
        if (irx__url_parse(libpqs[i].text, &url, &error))
            fail_msg("%s: %s", libpqs[i].text, error.text);
        assert_string_equal(url.uri, libpqs[i].uri);
        assert_string_equal(url.schema, libpqs[i].schema);
        assert_string_equal(url.shown, libpqs[i].shown);
    }
}

typedef struct bad {
    const char *text;
    int code;
    const char *says; /* a part of the text that names what is wrong */
} bad;

static const bad bads[] = {
    {NULL, IRX_ECONFIG, "empty"},
    {"", IRX_ECONFIG, "empty"},
    {"localhost", IRX_ECONFIG, "must begin with"},
    {":", IRX_ECONFIG, "must begin with"},
    {"://", IRX_ECONFIG, "must begin with"},
    {"http://secret@h", IRX_ECONFIG, "http://***@h"},
    {"u:secret@h", IRX_ECONFIG, "\"***@h\""},
    {"averyveryverylongschemename://h", IRX_ECONFIG, "must begin with"},
    {"redis ://h", IRX_ECONFIG, "space"},
    {"redis://h\n", IRX_ECONFIG, "control character"},
    {"redis://h#x", IRX_ECONFIG, "'#'"},
    {"rediss://u:secret@h", IRX_EUNSUPPORTED, "rediss:"},
    {"redis+sentinel://a,b/m", IRX_EUNSUPPORTED, "redis+sentinel:"},
    {"postgres:", IRX_ECONFIG, "followed by //"},
    {"postgres:/u:secret@h?a=b://c@d", IRX_ECONFIG, "followed by //"},
    {"postgresql:/h", IRX_ECONFIG, "followed by //"},
    {"postgres://u:secret@h/x?schema=", IRX_ECONFIG, "schema is empty"},
    {"postgres://u:secret@h/x?schema=a&schema=b", IRX_ECONFIG, "schema stands twice"},
    {"postgres://h/x?password=secret&schema=a%0a", IRX_ECONFIG, "control character (%0A)"},
    {"postgres://h:secret/x?schema=", IRX_ECONFIG, "postgres://h:***/x"},
    {"host:", IRX_EUNSUPPORTED, "host:"},
    {"local:x", IRX_ECONFIG, "absolute path"},
    {"local:/x", IRX_ECONFIG, "absolute path"},
    {"local://h/x", IRX_ECONFIG, "absolute path"},
    {"local:///", IRX_ECONFIG, "absolute path"},
    {"local:?x=1", IRX_ECONFIG, "absolute path"},
    {"local:///x?mode=1", IRX_ECONFIG, "\"mode\""},
    {"local:///x%00y", IRX_ECONFIG, "control character (%00)"},
    {"local:///x%0ay", IRX_ECONFIG, "control character (%0A)"},
    {"local:///x%", IRX_ECONFIG, "hexadecimal"},
    {"local:///x%4", IRX_ECONFIG, "hexadecimal"},
    {"local:///x%4g", IRX_ECONFIG, "hexadecimal"},
    {"memory:/x", IRX_ECONFIG, "without a '/'"},
    {"memory:x?y", IRX_ECONFIG, "\"y\""},
    {"redis:", IRX_ECONFIG, "followed by //"},
    {"redis:h", IRX_ECONFIG, "followed by //"},
    {"redis:/h", IRX_ECONFIG, "followed by //"},
    {"redis://", IRX_ECONFIG, "host"},
    {"redis:///1", IRX_ECONFIG, "host"},
    {"redis://:secret@", IRX_ECONFIG, "host"},
    {"redis://a b", IRX_ECONFIG, "space"},
    {"redis://a,b", IRX_ECONFIG, "host \"a,b\""},
    {"redis://::1", IRX_ECONFIG, "host"},
    {"redis://[::1", IRX_ECONFIG, "']'"},
    {"redis://[::g]", IRX_ECONFIG, "IPv6"},
    {"redis://[]", IRX_ECONFIG, "IPv6"},
    {"redis://[h]", IRX_ECONFIG, "IPv6"},
    {"redis://[::1]7", IRX_ECONFIG, "port"},
    {"redis://h:", IRX_ECONFIG, "port"},
    {"redis://h:0", IRX_ECONFIG, "port"},
    {"redis://h:65536", IRX_ECONFIG, "port"},
    {"redis://h:-1", IRX_ECONFIG, "port"},
    {"redis://h:secret", IRX_ECONFIG, "redis://h:***"},
    {"redis://me:secret/1", IRX_ECONFIG, "redis://me:***/1"},
    {"redis://h:99999999999999999999", IRX_ECONFIG, "port"},
    {"redis://h/x", IRX_ECONFIG, "database \"x\""},
    {"redis://h/-1", IRX_ECONFIG, "database"},
    {"redis://h/1/2", IRX_ECONFIG, "database"},
    {"redis://h/65536", IRX_ECONFIG, "database"},
    {"redis://h?db=1", IRX_ECONFIG, "\"db\""},
    {"redis://h?password=secret", IRX_ECONFIG, "\"password\""},
    {"redis://:sec/ret@h", IRX_ECONFIG, "percent-encoded"},
    {"redis://:sec?ret@h", IRX_ECONFIG, "percent-encoded"},
    {"redis://:p?secret@h", IRX_ECONFIG, "percent-encoded"},
    {"redis+socket://:p?secret@/x", IRX_ECONFIG, "percent-encoded"},
    {"redis://:s%zzecret@h", IRX_ECONFIG, "password"},
    {"redis+socket:", IRX_ECONFIG, "followed by //"},
    {"redis+socket://", IRX_ECONFIG, "absolute path"},
    {"redis+socket:///", IRX_ECONFIG, "absolute path"},
    {"redis+socket://h/x", IRX_ECONFIG, "absolute path"},
    {"redis+socket:///x?db=", IRX_ECONFIG, "\"db\""},
    {"redis+socket:///x?db=a", IRX_ECONFIG, "database \"a\""},
    {"redis+socket:///x?db=1&db=2", IRX_ECONFIG, "twice"},
    {"redis+socket:///x?bd=1", IRX_ECONFIG, "\"bd\""},
    {"redis+socket:///x?db=1&password=secret", IRX_ECONFIG, "\"password\""},
};

static void bad_ones_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        irx_url url;
        irx_error error = {0};
        int code = irx__url_parse(bads[i].text, &url, &error);
        const char *text = bads[i].text ? bads[i].text : "(null)";
        if (code != bads[i].code || error.code != code)
            fail_msg("%s: code %d instead of %d: %s", text, code, bads[i].code, error.text);
        if (!strstr(error.text, bads[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", text, error.text, bads[i].says);
        if (strstr(error.text, "secret"))
            fail_msg("%s: shows a credential: %s", text, error.text);
    }
}

/* No length overruns a field, and each is refused by the name of its part. */
static void too_long_parts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *says;
    } parts[] = {{"", "", "longer than"},
                 {"local:///", "", "path is longer"},
                 {"memory:", "", "name is longer"},
                 {"redis://", "", "host is longer"},
                 {"redis://", "@h", "user is longer"},
                 {"redis://:", "@h", "password is longer"},
                 {"redis://h/", "", "database"},
                 {"redis+socket:///", "", "path is longer"},
                 {"postgres://h/db?schema=", "", "schema is longer"}};
    char text[4096];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t length = i == 0 ? 3000 : 1500;
        char *at = stpcpy(text, parts[i].before);
        memset(at, '1', length);
        strcpy(at + length, parts[i].after);
        irx_url url;
        irx_error error = {0};
        assert_int_equal(irx__url_parse(text, &url, &error), IRX_ECONFIG);
        if (!strstr(error.text, parts[i].says))
            fail_msg("%.20s…: \"%s\" does not say \"%s\"", text, error.text, parts[i].says);
    }
}

/* Every byte flipped in every place: no crash, and a refusal always has a text. */
static void mangled_ones_do_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        size_t length = strlen(goods[i].text);
        for (size_t at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char *text = strdup(goods[i].text); /* exact, for the sanitizers */
                text[at] = (char)byte;
                irx_url url;
                irx_error error = {0};
                int code = irx__url_parse(text, &url, &error);
                assert_true(code == 0 || (code == error.code && error.text[0] != '\0'));
                assert_true(url.scheme[sizeof url.scheme - 1] == '\0');
                assert_true(url.path[sizeof url.path - 1] == '\0');
                free(text);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_read),
        cmocka_unit_test(libpq_gets_its_uri),
        cmocka_unit_test(bad_ones_are_refused_by_name),
        cmocka_unit_test(too_long_parts_are_refused),
        cmocka_unit_test(mangled_ones_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
