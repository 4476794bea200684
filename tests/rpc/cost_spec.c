/* SPDX-License-Identifier: Apache-2.0 */
/* Costs of taking collateral from the outside: booked when spent, by two people, once. */
#include "tests/rpc/sale_case.h"
#include "tests/support/months.h"
#include "tests/support/verifier.h"

static const user_id nobody;

static const Tagih__V1__ListTakingCostsResponse *costs_of(account_id account, int32_t page_size, const char *page_token) {
    Tagih__V1__ListTakingCostsRequest request = TAGIH__V1__LIST_TAKING_COSTS_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    request.page_size = page_size;
    if (page_token) request.page_token = TEXT(page_token);
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "CostService/ListTakingCosts", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static struct rig_answer charge(account_id account, int64_t amount_minor, const char *reference) {
    Tagih__V1__ChargeAccountRequest request = TAGIH__V1__CHARGE_ACCOUNT_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = amount_minor;
    amount.currency = TEXT("IDR");
    request.account_id = TEXT(rig_text(account.u));
    request.component = TAGIH__V1__DEBT_COMPONENT__DEBT_COMPONENT_FEES;
    request.amount = &amount;
    request.value_us = clock_now().us - US_PER_MINUTE;
    request.reason = TEXT("towing");
    request.reference = TEXT(reference);
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.gateway), "AdjustmentService/ChargeAccount", &request);
}

//= RULES.md R-LED-1
//  Double entry: every posting is a transaction whose lines sum to zero per currency
static void a_cost_of_taking_is_recoverable_from_the_day_it_was_spent(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    uuid posting = approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(2000000), .reference = "TOW-J28"}));
    // J28: recoverable costs 2 000 000 · bank 2 000 000
    assert_lines(posting, {LEDGER_RECOVERABLE_COSTS, MINOR(2000000)}, {LEDGER_BANK, -MINOR(2000000)});
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000)); /* it is no debt */
    const Tagih__V1__ListTakingCostsResponse *list = costs_of(account, 0, NULL);
    assert_int_equal(list->n_costs, 1);
    assert_int_equal(list->open_minor, MINOR(2000000));
    assert_int_equal(list->costs[0]->amount->minor, MINOR(2000000));
    assert_string_equal(list->costs[0]->reference, "TOW-J28");
    assert_int_equal(list->costs[0]->kind, TAGIH__V1__TAKING_COST_KIND__TAKING_COST_KIND_TRANSPORT);
    assert_memory_equal(list->costs[0]->evidence_sha256.data, digest().data, 32);
    assert_string_equal(list->costs[0]->made_by, rig_text(teller.cashier.u));
    assert_string_equal(list->costs[0]->decided_by, rig_text(teller.second.u));
    assert_int_equal(teller_number(&teller, "select amount_minor from bank_expected where expected_id = '%s' and state = 1", posting), -MINOR(2000000));
}

//= RULES.md R-RPO-7a
//  A bill is booked once: either as a cost of taking when it was spent, or as a fee of the account, never both.
static void a_bill_is_booked_once_as_a_cost_or_as_a_fee(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(100000), .reference = "INV 7/a"}));
    assert_answer(charge(account, MINOR(100000), "inv-7A"), COST_SPENT); /* letters and digits, in either case */
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 100, .reference = "INV7A"}), COST_SPENT);
    assert_answer(charge(account, MINOR(50000), "INV-8"), OK);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = MINOR(50000), .reference = "INV-8"}), COST_CHARGED);
    assert_answer(charge(account, MINOR(50000), "INV-8"), COST_CHARGED);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4050000));
    account_id other = teller_account(&teller, nobody, &debt_j1, 1);
    approved(taking_cost(other, &(struct bill){.amount_minor = MINOR(50000), .reference = "INV-8"})); /* a bill may name two */
}

//= RULES.md R-RPO-7a
//  it is judged again when the second person approves
static void a_bill_that_was_charged_meanwhile_is_no_cost_any_more(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    struct rig_answer open = taking_cost(account, &(struct bill){.amount_minor = MINOR(70000), .reference = "INV-9"});
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = MINOR(70000), .reference = "INV-9"}), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.cashier, proposal_of(open), true), PROPOSAL_OWN);
    assert_answer(charge(account, MINOR(70000), "INV-9"), OK);
    assert_answer(approve(open), COST_CHARGED);
    struct rig_answer two = taking_cost(account, &(struct bill){.amount_minor = MINOR(80000), .reference = "INV-10"});
    struct rig_answer twin = taking_cost(account, &(struct bill){.amount_minor = MINOR(80000), .reference = "inv 10"}); /* as somebody else writes it */
    approved(two);
    assert_answer(approve(twin), COST_SPENT);
    assert_int_equal(costs_of(account, 0, NULL)->open_minor, MINOR(80000));
}

static void costs_that_cannot_be_are_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    user_id budi = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 0}), ADJUSTMENT_AMOUNT);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = -100}), ADJUSTMENT_AMOUNT);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = INT64_MAX}), ADJUSTMENT_AMOUNT);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 100, .in = "USD"}), ACCOUNT_CURRENCY);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 100, .in = "XXQ"}), MONEY_CURRENCY_UNKNOWN);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 100, .reference = " - "}), REQUEST_FIELD_RANGE);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 100, .reference = ""}), REQUEST_FIELD_MISSING);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 100, .value_us = clock_now().us + 60 * US_PER_MINUTE}), PAYMENT_FUTURE);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = 100, .maker = budi}), NOT_PERMITTED);
    assert_answer(taking_cost((account_id){rig_id()}, &(struct bill){.amount_minor = 100}), NOT_PERMITTED);
    Tagih__V1__RecordTakingCostRequest empty = TAGIH__V1__RECORD_TAKING_COST_REQUEST__INIT;
    assert_answer(rig_call(&rig, token(teller.cashier), "CostService/RecordTakingCost", &empty), REQUEST_FIELD_MISSING);
}

static void costs_are_listed_page_by_page_the_newest_first(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    for (int i = 1; i <= 3; i++) approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(1000 * i)}));
    const Tagih__V1__ListTakingCostsResponse *first = costs_of(account, 2, NULL);
    assert_int_equal(first->n_costs, 2);
    assert_int_equal(first->costs[0]->amount->minor, MINOR(3000));
    assert_int_equal(first->open_minor, MINOR(6000));
    const Tagih__V1__ListTakingCostsResponse *rest = costs_of(account, 2, first->next_page_token);
    assert_int_equal(rest->n_costs, 1);
    assert_int_equal(rest->costs[0]->amount->minor, MINOR(1000));
    assert_string_equal(rest->next_page_token, "");
}

/* ---- taken back ----------------------------------------------------------------------------------------------------- */

//= RULES.md R-RPO-7c
//  A cost of taking that was booked by mistake is taken back by two people, once: its lines the other way round, valued as
//  it was, and the bank is expected to show it no more.
static void a_cost_that_was_a_mistake_is_taken_back_once(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    int64_t spent_us = clock_now().us - 5 * US_PER_DAY;
    uuid cost = approved(
        taking_cost(account, &(struct bill){.amount_minor = MINOR(2000000), .reference = "TOW-J37", .value_us = spent_us}));
    const char *id = costs_of(account, 0, NULL)->costs[0]->cost_id;
    struct rig_answer open = reverse_cost(id);
    assert_answer(reverse_cost(id), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.cashier, proposal_of(open), true), PROPOSAL_OWN);
    uuid posting = approved(open);
    // J37: bank 2 000 000 · recoverable costs 2 000 000
    assert_lines(posting, {LEDGER_BANK, MINOR(2000000)}, {LEDGER_RECOVERABLE_COSTS, -MINOR(2000000)});
    assert_int_equal(teller_number(&teller,
                                   "select count(*) from posting r join posting c on c.posting_id = r.trigger_id"
                                   " where r.posting_id = '%s' and r.value_on = c.value_on",
                                   posting),
                     1);
    assert_int_equal(teller_number(&teller, "select state from bank_expected where expected_id = '%s'", cost),
                     EXPECTED_WITHDRAWN);
    const Tagih__V1__ListTakingCostsResponse *list = costs_of(account, 0, NULL);
    assert_int_equal(list->open_minor, 0);
    assert_int_equal(list->n_costs, 1);
    assert_true(list->costs[0]->reversed_us > 0);
    assert_answer(reverse_cost(rig_text(cost)), COST_REVERSED);
    assert_answer(reverse_cost(rig_text(rig_id())), NOT_PERMITTED);
    assert_answer(reverse_cost(""), REQUEST_FIELD_MISSING);
}

//= RULES.md R-RPO-7c
//  Its bill may be booked anew, as either.
static void a_bill_that_was_taken_back_is_booked_anew(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    uuid wrong = approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(100000), .reference = "INV-21"}));
    approved(reverse_cost(rig_text(wrong)));
    uuid right = approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(10000), .reference = "INV-21"}));
    assert_answer(charge(account, MINOR(10000), "inv 21"), COST_SPENT);
    approved(reverse_cost(rig_text(right)));
    assert_answer(charge(account, MINOR(10000), "inv 21"), OK);
    assert_answer(taking_cost(account, &(struct bill){.amount_minor = MINOR(10000), .reference = "INV-21"}), COST_CHARGED);
    assert_int_equal(costs_of(account, 0, NULL)->open_minor, 0);
}

//= RULES.md R-RPO-7c
//  nor when the bank has shown it: then the money did leave.
static void a_bill_that_the_bank_shows_is_not_taken_back(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    uuid cost = approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(123000), .reference = "TOW-123"}));
    struct rig_answer open = reverse_cost(rig_text(cost));
    teller_bank_line(&teller, NULL, "-123000.00", "TOW-123");
    assert_answer(approve(open), COST_AT_BANK);
    assert_int_equal(costs_of(account, 0, NULL)->open_minor, MINOR(123000));
}

//= RULES.md R-ALL-7
//  A posting has a value date and a posting date.
static void a_cost_of_a_closed_month_is_taken_back_in_the_open_one(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    instant spent = teller_noon(months_near_end(2));
    uuid cost = approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(2000000), .value_us = spent.us}));
    months_close_before(&teller, teller.second, months_closable());
    months_close(&teller, teller.second, months_closable());
    uuid posting = approved(reverse_cost(rig_text(cost)));
    assert_int_equal(
        teller_number(
            &teller,
            "select count(*) from posting r join posting c on c.posting_id = r.trigger_id"
            " where r.posting_id = '%s' and r.value_on = c.value_on and c.posting_on = c.value_on and r.posting_on >="
            " (select max(m.month_on) + interval '1 month' from month_close m where m.agency_id = r.agency_id)",
            posting),
        1);
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void what_the_bank_should_show_of_it_is_worked_out_again(void **state) {
    (void)state;
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_COST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cost_of_taking_is_recoverable_from_the_day_it_was_spent),
        cmocka_unit_test(a_bill_is_booked_once_as_a_cost_or_as_a_fee),
        cmocka_unit_test(a_bill_that_was_charged_meanwhile_is_no_cost_any_more),
        cmocka_unit_test(costs_that_cannot_be_are_refused),
        cmocka_unit_test(costs_are_listed_page_by_page_the_newest_first),
        cmocka_unit_test(a_cost_that_was_a_mistake_is_taken_back_once),
        cmocka_unit_test(a_bill_that_was_taken_back_is_booked_anew),
        cmocka_unit_test(a_bill_that_the_bank_shows_is_not_taken_back),
        cmocka_unit_test(a_cost_of_a_closed_month_is_taken_back_in_the_open_one),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
    };
    return cmocka_run_group_tests_name("cost", tests, open_desk, close_desk);
}
