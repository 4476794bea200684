/* SPDX-License-Identifier: Apache-2.0 */
/* Cheques from the outside: taken, handed in, cleared by the bank's line, bounced (J8 to J10). */
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

#define REASON(name) TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_##name

enum { OF_PAYMENT = 1, OF_REVERSAL = 2, OF_CHARGE = 5, OF_BANK_LINE = 32, OF_CHEQUE = 33, OF_BANK_CHARGE = 34 }; /* posting.kind */

static struct writer phone;

static int open_rig(void **state) {
    open_desk(state);
    phone = new_writer();
    phone.at.us = clock_now().us - 20 * US_PER_S;
    return 0;
}

static int close_rig(void **state) {
    writer_end(&phone);
    return close_desk(state);
}

static payment_id cheque(account_id account, int64_t amount_minor, const char *reference) {
    struct journal_entry receipt = writer_receipt(&phone, account, amount_minor);
    receipt.body.receipt.tender = JOURNAL_TENDER_CHEQUE;
    receipt.body.receipt.has_tender_reference = true;
    receipt.body.receipt.tender_reference = bytes_text(reference);
    return (payment_id){phone.entries[writer_pushed(&phone, &receipt)].id.u};
}

static struct rig_answer hand_in(user_id by, user_id whose, const payment_id *payments, size_t n) {
    char ids[101][UUID_TEXT_SIZE];
    char *pointers[101];
    for (size_t i = 0; i < n; i++) {
        uuid_format(payments[i].u, ids[i]);
        pointers[i] = ids[i];
    }
    Tagih__V1__HandInChequesRequest request = TAGIH__V1__HAND_IN_CHEQUES_REQUEST__INIT;
    request.collector_id = TEXT(rig_text(whose.u));
    request.payment_ids = pointers;
    request.n_payment_ids = n;
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(by), "ChequeService/HandInCheques", &request);
}

static void handed_in(payment_id payment) {
    struct rig_answer answer = hand_in(teller.cashier, collector, &payment, 1);
    assert_answer(answer, OK);
}

struct bounced {
    int64_t fee_minor;
    bool debtor_bears;
    const char *etag, *currency;
};

static struct rig_answer bounce(payment_id payment, const struct bounced *b) {
    Tagih__V1__Money fee = TAGIH__V1__MONEY__INIT;
    fee.minor = b->fee_minor;
    fee.currency = TEXT(b->currency ? b->currency : "IDR");
    Tagih__V1__BounceChequeRequest request = TAGIH__V1__BOUNCE_CHEQUE_REQUEST__INIT;
    request.payment_id = TEXT(rig_text(payment.u));
    request.etag = TEXT(b->etag ? b->etag : "p1");
    if (b->fee_minor) request.fee = &fee;
    request.debtor_bears = b->debtor_bears;
    request.reason = TEXT("no funds; contract clause 7");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.supervisor), "ChequeService/BounceCheque", &request);
}

static int64_t in_hand(void) {
    return teller_number(&teller, "select cheques_in_hand_minor from collector_state where collector_id = '%s' and currency = 'IDR'", collector.u);
}

static int64_t in_collection(void) {
    return pg_number(&rig.pg, "select coalesce(sum(amount_minor), 0)::int8 from ledger_line where ledger_account = 7");
}

//= RULES.md R-PAY-5
//  CHEQUE *cheques in hand*; all PROVISIONAL until matched to a bank line by (reference, amount).
static void a_cheque_is_taken_handed_in_and_cleared(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id payment = cheque(account, MINOR(3000000), "CHQ 000123");
    // J8: cheques in hand (C) 3 000 000 · receivable 3 000 000
    assert_int_equal(teller_line(&teller, payment, OF_PAYMENT, LEDGER_CHEQUES_IN_HAND), MINOR(3000000));
    assert_int_equal(teller_line(&teller, payment, OF_PAYMENT, LEDGER_RECEIVABLE_FEES) + teller_line(&teller, payment, OF_PAYMENT, LEDGER_RECEIVABLE_PENALTY) +
                     teller_line(&teller, payment, OF_PAYMENT, LEDGER_RECEIVABLE_INTEREST) + teller_line(&teller, payment, OF_PAYMENT, LEDGER_RECEIVABLE_PRINCIPAL),
                     -MINOR(3000000));
    int64_t bonus = teller_line(&teller, payment, OF_PAYMENT, LEDGER_BONUS_EXPENSE) / 100; /* and its bonus, as J3 */
    assert_moved(payment.u, OF_PAYMENT, {LEDGER_CHEQUES_IN_HAND, 3000000}, {LEDGER_RECEIVABLE_FEES, -40000},
                 {LEDGER_RECEIVABLE_PENALTY, -60000}, {LEDGER_RECEIVABLE_INTEREST, -400000}, {LEDGER_RECEIVABLE_PRINCIPAL, -2500000},
                 {LEDGER_BONUS_EXPENSE, bonus}, {LEDGER_BONUS_PAYABLE, -bonus});
    assert_int_equal(in_hand(), MINOR(3000000));
    struct rig_answer answer = hand_in(teller.cashier, collector, &payment, 1);
    assert_answer(answer, OK);
    const Tagih__V1__HandInChequesResponse *response = answer.response;
    assert_int_equal(response->n_sums, 1);
    assert_int_equal(response->sums[0]->minor, MINOR(3000000));
    // J9: handed in: cheques in collection 3 000 000 · cheques in hand 3 000 000
    assert_int_equal(teller_line(&teller, payment, OF_CHEQUE, LEDGER_CHEQUES_IN_COLLECTION), MINOR(3000000));
    assert_moved(payment.u, OF_CHEQUE, {LEDGER_CHEQUES_IN_COLLECTION, 3000000}, {LEDGER_CHEQUES_IN_HAND, -3000000});
    assert_int_equal(in_hand(), 0);
    payment_id other = cheque(account, MINOR(3000000), "CHQ 000124");
    handed_in(other);
    const Tagih__V1__BankRowResult *cleared = teller_bank_line(&teller, NULL, "3000000", "chq-000124");
    assert_string_equal(cleared->result, "SETTLED");
    // J9: cleared: bank 3 000 000 · cheques in collection 3 000 000
    assert_int_equal(line(rig_uuid(cleared->line_id), LEDGER_BANK), MINOR(3000000));
    assert_int_equal(line(rig_uuid(cleared->line_id), LEDGER_CHEQUES_IN_COLLECTION), -MINOR(3000000));
    assert_moved(other.u, OF_BANK_LINE, {LEDGER_BANK, 3000000}, {LEDGER_CHEQUES_IN_COLLECTION, -3000000});
    assert_int_equal(teller_number(&teller, "select count(*) from payment_settled where payment_id = '%s'", other.u), 1);
    assert_int_equal(in_collection(), MINOR(3000000));
    struct rig_answer bounced = bounce(payment, &(struct bounced){0});
    assert_answer(bounced, OK);
    assert_int_equal(in_collection(), 0);
}

//= RULES.md R-PAY-4
//  BOUNCE → cheques in collection
static void a_bounce_gives_the_debt_back_and_the_fee_is_ours(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id payment = cheque(account, MINOR(3000000), "CHQ-10");
    handed_in(payment);
    int64_t bonus_minor = teller_line(&teller, payment, OF_PAYMENT, LEDGER_BONUS_EXPENSE);
    assert_true(bonus_minor > 0);
    struct rig_answer answer = bounce(payment, &(struct bounced){.fee_minor = MINOR(50000)});
    assert_answer(answer, OK);
    assert_true(((const Tagih__V1__BounceChequeResponse *)answer.response)->payment->reversed);
    // J10: receivable 3 000 000; bank charges 50 000; bonus payable · cheques in collection 3 000 000; bank 50 000; bonus expense
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_FEES), MINOR(40000));
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_PENALTY), MINOR(60000));
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_INTEREST), MINOR(400000));
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_PRINCIPAL), MINOR(2500000));
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_CHEQUES_IN_COLLECTION), -MINOR(3000000));
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_BONUS_PAYABLE), bonus_minor);
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_BONUS_EXPENSE), -bonus_minor);
    assert_int_equal(teller_line(&teller, payment, OF_BANK_CHARGE, LEDGER_BANK_CHARGES), MINOR(50000));
    assert_int_equal(teller_line(&teller, payment, OF_BANK_CHARGE, LEDGER_BANK), -MINOR(50000));
    assert_moved(payment.u, OF_REVERSAL, {LEDGER_RECEIVABLE_FEES, 40000}, {LEDGER_RECEIVABLE_PENALTY, 60000},
                 {LEDGER_RECEIVABLE_INTEREST, 400000}, {LEDGER_RECEIVABLE_PRINCIPAL, 2500000}, {LEDGER_CHEQUES_IN_COLLECTION, -3000000},
                 {LEDGER_BONUS_PAYABLE, bonus_minor / 100}, {LEDGER_BONUS_EXPENSE, -bonus_minor / 100});
    assert_moved(payment.u, OF_BANK_CHARGE, {LEDGER_BANK_CHARGES, 50000}, {LEDGER_BANK, -50000});
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
    const Tagih__V1__BankRowResult *fee = teller_bank_line(&teller, NULL, "-50000", "CHQ-10"); /* confirms it, and books nothing */
    assert_string_equal(fee->result, "SETTLED");
    assert_int_equal(line(rig_uuid(fee->line_id), LEDGER_BANK), 0);
    assert_string_equal(teller_bank_line(&teller, NULL, "3000000", "CHQ-10")->result, "SUSPENSE"); /* it is expected no more */
}

//= RULES.md R-PAY-4a
//  The bank's fee for a bounce is ours (bank charges) or, where the account's contract says so, the account's
static void a_fee_that_the_contract_puts_on_the_debtor_is_charged_to_him(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id payment = cheque(account, MINOR(3000000), "CHQ-11");
    handed_in(payment);
    struct rig_answer answer = bounce(payment, &(struct bounced){.fee_minor = MINOR(50000), .debtor_bears = true});
    assert_answer(answer, OK);
    // J10: receivable 3 000 000; (or receivable fees if the contract says so) 50 000 · cheques in collection 3 000 000; bank 50 000,
    // over the postings of the event: the charge is a fact of the account, and moved what the cheque had paid before it bounced
    const int64_t parts_minor[COMPONENT_COUNT] = {[COMPONENT_FEES] = MINOR(90000), [COMPONENT_PENALTY] = MINOR(60000),
                                                  [COMPONENT_INTEREST] = MINOR(400000), [COMPONENT_PRINCIPAL] = MINOR(2500000)};
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        char sql[300];
        snprintf(sql, sizeof sql, "select coalesce(sum(amount_minor), 0)::int8 from ledger_line join posting using (agency_id, posting_id)"
                 " where account_id = '%%s' and kind in (2, 5, 34) and ledger_account = %d", (int)ledger_receivable((enum component)c));
        assert_int_equal(teller_number(&teller, sql, account.u), parts_minor[c]);
    }
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_CHEQUES_IN_COLLECTION), -MINOR(3000000));
    assert_int_equal(teller_line(&teller, payment, OF_BANK_CHARGE, LEDGER_BANK), -MINOR(50000));
    assert_int_equal(teller_line(&teller, payment, OF_BANK_CHARGE, LEDGER_BANK_CHARGES), 0);
    /* creditor control is what it was: raised by the charge, paid by the fee */
    assert_int_equal(teller_number(&teller, "select coalesce(sum(amount_minor), 0)::int8 from ledger_line join posting using (agency_id, posting_id)"
                                            " where account_id = '%s' and kind in (5, 34) and ledger_account = 16", account.u), 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4050000));
    assert_int_equal(teller_number(&teller, "select count(*) from cheque_event where payment_id = '%s' and kind = 2 and charged and fee_minor = 5000000", payment.u), 1);
}

static void a_cheque_that_was_cleared_can_still_come_back(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id payment = cheque(account, MINOR(200000), "CHQ-12");
    handed_in(payment);
    assert_string_equal(teller_bank_line(&teller, NULL, "200000", "CHQ-12")->result, "SETTLED");
    int64_t before = in_collection();
    struct rig_answer answer = bounce(payment, &(struct bounced){0});
    assert_answer(answer, OK);
    const Tagih__V1__BankRowResult *back = teller_bank_line(&teller, NULL, "-200000", "CHQ-12");
    assert_string_equal(back->result, "SETTLED");
    assert_int_equal(line(rig_uuid(back->line_id), LEDGER_BANK), -MINOR(200000));
    assert_int_equal(line(rig_uuid(back->line_id), LEDGER_CHEQUES_IN_COLLECTION), MINOR(200000));
    assert_int_equal(in_collection(), before);
}

//= RULES.md R-PAY-5c
//  a void … of a cheque that was handed in, leaves its money in suspense
static void a_cheque_in_collection_is_not_handed_back_by_a_void(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id kept = cheque(account, MINOR(1000), "CHQ-13"), given = cheque(account, MINOR(2000), "CHQ-14");
    handed_in(given);
    struct rig_answer first = teller_reverse(&teller, kept, REASON(VOID)), second = teller_reverse(&teller, given, REASON(VOID));
    assert_answer(first, OK);
    assert_answer(second, OK);
    assert_int_equal(teller_line(&teller, kept, OF_REVERSAL, LEDGER_CHEQUES_IN_HAND), -MINOR(1000));
    assert_int_equal(teller_line(&teller, given, OF_REVERSAL, LEDGER_SUSPENSE), -MINOR(2000));
    assert_int_equal(in_hand(), 0);
}

static void what_may_not_be_is_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id payment = cheque(account, MINOR(5000), "CHQ-15"), pair[2] = {payment, payment};
    payment_id gateway = teller_paid(&teller, account, &(struct paid){.amount_minor = 100});
    user_id both = rig_user(&rig, teller.agency, NULL, ROLE_CASHIER | ROLE_COLLECTOR);
    assert_answer(bounce(payment, &(struct bounced){0}), CHEQUE_IN_HAND);
    assert_answer(teller_reverse(&teller, payment, REASON(BOUNCE)), CHEQUE_IN_HAND);
    assert_answer(hand_in(both, both, &payment, 1), SETTLEMENT_OWN);
    assert_answer(hand_in(teller.cashier, both, &payment, 1), CHEQUE_NOT_IN_HAND); /* another's */
    assert_answer(hand_in(teller.cashier, collector, &gateway, 1), CHEQUE_NOT_IN_HAND);
    assert_answer(hand_in(teller.cashier, collector, &(payment_id){rig_id()}, 1), NOT_PERMITTED);
    assert_answer(hand_in(teller.cashier, collector, pair, 2), REQUEST_FIELD_RANGE);
    assert_answer(hand_in(teller.cashier, collector, pair, 0), REQUEST_TOO_MANY);
    assert_answer(hand_in(teller.supervisor, collector, &payment, 1), NOT_PERMITTED);
    handed_in(payment);
    assert_answer(hand_in(teller.cashier, collector, &payment, 1), CHEQUE_NOT_IN_HAND); /* twice */
    assert_answer(bounce(payment, &(struct bounced){.etag = "p9"}), PAYMENT_CHANGED);
    assert_answer(bounce(payment, &(struct bounced){.fee_minor = -1}), PAYMENT_AMOUNT);
    assert_answer(bounce(payment, &(struct bounced){.fee_minor = MONEY_AMOUNT_MAX_MINOR + 1}), PAYMENT_AMOUNT);
    assert_answer(bounce(payment, &(struct bounced){.fee_minor = 100, .currency = "USD"}), ACCOUNT_CURRENCY);
    assert_answer(bounce(payment, &(struct bounced){.debtor_bears = true}), REQUEST_FIELD_MISSING);
    assert_answer(bounce(gateway, &(struct bounced){0}), PAYMENT_REVERSAL_REASON);
    struct rig_answer good = bounce(payment, &(struct bounced){0});
    assert_answer(good, OK);
    assert_answer(bounce(payment, &(struct bounced){.etag = "p1r"}), PAYMENT_REVERSED);
}

//= RULES.md R-LED-2
//  Identities, checked by demo, `verify` and tests, per currency
static void all_books_are_computed_again(void **state) {
    (void)state;
    assert_int_equal(in_collection(), MINOR(2000)); /* the one that was voided after it had been handed in */
    assert_books_hold(rig.pg.conninfo);
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void what_the_bank_should_show_of_it_is_worked_out_again(void **state) {
    (void)state;
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_CHEQUE, EXPECTED_CHEQUE_FEE, EXPECTED_CHEQUE_RETURN);
}

//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void what_payments_paid_is_what_receivables_lost(void **state) {
    (void)state;
    verifier_assert_identities(&rig, teller.agency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cheque_is_taken_handed_in_and_cleared),
        cmocka_unit_test(a_bounce_gives_the_debt_back_and_the_fee_is_ours),
        cmocka_unit_test(a_fee_that_the_contract_puts_on_the_debtor_is_charged_to_him),
        cmocka_unit_test(a_cheque_that_was_cleared_can_still_come_back),
        cmocka_unit_test(a_cheque_in_collection_is_not_handed_back_by_a_void),
        cmocka_unit_test(what_may_not_be_is_refused),
        cmocka_unit_test(all_books_are_computed_again),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
        cmocka_unit_test(what_payments_paid_is_what_receivables_lost),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
