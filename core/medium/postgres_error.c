/* Turns the errors of PostgreSQL into typed errors that say what to do. Decides, in one table,
 * which of them mean that surely nothing was applied; it must never say so of one that it does not
 * know, nor show more of a message than a short printable piece. */
#include "medium/postgres_error.h"

#include "runtime/error.h"

#include <string.h>

/* By SQLSTATE, or its class; the first that fits. `harmless`: an ERROR ends the one transaction
 * that an autocommit statement is, so nothing of it stays. Not so what may come when the commit was
 * already written down (a connection lost, a server that stops), and what says of itself that it
 * does not know. */
/* clang-format off */
static const struct {
    const char *state;
    int code;
    bool harmless;
    const char *story;
} refusals[] = {
    {"08P01", IRX_EPROTOCOL, false, "the two do not understand each other, or a pooler gave up waiting"},
    {"08", IRX_EUNREACHABLE, false, "its connection failed"},
    {"0A000", IRX_EUNSUPPORTED, true, "it can not do that: its version, or a changed table"},
    {"22021", IRX_ECONFIG, true, "its encoding can not hold a name: use a database in UTF8"},
    {"22P05", IRX_ECONFIG, true, "its encoding can not hold a name: use a database in UTF8"},
    {"22", IRX_EFOREIGN, true, "the table holds something that is not ours: use another namespace"},
    {"23", IRX_EFOREIGN, true, "a constraint of the table forbids it: use the table as irx_schema() prints it"},
    {"25006", IRX_EUNAVAILABLE, true, "it is a standby or read-only: use the primary's address"},
    {"25", IRX_EUNAVAILABLE, true, "its transaction is in the wrong state"},
    {"26000", IRX_EUNAVAILABLE, true, "it forgot a prepared statement: a pooler, or DISCARD ALL"},
    {"28P01", IRX_EAUTH, true, "the user name or the password is wrong"},
    {"28000", IRX_EAUTH, true, "pg_hba.conf does not let this user in from here, or there is no such user"},
    {"28", IRX_EAUTH, true, "it refuses the credentials"},
    {"3D000", IRX_ECONFIG, true, "there is no such database: create it, or name another one in the URL"},
    {"3F000", IRX_EFOREIGN, true, "the schema is missing, or the right of USAGE: let create_table be on, or run what irx_schema() prints"},
    {"40003", IRX_EPROTOCOL, false, "it does not know whether the statement was applied"},
    {"40", IRX_EUNAVAILABLE, true, "the statement met another one and was rolled back"},
    {"42501", IRX_EAUTH, true, "a right is missing: GRANT USAGE ON SCHEMA, SELECT, INSERT, UPDATE ON the table, EXECUTE ON FUNCTION pg_control_system()"},
    {"42P01", IRX_EFOREIGN, true, "the table is missing, or USAGE of its schema: let create_table be on, or run what irx_schema() prints"},
    {"42703", IRX_EFOREIGN, true, "a column is missing: let create_table be on, or run what irx_schema() prints"},
    {"42883", IRX_EUNSUPPORTED, true, "it lacks a function that is needed: its version is too old"},
    {"42704", IRX_EUNSUPPORTED, true, "it lacks something that is needed: its version is too old"},
    {"42P04", IRX_EUNAVAILABLE, true, "somebody else created it at this moment"},
    {"42P05", IRX_EUNAVAILABLE, true, "a statement is prepared already: a pooler hands connections around"},
    {"42P06", IRX_EUNAVAILABLE, true, "somebody else created it at this moment"},
    {"42P07", IRX_EUNAVAILABLE, true, "somebody else created it at this moment"},
    {"42710", IRX_EUNAVAILABLE, true, "somebody else created it at this moment"},
    {"42", IRX_EFOREIGN, true, "the table is not as irx_schema() prints it, or the server is no PostgreSQL"},
    {"53100", IRX_EFULL, true, "its disk is full"},
    {"53200", IRX_EUNAVAILABLE, true, "it has no memory left, or too few lock slots (max_locks_per_transaction)"},
    {"53300", IRX_EUNAVAILABLE, true, "it has no connection to spare (max_connections, or a limit of the user or database)"},
    {"53", IRX_EUNAVAILABLE, true, "a limit of its configuration is reached"},
    {"54", IRX_EFULL, true, "it is more than the server can hold"},
    {"55P03", IRX_EUNAVAILABLE, true, "somebody's transaction holds the row, or the lock that every NOTIFY takes at its commit (see pg_locks), or lock_timeout is too short"},
    {"55", IRX_EUNAVAILABLE, true, "it is not in a state to do that"},
    {"57014", IRX_EUNAVAILABLE, true, "it cancelled the statement (statement_timeout, or pg_cancel_backend)"},
    {"57P01", IRX_EUNREACHABLE, false, "an administrator ended the connection, or it is shutting down"},
    {"57P02", IRX_EUNREACHABLE, false, "it restarts after a crash of one of its processes"},
    {"57P03", IRX_EUNAVAILABLE, true, "it is starting up, recovering or shutting down"},
    {"57P04", IRX_EUNREACHABLE, false, "the database was dropped"},
    {"57P05", IRX_EUNREACHABLE, false, "it ends idle connections: set idle_session_timeout to 0 for this user"},
    {"57", IRX_EUNAVAILABLE, false, "an operator intervened"},
    {"58", IRX_EUNAVAILABLE, false, "its operating system or disk fails: see its log"},
    {"P0", IRX_EFOREIGN, true, "a trigger or a function of somebody else refuses it"},
    {"XX", IRX_EPROTOCOL, false, "it reports an internal error: see its log"},
};
/* clang-format on */

void irx__pg_said(char said[IRX_PG_SAID_MAX], const char *message)
{
    size_t used = 0;
    bool line_begins = true;
    bool hint = false;

    for (const char *at = message; *at != '\0' && used + 1 < IRX_PG_SAID_MAX; at++) {
        hint = line_begins ? *at == '\t' : hint;
        line_begins = *at == '\n';
        if (line_begins) {
            if (at[1] != '\0' && at[1] != '\t' && used > 0) {
                said[used++] = ' ';
            }
        } else if (!hint) {
            said[used++] = '?';
            if (*at >= ' ' && *at <= '~') {
                said[used - 1] = *at;
            }
        }
    }
    said[used] = '\0';
}

int irx__pg_explain(const char *sqlstate, const char *message, const char *shown_url,
                    bool *harmless, irx_error *error)
{
    char said[IRX_PG_SAID_MAX];

    irx__pg_said(said, message);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (strncmp(sqlstate, refusals[i].state, strlen(refusals[i].state)) == 0) {
            *harmless = refusals[i].harmless;
            return irx__error_set(error, refusals[i].code, "%.120s: %s (PostgreSQL %.5s: %s)",
                                  shown_url, refusals[i].story, sqlstate, said);
        }
    }
    *harmless = false;
    return irx__error_set(error, IRX_EPROTOCOL,
                          "%.120s answered an error we do not expect: %.5s %s", shown_url, sqlstate,
                          said);
}

/* ---- attempts ---------------------------------------------------------------------------------
 */

static bool is_state(const char *text)
{
    bool digit = false;
    for (int i = 0; i < 5; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (!is_digit && (text[i] < 'A' || text[i] > 'Z')) {
            return false;
        }
        digit = digit || is_digit;
    }
    return digit && text[5] == ':' && text[6] == ' ';
}

/* libpq keeps the SQLSTATE of an attempt to itself, yet a verbose message has it, in any language:
 * "FATAL:  28P01: password ...". Where several hosts were tried, the last one's. */
static const char *find_state(const char *message)
{
    const char *found = NULL;
    for (const char *at = strstr(message, ": "); at != NULL; at = strstr(at + 1, ": ")) {
        const char *word = at + 1 + strspn(at + 1, " ");
        if (is_state(word)) {
            found = word;
        }
    }
    return found;
}

int irx__pg_explain_attempt(const char *message, bool needs_password, const char *shown_url,
                            irx_error *error)
{
    const char *state = find_state(message);
    char said[IRX_PG_SAID_MAX];
    bool harmless;

    if (state != NULL) {
        char line[IRX_PG_SAID_MAX];
        char sqlstate[6] = {state[0], state[1], state[2], state[3], state[4], '\0'};
        size_t length = strcspn(state + 7, "\n");
        length = length < sizeof line - 1 ? length : sizeof line - 1;
        memcpy(line, state + 7, length);
        line[length] = '\0';
        return irx__pg_explain(sqlstate, line, shown_url, &harmless, error);
    }
    irx__pg_said(said, message);
    if (needs_password) {
        return irx__error_set(
            error, IRX_EAUTH,
            "%.120s: it asks for a password: write postgres://user:password@host, "
            "or use a passfile (libpq: %s)",
            shown_url, said);
    }
    if (strncmp(message, "invalid ", 8) == 0) {
        return irx__error_set(error, IRX_ECONFIG, "url %.120s: %s", shown_url, said);
    }
    if (strstr(message, "session is ") != NULL || strstr(message, "server is ") != NULL) {
        return irx__error_set(error, IRX_EUNAVAILABLE,
                              "%.120s: none of the servers is what target_session_attrs asks for "
                              "(libpq: %s)",
                              shown_url, said);
    }
    return irx__error_set(error, IRX_EUNREACHABLE, "%.120s: %s", shown_url, said);
}
