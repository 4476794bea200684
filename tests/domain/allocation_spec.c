/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation and replay, as rules and as figures of the journal lines. Generated cases: allocation_property_spec.c. */
#include "support/case.h"

#include "tagih/allocation.h"
#include "tagih/money.h"

enum { FEES = COMPONENT_FEES, PENALTY = COMPONENT_PENALTY, INTEREST = COMPONENT_INTEREST, PRINCIPAL = COMPONENT_PRINCIPAL };

static _Alignas(16) uint8_t memory[1 << 18];
static struct arena arena;

static int fresh_arena(void **state) {
    (void)state;
    arena_init(&arena, memory, sizeof memory);
    return 0;
}

static civil_date day(int n) {
    return (civil_date){20000 + n};
}

static struct instalment dues(int32_t no, int due_day, int64_t fees, int64_t penalty, int64_t interest,
                              int64_t principal) {
    return (struct instalment){no, day(due_day), {fees, penalty, interest, principal}};
}

static struct allocation_fact fact(uint8_t id, enum fact_kind kind, int value_day, int64_t amount_minor) {
    struct allocation_fact made = {.kind = kind, .value_on = day(value_day), .amount_minor = amount_minor};
    made.id.b[15] = id;
    made.value.us = (20000 + value_day) * US_PER_DAY + 8 * 3600 * US_PER_S;
    return made;
}

static struct allocation_fact on(struct allocation_fact made, int32_t no, enum component component) {
    made.instalment_no = no;
    made.component = component;
    return made;
}

static struct allocation_outcome replay(const char *rules, const struct instalment *schedule, size_t n,
                                        const struct allocation_fact *facts, size_t n_facts, int as_of) {
    struct allocation_outcome out;
    assert_ok(allocation_replay(rule_set_find(rules), schedule, n, facts, n_facts, day(as_of), &arena, &out));
    return out;
}

static void assert_effect(const struct allocation_effect *effect, int64_t fees, int64_t penalty, int64_t interest,
                          int64_t principal, int64_t credit) {
    assert_int_equal(effect->component_minor[FEES], fees);
    assert_int_equal(effect->component_minor[PENALTY], penalty);
    assert_int_equal(effect->component_minor[INTEREST], interest);
    assert_int_equal(effect->component_minor[PRINCIPAL], principal);
    assert_int_equal(effect->credit_minor, credit);
}

static void assert_open(const struct instalment_open *line, int64_t fees, int64_t penalty, int64_t interest,
                        int64_t principal) {
    const int64_t expected[] = {fees, penalty, interest, principal};
    assert_memory_equal(line->open_minor, expected, sizeof expected);
}

//= RULES.md R-ALL-4
//  Σ parts = amount, to the minor unit; no component falls below zero; the excess is customer credit, never negative
//  debt.
static void an_excess_becomes_credit_and_never_negative_debt(void **state) {
    (void)state;
    struct instalment schedule = dues(1, 0, 40000, 60000, 400000, 3500000);
    struct instalment_open line = instalment_start(&schedule);
    struct allocation_part parts[4];
    size_t n;
    int64_t credit;
    assert_ok(allocation_apply(rule_set_find("id-default"), &line, 1, 5000000, day(1), parts, 4, &n, &credit));
    assert_int_equal(n, 4);
    assert_int_equal(parts[0].component, FEES);
    assert_int_equal(parts[0].amount_minor, 40000);
    assert_int_equal(parts[1].component, PENALTY);
    assert_int_equal(parts[2].component, INTEREST);
    assert_int_equal(parts[3].component, PRINCIPAL);
    assert_int_equal(parts[3].amount_minor, 3500000);
    assert_int_equal(credit, 1000000);
    assert_open(&line, 0, 0, 0, 0);
}

//= RULES.md R-ALL-3
//  `id-default` horizontal, by due date; fees, penalty, interest, principal; advance → credit
static void the_default_finishes_the_oldest_instalment_before_the_next(void **state) {
    (void)state;
    struct instalment schedule[] = {dues(2, 0, 1, 1, 1, 10), dues(1, 5, 1, 1, 1, 10), dues(3, 9, 1, 1, 1, 10)};
    struct allocation_fact paid[] = {fact(1, FACT_PAYMENT, 5, 15)};
    struct allocation_outcome out = replay("id-default", schedule, 3, paid, 1, 5);
    assert_open(&out.lines[0], 0, 0, 0, 0);
    assert_open(&out.lines[1], 0, 0, 1, 10);
    assert_open(&out.lines[2], 1, 1, 1, 10);
    assert_int_equal(out.lines[0].no, 2);
}

//= RULES.md R-ALL-2
//  Ties by instalment number.
static void of_two_instalments_due_on_one_day_the_lower_number_is_paid_first(void **state) {
    (void)state;
    struct instalment schedule[] = {dues(2, 0, 0, 0, 0, 10), dues(1, 0, 0, 0, 0, 10)};
    struct allocation_fact paid[] = {fact(1, FACT_PAYMENT, 5, 10)};
    struct allocation_outcome out = replay("id-default", schedule, 2, paid, 1, 5);
    assert_int_equal(out.parts[0].instalment_no, 1);
    assert_int_equal(out.n_parts, 1);
}

/* One past due (day 0), one due (day 5), one in advance (day 9); every component 10; the payment is of day 5. */
static void assert_spent(const char *rules, int64_t amount, const char *expected) {
    struct instalment schedule[] = {dues(1, 0, 10, 10, 10, 10), dues(2, 5, 10, 10, 10, 10),
                                    dues(3, 9, 10, 10, 10, 10), dues(4, 12, 10, 10, 10, 10)};
    struct instalment_open lines[4];
    for (int i = 0; i < 4; i++) lines[i] = instalment_start(&schedule[i]);
    struct allocation_part parts[16];
    size_t n;
    int64_t credit;
    assert_ok(allocation_apply(rule_set_find(rules), lines, 4, amount, day(5), parts, 16, &n, &credit));
    char text[256] = "", *at = text;
    for (size_t i = 0; i < n; i++) {
        at += snprintf(at, (size_t)(text + sizeof text - at), "%c%d ", "FEIP"[parts[i].component], parts[i].instalment_no);
    }
    snprintf(at, (size_t)(text + sizeof text - at), "+%d", (int)credit);
    assert_string_equal(text, expected);
}

//= RULES.md R-ALL-3
//  Presets: `id-default` horizontal, by due date; fees, penalty, interest, principal; advance → credit ·
//  `id-instalment` horizontal; interest, principal, then all fees, penalty; advance → credit · `tr-tbk100` horizontal;
//  fees, interest, penalty, principal; advance → credit · `in-rbi` vertical; past due interest, due interest, past due
//  principal, due principal, then fees, penalty; advance → next instalment · `npl` vertical; principal, interest,
//  fees, penalty; advance → credit.
static void each_preset_pays_in_its_own_order(void **state) {
    (void)state; /* F fees, E penalty, I interest, P principal, each with its instalment */
    assert_spent("id-default", 100, "F1 E1 I1 P1 F2 E2 I2 P2 +20");
    assert_spent("id-instalment", 100, "I1 P1 I2 P2 F1 F2 E1 E2 +20");
    assert_spent("tr-tbk100", 100, "F1 I1 E1 P1 F2 I2 E2 P2 +20");
    assert_spent("npl", 100, "P1 P2 I1 I2 F1 F2 E1 E2 +20");
    assert_spent("in-rbi", 105, "I1 I2 P1 P2 F1 F2 E1 E2 I3 P3 F3 +0");
    assert_spent("in-rbi", 170, "I1 I2 P1 P2 F1 F2 E1 E2 I3 P3 F3 E3 I4 P4 F4 E4 +10");
}

//= RULES.md R-ALL-2
//  plus a rule for money in advance (next instalment, last instalment, customer credit).
static void money_in_advance_may_shorten_the_loan_from_its_end(void **state) {
    (void)state;
    struct rule_set rules = *rule_set_find("in-rbi");
    rules.advance = ADVANCE_TO_LAST;
    assert_ok(rule_set_check(&rules));
    struct instalment schedule[] = {dues(1, 0, 0, 0, 0, 10), dues(2, 9, 0, 0, 0, 10), dues(3, 12, 0, 0, 0, 10)};
    struct allocation_fact paid[] = {fact(1, FACT_PAYMENT, 5, 25)};
    struct allocation_outcome out;
    assert_ok(allocation_replay(&rules, schedule, 3, paid, 1, day(5), &arena, &out));
    assert_open(&out.lines[2], 0, 0, 0, 0);
    assert_open(&out.lines[1], 0, 0, 0, 5);
    assert_int_equal(out.results[0].debt_minor, 10); /* money in advance is no debt-allocated: R-BON-1a */
}

//= RULES.md R-ALL-2
//  A rule set is an ordered list over {past due, due, in advance} × {fees, penalty, interest, principal}
static void a_rule_set_that_forgets_or_repeats_a_component_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"id-default", "id-instalment", "tr-tbk100", "in-rbi", "npl"};
    for (size_t i = 0; i < COUNT_OF(names); i++) assert_ok(rule_set_check(rule_set_find(names[i])));
    assert_null(rule_set_find("id-unknown"));
    struct rule_set rules = *rule_set_find("id-default");
    rules.n_steps--;
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
    rules = *rule_set_find("id-default");
    rules.steps[1] = rules.steps[0];
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
    rules = *rule_set_find("id-instalment");
    rules.steps[0].phase = 3;
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
    rules = *rule_set_find("id-default");
    rules.advance = ADVANCE_TO_NEXT; /* without an order for it */
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
    rules = *rule_set_find("id-default");
    rules.steps[0].component = COMPONENT_COUNT;
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
    rules.n_steps = RULE_STEPS_MAX + 1;
    assert_fails(rule_set_check(&rules), ALLOCATION_RULES);
}

//= RULES.md R-ALL-7
//  Replay writes one ledger transaction that names its trigger and holds, per payment and component, new − old (zero
//  differences left out).
static void a_late_payment_moves_parts_from_the_later_one(void **state) {
    (void)state;
    struct instalment schedule = dues(1, 0, 0, 100000, 200000, 700000);
    struct allocation_fact p2 = fact(2, FACT_PAYMENT, 3, 600000), p1 = fact(1, FACT_PAYMENT, 2, 500000);
    struct allocation_fact both[] = {p2, p1}, none = {.kind = FACT_PAYMENT};
    struct allocation_outcome before = replay("id-default", &schedule, 1, &p2, 1, 4);
    struct allocation_outcome after = replay("id-default", &schedule, 1, both, 2, 4);
    struct allocation_diff diff;
    assert_ok(allocation_diff(&before, &after, &arena, &diff));
    assert_int_equal(diff.n_changes, 2);
    assert_true(uuid_equal(diff.changes[0].fact_id, p1.id));
    assert_effect(&diff.changes[0].delta, 0, 100000, 200000, 200000, 0);
    assert_effect(&diff.changes[1].delta, 0, -100000, -200000, 200000, 100000);
    assert_effect(&diff.total, 0, 0, 0, 400000, 100000);
    assert_int_equal(after.debt_minor - before.debt_minor, 400000); /* P1's base by R-BON-1a */
    struct allocation_outcome empty = replay("id-default", &schedule, 1, &none, 0, 4);
    assert_ok(allocation_diff(&after, &after, &arena, &diff));
    assert_int_equal(diff.n_changes, 0);
    assert_ok(allocation_diff(&after, &empty, &arena, &diff));
    assert_effect(&diff.total, 0, -100000, -200000, -700000, -100000);
}

//= RULES.md R-ALL-5
//  An instalment is UNPAID, PARTIAL or PAID, and moves back on reversal.
static void an_instalment_moves_back_when_its_payment_is_taken_out(void **state) {
    (void)state;
    struct instalment schedule = dues(1, 0, 0, 0, 30, 70);
    struct allocation_fact paid[] = {fact(1, FACT_PAYMENT, 1, 60), fact(2, FACT_PAYMENT, 2, 40)};
    struct allocation_outcome out = replay("id-default", &schedule, 1, paid, 2, 3);
    assert_int_equal(instalment_state_of(&out.lines[0]), INSTALMENT_PAID);
    out = replay("id-default", &schedule, 1, paid + 1, 1, 3);
    assert_int_equal(instalment_state_of(&out.lines[0]), INSTALMENT_PARTIAL);
    out = replay("id-default", &schedule, 1, paid, 0, 3);
    assert_int_equal(instalment_state_of(&out.lines[0]), INSTALMENT_UNPAID);
}

//= RULES.md R-ALL-6
//  Fact order = (value date; kind: charge and waiver before payment; value instant; fact id as bytes), all fixed when
//  the fact is first seen (R-TIM-3)
static void facts_stand_in_one_order_whatever_their_arrival(void **state) {
    (void)state;
    struct allocation_fact early = fact(9, FACT_PAYMENT, 1, 1), late = fact(1, FACT_PAYMENT, 2, 1);
    assert_true(allocation_fact_compare(&early, &late) < 0);
    struct allocation_fact charge = fact(9, FACT_CHARGE, 2, 1), waiver = fact(8, FACT_WAIVER, 2, 1);
    charge.value.us += 1000;
    assert_true(allocation_fact_compare(&charge, &late) < 0);
    assert_true(allocation_fact_compare(&waiver, &charge) < 0);
    struct allocation_fact twin = fact(2, FACT_PAYMENT, 2, 1), refund = fact(0, FACT_REFUND, 2, 1);
    assert_true(allocation_fact_compare(&late, &twin) < 0);
    assert_true(allocation_fact_compare(&refund, &late) < 0);
    late.value.us++;
    assert_true(allocation_fact_compare(&twin, &late) < 0);
    assert_int_equal(allocation_fact_compare(&twin, &twin), 0);
}

//= RULES.md R-ALL-4
//  Credit stays credit until a new due exists at a value date; the replay then consumes it, oldest credit first,
//  unless a REFUND took it.
static void credit_waits_for_a_due_and_the_oldest_goes_first(void **state) {
    (void)state;
    struct instalment schedule[] = {dues(1, 0, 0, 0, 0, 100), dues(2, 10, 0, 0, 0, 100)};
    struct allocation_fact paid[] = {fact(2, FACT_PAYMENT, 2, 50), fact(1, FACT_PAYMENT, 1, 160)};
    struct allocation_outcome out = replay("id-default", schedule, 2, paid, 2, 9);
    assert_int_equal(out.credit_minor, 110);
    assert_int_equal(out.results[1].credit_left_minor, 60);
    assert_false(allocation_credit_waits(out.lines, 2, out.credit_minor, day(9)));
    assert_true(allocation_credit_waits(out.lines, 2, out.credit_minor, day(10)));
    out = replay("id-default", schedule, 2, paid, 2, 10);
    assert_int_equal(out.credit_minor, 10);
    assert_int_equal(out.results[1].credit_left_minor, 0);
    assert_int_equal(out.results[0].credit_left_minor, 10);
    assert_int_equal(out.parts[out.n_parts - 1].origin, PART_CREDIT);
    assert_int_equal(out.debt_minor, 100); /* credit earns nothing, then or when later used: R-BON-1a */
    assert_open(&out.lines[1], 0, 0, 0, 0);
}

//= RULES.md R-ALL-4
//  Credit stays credit until a new due exists at a value date
static void a_charge_on_a_due_instalment_takes_credit_at_once(void **state) {
    (void)state;
    struct instalment schedule = dues(1, 0, 0, 0, 0, 100);
    struct allocation_fact facts[] = {fact(1, FACT_PAYMENT, 1, 300), on(fact(2, FACT_CHARGE, 5, 120), 1, COMPONENT_FEES)};
    struct allocation_outcome before = replay("id-default", &schedule, 1, facts, 1, 6);
    struct allocation_outcome after = replay("id-default", &schedule, 1, facts, 2, 6);
    assert_int_equal(after.credit_minor, 80);
    struct allocation_diff diff;
    assert_ok(allocation_diff(&before, &after, &arena, &diff));
    assert_effect(&diff.changes[0].delta, 120, 0, 0, 0, -120); /* J34: customer credit → receivable */
    assert_effect(&diff.changes[1].delta, -120, 0, 0, 0, 0);   /* J32: the charge itself */
}

//= RULES.md R-PAY-6
//  REFUND of credit (maker ≠ checker) is a fact that consumes credit; if a reversal leaves credit short, the rest is
//  *refund recoverable* and the account stays live.
static void a_refund_without_credit_behind_it_is_recoverable(void **state) {
    (void)state;
    struct instalment schedule = dues(1, 0, 40000, 60000, 400000, 3500000);
    struct allocation_fact facts[] = {fact(1, FACT_REFUND, 4, 1000000), fact(2, FACT_PAYMENT, 2, 5000000)};
    struct allocation_outcome before = replay("id-default", &schedule, 1, facts, 2, 5);
    assert_int_equal(before.credit_minor, 0);
    assert_int_equal(before.recoverable_minor, 0);
    struct allocation_outcome after = replay("id-default", &schedule, 1, facts, 1, 5);
    assert_int_equal(after.recoverable_minor, 1000000);
    struct allocation_diff diff;
    assert_ok(allocation_diff(&before, &after, &arena, &diff));
    assert_effect(&diff.total, -40000, -60000, -400000, -3500000, 0);
    assert_int_equal(diff.total.recoverable_minor, 1000000);
}

//= RULES.md R-ACC-4
//  Tagih accrues nothing: dues, interest and penalty change only by creditor facts, waivers and payments.
static void a_waiver_takes_no_more_than_is_open(void **state) {
    (void)state;
    struct instalment schedule = dues(1, 0, 0, 60, 0, 100);
    struct allocation_fact facts[] = {on(fact(1, FACT_WAIVER, 3, 60), 1, COMPONENT_PENALTY), fact(2, FACT_PAYMENT, 2, 20)};
    struct allocation_outcome before = replay("id-default", &schedule, 1, facts, 1, 3);
    struct allocation_outcome after = replay("id-default", &schedule, 1, facts, 2, 3);
    assert_int_equal(before.results[0].effect.component_minor[PENALTY], 60);
    assert_int_equal(after.results[0].effect.component_minor[PENALTY], 40);
    struct allocation_diff diff;
    assert_ok(allocation_diff(&before, &after, &arena, &diff));
    assert_int_equal(diff.waived_minor, -20);
    assert_open(&after.lines[0], 0, 0, 0, 100);
}

//= RULES.md R-MON-3
//  Overflow, negative amounts where none may be, and mixed currencies are errors, never wrapped.
static void figures_outside_their_bounds_are_refused_by_name(void **state) {
    (void)state;
    const struct rule_set *rules = rule_set_find("id-default");
    struct instalment good = dues(1, 0, 0, 0, 0, 100), bad = dues(1, 0, 0, -1, 0, 0), twice[] = {good, dues(1, 1, 0, 0, 0, 1)};
    struct allocation_outcome out;
    struct allocation_fact facts[] = {fact(1, FACT_PAYMENT, 1, 1), fact(1, FACT_PAYMENT, 1, 1)};
    assert_fails(allocation_replay(rules, &bad, 1, facts, 1, day(1), &arena, &out), ALLOCATION_AMOUNT);
    assert_fails(allocation_replay(rules, twice, 2, facts, 1, day(1), &arena, &out), ALLOCATION_INSTALMENT);
    assert_fails(allocation_replay(rules, &good, 1, facts, 2, day(1), &arena, &out), ALLOCATION_FACT_TWICE);
    facts[0] = on(fact(1, FACT_CHARGE, 1, 5), 7, COMPONENT_FEES);
    assert_fails(allocation_replay(rules, &good, 1, facts, 1, day(1), &arena, &out), ALLOCATION_INSTALMENT);
    facts[0] = on(fact(1, FACT_WAIVER, 1, 5), 7, COMPONENT_FEES);
    assert_fails(allocation_replay(rules, &good, 1, facts, 1, day(1), &arena, &out), ALLOCATION_INSTALMENT);
    facts[0] = fact(1, FACT_PAYMENT, 1, 0);
    assert_fails(allocation_replay(rules, &good, 1, facts, 1, day(1), &arena, &out), ALLOCATION_AMOUNT);
    facts[0] = fact(1, FACT_PAYMENT, 1, MONEY_AMOUNT_MAX_MINOR + 1);
    assert_fails(allocation_replay(rules, &good, 1, facts, 1, day(1), &arena, &out), ALLOCATION_AMOUNT);
    struct rule_set empty = {.name = "empty"};
    assert_fails(allocation_replay(&empty, &good, 1, facts, 0, day(1), &arena, &out), ALLOCATION_RULES);
    static _Alignas(16) uint8_t little[256];
    struct arena small;
    arena_init(&small, little, sizeof little);
    facts[0] = fact(1, FACT_PAYMENT, 1, 1);
    assert_fails(allocation_replay(rules, &good, 1, facts, 1, day(1), &small, &out), OUT_OF_MEMORY);
}

//= RULES.md R-MON-3
//  Overflow, negative amounts where none may be, and mixed currencies are errors, never wrapped.
static void an_apply_that_fails_changes_nothing(void **state) {
    (void)state;
    const struct rule_set *rules = rule_set_find("id-default");
    struct instalment schedule[] = {dues(1, 5, 0, 0, 0, 10), dues(2, 0, 0, 0, 0, 10)};
    struct instalment_open lines[2] = {instalment_start(&schedule[0]), instalment_start(&schedule[1])};
    struct allocation_part parts[8];
    size_t n;
    int64_t credit;
    assert_fails(allocation_apply(rules, lines, 2, 5, day(6), parts, 8, &n, &credit), ALLOCATION_ORDER);
    assert_fails(allocation_apply(rules, lines, 1, 5, day(6), parts, 3, &n, &credit), BUFFER_SMALL);
    assert_fails(allocation_apply(rules, lines, 1, 0, day(6), parts, 8, &n, &credit), ALLOCATION_AMOUNT);
    assert_fails(allocation_apply(rules, lines, 1, -5, day(6), parts, 8, &n, &credit), ALLOCATION_AMOUNT);
    assert_open(&lines[0], 0, 0, 0, 10);
    int64_t balance[COMPONENT_COUNT];
    assert_ok(allocation_balance(lines, 2, balance));
    assert_int_equal(balance[PRINCIPAL], 20);
    lines[0].open_minor[PRINCIPAL] = INT64_MAX;
    assert_fails(allocation_balance(lines, 2, balance), MONEY_OVERFLOW);
    assert_string_equal(component_name(COMPONENT_PENALTY), "penalty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_excess_becomes_credit_and_never_negative_debt, fresh_arena),
        cmocka_unit_test_setup(the_default_finishes_the_oldest_instalment_before_the_next, fresh_arena),
        cmocka_unit_test_setup(of_two_instalments_due_on_one_day_the_lower_number_is_paid_first, fresh_arena),
        cmocka_unit_test_setup(each_preset_pays_in_its_own_order, fresh_arena),
        cmocka_unit_test_setup(money_in_advance_may_shorten_the_loan_from_its_end, fresh_arena),
        cmocka_unit_test_setup(a_rule_set_that_forgets_or_repeats_a_component_is_refused, fresh_arena),
        cmocka_unit_test_setup(a_late_payment_moves_parts_from_the_later_one, fresh_arena),
        cmocka_unit_test_setup(an_instalment_moves_back_when_its_payment_is_taken_out, fresh_arena),
        cmocka_unit_test_setup(facts_stand_in_one_order_whatever_their_arrival, fresh_arena),
        cmocka_unit_test_setup(credit_waits_for_a_due_and_the_oldest_goes_first, fresh_arena),
        cmocka_unit_test_setup(a_charge_on_a_due_instalment_takes_credit_at_once, fresh_arena),
        cmocka_unit_test_setup(a_refund_without_credit_behind_it_is_recoverable, fresh_arena),
        cmocka_unit_test_setup(a_waiver_takes_no_more_than_is_open, fresh_arena),
        cmocka_unit_test_setup(figures_outside_their_bounds_are_refused_by_name, fresh_arena),
        cmocka_unit_test_setup(an_apply_that_fails_changes_nothing, fresh_arena),
    };
    return cmocka_run_group_tests_name("allocation", tests, NULL, NULL);
}
