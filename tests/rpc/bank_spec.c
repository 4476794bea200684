/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's statement from the outside: lines settle what was expected, never post a second payment, and lose nothing
 * (R-PAY-5). After every test suspense adds up, and no payment is settled twice.
 */
#include <poll.h>

#include "server/run/random.h"
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

#define REASON(name) TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_##name
#define ACCOUNT_NO "BCA 0351234567"

static const user_id nobody;
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

static int books_hold(void **state) {
    (void)state;
    assert_suspense_holds(&rig);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from (select payment_id from payment_settled group by 1 having count(*) > 1) x"), 0);
    /* what is open against transfer clearing is its balance */
    assert_int_equal(pg_number(&rig.pg, "select (select coalesce(sum(amount_minor), 0) from ledger_line where ledger_account = 8)"
                     " - (select coalesce(sum(amount_minor), 0) from bank_expected where ledger_account = 8 and state = 1)"), 0);
    return 0;
}

/* ---- statements ----------------------------------------------------------------------------------------------- */

struct said {
    const char *line_reference; /* NULL: a new one */
    const char *amount, *reference, *payer, *note;
    int in_days; /* 0: yesterday */
};

struct file {
    uint8_t hash[32];
    const char *bank_account, *currency, *token;
    Tagih__V1__BankTotals *totals;
};

static struct rig_answer import_file(const struct file *file, const struct said *rows, size_t n) {
    static Tagih__V1__BankRow messages[600];
    static Tagih__V1__BankRow *pointers[600];
    static char references[600][UUID_TEXT_SIZE];
    uint8_t hash[32];
    memcpy(hash, file->hash, sizeof hash);
    for (size_t i = 0; i < n; i++) {
        tagih__v1__bank_row__init(&messages[i]);
        uuid_format(rig_id(), references[i]);
        messages[i].row = (int32_t)i + 1;
        messages[i].line_reference = rows[i].line_reference ? TEXT(rows[i].line_reference) : references[i];
        messages[i].booked_on = TEXT(teller_day(rows[i].in_days ? rows[i].in_days : -1));
        messages[i].amount = TEXT(rows[i].amount);
        if (rows[i].reference) messages[i].reference = TEXT(rows[i].reference);
        if (rows[i].payer) messages[i].payer = TEXT(rows[i].payer);
        if (rows[i].note) messages[i].note = TEXT(rows[i].note);
        pointers[i] = &messages[i];
    }
    Tagih__V1__ImportStatementRequest request = TAGIH__V1__IMPORT_STATEMENT_REQUEST__INIT;
    request.file_hash = (ProtobufCBinaryData){sizeof hash, hash};
    request.bank_account = TEXT(file->bank_account ? file->bank_account : ACCOUNT_NO);
    request.currency = TEXT(file->currency ? file->currency : "IDR");
    request.rows = pointers;
    request.n_rows = n;
    request.totals = file->totals;
    const char *token = file->token ? file->token : rig_staff_token(&rig, teller.agency, teller.cashier, 0);
    return rig_call(&rig, token, "BankService/ImportStatement", &request);
}

static const Tagih__V1__ImportStatementResponse *imported(const struct said *rows, size_t n) {
    struct file file = {.bank_account = NULL};
    random_bytes(file.hash, sizeof file.hash);
    struct rig_answer answer = import_file(&file, rows, n);
    assert_answer(answer, OK);
    const Tagih__V1__ImportStatementResponse *response = answer.response;
    assert_int_equal(response->n_results, n);
    return response;
}

static const Tagih__V1__BankRowResult *one(const struct said *row) {
    return imported(row, 1)->results[0];
}

static payment_id field(account_id account, int64_t amount_minor, uint16_t tender, const char *reference) {
    struct journal_entry receipt = writer_receipt(&phone, account, amount_minor);
    receipt.body.receipt.tender = tender;
    receipt.body.receipt.has_tender_reference = true;
    receipt.body.receipt.tender_reference = bytes_text(reference);
    size_t at = writer_sign(&phone, &receipt);
    struct rig_answer pushed = writer_push_range(&phone, at, at);
    assert_answer(pushed, OK);
    return (payment_id){phone.entries[at].id.u};
}

static int64_t settled(payment_id payment) {
    return teller_number(&teller, "select count(*) from payment_settled where payment_id = '%s'", payment.u);
}

/* ---- settling ------------------------------------------------------------------------------------------------- */

//= RULES.md R-PAY-5
//  all PROVISIONAL until matched to a bank line by (reference, amount). A feed line that matches a receipt settles it and
//  never posts a second payment
static void a_transfer_and_a_qr_payment_are_settled_by_their_lines(void **state) {
    (void)state;
    const uint16_t tenders[] = {JOURNAL_TENDER_TRANSFER, JOURNAL_TENDER_QR};
    const char *given[] = {"TRF-2024/0077", "QR 9911"}, *at_bank[] = {"trf20240077", "QR-9911"};
    for (size_t i = 0; i < 2; i++) {
        account_id account = teller_account(&teller, collector, &debt_j1, 1);
        payment_id payment = field(account, MINOR(1000000), tenders[i], given[i]);
        int64_t payments = pg_number(&rig.pg, "select count(*) from payment");
        const Tagih__V1__BankRowResult *row = one(&(struct said){.amount = "1000000", .reference = at_bank[i]});
        assert_string_equal(row->result, "SETTLED");
        assert_string_equal(row->expected_id, rig_text(payment.u));
        // J11: later bank line: bank 1 000 000 · transfer clearing 1 000 000
        uuid posting = rig_uuid(row->line_id);
        assert_int_equal(line(posting, LEDGER_BANK), MINOR(1000000));
        assert_int_equal(line(posting, LEDGER_TRANSFER_CLEARING), -MINOR(1000000));
        assert_int_equal(lines(posting), 2);
        assert_int_equal(settled(payment), 1);
        assert_int_equal(pg_number(&rig.pg, "select count(*) from payment"), payments);
        assert_int_equal(teller_open_minor(&teller, account), MINOR(3000000));
        assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 36", payment.u), 1);
    }
}

//= RULES.md R-LED-1
//  every posting is a transaction whose lines sum to zero per currency
static void a_gateways_payment_is_settled_by_its_line(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000), .reference = "GW-31"});
    const Tagih__V1__BankRowResult *row = one(&(struct said){.amount = "1000000", .line_reference = "gw31"});
    assert_string_equal(row->result, "SETTLED");
    assert_string_equal(row->expected_id, rig_text(payment.u));
    // J31: later bank line: bank 1 000 000 · transfer clearing 1 000 000
    assert_int_equal(line(rig_uuid(row->line_id), LEDGER_BANK), MINOR(1000000));
    assert_int_equal(line(rig_uuid(row->line_id), LEDGER_TRANSFER_CLEARING), -MINOR(1000000));
    assert_int_equal(lines(rig_uuid(row->line_id)), 2);
    assert_int_equal(settled(payment), 1);
}

static void reference_and_amount_must_both_fit(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(2000), .reference = "GW-FIT"});
    assert_string_equal(one(&(struct said){.amount = "2000.01", .reference = "GW-FIT"})->result, "SUSPENSE");
    assert_string_equal(one(&(struct said){.amount = "2000", .reference = "GW-FIX"})->result, "SUSPENSE");
    assert_string_equal(one(&(struct said){.amount = "-2000", .reference = "GW-FIT"})->result, "OPEN");
    assert_int_equal(settled(payment), 0);
    assert_string_equal(one(&(struct said){.amount = "2000", .reference = "GW-FIT"})->result, "SETTLED");
    assert_string_equal(one(&(struct said){.amount = "2000", .reference = "GW-FIT"})->result, "SUSPENSE"); /* once */
    assert_int_equal(settled(payment), 1);
}

static void money_that_nothing_expects_stands_in_suspense(void **state) {
    (void)state;
    const Tagih__V1__BankRowResult *row = one(&(struct said){.amount = "1000000", .payer = "BCA 99", .note = "angsuran", .line_reference = "L-20"});
    assert_string_equal(row->result, "SUSPENSE");
    // J20: bank 1 000 000 · suspense 1 000 000
    uuid posting = rig_uuid(row->line_id);
    assert_int_equal(line(posting, LEDGER_BANK), MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_int_equal(lines(posting), 2);
    assert_int_equal(teller_number(&teller, "select count(*) from suspense where item_id = '%s' and origin = 4 and payer = 'BCA 99'"
                                            " and source = 5 and source_reference = 'BCA 0351234567/L-20'", posting), 1);
}

//= RULES.md R-PAY-5b
//  A line that several things expect settles none of them
static void a_line_that_two_payments_expect_settles_neither(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id first = field(account, MINOR(7000), JOURNAL_TENDER_TRANSFER, "TWICE"), second = field(account, MINOR(7000), JOURNAL_TENDER_TRANSFER, "TWICE");
    const Tagih__V1__BankRowResult *row = one(&(struct said){.amount = "7000", .reference = "TWICE"});
    assert_string_equal(row->result, "AMBIGUOUS");
    assert_string_equal(row->expected_id, "");
    assert_int_equal(line(rig_uuid(row->line_id), LEDGER_SUSPENSE), -MINOR(7000));
    assert_int_equal(settled(first) + settled(second), 0);
    /* a person says which of them never came; the next statement settles the other one */
    struct rig_answer answer = teller_reverse(&teller, second, REASON(NEVER_RECEIVED));
    assert_answer(answer, OK);
    assert_int_equal(imported(&(struct said){.amount = "1"}, 1)->late, 1);
    assert_int_equal(settled(first), 1);
}

static void one_line_of_a_file_settles_a_thing_and_the_next_does_not(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(4000), .reference = "GW-ONCE"});
    const struct said rows[] = {{.amount = "4000", .reference = "GW-ONCE"}, {.amount = "4000", .reference = "GW-ONCE"}};
    const Tagih__V1__ImportStatementResponse *response = imported(rows, 2);
    assert_string_equal(response->results[0]->result, "SETTLED");
    assert_string_equal(response->results[1]->result, "SUSPENSE");
}

//= RULES.md R-PAY-5a
//  What came before its reason is looked at again: when one thing, and one only, turns out to be meant, it is settled
static void a_line_that_was_faster_than_the_phone_finds_its_receipt(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    const Tagih__V1__BankRowResult *row = one(&(struct said){.amount = "150000", .reference = "EARLY-1"});
    assert_string_equal(row->result, "SUSPENSE");
    uuid item = rig_uuid(row->line_id);
    payment_id payment = field(account, MINOR(150000), JOURNAL_TENDER_TRANSFER, "EARLY-1");
    assert_int_equal(settled(payment), 0);
    assert_int_equal(imported(&(struct said){.amount = "1"}, 1)->late, 1);
    assert_int_equal(settled(payment), 1);
    assert_int_equal(teller_number(&teller, "select state from suspense_state where item_id = '%s'", item), 3);
    assert_int_equal(teller_number(&teller, "select count(*) from ledger_line l join bank_match m using (agency_id, posting_id) where m.line_id = '%s'"
                                            " and ((ledger_account = 18 and amount_minor = 15000000) or (ledger_account = 8 and amount_minor = -15000000))", item), 2);
    assert_int_equal(imported(&(struct said){.amount = "1"}, 1)->late, 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3850000));
}

/* ---- the same, and bad, files --------------------------------------------------------------------------------- */

//= RULES.md R-PAY-5a
//  A line is named by its bank account and the bank's own reference … : the same line again, in whatever file, changes
//  nothing
static void the_same_line_again_changes_nothing_in_whatever_file(void **state) {
    (void)state;
    const struct said rows[] = {{.amount = "11", .line_reference = "S-1"}, {.amount = "-12", .line_reference = "S-2"},
                                {.amount = "13", .line_reference = ""}, {.amount = "13", .line_reference = ""}};
    const Tagih__V1__ImportStatementResponse *first = imported(rows, 4);
    assert_string_equal(first->results[3]->result, "SUSPENSE"); /* banks do book the same sum twice a day */
    int64_t postings = pg_number(&rig.pg, "select count(*) from posting");
    const Tagih__V1__ImportStatementResponse *again = imported(rows, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(again->results[i]->result, "SAME");
        assert_string_equal(again->results[i]->line_id, first->results[i]->line_id);
    }
    assert_int_equal(pg_number(&rig.pg, "select count(*) from posting"), postings);
    assert_string_equal(one(&(struct said){.amount = "11.01", .line_reference = "S-1"})->result, "bank.line_reused");
    assert_string_equal(one(&(struct said){.amount = "11", .line_reference = "S-1", .in_days = -2})->result, "bank.line_reused");
    struct file other = {.bank_account = "MANDIRI 1"};
    struct rig_answer answer = import_file(&other, rows, 1); /* another bank account has references of its own */
    assert_answer(answer, OK);
    assert_string_equal(((const Tagih__V1__ImportStatementResponse *)answer.response)->results[0]->result, "SUSPENSE");
    const struct said twice[] = {{.amount = "14", .line_reference = "S-9"}, {.amount = "14", .line_reference = "S-9"}};
    const Tagih__V1__ImportStatementResponse *doubled = imported(twice, 2);
    assert_string_equal(doubled->results[0]->result, "SUSPENSE");
    assert_string_equal(doubled->results[1]->result, "import.row_twice");
}

static void a_bad_row_never_stops_the_good_ones(void **state) {
    (void)state;
    const struct said rows[] = {{.amount = "0"}, {.amount = "-0"}, {.amount = "1.234"}, {.amount = "abc"}, {.amount = ""},
                                {.amount = "100000000000.01"}, {.amount = "99999999999999999999"}, {.amount = "5", .in_days = 2},
                                {.amount = "5", .note = "a\nb"}, {.amount = "21"}};
    const char *results[] = {"payment.amount", "payment.amount", "money.syntax", "money.syntax", "request.field_missing",
                             "payment.amount", "payment.amount", "payment.future", "text.invalid", "SUSPENSE"};
    const Tagih__V1__ImportStatementResponse *response = imported(rows, COUNT_OF(rows));
    for (size_t i = 0; i < COUNT_OF(rows); i++) assert_string_equal(response->results[i]->result, results[i]);
    assert_non_null(strstr(response->results[2]->text, "amount: "));
}

static void a_file_that_was_cut_or_is_anothers_is_refused(void **state) {
    (void)state;
    const struct said rows[] = {{.amount = "31"}, {.amount = "-1"}, {.amount = "rubbish"}};
    Tagih__V1__BankTotals totals = TAGIH__V1__BANK_TOTALS__INIT;
    struct file file = {.totals = &totals};
    int64_t before = pg_number(&rig.pg, "select count(*) from bank_line");
    totals.rows = 4;
    totals.sum_minor = 3000;
    assert_answer(import_file(&file, rows, 3), BANK_TOTALS);
    totals.rows = 3;
    totals.sum_minor = 3001;
    assert_answer(import_file(&file, rows, 3), BANK_TOTALS);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from bank_line"), before);
    totals.sum_minor = 3000;
    struct rig_answer good = import_file(&file, rows, 3);
    assert_answer(good, OK);
    assert_answer(import_file(&(struct file){.currency = "XXQ"}, rows, 1), MONEY_CURRENCY_UNKNOWN);
    assert_answer(import_file(&(struct file){.bank_account = ""}, rows, 1), REQUEST_FIELD_MISSING);
    assert_answer(import_file(&(struct file){.bank_account = NULL}, rows, 0), REQUEST_TOO_MANY);
    assert_answer(import_file(&(struct file){.token = rig_staff_token(&rig, teller.agency, teller.supervisor, 0)}, rows, 1), NOT_PERMITTED);
    assert_answer(import_file(&(struct file){.token = rig_staff_token(&rig, teller.agency, collector, 0)}, rows, 1), NOT_PERMITTED);
}

static void dollars_never_settle_rupiah(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(900), .reference = "GW-USD"});
    struct rig_answer answer = import_file(&(struct file){.currency = "USD", .bank_account = "USD 1"}, &(struct said){.amount = "900", .reference = "GW-USD"}, 1);
    assert_answer(answer, OK);
    assert_string_equal(((const Tagih__V1__ImportStatementResponse *)answer.response)->results[0]->result, "SUSPENSE");
    assert_int_equal(settled(payment), 0);
}

/* ---- reversals ------------------------------------------------------------------------------------------------ */

//= RULES.md R-PAY-5c
//  What the bank has is not handed back by a void
static void what_the_bank_has_was_received(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id payment = field(account, MINOR(60000), JOURNAL_TENDER_TRANSFER, "HAS-1");
    assert_string_equal(one(&(struct said){.amount = "60000", .reference = "HAS-1"})->result, "SETTLED");
    assert_answer(teller_reverse(&teller, payment, REASON(NEVER_RECEIVED)), PAYMENT_AT_BANK);
    struct rig_answer voided = teller_reverse(&teller, payment, REASON(VOID));
    assert_answer(voided, OK);
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_SUSPENSE), -MINOR(60000));
    assert_int_equal(teller_line(&teller, payment, 2, LEDGER_TRANSFER_CLEARING), 0);
}

static void what_was_taken_back_is_expected_no_more(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id never = field(account, MINOR(61000), JOURNAL_TENDER_TRANSFER, "GONE-1"), voided = field(account, MINOR(62000), JOURNAL_TENDER_QR, "GONE-2");
    struct rig_answer first = teller_reverse(&teller, never, REASON(NEVER_RECEIVED)), second = teller_reverse(&teller, voided, REASON(VOID));
    assert_answer(first, OK);
    assert_answer(second, OK);
    assert_string_equal(one(&(struct said){.amount = "61000", .reference = "GONE-1"})->result, "SUSPENSE");
    assert_string_equal(one(&(struct said){.amount = "62000", .reference = "GONE-2"})->result, "SUSPENSE");
    payment_id mispost = field(account, MINOR(63000), JOURNAL_TENDER_TRANSFER, "STAYS-1");
    struct rig_answer third = teller_reverse(&teller, mispost, REASON(MISPOST));
    assert_answer(third, OK);
    assert_string_equal(one(&(struct said){.amount = "63000", .reference = "STAYS-1"})->result, "SETTLED"); /* its money came all the same */
}

/* ---- what is missing ------------------------------------------------------------------------------------------ */

static const Tagih__V1__ListUnmatchedResponse *unmatched(bool all, int32_t page_size, const char *page) {
    Tagih__V1__ListUnmatchedRequest request = TAGIH__V1__LIST_UNMATCHED_REQUEST__INIT;
    request.all = all;
    request.page_size = page_size;
    if (page) request.page_token = TEXT(page);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "BankService/ListUnmatched", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static bool is_listed(const Tagih__V1__ListUnmatchedResponse *list, payment_id payment) {
    for (size_t i = 0; i < list->n_expected; i++) {
        if (strcmp(list->expected[i]->expected_id, rig_text(payment.u)) == 0) return true;
    }
    return false;
}

//= RULES.md R-PAY-5
//  unmatched after 3 working days **(default)** → supervisor
static void what_the_bank_does_not_show_is_listed_after_three_working_days(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id old = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100), .reference = "GW-OLD", .value = teller_noon(-15)});
    payment_id young = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100), .reference = "GW-YOUNG", .value = teller_noon(-1)});
    const Tagih__V1__ListUnmatchedResponse *late = unmatched(false, 200, NULL), *all = unmatched(true, 200, NULL);
    assert_true(is_listed(late, old) && !is_listed(late, young));
    assert_true(is_listed(all, old) && is_listed(all, young));
    assert_int_equal(late->expected[0]->kind, TAGIH__V1__BANK_EXPECTED_KIND__BANK_EXPECTED_KIND_PAYMENT);
    assert_string_equal(late->expected[0]->reference, "GWOLD");
    const Tagih__V1__ListUnmatchedResponse *page = unmatched(true, 1, NULL);
    assert_int_equal(page->n_expected, 1);
    assert_string_not_equal(page->next_page_token, "");
    assert_string_equal(unmatched(true, 1, page->next_page_token)->expected[0]->expected_id, all->expected[1]->expected_id);
    for (int i = 0; i < 100 && teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 37", old.u) == 0; i++) {
        rig_restart(&rig); /* the minute's thread looks around when it begins */
        poll(NULL, 0, 100);
    }
    rig_restart(&rig);
    poll(NULL, 0, 300);
    assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 37", old.u), 1); /* once */
    assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 37", young.u), 0);
}

static void money_that_went_out_waits_for_its_reason(void **state) {
    (void)state;
    const Tagih__V1__BankRowResult *row = one(&(struct said){.amount = "-2500", .note = "biaya adm"});
    assert_string_equal(row->result, "OPEN");
    assert_int_equal(lines(rig_uuid(row->line_id)), 0); /* what it was is not invented */
    const Tagih__V1__ListUnmatchedResponse *list = unmatched(false, 1, NULL);
    bool listed = false;
    for (size_t i = 0; i < list->n_lines; i++) listed |= strcmp(list->lines[i]->line_id, row->line_id) == 0 && list->lines[i]->amount->minor == -MINOR(2500);
    assert_true(listed);
}

static void money_that_goes_back_is_confirmed_by_its_line(void **state) {
    (void)state;
    const Tagih__V1__BankRowResult *came = one(&(struct said){.amount = "88000", .line_reference = "RET-1"});
    Tagih__V1__ReturnSuspenseRequest request = TAGIH__V1__RETURN_SUSPENSE_REQUEST__INIT;
    request.item_id = came->line_id;
    request.reason = TEXT("nobody of ours");
    request.request_id = TEXT(rig_text(rig_id()));
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.cashier, 0), "SuspenseService/ReturnSuspense", &request);
    assert_answer(answer, OK);
    answer = teller_decide(&teller, teller.supervisor, ((const Tagih__V1__ReturnSuspenseResponse *)answer.response)->proposal_id, true);
    assert_answer(answer, OK);
    // J21: suspense 1 000 000 · bank 1 000 000 was booked then: its line confirms it and books nothing
    const Tagih__V1__BankRowResult *went = one(&(struct said){.amount = "-88000", .reference = ACCOUNT_NO "/RET-1"});
    assert_string_equal(went->result, "SETTLED");
    assert_int_equal(lines(rig_uuid(went->line_id)), 0);
}

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
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_TRANSFER, EXPECTED_PAYMENT);
}

#define HELD(test) cmocka_unit_test_teardown(test, books_hold)

int main(void) {
    const struct CMUnitTest tests[] = {
        HELD(a_transfer_and_a_qr_payment_are_settled_by_their_lines),
        HELD(a_gateways_payment_is_settled_by_its_line),
        HELD(reference_and_amount_must_both_fit),
        HELD(money_that_nothing_expects_stands_in_suspense),
        HELD(a_line_that_two_payments_expect_settles_neither),
        HELD(one_line_of_a_file_settles_a_thing_and_the_next_does_not),
        HELD(a_line_that_was_faster_than_the_phone_finds_its_receipt),
        HELD(the_same_line_again_changes_nothing_in_whatever_file),
        HELD(a_bad_row_never_stops_the_good_ones),
        HELD(a_file_that_was_cut_or_is_anothers_is_refused),
        HELD(dollars_never_settle_rupiah),
        HELD(what_the_bank_has_was_received),
        HELD(what_was_taken_back_is_expected_no_more),
        HELD(what_the_bank_does_not_show_is_listed_after_three_working_days),
        HELD(money_that_went_out_waits_for_its_reason),
        HELD(money_that_goes_back_is_confirmed_by_its_line),
        cmocka_unit_test(all_books_are_computed_again),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
