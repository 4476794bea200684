/* SPDX-License-Identifier: Apache-2.0 */
/* Days past due and buckets. */
#include "support/case.h"

#include "tagih/bucket.h"

static struct instalment_open line(int32_t no, civil_date due_on, int64_t fees, int64_t interest, int64_t principal) {
    struct instalment made = {no, due_on, {fees, 0, interest, principal}};
    return instalment_start(&made);
}

//= RULES.md R-ACC-2
//  Buckets by days past due **(default)**: B0 ≤ 0, B1 1–30, B2 31–60, B3 61–90, B4 91–120, B5 121–150, B6 151–180,
//  B7 > 180.
static void a_bucket_begins_the_day_after_the_one_before_ends(void **state) {
    (void)state;
    static const struct {
        int32_t days;
        const char *name;
    } rows[] = {{INT32_MIN, "B0"}, {-1, "B0"},  {0, "B0"},   {1, "B1"},   {30, "B1"},  {31, "B2"},
                {60, "B2"},        {61, "B3"},  {90, "B3"},  {91, "B4"},  {120, "B4"}, {121, "B5"},
                {150, "B5"},       {151, "B6"}, {180, "B6"}, {181, "B7"}, {INT32_MAX, "B7"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(bucket_name(bucket_of(&bucket_scheme_default, rows[i].days)), rows[i].name);
    }
    assert_string_equal(bucket_name(BUCKET_COUNT), "unknown");
}

//= RULES.md R-ACC-3
//  dpd(d) = max(0, d − D) civil days, D = the earliest due date < d whose open principal + interest exceed the
//  tolerance **(default 0)**; fees and penalty alone do not age.
static void the_oldest_open_due_date_decides_the_age(void **state) {
    (void)state;
    civil_date march = date_make(2026, 3, 1), april = date_make(2026, 4, 1);
    struct instalment_open lines[] = {line(1, date_make(2026, 2, 1), 500, 0, 0), line(2, march, 0, 1, 0),
                                      line(3, april, 0, 5, 5)};
    assert_int_equal(bucket_days_past_due(lines, 3, 0, april), 31);
    assert_int_equal(bucket_days_past_due(lines, 3, 0, march), 0); /* due today is not past due */
    assert_int_equal(bucket_days_past_due(lines, 3, 0, date_make(2026, 3, 2)), 1);
    assert_int_equal(bucket_days_past_due(lines, 3, 1, date_make(2026, 4, 2)), 1); /* 1 does not exceed 1 */
    assert_int_equal(bucket_days_past_due(lines, 1, 0, april), 0);
    civil_date due_on = {7};
    assert_false(bucket_oldest_due(lines, 1, 0, april, &due_on));
    assert_int_equal(due_on.days, 7);
    assert_false(bucket_oldest_due(lines, 2, 0, march, &due_on)); /* due on the day itself has not aged */
}

//= RULES.md R-ACC-3
//  D = the earliest due date < d whose open principal + interest exceed the tolerance
static void instalments_of_one_due_date_count_together(void **state) {
    (void)state;
    civil_date due = date_make(2026, 3, 1), next = date_make(2026, 3, 5);
    struct instalment_open lines[] = {line(1, due, 0, 0, 6), line(2, due, 0, 6, 0), line(3, next, 0, 0, 6)};
    civil_date found;
    assert_true(bucket_oldest_due(lines, 3, 10, date_make(2026, 4, 1), &found));
    assert_int_equal(found.days, due.days);
    lines[1].open_minor[COMPONENT_INTEREST] = 4;
    assert_false(bucket_oldest_due(lines, 3, 10, date_make(2026, 4, 1), &found));
    lines[0].open_minor[COMPONENT_PRINCIPAL] = lines[1].open_minor[COMPONENT_INTEREST] = INT64_MAX;
    assert_true(bucket_oldest_due(lines, 3, INT64_MAX, date_make(2026, 4, 1), &found)); /* the sum does not wrap */
}

//= RULES.md R-BON-11
//  Bonus bucket = the **lower** of (a) the bucket at 00:00 local of the value date, before every payment of that date,
//  and (b) the bucket at the later of month start and hold start
static void the_lower_of_two_buckets_pays_the_bonus(void **state) {
    (void)state;
    assert_int_equal(bucket_lower(BUCKET_B3, BUCKET_B1), BUCKET_B1);
    assert_int_equal(bucket_lower(BUCKET_B1, BUCKET_B3), BUCKET_B1);
    assert_int_equal(bucket_lower(BUCKET_B2, BUCKET_B2), BUCKET_B2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_begins_the_day_after_the_one_before_ends),
        cmocka_unit_test(the_oldest_open_due_date_decides_the_age),
        cmocka_unit_test(instalments_of_one_due_date_count_together),
        cmocka_unit_test(the_lower_of_two_buckets_pays_the_bonus),
    };
    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
