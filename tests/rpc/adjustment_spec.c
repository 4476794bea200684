/* SPDX-License-Identifier: Apache-2.0 */
/* Refunds, waivers, write-offs and charges from the outside; at the end the balances are summed up again. */
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

static const user_id nobody;

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static struct rig_answer refund_as(user_id maker, account_id account, int64_t amount_minor, const char *in) {
    Tagih__V1__RefundCreditRequest request = TAGIH__V1__REFUND_CREDIT_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = amount_minor;
    amount.currency = TEXT(in);
    request.account_id = TEXT(rig_text(account.u));
    request.amount = &amount;
    request.reason = TEXT("he paid too much");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(maker), "AdjustmentService/RefundCredit", &request);
}

static struct rig_answer refund(account_id account, int64_t amount_minor) {
    return refund_as(teller.cashier, account, amount_minor, "IDR");
}

struct taking {
    int64_t fees_minor, penalty_minor, principal_minor;
    bool write_off, creditor_bears;
    const char *in;
};

static struct rig_answer take_off(account_id account, const struct taking *that) {
    Tagih__V1__WaiveDebtRequest waive = TAGIH__V1__WAIVE_DEBT_REQUEST__INIT;
    Tagih__V1__WriteOffDebtRequest write_off = TAGIH__V1__WRITE_OFF_DEBT_REQUEST__INIT;
    Tagih__V1__Components parts = TAGIH__V1__COMPONENTS__INIT;
    parts.fees_minor = that->fees_minor;
    parts.penalty_minor = that->penalty_minor;
    parts.principal_minor = that->principal_minor;
    waive.account_id = write_off.account_id = TEXT(rig_text(account.u));
    waive.parts = write_off.parts = &parts;
    waive.currency = write_off.currency = TEXT(that->in ? that->in : "IDR");
    waive.creditor_bears = write_off.creditor_bears = that->creditor_bears;
    waive.reason = write_off.reason = TEXT("as agreed");
    waive.request_id = write_off.request_id = TEXT(rig_text(rig_id()));
    if (that->write_off) return rig_call(&rig, token(teller.supervisor), "AdjustmentService/WriteOffDebt", &write_off);
    return rig_call(&rig, token(teller.supervisor), "AdjustmentService/WaiveDebt", &waive);
}

/* ---- refunds -------------------------------------------------------------------------------------------------- */

//= RULES.md R-PAY-6
//  REFUND of credit (maker ≠ checker) is a fact that consumes credit; if a reversal leaves credit short, the rest is
//  *refund recoverable* and the account stays live.
static void refunded_credit_that_a_reversal_misses_is_recoverable(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000)});
    assert_int_equal(teller_credit_minor(&teller, account), MINOR(1000000));
    uuid posting = approved(refund(account, MINOR(1000000)));
    // J24: customer credit 1 000 000 · bank 1 000 000
    assert_int_equal(line(posting, LEDGER_CUSTOMER_CREDIT), MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_BANK), -MINOR(1000000));
    assert_int_equal(lines(posting), 2);
    assert_int_equal(teller_credit_minor(&teller, account), 0);
    assert_int_equal(teller_open_minor(&teller, account), 0);
    assert_answer(teller_reverse(&teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    // J24: receivable 4 000 000, refund recoverable 1 000 000 · by R-PAY-4 5 000 000
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_RECEIVABLE_FEES), MINOR(40000));
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_RECEIVABLE_PENALTY), MINOR(60000));
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_RECEIVABLE_INTEREST), MINOR(400000));
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_RECEIVABLE_PRINCIPAL), MINOR(3500000));
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_REFUND_RECOVERABLE), MINOR(1000000));
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_SUSPENSE), -MINOR(5000000));
    assert_moved(payment.u, 2, {LEDGER_RECEIVABLE_FEES, 40000}, {LEDGER_RECEIVABLE_PENALTY, 60000}, {LEDGER_RECEIVABLE_INTEREST, 400000},
                 {LEDGER_RECEIVABLE_PRINCIPAL, 3500000}, {LEDGER_REFUND_RECOVERABLE, 1000000}, {LEDGER_SUSPENSE, -5000000});
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
    assert_int_equal(teller_number(&teller, "select recoverable_minor from account_state where account_id = '%s'", account.u), MINOR(1000000));
}

//= RULES.md R-PAY-8
//  only credit that is there is refunded
static void no_more_is_refunded_than_there_is(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_answer(refund(account, 100), ADJUSTMENT_CREDIT);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000)});
    assert_answer(refund(account, MINOR(1000000) + 1), ADJUSTMENT_CREDIT);
    struct rig_answer half = refund(account, MINOR(600000));
    assert_answer(teller_decide(&teller, teller.cashier, proposal_of(half), true), PROPOSAL_OWN);
    approved(half);
    assert_int_equal(teller_credit_minor(&teller, account), MINOR(400000));
    assert_answer(refund(account, MINOR(600000)), ADJUSTMENT_CREDIT);
    approved(refund(account, MINOR(400000)));
    assert_int_equal(teller_credit_minor(&teller, account), 0);
}

//= RULES.md R-ALL-4
//  the replay then consumes it, oldest credit first, unless a REFUND took it.
static void refunded_credit_pays_no_later_due(void **state) {
    (void)state;
    const struct debt debts[] = {{.due_in = -40, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}},
                                 {.due_in = 5, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}}};
    account_id account = teller_account(&teller, nobody, debts, 2);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1300000), .value = teller_noon(-3)});
    approved(refund(account, MINOR(300000)));
    payment_id late = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000), .value = teller_noon(-5)});
    assert_int_equal(teller_allocated(&teller, late, 1), MINOR(1000));
    assert_int_equal(teller_credit_minor(&teller, account), MINOR(1000)); /* the other payment's, moved on */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(1000000));
}

static void who_has_no_business_with_refunds_is_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000)});
    assert_answer(refund_as(rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR), account, 100, "IDR"), NOT_PERMITTED);
    assert_answer(refund_as(teller.gateway, account, 100, "IDR"), NOT_PERMITTED);
    assert_answer(refund((account_id){rig_id()}, 100), NOT_PERMITTED);
    assert_answer(refund_as(teller.cashier, account, 100, "USD"), ACCOUNT_CURRENCY);
    assert_answer(refund_as(teller.cashier, account, 100, "XXQ"), MONEY_CURRENCY_UNKNOWN);
    assert_answer(refund(account, 0), ADJUSTMENT_AMOUNT);
    assert_answer(refund(account, -1), ADJUSTMENT_AMOUNT);
    assert_answer(refund(account, MONEY_AMOUNT_MAX_MINOR + 1), ADJUSTMENT_AMOUNT);
    assert_answer(refund(account, INT64_MAX), ADJUSTMENT_AMOUNT);
}

/* ---- waivers and write-offs ----------------------------------------------------------------------------------- */

//= RULES.md R-PAY-8
//  who bears it is said once: waiver expense, write-off expense, or the creditor.
static void what_is_waived_or_written_off_leaves_the_receivable(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    uuid waived = approved(take_off(account, &(struct taking){.penalty_minor = MINOR(60000)}));
    // J29: waiver 60 000 · receivable 60 000
    assert_int_equal(line(waived, LEDGER_WAIVER), MINOR(60000));
    assert_int_equal(line(waived, LEDGER_RECEIVABLE_PENALTY), -MINOR(60000));
    assert_int_equal(lines(waived), 2);
    uuid written_off = approved(take_off(account, &(struct taking){.principal_minor = MINOR(1000000), .write_off = true}));
    // J29: write-off 1 000 000 · receivable 1 000 000
    assert_int_equal(line(written_off, LEDGER_WRITE_OFF), MINOR(1000000));
    assert_int_equal(line(written_off, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(1000000));
    assert_int_equal(lines(written_off), 2);
    uuid relief = approved(take_off(account, &(struct taking){.principal_minor = MINOR(1000000), .write_off = true, .creditor_bears = true}));
    // J29: creditor control 1 000 000 if not ours · receivable 1 000 000
    assert_int_equal(line(relief, LEDGER_CREDITOR_CONTROL), MINOR(1000000));
    assert_int_equal(line(relief, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(1000000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(1940000));
}

//= RULES.md R-PAY-8
//  Both are valued when they are approved, oldest instalments first.
static void the_oldest_instalments_are_relieved_first(void **state) {
    (void)state;
    const struct debt debts[] = {{.due_in = -50, .due_minor = {[COMPONENT_PENALTY] = MINOR(30000), [COMPONENT_PRINCIPAL] = MINOR(500000)}},
                                 {.due_in = -30, .due_minor = {[COMPONENT_PENALTY] = MINOR(50000), [COMPONENT_PRINCIPAL] = MINOR(500000)}}};
    account_id account = teller_account(&teller, nobody, debts, 2);
    uuid first = approved(take_off(account, &(struct taking){.penalty_minor = MINOR(45000)}));
    assert_int_equal(teller_number(&teller, "select count(*) from proposal_decision where posting_id = '%s'", first), 1);
    assert_int_equal(line(first, LEDGER_WAIVER), MINOR(30000));
    assert_int_equal(teller_number(&teller, "select count(*) from account_fact where account_id = '%s'", account.u), 2);
    assert_int_equal(teller_number(&teller, "select penalty_minor from instalment_state where account_id = '%s' and instalment_no = 1", account.u), 0);
    assert_int_equal(teller_number(&teller, "select penalty_minor from instalment_state where account_id = '%s' and instalment_no = 2", account.u),
                     MINOR(35000));
    payment_id late = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(-10)});
    assert_int_equal(teller_allocated(&teller, late, 1), MINOR(100000)); /* valued before: its penalty was still open */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(1080000 - 15000 - 100000)); /* so that nothing of it was left to waive */
}

static void no_more_is_taken_off_than_is_open(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_answer(take_off(account, &(struct taking){.penalty_minor = MINOR(60000) + 1}), ADJUSTMENT_OPEN);
    assert_answer(take_off(account, &(struct taking){.write_off = true, .principal_minor = MINOR(3500000) + 1}), ADJUSTMENT_OPEN);
    assert_answer(take_off(account, &(struct taking){.penalty_minor = -1}), ADJUSTMENT_AMOUNT);
    assert_answer(take_off(account, &(struct taking){.penalty_minor = 0}), ADJUSTMENT_AMOUNT);
    assert_answer(take_off(account, &(struct taking){.fees_minor = MONEY_AMOUNT_MAX_MINOR + 1}), ADJUSTMENT_AMOUNT);
    assert_answer(take_off(account, &(struct taking){.penalty_minor = 100, .in = "USD"}), ACCOUNT_CURRENCY);
    assert_answer(take_off((account_id){rig_id()}, &(struct taking){.penalty_minor = 100}), NOT_PERMITTED);
    struct rig_answer open = take_off(account, &(struct taking){.penalty_minor = MINOR(60000)});
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000)}); /* fees and penalty are paid meanwhile */
    assert_answer(teller_decide(&teller, teller.second, proposal_of(open), true), ADJUSTMENT_OPEN);
    assert_int_equal(teller_number(&teller, "select count(*) from account_fact where account_id = '%s'", account.u), 0);
}

/* An account of 65 instalments, put there by hand. */
static void sixty_four_steps_are_the_most(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    char sql[900];
    snprintf(sql, sizeof sql,
             "insert into instalment_state (agency_id, account_id, instalment_no, due_on, fees_minor, penalty_minor, interest_minor, principal_minor)"
             " select '%s', '%s', 100 + i, current_date - i, 100, 0, 0, 0 from generate_series(1, 64) i;"
             "update account_state set fees_minor = fees_minor + 6400 where account_id = '%s'",
             rig_text(teller.agency.u), rig_text(account.u), rig_text(account.u));
    pg_exec(&rig.pg, sql);
    struct rig_answer proposal = take_off(account, &(struct taking){.fees_minor = MINOR(40000) + 6400});
    assert_answer(teller_decide(&teller, teller.second, proposal_of(proposal), true), ADJUSTMENT_PARTS);
    snprintf(sql, sizeof sql,
             "delete from instalment_state where account_id = '%s' and instalment_no > 100;"
             "update account_state set fees_minor = fees_minor - 6400 where account_id = '%s'", rig_text(account.u), rig_text(account.u));
    pg_exec(&rig.pg, sql);
}

/* ---- charges -------------------------------------------------------------------------------------------------- */

static struct rig_answer charge_as(user_id user, account_id account, Tagih__V1__DebtComponent component, int64_t amount_minor,
                                   int32_t instalment, instant value) {
    Tagih__V1__ChargeAccountRequest request = TAGIH__V1__CHARGE_ACCOUNT_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = amount_minor;
    amount.currency = TEXT("IDR");
    request.account_id = TEXT(rig_text(account.u));
    request.component = component;
    request.amount = &amount;
    request.instalment = instalment;
    request.value_us = value.us;
    request.reason = TEXT("visit fee");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(user), "AdjustmentService/ChargeAccount", &request);
}

#define FEES TAGIH__V1__DEBT_COMPONENT__DEBT_COMPONENT_FEES

//= RULES.md R-ACC-4
//  dues, interest and penalty change only by creditor facts, waivers and payments
static void the_creditor_charges_without_a_second_person(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    instant value = teller_noon(-1);
    struct rig_answer answer = charge_as(teller.gateway, account, FEES, MINOR(50000), 0, value);
    assert_answer(answer, OK);
    uuid fact;
    assert_ok(uuid_parse(((const Tagih__V1__ChargeAccountResponse *)answer.response)->fact_id, &fact));
    // J32: receivable fees 50 000 · creditor control 50 000
    assert_int_equal(line(fact, LEDGER_RECEIVABLE_FEES), MINOR(50000));
    assert_int_equal(line(fact, LEDGER_CREDITOR_CONTROL), -MINOR(50000));
    assert_int_equal(lines(fact), 2);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4050000));
    assert_answer(charge_as(teller.gateway, account, FEES, MINOR(50000), 7, value), ALLOCATION_INSTALMENT);
    assert_answer(charge_as(teller.gateway, account, FEES, 0, 0, value), ADJUSTMENT_AMOUNT);
    assert_answer(charge_as(teller.gateway, account, 0, 100, 0, value), REQUEST_FIELD_MISSING);
    assert_answer(charge_as(teller.gateway, account, FEES, 100, -1, value), REQUEST_FIELD_RANGE);
    assert_answer(charge_as(teller.gateway, account, FEES, 100, 0, (instant){clock_now().us + 6 * US_PER_MINUTE}), ADJUSTMENT_FUTURE);
    assert_answer(charge_as(teller.gateway, account, FEES, 100, 0, (instant){1}), REQUEST_TIME);
    assert_answer(charge_as(teller.supervisor, account, FEES, 100, 0, value), NOT_PERMITTED);
    assert_answer(charge_as(teller.gateway, (account_id){rig_id()}, FEES, 100, 0, value), NOT_PERMITTED);
}

//= RULES.md R-ALL-6
//  Fact order = (value date; kind: charge and waiver before payment; value instant; fact id as bytes)
static void a_charge_of_the_day_is_owed_before_that_days_payment(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(4000000), .value = teller_noon(-2)});
    instant later = {teller_noon(-2).us + US_PER_MINUTE};
    assert_answer(charge_as(teller.gateway, account, FEES, MINOR(50000), 1, later), OK);
    assert_int_equal(teller_number(&teller, "select fees_minor from allocation where payment_id = '%s' and instalment_no = 1 order by version desc limit 1", payment.u),
                     MINOR(90000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(50000));
}

//= RULES.md R-ALL-4
//  Σ parts = amount, to the minor unit
static void balances_are_the_sums_of_their_lines(void **state) {
    (void)state;
    static const struct {
        const char *column;
        int account, sign;
    } balances[] = {{"fees_minor", LEDGER_RECEIVABLE_FEES, 1}, {"penalty_minor", LEDGER_RECEIVABLE_PENALTY, 1},
                    {"interest_minor", LEDGER_RECEIVABLE_INTEREST, 1}, {"principal_minor", LEDGER_RECEIVABLE_PRINCIPAL, 1},
                    {"credit_minor", LEDGER_CUSTOMER_CREDIT, -1}, {"recoverable_minor", LEDGER_REFUND_RECOVERABLE, 1}};
    for (size_t i = 0; i < COUNT_OF(balances); i++) {
        char sql[400];
        snprintf(sql, sizeof sql,
                 "select count(*) from account_state s where s.%s <> %d * (select coalesce(sum(l.amount_minor), 0) from ledger_line l"
                 " where l.owner_id = s.account_id and l.ledger_account = %d)", balances[i].column, balances[i].sign, balances[i].account);
        assert_int_equal(pg_number(&rig.pg, sql), 0);
    }
    assert_int_equal(pg_number(&rig.pg, "select count(*) from (select 1 from ledger_line group by posting_id, currency having sum(amount_minor) <> 0) x"), 0);
    assert_int_equal(pg_number(&rig.pg,
        "select count(*) from payment p join lateral (select sum(a.fees_minor + a.penalty_minor + a.interest_minor + a.principal_minor"
        " + a.credit_minor) as parts from allocation a where a.payment_id = p.payment_id and a.version = (select max(version) from"
        " allocation x where x.payment_id = p.payment_id)) s on true where s.parts <> p.amount_minor"
        " and not exists (select from payment_reversal r where r.payment_id = p.payment_id)"), 0);
}

//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void what_payments_paid_is_what_receivables_lost(void **state) {
    (void)state;
    verifier_assert_identities(&rig, teller.agency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refunded_credit_that_a_reversal_misses_is_recoverable),
        cmocka_unit_test(no_more_is_refunded_than_there_is),
        cmocka_unit_test(refunded_credit_pays_no_later_due),
        cmocka_unit_test(who_has_no_business_with_refunds_is_refused),
        cmocka_unit_test(what_is_waived_or_written_off_leaves_the_receivable),
        cmocka_unit_test(the_oldest_instalments_are_relieved_first),
        cmocka_unit_test(no_more_is_taken_off_than_is_open),
        cmocka_unit_test(sixty_four_steps_are_the_most),
        cmocka_unit_test(the_creditor_charges_without_a_second_person),
        cmocka_unit_test(a_charge_of_the_day_is_owed_before_that_days_payment),
        cmocka_unit_test(balances_are_the_sums_of_their_lines),
        cmocka_unit_test(what_payments_paid_is_what_receivables_lost),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
