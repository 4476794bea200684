/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions against a real PostgreSQL: two round trips, one table of failures, and nothing lost or done twice. */
#include "tests/store/store_case.h"

#include <pthread.h>
#include <signal.h>

#include "tests/store/proxy.h"
#include "wrong_statements.h"

static struct pg pg;
static struct log_lines log_of;
static struct db db;
static uint8_t memory[1 << 20];
static struct arena arena;

static int set_up(void **state) {
    (void)state;
    pg_create(&pg, NULL);
    pg_exec(&pg, schema_sql);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    pg_drop(&pg);
    return 0;
}

static int connect_fresh(void **state) {
    (void)state;
    arena_init(&arena, memory, sizeof memory);
    log_of.text[0] = '\0';
    pg_exec(&pg, "truncate item, part; update balance set amount = 0 where amount <> 0");
    open_worker(&db, &pg, "tx", &log_of);
    return 0;
}

static int disconnect(void **state) {
    (void)state;
    db_release(&db);
    return 0;
}

/* ---- building blocks ---- */

static struct params ids_of(struct arena *in, const struct statement *statement, const int64_t *ids, size_t n) {
    struct params p;
    params_init(&p, in, statement, n);
    params_int8(&p, ids, sizeof *ids);
    return p;
}

static struct params pairs_of(struct arena *in, const struct statement *statement, const int64_t *ids, const int64_t *amounts,
                              size_t n) {
    struct params p = ids_of(in, statement, ids, n);
    params_int8(&p, amounts, sizeof *amounts);
    return p;
}

struct items {
    int64_t ids[128];
    struct bytes notes[128];
    const struct statement *how;
    int runs;
    const char *raise; /* a SQLSTATE, in the first `raises` runs, of ranges that hold item `raise_at` */
    int raises;
    size_t raise_at;
    tagih_err answer; /* the body's own */
    int failed[128];
    tagih_err why[128];
};

static struct items some_items(size_t n) {
    struct items items = {.how = STMT_item_insert, .raise_at = SIZE_MAX};
    for (size_t i = 0; i < n; i++) items.ids[i] = (int64_t)i, items.notes[i] = bytes_text("fine");
    return items;
}

static tagih_err send_raise(struct tx *tx, const char *sqlstate) {
    struct params p;
    params_init(&p, &arena, STMT_raise, 0);
    params_one_text(&p, bytes_text(sqlstate));
    return tx_send(tx, &p);
}

static tagih_err insert_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct items *items = context;
    arena_reset(&arena);
    struct params p = ids_of(&arena, items->how, items->ids + first, count);
    params_text(&p, items->notes + first, sizeof items->notes[0]);
    TRY(tx_send(tx, &p));
    bool inside = items->raise_at == SIZE_MAX || (items->raise_at >= first && items->raise_at < first + count);
    if (items->runs++ < items->raises && inside) TRY(send_raise(tx, items->raise));
    return items->answer;
}

static tagih_err insert_three(struct tx *tx, void *context) {
    return insert_range(tx, context, 0, 3);
}

static void note_failed(void *context, size_t item, tagih_err err) {
    struct items *items = context;
    items->failed[item]++;
    items->why[item] = err;
}

static struct tx_options within(int seconds) {
    return (struct tx_options){.deadline_us = in_seconds(seconds), .name = "spec"};
}

/* ---- opening ---- */

static void assert_refused(const struct statement *statement, const char *says) {
    struct db bad;
    struct log_lines log = {""};
    struct statement_table table = {statement, 1};
    struct db_options options = {.conninfo = pg.conninfo, .statements = &table, .log = log_line, .log_context = &log};
    assert_fails(db_open(&bad, &options), STORE_STATEMENT);
    if (!strstr(log.text, statement->name) || !strstr(log.text, says)) fail_msg("expected \"%s\", logged: %s", says, log.text);
    db_release(&bad);
}

/* Wrong SQL is no start: the log names the statement, the place, what was expected and what is there. */
static void a_statement_unlike_its_header_is_refused_by_name(void **state) {
    (void)state;
    assert_refused(STMT_wrong_parameter, "bigint = uuid, at: = $1");
    assert_refused(STMT_wrong_column_type, "column 2 should be int4 \"amount\", is int8 \"amount\"");
    assert_refused(STMT_wrong_column_name, "column 1 should be int8 \"amount\", is int8 \"id\"");
    assert_refused(STMT_wrong_column_count, "1 parameters and 1 columns, the database sees 1 and 2");
    assert_refused(STMT_wrong_table, "relation \"ballance\" does not exist");
    assert_refused(STMT_wrong_out_none, "0 parameters and 0 columns, the database sees 0 and 1");
}

/* Refuse to serve unless fsync, full_page_writes and synchronous_commit are on. */
static void a_database_that_may_lose_commits_is_refused(void **state) {
    (void)state;
    struct db bad;
    struct log_lines log = {""};
    struct db_options options = {.conninfo = pg.conninfo, .log = log_line, .log_context = &log};
    char sql[256];
    snprintf(sql, sizeof sql, "alter database %s set synchronous_commit = off", pg.name);
    pg_exec(&pg, sql);
    assert_fails(db_open(&bad, &options), STORE_NOT_DURABLE);
    assert_non_null(strstr(log.text, "synchronous_commit is off"));
    snprintf(sql, sizeof sql, "alter database %s reset synchronous_commit", pg.name);
    pg_exec(&pg, sql);
    assert_ok(db_open(&bad, &options));
    db_release(&bad);
}

static void nobody_there_is_unavailable(void **state) {
    (void)state;
    struct db none;
    struct items items = some_items(3);
    struct tx_options options = within(2);
    assert_fails(db_open(&none, &(struct db_options){.conninfo = "host=/nonexistent dbname=x"}), STORE_UNAVAILABLE);
    assert_fails(tx_run(&none, &options, insert_three, &items), STORE_UNAVAILABLE);
    assert_int_equal(items.runs, 0);
    db_release(&none);
}

/* ---- round trips, scope ---- */

static tagih_err lock_load_save(struct tx *tx, void *context) {
    static const int64_t ids[] = {1, 2}, amounts[] = {10, 20};
    int64_t *seen = context;
    struct params lock = ids_of(&arena, STMT_balance_lock, ids, 2), load = ids_of(&arena, STMT_balance_load, ids, 2);
    struct params save = pairs_of(&arena, STMT_balance_add, ids, amounts, 2), fact = pairs_of(&arena, STMT_part_insert, ids, amounts, 2);
    TRY(tx_send(tx, &lock));
    TRY(tx_send(tx, &load));
    TRY(tx_sync(tx));
    DEFER(result) struct result locked = {0}, loaded = {0};
    tx_take(tx, &locked);
    tx_take(tx, &loaded);
    *seen = (int64_t)(result_count(&locked) * 10 + result_count(&loaded));
    TRY(tx_send(tx, &save));
    return tx_send(tx, &fact);
}

/* LOCK and LOAD in one round trip, all SAVEs and COMMIT in another. */
static void a_transaction_takes_two_round_trips(void **state) {
    (void)state;
    struct tx_options options = within(5);
    int64_t seen = 0;
    uint64_t before = db.stats.round_trips;
    assert_ok(tx_run(&db, &options, lock_load_save, &seen));
    assert_int_equal(db.stats.round_trips - before, 2);
    assert_int_equal(seen, 22);
    assert_int_equal(pg_number(&pg, "select sum(amount) from balance"), 30);
    assert_int_equal(db.stats.transactions, 1);
}

struct scope {
    char agency[64], timeout[32], read_only[8];
};

static tagih_err look_around(struct tx *tx, void *context) {
    struct scope *scope = context;
    struct params p;
    params_init(&p, &arena, STMT_agency_seen, 0);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    snprintf(scope->agency, sizeof scope->agency, "%s", (const char *)result_text(&r, 0, COL_agency_seen_agency).data);
    snprintf(scope->timeout, sizeof scope->timeout, "%s", (const char *)result_text(&r, 0, COL_agency_seen_timeout).data);
    snprintf(scope->read_only, sizeof scope->read_only, "%s", (const char *)result_text(&r, 0, COL_agency_seen_read_only).data);
    return TAGIH_OK;
}

/* A batch holds calls of one agency; its transaction sets app.agency_id, and nothing of it stays behind. */
static void the_agency_ends_with_its_transaction(void **state) {
    (void)state;
    struct scope scope;
    struct tx_options options = within(5);
    assert_ok(uuid_parse("0190b5a0-1111-7222-8333-444455556666", &options.agency.u));
    options.read_only = true;
    assert_ok(tx_run(&db, &options, look_around, &scope));
    assert_string_equal(scope.agency, "0190b5a0-1111-7222-8333-444455556666");
    assert_string_equal(scope.read_only, "on");
    assert_true(strtol(scope.timeout, NULL, 10) > 4000 && strtol(scope.timeout, NULL, 10) <= 5000);
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, &arena, STMT_agency_seen, 0);
    assert_ok(db_exec_one(&db, &p, in_seconds(5), &r));
    assert_int_equal(result_text(&r, 0, COL_agency_seen_agency).len, 0);
    assert_string_equal((const char *)result_text(&r, 0, COL_agency_seen_read_only).data, "off");
}

static void a_body_that_declines_leaves_nothing_behind(void **state) {
    (void)state;
    struct items items = some_items(3);
    struct tx_options options = within(5);
    items.answer = FAIL(TEXT_INVALID);
    assert_fails(tx_run(&db, &options, insert_three, &items), TEXT_INVALID);
    assert_int_equal(items.runs, 1);
    assert_int_equal(pg_number(&pg, "select count(*) from item"), 0);
    items.answer = TAGIH_OK;
    assert_ok(tx_run(&db, &options, insert_three, &items));
    assert_int_equal(pg_number(&pg, "select count(*) from item"), 3);
}

static void a_transaction_left_open_rolls_back_with_its_scope(void **state) {
    (void)state;
    static const int64_t ids[] = {7};
    struct tx_options options = within(5);
    {
        DEFER(tx) struct tx tx;
        tx_begin(&tx, &db, &options);
        struct params p = pairs_of(&arena, STMT_part_insert, ids, ids, 1);
        assert_ok(tx_send(&tx, &p));
        assert_ok(tx_sync(&tx));
    }
    assert_int_equal(pg_number(&pg, "select count(*) from part"), 0);
    assert_int_equal(pg_number(&pg, "select count(*) from pg_stat_activity where application_name = 'tagih-tx' and state <> 'idle'"), 0);
}

/* ---- two at once ---- */

struct reader {
    struct db db;
    struct log_lines log;
    uint8_t memory[8192];
    bool trap; /* lock and load in one statement */
    int64_t amount, added;
    tagih_err err;
};

static tagih_err read_balance(struct tx *tx, void *context) {
    static const int64_t ids[] = {1};
    struct reader *reader = context;
    struct arena own;
    arena_init(&own, reader->memory, sizeof reader->memory);
    struct params lock = ids_of(&own, STMT_balance_lock, ids, 1);
    struct params load = ids_of(&own, reader->trap ? STMT_balance_lock_and_load : STMT_balance_load, ids, 1);
    if (!reader->trap) TRY(tx_send(tx, &lock));
    TRY(tx_send(tx, &load));
    TRY(tx_sync(tx));
    DEFER(result) struct result locked = {0}, loaded = {0};
    if (!reader->trap) tx_take(tx, &locked);
    tx_take(tx, &loaded);
    reader->amount = result_int8(&loaded, 0, COL_balance_load_amount);
    reader->added = result_int8(&loaded, 0, COL_balance_load_added);
    return TAGIH_OK;
}

static void *run_reader(void *context) {
    struct reader *reader = context;
    struct tx_options options = within(10);
    reader->err = tx_run(&reader->db, &options, read_balance, reader);
    return NULL;
}

static void wait_for_waiters(int n) {
    for (int i = 0; i < 200; i++) {
        if (pg_number(&pg, "select count(*) from pg_locks where not granted") >= n) return;
        usleep(10000);
    }
    fail_msg("nobody waits for a lock");
}

/* A writer adds 5 to balance 1, with its part, while `reader` already waits for the row. */
static void read_while_written(struct reader *reader) {
    pthread_t thread;
    open_worker(&reader->db, &pg, "reader", &reader->log);
    pg_exec(&pg, "begin; select 1 from balance where id = 1 for update");
    assert_int_equal(pthread_create(&thread, NULL, run_reader, reader), 0);
    wait_for_waiters(1);
    pg_exec(&pg, "insert into part values (1, 5); update balance set amount = amount + 5 where id = 1; commit");
    pthread_join(thread, NULL);
    assert_ok(reader->err);
    db_release(&reader->db);
}

/* LOCK and LOAD are two statements: the second gets a new snapshot and sees what the lock waited for. */
static void load_after_lock_sees_what_the_lock_waited_for(void **state) {
    (void)state;
    static struct reader reader = {.trap = false};
    read_while_written(&reader);
    assert_int_equal(reader.amount, 5);
    assert_int_equal(reader.added, 5);
}

/* The trap that the rule is for: one statement that locks and joins reads the new balance and the old sum. */
static void one_statement_that_locks_and_loads_reads_stale_facts(void **state) {
    (void)state;
    static struct reader reader = {.trap = true};
    read_while_written(&reader);
    assert_int_equal(reader.amount, 5);
    assert_int_equal(reader.added, 0);
}

struct rival {
    struct db db;
    struct log_lines log;
    uint8_t memory[8192];
    int64_t first, second;
    pthread_barrier_t *both_hold;
    int runs;
    tagih_err err;
};

static tagih_err add_to(struct tx *tx, struct arena *own, int64_t id) {
    static const int64_t one = 1;
    struct params p = pairs_of(own, STMT_balance_add, &id, &one, 1);
    TRY(tx_send(tx, &p));
    return tx_sync(tx);
}

static tagih_err add_crosswise(struct tx *tx, void *context) {
    struct rival *rival = context;
    struct arena own;
    arena_init(&own, rival->memory, sizeof rival->memory);
    TRY(add_to(tx, &own, rival->first));
    if (rival->runs++ == 0) pthread_barrier_wait(rival->both_hold);
    return add_to(tx, &own, rival->second);
}

static void *run_rival(void *context) {
    struct rival *rival = context;
    struct tx_options options = within(10);
    rival->err = tx_run(&rival->db, &options, add_crosswise, rival);
    return NULL;
}

/* 40P01: the whole transaction again; and it is counted, so that a load test can ask for none. */
static void the_loser_of_a_deadlock_runs_again(void **state) {
    (void)state;
    pthread_barrier_t both_hold;
    pthread_barrier_init(&both_hold, NULL, 2);
    static struct rival rivals[2] = {{.first = 1, .second = 2}, {.first = 2, .second = 1}};
    rivals[0].both_hold = rivals[1].both_hold = &both_hold;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) open_worker(&rivals[i].db, &pg, "rival", &rivals[i].log);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_rival, &rivals[i]), 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) assert_ok(rivals[i].err);
    /* At least one: the loser may come back before the winner has woken, and collide again. */
    assert_true(rivals[0].db.stats.deadlocks + rivals[1].db.stats.deadlocks >= 1);
    assert_int_equal(pg_number(&pg, "select amount from balance where id = 1"), 2);
    assert_int_equal(pg_number(&pg, "select sum(amount) from balance"), 4);
    for (int i = 0; i < 2; i++) db_release(&rivals[i].db);
    pthread_barrier_destroy(&both_hold);
}

/* ---- the table of SQLSTATEs ---- */

static const struct {
    const char *sqlstate;
    int raises, runs;
    const char *answer;
} failures[] = {
    {"40001", 2, 3, "OK"},
    {"40P01", 1, 2, "OK"},
    {"55P03", 1, 2, "OK"},
    {"40001", 99, 8, "STORE_CONTENDED"},
    {"08006", 1, 2, "OK"},
    {"57P01", 1, 2, "OK"},
    {"57P03", 1, 2, "OK"},
    {"08006", 99, 8, "STORE_UNAVAILABLE"},
    {"53100", 99, 1, "STORE_UNAVAILABLE"},
    {"57014", 99, 1, "STORE_UNAVAILABLE"},
    {"22012", 99, 1, "BATCH_BROKEN"},
    {"23503", 99, 1, "BATCH_BROKEN"},
    {"23505", 99, 1, "BATCH_BROKEN"},
    {"23514", 99, 1, "BATCH_BROKEN"},
    {"P0001", 99, 1, "BATCH_BROKEN"},
    {"42501", 99, 1, "INTERNAL"},
    {"XX000", 99, 1, "INTERNAL"},
};

/* SQLSTATE is handled in one place; each row says how often a body runs and what its caller learns. */
static void every_sqlstate_has_one_answer(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        struct items items = some_items(3);
        struct tx_options options = within(10);
        items.raise = failures[i].sqlstate;
        items.raises = failures[i].raises;
        pg_exec(&pg, "truncate item");
        tagih_err err = tx_run(&db, &options, insert_three, &items);
        if (strcmp(err_name(err), failures[i].answer) != 0 || items.runs != failures[i].runs) {
            fail_msg("%s: %s after %d runs", failures[i].sqlstate, err_name(err), items.runs);
        }
        assert_int_equal(pg_number(&pg, "select count(*) from item"), err_is_ok(err) ? 3 : 0);
    }
}

/* Nothing a debtor wrote reaches a log: of broken data only the constraint's name. */
static void a_broken_constraint_is_logged_without_its_data(void **state) {
    (void)state;
    struct items items = some_items(3);
    struct tx_options options = within(5);
    items.notes[1] = bytes_text("forbidden");
    assert_fails(tx_run(&db, &options, insert_three, &items), BATCH_BROKEN);
    assert_non_null(strstr(log_of.text, "23514 item item_note_check"));
    assert_null(strstr(log_of.text, "forbidden"));
}

static tagih_err nap(struct tx *tx, void *context) {
    struct params p;
    params_init(&p, &arena, STMT_nap, 0);
    params_one_float8(&p, *(const double *)context);
    TRY(tx_send(tx, &p));
    return tx_sync(tx);
}

/* Its timeout is the remaining deadline. */
static void the_deadline_ends_a_statement(void **state) {
    (void)state;
    double seconds = 30;
    struct tx_options options = {.deadline_us = db__now_us() + 200 * US_PER_MS, .name = "nap"};
    int64_t began_us = db__now_us();
    assert_fails(tx_run(&db, &options, nap, &seconds), STORE_UNAVAILABLE);
    assert_true(db__now_us() - began_us < US_PER_S);
    options.deadline_us = db__now_us();
    assert_fails(tx_run(&db, &options, nap, &seconds), STORE_DEADLINE);
}

/* ---- broken connections ---- */

static pid_t backend_of(const struct db *of) {
    return (pid_t)PQbackendPID(of->conn);
}

/* A server that stands still, answering nothing and closing nothing, costs a call its deadline and no more. */
static void a_server_that_stands_still_is_given_up(void **state) {
    (void)state;
    double seconds = 0;
    pid_t backend = backend_of(&db);
    struct tx_options options = {.deadline_us = db__now_us() + 100 * US_PER_MS, .name = "still"};
    int64_t began_us = db__now_us();
    assert_int_equal(kill(backend, SIGSTOP), 0);
    tagih_err err = tx_run(&db, &options, nap, &seconds);
    assert_int_equal(kill(backend, SIGCONT), 0);
    assert_fails(err, STORE_UNAVAILABLE);
    assert_true(db__now_us() - began_us < 4 * US_PER_S);
    options = within(5);
    assert_ok(tx_run(&db, &options, nap, &seconds));
    assert_int_equal(db.stats.reconnects, 1);
}

static void a_connection_that_died_while_idle_is_replaced(void **state) {
    (void)state;
    struct items items = some_items(3);
    struct tx_options options = within(5);
    char sql[128];
    snprintf(sql, sizeof sql, "select pg_terminate_backend(%d, 5000)", (int)backend_of(&db));
    pg_exec(&pg, sql);
    assert_ok(tx_run(&db, &options, insert_three, &items));
    assert_int_equal(db.stats.reconnects, 1);
    assert_int_equal(pg_number(&pg, "select count(*) from item"), 3);
}

static tagih_err insert_and_die_once(struct tx *tx, void *context) {
    struct items *items = context;
    bool first_run = items->runs == 0;
    TRY(insert_range(tx, items, 0, 3));
    TRY(tx_sync(tx));
    struct params p;
    params_init(&p, &arena, STMT_backend_kill, 0);
    return first_run ? tx_send(tx, &p) : TAGIH_OK;
}

/* Killed between its statements and COMMIT: a new connection, the same transaction, every row once. */
static void a_backend_killed_in_mid_transaction_loses_nothing(void **state) {
    (void)state;
    struct items items = some_items(3);
    struct tx_options options = within(5);
    assert_ok(tx_run(&db, &options, insert_and_die_once, &items));
    assert_int_equal(items.runs, 2);
    assert_int_equal(db.stats.reconnects, 1);
    assert_int_equal(pg_number(&pg, "select count(*) from item"), 3);
}

/* Every command has an id made by its sender, so a batch whose commit outcome is unknown is simply run again. */
static void a_commit_whose_answer_was_lost_is_run_again_and_stored_once(void **state) {
    (void)state;
    struct items items = some_items(3);
    struct tx_options options = within(5);
    struct proxy proxy = {.cuts_left = 1};
    struct db through;
    items.how = STMT_item_insert_once;
    proxy_start(&proxy, &pg);
    assert_ok(db_open(&through, &(struct db_options){.conninfo = proxy.conninfo, .worker = "wire", .statements = &spec_statements}));
    assert_ok(tx_run(&through, &options, insert_three, &items));
    assert_int_equal(atomic_load(&proxy.cuts_left), 0);
    assert_int_equal(items.runs, 2);
    assert_int_equal(through.stats.transactions, 1);
    assert_int_equal(pg_number(&pg, "select count(*) from item"), 3);
    /* The first run did commit: its rows are older than any of the second could be. */
    assert_int_equal(pg_number(&pg, "select count(distinct xmin::text) from item"), 1);
    db_release(&through);
    proxy_end(&proxy);
}

/* ---- counting rows, halving ---- */

static tagih_err add_to_missing(struct tx *tx, void *context) {
    static const int64_t ids[] = {1, 999}, amounts[] = {5, 5};
    ++*(int *)context;
    struct params p = pairs_of(&arena, STMT_balance_add, ids, amounts, 2);
    TRY(tx_send(tx, &p));
    tx_expect(tx, 2);
    return TAGIH_OK;
}

/* Fewer rows written than asked is a bug or a race: roll back and retry. */
static void fewer_rows_than_asked_are_never_committed(void **state) {
    (void)state;
    int runs = 0;
    struct tx_options options = within(5);
    assert_fails(tx_run(&db, &options, add_to_missing, &runs), BATCH_BROKEN);
    assert_int_equal(runs, 3);
    assert_int_equal(db.stats.short_writes, 3);
    assert_int_equal(pg_number(&pg, "select amount from balance where id = 1"), 0);
    pg_exec(&pg, "insert into balance values (999, 0)");
    assert_ok(tx_run(&db, &options, add_to_missing, &runs));
    assert_int_equal(pg_number(&pg, "select amount from balance where id = 1"), 5);
    pg_exec(&pg, "delete from balance where id = 999");
}

/* A violated constraint breaks the batch, which is halved down to the item, and that item alone fails. */
static void halving_finds_the_items_that_break_the_batch(void **state) {
    (void)state;
    struct items items = some_items(100);
    struct tx_options options = within(10);
    size_t committed = 0;
    items.notes[0] = bytes_text("forbidden");
    items.notes[37] = bytes_text("cursed");
    items.ids[99] = 5;
    assert_ok(tx_run_halving(&db, &options, 100, insert_range, note_failed, &items, &committed));
    for (size_t i = 0; i < 100; i++) assert_int_equal(items.failed[i], i == 0 || i == 37 || i == 99);
    assert_fails(items.why[37], BATCH_BROKEN);
    assert_int_equal(pg_number(&pg, "select count(*) from item"), 97);
    assert_true(committed > 3 && committed <= 21);
    assert_int_equal(db.stats.transactions, committed);
}

static void a_batch_without_fault_is_one_transaction(void **state) {
    (void)state;
    struct items items = some_items(100);
    struct tx_options options = within(10);
    size_t committed = 0;
    assert_ok(tx_run_halving(&db, &options, 100, insert_range, note_failed, &items, &committed));
    assert_int_equal(committed, 1);
    assert_ok(tx_run_halving(&db, &options, 0, insert_range, note_failed, &items, &committed));
    assert_int_equal(committed, 0);
}

/* Afterwards every item either is committed or was reported, once, also when the database gives up half-way. */
static void halving_accounts_for_every_item_when_the_database_gives_up(void **state) {
    (void)state;
    struct items items = some_items(64);
    struct tx_options options = within(10);
    items.notes[3] = bytes_text("forbidden");
    items.raise = "53100";
    items.raises = 99;
    items.raise_at = 40;
    assert_fails(tx_run_halving(&db, &options, 64, insert_range, note_failed, &items, NULL), STORE_UNAVAILABLE);
    long long reported = 0;
    for (size_t i = 0; i < 64; i++) {
        assert_in_range(items.failed[i], 0, 1);
        reported += items.failed[i];
        char sql[64];
        snprintf(sql, sizeof sql, "select count(*) from item where id = %zu", i);
        assert_int_equal(pg_number(&pg, sql), !items.failed[i]);
    }
    assert_int_equal(reported, 1 + 32); /* item 3, and the half that held item 40 */
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, connect_fresh, disconnect)

int main(void) {
    const struct CMUnitTest tests[] = {
        SPEC(a_statement_unlike_its_header_is_refused_by_name),
        SPEC(a_database_that_may_lose_commits_is_refused),
        SPEC(nobody_there_is_unavailable),
        SPEC(a_transaction_takes_two_round_trips),
        SPEC(the_agency_ends_with_its_transaction),
        SPEC(a_body_that_declines_leaves_nothing_behind),
        SPEC(a_transaction_left_open_rolls_back_with_its_scope),
        SPEC(load_after_lock_sees_what_the_lock_waited_for),
        SPEC(one_statement_that_locks_and_loads_reads_stale_facts),
        SPEC(the_loser_of_a_deadlock_runs_again),
        SPEC(every_sqlstate_has_one_answer),
        SPEC(a_broken_constraint_is_logged_without_its_data),
        SPEC(the_deadline_ends_a_statement),
        SPEC(a_server_that_stands_still_is_given_up),
        SPEC(a_connection_that_died_while_idle_is_replaced),
        SPEC(a_backend_killed_in_mid_transaction_loses_nothing),
        SPEC(a_commit_whose_answer_was_lost_is_run_again_and_stored_once),
        SPEC(fewer_rows_than_asked_are_never_committed),
        SPEC(halving_finds_the_items_that_break_the_batch),
        SPEC(a_batch_without_fault_is_one_transaction),
        SPEC(halving_accounts_for_every_item_when_the_database_gives_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
