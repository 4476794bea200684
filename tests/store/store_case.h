/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's specs share: a database with a few tables, a connection to it, and the lines it logged. */
#ifndef TAGIH_TESTS_STORE_CASE_H
#define TAGIH_TESTS_STORE_CASE_H

#include "tests/support/case.h"
#include "tests/support/pg.h"

#include "spec_statements.h"
#include "store/tx.h"

struct log_lines {
    char text[8192];
};

static inline void log_line(void *context, const char *line) {
    struct log_lines *log = context;
    size_t used = strlen(log->text);
    snprintf(log->text + used, sizeof log->text - used, "%s\n", line);
}

static const char schema_sql[] =
    "create table balance (id int8 primary key, amount int8 not null);"
    "create table part (id int8 not null, amount int8 not null);"
    "create table item (id int8 constraint item_pkey primary key, note text not null check (note <> 'forbidden'));"
    "create table claim (agency_id uuid, claim_id uuid, posting_id uuid, kept bool, kind int2, pieces int4, amount_minor int8,"
    "  made_on date, said text, proof bytea, actor_id uuid);"
    "create table coin (agency_id uuid, posting_id uuid, value_minor int8, pieces int4);"
    "create function refuse_cursed() returns trigger language plpgsql as $$ begin"
    "  if new.note = 'cursed' then raise exception 'no'; end if; return new; end $$;"
    "create trigger item_cursed before insert on item for each row execute function refuse_cursed();"
    "create function raise_it(state text) returns bool language plpgsql as $$ begin"
    "  raise exception using errcode = state; end $$;"
    "insert into balance select i, 0 from generate_series(1, 200) i;";

/** A worker's connection to the spec's database; fails the test when it cannot be had. */
static inline void open_worker(struct db *db, const struct pg *pg, const char *worker, struct log_lines *log) {
    struct db_options options = {
        .conninfo = pg->conninfo, .worker = worker, .statements = &spec_statements, .log = log_line, .log_context = log};
    tagih_err err = db_open(db, &options);
    if (!err_is_ok(err)) fail_msg("%s: %s", err_name(err), log->text);
}

static inline int64_t in_seconds(int seconds) {
    return db__now_us() + seconds * US_PER_S;
}

#endif
