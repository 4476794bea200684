/* SPDX-License-Identifier: Apache-2.0 */
/* Payment files by call: every row has its fate, once. The command's own spec is import_payments_spec.py. */
#include "server/run/clock.h"
#include "server/run/random.h"
#include "tagih/ledger.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"

#define SOURCE(name) TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_##name
#define ROWS_MAX 16

enum { OF_PAYMENT = 1, OF_SUSPENSE_IN = 30 }; /* posting.kind */

static struct rig rig;
static struct teller teller;
static const user_id nobody;
static account_id account;
static char account_no[64];
static char paid_at[DATE_TEXT_SIZE + 16]; /* ten in the morning, three days ago */
static instant paid;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    char day[DATE_TEXT_SIZE];
    paid.us = teller_noon(-3).us - 2 * 3600 * US_PER_S;
    date_format((civil_date){(int32_t)(paid.us / US_PER_DAY)}, day); /* the same day in Jakarta and in UTC */
    snprintf(paid_at, sizeof paid_at, "%s 10:00:00", day);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* A new account for each spec. */
static void new_account(void) {
    char sql[200];
    account = teller_account(&teller, nobody, &debt_j1, 1);
    snprintf(sql, sizeof sql, "select account_no from account where account_id = '%s'", rig_text(account.u));
    snprintf(account_no, sizeof account_no, "%s", pg_value(&rig.pg, sql));
}

struct file {
    uint8_t hash[32];
    Tagih__V1__PaymentFileRow rows[ROWS_MAX], *pointers[ROWS_MAX];
    Tagih__V1__PaymentFileTotals end;
    Tagih__V1__ImportPaymentsRequest request;
    const char *token;
};

static void file_begin(struct file *file) {
    random_bytes(file->hash, sizeof file->hash);
    tagih__v1__import_payments_request__init(&file->request);
    file->request.file_hash = (ProtobufCBinaryData){sizeof file->hash, file->hash};
    file->request.file_name = (char *)(uintptr_t)"bank.csv";
    file->request.source = SOURCE(BRANCH);
    file->request.currency = (char *)(uintptr_t)"IDR";
    file->request.rows = file->pointers;
    file->token = NULL;
}

static void file_row(struct file *file, const char *no, const char *reference, const char *amount) {
    size_t i = file->request.n_rows++;
    Tagih__V1__PaymentFileRow *row = file->pointers[i] = &file->rows[i];
    tagih__v1__payment_file_row__init(row);
    row->row = (int32_t)i + 1;
    row->account_no = (char *)(uintptr_t)no;
    row->reference = (char *)(uintptr_t)reference;
    row->amount = (char *)(uintptr_t)amount;
    row->paid_at = paid_at;
}

static struct rig_answer send(struct file *file) {
    const char *token = file->token ? file->token : rig_staff_token(&rig, teller.agency, teller.gateway, 0);
    return rig_call(&rig, token, "PaymentService/ImportPayments", &file->request);
}

static const Tagih__V1__ImportPaymentsResponse *sent(struct file *file) {
    struct rig_answer answer = send(file);
    assert_answer(answer, OK);
    return answer.response;
}

static int64_t count_of(const char *reference) {
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from payment where source_reference = '%s'", reference);
    return pg_number(&rig.pg, sql);
}

//= RULES.md R-PAY-5f
//  A payment file has one source and one currency; a row of it is a payment, or is refused by itself with a reason.
static void a_bad_row_never_stops_the_good_ones(void **state) {
    (void)state;
    new_account();
    struct file file;
    file_begin(&file);
    file_row(&file, account_no, "F1-1", "1000000");
    file_row(&file, account_no, "F1-2", "0");
    file_row(&file, account_no, "F1-3", "12.345");
    file_row(&file, account_no, "", "1");
    file_row(&file, account_no, "F1-5", "1");
    file.rows[4].paid_at = (char *)(uintptr_t)"yesterday";
    file_row(&file, account_no, "F1-6", "1");
    file.rows[5].currency = (char *)(uintptr_t)"USD";
    file_row(&file, account_no, "F1-7", "1");
    file.rows[6].paid_at = (char *)(uintptr_t)"2099-01-01";
    file_row(&file, account_no, "F1-8", "500000.50");
    file.rows[7].tag = (char *)(uintptr_t)"LAWYER";
    char later[sizeof paid_at]; /* in fact order behind the first row, which takes the fees */
    snprintf(later, sizeof later, "%.10s 11:00:00", paid_at);
    file.rows[7].paid_at = later;
    file_row(&file, account_no, "F1-1", "7");
    const Tagih__V1__ImportPaymentsResponse *response = sent(&file);
    static const char *const results[] = {"POSTED", "payment.amount", "money.syntax", "request.field_missing", "date.syntax",
                                          "payment.file_currency", "payment.future", "POSTED", "payment.identity_reused"};
    assert_int_equal(response->n_results, COUNT_OF(results));
    for (size_t i = 0; i < COUNT_OF(results); i++) assert_string_equal(response->results[i]->result, results[i]);
    assert_string_equal(response->results[1]->text, "amount: a payment is more than 0 and at most 10^13 minor units");
    payment_id first;
    assert_ok(uuid_parse(response->results[0]->payment_id, &first.u));
    // J31: transfer clearing 1 000 000 · receivable 1 000 000
    assert_int_equal(teller_line(&teller, first, OF_PAYMENT, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(teller_line(&teller, first, OF_PAYMENT, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(500000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(2500000) - 50);
    /* 10:00 on the agency's wall is 03:00 UTC */
    assert_int_equal(teller_number(&teller, "select value_us from payment where payment_id = '%s'", first.u), paid.us);
    assert_int_equal(teller_number(&teller, "select extract(hour from to_timestamp(value_us / 1000000) at time zone 'UTC')::int8 from payment"
                                            " where payment_id = '%s'", first.u), 3);
    assert_int_equal(teller_number(&teller, "select count(*) from payment_file_row where account_no = (select account_no from account where account_id = '%s')", account.u), 9);
}

//= RULES.md R-IMP-2
//  An import file is identified by its SHA-256: the same file twice changes nothing; in payment files the payment identity
//  (R-PAY-5) stops the same row in another file
static void the_same_file_again_changes_nothing_and_a_row_of_another_is_the_same_payment(void **state) {
    (void)state;
    new_account();
    struct file file;
    file_begin(&file);
    file_row(&file, account_no, "F2-1", "100");
    file_row(&file, account_no, "F2-2", "-1");
    const Tagih__V1__ImportPaymentsResponse *first = sent(&file);
    assert_string_equal(first->results[0]->result, "POSTED");
    int64_t postings = pg_number(&rig.pg, "select count(*) from posting");
    const Tagih__V1__ImportPaymentsResponse *again = sent(&file);
    assert_string_equal(again->results[0]->result, "SAME");
    assert_string_equal(again->results[0]->payment_id, first->results[0]->payment_id);
    assert_string_equal(again->results[1]->result, "money.negative");
    assert_string_equal(again->results[1]->text, "this row was refused before");
    assert_int_equal(pg_number(&rig.pg, "select count(*) from posting"), postings);
    struct file other;
    file_begin(&other);
    file_row(&other, account_no, "F2-1", "100.00");
    file_row(&other, account_no, "F2-2", "200");
    const Tagih__V1__ImportPaymentsResponse *elsewhere = sent(&other);
    assert_string_equal(elsewhere->results[0]->result, "SAME");
    assert_string_equal(elsewhere->results[0]->payment_id, first->results[0]->payment_id);
    assert_string_equal(elsewhere->results[1]->result, "POSTED");
    assert_int_equal(count_of("F2-1"), 1);
}

//= RULES.md R-PAY-2
//  RECEIVED → SUSPENSE → POSTED (matched by a second person, valued when received)
static void money_of_an_unknown_account_waits_in_suspense(void **state) {
    (void)state;
    new_account();
    struct file file;
    file_begin(&file);
    file_row(&file, "NO-SUCH-ACCOUNT", "F3-1", "1000000");
    const Tagih__V1__ImportPaymentsResponse *response = sent(&file);
    assert_string_equal(response->results[0]->result, "SUSPENSE");
    assert_string_equal(response->results[0]->payment_id, "");
    payment_id item;
    assert_ok(uuid_parse(response->results[0]->suspense_item_id, &item.u));
    // J20: clearing 1 000 000 · suspense 1 000 000
    assert_int_equal(teller_line(&teller, item, OF_SUSPENSE_IN, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(teller_line(&teller, item, OF_SUSPENSE_IN, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_int_equal(teller_number(&teller, "select count(*) from suspense where item_id = '%s' and note = 'NO-SUCH-ACCOUNT'", item.u), 1);
    assert_string_equal(sent(&file)->results[0]->result, "SAME");
    struct file other;
    file_begin(&other);
    file_row(&other, "NO-SUCH-ACCOUNT", "F3-1", "1000000");
    file_row(&other, "NO-SUCH-ACCOUNT", "F3-1", "2");
    response = sent(&other);
    assert_string_equal(response->results[0]->result, "SAME");
    assert_string_equal(response->results[0]->suspense_item_id, rig_text(item.u));
    assert_string_equal(response->results[1]->result, "payment.identity_reused");
    assert_int_equal(pg_number(&rig.pg, "select count(*) from suspense where source_reference = 'F3-1'"), 1);
}

//= RULES.md R-PAY-5f
//  control totals count every row and the amount of each that can be read, refused ones included, so that a file that
//  was cut is told while what is good posts.
static void a_file_that_was_cut_is_told_and_what_is_good_posts(void **state) {
    (void)state;
    new_account();
    struct file file;
    file_begin(&file);
    tagih__v1__payment_file_totals__init(&file.end);
    file_row(&file, account_no, "F4-1", "100");
    file_row(&file, account_no, "F4-2", "30");
    file.end.rows = 3;
    file.end.sum_minor = 18000;
    file.request.end = &file.end;
    const Tagih__V1__ImportPaymentsResponse *response = sent(&file);
    assert_false(response->complete);
    assert_int_equal(response->found->rows, 2);
    assert_int_equal(response->found->sum_minor, 13000);
    assert_int_equal(count_of("F4-1") + count_of("F4-2"), 2);
    struct file whole;
    file_begin(&whole);
    file_row(&whole, account_no, "F4-1", "100");
    file_row(&whole, account_no, "F4-2", "30");
    assert_null(sent(&whole)->found); /* in two batches: the end comes with the last one */
    whole.request.n_rows = 0;
    file_row(&whole, account_no, "F4-3", "50");
    whole.rows[0].row = 3;
    whole.rows[0].tag = (char *)(uintptr_t)"FIELD_CASH"; /* refused, and counted */
    whole.request.end = &file.end;
    response = sent(&whole);
    assert_true(response->complete);
    assert_string_equal(response->results[0]->result, "payment.tag");
    assert_int_equal(pg_number(&rig.pg, "select rows_total * 10 + rows_good from payment_file where said_rows = 3 and rows_total = 3"), 32);
    whole.request.n_rows = 0; /* the end again: nothing is kept twice */
    assert_true(sent(&whole)->complete);
}

static void who_may_not_import_and_what_is_no_file_is_refused(void **state) {
    (void)state;
    new_account();
    struct file file;
    file_begin(&file);
    file_row(&file, account_no, "F5-1", "100");
    file.token = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    assert_answer(send(&file), NOT_PERMITTED);
    file.token = rig_staff_token(&rig, teller.agency, teller.cashier, 0);
    file.request.source = SOURCE(GATEWAY);
    assert_answer(send(&file), NOT_PERMITTED);
    file.request.source = SOURCE(BRANCH);
    assert_string_equal(sent(&file)->results[0]->result, "POSTED");
    file.token = NULL;
    file.request.source = SOURCE(FIELD);
    assert_answer(send(&file), REQUEST_FIELD_RANGE);
    file.request.source = SOURCE(BRANCH);
    file.request.currency = (char *)(uintptr_t)"XQQ";
    assert_answer(send(&file), MONEY_CURRENCY_UNKNOWN);
    file.request.currency = (char *)(uintptr_t)"IDR";
    file.request.file_hash.len = 31;
    assert_answer(send(&file), REQUEST_FIELD_RANGE);
    file.request.file_hash.len = 32;
    file.rows[0].row = 0;
    assert_answer(send(&file), REQUEST_FIELD_RANGE);
    file.request.n_rows = 0;
    assert_answer(send(&file), REQUEST_TOO_MANY);
}

//= RULES.md R-PAY-5
//  Payment identity = (agency, source, source reference), unique over all files and calls
static void a_call_and_a_file_share_their_references(void **state) {
    (void)state;
    new_account();
    payment_id by_call = teller_paid(&teller, account, &(struct paid){.source = SOURCE(BRANCH), .reference = "F6-1", .amount_minor = 10000,
                                                                     .value = paid});
    struct file file;
    file_begin(&file);
    file_row(&file, account_no, "F6-1", "100");
    const Tagih__V1__ImportPaymentsResponse *response = sent(&file);
    assert_string_equal(response->results[0]->result, "SAME");
    assert_string_equal(response->results[0]->payment_id, rig_text(by_call.u));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_row_never_stops_the_good_ones),
        cmocka_unit_test(the_same_file_again_changes_nothing_and_a_row_of_another_is_the_same_payment),
        cmocka_unit_test(money_of_an_unknown_account_waits_in_suspense),
        cmocka_unit_test(a_file_that_was_cut_is_told_and_what_is_good_posts),
        cmocka_unit_test(who_may_not_import_and_what_is_no_file_is_refused),
        cmocka_unit_test(a_call_and_a_file_share_their_references),
    };
    return cmocka_run_group_tests_name("payment_file", tests, open_rig, close_rig);
}
