/* SPDX-License-Identifier: Apache-2.0 */
/* Civil dates. */
#include "support/case.h"

#include "tagih/time.h"

static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

//= RULES.md R-TIM-1
//  Instants are microseconds since the Unix epoch, UTC. Civil dates exist only through a named time zone.
static void every_day_of_three_centuries_follows_the_one_before(void **state) {
    (void)state;
    int32_t expected = date_make(1899, 12, 31).days;
    for (int year = 1900; year < 2200; year++) {
        for (int month = 1; month <= 12; month++) {
            int days = month_days[month - 1] + (month == 2 && is_leap(year));
            for (int day = 1; day <= days; day++) {
                int y, m, d;
                civil_date date = date_make(year, month, day);
                assert_int_equal(date.days, ++expected);
                date_split(date, &y, &m, &d);
                assert_true(y == year && m == month && d == day);
                assert_int_equal(date_month(date).days, date_make(year, month, 1).days);
            }
        }
    }
    assert_int_equal(date_make(1970, 1, 1).days, 0);
    assert_int_equal(date_make(2000, 3, 1).days, 11017);
}

static void a_date_is_read_only_if_it_exists(void **state) {
    (void)state;
    civil_date date;
    char text[DATE_TEXT_SIZE];
    assert_ok(date_parse("2024-02-29", &date));
    date_format(date, text);
    assert_string_equal(text, "2024-02-29");
    assert_ok(date_parse("1900-01-01", &date));
    assert_ok(date_parse("2199-12-31", &date));
    int32_t kept = date.days;
    static const char *const bad[] = {"", "2023-02-29", "1900-02-29", "2024-04-31", "2024-00-10", "2024-13-01", "2024-01-00",
                                      "2024-01-32", "1899-12-31", "2200-01-01", "2024-1-01", "2024/01/01", "24-01-01",
                                      "2024-01-01 ", " 2024-01-1", "2024-0a-01", "-024-01-01", "2024-+1-01", "20240101"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_fails(date_parse(bad[i], &date), DATE_SYNTAX);
    assert_int_equal(date.days, kept);
}

static void years_beyond_four_digits_are_written_at_the_edge(void **state) {
    (void)state;
    char text[DATE_TEXT_SIZE];
    date_format(date_make(12000, 5, 6), text);
    assert_string_equal(text, "9999-05-06");
    date_format(date_make(-3, 5, 6), text);
    assert_string_equal(text, "0000-05-06");
}

static void only_this_century_is_sane(void **state) {
    (void)state;
    assert_true(instant_is_sane((instant){date_make(2000, 1, 1).days * US_PER_DAY}));
    assert_false(instant_is_sane((instant){date_make(2000, 1, 1).days * US_PER_DAY - 1}));
    assert_true(instant_is_sane((instant){date_make(2100, 1, 1).days * US_PER_DAY - 1}));
    assert_false(instant_is_sane((instant){date_make(2100, 1, 1).days * US_PER_DAY}));
    assert_false(instant_is_sane((instant){0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_three_centuries_follows_the_one_before),
        cmocka_unit_test(a_date_is_read_only_if_it_exists),
        cmocka_unit_test(years_beyond_four_digits_are_written_at_the_edge),
        cmocka_unit_test(only_this_century_is_sane),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
