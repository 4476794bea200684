/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank that is faster than a phone: lines that come before what they are, and lines that people match (R-PAY-5a,
 * R-PAY-5d, R-CSH-2e). After every test the bank's ledger is what its statement says, and nothing stands in two places.
 */
#include "server/domain/change.h"
#include "server/rpc/bank_pair.h"
#include "tests/support/desk.h"
#include "tests/support/job.h"
#include "tests/support/verifier.h"

static user_id other;
static struct writer phone;

static int open_rig(void **state) {
    open_desk(state);
    phone = new_writer();
    phone.at.us = clock_now().us - 300 * US_PER_S;
    other = rig_user(&rig, teller.agency, "sari", ROLE_SUPERVISOR);
    return 0;
}

static int close_rig(void **state) {
    writer_end(&phone);
    return close_desk(state);
}

/* R-PAY-5: money of the statement is at the bank once, whatever settled it and in which order. */
static int books_hold(void **state) {
    (void)state;
    assert_suspense_holds(&rig);
    assert_int_equal(pg_number(&rig.pg, "select (select coalesce(sum(amount_minor), 0) from ledger_line where ledger_account = 10)"
                     " - (select coalesce(sum(amount_minor), 0) from deposit_state where state = 1)"), 0);
    /* the bank: lines that were booked, and deposits that somebody said it has */
    assert_int_equal(pg_number(&rig.pg, "select (select coalesce(sum(amount_minor), 0) from ledger_line where ledger_account = 11)"
                     " - (select coalesce(sum(amount_minor), 0) from bank_line where outcome <> 4)"
                     " - (select coalesce(sum(amount_minor), 0) from bank_expected where kind = 4 and ledger_account = 11 and state = 1)"), 0);
    return 0;
}

/* ---- what happens --------------------------------------------------------------------------------------------- */

static void minute(void) {
    job_chore(&rig, teller.agency, clock_now(), bank_late_work);
}

static entry_id pushed(struct journal_entry *entry) {
    return phone.entries[writer_pushed(&phone, entry)].id;
}

/* Cash of that sum, brought to the bank by the collector. */
static uuid deposited(int64_t amount_minor, const char *reference) {
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct journal_entry receipt = writer_receipt(&phone, account, amount_minor);
    pushed(&receipt);
    struct journal_entry deposit = writer_entry(&phone, JOURNAL_DEPOSIT);
    deposit.body.deposit = (struct journal_deposit){.amount_minor = amount_minor, .currency = {"IDR"}, .bank_reference = bytes_text(reference)};
    return pushed(&deposit).u;
}

static payment_id field(account_id account, int64_t amount_minor, uint16_t tender, const char *reference) {
    struct journal_entry receipt = writer_receipt(&phone, account, amount_minor);
    receipt.body.receipt.tender = tender;
    receipt.body.receipt.has_tender_reference = true;
    receipt.body.receipt.tender_reference = bytes_text(reference);
    return (payment_id){pushed(&receipt).u};
}

static int64_t deposit_state(uuid id) {
    return teller_number(&teller, "select state from deposit_state where deposit_id = '%s'", id);
}

/* What the posting that settled a thing moved. */
static int64_t moved(uuid thing, enum ledger_account account) {
    char sql[400];
    snprintf(sql, sizeof sql, "select coalesce(sum(l.amount_minor), 0)::int8 from ledger_line l join bank_match m using (agency_id, posting_id)"
             " where m.expected_id = '%%s' and l.ledger_account = %d", (int)account);
    return teller_number(&teller, sql, thing);
}

static int64_t moves(uuid thing) {
    return teller_number(&teller, "select count(*) from ledger_line l join bank_match m using (agency_id, posting_id) where m.expected_id = '%s'", thing);
}

static struct rig_answer match_deposit(user_id by, uuid deposit, const char *etag) {
    Tagih__V1__MatchDepositRequest request = TAGIH__V1__MATCH_DEPOSIT_REQUEST__INIT;
    request.deposit_id = TEXT(rig_text(deposit));
    request.reason = TEXT("line 12 of the statement of today");
    request.request_id = TEXT(rig_text(rig_id()));
    request.etag = TEXT(etag);
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, by, 0), "CashService/MatchDeposit", &request);
}

static struct rig_answer match_line(user_id by, const char *line, uuid thing) {
    Tagih__V1__MatchLineRequest request = TAGIH__V1__MATCH_LINE_REQUEST__INIT;
    request.line_id = TEXT(line);
    request.expected_id = TEXT(rig_text(thing));
    request.reason = TEXT("the slip says so");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, by, 0), "BankService/MatchLine", &request);
}

static const char *proposed(const char *line, uuid thing) {
    struct rig_answer answer = match_line(teller.cashier, line, thing);
    assert_answer(answer, OK);
    return ((const Tagih__V1__MatchLineResponse *)answer.response)->proposal_id;
}

/* ---- before its reason ---------------------------------------------------------------------------------------- */

//= RULES.md R-PAY-5a
//  What came before its reason is looked at again: when one thing, and one only, turns out to be meant, it is settled
static void a_line_that_was_faster_than_its_deposit_books_the_bank_once(void **state) {
    (void)state;
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "D-1", "1900000", "setor/81");
    assert_string_equal(row->result, "SUSPENSE");
    uuid line = rig_uuid(row->line_id), deposit = deposited(MINOR(1900000), "SETOR 81");
    assert_int_equal(deposit_state(deposit), 1);
    minute();
    assert_int_equal(deposit_state(deposit), 2);
    // J15, second half, whose bank was booked by J20: suspense 1 900 000 · deposit in transit 1 900 000
    assert_int_equal(moved(deposit, LEDGER_SUSPENSE), MINOR(1900000));
    assert_int_equal(moved(deposit, LEDGER_DEPOSIT_IN_TRANSIT), -MINOR(1900000));
    assert_int_equal(moves(deposit), 2);
    assert_int_equal(teller_number(&teller, "select state from suspense_state where item_id = '%s'", line), 3);
    assert_int_equal(teller_number(&teller, "select count(*) from deposit_event where bank_line_id = '%s' and event = 2", line), 1);
    assert_int_equal(teller_number(&teller, "select deposit_in_transit_minor from collector_state where collector_id = '%s'", collector.u), 0);
    minute();
    assert_int_equal(moves(deposit), 2);
    assert_answer(match_deposit(teller.cashier, deposit, "d1"), DEPOSIT_SETTLED);
}

static void a_line_that_was_faster_than_its_receipt_waits_for_no_other_statement(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    teller_bank_line(&teller, "D-2", "150000", "EARLY-2");
    payment_id payment = field(account, MINOR(150000), JOURNAL_TENDER_QR, "EARLY-2");
    minute();
    // J11, whose bank was booked by J20: suspense 150 000 · transfer clearing 150 000
    assert_int_equal(moved(payment.u, LEDGER_SUSPENSE), MINOR(150000));
    assert_int_equal(moved(payment.u, LEDGER_TRANSFER_CLEARING), -MINOR(150000));
    assert_int_equal(moves(payment.u), 2);
    //= RULES.md R-BON-6
    //  other tenders: matched to a bank line
    assert_int_equal(teller_number(&teller, "select count(*) from payment_settled where payment_id = '%s'", payment.u), 1);
}

static void a_line_that_was_faster_than_its_cheque_waits_until_that_was_handed_in(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    teller_bank_line(&teller, "D-3", "300000", "GIRO 5");
    payment_id payment = field(account, MINOR(300000), JOURNAL_TENDER_CHEQUE, "GIRO-5");
    minute();
    assert_int_equal(moves(payment.u), 0); /* it is in his bag */
    Tagih__V1__HandInChequesRequest request = TAGIH__V1__HAND_IN_CHEQUES_REQUEST__INIT;
    char *ids[] = {TEXT(rig_text(payment.u))};
    request.payment_ids = ids;
    request.n_payment_ids = 1;
    request.collector_id = TEXT(rig_text(collector.u));
    request.request_id = TEXT(rig_text(rig_id()));
    struct rig_answer handed = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.cashier, 0), "ChequeService/HandInCheques", &request);
    assert_answer(handed, OK);
    minute();
    // J9, whose bank was booked by J20: suspense 300 000 · cheques in collection 300 000
    assert_int_equal(moved(payment.u, LEDGER_SUSPENSE), MINOR(300000));
    assert_int_equal(moved(payment.u, LEDGER_CHEQUES_IN_COLLECTION), -MINOR(300000));
    assert_int_equal(moves(payment.u), 2);
}

//= RULES.md R-CSH-2c
//  A deposit is matched with the bank's statement by (reference, amount), the oldest first
static void of_deposits_with_one_reference_the_oldest_is_meant(void **state) {
    (void)state;
    uuid first = deposited(MINOR(70000), "TWIN"), second = deposited(MINOR(70000), "TWIN"), third = deposited(MINOR(70000), "TWIN");
    assert_string_equal(teller_bank_line(&teller, "T-1", "70000", "TWIN")->expected_id, rig_text(first));
    assert_int_equal(deposit_state(second), 1);
    assert_string_equal(teller_bank_line(&teller, "T-2", "70000", "TWIN")->expected_id, rig_text(second));
    assert_string_equal(teller_bank_line(&teller, "T-3", "70000", "TWIN")->expected_id, rig_text(third));
    assert_string_equal(teller_bank_line(&teller, "T-4", "70000", "TWIN")->result, "SUSPENSE");
    assert_string_equal(teller_bank_line(&teller, "T-5", "70000", "TWIN")->result, "SUSPENSE");
    uuid fourth = deposited(MINOR(70000), "TWIN"), fifth = deposited(MINOR(70000), "TWIN");
    minute();
    assert_int_equal(deposit_state(fourth), 2);
    assert_int_equal(deposit_state(fifth), 2);
}

//= RULES.md R-PAY-5b
//  A line that several things expect settles none of them
static void what_two_payments_expect_waits_for_a_person(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "M-1", "31000", "MANY");
    payment_id first = field(account, MINOR(31000), JOURNAL_TENDER_TRANSFER, "MANY"), second = field(account, MINOR(31000), JOURNAL_TENDER_TRANSFER, "MANY");
    minute();
    assert_int_equal(moves(first.u) + moves(second.u), 0);
    //= RULES.md R-PAY-5d
    //  Two people say what a line is that matched nothing
    const char *proposal = proposed(row->line_id, second.u);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), OK);
    assert_int_equal(moved(second.u, LEDGER_SUSPENSE), MINOR(31000));
    assert_int_equal(moved(second.u, LEDGER_TRANSFER_CLEARING), -MINOR(31000));
    assert_int_equal(moves(first.u), 0);
}

/* ---- by hand -------------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-2e
//  A deposit that is matched by hand joins the line that is here already under its reference
static void matching_a_deposit_by_hand_joins_its_line(void **state) {
    (void)state;
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "H-1", "81000", "HAND-1");
    uuid deposit = deposited(MINOR(81000), "HAND-1");
    assert_answer(match_deposit(teller.cashier, deposit, "d1"), OK);
    assert_int_equal(moved(deposit, LEDGER_SUSPENSE), MINOR(81000));
    assert_int_equal(moved(deposit, LEDGER_DEPOSIT_IN_TRANSIT), -MINOR(81000));
    assert_int_equal(moves(deposit), 2);
    assert_int_equal(teller_number(&teller, "select state from suspense_state where item_id = '%s'", rig_uuid(row->line_id)),
                     3);
    assert_answer(match_deposit(teller.cashier, deposit, "d2"), DEPOSIT_SETTLED);
}

//= RULES.md R-CSH-2e
//  without one, the bank is booked on his word, and the line that comes later confirms it and books nothing
static void a_line_that_comes_after_the_hand_books_nothing(void **state) {
    (void)state;
    uuid deposit = deposited(MINOR(82000), "HAND-2");
    assert_answer(match_deposit(teller.cashier, deposit, "d1"), OK);
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "H-2", "82000", "HAND-2");
    assert_string_equal(row->result, "SETTLED");
    assert_string_equal(row->expected_id, rig_text(deposit));
    assert_int_equal(
        teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", rig_uuid(row->line_id)), 0);
    assert_string_equal(teller_bank_line(&teller, "H-3", "82000", "HAND-2")->result, "SUSPENSE"); /* it was brought once */
}

//= RULES.md R-PAY-5d
//  Two people say what a line is that matched nothing: any open thing of its amount and currency, whatever its reference
static void a_line_with_a_spoilt_reference_is_matched_by_two_people(void **state) {
    (void)state;
    uuid deposit = deposited(MINOR(83000), "HAND-4"), cheaper = deposited(MINOR(83100), "HAND-5");
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "H-4", "83000", "HNAD-4");
    assert_string_equal(row->result, "SUSPENSE");
    assert_answer(match_line(collector, row->line_id, deposit), NOT_PERMITTED);
    assert_answer(match_line(teller.cashier, row->line_id, cheaper), BANK_MATCH_MONEY);
    assert_answer(match_line(teller.cashier, rig_text(rig_id()), deposit), NOT_PERMITTED);
    assert_answer(match_line(teller.cashier, row->line_id, rig_id()), NOT_PERMITTED);
    struct rig_answer mine = match_line(teller.supervisor, row->line_id, deposit);
    assert_answer(mine, OK);
    const char *proposal = ((const Tagih__V1__MatchLineResponse *)mine.response)->proposal_id;
    assert_answer(match_line(teller.cashier, row->line_id, deposit), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    assert_answer(teller_decide(&teller, other, proposal, true), OK);
    assert_int_equal(deposit_state(deposit), 2);
    // J15, second half, whose bank was booked by J20: suspense 83 000 · deposit in transit 83 000
    assert_int_equal(moved(deposit, LEDGER_SUSPENSE), MINOR(83000));
    assert_int_equal(moved(deposit, LEDGER_DEPOSIT_IN_TRANSIT), -MINOR(83000));
    assert_int_equal(moves(deposit), 2);
    assert_answer(teller_decide(&teller, other, proposal, true), PROPOSAL_DECIDED);
    assert_answer(match_line(teller.cashier, row->line_id, deposit), BANK_MATCH_WAITS);
}

/* What was matched meanwhile is not matched again: nothing happens, and the proposal stays open. */
static void what_no_longer_waits_is_not_matched(void **state) {
    (void)state;
    uuid deposit = deposited(MINOR(84000), "HAND-6");
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "H-6", "84000", "WRONG-6");
    char id[UUID_TEXT_SIZE];
    snprintf(id, sizeof id, "%s", row->line_id);
    char proposal[UUID_TEXT_SIZE];
    snprintf(proposal, sizeof proposal, "%s", proposed(id, deposit));
    assert_string_equal(teller_bank_line(&teller, "H-7", "84000", "HAND-6")->result, "SETTLED");
    int64_t postings = pg_number(&rig.pg, "select count(*) from posting");
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), BANK_MATCH_WAITS);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from posting"), postings);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, false), OK);
}

/* A deposit was matched by hand, and its line had come under another reference: the bank would have it twice. */
static void a_line_of_a_deposit_that_was_matched_by_hand_leaves_suspense_for_the_bank(void **state) {
    (void)state;
    uuid deposit = deposited(MINOR(85000), "HAND-8");
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "H-8", "85000", "WRONG-8");
    char id[UUID_TEXT_SIZE];
    snprintf(id, sizeof id, "%s", row->line_id);
    assert_answer(match_deposit(teller.cashier, deposit, "d1"), OK);
    assert_answer(teller_decide(&teller, teller.supervisor, proposed(id, deposit), true), OK);
    assert_int_equal(moved(deposit, LEDGER_SUSPENSE), MINOR(85000));
    assert_int_equal(moved(deposit, LEDGER_BANK), -MINOR(85000));
}

/* ---- all books ------------------------------------------------------------------------------------------------ */

//= RULES.md R-LED-2
//  Identities, checked by demo, `verify` and tests, per currency
static void all_books_are_computed_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void what_the_bank_should_show_of_it_is_worked_out_again(void **state) {
    (void)state;
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_DEPOSIT);
}

#define HELD(test) cmocka_unit_test_teardown(test, books_hold)

int main(void) {
    const struct CMUnitTest tests[] = {
        HELD(a_line_that_was_faster_than_its_deposit_books_the_bank_once),
        HELD(a_line_that_was_faster_than_its_receipt_waits_for_no_other_statement),
        HELD(a_line_that_was_faster_than_its_cheque_waits_until_that_was_handed_in),
        HELD(of_deposits_with_one_reference_the_oldest_is_meant),
        HELD(what_two_payments_expect_waits_for_a_person),
        HELD(matching_a_deposit_by_hand_joins_its_line),
        HELD(a_line_that_comes_after_the_hand_books_nothing),
        HELD(a_line_with_a_spoilt_reference_is_matched_by_two_people),
        HELD(what_no_longer_waits_is_not_matched),
        HELD(a_line_of_a_deposit_that_was_matched_by_hand_leaves_suspense_for_the_bank),
        cmocka_unit_test(all_books_are_computed_again),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
