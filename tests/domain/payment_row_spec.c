/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of payment files. */
#include "support/case.h"

#include "server/domain/payment_row.h"

static const currency rupiah = {"IDR"};

static struct payment_text text_of(const char *account_no, const char *reference, const char *amount, const char *paid_at,
                                   const char *in, const char *tag) {
    return (struct payment_text){{bytes_text(account_no), bytes_text(reference), bytes_text(amount), bytes_text(paid_at),
                                  bytes_text(in), bytes_text(tag)}};
}

//= RULES.md R-MON-4
//  Amounts in files and on paper are decimal major units with a point and at most the currency's digits
static void a_good_row_is_a_payment(void **state) {
    (void)state;
    struct payment_text text = text_of("A-1", "REF 7", "1663025.5", "2026-11-20", "", "");
    struct payment_row_read row;
    enum payment_column column;
    assert_ok(payment_row_parse(&text, SOURCE_GATEWAY, rupiah, &row, &column));
    assert_int_equal(row.amount_minor, 166302550);
    assert_int_equal(row.tag, TAG_GATEWAY);
    assert_true(row.paid_at.is_local);
    assert_true(bytes_equal(row.account_no, bytes_text("A-1")));
    assert_true(bytes_equal(row.reference, bytes_text("REF 7")));
    text = text_of("A-1", "REF 7", "1", "2026-11-20T10:00:00Z", "IDR", "LAWYER");
    assert_ok(payment_row_parse(&text, SOURCE_GATEWAY, rupiah, &row, &column));
    assert_int_equal(row.tag, TAG_LAWYER);
}

//= RULES.md R-PAY-5f
//  A payment file has one source and one currency
static void a_bad_row_names_its_column_and_still_counts_its_amount(void **state) {
    (void)state;
    const struct {
        struct payment_text text;
        enum tagih_reason reason;
        enum payment_column column;
        int64_t amount_minor;
    } cases[] = {
        {text_of("", "R", "1", "2026-11-20", "", ""), ERR_REQUEST_FIELD_MISSING, PAYMENT_COLUMN_ACCOUNT_NO, 100},
        {text_of("A\n", "R", "1", "2026-11-20", "", ""), ERR_TEXT_INVALID, PAYMENT_COLUMN_ACCOUNT_NO, 100},
        {text_of("A", "", "1", "2026-11-20", "", ""), ERR_REQUEST_FIELD_MISSING, PAYMENT_COLUMN_REFERENCE, 100},
        {text_of("A", "\xff", "1", "2026-11-20", "", ""), ERR_TEXT_INVALID, PAYMENT_COLUMN_REFERENCE, 100},
        {text_of("A", "R", "", "2026-11-20", "", ""), ERR_REQUEST_FIELD_MISSING, PAYMENT_COLUMN_AMOUNT, 0},
        {text_of("A", "R", "0", "2026-11-20", "", ""), ERR_PAYMENT_AMOUNT, PAYMENT_COLUMN_AMOUNT, 0},
        {text_of("A", "R", "-5", "2026-11-20", "", ""), ERR_MONEY_NEGATIVE, PAYMENT_COLUMN_AMOUNT, 0},
        {text_of("A", "R", "1.005", "2026-11-20", "", ""), ERR_MONEY_SYNTAX, PAYMENT_COLUMN_AMOUNT, 0},
        {text_of("A", "R", "1,5", "2026-11-20", "", ""), ERR_MONEY_SYNTAX, PAYMENT_COLUMN_AMOUNT, 0},
        {text_of("A", "R", "100000000000.01", "2026-11-20", "", ""), ERR_PAYMENT_AMOUNT, PAYMENT_COLUMN_AMOUNT, 0},
        {text_of("A", "R", "99999999999999999999", "2026-11-20", "", ""), ERR_PAYMENT_AMOUNT, PAYMENT_COLUMN_AMOUNT, 0},
        {text_of("A", "R", "1", "20/11/2026", "", ""), ERR_DATE_SYNTAX, PAYMENT_COLUMN_PAID_AT, 100},
        {text_of("A", "R", "1", "2026-11-20", "USD", ""), ERR_PAYMENT_FILE_CURRENCY, PAYMENT_COLUMN_CURRENCY, 100},
        {text_of("A", "R", "1", "2026-11-20", "", "FIELD_CASH"), ERR_PAYMENT_TAG, PAYMENT_COLUMN_TAG, 100},
        {text_of("A", "R", "1", "2026-11-20", "", "lawyer"), ERR_PAYMENT_TAG, PAYMENT_COLUMN_TAG, 100},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct payment_row_read row;
        enum payment_column column;
        tagih_err err = payment_row_parse(&cases[i].text, SOURCE_GATEWAY, rupiah, &row, &column);
        assert_int_equal(err.reason, cases[i].reason);
        assert_int_equal(column, cases[i].column);
        assert_int_equal(row.amount_minor, cases[i].amount_minor);
    }
}

//= RULES.md R-PAY-5f
//  control totals count every row and the amount of each that can be read, refused ones included
static void totals_match_in_rows_and_in_sum(void **state) {
    (void)state;
    const struct payment_totals said = {3, 600}, cut = {2, 600}, other = {3, 601};
    assert_ok(payment_totals_check(&said, &said));
    assert_fails(payment_totals_check(&said, &cut), PAYMENT_FILE_TOTALS);
    assert_fails(payment_totals_check(&said, &other), PAYMENT_FILE_TOTALS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_row_is_a_payment),
        cmocka_unit_test(a_bad_row_names_its_column_and_still_counts_its_amount),
        cmocka_unit_test(totals_match_in_rows_and_in_sum),
    };
    return cmocka_run_group_tests_name("payment_row", tests, NULL, NULL);
}
