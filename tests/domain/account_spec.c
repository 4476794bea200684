/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: names of states, loads, and what a row of a file may say. */
#include "domain/account.h"
#include "tests/support/case.h"

static void a_state_has_a_name_and_knows_whether_it_is_closed(void **state) {
    (void)state;
    assert_string_equal(account_status_name(ACCOUNT_CLOSED_RETURNED), "closed.returned");
    assert_string_equal(account_status_name(0), "unknown");
    assert_true(account_status_is_closed(ACCOUNT_CLOSED_DECEASED));
    assert_false(account_status_is_closed(ACCOUNT_TAKEOVER));
    assert_false(account_status_is_closed(77));
}

//= RULES.md R-IMP-1
//  Load type, the first that fits: live under the same placement at the previous month's end → CONTINUATION; live and
//  loaded this month → update, no load; never seen → NEW; else → REACTIVATED. Stored with its reason.
static void the_load_type_is_the_first_that_fits(void **state) {
    (void)state;
    const struct {
        struct load_facts facts;
        enum load_type type;
    } table[] = {
        {{.seen = false}, LOAD_NEW},
        {{true, ACCOUNT_HELD, true, date_make(2026, 10, 31), date_make(2026, 11, 1)}, LOAD_CONTINUATION},
        {{true, ACCOUNT_HELD, true, date_make(2026, 11, 1), date_make(2026, 11, 30)}, LOAD_UPDATE},
        {{true, ACCOUNT_POOL, false, {0}, date_make(2026, 11, 30)}, LOAD_UPDATE},
        {{true, ACCOUNT_TAKEOVER, true, date_make(2026, 10, 1), date_make(2026, 11, 2)}, LOAD_REACTIVATED},
        {{true, ACCOUNT_CLOSED_PAID, true, date_make(2026, 10, 1), date_make(2026, 11, 2)}, LOAD_REACTIVATED},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct load load = load_decide(&table[i].facts);
        assert_int_equal(load.type, table[i].type);
        assert_true(strlen(load.reason) > 0);
    }
    assert_string_equal(load_type_name(LOAD_REACTIVATED), "REACTIVATED");
    assert_string_equal(load_type_name(0), "unknown");
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static struct account_text good(void) {
    static const char *const fields[ACCOUNT_COLUMN_COUNT] = {
        "A000001", "C000001", "motorcycle", "IDR", "1663025", "195650", "58695", "39130", "54", "2005-08-07",
        "AB 5576 FL", "-7.954483", "110.291642", "BAMBANG LIPURO", "Bantul Regency", "+6281210000001"};
    struct account_text out;
    for (size_t c = 0; c < ACCOUNT_COLUMN_COUNT; c++) out.field[c] = bytes_text(fields[c]);
    return out;
}

//= RULES.md R-MON-4
//  Amounts in files and on paper are decimal major units with a point and at most the currency's digits: `1663025` IDR =
//  166 302 500 minor; more digits is a row error.
static void a_good_row_becomes_minor_units_dates_and_a_place(void **state) {
    (void)state;
    struct account_text text = good();
    struct account_row row;
    enum account_column column;
    assert_ok(account_row_parse(&text, &row, &column));
    assert_int_equal(row.due_minor[COMPONENT_PRINCIPAL], 166302500);
    assert_int_equal(row.due_minor[COMPONENT_FEES], 3913000);
    assert_int_equal(account_row_sum(&row), 195650000);
    assert_int_equal(row.place.lat_e7, -79544830);
    assert_int_equal(row.place.lon_e7, 1102916420);
    assert_int_equal(row.oldest_due_on.days, date_make(2005, 8, 7).days);
}

static void every_wrong_field_names_its_column_and_reason(void **state) {
    (void)state;
    static const struct {
        enum account_column column;
        const char *text;
        enum tagih_reason reason;
    } table[] = {
        {ACCOUNT_COLUMN_ACCOUNT_NO, "", ERR_REQUEST_FIELD_MISSING},
        {ACCOUNT_COLUMN_CUSTOMER_NO, "a\nb", ERR_TEXT_INVALID},
        {ACCOUNT_COLUMN_CURRENCY, "XQZ", ERR_MONEY_CURRENCY_UNKNOWN},
        {ACCOUNT_COLUMN_CURRENCY, "ID", ERR_REQUEST_FIELD_MISSING},
        {ACCOUNT_COLUMN_PRINCIPAL, "1.234", ERR_MONEY_SYNTAX},
        {ACCOUNT_COLUMN_PRINCIPAL, "-5", ERR_MONEY_NEGATIVE},
        {ACCOUNT_COLUMN_INTEREST, "1,000", ERR_MONEY_SYNTAX},
        {ACCOUNT_COLUMN_PENALTY, "10000000000001", ERR_MONEY_OVERFLOW},
        {ACCOUNT_COLUMN_FEES, "", ERR_REQUEST_FIELD_MISSING},
        {ACCOUNT_COLUMN_DPD, "-3", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_DPD, "12a", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_OLDEST_DUE_ON, "2005-02-30", ERR_DATE_SYNTAX},
        {ACCOUNT_COLUMN_OLDEST_DUE_ON, "", ERR_ACCOUNT_DUE_MISSING},
        {ACCOUNT_COLUMN_LAT, "90.1", ERR_GEO_POSITION_RANGE},
        {ACCOUNT_COLUMN_LAT, "7.", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_LAT, "-", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_LON, "1e2", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_LON, "99999999999999", ERR_GEO_POSITION_RANGE},
        {ACCOUNT_COLUMN_PHONE, "\xff\xfe", ERR_TEXT_INVALID},
        {ACCOUNT_COLUMN_RULE_SET, "npl/", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_RULE_SET, "npl/0", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_RULE_SET, "npl/1/2", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_RULE_SET, "npl/10001", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_RULE_SET, "/1", ERR_NUMBER_SYNTAX},
        {ACCOUNT_COLUMN_RULE_SET, "npl2345678901234567890123456789012345678", ERR_TEXT_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct account_text text = good();
        struct account_row row;
        enum account_column column = ACCOUNT_COLUMN_COUNT;
        text.field[table[i].column] = bytes_text(table[i].text);
        tagih_err err = account_row_parse(&text, &row, &column);
        assert_int_equal(err.reason, table[i].reason);
        assert_string_equal(account_column_name(column), account_column_name(table[i].column));
    }
}

static void a_nul_inside_a_field_is_no_text(void **state) {
    (void)state;
    struct account_text text = good();
    struct account_row row;
    enum account_column column;
    text.field[ACCOUNT_COLUMN_PLATE] = bytes_make("AB\0CD", 5);
    assert_fails(account_row_parse(&text, &row, &column), TEXT_INVALID);
    assert_int_equal(column, ACCOUNT_COLUMN_PLATE);
}

//= RULES.md R-ACC-3
//  `oldest_due_on` decides; a `dpd` column is compared with it at the file's as-of date and a difference is a row warning.
static void the_due_date_decides_and_another_count_is_a_warning(void **state) {
    (void)state;
    struct account_text text = good();
    struct account_row row;
    enum account_column column;
    civil_date as_of = date_make(2005, 9, 30);
    assert_ok(account_row_parse(&text, &row, &column));
    assert_int_equal(account_row_days_past_due(&row, as_of), 54);
    assert_false(account_row_dpd_differs(&row, as_of));
    row.dpd = 53;
    assert_true(account_row_dpd_differs(&row, as_of));
    row.has_dpd = false;
    assert_false(account_row_dpd_differs(&row, as_of));
    row.due_minor[COMPONENT_PRINCIPAL] = row.due_minor[COMPONENT_INTEREST] = 0; /* fees and penalty alone do not age */
    assert_int_equal(account_row_days_past_due(&row, as_of), 0);
}

//= RULES.md R-ACC-3
//  for samples only, `--shift-to DATE`, which moves all dates by one number of days.
static void shifting_moves_the_due_date_and_nothing_else(void **state) {
    (void)state;
    struct account_text text = good();
    struct account_row row, before;
    enum account_column column;
    assert_ok(account_row_parse(&text, &row, &column));
    before = row;
    account_row_shift(&row, 100);
    assert_int_equal(row.oldest_due_on.days, before.oldest_due_on.days + 100);
    assert_int_equal(account_row_sum(&row), account_row_sum(&before));
}

//= RULES.md R-ACC-1
//  an account without a schedule has one synthetic instalment with everything past due
static void one_instalment_stands_for_everything_past_due(void **state) {
    (void)state;
    struct account_text text = good();
    struct account_row row;
    enum account_column column;
    assert_ok(account_row_parse(&text, &row, &column));
    struct instalment line = account_row_instalment(&row, date_make(2005, 9, 30));
    assert_int_equal(line.no, 1);
    assert_int_equal(line.due_on.days, row.oldest_due_on.days);
    assert_memory_equal(line.due_minor, row.due_minor, sizeof line.due_minor);
    row.has_due = false;
    assert_int_equal(account_row_instalment(&row, date_make(2005, 9, 30)).due_on.days, date_make(2005, 9, 30).days);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_has_a_name_and_knows_whether_it_is_closed),
        cmocka_unit_test(the_load_type_is_the_first_that_fits),
        cmocka_unit_test(a_good_row_becomes_minor_units_dates_and_a_place),
        cmocka_unit_test(every_wrong_field_names_its_column_and_reason),
        cmocka_unit_test(a_nul_inside_a_field_is_no_text),
        cmocka_unit_test(the_due_date_decides_and_another_count_is_a_warning),
        cmocka_unit_test(shifting_moves_the_due_date_and_nothing_else),
        cmocka_unit_test(one_instalment_stands_for_everything_past_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
