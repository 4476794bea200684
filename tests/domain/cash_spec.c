/* SPDX-License-Identifier: Apache-2.0 */
/* Notes and coins, how old cash is, and how much may be held. */
#include "domain/cash.h"

#include "tagih/journal.h"
#include "tests/support/case.h"

static const currency idr = {"IDR"}, inr = {"INR"};

#define MINOR(rupiah) (INT64_C(100) * (rupiah))
#define ADD_UP(in, pieces) cash_add_up((in), (pieces), COUNT_OF(pieces), &sum_minor, &bad)

//= RULES.md R-CSH-2
//  DECLARED (denominations, …)
static void notes_and_coins_add_up(void **state) {
    (void)state;
    const struct cash_pieces bag[] = {{MINOR(100000), 97}, {MINOR(50000), 1}, {MINOR(20000), 2},
                                      {MINOR(5000), 1},    {MINOR(1000), 4},  {MINOR(200), 5}};
    int64_t sum_minor = 0;
    size_t bad = 0;
    assert_ok(ADD_UP(idr, bag));
    assert_int_equal(sum_minor, MINOR(9800000));
    assert_ok(cash_add_up(idr, NULL, 0, &sum_minor, &bad)); /* an empty bag */
    assert_int_equal(sum_minor, 0);
}

//= RULES.md R-CSH-2b
//  A value that no note or coin has, the same value twice, and a number of pieces below 1 or above a million
//  are refused.
static void what_is_no_note_or_no_number_of_them_is_refused(void **state) {
    (void)state;
    const struct {
        struct cash_pieces pieces;
        const char *reason;
    } cases[] = {
        {{MINOR(30000), 1}, "CASH_DENOMINATION"},
        {{MINOR(200000), 1}, "CASH_DENOMINATION"},
        {{MINOR(1), 1}, "CASH_DENOMINATION"},
        {{0, 1}, "CASH_DENOMINATION"},
        {{-MINOR(100000), 1}, "CASH_DENOMINATION"},
        {{INT64_MIN, 1}, "CASH_DENOMINATION"},
        {{100000, -1}, "CASH_PIECES"},
        {{MINOR(1000), 0}, "CASH_PIECES"},
        {{MINOR(1000), CASH_PIECES_MAX + 1}, "CASH_PIECES"},
        {{MINOR(1000), INT64_MAX}, "CASH_PIECES"},
        {{MINOR(1000), INT64_MIN}, "CASH_PIECES"},
        {{MINOR(50000), 1}, "CASH_DENOMINATION"}, /* stands there twice */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct cash_pieces bag[] = {{MINOR(50000), 1}, cases[i].pieces};
        int64_t sum_minor = -1;
        size_t bad = 9;
        assert_string_equal(err_name(ADD_UP(idr, bag)), cases[i].reason);
        assert_int_equal(bad, 1);
        assert_int_equal(sum_minor, -1);
    }
    const struct cash_pieces hoard[] = {{MINOR(100000), CASH_PIECES_MAX}, {MINOR(500), 1}};
    int64_t sum_minor = -1;
    size_t bad = 9;
    assert_fails(ADD_UP(idr, hoard), MONEY_OVERFLOW); /* 10^13 minor is the most */
    assert_int_equal(bad, 2);
    assert_int_equal(sum_minor, -1);
}

static void a_currency_without_a_list_is_counted_as_named(void **state) {
    (void)state;
    const struct cash_pieces bag[] = {{50000, 3}, {200, 1}};
    int64_t sum_minor = 0;
    size_t bad = 0;
    assert_ok(ADD_UP(inr, bag));
    assert_int_equal(sum_minor, 150200);
    assert_false(cash_is_denomination(inr, 0));
    assert_true(cash_is_denomination(idr, MINOR(75000)));
}

//= RULES.md R-CSH-2a
//  whatever leaves his bag is the oldest in it
static void what_left_was_the_oldest(void **state) {
    (void)state;
    assert_int_equal(cash_older_minor(1000, 0), 1000);
    assert_int_equal(cash_older_minor(1000, 300), 700);
    assert_int_equal(cash_older_minor(300, 500), 0); /* he deposited the old and some of the new */
    assert_int_equal(cash_older_minor(0, 0), 0);
}

static void cash_has_ages(void **state) {
    (void)state;
    const civil_date today = {20000};
    const int ages[][2] = {{-1, 0}, {0, 0}, {1, 1}, {2, 2}, {3, 2}, {4, 3}, {7, 3}, {8, 4}, {4000, 4}};
    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        assert_int_equal(cash_age((civil_date){today.days - ages[i][0]}, today), ages[i][1]);
    }
    const struct cash_day days[] = {{{20000}, 100}, {{19999}, 50}, {{19998}, -20}, {{19990}, 30}};
    int64_t by_age[CASH_AGES];
    cash_split_by_age(200, days, COUNT_OF(days), today, by_age);
    const int64_t all[CASH_AGES] = {100, 50, 0, 0, 50};
    assert_memory_equal(by_age, all, sizeof all);
    cash_split_by_age(120, days, COUNT_OF(days), today, by_age);
    const int64_t newest[CASH_AGES] = {100, 20, 0, 0, 0};
    assert_memory_equal(by_age, newest, sizeof newest);
    cash_split_by_age(7, NULL, 0, today, by_age);
    assert_int_equal(by_age[CASH_AGES - 1], 7);
}

//= RULES.md R-CSH-3
//  soft warns the supervisor, hard shows in the allowance; every breach is an event
static void limits_are_breached_one_by_one(void **state) {
    (void)state;
    const struct cash_limits limits = {.soft_minor = MINOR(8000000), .hard_minor = MINOR(10000000)};
    assert_int_equal(cash_breaches(&limits, MINOR(8000000), 0), 0);
    assert_int_equal(cash_breaches(&limits, MINOR(8000000) + 1, 0), CASH_BREACH_SOFT);
    assert_int_equal(cash_breaches(&limits, MINOR(10000000) + 1, 0), CASH_BREACH_SOFT | CASH_BREACH_HARD);
    assert_int_equal(cash_breaches(&limits, 5, 5), CASH_BREACH_AGED);
}

//= RULES.md R-CSH-3a
//  The allowance shows the hard limit, and nothing while he holds cash past its time
static void cash_past_its_time_stops_the_allowance(void **state) {
    (void)state;
    const struct cash_limits limits = {.soft_minor = 1, .hard_minor = MINOR(10000000)};
    assert_int_equal(cash_allowed_minor(&limits, 0), MINOR(10000000));
    assert_int_equal(cash_allowed_minor(&limits, 1), 0);
}

//= RULES.md R-CSH-4
//  HANDOVER signed by both phones moves cash held from one to the other
static void two_halves_agree_when_each_names_the_other_and_one_sum(void **state) {
    (void)state;
    const user_id budi = {{{1}}}, dewi = {{{2}}}, siti = {{{3}}};
    const struct cash_half gives = {budi, dewi, JOURNAL_HANDOVER_GIVES, MINOR(500000), idr};
    const struct cash_half takes = {dewi, budi, JOURNAL_HANDOVER_TAKES, MINOR(500000), idr};
    assert_true(cash_half_is_sound(&gives) && cash_half_is_sound(&takes));
    assert_true(cash_halves_agree(&gives, &takes) && cash_halves_agree(&takes, &gives));
    struct cash_half odd[] = {takes, takes, takes, takes, takes};
    odd[0].amount_minor--;
    odd[1].currency = inr;
    odd[2].side = JOURNAL_HANDOVER_GIVES;
    odd[3].user = siti;
    odd[4].counterpart = siti;
    for (size_t i = 0; i < COUNT_OF(odd); i++) assert_false(cash_halves_agree(&gives, &odd[i]));
    struct cash_half bad[] = {takes, takes, takes, takes, takes};
    bad[0].amount_minor = 0;
    bad[1].amount_minor = -1;
    bad[2].amount_minor = MONEY_AMOUNT_MAX_MINOR + 1;
    bad[3].side = 3;
    bad[4].counterpart = dewi;
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(cash_half_is_sound(&bad[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_and_coins_add_up),
        cmocka_unit_test(what_is_no_note_or_no_number_of_them_is_refused),
        cmocka_unit_test(a_currency_without_a_list_is_counted_as_named),
        cmocka_unit_test(what_left_was_the_oldest),
        cmocka_unit_test(cash_has_ages),
        cmocka_unit_test(limits_are_breached_one_by_one),
        cmocka_unit_test(cash_past_its_time_stops_the_allowance),
        cmocka_unit_test(two_halves_agree_when_each_names_the_other_and_one_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
