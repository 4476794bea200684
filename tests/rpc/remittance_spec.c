/* SPDX-License-Identifier: Apache-2.0 */
/* Remittances from the outside: what was collected goes to the creditors, by two people, never more than is theirs. */
#include "tests/rpc/sale_case.h"
#include "tests/support/verifier.h"

static const user_id nobody;

struct remitted {
    int64_t amount_minor;
    const char *creditor, *reference, *in; /* NULL: Bank Ibu, a new one, IDR */
    user_id maker;                         /* nil: the cashier */
    int64_t value_us;
};

static struct rig_answer remit(const struct remitted *that) {
    Tagih__V1__RemitToCreditorRequest request = TAGIH__V1__REMIT_TO_CREDITOR_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = that->amount_minor;
    amount.currency = TEXT(that->in ? that->in : "IDR");
    request.creditor = TEXT(that->creditor ? that->creditor : "Bank Ibu");
    request.amount = &amount;
    request.reference = TEXT(that->reference ? that->reference : rig_text(rig_id()));
    request.value_us = that->value_us ? that->value_us : clock_now().us - US_PER_MINUTE;
    request.reason = TEXT("the month's");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(uuid_is_nil(that->maker.u) ? teller.cashier : that->maker), "RemittanceService/RemitToCreditor", &request);
}

static const Tagih__V1__ListRemittancesResponse *listed(const char *creditor, int32_t page_size, const char *page_token) {
    Tagih__V1__ListRemittancesRequest request = TAGIH__V1__LIST_REMITTANCES_REQUEST__INIT;
    request.creditor = TEXT(creditor);
    request.page_size = page_size;
    if (page_token) request.page_token = TEXT(page_token);
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "RemittanceService/ListRemittances", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static int64_t owed_minor(void) {
    const Tagih__V1__ListRemittancesResponse *list = listed("", 1, NULL);
    return list->n_owed ? list->owed[0]->minor : 0;
}

//= RULES.md R-LED-1b
//  Never more goes to the creditors than is theirs by now: creditor control less what is open.
static void what_was_collected_goes_to_the_creditor_and_no_more(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_int_equal(owed_minor(), 0); /* all of it is open */
    assert_answer(remit(&(struct remitted){.amount_minor = 100}), REMITTANCE_AMOUNT);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3000000)});
    assert_int_equal(owed_minor(), MINOR(3000000));
    uuid posting = approved(remit(&(struct remitted){.amount_minor = MINOR(2000000), .reference = "RTGS-J30"}));
    // J30: creditor control 2 000 000 · bank 2 000 000
    assert_lines(posting, {LEDGER_CREDITOR_CONTROL, MINOR(2000000)}, {LEDGER_BANK, -MINOR(2000000)});
    assert_int_equal(owed_minor(), MINOR(1000000));
    assert_answer(remit(&(struct remitted){.amount_minor = MINOR(1000000) + 1}), REMITTANCE_AMOUNT);
    assert_int_equal(teller_number(&teller, "select amount_minor from bank_expected where expected_id = '%s' and state = 1", posting), -MINOR(2000000));
}

//= RULES.md R-LED-1b
//  the bank's statement confirms it
static void the_banks_line_confirms_it_and_books_nothing(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000)});
    uuid posting = approved(remit(&(struct remitted){.amount_minor = MINOR(123000), .reference = "RTGS-99"}));
    int64_t bank_minor = held(LEDGER_BANK);
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, NULL, "-123000", "rtgs 99");
    assert_string_equal(row->result, "SETTLED");
    assert_string_equal(row->expected_id, rig_text(posting));
    assert_int_equal(held(LEDGER_BANK), bank_minor);
    assert_string_equal(teller_bank_line(&teller, NULL, "-123000", "rtgs 99")->result, "OPEN"); /* it left once */
}

//= RULES.md R-LED-1b
//  once a creditor and reference
static void a_remittance_is_made_once(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000)});
    struct rig_answer open = remit(&(struct remitted){.amount_minor = 100, .reference = "R 1"});
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .reference = "R 1"}), PROPOSAL_EXISTS);
    struct rig_answer twin = remit(&(struct remitted){.amount_minor = 100, .reference = "r-1"});
    assert_answer(teller_decide(&teller, teller.cashier, proposal_of(open), true), PROPOSAL_OWN);
    approved(open);
    assert_answer(approve(twin), REMITTANCE_EXISTS);
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .reference = "R1"}), REMITTANCE_EXISTS);
    approved(remit(&(struct remitted){.amount_minor = 100, .reference = "R1", .creditor = "Bank Anak"}));
}

//= RULES.md R-LED-1b
//  it is judged again when the second person approves
static void money_that_went_back_meanwhile_is_not_remitted(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(500000)});
    int64_t all_minor = owed_minor();
    struct rig_answer open = remit(&(struct remitted){.amount_minor = all_minor});
    assert_answer(teller_reverse(&teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_BANK_RECALL), OK);
    assert_answer(approve(open), REMITTANCE_AMOUNT);
    assert_int_equal(owed_minor(), all_minor - MINOR(500000));
}

static void remittances_that_cannot_be_are_refused(void **state) {
    (void)state;
    user_id budi = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    assert_answer(remit(&(struct remitted){.amount_minor = 0}), ADJUSTMENT_AMOUNT);
    assert_answer(remit(&(struct remitted){.amount_minor = -1}), ADJUSTMENT_AMOUNT);
    assert_answer(remit(&(struct remitted){.amount_minor = INT64_MAX}), ADJUSTMENT_AMOUNT);
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .in = "USD"}), REMITTANCE_AMOUNT); /* nothing was collected in it */
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .in = "XXQ"}), MONEY_CURRENCY_UNKNOWN);
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .creditor = ""}), REQUEST_FIELD_MISSING);
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .reference = "--"}), REQUEST_FIELD_RANGE);
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .value_us = 1}), REQUEST_TIME);
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .maker = budi}), NOT_PERMITTED);
    assert_answer(remit(&(struct remitted){.amount_minor = 100, .maker = teller.gateway}), NOT_PERMITTED);
}

static void remittances_are_listed_by_creditor_page_by_page(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000)});
    for (int i = 1; i <= 3; i++) approved(remit(&(struct remitted){.amount_minor = MINOR(i), .creditor = "Bank Tiga"}));
    const Tagih__V1__ListRemittancesResponse *first = listed("Bank Tiga", 2, NULL);
    assert_int_equal(first->n_remittances, 2);
    assert_int_equal(first->remittances[0]->amount->minor, MINOR(3));
    assert_string_equal(first->remittances[0]->creditor, "Bank Tiga");
    assert_string_equal(first->remittances[0]->decided_by, rig_text(teller.second.u));
    const Tagih__V1__ListRemittancesResponse *rest = listed("Bank Tiga", 2, first->next_page_token);
    assert_int_equal(rest->n_remittances, 1);
    assert_int_equal(rest->remittances[0]->amount->minor, MINOR(1));
    assert_string_equal(rest->next_page_token, "");
    assert_int_equal(listed("Bank Lain", 2, NULL)->n_remittances, 0);
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void what_the_bank_should_show_of_it_is_worked_out_again(void **state) {
    (void)state;
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_REMITTANCE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_collected_goes_to_the_creditor_and_no_more),
        cmocka_unit_test(the_banks_line_confirms_it_and_books_nothing),
        cmocka_unit_test(a_remittance_is_made_once),
        cmocka_unit_test(money_that_went_back_meanwhile_is_not_remitted),
        cmocka_unit_test(remittances_that_cannot_be_are_refused),
        cmocka_unit_test(remittances_are_listed_by_creditor_page_by_page),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
    };
    return cmocka_run_group_tests_name("remittance", tests, open_desk, close_desk);
}
