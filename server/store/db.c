/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a connection: settings of the session, checks of the server, preparing and checking every statement.
 * Invariant: a connection that passed db_open stays in pipeline mode and has all statements of core.sql and of its
 * table; one that did not pass is closed again. Called by workers at start and by tx.c after a failure.
 */
#include "store/db.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core_statements.h"
#include "migrate_statements.h"

/* Plans are made anew while a young database grows, and seldom afterwards. */
#define REPLAN_US_FIRST US_PER_S
#define REPLAN_US_MAX (600 * US_PER_S)

/** How long the checks at start may take. */
#define OPEN_US_MAX (10 * US_PER_S)

/*
 * The session's settings. What conninfo's own "options" say comes later and wins.
 * - lock_timeout turns a long wait for a row into 55P03, which tx.c retries, instead of a worker that stands still. It is
 *   longer than PostgreSQL's deadlock_timeout (1 s), or a deadlock, which is a bug, would pass for somebody's long wait.
 * - idle_in_transaction: a worker that died with locks held must not hold up the others.
 * - plan_cache_mode: our statements reach rows by key through arrays. A custom plan costs planning on every call and can
 *   gain nothing from the values; left to itself PostgreSQL compares costs that were guessed for small arrays and goes on
 *   planning forever. A generic plan is the same at every size, so what EXPLAIN shows is what runs.
 * - seqscan, hashjoin, mergejoin off: every statement reaches its rows by key. A plan made while a table was empty would
 *   read all of it, and stay in force until somebody analyses the table; so that choice is not left open. They are
 *   penalties, not bans: what has no index still runs.
 * - jit: compiling costs more than any of these statements runs.
 */
static const char session_settings[] =
    "-c statement_timeout=30s -c lock_timeout=1500ms -c idle_in_transaction_session_timeout=10s "
    "-c client_min_messages=warning -c plan_cache_mode=force_generic_plan "
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c TimeZone=UTC";

/* A migration may take its time; it sets its own lock_timeout. */
static const char raw_settings[] = "-c statement_timeout=0 -c client_min_messages=warning -c jit=off -c TimeZone=UTC";

const int db__binary[PARAMS_MAX] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

int64_t db__now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

void db__log(const struct db *db, const char *format, ...) {
    if (!db->options.log) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *at = line; *at; at++) {
        if (*at == '\n') *at = ' ';
    }
    db->options.log(db->options.log_context, line);
}

bool db__is_lost(const struct db *db) {
    return !db->conn || db->lost || PQstatus(db->conn) != CONNECTION_OK;
}

void db_release(struct db *db) {
    PQfinish(db->conn);
    db->conn = NULL;
    db->lost = false;
}

/* The "options" of a conninfo, to be freed; NULL when it has none. */
static char *conninfo_options(const char *conninfo) {
    char *found = NULL;
    PQconninfoOption *all = PQconninfoParse(conninfo, NULL);
    for (PQconninfoOption *o = all; o && o->keyword; o++) {
        if (strcmp(o->keyword, "options") == 0 && o->val) found = strdup(o->val);
    }
    PQconninfoFree(all);
    return found;
}

/*
 * A warning of the server is none of a worker's business; a broken one shows in the result. But for one: somebody has
 * cancelled a COMMIT that waited for its synchronous standby. PostgreSQL then answers as if all were well, although only
 * the primary has it. That is no commit to acknowledge; run again, it waits again.
 */
static void take_notice(void *context, const PGresult *notice) {
    struct db *db = context;
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    if (!function || strcmp(function, "SyncRepWaitForLSN") != 0) return;
    db->lost = true;
    db__log(db, "a commit did not wait for its standby: %s", PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

/* What stands before "dbname" is a default that the conninfo may override; what stands behind it is ours to say. */
static PGconn *connect_with(const struct db_options *options, const char *settings) {
    char *more = conninfo_options(options->conninfo);
    char session[1024], name[64];
    snprintf(session, sizeof session, "%s %s", settings, more ? more : "");
    snprintf(name, sizeof name, "tagih-%s", options->worker ? options->worker : "tool");
    free(more);
    const char *const keys[] = {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
                                "dbname", "options", "application_name", "client_encoding", NULL};
    const char *const values[] = {"3", "10", "3", "3", "15000", options->conninfo, session, name, "UTF8", NULL};
    return PQconnectdbParams(keys, values, 1);
}

static tagih_err db_connect(struct db *db, const char *settings) {
    db_release(db);
    db->conn = connect_with(&db->options, settings);
    if (PQstatus(db->conn) != CONNECTION_OK) {
        db__log(db, "cannot connect to the database: %s", db->conn ? PQerrorMessage(db->conn) : "no memory");
        db_release(db);
        return FAIL(STORE_UNAVAILABLE);
    }
    PQsetNoticeReceiver(db->conn, take_notice, db);
    return TAGIH_OK;
}

/* Wait until libpq can answer without blocking; false when the time is over. */
static bool wait_for_answer(struct db *db, int64_t until_us) {
    while (PQisBusy(db->conn)) {
        int64_t left_ms = (until_us - db__now_us()) / US_PER_MS;
        if (left_ms <= 0) return false;
        struct pollfd fd = {.fd = PQsocket(db->conn), .events = POLLIN};
        int ready = poll(&fd, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready < 0 && errno != EINTR) return false;
        if (ready > 0 && !PQconsumeInput(db->conn)) return true; /* PQgetResult says what broke */
    }
    return true;
}

PGresult *db__next(struct db *db, int64_t until_us) {
    if (db__is_lost(db)) return NULL;
    if (!wait_for_answer(db, until_us)) {
        db->lost = true;
        return NULL;
    }
    return PQgetResult(db->conn);
}

tagih_err db__exec_text(struct db *db, const struct statement *statement, const struct params *params,
                        struct result *out, char sqlstate[6]) {
    bool pipeline = PQpipelineStatus(db->conn) != PQ_PIPELINE_OFF;
    if (pipeline && !PQexitPipelineMode(db->conn)) return FAIL(STORE_UNAVAILABLE);
    DEFER(result) struct result r = {.statement = statement};
    Oid types[PARAMS_MAX];
    for (size_t i = 0; i < statement->n_in; i++) types[i] = sql_oid(statement->in[i].type, statement->in[i].array);
    r.pg = PQexecParams(db->conn, statement->text, params ? params->n_given : 0, types, params ? params->values : NULL,
                        params ? params->lengths : NULL, params ? db__binary : NULL, 1);
    ExecStatusType status = PQresultStatus(r.pg);
    if (pipeline && !db__is_lost(db)) PQenterPipelineMode(db->conn);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        if (out) *out = r, r.pg = NULL;
        return TAGIH_OK;
    }
    const char *state = PQresultErrorField(r.pg, PG_DIAG_SQLSTATE);
    if (sqlstate) snprintf(sqlstate, 6, "%s", state ? state : "");
    db__log(db, "statement %s: %s", statement->name, PQresultErrorMessage(r.pg));
    return db__is_lost(db) || (state && db__is_short(state)) ? FAIL(STORE_UNAVAILABLE) : FAIL(INTERNAL);
}

static bool is_on(const struct result *r, int col) {
    struct bytes value = result_text(r, 0, col);
    return bytes_equal(value, bytes_text("on")) || bytes_equal(value, bytes_text("remote_apply"));
}

static tagih_err check_durable(struct db *db) {
    DEFER(result) struct result r = {0};
    TRY(db__exec_text(db, STMT_core_server_settings, NULL, &r, NULL));
    for (int col = 0; col < (int)STMT_core_server_settings->n_out; col++) {
        if (is_on(&r, col)) continue;
        db__log(db, "the database may lose commits: %s is %s", STMT_core_server_settings->out[col].name,
                (const char *)result_text(&r, 0, col).data);
        return FAIL(STORE_NOT_DURABLE);
    }
    return TAGIH_OK;
}

static tagih_err check_version(struct db *db) {
    if (db->options.schema_version == 0) return TAGIH_OK;
    DEFER(result) struct result r = {0};
    char sqlstate[6] = "";
    tagih_err err = db__exec_text(db, STMT_migrate_find_version, NULL, &r, sqlstate);
    if (err_is(err, ERR_INTERNAL) && strcmp(sqlstate, "42P01") == 0) return FAIL(STORE_SCHEMA);
    TRY(err);
    int version = result_int4(&r, 0, COL_migrate_find_version_version);
    if (version == db->options.schema_version) return TAGIH_OK;
    db__log(db, "the database has schema %d, this is Tagih for schema %d", version, db->options.schema_version);
    return FAIL(STORE_SCHEMA);
}

/*
 * Compare one described statement with its header. Its parameters have the header's types because send_prepare declares
 * them: what does not go with those, the database has refused by now.
 */
static bool statement_fits(const struct db *db, const struct statement *s, const PGresult *is) {
    bool fits = (size_t)PQnparams(is) == s->n_in && (size_t)PQnfields(is) == s->n_out;
    if (!fits) {
        db__log(db, "statement %s: its header has %zu parameters and %zu columns, the database sees %d and %d", s->name, s->n_in,
                s->n_out, PQnparams(is), PQnfields(is));
    }
    for (int i = 0; fits && i < (int)s->n_out; i++) {
        const struct sql_column *out = &s->out[i];
        if (PQftype(is, i) == sql_oid(out->type, out->array) && strcmp(PQfname(is, i), out->name) == 0) continue;
        db__log(db, "statement %s: column %d should be %s \"%s\", is %s \"%s\" (oid %u)", s->name, i + 1,
                sql_type_name(out->type, out->array), out->name, sql_oid_name(PQftype(is, i)), PQfname(is, i), PQftype(is, i));
        return false;
    }
    return fits;
}

/* The database's own words, with the place in the SQL; nothing but our SQL is quoted. */
static void log_refusal(const struct db *db, const struct statement *s, const PGresult *is) {
    const char *position = PQresultErrorField(is, PG_DIAG_STATEMENT_POSITION);
    const char *message = PQresultErrorField(is, PG_DIAG_MESSAGE_PRIMARY);
    long at = position ? strtol(position, NULL, 10) - 1 : -1;
    bool inside = at >= 0 && (size_t)at < strlen(s->text);
    db__log(db, "statement %s: %s%s%.40s", s->name, message ? message : "no answer", inside ? ", at: " : "",
            inside ? s->text + at : "");
}

/* The two answers of one statement: prepared, described. False: do not use this connection. */
static bool take_prepared(struct db *db, const struct statement *s, int64_t until_us) {
    bool fits = true;
    for (int step = 0; step < 2; step++) {
        PGresult *is = db__next(db, until_us);
        ExecStatusType status = PQresultStatus(is);
        const char *state = PQresultErrorField(is, PG_DIAG_SQLSTATE);
        if (status == PGRES_FATAL_ERROR) log_refusal(db, s, is);
        if (state && db__is_short(state)) db->lost = true; /* not the statement's fault: another time it may go */
        fits = fits && status == PGRES_COMMAND_OK && (step == 0 || statement_fits(db, s, is));
        PQclear(is);
        if (is) PQclear(db__next(db, until_us)); /* the NULL that ends an answer */
    }
    return fits;
}

/* Parameters are declared, not guessed: `unnest($1, $2)` needs no casts, and C sends exactly what the header says. */
static bool send_prepare_one(struct db *db, const struct statement *s) {
    Oid types[PARAMS_MAX];
    for (size_t i = 0; i < s->n_in; i++) types[i] = sql_oid(s->in[i].type, s->in[i].array);
    return PQsendPrepare(db->conn, s->name, s->text, (int)s->n_in, types) && PQsendDescribePrepared(db->conn, s->name);
}

static bool send_prepare(struct db *db, const struct statement_table *table) {
    bool sent = true;
    for (size_t i = 0; i < table->count && sent; i++) sent = send_prepare_one(db, &table->rows[i]);
    return sent;
}

static bool take_table(struct db *db, const struct statement_table *table, int64_t until_us) {
    bool fits = true;
    for (size_t i = 0; i < table->count && !db__is_lost(db); i++) fits &= take_prepared(db, &table->rows[i], until_us);
    return fits;
}

static tagih_err prepare_all(struct db *db) {
    int64_t until_us = db__now_us() + OPEN_US_MAX;
    static const struct statement_table none = {NULL, 0};
    const struct statement_table *table = db->options.statements ? db->options.statements : &none;
    bool sent = PQenterPipelineMode(db->conn) && send_prepare(db, &core_statements) && send_prepare(db, table) &&
                PQpipelineSync(db->conn);
    if (!sent) return FAIL(STORE_UNAVAILABLE);
    bool core_fits = take_table(db, &core_statements, until_us);
    bool table_fits = take_table(db, table, until_us);
    PQclear(db__next(db, until_us)); /* the sync */
    if (db__is_lost(db)) return FAIL(STORE_UNAVAILABLE);
    return core_fits && table_fits ? TAGIH_OK : FAIL(STORE_STATEMENT);
}

static tagih_err open_checked(struct db *db) {
    TRY(db_connect(db, session_settings));
    TRY(check_durable(db));
    TRY(check_version(db));
    db->replan_every_us = REPLAN_US_FIRST;
    db->replan_us = db__now_us() + db->replan_every_us;
    return prepare_all(db);
}

bool db__replan_is_due(struct db *db) {
    int64_t now_us = db__now_us();
    if (now_us < db->replan_us) return false;
    db->replan_every_us = 2 * db->replan_every_us < REPLAN_US_MAX ? 2 * db->replan_every_us : REPLAN_US_MAX;
    db->replan_us = now_us + db->replan_every_us;
    return true;
}

tagih_err db__reconnect(struct db *db) {
    tagih_err err = open_checked(db);
    if (!err_is_ok(err)) db_release(db);
    return err;
}

static void db_init(struct db *db, const struct db_options *options) {
    *db = (struct db){.options = *options};
    db->jitter = (uint64_t)db__now_us() ^ (uint64_t)(uintptr_t)db << 20 ^ 1;
}

tagih_err db_open(struct db *db, const struct db_options *options) {
    db_init(db, options);
    return db__reconnect(db);
}

tagih_err db_open_raw(struct db *db, const struct db_options *options) {
    db_init(db, options);
    return db_connect(db, raw_settings);
}
