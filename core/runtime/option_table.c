/* The table of options: each key, what it takes and the rule it keeps. It decides about one value
 * at a time; rules between options are the engine's. An unknown key is answered with the nearest
 * known one. */
#include "runtime/options.h"

#include "runtime/error.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000, DAY_MS = 24 * 60 * MINUTE_MS, SHOWN_MAX = 100 };

typedef struct option option;

struct option {
    const char *key;
    int (*read)(irx__settings *settings, const option *option, const char *value, irx_error *error);
    size_t offset; /* of the field in irx__settings */
    int64_t least; /* numbers: bounds; texts: the longest, in bytes, in `most` */
    int64_t most;
};

static int refuse(const option *option, const char *value, const char *rule, irx_error *error)
{
    return irx__error_set(error, IRX_ECONFIG, "option %s: \"%.*s\" %s", option->key, SHOWN_MAX,
                          value, rule);
}

static void *field(irx__settings *settings, const option *option)
{
    return (char *)settings + option->offset;
}

/* A whole number without sign; -1 for anything else. */
static int64_t read_whole(const char *value)
{
    int64_t number = 0;
    size_t length = strlen(value);
    if (length == 0 || length > 15)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return -1;
        number = number * 10 + (value[i] - '0');
    }
    return number;
}

static int read_milliseconds(irx__settings *settings, const option *option, const char *value,
                             irx_error *error)
{
    int64_t number = read_whole(value);
    char rule[96];
    if (number < option->least || number > option->most) {
        snprintf(rule, sizeof rule, "must be a whole number of milliseconds from %lld to %lld",
                 (long long)option->least, (long long)option->most);
        return refuse(option, value, rule, error);
    }
    *(int64_t *)field(settings, option) = number;
    return 0;
}

static int read_count(irx__settings *settings, const option *option, const char *value,
                      irx_error *error)
{
    int64_t number = read_whole(value);
    char rule[96];
    if (number < option->least || number > option->most) {
        snprintf(rule, sizeof rule, "must be a whole number from %lld to %lld",
                 (long long)option->least, (long long)option->most);
        return refuse(option, value, rule, error);
    }
    *(uint32_t *)field(settings, option) = (uint32_t)number;
    return 0;
}

/* "0.005", to the millionth; read by hand because strtod follows the locale. */
static int read_drift(irx__settings *settings, const option *option, const char *value,
                      irx_error *error)
{
    static const char rule[] = "must be a fraction from 0 to 0.1, with at most 6 decimals";
    if (value[0] != '0' || (value[1] != '\0' && value[1] != '.'))
        return refuse(option, value, rule, error);
    uint32_t ppm = 0;
    size_t decimals = value[1] == '.' ? strlen(value + 2) : 0;
    if (decimals > 6 || (value[1] == '.' && decimals == 0))
        return refuse(option, value, rule, error);
    for (size_t i = 0; i < 6; i++) {
        char digit = i < decimals ? value[2 + i] : '0';
        if (digit < '0' || digit > '9')
            return refuse(option, value, rule, error);
        ppm = ppm * 10 + (uint32_t)(digit - '0');
    }
    if (ppm > option->most)
        return refuse(option, value, rule, error);
    *(uint32_t *)field(settings, option) = ppm;
    return 0;
}

static int read_flag(irx__settings *settings, const option *option, const char *value,
                     irx_error *error)
{
    bool yes = strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "false") != 0)
        return refuse(option, value, "must be true or false", error);
    *(bool *)field(settings, option) = yes;
    return 0;
}

/* Bytes of the UTF-8 character at `at`; 0 where there is none, or only an overlong or a control
 * one. */
static size_t character_length(const unsigned char *at)
{
    if (at[0] < 0x80)
        return at[0] >= ' ' && at[0] != 0x7f;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool beyond = at[0] == 0xf4 && at[1] > 0x8f;
    bool control = at[0] == 0xc2 && at[1] < 0xa0; /* U+0080 to U+009F */
    return overlong || surrogate || beyond || control ? 0 : length;
}

static bool is_printable(const char *value)
{
    const unsigned char *at = (const unsigned char *)value;
    while (*at) {
        size_t length = character_length(at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

static int read_text(irx__settings *settings, const option *option, const char *value,
                     irx_error *error)
{
    size_t length = strlen(value);
    if (length < (size_t)option->least || length > (size_t)option->most) {
        char rule[96];
        snprintf(rule, sizeof rule, "must be %lld to %lld bytes long", (long long)option->least,
                 (long long)option->most);
        return refuse(option, value, rule, error);
    }
    if (!is_printable(value)) /* not shown: it would garble a log */
        return irx__error_set(
            error, IRX_ECONFIG,
            "option %s: the value must be printable UTF-8 text, and has a control "
            "character or a malformed one",
            option->key);
    memcpy(field(settings, option), value, length + 1);
    return 0;
}

/* Opaque bytes: what they say is between the members. */
static int read_bytes(irx__settings *settings, const option *option, const char *value,
                      irx_error *error)
{
    size_t length = strlen(value);
    if (length > (size_t)option->most)
        return irx__error_set(error, IRX_ECONFIG, "option %s: %zu bytes are too many: at most %lld",
                              option->key, length, (long long)option->most);
    memcpy(field(settings, option), value, length + 1);
    return 0;
}

static int read_protocol(irx__settings *settings, const option *option, const char *value,
                         irx_error *error)
{
    if (strcmp(value, "lease") == 0)
        settings->protocol = IRX_PROTOCOL_LEASE;
    else if (strcmp(value, "quorum") == 0)
        settings->protocol = IRX_PROTOCOL_QUORUM;
    else
        return refuse(option, value, "must be lease or quorum", error);
    return 0;
}

static int read_takeover(irx__settings *settings, const option *option, const char *value,
                         irx_error *error)
{
    if (strcmp(value, "fast") == 0)
        settings->takeover = IRX_TAKEOVER_FAST;
    else if (strcmp(value, "safe") == 0)
        settings->takeover = IRX_TAKEOVER_SAFE;
    else
        return refuse(option, value, "must be fast or safe", error);
    return 0;
}

static int read_profile(irx__settings *settings, const option *option, const char *value,
                        irx_error *error)
{
    static const struct {
        const char *name;
        int64_t heartbeat_ms;
        int64_t timeout_ms;
    } profiles[] = {{"default", 300, 1500}, {"swift", 50, 250}, {"wide", 1000, 6000}};
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (strcmp(value, profiles[i].name) == 0) {
            settings->profile_heartbeat_ms = profiles[i].heartbeat_ms;
            settings->profile_timeout_ms = profiles[i].timeout_ms;
            return 0;
        }
    }
    return refuse(option, value, "must be default, swift or wide", error);
}

#define AT(member) offsetof(irx__settings, member)

static const option table[] = {
    {"name", read_text, AT(name), 1, IRX_NAME_MAX},
    {"namespace", read_text, AT(namespace_name), 1, IRX_NAMESPACE_MAX},
    {"label", read_text, AT(label), 1, IRX_LABEL_MAX},
    {"meta", read_bytes, AT(meta), 0, IRX_META_MAX},
    {"protocol", read_protocol, 0, 0, 0},
    {"takeover", read_takeover, 0, 0, 0},
    {"profile", read_profile, 0, 0, 0},
    {"heartbeat_ms", read_milliseconds, AT(heartbeat_ms), 10, MINUTE_MS},
    {"timeout_ms", read_milliseconds, AT(timeout_ms), 30, 10 * MINUTE_MS},
    {"probe_ms", read_milliseconds, AT(probe_ms), 1, MINUTE_MS},
    {"stall_limit_ms", read_milliseconds, AT(stall_limit_ms), 0, DAY_MS},
    {"drain_limit_ms", read_milliseconds, AT(drain_limit_ms), 0, DAY_MS},
    {"start_timeout_ms", read_milliseconds, AT(start_timeout_ms), 0, DAY_MS},
    {"drift", read_drift, AT(drift_ppm), 0, 100000},
    {"max_members", read_count, AT(max_members), 1, 65536},
    {"candidate", read_flag, AT(candidate), 0, 0},
    {"create_table", read_flag, AT(create_table), 0, 0},
};

enum { OPTION_COUNT = sizeof table / sizeof table[0], KEY_MAX = 32 };

/* Levenshtein's distance; both words are shorter than KEY_MAX. */
static size_t distance(const char *from, const char *to)
{
    size_t row[KEY_MAX + 1];
    size_t width = strlen(to);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; from[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t changed = diagonal + (from[i] != to[j]);
            size_t shorter = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = changed < shorter ? changed : shorter;
        }
    }
    return row[width];
}

static int refuse_key(const char *key, irx_error *error)
{
    const char *nearest = NULL;
    size_t least = 5;
    for (size_t i = 0; i < OPTION_COUNT && strlen(key) < KEY_MAX; i++) {
        size_t apart = distance(key, table[i].key);
        if (apart < least && apart < strlen(table[i].key)) {
            least = apart;
            nearest = table[i].key;
        }
    }
    if (nearest)
        return irx__error_set(error, IRX_ECONFIG, "unknown option \"%.*s\"; did you mean %s?",
                              SHOWN_MAX, key, nearest);
    return irx__error_set(error, IRX_ECONFIG, "unknown option \"%.*s\"", SHOWN_MAX, key);
}

int irx__option_apply(irx__settings *settings, const char *key, const char *value, irx_error *error)
{
    if (!key)
        return irx__error_set(error, IRX_ECONFIG, "an option needs a key");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(key, table[i].key) != 0)
            continue;
        if (!value)
            return irx__error_set(error, IRX_ECONFIG, "option %s: a value is missing", key);
        return table[i].read(settings, &table[i], value, error);
    }
    return refuse_key(key, error);
}
