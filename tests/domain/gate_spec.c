/* SPDX-License-Identifier: Apache-2.0 */
/* The contact gate: each rule alone denies, and says so; consent lifts what the pack lets it lift. */
#include "domain/gate.h"
#include "tests/support/case.h"

/* Wednesday 2026-11-18, ten in the morning, at the billing address, the debtor himself. */
static struct gate_facts fine(void) {
    return (struct gate_facts){.on = date_make(2026, 11, 18), .minute_of_day = 600, .place = GATE_PLACE_BILLING,
                               .person = GATE_PERSON_DEBTOR};
}

static const char *judged(struct gate_facts facts) {
    static struct gate_verdict verdict;
    verdict = gate_judge(gate_pack_find("id-pojk22"), &facts);
    assert_int_equal(verdict.allow, strncmp(verdict.rule, "ALLOW", 5) == 0);
    return verdict.rule;
}

//= RULES.md R-GAT-1
//  `gate(rule pack, facts, instant) → ALLOW | DENY(rule id)`, pure, with public vectors
static void the_first_rule_that_denies_is_named(void **state) {
    (void)state;
    struct gate_facts facts = fine();
    assert_string_equal(judged(facts), "ALLOW");
    facts.on = date_make(2026, 11, 22); /* a Sunday */
    assert_string_equal(judged(facts), "DENY id-pojk22.day");
    facts.place = GATE_PLACE_OTHER;
    assert_string_equal(judged(facts), "DENY id-pojk22.place");
    facts.person = GATE_PERSON_OTHER;
    assert_string_equal(judged(facts), "DENY id-pojk22.person");
}

//= RULES.md R-GAT-2
//  `id-pojk22` Mon–Sat, no national holiday, 08:00–20:00 local, billing address or domicile, debtor only
static void the_hours_begin_at_eight_and_end_before_twenty(void **state) {
    (void)state;
    static const struct {
        int32_t minute;
        const char *verdict;
    } table[] = {{0, "DENY id-pojk22.hours"},   {479, "DENY id-pojk22.hours"}, {480, "ALLOW"},
                 {1199, "ALLOW"},               {1200, "DENY id-pojk22.hours"}, {1439, "DENY id-pojk22.hours"},
                 {GATE_ANY_MINUTE, "ALLOW"}};
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct gate_facts facts = fine();
        facts.minute_of_day = table[i].minute;
        assert_string_equal(judged(facts), table[i].verdict);
    }
}

//= RULES.md R-GAT-2
//  `id-pojk22` Mon–Sat, no national holiday, 08:00–20:00 local, billing address or domicile, debtor only
static void monday_to_saturday_but_for_holidays(void **state) {
    (void)state;
    for (int day = 16; day <= 22; day++) { /* Monday to Sunday */
        struct gate_facts facts = fine();
        facts.on = date_make(2026, 11, day);
        assert_int_equal(date_weekday(facts.on), day - 16);
        assert_string_equal(judged(facts), day == 22 ? "DENY id-pojk22.day" : "ALLOW");
    }
    struct gate_facts facts = fine();
    facts.on = date_make(2027, 8, 17);
    assert_string_equal(judged(facts), "DENY id-pojk22.holiday");
    facts = fine();
    facts.holiday = true; /* one that follows the moon */
    assert_string_equal(judged(facts), "DENY id-pojk22.holiday");
    facts = fine();
    facts.place = GATE_PLACE_DOMICILE;
    assert_string_equal(judged(facts), "ALLOW");
}

//= RULES.md R-GAT-4
//  CONSENT(debtor, place, hours, until) is a fact that turns a DENY of place or time into ALLOW where the pack says so
//  (`id-pojk22` does).
static void consent_lifts_place_and_time_and_never_the_person(void **state) {
    (void)state;
    struct gate_facts facts = fine();
    facts.consent = true;
    assert_string_equal(judged(facts), "ALLOW");
    facts.on = date_make(2026, 11, 22);
    facts.minute_of_day = 1300;
    facts.place = GATE_PLACE_OTHER;
    assert_string_equal(judged(facts), "ALLOW consent");
    facts.person = GATE_PERSON_OTHER;
    assert_string_equal(judged(facts), "DENY id-pojk22.person");
    struct gate_pack strict = *gate_pack_find("id-pojk22");
    strict.consent_lifts = false;
    facts.person = GATE_PERSON_DEBTOR;
    assert_false(gate_judge(&strict, &facts).allow);
}

//= RULES.md R-PAY-2
//  A receipt of money silences contacts for the debt for 3 working days **(default)**, posted or not.
static void silence_denies_and_no_consent_lifts_it(void **state) {
    (void)state;
    struct gate_facts facts = fine();
    facts.silenced = true;
    assert_string_equal(judged(facts), "DENY id-pojk22.silence");
    facts.consent = true;
    assert_string_equal(judged(facts), "DENY id-pojk22.silence");
    facts.on = date_make(2026, 11, 22);
    assert_string_equal(judged(facts), "DENY id-pojk22.silence");
}

//= RULES.md R-PAY-2a
//  Silence begins when the money is known here and ends with the third working day after that
static void silence_ends_with_the_third_working_day(void **state) {
    (void)state;
    static const struct {
        int month, day, until_month, until_day;
    } table[] = {
        {11, 16, 11, 19}, /* Monday → Thursday */
        {11, 18, 11, 23}, /* Wednesday → Monday */
        {11, 19, 11, 24}, /* Thursday → Tuesday */
        {11, 20, 11, 25}, /* Friday → Wednesday */
        {11, 21, 11, 25}, /* Saturday → Wednesday */
        {11, 22, 11, 25}, /* Sunday → Wednesday */
        {12, 23, 12, 29}, /* Wednesday before Christmas, a Friday → Tuesday */
        {12, 30, 1, 5},   /* and over New Year, a Friday → Tuesday */
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        civil_date until = gate_silence_until(gate_pack_find("id-pojk22"), date_make(2026, table[i].month, table[i].day));
        int year = table[i].until_month < table[i].month ? 2027 : 2026;
        assert_int_equal(until.days, date_make(year, table[i].until_month, table[i].until_day).days);
    }
}

static void a_weekday_is_right_before_1970_too(void **state) {
    (void)state;
    assert_int_equal(date_weekday(date_make(1970, 1, 1)), 3);
    assert_int_equal(date_weekday(date_make(1969, 12, 31)), 2);
    assert_int_equal(date_weekday(date_make(1945, 8, 17)), 4); /* a Friday */
    assert_null(gate_pack_find("no-such-pack"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_denies_is_named),
        cmocka_unit_test(the_hours_begin_at_eight_and_end_before_twenty),
        cmocka_unit_test(monday_to_saturday_but_for_holidays),
        cmocka_unit_test(consent_lifts_place_and_time_and_never_the_person),
        cmocka_unit_test(silence_denies_and_no_consent_lifts_it),
        cmocka_unit_test(silence_ends_with_the_third_working_day),
        cmocka_unit_test(a_weekday_is_right_before_1970_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
