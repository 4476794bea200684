/* SPDX-License-Identifier: Apache-2.0 */
/* What money earns, from the outside: receipts and payments come in, lines are explained, months are summed up. */
#include "server/run/clock.h"
#include "tagih/bonus.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"
#include "tests/support/writer.h"

static struct rig rig;
static struct teller teller;
static const user_id nobody;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* A collector of his own with a phone: nobody else's month matters. */
struct field {
    user_id collector;
    struct writer writer;
};

static struct field new_field(void) {
    struct field field = {.collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR)};
    struct rig_phone phone = rig_phone(&rig, teller.agency, field.collector);
    writer_begin(&field.writer, &rig, &phone);
    field.writer.at.us = clock_now().us - 20 * US_PER_S;
    return field;
}

static payment_id receive(struct field *field, account_id account, int64_t amount_minor) {
    struct journal_entry receipt = writer_receipt(&field->writer, account, amount_minor);
    size_t at = writer_sign(&field->writer, &receipt);
    assert_answer(writer_push_range(&field->writer, at, at), OK);
    return (payment_id){field->writer.entries[at].id.u};
}

static struct debt due(int in_days, int64_t rupiah) {
    return (struct debt){.due_in = in_days, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
}

/* A column of a payment's first line. */
static int64_t of_line(payment_id payment, const char *column) {
    char sql[300];
    snprintf(sql, sizeof sql, "select (%s)::int8 from bonus_line where payment_id = '%%s' and line_no = 1", column);
    return teller_number(&teller, sql, payment.u);
}

static void set_target(user_id collector, int version, int64_t amount_minor, bool approved) {
    char sql[500];
    snprintf(sql, sizeof sql,
             "insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, made_by, approved_by, at_us)"
             " values ('%s', '%s', date_trunc('month', now() at time zone 'Asia/Jakarta'), %d, %lld, 'IDR', '%s', %s%s%s, 1)",
             rig_text(teller.agency.u), rig_text(collector.u), version, (long long)amount_minor, rig_text(teller.supervisor.u),
             approved ? "'" : "", approved ? rig_text(teller.admin.u) : "null", approved ? "'" : "");
    pg_exec(&rig.pg, sql);
}

static const Tagih__V1__ExplainBonusResponse *explain(user_id caller, payment_id payment) {
    Tagih__V1__ExplainBonusRequest request = TAGIH__V1__EXPLAIN_BONUS_REQUEST__INIT;
    request.payment_id = (char *)(uintptr_t)rig_text(payment.u);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, caller, 0), "BonusService/ExplainBonus", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static struct rig_answer summary(user_id caller, const char *collector, const char *month) {
    Tagih__V1__GetBonusSummaryRequest request = TAGIH__V1__GET_BONUS_SUMMARY_REQUEST__INIT;
    request.collector_id = (char *)(uintptr_t)collector;
    request.month = (char *)(uintptr_t)month;
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, caller, 0), "BonusService/GetBonusSummary", &request);
}

static int64_t factor(const Tagih__V1__BonusLine *line, const char *name) {
    for (size_t i = 0; i < line->n_factors; i++) {
        if (strcmp(line->factors[i]->name, name) == 0) return line->factors[i]->value;
    }
    fail_msg("no factor %s", name);
    return 0;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

//= RULES.md R-BON-9
//  Every bonus line posts expense/payable when written
static void a_receipt_accrues_what_the_formula_says(void **state) {
    (void)state;
    struct field f = new_field();
    set_target(f.collector, 1, MINOR(100000000), true);
    account_id account = teller_account(&teller, f.collector, &debt_j1, 1);
    payment_id payment = receive(&f, account, MINOR(5000000));
    // J3: base 4 000 000, B1/1.0/0.9 · bonus expense 108 000 · bonus payable 108 000
    assert_int_equal(of_line(payment, "base_minor"), MINOR(4000000));
    assert_int_equal(teller_line(&teller, payment, 1, LEDGER_BONUS_EXPENSE), MINOR(108000));
    assert_int_equal(teller_line(&teller, payment, 1, LEDGER_BONUS_PAYABLE), -MINOR(108000));
    // J2: cash held 5 000 000 · receivable four parts 4 000 000, customer credit 1 000 000; with it J3
    assert_moved(payment.u, 1, {LEDGER_CASH_HELD, 5000000}, {LEDGER_RECEIVABLE_FEES, -40000}, {LEDGER_RECEIVABLE_PENALTY, -60000},
                 {LEDGER_RECEIVABLE_INTEREST, -400000}, {LEDGER_RECEIVABLE_PRINCIPAL, -3500000}, {LEDGER_CUSTOMER_CREDIT, -1000000},
                 {LEDGER_BONUS_EXPENSE, 108000}, {LEDGER_BONUS_PAYABLE, -108000});
    writer_end(&f.writer);
}

//= RULES.md R-PAY-4
//  VOID unsettled → the account its receipt debited (cash held, transfer clearing, cheques in hand, quarantine) ·
//  MISPOST or VOID settled → suspense
static void a_receipt_taken_back_gives_back_all_of_it_and_its_bonus(void **state) {
    (void)state;
    struct field f = new_field();
    set_target(f.collector, 1, MINOR(100000000), true);
    payment_id voided = receive(&f, teller_account(&teller, f.collector, &debt_j1, 1), MINOR(5000000));
    assert_answer(teller_reverse(&teller, voided, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_VOID), OK);
    // J4: receivable, four parts 4 000 000; customer credit 1 000 000; bonus payable 108 000 · cash held (C) 5 000 000; bonus
    //     expense 108 000
    assert_moved(voided.u, 2, {LEDGER_CASH_HELD, -5000000}, {LEDGER_RECEIVABLE_FEES, 40000}, {LEDGER_RECEIVABLE_PENALTY, 60000},
                 {LEDGER_RECEIVABLE_INTEREST, 400000}, {LEDGER_RECEIVABLE_PRINCIPAL, 3500000}, {LEDGER_CUSTOMER_CREDIT, 1000000},
                 {LEDGER_BONUS_EXPENSE, -108000}, {LEDGER_BONUS_PAYABLE, 108000});
    payment_id mispost = receive(&f, teller_account(&teller, f.collector, &debt_j1, 1), MINOR(5000000));
    assert_answer(teller_reverse(&teller, mispost, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    // J5: receivable 4 000 000; customer credit 1 000 000; bonus payable 108 000 · suspense 5 000 000; bonus expense 108 000
    assert_moved(mispost.u, 2, {LEDGER_SUSPENSE, -5000000}, {LEDGER_RECEIVABLE_FEES, 40000}, {LEDGER_RECEIVABLE_PENALTY, 60000},
                 {LEDGER_RECEIVABLE_INTEREST, 400000}, {LEDGER_RECEIVABLE_PRINCIPAL, 3500000}, {LEDGER_CUSTOMER_CREDIT, 1000000},
                 {LEDGER_BONUS_EXPENSE, -108000}, {LEDGER_BONUS_PAYABLE, 108000});
    writer_end(&f.writer);
}

//= RULES.md R-BON-2
//  tier by `mtd` < 50 000 000 1.0, < 100 000 000 1.1, < 200 000 000 1.25, else 1.4 · target achievement < 80 % 0.9,
//  < 100 % 1.0, < 120 % 1.1, else 1.25
//= RULES.md R-BON-2a
//  `mtd` = Σ base of the collector's lines of the same bonus month written earlier in his line chain, negations included,
//  this payment excluded.
static void tier_and_target_rise_with_the_month(void **state) {
    (void)state;
    struct field f = new_field();
    set_target(f.collector, 1, MINOR(100000000), true);
    set_target(f.collector, 2, MINOR(1), false); /* nobody approved it */
    const struct {
        int64_t amount, tier, target;
    } steps[] = {{49999999, 10000, 9000}, {1, 10000, 9000}, {29999999, 11000, 9000}, {1, 11000, 9000}, {19999999, 11000, 10000},
                 {1, 11000, 10000}, {20000000, 12500, 11000}, {80000000, 12500, 12500}, {1000000, 14000, 12500}};
    int64_t mtd = 0;
    payment_id last = {{{0}}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct debt debt = due(-20, steps[i].amount);
        payment_id payment = last = receive(&f, teller_account(&teller, f.collector, &debt, 1), MINOR(steps[i].amount));
        assert_int_equal(of_line(payment, "mtd_minor"), MINOR(mtd));
        assert_int_equal(of_line(payment, "tier_factor"), steps[i].tier);
        assert_int_equal(of_line(payment, "target_factor"), steps[i].target);
        assert_int_equal(of_line(payment, "target_version"), 1);
        mtd += steps[i].amount;
    }
    assert_answer(teller_reverse(&teller, last, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_VOID), OK);
    struct debt debt = due(-20, 1000);
    payment_id after = receive(&f, teller_account(&teller, f.collector, &debt, 1), MINOR(1000));
    assert_int_equal(of_line(after, "mtd_minor"), MINOR(mtd - steps[COUNT_OF(steps) - 1].amount));
    writer_end(&f.writer);
}

//= RULES.md R-BON-8
//  All receipts of one customer taken by one collector on one value date use the `mtd` of the first one posted
static void receipts_of_one_customer_and_day_use_the_first_ones_mtd(void **state) {
    (void)state;
    struct field f = new_field();
    struct debt debt = due(-20, 60000000);
    account_id one = teller_account_of(&teller, "CUST-SAME", f.collector, &debt, 1);
    account_id two = teller_account_of(&teller, "CUST-SAME", f.collector, &debt, 1);
    account_id other = teller_account(&teller, f.collector, &debt, 1);
    teller_paid(&teller, two, &(struct paid){.amount_minor = MINOR(1000), .value = {clock_now().us - 30 * US_PER_S}});
    payment_id first = receive(&f, one, MINOR(60000000));
    payment_id second = receive(&f, two, MINOR(1000000));
    payment_id third = receive(&f, other, MINOR(1000000));
    assert_int_equal(of_line(first, "mtd_minor"), 0);
    assert_int_equal(of_line(second, "mtd_minor"), 0);
    assert_int_equal(of_line(second, "tier_factor"), 10000);
    assert_int_equal(of_line(third, "mtd_minor"), MINOR(61000000));
    assert_int_equal(of_line(third, "tier_factor"), 11000);
    // the same when they come in one push
    struct field g = new_field();
    account_id a = teller_account_of(&teller, "CUST-PUSH", g.collector, &debt, 1);
    account_id b = teller_account_of(&teller, "CUST-PUSH", g.collector, &debt, 1);
    struct journal_entry r1 = writer_receipt(&g.writer, a, MINOR(60000000));
    writer_sign(&g.writer, &r1);
    struct journal_entry r2 = writer_receipt(&g.writer, b, MINOR(1000000));
    writer_sign(&g.writer, &r2);
    assert_answer(writer_push_range(&g.writer, 0, 1), OK);
    assert_int_equal(of_line((payment_id){r2.id.u}, "mtd_minor"), 0);
    writer_end(&f.writer);
    writer_end(&g.writer);
}

static void reassign(account_id account, user_id before, user_id after, int64_t at_us) {
    char sql[600];
    snprintf(sql, sizeof sql,
             "update account_state set collector_id = '%s' where account_id = '%s';"
             "insert into account_event (agency_id, event_id, account_id, at_us, kind, collector_before, collector_after,"
             " status_before, status_after) values ('%s', gen_random_uuid(), '%s', %lld, 'REASSIGNED', '%s', '%s', 3, 3)",
             rig_text(after.u), rig_text(account.u), rig_text(teller.agency.u), rig_text(account.u), (long long)at_us,
             rig_text(before.u), rig_text(after.u));
    pg_exec(&rig.pg, sql);
}

//= RULES.md R-BON-8
//  Credit of a journal receipt: the collector who issued it, if at value time he had a live lease or was the account's
//  assigned collector; else the line is ON_HOLD for a supervisor's choice.
static void money_from_anothers_account_waits_for_a_supervisor(void **state) {
    (void)state;
    struct field f = new_field();
    user_id other = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    account_id strange = teller_account(&teller, other, &debt_j1, 1), leased = teller_account(&teller, other, &debt_j1, 1);
    account_id was_his = teller_account(&teller, f.collector, &debt_j1, 1), became_his = teller_account(&teller, other, &debt_j1, 1);
    rig_visit(&rig, teller.agency, leased, f.collector);
    reassign(was_his, f.collector, other, clock_now().us); /* after the money was taken */
    reassign(became_his, other, f.collector, clock_now().us);
    assert_int_equal(of_line(receive(&f, strange, MINOR(1000)), "on_hold::int"), 1);
    assert_int_equal(of_line(receive(&f, leased, MINOR(1000)), "on_hold::int"), 0);
    assert_int_equal(of_line(receive(&f, was_his, MINOR(1000)), "on_hold::int"), 0);
    assert_int_equal(of_line(receive(&f, became_his, MINOR(1000)), "on_hold::int"), 1);
    struct rig_answer month = summary(f.collector, "", "");
    assert_answer(month, OK);
    assert_int_equal(((const Tagih__V1__GetBonusSummaryResponse *)month.response)->lines_on_hold, 2);
    writer_end(&f.writer);
}

//= RULES.md R-BON-8
//  Any other payment: the collector assigned at value time; none → no line.
static void a_gateway_payment_gives_its_collector_a_line_of_nothing(void **state) {
    (void)state;
    user_id old = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR), new = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    account_id account = teller_account(&teller, old, &debt_j1, 1);
    reassign(account, old, new, teller_noon(-3).us);
    payment_id before = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000), .value = teller_noon(-4)});
    payment_id after = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(2000), .value = teller_noon(-2)});
    char text[300];
    snprintf(text, sizeof text, "select count(*) from bonus_line where payment_id = '%s' and amount_minor = 0 and collector_id = '%s'",
             rig_text(before.u), rig_text(old.u));
    assert_int_equal(pg_number(&rig.pg, text), 1);
    snprintf(text, sizeof text, "select count(*) from bonus_line where payment_id = '%s' and amount_minor = 0 and collector_id = '%s'",
             rig_text(after.u), rig_text(new.u));
    assert_int_equal(pg_number(&rig.pg, text), 1);
    const Tagih__V1__ExplainBonusResponse *response = explain(new, after);
    assert_int_equal(response->n_lines, 1);
    assert_int_equal(factor(response->lines[0], "tag"), 0);
    assert_true(response->lines[0]->same);
    // it counts in no tier and no target, and the account of nobody gives no line
    assert_int_equal(teller_number(&teller, "select coalesce(sum(mtd_minor), 0)::int8 from collector_month where collector_id = '%s'", new.u), 0);
    payment_id nobodys = teller_paid(&teller, teller_account(&teller, nobody, &debt_j1, 1), &(struct paid){.amount_minor = MINOR(1000)});
    assert_int_equal(explain(teller.supervisor, nobodys)->n_lines, 0);
    assert_answer(teller_reverse(&teller, after, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_int_equal(explain(new, after)->n_lines, 2);
}

//= RULES.md R-BON-5
//  Reversal writes one line: minus the sum of everything stored for that payment
static void a_reversal_takes_back_what_was_written(void **state) {
    (void)state;
    struct field f = new_field();
    account_id account = teller_account(&teller, f.collector, &debt_j1, 1);
    payment_id payment = receive(&f, account, MINOR(1000000));
    assert_answer(teller_reverse(&teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_VOID), OK);
    // J4: bonus payable · bonus expense
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_BONUS_PAYABLE), MINOR(30000));
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_BONUS_EXPENSE), -MINOR(30000));
    assert_int_equal(teller_number(&teller, "select sum(amount_minor)::int8 from bonus_line where payment_id = '%s'", payment.u), 0);
    assert_int_equal(teller_number(&teller, "select sum(base_minor)::int8 from bonus_line where payment_id = '%s'", payment.u), 0);
    assert_int_equal(teller_number(&teller, "select sum(mtd_minor)::int8 from collector_month where collector_id = '%s'", f.collector.u), 0);
    const Tagih__V1__ExplainBonusResponse *response = explain(f.collector, payment);
    assert_int_equal(response->n_lines, 2);
    assert_string_equal(response->lines[1]->kind, "REVERSAL");
    assert_int_equal(response->lines[1]->recomputed->minor, -MINOR(30000));
    assert_true(response->lines[0]->same && response->lines[1]->same);
    writer_end(&f.writer);
}

static int32_t today(void) {
    return (int32_t)((clock_now().us + 7 * INT64_C(3600000000)) / US_PER_DAY);
}

static void set_hold(account_id account, int from_in_days) {
    char sql[300], date[DATE_TEXT_SIZE];
    date_format((civil_date){today() + from_in_days}, date);
    snprintf(sql, sizeof sql, "update account_state set hold_from_on = '%s' where account_id = '%s'", date, rig_text(account.u));
    pg_exec(&rig.pg, sql);
}

/* Days from today to the later of month start and a hold's start. */
static int anchor_days(int hold_in_days) {
    int32_t month = date_month((civil_date){today()}).days - today();
    return month > hold_in_days ? month : hold_in_days;
}

//= RULES.md R-BON-11
//  Bonus bucket = the **lower** of (a) the bucket at 00:00 local of the value date, before every payment of that date,
//  and (b) the bucket at the later of month start and hold start
static void letting_an_account_roll_earns_nothing_more(void **state) {
    (void)state;
    struct field f = new_field();
    struct debt debt = due(-33, 5000000); /* B2 today; five days ago B1 */
    account_id account = teller_account(&teller, f.collector, &debt, 1);
    set_hold(account, -5);
    payment_id payment = receive(&f, account, MINOR(1000));
    int at_anchor = 33 + anchor_days(-5);
    assert_int_equal(of_line(payment, "bucket"), at_anchor > 30 ? BUCKET_B2 : BUCKET_B1);
    // a hold that began today looks back no further than today
    account_id fresh = teller_account(&teller, f.collector, &debt, 1);
    set_hold(fresh, 0);
    assert_int_equal(of_line(receive(&f, fresh, MINOR(1000)), "bucket"), BUCKET_B2);
    writer_end(&f.writer);
}

//= RULES.md R-BON-11
//  (a) the bucket at 00:00 local of the value date, before every payment of that date … computed from facts known at
//  posting
static void the_days_bucket_knows_what_arrived_since(void **state) {
    (void)state;
    struct field f = new_field();
    const struct debt debts[] = {due(-40, 1000000), due(-5, 1000000)};
    account_id account = teller_account(&teller, f.collector, debts, 2);
    set_hold(account, -1);
    payment_id first = receive(&f, account, MINOR(100000));
    assert_int_equal(of_line(first, "bucket"), BUCKET_B2);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000), .value = teller_noon(-1)});
    payment_id second = receive(&f, account, MINOR(100000));
    assert_int_equal(of_line(second, "bucket"), BUCKET_B1);
    writer_end(&f.writer);
}

/* ---- explained ------------------------------------------------------------------------------------------------ */

//= RULES.md R-BON-4
//  A line is written once, with its complete context
static void every_line_is_explained_and_computed_again(void **state) {
    (void)state;
    struct field f = new_field();
    account_id account = teller_account(&teller, f.collector, &debt_j1, 1);
    payment_id payment = receive(&f, account, MINOR(1000000));
    const Tagih__V1__ExplainBonusResponse *response = explain(f.collector, payment);
    assert_int_equal(response->n_lines, 1);
    const Tagih__V1__BonusLine *line = response->lines[0];
    static const char *const names[] = {"base", "rate", "bucket", "tier", "target", "tag", "cap", "amount"};
    assert_int_equal(line->n_factors, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_string_equal(line->factors[i]->name, names[i]);
        assert_true(strlen(line->factors[i]->source) > 5);
    }
    assert_int_equal(factor(line, "base"), MINOR(1000000));
    assert_int_equal(factor(line, "rate"), 300);
    assert_int_equal(line->recomputed->minor, MINOR(30000));
    assert_true(line->same);
    // somebody with the database's own password writes another figure: the line says so itself
    char sql[300];
    snprintf(sql, sizeof sql, "set session_replication_role = replica; update bonus_line set amount_minor = amount_minor + 1"
                              " where payment_id = '%s'", rig_text(payment.u));
    pg_exec(&rig.pg, sql);
    line = explain(teller.supervisor, payment)->lines[0];
    assert_false(line->same);
    assert_int_equal(line->recomputed->minor, MINOR(30000));
    snprintf(sql, sizeof sql, "update bonus_line set amount_minor = amount_minor - 1 where payment_id = '%s';"
                              " set session_replication_role = origin", rig_text(payment.u));
    pg_exec(&rig.pg, sql);
    writer_end(&f.writer);
}

static void a_collector_sees_his_own_month_and_lines_alone(void **state) {
    (void)state;
    struct field f = new_field();
    user_id other = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    set_target(f.collector, 1, MINOR(100000000), true);
    account_id account = teller_account(&teller, f.collector, &debt_j1, 1);
    payment_id payment = receive(&f, account, MINOR(1000000));
    char id[UUID_TEXT_SIZE];
    uuid_format(f.collector.u, id);
    struct rig_answer own = summary(f.collector, "", "");
    assert_answer(own, OK);
    const Tagih__V1__GetBonusSummaryResponse *month = own.response;
    assert_int_equal(month->base_sum->minor, MINOR(1000000));
    assert_int_equal(month->bonus->minor, MINOR(27000));
    assert_int_equal(month->target->minor, MINOR(100000000));
    assert_int_equal(month->lines, 1);
    assert_answer(summary(teller.supervisor, id, ""), OK);
    struct rig_answer old = summary(teller.supervisor, id, "2020-02");
    assert_answer(old, OK);
    assert_int_equal(((const Tagih__V1__GetBonusSummaryResponse *)old.response)->lines, 0);
    assert_answer(summary(other, id, ""), NOT_PERMITTED);
    assert_answer(summary(teller.supervisor, rig_text(rig_id()), ""), NOT_PERMITTED);
    assert_answer(summary(f.collector, "", "2020-13"), DATE_SYNTAX);
    assert_answer(summary(f.collector, "", "202-01"), DATE_SYNTAX);
    Tagih__V1__ExplainBonusRequest request = TAGIH__V1__EXPLAIN_BONUS_REQUEST__INIT;
    request.payment_id = (char *)(uintptr_t)rig_text(payment.u);
    assert_answer(rig_call(&rig, rig_staff_token(&rig, teller.agency, other, 0), "BonusService/ExplainBonus", &request), NOT_PERMITTED);
    request.payment_id = (char *)(uintptr_t)rig_text(rig_id());
    assert_answer(rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "BonusService/ExplainBonus", &request),
                  NOT_PERMITTED);
    writer_end(&f.writer);
}

//= RULES.md R-BON-4
//  hash of the collector's previous line
static void the_lines_of_every_collector_form_a_chain(void **state) {
    (void)state;
    assert_true(pg_number(&rig.pg, "select count(*) from bonus_line") > 20);
    assert_int_equal(pg_number(&rig.pg,
        "select count(*) from (select prev_hash, chain_n, lag(hash) over w as before, lag(chain_n) over w as n from bonus_line"
        " window w as (partition by collector_id, currency order by chain_n)) x"
        " where chain_n <> coalesce(n, 0) + 1 or prev_hash <> coalesce(before, decode(repeat('00', 32), 'hex'))"), 0);
    assert_books_hold(rig.pg.conninfo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_accrues_what_the_formula_says),
        cmocka_unit_test(a_receipt_taken_back_gives_back_all_of_it_and_its_bonus),
        cmocka_unit_test(tier_and_target_rise_with_the_month),
        cmocka_unit_test(receipts_of_one_customer_and_day_use_the_first_ones_mtd),
        cmocka_unit_test(money_from_anothers_account_waits_for_a_supervisor),
        cmocka_unit_test(a_gateway_payment_gives_its_collector_a_line_of_nothing),
        cmocka_unit_test(a_reversal_takes_back_what_was_written),
        cmocka_unit_test(letting_an_account_roll_earns_nothing_more),
        cmocka_unit_test(the_days_bucket_knows_what_arrived_since),
        cmocka_unit_test(every_line_is_explained_and_computed_again),
        cmocka_unit_test(a_collector_sees_his_own_month_and_lines_alone),
        cmocka_unit_test(the_lines_of_every_collector_form_a_chain),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
