/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts that two people post from their slips: of a lost phone, and of a receipt that was voided (R-REC-8). */
#include "tests/support/desk.h"

static int64_t payments(uuid entry) {
    return number("select count(*) from payment where payment_id = '%s'", entry);
}

static struct acknowledgement push(struct writer *w, size_t at) {
    struct rig_answer answer = writer_push_range(w, at, at);
    assert_answer(answer, OK);
    return writer_ack(w, &answer, 0, at);
}

/* ---- slips ---------------------------------------------------------------------------------------------------- */

struct printed {
    const struct writer *w;
    uuid entry;
    account_id account;
    int64_t amount_minor;
    Tagih__V1__Tender tender; /* 0: cash */
    const char *reference;
    int64_t in_s;             /* taken then, from now; 0: ten minutes ago */
    size_t hash_len;          /* 0: 32 */
};

static struct rig_answer propose_as(user_id by, const struct printed *slip) {
    Tagih__V1__PostSlipRequest request = TAGIH__V1__POST_SLIP_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    uint8_t hash[32] = {7, 7, 7};
    amount.minor = slip->amount_minor;
    amount.currency = TEXT("IDR");
    request.entry_id = TEXT(rig_text(slip->entry));
    request.device_id = TEXT(rig_text(slip->w->phone.device.u));
    request.account_id = TEXT(rig_text(slip->account.u));
    request.amount = &amount;
    request.tender = slip->tender ? slip->tender : TAGIH__V1__TENDER__TENDER_CASH;
    if (slip->reference) request.tender_reference = TEXT(slip->reference);
    request.receipt_no = 17;
    request.taken_us = clock_now().us + (slip->in_s ? slip->in_s : -600) * US_PER_S;
    request.slip_sha256 = (ProtobufCBinaryData){slip->hash_len ? slip->hash_len : sizeof hash, hash};
    request.reason = TEXT("the phone fell into the river");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, by, 0), "EntryService/PostSlip", &request);
}

static struct rig_answer propose(const struct printed *slip) {
    return propose_as(teller.supervisor, slip);
}

static uuid posted(const struct printed *slip) {
    return approved(propose(slip));
}

/* ---- a lost phone --------------------------------------------------------------------------------------------- */

//= RULES.md R-REC-8
//  a supervisor may post a lost phone's receipt from its verified slip (same entry id, so the original is its replay)
static void a_lost_phones_receipt_is_posted_from_its_slip_and_joined_by_its_entry(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct journal_entry original = writer_receipt(&w, account, MINOR(5000000));
    size_t at = writer_sign(&w, &original);
    uuid entry = w.entries[at].id.u;
    const struct printed slip = {.w = &w, .entry = entry, .account = account, .amount_minor = MINOR(5000000)};
    uuid posting = posted(&slip);
    // J2: cash held (C) 5 000 000 · receivable: fees 40 000, penalty 60 000, interest 400 000, principal 3 500 000; customer credit 1 000 000
    assert_int_equal(line(posting, LEDGER_CASH_HELD), MINOR(5000000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_FEES), -MINOR(40000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_PENALTY), -MINOR(60000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_INTEREST), -MINOR(400000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(3500000));
    assert_int_equal(line(posting, LEDGER_CUSTOMER_CREDIT), -MINOR(1000000));
    assert_int_equal(cash_held(), MINOR(5000000));
    assert_int_equal(number("select count(*) from payment where payment_id = '%s' and source = 1", entry), 1);
    assert_int_equal(number("select count(*) from receipt_slip where entry_id = '%s' and not restores and get_byte(slip_hash, 0) = 7", entry), 1);
    assert_answer(propose(&slip), SLIP_POSTED);
    int64_t postings = pg_number(&rig.pg, "select count(*) from posting");
    struct acknowledgement ack = push(&w, at);
    assert_int_equal(ack.fate, FATE_POSTED);
    //= RULES.md R-JRN-6
    //  unless that was a supervisor's slip or an unsigned call: then it joins as its replay
    assert_int_equal(pg_number(&rig.pg, "select count(*) from posting"), postings);
    assert_int_equal(payments(entry), 1);
    assert_int_equal(cash_held(), MINOR(5000000));
    assert_int_equal(number("select count(*) from receipt where entry_id = '%s'", entry), 1);
    struct acknowledgement again = push(&w, at);
    assert_memory_equal(&again, &ack, sizeof ack);
    assert_answer(propose(&slip), SLIP_POSTED);
    struct journal_entry voided = writer_void(&w, at, MINOR(5000000));
    size_t back = writer_sign(&w, &voided);
    assert_int_equal(push(&w, back).fate, FATE_POSTED); /* its receipt is here like any other */
    assert_int_equal(cash_held(), 0);
    writer_end(&w);
}

//= RULES.md R-REC-8a
//  The phone's entry joins it when phone, account, amount, currency and tender are the slip's […]; else it waits in
//  quarantine
static void an_entry_that_says_something_else_waits_in_quarantine(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct journal_entry original = writer_receipt(&w, account, MINOR(300000));
    size_t at = writer_sign(&w, &original);
    uuid entry = w.entries[at].id.u;
    posted(&(struct printed){.w = &w, .entry = entry, .account = account, .amount_minor = MINOR(200000)});
    struct acknowledgement ack = push(&w, at);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_ENTRY_ID_REUSED));
    assert_int_equal(payments(entry), 1);
    assert_int_equal(number("select amount_minor from payment where payment_id = '%s'", entry), MINOR(200000));
    assert_int_equal(cash_held(), MINOR(500000)); /* what it says is visible, and lies in quarantine */
    writer_end(&w);
}

/* The phone is lost, so its key is revoked; when somebody finds it, what it says is known. */
static void the_entry_of_a_revoked_key_joins_its_slip(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct journal_entry original = writer_receipt(&w, account, MINOR(100000));
    size_t at = writer_sign(&w, &original);
    posted(&(struct printed){.w = &w, .entry = w.entries[at].id.u, .account = account, .amount_minor = MINOR(100000)});
    Tagih__V1__RevokeDeviceRequest revoke = TAGIH__V1__REVOKE_DEVICE_REQUEST__INIT;
    revoke.device_id = TEXT(rig_text(w.phone.device.u));
    revoke.reason = TEXT("lost");
    assert_answer(rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "DeviceService/RevokeDevice", &revoke), OK);
    struct acknowledgement ack = push(&w, at);
    assert_true(ack.fate == FATE_POSTED || ack.fate == FATE_POSTED_FLAGGED);
    assert_int_equal(cash_held(), MINOR(100000));
    writer_end(&w);
}

static void a_transfers_slip_is_expected_of_the_bank(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    uuid entry = rig_id();
    const struct printed slip = {.w = &w, .entry = entry, .account = account, .amount_minor = MINOR(70000),
                                 .tender = TAGIH__V1__TENDER__TENDER_TRANSFER, .reference = "TRF 5"};
    uuid posting = posted(&slip);
    // J11: transfer clearing · receivable
    assert_int_equal(line(posting, LEDGER_TRANSFER_CLEARING), MINOR(70000));
    assert_int_equal(number("select count(*) from bank_expected where expected_id = '%s' and reference = 'TRF5' and state = 1", entry), 1);
    writer_end(&w);
}

/* ---- a void that was wrong ------------------------------------------------------------------------------------ */

//= RULES.md R-REC-8
//  A signed slip in a debtor's hand beats a void
static void a_slip_restores_a_voided_receipt_once(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct journal_entry taken = writer_receipt(&w, account, MINOR(1000000));
    size_t at = writer_sign(&w, &taken);
    assert_int_equal(push(&w, at).fate, FATE_POSTED);
    uuid entry = w.entries[at].id.u;
    const struct printed slip = {.w = &w, .entry = entry, .account = account, .amount_minor = MINOR(1000000)};
    struct printed other = slip;
    assert_answer(propose(&slip), SLIP_POSTED);
    struct journal_entry voided = writer_void(&w, at, MINOR(1000000));
    size_t back = writer_sign(&w, &voided);
    assert_int_equal(push(&w, back).fate, FATE_POSTED);
    assert_int_equal(cash_held(), 0);
    other.amount_minor = MINOR(900000);
    assert_answer(propose(&other), SLIP_DIFFERS);
    uuid posting = posted(&slip);
    // J2, again: cash held (C) 1 000 000 · receivable
    assert_int_equal(line(posting, LEDGER_CASH_HELD), MINOR(1000000));
    assert_int_equal(cash_held(), MINOR(1000000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3000000));
    assert_int_equal(number("select count(*) from payment p join receipt_slip z using (agency_id, payment_id) where z.entry_id = '%s' and z.restores"
                            " and p.value_us = z.taken_us", entry), 0); /* valued as the receipt was, whatever the slip's minute */
    assert_int_equal(number("select count(*) from payment p join receipt_slip z using (agency_id, payment_id) join receipt r using (agency_id, entry_id)"
                            " where z.entry_id = '%s' and z.restores and p.value_us = r.value_us", entry), 1);
    assert_answer(propose(&slip), SLIP_POSTED);
    writer_end(&w);
}

/* ---- two people, and bad slips -------------------------------------------------------------------------------- */

static void two_people_look_at_a_slip(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    uuid entry = rig_id();
    const struct printed slip = {.w = &w, .entry = entry, .account = account, .amount_minor = MINOR(50000)};
    assert_answer(propose_as(collector, &slip), NOT_PERMITTED);
    assert_answer(propose_as(teller.cashier, &slip), NOT_PERMITTED);
    struct rig_answer answer = propose(&slip);
    char proposal[UUID_TEXT_SIZE];
    snprintf(proposal, sizeof proposal, "%s", proposal_of(answer));
    assert_answer(propose_as(teller.second, &slip), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    assert_int_equal(payments(entry), 0);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), OK);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), PROPOSAL_DECIDED);
    assert_int_equal(payments(entry), 1);
    writer_end(&w);
}

/* The entry came while the slip was looked at. */
static void an_entry_that_came_first_is_posted_once(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct journal_entry original = writer_receipt(&w, account, MINOR(60000));
    size_t at = writer_sign(&w, &original);
    struct rig_answer answer = propose(&(struct printed){.w = &w, .entry = w.entries[at].id.u, .account = account, .amount_minor = MINOR(60000)});
    char proposal[UUID_TEXT_SIZE];
    snprintf(proposal, sizeof proposal, "%s", proposal_of(answer));
    assert_int_equal(push(&w, at).fate, FATE_POSTED);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), SLIP_POSTED);
    assert_int_equal(cash_held(), MINOR(60000));
    struct journal_entry typo = writer_receipt(&w, (account_id){rig_id()}, MINOR(1000));
    size_t nobodys = writer_sign(&w, &typo);
    assert_int_equal(push(&w, nobodys).fate, FATE_QUARANTINED);
    assert_answer(propose(&(struct printed){.w = &w, .entry = w.entries[nobodys].id.u, .account = account, .amount_minor = MINOR(1000)}), SLIP_WAITS);
    writer_end(&w);
}

static void bad_slips_are_named(void **state) {
    (void)state;
    struct writer w = new_writer(), stranger = w;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    const struct printed good = {.w = &w, .entry = rig_id(), .account = account, .amount_minor = MINOR(50000)};
    struct printed bad = good;
    bad.amount_minor = 0;
    assert_answer(propose(&bad), ADJUSTMENT_AMOUNT);
    bad = good;
    bad.amount_minor = INT64_MAX;
    assert_answer(propose(&bad), ADJUSTMENT_AMOUNT);
    bad = good;
    bad.in_s = 3600;
    assert_answer(propose(&bad), PAYMENT_FUTURE);
    bad = good;
    bad.hash_len = 31;
    assert_answer(propose(&bad), REQUEST_FIELD_RANGE);
    bad = good;
    bad.tender = TAGIH__V1__TENDER__TENDER_QR;
    assert_answer(propose(&bad), REQUEST_FIELD_MISSING); /* without its reference */
    bad = good;
    bad.account.u = rig_id();
    assert_answer(propose(&bad), ENTRY_ACCOUNT);
    bad = good;
    stranger.phone.device.u = rig_id();
    bad.w = &stranger;
    assert_answer(propose(&bad), NOT_PERMITTED);
    writer_end(&w);
}

//= RULES.md R-LED-2
//  Identities, checked by demo, `verify` and tests, per currency
static void all_books_are_computed_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_phones_receipt_is_posted_from_its_slip_and_joined_by_its_entry),
        cmocka_unit_test(an_entry_that_says_something_else_waits_in_quarantine),
        cmocka_unit_test(the_entry_of_a_revoked_key_joins_its_slip),
        cmocka_unit_test(a_transfers_slip_is_expected_of_the_bank),
        cmocka_unit_test(a_slip_restores_a_voided_receipt_once),
        cmocka_unit_test(two_people_look_at_a_slip),
        cmocka_unit_test(an_entry_that_came_first_is_posted_once),
        cmocka_unit_test(bad_slips_are_named),
        cmocka_unit_test(all_books_are_computed_again),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
