/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Months that close, from the outside: receipts of a month that is over, the close by two people, and what comes after
 * it. Each test has an agency of its own, because months close in order and once.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/book/posting.h"
#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/months.h"
#include "tests/support/teller.h"
#include "tests/support/writer.h"

static struct rig rig;
static const char *tagihd;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* An agency, a collector and a phone that was certified before the month began. */
struct scene {
    struct teller teller;
    user_id collector, second;
    struct writer writer;
};

static void scene_open(struct scene *scene, const char *name) {
    teller_open(&scene->teller, &rig, rig_agency(&rig, name));
    scene->collector = rig_user(&rig, scene->teller.agency, NULL, ROLE_COLLECTOR);
    scene->second = rig_user(&rig, scene->teller.agency, NULL, ROLE_SUPERVISOR);
    struct rig_phone phone = rig_phone_since(&rig, scene->teller.agency, scene->collector, teller_noon(-75));
    writer_begin(&scene->writer, &rig, &phone);
    scene->writer.at = teller_noon(months_near_end(8));
}

static void set_target(struct scene *scene, int version, int64_t rupiah) {
    char sql[600], first[DATE_TEXT_SIZE];
    date_format(months_closable(), first);
    snprintf(sql, sizeof sql,
             "insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, made_by, approved_by, at_us)"
             " values ('%s', '%s', '%s', %d, %lld, 'IDR', '%s', '%s', 1)",
             rig_text(scene->teller.agency.u), rig_text(scene->collector.u), first, version, (long long)MINOR(rupiah),
             rig_text(scene->teller.supervisor.u), rig_text(scene->teller.admin.u));
    pg_exec(&rig.pg, sql);
}

static payment_id receive(struct scene *scene, account_id account, int64_t rupiah) {
    struct journal_entry receipt = writer_receipt(&scene->writer, account, MINOR(rupiah));
    size_t at = writer_sign(&scene->writer, &receipt);
    assert_answer(writer_push_range(&scene->writer, at, at), OK);
    return (payment_id){scene->writer.entries[at].id.u};
}

/* A receipt of the month on a new account in a bucket: as old as that at the month's beginning. */
static payment_id receive_in(struct scene *scene, enum bucket bucket, int64_t rupiah) {
    static const int days[] = {[BUCKET_B0] = 0, [BUCKET_B1] = 10, [BUCKET_B2] = 40, [BUCKET_B3] = 70};
    struct debt debt = {.due_in = months_before_start(days[bucket]), .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
    return receive(scene, teller_account(&scene->teller, scene->collector, &debt, 1), rupiah);
}

/* ---- closing -------------------------------------------------------------------------------------------------- */

static struct rig_answer propose_close(struct scene *scene, user_id maker, const char *month) {
    return months_propose(&scene->teller, maker, month);
}

static struct rig_answer decide(struct scene *scene, user_id by, const char *proposal_id) {
    return months_decide(&scene->teller, by, proposal_id);
}

static const char *proposed(struct scene *scene, user_id maker, civil_date month) {
    struct rig_answer answer = propose_close(scene, maker, months_text(month));
    assert_answer(answer, OK);
    return ((const Tagih__V1__ProposeCloseResponse *)answer.response)->proposal_id;
}

static void close_before(struct scene *scene) {
    months_close_before(&scene->teller, scene->second, months_closable());
}

static void close_month(struct scene *scene) {
    close_before(scene);
    months_close(&scene->teller, scene->second, months_closable());
}

/* ---- looking -------------------------------------------------------------------------------------------------- */

static int64_t number(struct scene *scene, const char *sql, uuid id) {
    return teller_number(&scene->teller, sql, id);
}

static int64_t agency_number(struct scene *scene, const char *sql) {
    return teller_number(&scene->teller, sql, scene->teller.agency.u);
}

/* What the collector's TRUE_UP of the month moved on a ledger account. */
static int64_t true_up_line(struct scene *scene, enum ledger_account account) {
    char sql[400];
    snprintf(sql, sizeof sql, "select coalesce(sum(l.amount_minor), 0)::int8 from ledger_line l join bonus_line b using (agency_id, posting_id)"
                              " where b.collector_id = '%%s' and b.kind = 5 and l.ledger_account = %d", (int)account);
    return number(scene, sql, scene->collector.u);
}

static const Tagih__V1__ExplainBonusResponse *explain(struct scene *scene, payment_id payment, const char *month) {
    Tagih__V1__ExplainBonusRequest request = TAGIH__V1__EXPLAIN_BONUS_REQUEST__INIT;
    if (!month) request.payment_id = TEXT(rig_text(payment.u));
    else request.month = TEXT(month);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, scene->teller.agency, scene->collector, 0),
                                        "BonusService/ExplainBonus", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static const Tagih__V1__BonusLine *true_up(struct scene *scene) {
    const Tagih__V1__ExplainBonusResponse *month = explain(scene, (payment_id){{{0}}}, months_text(months_closable()));
    assert_int_equal(month->n_lines, 1);
    return month->lines[0];
}

static int64_t of_line(struct scene *scene, payment_id payment, int line_no, const char *column) {
    char sql[300];
    snprintf(sql, sizeof sql, "select (%s)::int8 from bonus_line where payment_id = '%%s' and line_no = %d", column, line_no);
    return number(scene, sql, payment.u);
}

/* ---- TRUE_UP -------------------------------------------------------------------------------------------------- */

//= RULES.md R-BON-7
//  One TRUE_UP line = Σ part_i, storing every part_i
//= RULES.md R-CLS-1
//  One transaction under the agency's close lock: TRUE_UP, LOCKED, KPI snapshot with digest, period closed.
static void a_month_that_rose_is_paid_up(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Rose");
    set_target(&s, 1, 80000000);
    payment_id first = receive_in(&s, BUCKET_B1, 24000000);
    receive_in(&s, BUCKET_B1, 2000000);
    receive_in(&s, BUCKET_B2, 20000000);
    receive_in(&s, BUCKET_B1, 40000000);
    assert_int_equal(of_line(&s, first, 1, "amount_minor"), MINOR(648000));
    close_month(&s);
    // J16: bonus expense 837 000 · bonus payable 837 000
    assert_int_equal(true_up_line(&s, LEDGER_BONUS_EXPENSE), MINOR(837000));
    assert_int_equal(true_up_line(&s, LEDGER_BONUS_PAYABLE), -MINOR(837000));
    const Tagih__V1__BonusLine *line = true_up(&s);
    assert_string_equal(line->kind, "TRUE_UP");
    assert_int_equal(line->amount->minor, MINOR(837000));
    assert_true(line->same);
    const Tagih__V1__ExplainBonusResponse *payment = explain(&s, first, NULL);
    assert_int_equal(payment->n_parts, 1);
    assert_int_equal(payment->parts[0]->written->minor, MINOR(648000));
    assert_int_equal(payment->parts[0]->final->minor, MINOR(871200)); /* 3 % x 1.1 x 1.1 */
    assert_string_equal(payment->parts[0]->line_id, line->line_id);
    assert_int_equal(number(&s, "select sum(final_minor - written_minor)::int8 from bonus_part where collector_id = '%s'", s.collector.u),
                     MINOR(837000));
    // its figures are kept with it
    assert_int_equal(agency_number(&s, "select count(*) from kpi_snapshot k join month_close c using (agency_id, month_on, posting_id)"
                                       " where agency_id = '%s'"), agency_number(&s, "select count(*) from month_close where agency_id = '%s'"));
    assert_true(agency_number(&s, "select count(*) from kpi_row where agency_id = '%s' and bonus_minor > 0") > 0);
    // it belongs to the month that it closes
    char sql[200], last[DATE_TEXT_SIZE];
    date_format(month_last(months_closable()), last);
    snprintf(sql, sizeof sql, "select count(*) from posting where agency_id = '%%s' and kind in (80, 90) and posting_on = '%s'", last);
    assert_int_equal(agency_number(&s, sql), 2);
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

//= RULES.md R-BON-7
//  it **may be negative**
static void a_month_that_fell_pays_back(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Fell");
    set_target(&s, 1, 80000000);
    payment_id first = receive_in(&s, BUCKET_B1, 40000000);
    receive_in(&s, BUCKET_B1, 12000000);
    receive_in(&s, BUCKET_B3, 15000000);
    receive_in(&s, BUCKET_B3, 12000000);
    receive_in(&s, BUCKET_B1, 5000000);
    assert_answer(teller_reverse(&s.teller, first, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_VOID), OK);
    close_month(&s);
    // J16: bonus payable 198 750 · bonus expense 198 750
    assert_int_equal(true_up_line(&s, LEDGER_BONUS_EXPENSE), -MINOR(198750));
    assert_int_equal(true_up_line(&s, LEDGER_BONUS_PAYABLE), MINOR(198750));
    assert_true(true_up(&s)->same);
    assert_int_equal(explain(&s, first, NULL)->n_parts, 0);
    // somebody with the database's own password changes a part: the line no longer comes out
    pg_exec(&rig.pg, "set session_replication_role = replica; update bonus_part set tag = 5 where base_minor = 500000000");
    assert_false(true_up(&s)->same);
    pg_exec(&rig.pg, "update bonus_part set tag = 1 where base_minor = 500000000; set session_replication_role = origin");
    assert_true(true_up(&s)->same);
    writer_end(&s.writer);
}

//= RULES.md R-BON-2b
//  A later target version applies only in TRUE_UP.
static void a_later_target_counts_at_the_close_alone(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Target");
    set_target(&s, 1, 100000000);
    payment_id payment = receive_in(&s, BUCKET_B1, 4000000);
    set_target(&s, 2, 3000000);
    assert_int_equal(of_line(&s, payment, 1, "target_version"), 1);
    close_month(&s);
    assert_int_equal(of_line(&s, payment, 1, "target_version"), 1);
    const Tagih__V1__ExplainBonusResponse *answer = explain(&s, payment, NULL);
    assert_int_equal(answer->parts[0]->final->minor, MINOR(150000)); /* 133 %: 3 % x 1.25 */
    assert_int_equal(number(&s, "select target_version from bonus_line where collector_id = '%s' and kind = 5", s.collector.u), 2);
    writer_end(&s.writer);
}

/* ---- what comes after ----------------------------------------------------------------------------------------- */

//= RULES.md R-BON-5
//  after close it is a CLAWBACK in the month of its posting date, outside that month's `mtd`, tier, target and TRUE_UP.
static void what_is_reversed_after_the_close_is_clawed_back(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Clawback");
    set_target(&s, 1, 5000000); /* 4 000 000 are 80 % */
    struct debt debt = debt_j1;
    debt.due_in = months_before_start(10);
    account_id account = teller_account(&s.teller, s.collector, &debt, 1);
    payment_id payment = receive(&s, account, 5000000);
    close_month(&s);
    assert_int_equal(of_line(&s, payment, 1, "amount_minor"), MINOR(108000));
    assert_int_equal(explain(&s, payment, NULL)->parts[0]->part->minor, MINOR(12000));
    assert_answer(teller_reverse(&s.teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    // J6: receivable 4 000 000; customer credit 1 000 000; bonus payable 120 000 · suspense 5 000 000; bonus expense 120 000
    static const struct {
        enum ledger_account account;
        int64_t rupiah;
    } lines[] = {{LEDGER_RECEIVABLE_FEES, 40000}, {LEDGER_RECEIVABLE_PENALTY, 60000}, {LEDGER_RECEIVABLE_INTEREST, 400000},
                 {LEDGER_RECEIVABLE_PRINCIPAL, 3500000}, {LEDGER_CUSTOMER_CREDIT, 1000000}, {LEDGER_BONUS_PAYABLE, 120000},
                 {LEDGER_SUSPENSE, -5000000}, {LEDGER_BONUS_EXPENSE, -120000}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(teller_line(&s.teller, payment, 2, lines[i].account), MINOR(lines[i].rupiah));
    }
    assert_int_equal(number(&s, "select count(*) from ledger_line l join posting p using (agency_id, posting_id)"
                                " where p.trigger_id = '%s' and p.kind = 2", payment.u), (int64_t)COUNT_OF(lines));
    // value date as the payment, posting date in the open month
    assert_int_equal(number(&s, "select (p.value_on = r.value_on and r.posting_on > r.value_on)::int from payment p join payment_reversal r"
                                " using (agency_id, payment_id) where p.payment_id = '%s'", payment.u), 1);
    const Tagih__V1__ExplainBonusResponse *answer = explain(&s, payment, NULL);
    assert_int_equal(answer->n_lines, 2);
    const Tagih__V1__BonusLine *line = answer->lines[1];
    assert_string_equal(line->kind, "CLAWBACK");
    assert_true(line->same);
    assert_string_equal(line->month, months_text(date_month((civil_date){months_today()})));
    assert_int_equal(line->n_takes_back, 2); /* its line and its part */
    assert_int_equal(number(&s, "select sum(mtd_minor)::int8 from collector_month where collector_id = '%s'", s.collector.u), MINOR(4000000));
    assert_true(true_up(&s)->same); /* a closed month is never re-tiered */
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

//= RULES.md R-BON-10
//  For a closed one: a LATE line in the month of its posting date with the closed month's final T and G, counted in
//  neither month's tier or target.
static void what_comes_late_earns_with_the_closed_months_factors(void **state) {
    (void)state;
    struct scene s, other;
    scene_open(&s, "Late");
    set_target(&s, 1, 80000000);
    receive_in(&s, BUCKET_B1, 24000000);
    receive_in(&s, BUCKET_B1, 62000000); /* 86 million: T 1.1, G 1.1 */
    close_month(&s);
    payment_id late = receive_in(&s, BUCKET_B2, 1000000);
    assert_int_equal(of_line(&s, late, 1, "kind"), BONUS_LATE);
    assert_int_equal(of_line(&s, late, 1, "tier_factor"), 11000);
    assert_int_equal(of_line(&s, late, 1, "target_factor"), 11000);
    assert_int_equal(of_line(&s, late, 1, "amount_minor"), MINOR(43560)); /* 3 % x 1.2 x 1.1 x 1.1 */
    assert_int_equal(of_line(&s, late, 1, "(month_on > value_on)::int"), 1);
    assert_int_equal(number(&s, "select sum(mtd_minor)::int8 from collector_month where collector_id = '%s'", s.collector.u), MINOR(86000000));
    assert_true(explain(&s, late, NULL)->lines[0]->same);
    // it is taken back in its own open month, and counts in neither
    assert_answer(teller_reverse(&s.teller, late, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_VOID), OK);
    assert_int_equal(of_line(&s, late, 2, "kind"), BONUS_REVERSAL);
    assert_int_equal(number(&s, "select sum(mtd_minor)::int8 from collector_month where collector_id = '%s'", s.collector.u), MINOR(86000000));
    // a target alone gives a month its factors, too: nothing came in, so G is 0.9
    scene_open(&other, "Late, nothing before");
    set_target(&other, 1, 80000000);
    teller_account(&other.teller, other.collector, &debt_j1, 1); /* so that there is something to close */
    close_month(&other);
    set_target(&other, 2, 1); /* after the close: too late */
    late = receive_in(&other, BUCKET_B1, 1000000);
    assert_int_equal(of_line(&other, late, 1, "target_factor"), 9000);
    assert_int_equal(of_line(&other, late, 1, "target_version"), 1);
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
    writer_end(&other.writer);
}

//= RULES.md R-CLS-1
//  After it nothing has a posting date in that month.
static void nothing_is_booked_in_a_closed_month(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "After");
    payment_id before = receive_in(&s, BUCKET_B1, 1000000);
    close_month(&s);
    int64_t booked = agency_number(&s, "select count(*) from posting p where agency_id = '%s' and posting_on <= (select"
                                       " max(month_on) + interval '1 month' - interval '1 day' from month_close c where c.agency_id = p.agency_id)");
    receive_in(&s, BUCKET_B1, 1000000);
    struct debt debt = {.due_in = months_before_start(10), .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(5000)}};
    teller_paid(&s.teller, teller_account(&s.teller, s.collector, &debt, 1),
                &(struct paid){.amount_minor = MINOR(5000), .value = teller_noon(months_near_end(2))});
    assert_answer(teller_reverse(&s.teller, before, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_int_equal(agency_number(&s, "select count(*) from posting p where agency_id = '%s' and posting_on <= (select"
                                       " max(month_on) + interval '1 month' - interval '1 day' from month_close c where c.agency_id = p.agency_id)"), booked);
    writer_end(&s.writer);
}

/* ---- who, when, and how often --------------------------------------------------------------------------------- */

//= RULES.md R-CLS-1
//  A close is an act per (agency, month), maker ≠ checker, from the 5th working day on **(default)**
static void a_month_closes_once_in_order_and_by_two_people(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Order");
    receive_in(&s, BUCKET_B1, 1000000);
    assert_answer(propose_close(&s, s.collector, months_text(months_closable())), NOT_PERMITTED);
    assert_answer(propose_close(&s, s.teller.supervisor, "2026-13"), DATE_SYNTAX);
    Tagih__V1__ProposeCloseRequest unsaid = TAGIH__V1__PROPOSE_CLOSE_REQUEST__INIT;
    unsaid.month = TEXT(months_text(months_closable()));
    assert_answer(rig_call(&rig, rig_staff_token(&rig, s.teller.agency, s.second, 0), "MonthService/ProposeClose", &unsaid), REQUEST_FIELD_MISSING);
    assert_answer(propose_close(&s, s.teller.supervisor, months_text(months_closable())), MONTH_ORDER);
    close_before(&s);
    civil_date now = date_month((civil_date){months_today()});
    assert_answer(propose_close(&s, s.teller.supervisor, months_text(month_next(months_closable()).days < now.days ? now : month_next(now))), MONTH_ORDER);
    const char *proposal = proposed(&s, s.teller.supervisor, months_closable());
    assert_answer(propose_close(&s, s.second, months_text(months_closable())), PROPOSAL_EXISTS);
    assert_answer(decide(&s, s.teller.supervisor, proposal), PROPOSAL_OWN);
    assert_int_equal(agency_number(&s, "select count(*) from posting where agency_id = '%s' and kind = 80"), 0);
    assert_answer(decide(&s, s.second, proposal), OK);
    assert_answer(propose_close(&s, s.teller.supervisor, months_text(months_closable())), MONTH_CLOSED);
    const char *early = months_text(month_next(months_closable()));
    assert_answer(propose_close(&s, s.teller.supervisor, early), MONTH_EARLY);
    Tagih__V1__GetMonthRequest get = TAGIH__V1__GET_MONTH_REQUEST__INIT;
    get.month = TEXT(months_text(months_closable()));
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, s.teller.agency, s.teller.cashier, 0), "MonthService/GetMonth", &get);
    assert_answer(answer, OK);
    const Tagih__V1__GetMonthResponse *month = answer.response;
    assert_true(month->closed);
    assert_int_equal(month->true_ups, 1);
    assert_int_equal(month->payments, 1);
    assert_int_equal(month->digest.len, 32);
    assert_string_equal(month->made_by, rig_text(s.teller.supervisor.u));
    assert_string_equal(month->approved_by, rig_text(s.second.u));
    get.month = TEXT(early);
    answer = rig_call(&rig, rig_staff_token(&rig, s.teller.agency, s.teller.cashier, 0), "MonthService/GetMonth", &get);
    assert_answer(answer, OK);
    assert_false(((const Tagih__V1__GetMonthResponse *)answer.response)->closed);
    writer_end(&s.writer);
}

static const Tagih__V1__GetReadinessResponse *readiness(struct scene *scene, const char *month) {
    Tagih__V1__GetReadinessRequest request = TAGIH__V1__GET_READINESS_REQUEST__INIT;
    request.month = TEXT(month);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, scene->teller.agency, scene->teller.supervisor, 0),
                                        "MonthService/GetReadiness", &request);
    assert_answer(answer, OK);
    return answer.response;
}

//= RULES.md R-CLS-1
//  on a list of open gaps, waiting and quarantined entries, suspense, unsettled cash and phones not heard from
static void what_is_still_open_is_listed(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Readiness");
    receive_in(&s, BUCKET_B1, 1000000);
    struct journal_entry missing = writer_receipt(&s.writer, (account_id){rig_id()}, MINOR(1000));
    writer_sign(&s.writer, &missing); /* never sent: a gap */
    struct journal_entry unknown = writer_receipt(&s.writer, (account_id){rig_id()}, MINOR(2000));
    size_t at = writer_sign(&s.writer, &unknown);
    assert_answer(writer_push_range(&s.writer, at, at), OK);
    rig_phone(&rig, s.teller.agency, s.collector); /* never heard from */
    const Tagih__V1__GetReadinessResponse *answer = readiness(&s, months_text(months_closable()));
    assert_false(answer->ready);
    assert_string_equal(answer->hindrance, "month.order");
    assert_int_equal(answer->open->gaps, 1);
    assert_int_equal(answer->open->quarantined, 1);
    assert_int_equal(answer->open->waiting, 0);
    assert_int_equal(answer->open->cash_collectors, 1);
    assert_int_equal(answer->open->cash->minor, MINOR(1002000));
    assert_true(answer->open->phones_silent >= 1);
    close_before(&s);
    answer = readiness(&s, months_text(months_closable()));
    assert_true(answer->ready);
    assert_string_equal(answer->hindrance, "");
    months_close(&s.teller, s.second, months_closable());
    assert_int_equal(agency_number(&s, "select gaps + 10 * quarantined from month_readiness where agency_id = '%s' order by month_on desc limit 1"), 11);
    writer_end(&s.writer);
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static void command_text(struct scene *scene, const char *made_by, const char *approved_by, char *out, size_t size) {
    snprintf(out, size, "exec '%s' month close --database-url '%s' --agency '%s' --month %s --made-by '%s' --approved-by '%s'", tagihd,
             rig.app_conninfo, rig_text(scene->teller.agency.u), months_text(months_closable()), made_by, approved_by);
}

static int run_close(struct scene *scene, const char *made_by, const char *approved_by, char *said, size_t size) {
    char command[2400], line[4000];
    command_text(scene, made_by, approved_by, line, sizeof line);
    snprintf(command, sizeof command, "(%.2300s) 2>&1", line);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(said, 1, size - 1, pipe);
    said[n] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

//= RULES.md R-BON-7
//  A second run writes nothing.
static void the_command_closes_a_month_once(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Command");
    user_id ani = rig_user(&rig, s.teller.agency, "ani-month", ROLE_SUPERVISOR), budi = rig_user(&rig, s.teller.agency, "budi-month", ROLE_ADMIN);
    rig_user(&rig, s.teller.agency, "cici-month", ROLE_CASHIER);
    receive_in(&s, BUCKET_B1, 4000000);
    close_before(&s);
    char said[4000];
    assert_int_equal(run_close(&s, "ani-month", "ani-month", said, sizeof said), 2);
    assert_int_equal(run_close(&s, "ani-month", "cici-month", said, sizeof said), 1);
    assert_non_null(strstr(said, "--approved-by is no supervisor"));
    assert_int_equal(agency_number(&s, "select count(*) from posting where agency_id = '%s' and kind = 80"), 0);
    assert_int_equal(run_close(&s, "ani-month", "budi-month", said, sizeof said), 0);
    assert_non_null(strstr(said, "is closed"));
    int64_t postings = agency_number(&s, "select count(*) from posting where agency_id = '%s'");
    assert_int_equal(run_close(&s, "ani-month", "budi-month", said, sizeof said), 0);
    assert_non_null(strstr(said, "nothing was written"));
    assert_int_equal(agency_number(&s, "select count(*) from posting where agency_id = '%s'"), postings);
    assert_int_equal(number(&s, "select count(*) from month_close where made_by = '%s'", ani.u), 1);
    assert_int_equal(number(&s, "select count(*) from month_close where approved_by = '%s'", budi.u), 1);
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

static void wait_for(const char *sql, int64_t wanted) {
    for (int i = 0; i < 1000; i++) {
        if (pg_number(&rig.pg, sql) == wanted) return;
        usleep(10000);
    }
    fail_msg("waited in vain for: %s", sql);
}

//= RULES.md R-CLS-1
//  One transaction under the agency's close lock
static void a_close_that_is_killed_half_way_leaves_nothing(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Killed");
    rig_user(&rig, s.teller.agency, "dedi-month", ROLE_SUPERVISOR);
    rig_user(&rig, s.teller.agency, "euis-month", ROLE_SUPERVISOR);
    receive_in(&s, BUCKET_B1, 4000000);
    close_before(&s);
    int64_t postings = agency_number(&s, "select count(*) from posting where agency_id = '%s'");
    char line[4000], sql[300], said[4000];
    command_text(&s, "dedi-month", "euis-month", line, sizeof line);
    // its parts are written when it wants the collector's month, which somebody else holds
    pg_exec(&rig.pg, "begin");
    snprintf(sql, sizeof sql, "select count(*) from (select from collector_month where collector_id = '%s' for update) x", rig_text(s.collector.u));
    pg_number(&rig.pg, sql);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    wait_for("select count(*) from pg_locks where not granted and locktype = 'transactionid'", 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    pg_exec(&rig.pg, "rollback");
    wait_for("select count(*) from pg_locks where locktype = 'advisory'", 0);
    assert_int_equal(agency_number(&s, "select count(*) from posting where agency_id = '%s'"), postings);
    assert_int_equal(agency_number(&s, "select count(*) from bonus_part where agency_id = '%s'"), 0);
    assert_int_equal(run_close(&s, "dedi-month", "euis-month", said, sizeof said), 0);
    assert_int_equal(agency_number(&s, "select count(*) from bonus_part where agency_id = '%s'"), 1);
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

int main(int argc, char **argv) {
    if (argc < 2) return 1;
    tagihd = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_that_rose_is_paid_up),
        cmocka_unit_test(a_month_that_fell_pays_back),
        cmocka_unit_test(a_later_target_counts_at_the_close_alone),
        cmocka_unit_test(what_is_reversed_after_the_close_is_clawed_back),
        cmocka_unit_test(what_comes_late_earns_with_the_closed_months_factors),
        cmocka_unit_test(nothing_is_booked_in_a_closed_month),
        cmocka_unit_test(a_month_closes_once_in_order_and_by_two_people),
        cmocka_unit_test(what_is_still_open_is_listed),
        cmocka_unit_test(the_command_closes_a_month_once),
        cmocka_unit_test(a_close_that_is_killed_half_way_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
