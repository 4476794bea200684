/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables that are cut by month (R-JRN-7a, R-CHK-2c): months are there before they come, what comes outside of them is taken
 * in and brought home, retention takes places and nothing else, and whoever looks at one month directly finds the same
 * walls.
 *
 *     partition_spec TAGIHD
 */
#include <stdio.h>

#include "server/rpc/arrival.h"
#include "server/rpc/partition.h"
#include "server/store/journal.h"
#include "server/store/partition.h"
#include "server/store/tx.h"
#include "tests/support/job.h"
#include "tests/support/teller.h"
#include "tests/support/verifier.h"
#include "tests/support/writer.h"

static struct rig rig;
static struct teller teller;
static struct writer phone;
static user_id collector;
static struct verifier verifier;
static const char *tagihd;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    collector = writer_begin_new(&phone, &rig, teller.agency);
    verifier_open(&verifier, &rig, teller.agency);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    verifier_close(&verifier);
    writer_end(&phone);
    rig_close(&rig);
    return 0;
}

/* ---- helpers ------------------------------------------------------------------------------------------------------ */

/* The minute of the rig's own server keeps out, so that a spec sees what it made; a crash gives it back. */
static void keep_the_minute_out(void) {
    pg_exec(&rig.pg, "select pg_advisory_lock(721700424)");
}

static struct partitions_kept let_it_care(void) {
    struct job job;
    struct partitions_kept kept;
    pg_exec(&rig.pg, "select pg_advisory_unlock_all()");
    job_open(&job, &rig);
    assert_ok(partition_chore(&job.db, &job.arena, clock_monotonic_us() + 20 * US_PER_S, &kept));
    job_close(&job);
    return kept;
}

static long long astray(void) {
    return pg_number(&rig.pg, "select rows_astray from figure_partitions()");
}

/* The table, as another month has it: "journal_body_2026_11" of 0, "journal_body_2026_10" of -1. */
static const char *month_of(const char *table, int months) {
    static char names[4][64];
    static unsigned next;
    char sql[200], *out = names[next++ % 4];
    snprintf(sql, sizeof sql,
             "select partition_name('%s', (partition_month(partition_now_us()) + interval '%d months')::date)", table,
             months);
    snprintf(out, sizeof names[0], "%s", pg_value(&rig.pg, sql));
    return out;
}

static int64_t month_start_us(int months) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "select partition_start_us((partition_month(partition_now_us()) + interval '%d months')::date)", months);
    return pg_number(&rig.pg, sql);
}

/* As if nobody had made it: with the rows that it holds. */
static void take_away(const char *table, int months) {
    const char *name = month_of(table, months);
    rig_run(&rig,
            "create temp table kept as select * from %s; alter table %s detach partition %s; drop table %s;"
            " insert into %s select * from kept; drop table kept",
            name, table, name, name, table);
}

static long long rows_in(const char *table) {
    return rig_count(&rig, "select count(*) from %s", table);
}

/* ---- entries and check-ins by the server's own statements -------------------------------------------------------- */

struct work {
    struct arena *arena;
    const struct journal_row *rows;
    struct arrival *arrivals;
    size_t n;
};

static tagih_err put_rows(struct tx *tx, void *context) {
    const struct work *w = context;
    return journal_send_rows(tx, w->arena, w->rows, w->n);
}

static tagih_err put_arrivals(struct tx *tx, void *context) {
    struct work *w = context;
    TRY(arrivals_send(tx, w->arena, w->arrivals, w->n));
    TRY(tx_sync(tx));
    TRY(arrivals_take(tx, w->arena, w->arrivals, w->n));
    return arrivals_settle(tx, w->arena, w->arrivals, w->n, w->arrivals[0].received);
}

static void run(agency_id agency, tx_body_fn body, struct work *work) {
    struct job job;
    job_open(&job, &rig);
    work->arena = &job.arena;
    assert_ok(tx_run(
        &job.db, &(struct tx_options){.agency = agency, .deadline_us = clock_monotonic_us() + 20 * US_PER_S, .name = "spec"},
        body, work));
    job_close(&job);
}

/* A batch of bodies that were received then. */
static void receive(const int64_t *received_us, size_t n) {
    struct journal_row rows[8];
    const agency_id agency = rig_agency(&rig, "Border");
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct journal_row){.device = {rig_id()},
                                       .epoch = 1,
                                       .seq = 1,
                                       .id = {rig_id()},
                                       .kind = 3,
                                       .fate = 1,
                                       .owns_seq = true,
                                       .owns_id = true,
                                       .received_us = received_us[i],
                                       .ack = bytes_text("ack"),
                                       .body = bytes_text("body")};
        random_bytes(&rows[i].hash, sizeof rows[i].hash);
    }
    run(agency, put_rows, &(struct work){.rows = rows, .n = n});
}

/* A call's check-in with two fixes, as the server takes one in, at another time. */
static entry_id check_in_at(instant received) {
    static const struct fix fixes[] = {
        {.position = {-61754000, 1068272000}, .accuracy_mm = 8000, .at = {0}, .provider = FIX_GPS},
        {.position = {-61754100, 1068272100}, .accuracy_mm = 9000, .at = {0}, .provider = FIX_GPS}};
    struct fix then[2] = {fixes[0], fixes[1]};
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    then[0].at = then[1].at = received;
    struct arrival arrival = {.key = {.id = {rig_id()},
                                      .visit = rig_visit(&rig, teller.agency, account, collector),
                                      .collector = collector,
                                      .device = phone.phone.device,
                                      .value = received},
                              .device_time = received,
                              .mono_us = 5,
                              .boot_id = rig_id(),
                              .fixes = then,
                              .n_fixes = 2,
                              .received = received};
    run(teller.agency, put_arrivals, &(struct work){.arrivals = &arrival, .n = 1});
    assert_int_equal(arrival.fate, ARRIVAL_NEW);
    return arrival.key.id;
}

static size_t push_a_receipt(struct rig_answer *out) {
    struct journal_entry receipt = writer_receipt(&phone, teller_account(&teller, collector, &debt_j1, 1), MINOR(50000));
    size_t index = writer_sign(&phone, &receipt);
    *out = writer_push(&phone, &index, 1);
    assert_answer(*out, OK);
    return index;
}

/* ---- months are there --------------------------------------------------------------------------------------------- */

//= RULES.md R-JRN-7a
//  They lie in a table for each month of reception
static void months_are_there_before_they_come(void **state) {
    (void)state;
    assert_int_equal(pg_number(&rig.pg, "select months_ahead from figure_partitions()"), 3);
    for (int m = -1; m <= 3; m++) {
        assert_int_equal(rig_count(&rig, "select count(*) from pg_inherits where inhrelid = to_regclass('%s')",
                                   month_of("journal_body", m)),
                         1);
        assert_int_equal(rig_count(&rig, "select count(*) from pg_inherits where inhrelid = to_regclass('%s')",
                                   month_of("check_in_fix", m)),
                         1);
    }
}

/* Each month's table and each default one has the policy, the rights and the trigger of a fact of its own. */
static void a_month_by_itself_is_as_well_guarded_as_the_whole(void **state) {
    (void)state;
    struct rig_answer answer;
    push_a_receipt(&answer);
    const char *part = month_of("journal_body", 0);
    assert_int_equal(
        pg_number(&rig.pg,
                  "select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relkind = 'r' and ("
                  " not c.relrowsecurity or not exists (select from pg_policy p where p.polrelid = c.oid)"
                  " or not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'fact')"
                  " or has_table_privilege('tagih_app', c.oid, 'update, delete, truncate'))"),
        0);
    static const char *const acts[] = {"truncate %s", "delete from %s", "update %s set value_us = 0"};
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        char sql[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sql, sizeof sql, acts[i], part);
#pragma GCC diagnostic pop
        PGresult *r = PQexec(rig.pg.admin, sql); /* even the owner */
        assert_string_equal(PQresultErrorField(r, PG_DIAG_SQLSTATE), "23001");
        PQclear(r);
    }
    assert_true(rows_in(part) > 0);
    pg_exec(&rig.pg, "begin; set local role tagih_app");
    assert_int_equal(rows_in(part), 0); /* no agency, no row: asked directly, too */
    pg_exec(&rig.pg, "rollback");
}

//= RULES.md R-JRN-7a
//  They lie in a table for each month of reception (UTC)
static void a_body_is_found_by_its_hash_in_one_month_alone(void **state) {
    (void)state;
    struct rig_answer answer;
    size_t index = push_a_receipt(&answer);
    char hash[65], sql[512];
    bytes_hex(BYTES_OF(&phone.entries[index].hash), hash);
    PGconn *app = PQconnectdb(rig.app_conninfo);
    snprintf(sql, sizeof sql,
             "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_hashjoin = off;"
             " set enable_mergejoin = off; set app.agency_id = '%s'",
             rig_text(teller.agency.u));
    PQclear(PQexec(app, sql));
    PGresult *r = PQprepare(app, "q", STMT_entry_get->text, 2, (const Oid[]){2950, 17});
    assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
    PQclear(r);
    snprintf(sql, sizeof sql, "explain (analyze, costs off, timing off, summary off) execute q('%s', '\\x%s')",
             rig_text(teller.agency.u), hash);
    r = PQexec(app, sql);
    int looked = 0, left = 0;
    for (int i = 0; i < PQntuples(r); i++) {
        const char *line = PQgetvalue(r, i, 0);
        if (!strstr(line, "journal_body_")) continue;
        bool never = strstr(line, "never executed") != NULL;
        if (!strstr(line, "Index Scan")) fail_msg("%s", line);
        never ? left++ : looked++;
    }
    assert_int_equal(looked, 1);
    assert_true(left >= 5);
    PQclear(r);
    PQfinish(app);
}

/* ---- what comes outside of them ----------------------------------------------------------------------------------- */

static void a_batch_over_the_change_of_a_month_lands_in_both(void **state) {
    (void)state;
    int64_t start = month_start_us(1);
    long long before = rows_in(month_of("journal_body", 0)), after = rows_in(month_of("journal_body", 1));
    receive((const int64_t[]){start - 1, start, start + 1, start - 2}, 4);
    assert_int_equal(rows_in(month_of("journal_body", 0)), before + 2);
    assert_int_equal(rows_in(month_of("journal_body", 1)), after + 2);
    assert_int_equal(astray(), 0);
}

//= RULES.md R-JRN-7a
//  What comes outside of the months at hand is taken in all the same
static void without_a_month_everything_is_taken_in_and_goes_home_later(void **state) {
    (void)state;
    struct rig_answer first, again;
    keep_the_minute_out();
    take_away("journal_body", 0);
    take_away("check_in_fix", 0);
    long long had = astray();
    assert_int_equal(pg_number(&rig.pg, "select months_ahead from figure_partitions()"), -1);
    size_t index = push_a_receipt(&first);
    check_in_at(clock_now());
    assert_int_equal(astray(), had + 2);
    verifier_assert_clean(&verifier);
    struct partitions_kept kept = let_it_care();
    assert_int_equal(kept.made, 2);
    assert_int_equal(kept.moved, had + 2);
    assert_int_equal(astray(), 0);
    assert_int_equal(rows_in("journal_body_default"), 0);
    again = writer_push(&phone, &index, 1);
    assert_answer(again, OK);
    const Tagih__V1__PushResponse *one = first.response, *two = again.response;
    assert_true(
        bytes_equal(bytes_make(one->acks[0].data, one->acks[0].len), bytes_make(two->acks[0].data, two->acks[0].len)));
    verifier_assert_clean(&verifier);
}

/* A clock ten years off is no reason to refuse anything; one that cannot be meant stays where it is, and is told of. */
static void a_clock_that_is_years_off_gets_months_of_its_own(void **state) {
    (void)state;
    int64_t ten_years = 3653 * US_PER_DAY, now = clock_now().us;
    keep_the_minute_out();
    receive((const int64_t[]){now + ten_years, now - ten_years, INT64_C(40000000000000000)}, 3);
    assert_int_equal(astray(), 3);
    struct partitions_kept kept = let_it_care();
    assert_int_equal(kept.made, 2);
    assert_int_equal(kept.moved, 2);
    assert_int_equal(astray(), 1);
    kept = let_it_care();
    assert_int_equal(kept.made + kept.moved + kept.busy, 0);
    pg_exec(&rig.pg, "begin; set local session_replication_role = replica; delete from journal_body_default; commit");
}

/* ---- two at once, and somebody in the way ------------------------------------------------------------------------- */

static void two_servers_that_make_months_at_once_make_them_once(void **state) {
    (void)state;
    PGconn *both[2];
    int made = 0;
    keep_the_minute_out();
    for (int m = 1; m <= 3; m++) take_away("journal_body", m);
    for (int i = 0; i < 2; i++) {
        both[i] = PQconnectdb(rig.app_conninfo);
        assert_int_equal(PQsendQuery(both[i], "select made from partition_chore()"), 1);
    }
    while (pg_number(&rig.pg,
                     "select count(*) from pg_locks where locktype = 'advisory' and objid = 721700424 and not granted"
                     " and database = (select oid from pg_database where datname = current_database())") < 2) {
    }
    pg_exec(&rig.pg, "select pg_advisory_unlock_all()");
    for (int i = 0; i < 2; i++) {
        PGresult *r = PQgetResult(both[i]);
        if (PQresultStatus(r) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(r));
        int n = (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
        assert_true(n == 0 || n == 3);
        made += n;
        PQclear(r);
        PQfinish(both[i]);
    }
    assert_true(made == 3 || made == 0); /* 0: the minute of the rig's server waited, too, and was the first */
    assert_int_equal(pg_number(&rig.pg, "select months_ahead from figure_partitions()"), 3);
}

/* Verify reads for minutes: nobody may wait behind a chore that waits for it. */
static void somebody_who_reads_for_long_is_left_alone(void **state) {
    (void)state;
    PGconn *reader = PQconnectdb(rig.pg.conninfo);
    keep_the_minute_out();
    take_away("journal_body", 2);
    PQclear(PQexec(reader, "begin; select count(*) from journal_body"));
    int64_t began = clock_monotonic_us();
    struct partitions_kept kept = let_it_care();
    assert_int_equal(kept.busy, 1);
    assert_int_equal(kept.made, 0);
    assert_true(clock_monotonic_us() - began < 5 * US_PER_S);
    PQfinish(reader);
    while (pg_number(&rig.pg, "select months_ahead from figure_partitions()") < 3) let_it_care();
}

static void who_serves_makes_no_months_as_he_likes(void **state) {
    (void)state;
    static const char *const forbidden[] = {"select partitions_keep(0)",
                                            "select partition_make('journal_body', '2030-01-01')",
                                            "select partition_prune('check_in_fix', '2020-01-01', 12)",
                                            "select partitions_due(12, 0)",
                                            "insert into partition_pruned values ('check_in_fix', '2026-01-01', 1, 1, 1)",
                                            "drop table check_in_fix_default"};
    PGconn *app = PQconnectdb(rig.app_conninfo);
    for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
        PGresult *r = PQexec(app, forbidden[i]);
        if (PQresultStatus(r) != PGRES_FATAL_ERROR || strcmp(PQresultErrorField(r, PG_DIAG_SQLSTATE), "42501") != 0)
            fail_msg("%s: %s", forbidden[i], PQresultErrorMessage(r));
        PQclear(r);
    }
    PQfinish(app);
}

/* ---- retention ---------------------------------------------------------------------------------------------------- */

/* What the command says, and whether it was content. */
static const char *retention(const char *months, const char *more, int *code) {
    static char out[4096];
    char line[2400];
    snprintf(line, sizeof line, "'%s' retention %s --owner-url '%s' --keep-places-months %s 2>&1", tagihd, more,
             rig.pg.conninfo, months);
    FILE *said = popen(line, "r");
    assert_non_null(said);
    out[fread(out, 1, sizeof out - 1, said)] = '\0';
    *code = pclose(said);
    return out;
}

static long long kept_of_money(void) {
    return pg_number(&rig.pg,
                     "select (select count(*) from journal_body) * 1000000 + (select count(*) from receipt) * 1000"
                     " + (select count(*) from ledger_line) + (select count(*) from check_in) * 1000000000");
}

//= RULES.md R-CHK-2c
//  The house may set months
static void retention_tells_first_and_takes_whole_months_of_places_alone(void **state) {
    (void)state;
    int code;
    check_in_at((instant){month_start_us(-7) + 5});
    check_in_at((instant){month_start_us(-6) - 1});
    entry_id young = check_in_at((instant){month_start_us(-6) + 5});
    let_it_care();
    long long fixes = rows_in("check_in_fix"), money = kept_of_money();
    assert_non_null(strstr(retention("0", "--apply", &code), "for ever"));
    assert_non_null(strstr(retention("2", "--apply", &code), "at least 3"));
    assert_true(code != 0);
    assert_int_equal(rows_in("check_in_fix"), fixes);
    const char *said = retention("6", "", &code);
    if (code) fail_msg("%s", said);
    if (!strstr(said, "2 rows of 1 months would go; nothing was changed")) fail_msg("%s", said);
    assert_int_equal(rows_in("check_in_fix"), fixes);
    said = retention("6", "--apply", &code);
    if (code) fail_msg("%s", said);
    if (!strstr(said, "2 rows of 1 months taken")) fail_msg("%s", said);
    assert_int_equal(rows_in("check_in_fix"), fixes - 2);
    assert_int_equal(kept_of_money(), money);
    assert_int_equal(rig_number(&rig, "select count(*) from check_in_fix where first_id = '%s'", young.u), 1);
    assert_int_equal(pg_number(&rig.pg, "select rows from partition_pruned"), 2);
    assert_non_null(strstr(retention("6", "--apply", &code), "0 rows of 0 months taken"));
}

//= RULES.md R-CHK-2c
//  finds every other one whose fixes are missing or differ
static void verify_tells_what_retention_took_from_what_a_hand_took(void **state) {
    (void)state;
    verifier_assert_clean(&verifier);
    char line[2600];
    snprintf(line, sizeof line,
             "'%s' verify --agency Acme --database-url '%s' --keys-dir '%s' | grep -q 'raw fixes retention took *of 2$'",
             tagihd, verifier.conninfo, rig.keys_dir);
    assert_int_equal(system(line), 0);
    pg_exec(&rig.pg,
            "begin; set local session_replication_role = replica;"
            " delete from check_in_fix where ctid = (select ctid from check_in_fix limit 1); commit");
    struct found found = verifier_look(&verifier, NULL);
    assert_true(found_tells(&found, "check_in_fix", ""));
}

/* Whoever asks the database itself for more than the rule gives is refused by it. */
//= RULES.md R-JRN-7a
//  Bytes of entries are evidence and kept for ever
static void evidence_and_what_is_young_is_refused_by_the_database_itself(void **state) {
    (void)state;
    static const char *const asked[] = {"select partition_prune('journal_body', '2020-01-01', 12)",
                                        "select partition_prune('check_in_fix', partition_month(partition_now_us()), 12)",
                                        "select partition_prune('check_in_fix', '2020-01-01', 1)"};
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        PGresult *r = PQexec(rig.pg.admin, asked[i]);
        assert_string_equal(PQresultErrorField(r, PG_DIAG_SQLSTATE), "23001");
        PQclear(r);
    }
}

static void doctor_and_migrate_see_to_months_too(void **state) {
    (void)state;
    char line[2600];
    keep_the_minute_out();
    take_away("check_in_fix", 1);
    snprintf(line, sizeof line,
             "'%s' doctor --database-url '%s' --socket /x --keys-dir '%s' | grep -q \"^fix  months .*the next month's\"",
             tagihd, rig.app_conninfo, rig.keys_dir);
    assert_int_equal(system(line), 0);
    pg_exec(&rig.pg, "select pg_advisory_unlock_all()");
    snprintf(line, sizeof line, "'%s' migrate --owner-url '%s' >/dev/null", tagihd, rig.pg.conninfo);
    assert_int_equal(system(line), 0);
    snprintf(line, sizeof line,
             "'%s' doctor --database-url '%s' --socket /x --keys-dir '%s' | grep -q '^ok   months .*ready for 3 months'",
             tagihd, rig.app_conninfo, rig.keys_dir);
    assert_int_equal(system(line), 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(months_are_there_before_they_come),
        cmocka_unit_test(a_month_by_itself_is_as_well_guarded_as_the_whole),
        cmocka_unit_test(a_body_is_found_by_its_hash_in_one_month_alone),
        cmocka_unit_test(a_batch_over_the_change_of_a_month_lands_in_both),
        cmocka_unit_test(without_a_month_everything_is_taken_in_and_goes_home_later),
        cmocka_unit_test(a_clock_that_is_years_off_gets_months_of_its_own),
        cmocka_unit_test(two_servers_that_make_months_at_once_make_them_once),
        cmocka_unit_test(somebody_who_reads_for_long_is_left_alone),
        cmocka_unit_test(who_serves_makes_no_months_as_he_likes),
        cmocka_unit_test(retention_tells_first_and_takes_whole_months_of_places_alone),
        cmocka_unit_test(verify_tells_what_retention_took_from_what_a_hand_took),
        cmocka_unit_test(evidence_and_what_is_young_is_refused_by_the_database_itself),
        cmocka_unit_test(doctor_and_migrate_see_to_months_too),
    };
    if (argc < 2) return 2;
    tagihd = argv[1];
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
