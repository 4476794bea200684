/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One blocking connection to PostgreSQL with every statement prepared. A worker owns one; nothing here is shared
 * between threads. What runs on it runs through tx.h, which also replaces the connection when it breaks.
 *
 * Opening refuses a database that could lose a commit (fsync, full_page_writes or synchronous_commit not on), one of
 * another schema version, and any statement that does not go with the parameter types its header declares, or whose
 * columns have other types or names than its header says.
 */
#ifndef TAGIH_STORE_DB_H
#define TAGIH_STORE_DB_H

#include <libpq-fe.h>
#include <string.h>

#include "base/defer.h"
#include "store/params.h"
#include "store/result.h"
#include "store/statement.h"
#include "tagih/err.h"

/** How people learn what broke. `text` is one line and never holds debtor data. */
typedef void (*db_log_fn)(void *context, const char *text);

struct db_options {
    const char *conninfo; /* libpq's form; several hosts and target_session_attrs are welcome; outlives the db */
    const char *worker;   /* application_name becomes "tagih-<worker>" */
    const struct statement_table *statements;
    int schema_version; /* must equal the newest applied migration; 0 = not checked (tools and tests) */
    db_log_fn log;      /* may be NULL */
    void *log_context;
};

/** Counted since db_open by the connection's owner, never reset; any thread may read. The words are /metrics' own. */
#define DB_STATS(X)                                                                                    \
    X(round_trips, "Round trips to the database")                                                      \
    X(transactions, "Transactions that were committed")                                                \
    X(retries, "Whole transactions that were run again, for whatever reason")                          \
    X(deadlocks, "Deadlocks (40P01): a bug in the lock order")                                         \
    X(lock_timeouts, "Waits for a row that were given up (55P03)")                                     \
    X(serialization_failures, "Serialization failures (40001)")                                        \
    X(reconnects, "Connections that were made anew")                                                   \
    X(refused_schemas, "Connections that were not made anew because the schema is of another version") \
    X(broken_batches, "Batches with a row that cannot be stored (SQLSTATE 22, 23)")                    \
    X(short_writes, "Statements that wrote fewer or more rows than asked")

struct db_stats {
#define X(name, what) _Atomic uint64_t name;
    DB_STATS(X)
#undef X
};

struct db {
    PGconn *conn; /* NULL: none at the moment; the next transaction makes one */
    bool lost;    /* the server did not answer in time: what the connection holds is worthless */
    struct db_options options;
    struct db_stats stats;
    _Atomic int64_t refused_us,
        written_us;  /* CLOCK_MONOTONIC: when a write was last refused for what is below the database (a
                      * full or broken disk, no memory), and when one was last committed; any thread */
    uint64_t jitter; /* state of the generator that spreads retries */
    int64_t replan_us, replan_every_us; /* when plans are made anew, CLOCK_MONOTONIC, and how often */
};

/**
 * Connect, check the server's settings and the schema, prepare and check every statement.
 *
 * @param db   [out] to be released whatever comes back; with STORE_UNAVAILABLE it may be used and will try again
 * @return OK · STORE_UNAVAILABLE nobody answers · STORE_NOT_DURABLE a setting is off · STORE_SCHEMA another version ·
 *         STORE_STATEMENT a statement is wrong (the log names it, the place, expected and actual)
 *
 * Three round trips after the connection, however many statements there are.
 */
TAGIH_MUST_USE tagih_err db_open(struct db *db, const struct db_options *options);

/** Connect only: no checks, nothing prepared. For migrations and tools. @return OK · STORE_UNAVAILABLE */
TAGIH_MUST_USE tagih_err db_open_raw(struct db *db, const struct db_options *options);

/** Close; a zeroed db is fine. */
void db_release(struct db *db);

/**
 * Run one statement by itself, without agency and outside a transaction: the look-ups of logins and devices, which
 * learn their agency from SECURITY DEFINER functions. Retried like a transaction (tx.h).
 *
 * @param deadline_us  CLOCK_MONOTONIC
 * @param out          [out] the rows; untouched on error
 * @return as tx_run
 */
TAGIH_MUST_USE tagih_err db_exec_one(struct db *db, const struct params *params, int64_t deadline_us,
                                     struct result *out);

/* For tx.c and migrate.c. */

/** Close what is left of the connection and open another, with all checks of db_open. */
TAGIH_MUST_USE tagih_err db__reconnect(struct db *db);
/** There is no connection that could be used. */
bool db__is_lost(const struct db *db);
/** PQgetResult, but no longer than `until_us` (CLOCK_MONOTONIC): then the connection counts as lost and NULL comes. */
PGresult *db__next(struct db *db, int64_t until_us);
/**
 * Run a statement by its text, outside pipeline and transaction machinery. `params` and `out` may be NULL.
 * @return OK · STORE_UNAVAILABLE the connection broke · INTERNAL refused; the reason was logged, the SQLSTATE copied
 */
TAGIH_MUST_USE tagih_err db__exec_text(struct db *db, const struct statement *statement, const struct params *params,
                                       struct result *out, char sqlstate[6]);
void db__log(const struct db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Whether plans should be made anew now: a second after connecting, then in doubling steps up to 10 minutes. True once
 *  for each time. */
bool db__replan_is_due(struct db *db);
/** A SQLSTATE that speaks of what is below the database: disk, memory, connections (53), the system (58). */
static inline bool db__is_short(const char *sqlstate) {
    return strncmp(sqlstate, "53", 2) == 0 || strncmp(sqlstate, "58", 2) == 0;
}
/** CLOCK_MONOTONIC in µs. */
int64_t db__now_us(void);
/** All parameters are binary: libpq wants it said for each. */
extern const int db__binary[PARAMS_MAX];

#endif
