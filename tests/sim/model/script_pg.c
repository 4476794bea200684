/* SPDX-License-Identifier: Apache-2.0 */
/* The part of model.h that scripts call, on PostgreSQL: one database, emptied for each model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/migrate.h"
#include "tests/sim/model/model.h"
#include "tests/support/pg.h"

#define TABLES_MAX 300

struct model {
    struct pg pg;
    char conninfo[1200];
    char *tables[TABLES_MAX];
    size_t n_tables;
    char *dump;
};

/* ---- the database ---------------------------------------------------------------------------------------------- */

static struct pg database;

static void drop_database(void) {
    pg_drop(&database);
}

static void make_database(void) {
    pg_create(&database, NULL);
    if (!err_is_ok(migrate_run(&(struct migrate_options){.conninfo = database.conninfo}))) abort();
    atexit(drop_database);
}

/* A partition's rows are its table's. */
#define TABLES "from pg_class c where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace" \
               " and c.relname not in ('schema_migration', 'installation', 'partitioned', 'partition_pruned')"

/* As it was after its migrations: cheaper than another database. */
static void empty_database(void) {
    pg_exec(&database, "set session_replication_role = replica;"
                       "do $$ declare t text; begin"
                       " for t in select c.oid::regclass::text " TABLES " loop execute format('delete from %s', t); end loop;"
                       " for t in select c.oid::regclass::text from pg_class c where c.relkind = 'S' and c.relnamespace = 'public'::regnamespace"
                       " loop execute format('alter sequence %s restart', t); end loop;"
                       "end $$;"
                       "set session_replication_role = origin");
}

static void list_tables(struct model *model) {
    PGresult *r = PQexec(database.admin, "select c.relname " TABLES " order by c.relname");
    for (int i = 0; i < PQntuples(r) && i < TABLES_MAX; i++) model->tables[model->n_tables++] = strdup(PQgetvalue(r, i, 0));
    PQclear(r);
}

struct model *model_open(const struct model_options *options) {
    struct model *model = calloc(1, sizeof *model);
    (void)options;
    if (!model) abort();
    if (database.admin) empty_database();
    else make_database();
    model->pg = database;
    pg_conninfo_as(&model->pg, "tagih_app", model->conninfo, sizeof model->conninfo);
    list_tables(model);
    return model;
}

void model_close(struct model *model) {
    for (size_t i = 0; i < model->n_tables; i++) free(model->tables[i]);
    free(model->dump);
    free(model);
}

const char *model_conninfo(const struct model *model) {
    return model->conninfo;
}

/* It fails where it wants to, not where it is told to. */
void model_hook(struct model *model, model_hook_fn hook, void *context) {
    (void)model, (void)hook, (void)context;
}

/* These are the model's alone. */
void model_tamper(struct model *model, const char *format, ...) {
    (void)model, (void)format;
    abort();
}

void model_digest(const struct model *model, hash256 *out) {
    (void)model, (void)out;
    abort();
}

/* ---- SQL ------------------------------------------------------------------------------------------------------- */

static void format_sql(char sql[8192], const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void format_sql(char sql[8192], const char *format, va_list args) {
    int len = vsnprintf(sql, 8192, format, args);
    if (len < 0 || len >= 8192) abort();
}

void model_run(struct model *model, const char *format, ...) {
    char sql[8192];
    va_list args;
    va_start(args, format);
    format_sql(sql, format, args);
    va_end(args);
    pg_exec(&model->pg, sql);
}

int64_t model_number(struct model *model, const char *format, ...) {
    char sql[8192];
    va_list args;
    va_start(args, format);
    format_sql(sql, format, args);
    va_end(args);
    return pg_number(&model->pg, sql);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

const char *model_table_name(const struct model *model, size_t i) {
    return i < model->n_tables ? model->tables[i] : NULL;
}

static bool is_skipped(const char *const *skip, const char *name) {
    for (; skip && *skip; skip++) {
        if (strcmp(*skip, name) == 0) return true;
    }
    return false;
}

#define OID_BOOL 16

static void print_row(FILE *out, const PGresult *r, int row, const char *const *skip) {
    for (int c = 0; c < PQnfields(r); c++) {
        const char *value = PQgetvalue(r, row, c);
        if (is_skipped(skip, PQfname(r, c))) continue;
        if (PQgetisnull(r, row, c)) value = "-";
        else if (PQftype(r, c) == OID_BOOL) value = *value == 't' ? "true" : "false";
        fprintf(out, "%s=%s ", PQfname(r, c), value);
    }
    fputc('\n', out);
}

struct bytes model_dump(struct model *model, const char *table, const char *const *skip) {
    char sql[200];
    size_t len = 0;
    snprintf(sql, sizeof sql, "select * from %s", table);
    PGresult *r = PQexec(model->pg.admin, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) abort();
    free(model->dump);
    FILE *out = open_memstream(&model->dump, &len);
    if (!out) abort();
    for (int row = 0; row < PQntuples(r); row++) print_row(out, r, row, skip);
    fclose(out);
    PQclear(r);
    return bytes_make(model->dump, len);
}
