/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's machine against a written matrix of all states and steps, its schedule, and its diagram (R-PTP-3). */
#include "support/case.h"

#include "domain/repayment.h"

#define JAN(d) (date_make(2026, 1, (d)))

enum { NO = 0, AP = PLAN_APPROVED, AC = PLAN_ACTIVE, CO = PLAN_COMPLETED, BR = PLAN_BROKEN, RE = PLAN_REJECTED };
/* clang-format off */
static const int matrix[PLAN_STATE_END][PLAN_STEP_END] = {
    /*                      approve reject start fulfil break reopen expire */
    [PLAN_PROPOSED]  = {NO, AP,     RE,    NO,   NO,    NO,   NO,    RE},
    [PLAN_APPROVED]  = {NO, NO,     NO,    AC,   NO,    NO,   NO,    NO},
    [PLAN_ACTIVE]    = {NO, NO,     NO,    NO,   CO,    BR,   NO,    NO},
    [PLAN_COMPLETED] = {NO, NO,     NO,    NO,   NO,    NO,   AC,    NO},
    [PLAN_BROKEN]    = {NO, NO,     NO,    NO,   NO,    NO,   AC,    NO},
    [PLAN_REJECTED]  = {NO, NO,     NO,    NO,   NO,    NO,   NO,    NO},
};
/* clang-format on */

/* Facts under which every guard of the step holds. */
static struct plan_facts facts_for(int step) {
    return (struct plan_facts){.second_person = true, .expired = true, .started = true, .paid = step == PLAN_FULFIL, .missed = step == PLAN_BREAK};
}

//= RULES.md R-PTP-3
//  A plan is a list of promises with instalments UNPAID/PARTIAL/PAID; PROPOSED → APPROVED → ACTIVE → COMPLETED or BROKEN
static void every_state_and_step_does_what_the_matrix_says(void **state) {
    (void)state;
    for (int from = 0; from <= PLAN_STATE_END; from++) {
        for (int step = 0; step <= PLAN_STEP_END; step++) {
            struct plan_facts facts = facts_for(step);
            enum plan_state to = (enum plan_state)99;
            tagih_err err = plan_apply((enum plan_state)from, (enum plan_step)step, &facts, &to);
            bool known = from < PLAN_STATE_END && step < PLAN_STEP_END;
            if (!known || matrix[from][step] == NO) {
                assert_fails(err, PLAN_ILLEGAL_TRANSITION);
                assert_int_equal(to, 99);
            } else {
                assert_ok(err);
                assert_int_equal(to, matrix[from][step]);
            }
        }
    }
    assert_string_equal(plan_state_name(PLAN_STATE_END), "?");
    assert_string_equal(plan_step_name(PLAN_STEP_END), "?");
}

static void every_guard_can_refuse(void **state) {
    (void)state;
    enum plan_state to;
    struct plan_facts none = {0}, both = {.second_person = true, .started = true, .paid = true, .missed = true};
    assert_fails(plan_apply(PLAN_PROPOSED, PLAN_APPROVE, &none, &to), PLAN_SECOND_PERSON);
    assert_ok(plan_apply(PLAN_PROPOSED, PLAN_REJECT, &none, &to)); /* its maker takes it back */
    assert_fails(plan_apply(PLAN_PROPOSED, PLAN_EXPIRE, &none, &to), PLAN_ILLEGAL_TRANSITION);
    assert_fails(plan_apply(PLAN_APPROVED, PLAN_START, &none, &to), PLAN_ILLEGAL_TRANSITION);
    assert_fails(plan_apply(PLAN_ACTIVE, PLAN_FULFIL, &none, &to), PLAN_ILLEGAL_TRANSITION);
    assert_fails(plan_apply(PLAN_ACTIVE, PLAN_BREAK, &none, &to), PLAN_ILLEGAL_TRANSITION);
    assert_fails(plan_apply(PLAN_COMPLETED, PLAN_REOPEN, &both, &to), PLAN_ILLEGAL_TRANSITION);
    assert_fails(plan_apply(PLAN_BROKEN, PLAN_REOPEN, &both, &to), PLAN_ILLEGAL_TRANSITION);
}

static enum plan_state settle(enum plan_state from, struct plan_facts facts, int steps_max) {
    enum plan_step step;
    for (int steps = 0; (step = plan_next(from, &facts)) != 0; steps++) {
        assert_true(steps < steps_max);
        assert_ok(plan_apply(from, step, &facts, &from));
    }
    return from;
}

//= RULES.md R-PTP-3b
//  ACTIVE from its first day on; nobody but the facts completes or breaks it
static void a_plan_goes_where_its_facts_are_and_rests_there(void **state) {
    (void)state;
    struct plan_facts early = {.paid = true}, running = {.started = true}, paid = {.started = true, .paid = true};
    struct plan_facts missed = {.started = true, .missed = true};
    struct plan_facts expired = {.expired = true};
    assert_int_equal(settle(PLAN_PROPOSED, paid, 0), PLAN_PROPOSED); /* only a person decides it */
    assert_int_equal(settle(PLAN_PROPOSED, expired, 1), PLAN_REJECTED);
    assert_int_equal(settle(PLAN_REJECTED, paid, 0), PLAN_REJECTED);
    assert_int_equal(settle(PLAN_APPROVED, early, 0), PLAN_APPROVED);
    assert_int_equal(settle(PLAN_APPROVED, paid, 2), PLAN_COMPLETED);
    assert_int_equal(settle(PLAN_COMPLETED, missed, 2), PLAN_BROKEN);
    assert_int_equal(settle(PLAN_BROKEN, running, 1), PLAN_ACTIVE);
    assert_int_equal(settle(PLAN_BROKEN, paid, 2), PLAN_COMPLETED);
    for (int s = PLAN_PROPOSED; s < PLAN_STATE_END; s++) {
        settle((enum plan_state)s, running, 2);
        settle((enum plan_state)s, missed, 2);
    }
}

//= RULES.md R-PTP-3
//  A plan is a list of promises with instalments UNPAID/PARTIAL/PAID
static void instalments_tell_what_became_of_the_plan(void **state) {
    (void)state;
    struct plan_facts facts = {0};
    enum promise_state s[] = {PROMISE_KEPT, PROMISE_KEPT};
    plan_facts_of(s, 2, &facts);
    assert_true(facts.paid && !facts.missed);
    for (int other = PROMISE_OPEN; other < PROMISE_STATE_END; other++) {
        if (other == PROMISE_KEPT) continue;
        s[1] = (enum promise_state)other;
        plan_facts_of(s, 2, &facts);
        bool missed = other == PROMISE_PARTIAL || other == PROMISE_BROKEN || other == PROMISE_SUPERSEDED;
        assert_false(facts.paid);
        assert_int_equal(facts.missed, missed);
    }
    assert_int_equal(plan_instalment_state(100, 0), INSTALMENT_UNPAID);
    assert_int_equal(plan_instalment_state(100, 99), INSTALMENT_PARTIAL);
    assert_int_equal(plan_instalment_state(100, 100), INSTALMENT_PAID);
}

static void a_schedule_ascends_and_is_worth_something(void **state) {
    (void)state;
    int64_t total = 0;
    struct plan_instalment good[] = {{JAN(5), 100}, {JAN(12), 200}}, past[] = {{JAN(4), 100}, {JAN(12), 200}};
    struct plan_instalment same[] = {{JAN(5), 100}, {JAN(5), 200}}, nothing[] = {{JAN(5), 100}, {JAN(12), 0}};
    struct plan_instalment far[] = {{JAN(5), 100}, {{JAN(5).days + PLAN_DAYS_MAX + 1}, 100}};
    struct plan_instalment huge[] = {{JAN(5), INT64_C(10000000000000)}, {JAN(6), 1}};
    struct plan_instalment many[PLAN_INSTALMENTS_MAX + 1];
    for (int i = 0; i <= PLAN_INSTALMENTS_MAX; i++) many[i] = (struct plan_instalment){{JAN(5).days + i}, 1};
    assert_ok(plan_schedule_check(good, 2, JAN(5), &total));
    assert_int_equal(total, 300);
    assert_ok(plan_schedule_check(many, PLAN_INSTALMENTS_MAX, JAN(5), &total));
    assert_fails(plan_schedule_check(many, PLAN_INSTALMENTS_MAX + 1, JAN(5), &total), PLAN_SCHEDULE);
    assert_fails(plan_schedule_check(good, 1, JAN(5), &total), PLAN_SCHEDULE);
    assert_fails(plan_schedule_check(past, 2, JAN(5), &total), PROMISE_PAST);
    assert_fails(plan_schedule_check(same, 2, JAN(5), &total), PLAN_SCHEDULE);
    assert_fails(plan_schedule_check(far, 2, JAN(5), &total), PLAN_SCHEDULE);
    assert_fails(plan_schedule_check(nothing, 2, JAN(5), &total), PROMISE_AMOUNT);
    assert_fails(plan_schedule_check(huge, 2, JAN(5), &total), PROMISE_AMOUNT);
}

static void the_diagram_has_a_line_for_every_edge(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[1 << 15];
    struct arena arena;
    const char *text;
    arena_init(&arena, memory, sizeof memory);
    assert_ok(plan_print_mermaid(&arena, &text));
    for (size_t i = 0; plan_edge_at(i); i++) {
        const struct plan_edge *edge = plan_edge_at(i);
        const char *line = arena_printf(&arena, "    %s --> %s: %s [", plan_state_name(edge->from), plan_state_name(edge->to),
                                        plan_step_name(edge->step));
        assert_non_null(strstr(text, line));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_step_does_what_the_matrix_says),
        cmocka_unit_test(every_guard_can_refuse),
        cmocka_unit_test(a_plan_goes_where_its_facts_are_and_rests_there),
        cmocka_unit_test(instalments_tell_what_became_of_the_plan),
        cmocka_unit_test(a_schedule_ascends_and_is_worth_something),
        cmocka_unit_test(the_diagram_has_a_line_for_every_edge),
    };
    return cmocka_run_group_tests_name("repayment plans", tests, NULL, NULL);
}
