/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The migration runner. Invariant: a row of schema_migration and the effects of its file are committed together, and
 * rows are a gapless prefix of the list, each with the file's SHA-256. An advisory lock, held by the session, lets one
 * migrator work at a time. Called by `tagihd migrate` and by tests; a server only looks (migrate_check, db_open).
 */
#include "store/migrate.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate_statements.h"

/** Room for one row of schema_migration. */
#define RECORD_BYTES ((size_t)2048)

struct run {
    struct db db;
    const struct migration_list *list;
    const struct migrate_options *options;
};

int migrate_version(const struct migration_list *list) {
    return list->count ? list->rows[list->count - 1].version : 0;
}

static hash256 checksum_of(const struct migration *m) {
    hash256 sum;
    crypto_hash_sha256(sum.b, (const unsigned char *)m->text, strlen(m->text));
    return sum;
}

static void __attribute__((format(printf, 2, 3))) say(const struct run *run, const char *format, ...) {
    if (!run->options->report) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    run->options->report(run->options->context, line);
}

/* What the connection logs is what the operator of a migration wants to read. */
static void say_log(void *context, const char *text) {
    const struct run *run = context;
    say(run, "%s", text);
}

static tagih_err run_open(struct run *run, const struct migrate_options *options) {
    run->options = options;
    run->list = options->list ? options->list : &migrations_embedded;
    return db_open_raw(&run->db, &(struct db_options){
                                     .conninfo = options->conninfo, .worker = "migrate", .log = say_log, .log_context = run});
}

static tagih_err command(struct run *run, const struct statement *statement) {
    return db__exec_text(&run->db, statement, NULL, NULL, NULL);
}

/* Compare the recorded rows with the list, row by row. */
static tagih_err compare(struct db *db, const struct migration_list *list, const struct result *applied) {
    for (size_t i = 0; i < result_count(applied); i++) {
        int version = result_int4(applied, i, COL_migrate_list_version);
        if (i >= list->count || version != list->rows[i].version) {
            db__log(db, "the database knows migration %d, which this version of Tagih does not", version);
            return FAIL(MIGRATION_NEWER);
        }
        hash256 recorded = result_hash(applied, i, COL_migrate_list_checksum), embedded = checksum_of(&list->rows[i]);
        if (hash256_equal(&recorded, &embedded)) continue;
        db__log(db, "migration %s was edited after it had been applied", list->rows[i].name);
        return FAIL(MIGRATION_CHANGED);
    }
    return TAGIH_OK;
}

/* How many of the list are applied; 0 also when the table is not there yet. */
static tagih_err count_applied(struct db *db, const struct migration_list *list, size_t *count) {
    DEFER(result) struct result found = {0}, applied = {0};
    TRY(db__exec_text(db, STMT_migrate_find_table, NULL, &found, NULL));
    *count = 0;
    if (!result_bool(&found, 0, COL_migrate_find_table_found)) return TAGIH_OK;
    TRY(db__exec_text(db, STMT_migrate_list, NULL, &applied, NULL));
    TRY(compare(db, list, &applied));
    *count = result_count(&applied);
    return TAGIH_OK;
}

/* The file itself: many statements in one simple query, inside the runner's transaction. */
static tagih_err run_text(struct run *run, const struct migration *m) {
    PGresult *result = PQexec(run->db.conn, m->text);
    ExecStatusType status = PQresultStatus(result);
    bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (!done) say(run, "%s: %s", m->name, PQresultErrorMessage(result));
    PQclear(result);
    if (!done) return FAIL(MIGRATION_FAILED);
    if (PQtransactionStatus(run->db.conn) == PQTRANS_INTRANS) return TAGIH_OK;
    say(run, "%s ends the transaction by itself: leave that to the runner", m->name);
    return FAIL(MIGRATION_FAILED);
}

static tagih_err record_with(struct run *run, const struct migration *m, struct arena *arena) {
    struct params p;
    hash256 sum = checksum_of(m);
    params_init(&p, arena, STMT_migrate_record, 0);
    params_one_int4(&p, m->version);
    params_one_text(&p, bytes_text(m->name));
    params_one_bytea(&p, BYTES_OF(&sum));
    params_one_text(&p, bytes_text(TAGIH_VERSION));
    if (p.exhausted) return FAIL(OUT_OF_MEMORY);
    return db__exec_text(&run->db, STMT_migrate_record, &p, NULL, NULL);
}

/* Not on the stack: under AddressSanitizer an arena leaves its memory poisoned, and the stack is used again. */
static tagih_err record(struct run *run, const struct migration *m) {
    void *memory = malloc(RECORD_BYTES);
    struct arena arena;
    if (!memory) return FAIL(OUT_OF_MEMORY);
    arena_init(&arena, memory, RECORD_BYTES);
    tagih_err err = record_with(run, m, &arena);
    free(memory);
    return err;
}

static tagih_err apply_inside(struct run *run, const struct migration *m) {
    TRY(command(run, STMT_migrate_begin));
    TRY(run_text(run, m));
    TRY(command(run, STMT_migrate_reset_role));
    TRY(command(run, STMT_migrate_reset_search_path));
    TRY(record(run, m));
    return command(run, STMT_migrate_commit);
}

static tagih_err apply(struct run *run, const struct migration *m) {
    say(run, "%s …", m->name);
    tagih_err err = apply_inside(run, m);
    if (err_is_ok(err)) {
        say(run, "%s applied", m->name);
        return TAGIH_OK;
    }
    if (db__is_lost(&run->db)) return FAIL(STORE_UNAVAILABLE);
    if (PQtransactionStatus(run->db.conn) != PQTRANS_IDLE) (void)!err_is_ok(command(run, STMT_migrate_rollback));
    return FAIL(MIGRATION_FAILED);
}

static tagih_err prepare_table(struct run *run) {
    DEFER(result) struct result found = {0};
    TRY(db__exec_text(&run->db, STMT_migrate_find_table, NULL, &found, NULL));
    if (result_bool(&found, 0, COL_migrate_find_table_found)) return TAGIH_OK;
    TRY(command(run, STMT_migrate_create_table));
    return command(run, STMT_migrate_let_read);
}

static tagih_err migrate_locked(struct run *run) {
    size_t applied;
    TRY(command(run, STMT_migrate_lock));
    TRY(command(run, STMT_migrate_limit_waiting));
    TRY(prepare_table(run));
    TRY(count_applied(&run->db, run->list, &applied));
    if (applied == run->list->count) say(run, "schema %d: nothing to do", migrate_version(run->list));
    for (size_t i = applied; i < run->list->count; i++) TRY(apply(run, &run->list->rows[i]));
    return TAGIH_OK;
}

/* The runner's own statements are refused only by a database that is not ours to migrate. */
static tagih_err as_migration(tagih_err err) {
    return err_is(err, ERR_INTERNAL) ? FAIL(MIGRATION_FAILED) : err;
}

tagih_err migrate_run(const struct migrate_options *options) {
    struct run run;
    tagih_err err = run_open(&run, options);
    if (err_is_ok(err)) err = as_migration(migrate_locked(&run));
    db_release(&run.db); /* the session's end also gives the advisory lock back */
    return err;
}

static tagih_err status_of(struct run *run) {
    size_t applied;
    TRY(count_applied(&run->db, run->list, &applied));
    for (size_t i = 0; i < run->list->count; i++) say(run, "%s %s", run->list->rows[i].name, i < applied ? "applied" : "pending");
    return TAGIH_OK;
}

tagih_err migrate_status(const struct migrate_options *options) {
    struct run run;
    tagih_err err = run_open(&run, options);
    if (err_is_ok(err)) err = as_migration(status_of(&run));
    db_release(&run.db);
    return err;
}

tagih_err migrate_check(struct db *db, const struct migration_list *list) {
    size_t applied;
    if (db__is_lost(db)) return FAIL(STORE_UNAVAILABLE);
    TRY(as_migration(count_applied(db, list, &applied)));
    return applied == list->count ? TAGIH_OK : FAIL(STORE_SCHEMA);
}
