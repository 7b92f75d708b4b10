/* libpq, loaded when the first postgres:// election is opened: no build dependency, and nothing
 * else of this library needs it. */
#ifndef IRX_POSTGRES_LIBRARY_H
#define IRX_POSTGRES_LIBRARY_H

#include "interrex_types.h"

struct pg_conn;
struct pg_result;

/* libpq's own numbers, which are part of its binary interface. */
enum { IRX_PQ_OK = 0, IRX_PQ_BAD = 1, IRX_PQ_STARTED = 2, IRX_PQ_NEEDED = 8 }; /* PQstatus */
enum { IRX_PQ_POLL_FAILED = 0, IRX_PQ_POLL_READING, IRX_PQ_POLL_WRITING, IRX_PQ_POLL_OK };
enum { IRX_PQ_EMPTY_QUERY = 0, IRX_PQ_COMMAND_OK, IRX_PQ_TUPLES_OK };
enum { IRX_PQ_FATAL_ERROR = 7 };
enum { IRX_PQ_ERRORS_VERBOSE = 2 };
enum { IRX_PQ_SEVERITY = 'V', IRX_PQ_SQLSTATE = 'C', IRX_PQ_MESSAGE = 'M' };

typedef struct irx__pq_option {
    char *keyword;
    char *envvar;
    char *compiled;
    char *val;
    char *label;
    char *dispchar;
    int dispsize;
} irx__pq_option;

typedef struct irx__pq_notify {
    char *relname;
    int be_pid;
    char *extra;
} irx__pq_notify;

typedef void irx__pq_receiver(void *argument, const struct pg_result *result);

/* All of them exist since libpq 12. */
#define IRX_LIBPQ_MAP(X)                                                                           \
    X(irx__pq_option *, conninfoParse, (const char *text, char **why))                             \
    X(irx__pq_option *, conndefaults, (void))                                                      \
    X(void, conninfoFree, (irx__pq_option * options))                                              \
    X(void, freemem, (void *memory))                                                               \
    X(struct pg_conn *, connectStartParams,                                                        \
      (const char *const *keywords, const char *const *values, int expand_dbname))                 \
    X(int, connectPoll, (struct pg_conn * pg))                                                     \
    X(void, finish, (struct pg_conn * pg))                                                         \
    X(int, status, (const struct pg_conn *pg))                                                     \
    X(int, socket, (const struct pg_conn *pg))                                                     \
    X(char *, errorMessage, (const struct pg_conn *pg))                                            \
    X(int, connectionNeedsPassword, (const struct pg_conn *pg))                                    \
    X(int, serverVersion, (const struct pg_conn *pg))                                              \
    X(int, backendPID, (const struct pg_conn *pg))                                                 \
    X(char *, host, (const struct pg_conn *pg))                                                    \
    X(char *, port, (const struct pg_conn *pg))                                                    \
    X(int, setErrorVerbosity, (struct pg_conn * pg, int verbosity))                                \
    X(irx__pq_receiver *, setNoticeReceiver,                                                       \
      (struct pg_conn * pg, irx__pq_receiver * receiver, void *argument))                          \
    X(void *, sslStruct, (struct pg_conn * pg, const char *name))                                  \
    X(int, setnonblocking, (struct pg_conn * pg, int nonblocking))                                 \
    X(int, sendQuery, (struct pg_conn * pg, const char *text))                                     \
    X(int, sendQueryParams,                                                                        \
      (struct pg_conn * pg, const char *text, int count, const unsigned *types,                    \
       const char *const *values, const int *lengths, const int *formats, int result_format))      \
    X(int, sendPrepare,                                                                            \
      (struct pg_conn * pg, const char *name, const char *text, int count, const unsigned *types)) \
    X(int, sendQueryPrepared,                                                                      \
      (struct pg_conn * pg, const char *name, int count, const char *const *values,                \
       const int *lengths, const int *formats, int result_format))                                 \
    X(int, consumeInput, (struct pg_conn * pg))                                                    \
    X(int, flush, (struct pg_conn * pg))                                                           \
    X(int, isBusy, (struct pg_conn * pg))                                                          \
    X(struct pg_result *, getResult, (struct pg_conn * pg))                                        \
    X(irx__pq_notify *, notifies, (struct pg_conn * pg))                                           \
    X(int, resultStatus, (const struct pg_result *result))                                         \
    X(char *, resultErrorField, (const struct pg_result *result, int field))                       \
    X(char *, resultErrorMessage, (const struct pg_result *result))                                \
    X(int, ntuples, (const struct pg_result *result))                                              \
    X(int, nfields, (const struct pg_result *result))                                              \
    X(char *, getvalue, (const struct pg_result *result, int row, int column))                     \
    X(int, getlength, (const struct pg_result *result, int row, int column))                       \
    X(int, getisnull, (const struct pg_result *result, int row, int column))                       \
    X(void, clear, (struct pg_result * result))

/* The functions of libpq that are used, by name without the PQ; our own declarations, since its
 * header need not be installed. */
typedef struct irx__libpq {
#define X(type, name, arguments) type(*name) arguments;
    IRX_LIBPQ_MAP(X)
#undef X
    /* OpenSSL's SSL_pending, of the library that this libpq uses; null where it uses none. */
    int (*ssl_pending)(const void *ssl);
} irx__libpq;

/* Loads it once; null with IRX_EUNSUPPORTED and the package to install in *error. The table lives
 * as long as the process. Any thread. */
const irx__libpq *irx__libpq_load(irx_error *error);

#endif
