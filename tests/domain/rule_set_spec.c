/* SPDX-License-Identifier: Apache-2.0 */
/* Rule sets of agencies: their names, their steps as text, and accounts whose rule set changes. */
#include "support/case.h"

#include "tagih/allocation.h"

static _Alignas(16) uint8_t memory[1 << 16];
static struct arena arena;

static int fresh_arena(void **state) {
    (void)state;
    arena_init(&arena, memory, sizeof memory);
    return 0;
}

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static tagih_err named(const char *name) {
    return rule_set_name_check(bytes_text(name));
}

//= RULES.md R-ALL-2a
//  A name is 3 to 32 of a-z, 0-9 and '-', a letter first and no '-' last; those of R-ALL-3 are reserved.
static void a_name_is_short_and_plain_and_no_presets(void **state) {
    (void)state;
    assert_ok(named("abc"));
    assert_ok(named("id-default-2"));
    assert_ok(named("a2345678901234567890123456789012"));
    static const char *const wrong[] = {"", "ab", "a23456789012345678901234567890123", "2ab", "-ab", "ab-", "a b", "Abc", "ab_c", "\xc3\xa4z"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) assert_fails(named(wrong[i]), RULE_SET_NAME);
    assert_fails(rule_set_name_check(bytes_make("ab\0c", 4)), RULE_SET_NAME);
    size_t n;
    const struct rule_set *presets = rule_set_presets(&n);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) assert_fails(named(presets[i].name), RULE_SET_RESERVED);
}

/* ---- steps as text -------------------------------------------------------------------------------------------------- */

//= RULES.md R-ALL-2a
//  Its steps have one text, which is what is stored and digested.
static void steps_become_text_and_come_back_the_same(void **state) {
    (void)state;
    size_t n;
    const struct rule_set *presets = rule_set_presets(&n);
    char text[RULE_STEPS_TEXT_SIZE];
    for (size_t i = 0; i < n; i++) {
        struct rule_set back = {.direction = presets[i].direction, .advance = presets[i].advance};
        size_t len = rule_steps_format(&presets[i], text);
        assert_int_equal(len, strlen(text));
        assert_ok(rule_steps_parse(bytes_text(text), &back));
        assert_ok(rule_set_check(&back));
        assert_int_equal(back.n_steps, presets[i].n_steps);
        for (size_t s = 0; s < back.n_steps; s++) {
            assert_memory_equal(&back.steps[s], &presets[i].steps[s], sizeof back.steps[s]);
        }
    }
    rule_steps_format(rule_set_find("id-instalment"), text);
    assert_string_equal(text, "past.interest now.interest past.principal now.principal; past.fees now.fees; past.penalty now.penalty");
}

static void other_text_is_no_list_of_steps(void **state) {
    (void)state;
    static const char *const wrong[] = {" past.fees", "past.fees ", "past.fees;", "past.fees;now.fees", "past.fees ; now.fees", "past", "past.",
                                        "past.feesnow.fees", "late.fees", "past.capital", "past.fees, now.fees", "PAST.fees", ";", "; past.fees",
                                        ("past.fees past.fees past.fees past.fees past.fees past.fees past.fees past.fees past.fees past.fees"
                                         " past.fees past.fees past.fees")};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct rule_set out = {.name = "wrong"};
        assert_fails(rule_steps_parse(bytes_text(wrong[i]), &out), ALLOCATION_RULES);
    }
    struct rule_set empty = {.name = "empty"};
    assert_ok(rule_steps_parse(bytes_text(""), &empty));
    assert_fails(rule_set_check(&empty), ALLOCATION_RULES); /* it names nothing */
}

//= RULES.md R-ALL-2
//  plus a rule for money in advance (next instalment, last instalment, customer credit)
static void direction_and_advance_are_of_their_lists(void **state) {
    (void)state;
    struct rule_set rules = *rule_set_find("in-rbi");
    rules.advance = ADVANCE_TO_LAST;
    assert_ok(rule_set_check(&rules));
    rules.advance = (enum advance_rule)3;
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
    rules = *rule_set_find("id-default");
    rules.direction = (enum allocation_direction)2;
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
    rules.direction = (enum allocation_direction)-1;
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
}

/* ---- changes -------------------------------------------------------------------------------------------------------- */

static civil_date day(int n) {
    return (civil_date){20000 + n};
}

static struct rule_change change(uint8_t id, int value_day, int64_t made_us, const char *rules) {
    struct rule_change out = {.value_on = day(value_day), .made.us = made_us, .rules = rule_set_find(rules)};
    out.id.b[15] = id;
    return out;
}

static const char *name_at(const struct rule_change *changes, size_t n, int on) {
    struct rule_history history = {rule_set_find(RULE_SET_DEFAULT), changes, n};
    return rule_set_at(&history, day(on))->name;
}

//= RULES.md R-ALL-6a
//  A change of an account's rule set comes first of its value date: it holds for every charge, payment and credit valued on
//  that date or later. Of several changes valued on one date the one that was said last holds, then the higher id.
static void a_change_holds_from_its_value_date_on(void **state) {
    (void)state;
    const struct rule_change changes[] = {change(1, 10, 500, "npl"), change(2, 5, 900, "in-rbi"), change(3, 10, 700, "tr-tbk100"),
                                          change(4, 10, 700, "id-instalment"), change(5, 10, 600, "in-rbi")};
    assert_string_equal(name_at(NULL, 0, 99), "id-default");
    assert_string_equal(name_at(changes, 5, 4), "id-default");
    assert_string_equal(name_at(changes, 5, 5), "in-rbi");
    assert_string_equal(name_at(changes, 5, 9), "in-rbi");
    assert_string_equal(name_at(changes, 1, 10), "npl");
    assert_string_equal(name_at(changes, 3, 10), "tr-tbk100");
    assert_string_equal(name_at(changes, 5, 10), "id-instalment");
    assert_string_equal(name_at(changes, 5, 999), "id-instalment");
}

static struct allocation_fact paid(uint8_t id, int value_day, int64_t amount_minor) {
    struct allocation_fact fact = {.kind = FACT_PAYMENT, .value_on = day(value_day), .amount_minor = amount_minor};
    fact.id.b[15] = id;
    fact.value.us = value_day;
    return fact;
}

static struct allocation_outcome replay(const struct rule_change *changes, size_t n, const struct instalment *schedule, size_t n_schedule,
                                        const struct allocation_fact *facts, size_t n_facts, int as_of) {
    struct rule_history history = {rule_set_find("id-default"), changes, n};
    struct allocation_outcome out;
    assert_ok(allocation_replay_under(&history, schedule, n_schedule, facts, n_facts, day(as_of), &arena, &out));
    return out;
}

//= RULES.md R-ALL-2
//  An account pins its rule set's version; a change is a fact with a value date
static void payments_before_a_change_keep_the_old_order_of_payment(void **state) {
    (void)state;
    const struct instalment schedule = {1, day(0), {100, 100, 100, 1000}};
    const struct allocation_fact facts[] = {paid(1, 3, 150), paid(2, 5, 150), paid(3, 6, 150)};
    const struct rule_change changes[] = {change(9, 5, 1, "npl")};
    struct allocation_outcome out = replay(changes, 1, &schedule, 1, facts, 3, 10);
    assert_int_equal(out.results[0].effect.component_minor[COMPONENT_FEES], 100);
    assert_int_equal(out.results[0].effect.component_minor[COMPONENT_PENALTY], 50);
    assert_int_equal(out.results[1].effect.component_minor[COMPONENT_PRINCIPAL], 150); /* valued on the day of the change */
    assert_int_equal(out.results[2].effect.component_minor[COMPONENT_PRINCIPAL], 150);
    const int64_t open[] = {0, 50, 100, 700};
    assert_memory_equal(out.lines[0].open_minor, open, sizeof open);
}

//= RULES.md R-ALL-6a
//  Credit that meets a due is spent by the rule set of the day on which it meets it.
static void credit_meets_a_due_under_the_rule_set_of_that_day(void **state) {
    (void)state;
    const struct instalment schedule[] = {{1, day(0), {0, 0, 0, 100}}, {2, day(10), {40, 0, 0, 100}}, {3, day(20), {40, 0, 0, 100}}};
    const struct allocation_fact facts[] = {paid(1, 3, 250)};
    const struct rule_change changes[] = {change(9, 12, 1, "npl")};
    struct allocation_outcome out = replay(changes, 1, schedule, 3, facts, 1, 25);
    const int64_t second[] = {0, 0, 0, 0}, third[] = {40, 0, 0, 90};
    assert_memory_equal(out.lines[1].open_minor, second, sizeof second);
    assert_memory_equal(out.lines[2].open_minor, third, sizeof third); /* npl: principal first; 10 were left */
    const struct rule_change early[] = {change(9, 4, 1, "npl")};
    const struct allocation_fact less[] = {paid(1, 3, 150)};
    out = replay(early, 1, schedule, 3, less, 1, 12);
    const int64_t principal_first[] = {40, 0, 0, 50};
    assert_memory_equal(out.lines[1].open_minor, principal_first, sizeof principal_first);
}

static void a_change_to_nothing_or_to_a_broken_rule_set_is_refused(void **state) {
    (void)state;
    const struct instalment schedule = {1, day(0), {0, 0, 0, 100}};
    struct rule_change lost = {.value_on = day(1)};
    struct rule_history history = {rule_set_find("id-default"), &lost, 1};
    struct allocation_outcome out;
    assert_fails(allocation_replay_under(&history, &schedule, 1, NULL, 0, day(5), &arena, &out), ALLOCATION_RULES);
    struct rule_set broken = *rule_set_find("npl");
    broken.n_steps--;
    lost.rules = &broken;
    assert_fails(allocation_replay_under(&history, &schedule, 1, NULL, 0, day(5), &arena, &out), ALLOCATION_RULES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_short_and_plain_and_no_presets),
        cmocka_unit_test(steps_become_text_and_come_back_the_same),
        cmocka_unit_test(other_text_is_no_list_of_steps),
        cmocka_unit_test(direction_and_advance_are_of_their_lists),
        cmocka_unit_test(a_change_holds_from_its_value_date_on),
        cmocka_unit_test_setup(payments_before_a_change_keep_the_old_order_of_payment, fresh_arena),
        cmocka_unit_test_setup(credit_meets_a_due_under_the_rule_set_of_that_day, fresh_arena),
        cmocka_unit_test_setup(a_change_to_nothing_or_to_a_broken_rule_set_is_refused, fresh_arena),
    };
    return cmocka_run_group_tests_name("rule sets", tests, NULL, NULL);
}
