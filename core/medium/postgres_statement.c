/* Makes the statements of the PostgreSQL medium for one table: names in, texts out. Decides how a
 * name is quoted and which names can be used; it must never let a name become anything but a name,
 * and never put anything but names, and a number, into a text. */
#include "medium/postgres_statement.h"

#include "interrex.h"
#include "interrex_embedded.h"
#include "medium/postgres_text.h"
#include "runtime/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What PostgreSQL keeps of an identifier; what is longer would be cut off in silence. */
enum { IDENTIFIER_MAX = 63 };

static const char suffix[] = "_ledger";
/* It quotes the body of a DO, within which a name must not end it. */
static const char body_quote[] = "$interrex$";

static const char *const sources[IRX_PG_STATEMENTS] = {
    [IRX_OP_READ] = irx__sql_read,           [IRX_OP_CREATE] = irx__sql_create,
    [IRX_OP_JOIN] = irx__sql_join,           [IRX_OP_LEAVE] = irx__sql_leave,
    [IRX_OP_CLAIM] = irx__sql_claim,         [IRX_OP_CLAIM_IF_GONE] = irx__sql_claim_if_gone,
    [IRX_OP_RENEW] = irx__sql_renew,         [IRX_OP_RELEASE] = irx__sql_release,
    [IRX_OP_STRIKE] = irx__sql_strike,       [IRX_OP_PUBLISH] = irx__sql_publish,
    [IRX_PG_CONNECT] = irx__sql_connect,     [IRX_PG_SETTINGS] = irx__sql_settings,
    [IRX_PG_RENEW_ONE] = irx__sql_renew_one, [IRX_PG_SEND] = irx__sql_send,
    [IRX_PG_WAIT] = irx__sql_wait,           [IRX_PG_GONE] = irx__sql_gone,
};

/* The names of one table; an empty schema is none. */
typedef struct names {
    const char *schema;
    char table[IDENTIFIER_MAX + 1];
} names;

static int check_names(names *named, const char *schema, const char *namespace_name,
                       irx_error *error)
{
    size_t room = sizeof named->table - sizeof suffix;
    if (strlen(schema) > IDENTIFIER_MAX || strstr(schema, body_quote) != NULL)
        return irx__error_set(error, IRX_ECONFIG,
                              "schema \"%.80s\" can not be used: PostgreSQL's names have up to %d "
                              "bytes, and \"%s\" is ours",
                              schema, IDENTIFIER_MAX, body_quote);
    if (namespace_name[0] == '\0' || strlen(namespace_name) > room)
        return irx__error_set(error, IRX_ECONFIG,
                              "option namespace is \"%.80s\"; PostgreSQL's names have up to %d "
                              "bytes, of which \"%s\" takes %zu: at most %zu are left for it",
                              namespace_name, IDENTIFIER_MAX, suffix, sizeof suffix - 1, room);
    named->schema = schema;
    snprintf(named->table, sizeof named->table, "%s%s", namespace_name, suffix);
    return 0;
}

static void put_identifier(irx__pg_text *text, const char *name)
{
    irx__pg_text_put(text, "\"", 1);
    irx__pg_text_put_quoted(text, name, '"');
    irx__pg_text_put(text, "\"", 1);
}

static void put_ledger(irx__pg_text *text, const names *named)
{
    if (named->schema[0] != '\0') {
        put_identifier(text, named->schema);
        irx__pg_text_put(text, ".", 1);
    }
    put_identifier(text, named->table);
}

/* The ledger's name as a value of a statement: regclass wants the identifiers' quotes in it. */
static void put_ledger_literal(irx__pg_text *text, const names *named)
{
    irx__pg_text ledger = {0};
    put_ledger(&ledger, named);
    char *name = irx__pg_text_end(&ledger);
    if (name == NULL) {
        text->failed = true;
        return;
    }
    irx__pg_text_put_literal(text, name);
    free(name);
}

static bool begins_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* Copies `source`, with names in the place of {…}. */
static void put_source(irx__pg_text *text, const char *source, const names *named)
{
    for (const char *open = strchr(source, '{'); open != NULL; open = strchr(source, '{')) {
        irx__pg_text_put(text, source, (size_t)(open - source));
        source = open;
        if (begins_with(open, "{ledger}"))
            put_ledger(text, named);
        else if (begins_with(open, "{literal}"))
            put_ledger_literal(text, named);
        else if (begins_with(open, "{schema}"))
            put_identifier(text, named->schema);
        else if (begins_with(open, "{schema_literal}"))
            irx__pg_text_put_literal(text, named->schema);
        else if (begins_with(open, "{table_literal}"))
            irx__pg_text_put_literal(text, named->table);
        else
            irx__pg_text_put(text, source++, 1); /* a brace that is SQL's own */
        if (source == open)
            source = strchr(open, '}') + 1;
    }
    irx__pg_text_put(text, source, strlen(source));
}

static char *make(const char *source, const names *named)
{
    irx__pg_text text = {0};
    put_source(&text, source, named);
    return irx__pg_text_end(&text);
}

static const char *schema_source(const names *named)
{
    return named->schema[0] != '\0' ? irx__sql_schema_given : irx__sql_schema;
}

static char *make_creation(const names *named)
{
    irx__pg_text text = {0};
    put_source(&text, irx__sql_patience, named);
    put_source(&text, schema_source(named), named);
    return irx__pg_text_end(&text);
}

int irx__pg_texts_make(irx__pg_texts *texts, const char *schema, const char *namespace_name,
                       irx_error *error)
{
    names named;
    bool good = true;
    *texts = (irx__pg_texts){0};
    int code = check_names(&named, schema, namespace_name, error);
    if (code != 0)
        return code;
    for (int i = 0; i < IRX_PG_STATEMENTS; i++)
        good = (texts->text[i] = make(sources[i], &named)) != NULL && good;
    good = (texts->schema = make(schema_source(&named), &named)) != NULL && good;
    good = (texts->creation = make_creation(&named)) != NULL && good;
    good = (texts->ledger = make("{ledger}", &named)) != NULL && good;
    if (!good) {
        irx__pg_texts_free(texts);
        return irx__error_set(error, IRX_ENOMEM, "out of memory for the statements");
    }
    return 0;
}

void irx__pg_texts_free(irx__pg_texts *texts)
{
    for (int i = 0; i < IRX_PG_STATEMENTS; i++)
        free(texts->text[i]);
    free(texts->schema);
    free(texts->creation);
    free(texts->ledger);
    *texts = (irx__pg_texts){0};
}

size_t irx_schema(const char *schema, const char *namespace_name, char *text, size_t room)
{
    names named;
    if (check_names(&named, schema ? schema : "", namespace_name ? namespace_name : "interrex",
                    NULL) != 0)
        return 0;
    char *made = make(schema_source(&named), &named);
    if (made == NULL)
        return 0;
    size_t length = strlen(made);
    if (room > 0)
        snprintf(text, room, "%s", made);
    free(made);
    return length;
}

/* ---- channels and keys ----------------------------------------------------------------------- */

/* FNV-1a of 64 bits over the name, begun anew for each half. Two names on one channel would only
 * hear each other's hints; an election's members are told by more than the channel. */
static uint64_t hash(const char *name, uint64_t state)
{
    for (; *name != '\0'; name++)
        state = (state ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    state ^= state >> 32; /* the last bytes reach all digits */
    return state * UINT64_C(0x9e3779b97f4a7c15);
}

void irx__pg_election_channel(uint32_t ledger_oid, const char *name, char channel[])
{
    snprintf(channel, IRX_PG_CHANNEL_MAX, "interrex:%" PRIu32 ":%016" PRIx64 "%016" PRIx64,
             ledger_oid, hash(name, UINT64_C(0xcbf29ce484222325)),
             hash(name, UINT64_C(0x6c62272e07bb0142)));
}

void irx__pg_process_channel(irx_id process, char channel[])
{
    char digits[33];
    irx_id_print(process, digits);
    snprintf(channel, IRX_PG_CHANNEL_MAX, "interrex:%s", digits);
}

int64_t irx__pg_process_key(irx_id process)
{
    return (int64_t)process.lo;
}

/* The body of a DO takes no parameters: the key, a number of ours, is put into the text. */
char *irx__pg_wait_text(const irx__pg_texts *texts, irx_id process)
{
    static const char place[] = "{key}";
    const char *from = texts->text[IRX_PG_WAIT];
    irx__pg_text text = {0};
    char key[24];
    int length = snprintf(key, sizeof key, "%" PRId64, irx__pg_process_key(process));

    for (const char *at = strstr(from, place); at != NULL; at = strstr(from, place)) {
        irx__pg_text_put(&text, from, (size_t)(at - from));
        irx__pg_text_put(&text, key, (size_t)length);
        from = at + sizeof place - 1;
    }
    irx__pg_text_put(&text, from, strlen(from));
    return irx__pg_text_end(&text);
}
