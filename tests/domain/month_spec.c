/* SPDX-License-Identifier: Apache-2.0 */
/* Months: when one may be closed. */
#include "support/case.h"

#include "server/domain/month.h"

static civil_date on(const char *text) {
    civil_date out;
    assert_ok(date_parse(text, &out));
    return out;
}

#define assert_date(is, text) assert_int_equal((is).days, on(text).days)

//= RULES.md R-CLS-1
//  from the 5th working day on **(default)**
//= RULES.md R-CLS-1a
//  A working day is Monday to Friday and no national holiday whose date does not move.
static void a_month_closes_from_the_fifth_working_day_on(void **state) {
    (void)state;
    assert_date(month_close_from(on("2026-11-01"), 5), "2026-12-07"); /* from Tuesday the 1st: 1 2 3 4 7 */
    assert_date(month_close_from(on("2026-12-01"), 5), "2027-01-08"); /* New Year on a Friday: 4 5 6 7 8 */
    assert_date(month_close_from(on("2026-04-17"), 5), "2026-05-08"); /* the 1st of May is none: 4 5 6 7 8 */
    assert_date(month_close_from(on("2026-01-01"), 1), "2026-02-02"); /* the 1st is a Sunday */
    assert_false(date_is_working(on("2026-08-17")));
    assert_true(date_is_working(on("2026-08-18")));
    assert_false(date_is_working(on("2026-08-22")));
}

static void months_have_ends(void **state) {
    (void)state;
    assert_date(month_next(on("2026-12-31")), "2027-01-01");
    assert_date(month_next(on("2028-01-31")), "2028-02-01");
    assert_date(month_last(on("2028-02-01")), "2028-02-29");
    assert_date(month_last(on("2026-11-30")), "2026-11-30");
}

//= RULES.md R-CLS-1
//  A close is an act per (agency, month) … No reopening.
static void months_close_in_order_and_once(void **state) {
    (void)state;
    struct month_books books = {.any_closed = true, .closed = on("2026-08-01"), .today = on("2026-11-26")};
    assert_ok(month_close_check(on("2026-09-01"), &books));
    assert_fails(month_close_check(on("2026-10-01"), &books), MONTH_ORDER);
    assert_fails(month_close_check(on("2026-08-01"), &books), MONTH_CLOSED);
    assert_fails(month_close_check(on("2026-07-01"), &books), MONTH_CLOSED);
    books.closed = on("2026-10-01");
    assert_fails(month_close_check(on("2026-11-01"), &books), MONTH_EARLY);
    books.today = on("2026-12-06");
    assert_fails(month_close_check(on("2026-11-01"), &books), MONTH_EARLY);
    books.today = on("2026-12-07");
    assert_ok(month_close_check(on("2026-11-01"), &books));
    // the first close leaves no posting behind it
    struct month_books young = {.any_posting = true, .first = on("2026-09-14"), .today = on("2026-11-26")};
    assert_fails(month_close_check(on("2026-10-01"), &young), MONTH_ORDER);
    assert_ok(month_close_check(on("2026-09-01"), &young));
    young.any_posting = false;
    assert_ok(month_close_check(on("2026-10-01"), &young));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_closes_from_the_fifth_working_day_on),
        cmocka_unit_test(months_have_ends),
        cmocka_unit_test(months_close_in_order_and_once),
    };
    return cmocka_run_group_tests_name("month", tests, NULL, NULL);
}
