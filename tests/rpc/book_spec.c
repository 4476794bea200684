/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book from the inside: charges, waivers and refunds of accounts, moves with lines of their maker, closed months,
 * and rows of facts under a posting's digest. What services post through it is in their own specs.
 */
#include "server/book/posting.h"
#include "server/run/clock.h"
#include "server/run/random.h"
#include "server/store/migrate.h"
#include "store_statements.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"

static struct rig rig;
static struct teller teller;
static user_id collector, other;
static struct db db;
static uint8_t memory[4 << 20];
static struct arena arena;
static const currency IDR = {"IDR"};

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    other = rig_user(&rig, teller.agency, "dewi", ROLE_COLLECTOR);
    struct db_options options = {.conninfo = rig.app_conninfo, .worker = "book", .statements = &store_statements,
                                 .schema_version = migrate_version(&migrations_embedded)};
    assert_ok(db_open(&db, &options));
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    db_release(&db);
    rig_close(&rig);
    return 0;
}

/* ---- one post, as a handler makes it ------------------------------------------------------------------------- */

struct trial {
    struct post *post;
    void (*build)(struct trial *trial, struct book *book);
    struct book book;
};

static tagih_err run_body(struct tx *tx, void *context) {
    struct trial *trial = context;
    arena_init(&arena, memory, sizeof memory);
    TRY(book_begin(&trial->book, tx, &arena, teller.agency, 7001, clock_now(), trial->post, 1, 0));
    TRY(book_send_lock(&trial->book));
    TRY(book_send_load(&trial->book));
    TRY(tx_sync(tx));
    book_take_lock(&trial->book);
    TRY(book_take_load(&trial->book));
    if (trial->build) trial->build(trial, &trial->book);
    TRY(book_decide(&trial->book));
    return book_save(&trial->book);
}

static tagih_err run(struct post *post, void (*build)(struct trial *, struct book *)) {
    struct trial trial = {.post = post, .build = build};
    struct tx_options options = {.agency = teller.agency, .deadline_us = clock_monotonic_us() + 10 * US_PER_S, .name = "book"};
    return tx_run(&db, &options, run_body, &trial);
}

static struct post fact_of(account_id account, enum fact_kind kind, int64_t amount_minor, enum component component) {
    return (struct post){.what = POST_FACT, .id = random_id(), .account = account, .fact = kind, .amount_minor = amount_minor,
                         .currency = IDR, .value = clock_now(), .received = clock_now(), .instalment_no = 1,
                         .component = component, .note = bytes_text("as the creditor says")};
}

static int64_t line_of(uuid posting, enum ledger_account account) {
    char sql[256];
    snprintf(sql, sizeof sql, "select coalesce(sum(amount_minor), 0) from ledger_line where posting_id = '%s' and ledger_account = %d",
             rig_text(posting), (int)account);
    return pg_number(&rig.pg, sql);
}

static int64_t lines_of(uuid posting) {
    return teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", posting);
}

/* ---- facts of accounts ---------------------------------------------------------------------------------------- */

//= RULES.md R-ACC-4
//  dues, interest and penalty change only by creditor facts, waivers and payments
static void a_charge_of_the_creditor_is_owed_to_him(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct post charge = fact_of(account, FACT_CHARGE, MINOR(50000), COMPONENT_FEES);
    assert_ok(run(&charge, NULL));
    assert_int_equal(charge.outcome, POST_DONE);
    // J32: receivable fees 50 000 · creditor control 50 000
    assert_int_equal(line_of(charge.id, LEDGER_RECEIVABLE_FEES), MINOR(50000));
    assert_int_equal(line_of(charge.id, LEDGER_CREDITOR_CONTROL), -MINOR(50000));
    assert_int_equal(lines_of(charge.id), 2);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4050000));
}

static void a_waiver_takes_debt_off_and_taken_back_it_is_as_though_it_never_was(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct post waiver = fact_of(account, FACT_WAIVER, MINOR(60000), COMPONENT_PENALTY);
    assert_ok(run(&waiver, NULL));
    // J29: waiver 60 000 · receivable 60 000
    assert_int_equal(line_of(waiver.id, LEDGER_WAIVER), MINOR(60000));
    assert_int_equal(line_of(waiver.id, LEDGER_RECEIVABLE_PENALTY), -MINOR(60000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3940000));
    struct post back = fact_of(account, FACT_WAIVER, MINOR(60000), COMPONENT_PENALTY);
    back.withdraw = true;
    back.withdrawn = waiver.id;
    assert_ok(run(&back, NULL));
    assert_int_equal(line_of(back.id, LEDGER_WAIVER), -MINOR(60000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
    struct post again = back;
    again.id = random_id();
    assert_ok(run(&again, NULL));
    assert_int_equal(again.outcome, POST_NOT_FOUND);
    assert_int_equal(lines_of(again.id), 0);
}

static void a_payment_after_a_charge_pays_it_in_the_account_s_order(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct post charge = fact_of(account, FACT_CHARGE, MINOR(50000), COMPONENT_FEES);
    charge.value = teller_noon(-3);
    assert_ok(run(&charge, NULL));
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000)});
    assert_int_equal(teller_line(&teller, payment, POSTING_OF_PAYMENT, LEDGER_RECEIVABLE_FEES), -MINOR(90000));
    assert_int_equal(teller_line(&teller, payment, POSTING_OF_PAYMENT, LEDGER_RECEIVABLE_PENALTY), -MINOR(10000));
}

static void a_charge_of_an_instalment_that_is_not_there_writes_nothing(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct post charge = fact_of(account, FACT_CHARGE, MINOR(50000), COMPONENT_FEES);
    charge.instalment_no = 99;
    assert_ok(run(&charge, NULL));
    assert_int_equal(charge.outcome, POST_NOT_FOUND);
    assert_int_equal(lines_of(charge.id), 0);
    assert_int_equal(teller_number(&teller, "select count(*) from posting where posting_id = '%s'", charge.id), 0);
}

//= RULES.md R-IMP-3a
//  if the schedule no longer has that number, on the instalment that is due last
static void a_charge_outlives_the_schedule_that_it_was_made_under(void **state) {
    (void)state;
    const struct debt two[2] = {{.due_in = -30, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(100000)}},
                                {.due_in = -10, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(200000)}}};
    account_id account = teller_account(&teller, collector, two, 2);
    struct post charge = fact_of(account, FACT_CHARGE, MINOR(7000), COMPONENT_FEES);
    charge.instalment_no = 2;
    assert_ok(run(&charge, NULL));
    teller_snapshot(&teller, account, -1, two, 1);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(107000));
    assert_int_equal(teller_number(&teller, "select fees_minor from instalment_state where account_id = '%s' and instalment_no = 1", account.u),
                     MINOR(7000));
}

static void shift_snapshot(account_id account, long long by_us) {
    const char *of = rig_text(account.u);
    rig_run(&rig,
            "set session_replication_role = replica;"
            " update instalment set received_us = received_us + %1$lld where account_id = '%2$s';"
            " update snapshot set received_us = received_us + %1$lld where account_id = '%2$s';"
            " update account_state set snapshot_us = snapshot_us + %1$lld where account_id = '%2$s';"
            " set session_replication_role = origin",
            by_us, of);
}

//= RULES.md R-IMP-3b
//  What comes after a snapshot stands on top of it, whatever happened to the server's clock in between
static void money_that_came_after_a_snapshot_stays_when_the_clock_was_set_back_in_between(void **state) {
    (void)state;
    const long long ahead_us = 3600 * US_PER_S; /* the clock of the import */
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    teller_snapshot(&teller, account, -1, &debt_j1, 1);
    shift_snapshot(account, ahead_us);
    teller_paid(&teller, account,
                &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(-3)}); /* before its as-of date */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3900000));
    teller_paid(&teller, account,
                &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-4)}); /* replays the other */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3850000));
    struct post charge = fact_of(account, FACT_CHARGE, MINOR(1000), COMPONENT_FEES);
    charge.value = teller_noon(-5);
    assert_ok(run(&charge, NULL));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3851000));
    shift_snapshot(account, -ahead_us);
}

static void a_snapshot_replaces_the_one_before_it_when_the_clock_was_set_back_in_between(void **state) {
    (void)state;
    const long long ahead_us = 3600 * US_PER_S;
    const struct debt less = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(2000000)}};
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    teller_snapshot(&teller, account, -1, &debt_j1, 1);
    rig_run(&rig, "update account_state set snapshot_us = snapshot_us + %lld where account_id = '%s'", ahead_us,
            rig_text(account.u));
    teller_snapshot(&teller, account, -1, &less, 1);
    assert_int_equal(teller_number(&teller,
                                   "select count(*) from account_state s where account_id = '%s' and snapshot_us ="
                                   " (select max(received_us) from snapshot n where n.account_id = s.account_id)",
                                   account.u),
                     1);
    long long later =
        teller_number(&teller,
                      "select (max(received_us) - min(received_us)) / 1000000 from snapshot where account_id = '%s'"
                      " and as_of_on > current_date - 30",
                      account.u);
    assert_true(later >= 3600);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(-3)});
    assert_int_equal(teller_open_minor(&teller, account), MINOR(1900000));
}

/* ---- moves ---------------------------------------------------------------------------------------------------- */

static void build_handover(struct trial *trial, struct book *book) {
    struct post *post = trial->post;
    assert_non_null(book_collector(book, collector, IDR));
    assert_non_null(book_collector(book, other, IDR));
    book_move_begin(post);
    ledger_move(&post->ledger, (struct ledger_side){LEDGER_COLLECTOR_RECEIVABLE, post->other.u},
                (struct ledger_side){LEDGER_COLLECTOR_RECEIVABLE, post->collector.u}, MINOR(500000));
}

static void a_move_brings_its_own_lines_and_balances_follow_them(void **state) {
    (void)state;
    struct post move = {.what = POST_MOVE, .kind = POSTING_OF_INCIDENT, .id = random_id(), .currency = IDR,
                        .value = clock_now(), .received = clock_now(), .collector = collector, .other = other};
    assert_ok(run(&move, build_handover));
    assert_int_equal(move.outcome, POST_DONE);
    assert_int_equal(lines_of(move.id), 2);
    assert_int_equal(teller_number(&teller, "select collector_receivable_minor from collector_state where collector_id = '%s'", other.u),
                     MINOR(500000));
    assert_int_equal(teller_number(&teller, "select collector_receivable_minor from collector_state where collector_id = '%s'", collector.u),
                     -MINOR(500000));
}

static void build_unbalanced(struct trial *trial, struct book *book) {
    (void)book;
    book_move_begin(trial->post);
    ledger_add(&trial->post->ledger, LEDGER_SIDE(BANK), MINOR(1));
}

static void lines_that_do_not_balance_never_reach_the_ledger(void **state) {
    (void)state;
    struct post move = {.what = POST_MOVE, .kind = POSTING_OF_BANK_LINE, .id = random_id(), .currency = IDR,
                        .value = clock_now(), .received = clock_now()};
    assert_fails(run(&move, build_unbalanced), LEDGER_UNBALANCED);
    assert_int_equal(lines_of(move.id), 0);
}

/* ---- closed months -------------------------------------------------------------------------------------------- */

//= RULES.md R-ALL-7
//  A posting has a value date and a posting date
static void money_valued_in_a_closed_month_is_booked_today(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct post open = fact_of(account, FACT_CHARGE, MINOR(1000), COMPONENT_FEES);
    open.value = teller_noon(-40);
    assert_ok(run(&open, NULL));
    assert_int_equal(teller_number(&teller, "select (value_on = posting_on)::int from posting where posting_id = '%s'", open.id), 1);
    char sql[512];
    snprintf(sql, sizeof sql, "insert into month_close (agency_id, month_on, posting_id, closed_us, digest) values ('%s',"
             " date_trunc('month', (now() at time zone 'Asia/Jakarta') - interval '1 month')::date, gen_random_uuid(), 0, '')",
             rig_text(teller.agency.u));
    pg_exec(&rig.pg, sql);
    struct post late = fact_of(account, FACT_CHARGE, MINOR(1000), COMPONENT_FEES);
    late.value = teller_noon(-40);
    assert_ok(run(&late, NULL));
    assert_int_equal(teller_number(&teller, "select (posting_on = (now() at time zone 'Asia/Jakarta')::date and value_on < posting_on)::int"
                                            " from posting where posting_id = '%s'", late.id), 1);
}

/* ---- rows of facts -------------------------------------------------------------------------------------------- */

static const struct statement *statement_named(const char *name) {
    for (size_t i = 0; i < store_statements.count; i++) {
        if (strcmp(store_statements.rows[i].name, name) == 0) return &store_statements.rows[i];
    }
    return NULL;
}

static void what_a_fact_s_insert_writes_is_what_its_verify_reads_column_by_column(void **state) {
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < store_statements.count; i++) {
        const struct statement *verify = &store_statements.rows[i];
        size_t len = strlen(verify->name);
        if (len < 8 || strcmp(verify->name + len - 7, "_verify") != 0) continue;
        char name[128];
        snprintf(name, sizeof name, "%.*s_insert", (int)(len - 7), verify->name);
        const struct statement *insert = statement_named(name);
        if (!insert) fail_msg("%s has no %s", verify->name, name);
        if (insert->n_in != verify->n_out + 1) fail_msg("%s and %s have other columns", insert->name, verify->name);
        for (size_t c = 0; c < verify->n_out; c++) {
            const struct sql_column *in = &insert->in[c + 1], *out = &verify->out[c];
            if (strcmp(in->name, out->name) != 0 || in->type != out->type) {
                fail_msg("%s writes %s where %s reads %s", insert->name, in->name, verify->name, out->name);
            }
        }
        n++;
    }
    assert_true(n >= 2);
}

static hash256 digest_of(void (*rows)(struct posting_digest *, void *), void *context) {
    struct posting_digest d;
    hash256 start = {{0}};
    posting_begin(&d, &start);
    rows(&d, context);
    return posting_end(&d);
}

static void digest_insert(struct posting_digest *d, void *context) {
    fact_digest(d, context);
}

static void digest_rows(struct posting_digest *d, void *context) {
    const struct result *r = context;
    for (size_t i = 0; i < result_count(r); i++) fact_digest_result(d, r, i);
}

struct reading {
    struct post *post;
    hash256 digest;
};

static tagih_err read_back(struct tx *tx, void *context) {
    struct reading *reading = context;
    arena_init(&arena, memory, sizeof memory);
    struct params p;
    tx_params(&p, tx, &arena, STMT_account_fact_verify, 1);
    params_uuid(&p, &reading->post->id, sizeof(uuid));
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    assert_int_equal(result_count(&r), 1);
    reading->digest = digest_of(digest_rows, &r);
    return TAGIH_OK;
}

static tagih_err encode_again(struct tx *tx, void *context) {
    struct reading *reading = context;
    struct post *post = reading->post;
    arena_init(&arena, memory, sizeof memory);
    struct params p;
    struct account_fact_row row = {.posting = post->id, .account = post->account, .fact = book__fact_of(post),
                                   .currency = bytes_text("IDR"), .reason = post->note, .received = post->received};
    posting_account_fact(&p, tx, &arena, &row);
    reading->digest = digest_of(digest_insert, &p);
    return TAGIH_OK;
}

static void a_fact_row_has_the_same_digest_when_it_is_written_and_when_it_is_read(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct post charge = fact_of(account, FACT_CHARGE, MINOR(50000), COMPONENT_FEES);
    assert_ok(run(&charge, NULL));
    struct reading written = {.post = &charge}, read = {.post = &charge};
    struct tx_options options = {.agency = teller.agency, .deadline_us = clock_monotonic_us() + 10 * US_PER_S, .name = "book"};
    assert_ok(tx_run(&db, &options, encode_again, &written));
    assert_ok(tx_run(&db, &options, read_back, &read));
    assert_memory_equal(written.digest.b, read.digest.b, sizeof read.digest.b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_charge_of_the_creditor_is_owed_to_him),
        cmocka_unit_test(a_waiver_takes_debt_off_and_taken_back_it_is_as_though_it_never_was),
        cmocka_unit_test(a_payment_after_a_charge_pays_it_in_the_account_s_order),
        cmocka_unit_test(a_charge_of_an_instalment_that_is_not_there_writes_nothing),
        cmocka_unit_test(a_charge_outlives_the_schedule_that_it_was_made_under),
        cmocka_unit_test(money_that_came_after_a_snapshot_stays_when_the_clock_was_set_back_in_between),
        cmocka_unit_test(a_snapshot_replaces_the_one_before_it_when_the_clock_was_set_back_in_between),
        cmocka_unit_test(a_move_brings_its_own_lines_and_balances_follow_them),
        cmocka_unit_test(lines_that_do_not_balance_never_reach_the_ledger),
        cmocka_unit_test(what_a_fact_s_insert_writes_is_what_its_verify_reads_column_by_column),
        cmocka_unit_test(a_fact_row_has_the_same_digest_when_it_is_written_and_when_it_is_read),
        cmocka_unit_test(money_valued_in_a_closed_month_is_booked_today),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
