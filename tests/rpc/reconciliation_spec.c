/* SPDX-License-Identifier: Apache-2.0 */
/* Re-import over our own payments: the report of what differs, and its ledger lines. */
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

static const user_id nobody;

static struct debt principal(int64_t rupiah) {
    return (struct debt){.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
}

static struct rig_answer list_as(user_id user, struct bytes file, int32_t page_size, const char *page_token) {
    Tagih__V1__ListReconciliationRequest request = TAGIH__V1__LIST_RECONCILIATION_REQUEST__INIT;
    request.file_hash = (ProtobufCBinaryData){file.len, (uint8_t *)(uintptr_t)file.data};
    request.page_size = page_size;
    request.page_token = (char *)(uintptr_t)page_token;
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, user, 0), "ReconciliationService/ListReconciliation", &request);
}

/* The hash of the newest file that spoke of an account. */
static hash256 file_of(account_id account) {
    char sql[300];
    hash256 hash;
    snprintf(sql, sizeof sql, "select encode(file_hash, 'hex') from snapshot where account_id = '%s' order by received_us desc limit 1",
             rig_text(account.u));
    const char *hex = pg_value(&rig.pg, sql);
    for (size_t i = 0; i < sizeof hash.b; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        hash.b[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return hash;
}

/* The one row of an account in the report of its newest file; NULL: none. */
static const Tagih__V1__Reconciliation *report_of(account_id account) {
    hash256 file = file_of(account);
    struct rig_answer answer = list_as(teller.supervisor, BYTES_OF(&file), 200, "");
    assert_answer(answer, OK);
    const Tagih__V1__ListReconciliationResponse *page = answer.response;
    for (size_t i = 0; i < page->n_rows; i++) {
        if (strcmp(page->rows[i]->account_id, rig_text(account.u)) == 0) return page->rows[i];
    }
    return NULL;
}

//= RULES.md R-LED-1
//  Creditor control = debt outstanding + collected and not yet remitted + waived or written off at our expense.
static void an_import_stands_against_creditor_control(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    // J1: receivable: fees 40 000, penalty 60 000, interest 400 000, principal 3 500 000 · creditor control 4 000 000
    assert_moved(account.u, 4, {LEDGER_RECEIVABLE_FEES, 40000}, {LEDGER_RECEIVABLE_PENALTY, 60000},
                 {LEDGER_RECEIVABLE_INTEREST, 400000}, {LEDGER_RECEIVABLE_PRINCIPAL, 3500000}, {LEDGER_CREDITOR_CONTROL, -4000000});
}

//= RULES.md R-IMP-3
//  The difference to our own figure is one row of a reconciliation report and one ledger transaction against creditor
//  control.
static void a_snapshot_lower_or_higher_than_ours_is_reported_and_posted(void **state) {
    (void)state;
    struct debt first = principal(4000000), lower = principal(3970000), higher = principal(4030000);
    account_id down = teller_account(&teller, nobody, &first, 1), up = teller_account(&teller, nobody, &first, 1);
    assert_null(report_of(down)); /* a new account is no difference */
    teller_snapshot(&teller, down, -1, &lower, 1);
    const Tagih__V1__Reconciliation *row = report_of(down);
    assert_non_null(row);
    assert_int_equal(row->ours_minor, MINOR(4000000));
    assert_int_equal(row->theirs_minor, MINOR(3970000));
    assert_int_equal(row->difference_minor, -MINOR(30000));
    assert_int_equal(row->absorbed, 0);
    assert_string_equal(row->currency, "IDR");
    // J33: creditor control 30 000 · receivable 30 000
    assert_int_equal(line(rig_uuid(row->posting_id), LEDGER_CREDITOR_CONTROL), MINOR(30000));
    assert_int_equal(line(rig_uuid(row->posting_id), LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(30000));
    assert_moved(down.u, 4, {LEDGER_CREDITOR_CONTROL, 30000 - 4000000}, {LEDGER_RECEIVABLE_PRINCIPAL, 4000000 - 30000}); /* with J1 */
    teller_snapshot(&teller, up, -1, &higher, 1);
    row = report_of(up);
    // J33, the other way: receivable 30 000 · creditor control 30 000
    assert_int_equal(row->difference_minor, MINOR(30000));
    assert_int_equal(line(rig_uuid(row->posting_id), LEDGER_CREDITOR_CONTROL), -MINOR(30000));
    assert_int_equal(line(rig_uuid(row->posting_id), LEDGER_RECEIVABLE_PRINCIPAL), MINOR(30000));
}

//= RULES.md R-IMP-3
//  Without the sequence, payments valued up to the as-of date count as contained and the account is flagged ASSUMED.
static void payments_that_it_contains_are_counted_and_later_ones_stand_on_top(void **state) {
    (void)state;
    struct debt first = principal(4000000), then = principal(3500000);
    account_id account = teller_account(&teller, nobody, &first, 1);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(300000), .value = teller_noon(-6)});
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(200000), .value = teller_noon(-5)});
    payment_id gone = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(-5)});
    assert_answer(teller_reverse(&teller, gone, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_NEVER_RECEIVED), OK);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-1)});
    teller_snapshot(&teller, account, -3, &then, 1);
    const Tagih__V1__Reconciliation *row = report_of(account);
    assert_non_null(row);
    assert_int_equal(row->ours_minor, MINOR(3450000));
    assert_int_equal(row->theirs_minor, MINOR(3450000));
    assert_int_equal(row->difference_minor, 0);
    assert_int_equal(row->absorbed, 2);
    assert_int_equal(row->absorbed_minor, MINOR(500000));
    assert_int_equal(row->replayed, 1);
    assert_int_equal(line(rig_uuid(row->posting_id), LEDGER_CREDITOR_CONTROL), 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3450000));
}

static void the_report_is_of_one_file_and_of_the_office(void **state) {
    (void)state;
    struct debt first = principal(4000000), then = principal(3000000);
    account_id account = teller_account(&teller, nobody, &first, 1);
    teller_snapshot(&teller, account, -2, &then, 1);
    hash256 file = file_of(account), none = {{1}};
    struct rig_answer answer = list_as(teller.admin, BYTES_OF(&file), 1, "");
    assert_answer(answer, OK);
    assert_int_equal(((const Tagih__V1__ListReconciliationResponse *)answer.response)->n_rows, 1);
    assert_string_equal(((const Tagih__V1__ListReconciliationResponse *)answer.response)->next_page_token, "");
    answer = list_as(teller.admin, BYTES_OF(&none), 0, "");
    assert_answer(answer, OK);
    assert_int_equal(((const Tagih__V1__ListReconciliationResponse *)answer.response)->n_rows, 0);
    assert_answer(list_as(teller.admin, bytes_make(file.b, 31), 0, ""), REQUEST_FIELD_RANGE);
    assert_answer(list_as(teller.admin, BYTES_OF(&file), 201, ""), REQUEST_FIELD_RANGE);
    assert_answer(list_as(teller.admin, BYTES_OF(&file), 0, "zzz"), PAGE_TOKEN);
    assert_answer(list_as(rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR), BYTES_OF(&file), 0, ""), NOT_PERMITTED);
}

//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void what_payments_paid_is_what_receivables_lost(void **state) {
    (void)state;
    verifier_assert_identities(&rig, teller.agency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_stands_against_creditor_control),
        cmocka_unit_test(a_snapshot_lower_or_higher_than_ours_is_reported_and_posted),
        cmocka_unit_test(payments_that_it_contains_are_counted_and_later_ones_stand_on_top),
        cmocka_unit_test(the_report_is_of_one_file_and_of_the_office),
        cmocka_unit_test(what_payments_paid_is_what_receivables_lost),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
