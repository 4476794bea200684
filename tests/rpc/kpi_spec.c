/* SPDX-License-Identifier: Apache-2.0 */
/* A month's figures on the real thing: from facts that calls and journals left, kept, adjusted, and computed again. */
#include "rpc/kpi.h"

#include <pthread.h>

#include "domain/account.h"
#include "run/clock.h"
#include "tagih/payment.h"
#include "tests/support/job.h"
#include "tests/support/teller.h"

static struct rig rig;
static struct teller teller;
static team_id north, south;
static user_id budi, citra;
static civil_date today, this_month, month; /* month: the one before this */

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    today = teller_today();
    this_month = date_month(today);
    month = date_month((civil_date){this_month.days - 1});
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void fresh_agency(void) {
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    north = rig_team(&rig, teller.agency, "north");
    south = rig_team(&rig, teller.agency, "south");
    budi = rig_user_in(&rig, teller.agency, NULL, ROLE_COLLECTOR, north);
    citra = rig_user_in(&rig, teller.agency, NULL, ROLE_COLLECTOR, south);
}

#define sql(...) rig_run(&rig, __VA_ARGS__)
#define number(...) rig_count(&rig, __VA_ARGS__)

/* Noon in Jakarta of a day of the month, from 1; 0 and below: before it. */
static instant noon(int day) {
    return (instant){((int64_t)(month.days + day - 1) * 24 + 5) * 3600 * US_PER_S};
}

/* What happened to an account, when (R-LIF-5). */
static void event(account_id account, instant at, const char *kind, int before, int after, user_id from, user_id to) {
    const char *f = uuid_is_nil(from.u) ? "" : rig_text(from.u), *t = uuid_is_nil(to.u) ? "" : rig_text(to.u);
    sql("insert into account_event (agency_id, event_id, account_id, at_us, recorded_us, kind, status_before, status_after,"
        " collector_before, collector_after) values ('%s', '%s', '%s', %lld, %lld, '%s', nullif(%d, 0), %d, nullif('%s', '')::uuid,"
        " nullif('%s', '')::uuid)", rig_text(teller.agency.u), rig_text(rig_id()), rig_text(account.u), (long long)at.us,
        (long long)at.us, kind, before, after, f, t);
}

static const user_id nobody;

/* A debt of 1 000 000 due so many days before the month begins, of an account that was held then. */
static account_id held(int due_before, user_id who) {
    struct debt debt = {.due_in = month.days - due_before - today.days, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}};
    account_id account = teller_account(&teller, who, &debt, 1);
    event(account, noon(-10), "HELD", 0, ACCOUNT_HELD, nobody, who);
    return account;
}

/* ---- taking --------------------------------------------------------------------------------------------------- */

struct hand {
    struct job job;
    civil_date month;
    struct kpi_taken taken;
    tagih_err err;
};

static void hand_open(struct hand *hand) {
    *hand = (struct hand){.month = month};
    job_open(&hand->job, &rig);
}

static tagih_err generate(struct tx *tx, void *context) {
    struct hand *hand = context;
    arena_reset(&hand->job.arena);
    return kpi_generate(tx, &hand->job.arena, hand->job.writer, hand->month, clock_now(), &hand->taken);
}

static void *run_generate(void *context) {
    struct hand *hand = context;
    struct tx_options options = {.agency = teller.agency, .deadline_us = clock_monotonic_us() + 60 * US_PER_S, .name = "kpi"};
    hand->err = tx_run(&hand->job.db, &options, generate, hand);
    return NULL;
}

/* The month's rows as they stand; valid until the next call. */
static const struct kpi_taken *take_month(civil_date of) {
    static struct hand hand;
    static bool open;
    if (open) job_close(&hand.job);
    hand_open(&hand);
    open = true;
    hand.month = of;
    run_generate(&hand);
    assert_ok(hand.err);
    return &hand.taken;
}

static const struct kpi_taken *take(void) {
    return take_month(month);
}

static const struct kpi_row *row_of(const struct kpi_taken *taken, team_id team, user_id who, int load, int bucket) {
    static const struct kpi_row none;
    for (size_t i = 0; i < taken->n; i++) {
        const struct kpi_key *key = &taken->rows[i].key;
        bool same = uuid_equal(key->team.u, team.u) && uuid_equal(key->collector.u, who.u);
        if (same && key->load_type == load && key->bucket == bucket) return &taken->rows[i];
    }
    return &none;
}

static int64_t sum_of(const struct kpi_taken *taken, int figure) {
    int64_t sum = 0;
    for (size_t i = 0; i < taken->n; i++) sum += taken->rows[i].value[figure];
    return sum;
}

static void pay(account_id account, int64_t rupiah, int day) {
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(rupiah), .value = noon(day)});
}

//= RULES.md R-KPI-2
//  Key of an account in a month = load type, bucket and collector at the later of month start and placement; it does not
//  move in the month … Assigned = balance at that instant
static void an_account_stands_under_its_key_of_the_months_beginning(void **state) {
    (void)state;
    fresh_agency();
    account_id paying = held(40, budi); /* 40 days past due on the 1st: B2; 71 at the end: B3 */
    held(5, budi);                      /* B1, at the end B2 */
    pay(paying, 300000, -3);            /* before the month: less is assigned */
    pay(paying, 200000, 10);
    const struct kpi_taken *taken = take();
    const struct kpi_row *b2 = row_of(taken, north, budi, LOAD_CONTINUATION, 2), *b1 = row_of(taken, north, budi, LOAD_CONTINUATION, 1);
    assert_int_equal(taken->n, 2);
    assert_int_equal(b2->value[KPI_ASSIGNED_ACCOUNTS], 1);
    assert_int_equal(b2->value[KPI_ASSIGNED_MINOR], MINOR(700000));
    assert_int_equal(b2->value[KPI_NET_GATEWAY_MINOR], MINOR(200000));
    assert_int_equal(kpi_rates(b2).recovery.bp, 2857); /* 2 ÷ 7 */
    assert_int_equal(b2->value[KPI_ROLLED_FORWARD], 1);
    assert_int_equal(b1->value[KPI_ASSIGNED_MINOR], MINOR(1000000));
    assert_int_equal(b1->value[KPI_ROLLED_FORWARD], 1);
    assert_int_equal(kpi_rates(b1).recovery.bp, 0);
}

//= RULES.md R-KPI-2
//  (moves are columns in/out). … recalls stay in.
//= RULES.md R-KPI-2a
//  An account's key of a month is that of its first placement in it
static void moves_are_columns_and_what_comes_in_the_month_is_new(void **state) {
    (void)state;
    fresh_agency();
    account_id moved = held(40, budi), recalled = held(40, budi), gone = held(40, budi);
    event(moved, noon(20), "REASSIGNED", ACCOUNT_HELD, ACCOUNT_HELD, budi, citra);
    event(recalled, noon(5), "RECALLED", ACCOUNT_HELD, ACCOUNT_CLOSED_RETURNED, budi, nobody);
    event(gone, noon(-2), "TAKEN_OVER", ACCOUNT_HELD, ACCOUNT_TAKEOVER, budi, nobody);
    struct debt debt = {.due_in = month.days - 40 - today.days, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}};
    account_id fresh = teller_account(&teller, citra, &debt, 1), unworked = teller_account(&teller, nobody, &debt, 1);
    event(fresh, noon(4), "HELD", 0, ACCOUNT_HELD, nobody, nobody);
    event(fresh, noon(6), "REASSIGNED", ACCOUNT_HELD, ACCOUNT_HELD, nobody, citra);
    event(unworked, noon(4), "HELD", 0, ACCOUNT_HELD, nobody, nobody);
    pay(gone, 100000, 3);
    const struct kpi_taken *taken = take();
    const struct kpi_row *old = row_of(taken, north, budi, LOAD_CONTINUATION, 2);
    assert_int_equal(old->value[KPI_ASSIGNED_ACCOUNTS], 2); /* the recalled one stays in */
    assert_int_equal(old->value[KPI_MOVED_OUT], 2);
    assert_int_equal(old->value[KPI_MOVED_IN], 0);
    assert_int_equal(row_of(taken, south, citra, LOAD_CONTINUATION, 2)->value[KPI_MOVED_IN], 1);
    assert_int_equal(row_of(taken, south, citra, LOAD_CONTINUATION, 2)->value[KPI_ASSIGNED_ACCOUNTS], 0);
    assert_int_equal(row_of(taken, south, citra, LOAD_NEW, 2)->value[KPI_ASSIGNED_ACCOUNTS], 1);
    assert_int_equal(row_of(taken, south, citra, LOAD_NEW, 2)->value[KPI_MOVED_IN], 0); /* his from the beginning */
    assert_int_equal(row_of(taken, (team_id){0}, nobody, LOAD_NEW, 2)->value[KPI_ASSIGNED_ACCOUNTS], 1);
    const struct kpi_row *rest = row_of(taken, (team_id){0}, nobody, KPI_NO_LOAD, KPI_NO_BUCKET);
    assert_int_equal(rest->value[KPI_NET_GATEWAY_MINOR], MINOR(100000)); /* of an account that nobody held: in no rate */
    assert_false(kpi_rates(rest).recovery.is);
    assert_int_equal(sum_of(taken, KPI_ASSIGNED_ACCOUNTS), 4);
}

//= RULES.md R-KPI-1
//  Immutable; a re-run gives identical bytes; late facts appear as adjustments with their cause, so "known then" and "true
//  now" can both be asked
//= RULES.md R-KPI-2
//  Late facts and reversals of an earlier month adjust *that* month's row.
static void late_facts_adjust_and_what_was_known_then_stays(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held(40, budi);
    pay(account, 100000, 3);
    payment_id wrong = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = noon(4)});
    const struct kpi_taken *first = take();
    hash256 known_then = first->version.digest;
    assert_true(first->changed);
    assert_int_equal(first->version.version, 1);
    const struct kpi_taken *again = take();
    assert_false(again->changed);
    assert_memory_equal(again->version.digest.b, known_then.b, sizeof known_then.b);
    const char *agency = rig_text(teller.agency.u);
    sql("alter table kpi_snapshot disable trigger fact; update kpi_snapshot set known_us = known_us - 120000000 where agency_id = '%s';"
        "alter table kpi_snapshot enable trigger fact", agency); /* facts of the last minute count as under way then */
    payment_id late = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(70000), .value = noon(2)});
    assert_answer(teller_reverse(&teller, wrong, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    const struct kpi_taken *second = take();
    assert_true(second->changed);
    assert_int_equal(second->version.version, 2);
    assert_int_equal(row_of(second, north, budi, LOAD_CONTINUATION, 2)->value[KPI_NET_GATEWAY_MINOR], MINOR(170000));
    assert_int_equal(number("select net_gateway_minor from kpi_row where agency_id = '%s' and version = 1 and bucket = 2", agency), MINOR(150000));
    assert_int_equal(number("select net_gateway_minor from kpi_row where agency_id = '%s' and version = 2", agency), MINOR(20000));
    assert_int_equal(number("select count(*) from kpi_cause where agency_id = '%s' and version = 2 and fact = 'payment' and fact_id = '%s'",
                            agency, rig_text(late.u)), 1);
    assert_int_equal(number("select count(*) from kpi_cause where agency_id = '%s' and version = 2 and fact = 'reversal' and fact_id = '%s'",
                            agency, rig_text(wrong.u)), 1);
    struct hand hand;
    hand_open(&hand);
    struct tx_options options = {.agency = teller.agency, .deadline_us = clock_monotonic_us() + 10 * US_PER_S, .name = "kpi"};
    struct tx tx;
    tx_begin(&tx, &hand.job.db, &options);
    struct kpi_row *rows;
    size_t n;
    assert_ok(kpi_load_rows(&tx, &hand.job.arena, month, 1, &rows, &n));
    tx_release(&tx);
    hash256 digest = kpi_digest(month, rows, n);
    assert_memory_equal(digest.b, known_then.b, sizeof digest.b);
    job_close(&hand.job);
    assert_int_equal(number("select count(*) from posting where agency_id = '%s' and kind = 91", agency), 2);
    assert_int_equal(number("select count(*) from kpi_snapshot k join posting p using (agency_id, posting_id) where agency_id = '%s'", agency), 2);
}

//= RULES.md R-KPI-1
//  Immutable
static void two_at_once_make_one_snapshot(void **state) {
    (void)state;
    fresh_agency();
    pay(held(40, budi), 100000, 3);
    struct hand hands[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) hand_open(&hands[i]);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, run_generate, &hands[i]);
    int changed = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_ok(hands[i].err);
        changed += hands[i].taken.changed;
        assert_memory_equal(hands[i].taken.version.digest.b, hands[0].taken.version.digest.b, 32);
        assert_int_equal(hands[i].job.db.stats.deadlocks, 0);
        job_close(&hands[i].job);
    }
    assert_int_equal(changed, 1);
    assert_int_equal(number("select count(*) from kpi_snapshot where agency_id = '%s'", rig_text(teller.agency.u)), 1);
}

/* ---- against what the books say ------------------------------------------------------------------------------- */

static int64_t state_sum(const char *what) {
    return number("select coalesce(sum(%s), 0) from account_state where agency_id = '%s' and status = 3", what, rig_text(teller.agency.u));
}

//= RULES.md R-KPI-2b
//  Balance on a day = the newest snapshot before it, less what unreversed payments valued before it cover
static void what_is_assigned_is_what_the_accounts_say(void **state) {
    (void)state;
    fresh_agency();
    uint64_t chance = 77;
    payment_id paid[60];
    account_id accounts[12];
    for (size_t i = 0; i < COUNT_OF(accounts); i++) {
        struct debt debts[3];
        for (int k = 0; k < 3; k++) {
            debts[k] = (struct debt){.due_in = -150 + 35 * k - (int)random_below(&chance, 30)};
            for (int c = 0; c < COMPONENT_COUNT; c++) debts[k].due_minor[c] = MINOR(1000 + (int64_t)random_below(&chance, 90000));
        }
        accounts[i] = teller_account(&teller, budi, debts, 3);
    }
    for (size_t i = 0; i < COUNT_OF(paid); i++) { /* in any order, back and forth */
        account_id account = accounts[random_below(&chance, COUNT_OF(accounts))];
        paid[i] = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(500 + (int64_t)random_below(&chance, 60000)),
                                                               .value = teller_noon(-(int)random_below(&chance, 40))});
    }
    for (size_t i = 0; i < COUNT_OF(paid); i += 5) {
        assert_answer(teller_reverse(&teller, paid[i], TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    }
    /* The next month's beginning lies behind every fact: what is assigned then is what is open now. */
    civil_date next = date_month((civil_date){this_month.days + 31});
    const struct kpi_taken *taken = take_month(next);
    assert_int_equal(sum_of(taken, KPI_ASSIGNED_ACCOUNTS), COUNT_OF(accounts));
    assert_int_equal(sum_of(taken, KPI_ASSIGNED_MINOR), state_sum("fees_minor + penalty_minor + interest_minor + principal_minor"));
    for (int bucket = 0; bucket < 8; bucket++) {
        int64_t accounts_in = 0;
        for (size_t i = 0; i < taken->n; i++) {
            if (taken->rows[i].key.bucket == bucket) accounts_in += taken->rows[i].value[KPI_ASSIGNED_ACCOUNTS];
        }
        char text[DATE_TEXT_SIZE];
        date_format(next, text);
        assert_int_equal(accounts_in, number("select count(*) from (select width_bucket(coalesce(max(date '%s' - i.due_on) filter (where "
            "i.interest_minor + i.principal_minor > 0), 0), '{1,31,61,91,121,151,181}'::int[]) as b from instalment_state i "
            "where i.agency_id = '%s' group by i.account_id) x where b = %d", text, rig_text(teller.agency.u), bucket));
    }
    int64_t net = sum_of(take_month(this_month), KPI_NET_GATEWAY_MINOR) + sum_of(take_month(month), KPI_NET_GATEWAY_MINOR) +
                  sum_of(take_month(date_month((civil_date){month.days - 1})), KPI_NET_GATEWAY_MINOR);
    assert_int_equal(net, state_sum("debt_allocated_minor"));
}

/* ---- what is counted ------------------------------------------------------------------------------------------ */

//= RULES.md R-KPI-1
//  visits planned/done, contact rate, check-in verdicts
static void visits_and_check_ins_count_in_their_month(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held(40, budi);
    static const struct {
        int state, outcome, day;
        bool counts;
    } visits[] = {{3, 1, 2, true}, {3, 5, 3, true}, {4, 0, 4, true}, {3, 1, -1, false}};
    char day[DATE_TEXT_SIZE];
    for (size_t i = 0; i < COUNT_OF(visits); i++) {
        visit_id visit = rig_visit(&rig, teller.agency, account, budi);
        date_format((civil_date){month.days + visits[i].day - 1}, day);
        sql("alter table visit disable trigger fact; update visit set planned_on = '%s' where visit_id = '%s'; alter table visit enable trigger fact;"
            "update visit_state set planned_on = '%s', state = %d, outcome = nullif(%d, 0), live = false where visit_id = '%s'",
            day, rig_text(visit.u), day, visits[i].state, visits[i].outcome, rig_text(visit.u));
        sql("insert into check_in (agency_id, check_in_id, visit_id, account_id, collector_id, received_us, device_us, value_us, mono_us,"
            " boot_id, has_fix, lat_e7, lon_e7, accuracy_mm, fix_us, mock, distance_mm, sigma_mm, p_ppm, radius_mm, verdict, reasons, score,"
            " score_class, weight_set, signals, flags, digest) values ('%s', '%s', '%s', '%s', '%s', 1, 1, %lld, 1, '', true, 0, 0,"
            " 1, 1, false, 1, 1, 1, 1, %d, 0, 0, 0, 1, '', 0, '')", rig_text(teller.agency.u), rig_text(rig_id()), rig_text(visit.u),
            rig_text(account.u), rig_text(budi.u), (long long)noon(visits[i].day).us, (int)i % 4);
    }
    const struct kpi_row *row = row_of(take(), north, budi, LOAD_CONTINUATION, 2);
    assert_int_equal(row->value[KPI_VISITS_PLANNED], 3);
    assert_int_equal(row->value[KPI_VISITS_DONE], 2);
    assert_int_equal(row->value[KPI_VISITS_CONTACT], 1);
    assert_int_equal(kpi_rates(row).contact.bp, 5000);
    assert_int_equal(row->value[KPI_CHECKINS_UNKNOWN], 1);
    assert_int_equal(row->value[KPI_CHECKINS_INSIDE], 1);
    assert_int_equal(row->value[KPI_CHECKINS_OUTSIDE], 1);
    assert_int_equal(row->value[KPI_CHECKINS_UNSURE], 0);
}

//= RULES.md R-KPI-2
//  Net collected = Σ debt-allocated of unreversed payments with value date in the month, all tags, a column each.
static void a_retag_moves_net_to_the_other_tags_column(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held(40, budi);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = noon(3)});
    for (int n = 1; n <= 2; n++) { /* the newest row's tag is the payment's */
        sql("insert into payment_retag (agency_id, payment_id, n, posting_id, tag_before, tag, at_us, made_by, decided_by, reason) values"
            " ('%s', '%s', %d, '%s', 4, %d, 1, '%s', '%s', '')", rig_text(teller.agency.u), rig_text(payment.u), n, rig_text(rig_id()),
            n == 1 ? TAG_ENFORCEMENT : TAG_LAWYER, rig_text(budi.u), rig_text(citra.u));
    }
    const struct kpi_row *row = row_of(take(), north, budi, LOAD_CONTINUATION, 2);
    assert_int_equal(row->value[KPI_NET_LAWYER_MINOR], MINOR(100000));
    assert_int_equal(kpi_rates(row).net_minor, MINOR(100000));
}

//= RULES.md R-KPI-1
//  promises made/kept
static void promises_count_when_made_and_when_their_grace_ends(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held(40, budi);
    static const struct {
        int made, due, state;
    } promises[] = {{2, 5, 2}, {3, 6, 3}, {4, 7, 4}, {5, 60, 1}, {-9, 1, 2}};
    for (size_t i = 0; i < COUNT_OF(promises); i++) {
        promise_id id = rig_promise(&rig, teller.agency, account, &(struct rig_promise){.due_on = {month.days + promises[i].due - 1},
                                    .made = noon(promises[i].made), .received = noon(promises[i].made)});
        sql("update promise_state set state = %d where promise_id = '%s'", promises[i].state, rig_text(id.u));
    }
    const struct kpi_row *row = row_of(take(), north, budi, LOAD_CONTINUATION, 2);
    assert_int_equal(row->value[KPI_PROMISES_MADE], 4);
    assert_int_equal(row->value[KPI_PROMISES_KEPT], 2);
    assert_int_equal(row->value[KPI_PROMISES_PARTIAL], 1);
    assert_int_equal(row->value[KPI_PROMISES_BROKEN], 1);
    assert_int_equal(kpi_rates(row).kept.bp, 5000);
}

//= RULES.md R-KPI-2c
//  Cash aged = cash held at the month's end less what was taken on its last working day (Monday to Friday) or later
static void cash_taken_on_the_last_working_day_is_not_aged_yet(void **state) {
    (void)state;
    fresh_agency();
    civil_date last = {this_month.days - 1};
    int weekday = (int)(((last.days + 3) % 7 + 7) % 7); /* 0: Monday; 1970-01-01 was a Thursday */
    if (weekday > 4) last.days -= weekday - 4;
    static const int64_t taken[] = {500, 300, 100};
    for (int i = 0; i < 3; i++) { /* long before, on the last working day, and handed in */
        char on[DATE_TEXT_SIZE];
        uuid posting = rig_id();
        date_format(i == 0 ? (civil_date){month.days + 1} : last, on);
        sql("insert into posting (agency_id, posting_id, kind, trigger_id, value_on, posting_on, at_us, writer_id, writer_n, digest)"
            " values ('%s', '%s', %d, '%s', '%s', '%s', 1, 1, %d, ''); insert into ledger_line (agency_id, posting_id, line_no,"
            " ledger_account, owner_id, currency, amount_minor) values ('%s', '%s', 1, 5, '%s', 'IDR', %lld)",
            rig_text(teller.agency.u), rig_text(posting), i == 2 ? 50 : 1, rig_text(posting), on, on, i + 1,
            rig_text(teller.agency.u), rig_text(posting), rig_text(budi.u), (long long)(i == 2 ? -taken[i] : taken[i]));
        if (i < 2) continue;
        sql("insert into ledger_line (agency_id, posting_id, line_no, ledger_account, owner_id, currency, amount_minor)"
            " values ('%s', '%s', 2, 12, '%s', 'IDR', 40)", rig_text(teller.agency.u), rig_text(posting), rig_text(budi.u));
    }
    const struct kpi_row *row = row_of(take(), north, budi, KPI_NO_LOAD, KPI_NO_BUCKET);
    assert_int_equal(row->value[KPI_CASH_AGED_MINOR], 400);
    assert_int_equal(row->value[KPI_CASH_SHORT_MINOR], 40);
}

//= RULES.md R-KPI-1
//  bonus
static void the_months_bonus_is_that_of_its_lines(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held(40, budi);
    pay(account, 100000, 3);
    payment_id of = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(200000), .value = noon(5)});
    assert_answer(teller_reverse(&teller, of, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    const struct kpi_row *row = row_of(take(), north, budi, LOAD_CONTINUATION, 2);
    char first[DATE_TEXT_SIZE];
    date_format(month, first);
    assert_int_equal(row->value[KPI_BONUS_MINOR], number("select coalesce(sum(amount_minor), 0) from bonus_line where collector_id = '%s' and "
                                                         "month_on = '%s'", rig_text(budi.u), first));
    assert_int_equal(row->value[KPI_NET_GATEWAY_MINOR], MINOR(100000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_stands_under_its_key_of_the_months_beginning),
        cmocka_unit_test(moves_are_columns_and_what_comes_in_the_month_is_new),
        cmocka_unit_test(late_facts_adjust_and_what_was_known_then_stays),
        cmocka_unit_test(two_at_once_make_one_snapshot),
        cmocka_unit_test(what_is_assigned_is_what_the_accounts_say),
        cmocka_unit_test(visits_and_check_ins_count_in_their_month),
        cmocka_unit_test(a_retag_moves_net_to_the_other_tags_column),
        cmocka_unit_test(promises_count_when_made_and_when_their_grace_ends),
        cmocka_unit_test(cash_taken_on_the_last_working_day_is_not_aged_yet),
        cmocka_unit_test(the_months_bonus_is_that_of_its_lines),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
