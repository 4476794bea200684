/* SPDX-License-Identifier: Apache-2.0 */
/* The visit's machine against a written matrix of all states and events, and its diagram. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/visit.h"

static const struct visit_facts willing = {
    .lease_live = true, .made_under_lease = true, .has_outcome = true, .by_supervisor = true};

/* What follows from each state (rows) on each event (columns); NO: no such edge. */
enum {
    NO = -1,
    EN = VISIT_EN_ROUTE,
    AR = VISIT_ARRIVED,
    DO = VISIT_DONE,
    CA = VISIT_CANCELLED,
    EX = VISIT_EXPIRED
};
/* clang-format off */
static const int matrix[VISIT_STATE_COUNT][VISIT_EVENT_COUNT] = {
    /*              depart arrive finish cancel expire finish_late */
    /* PLANNED   */ {EN, AR, NO, CA, EX, NO},
    /* EN_ROUTE  */ {NO, AR, NO, CA, EX, NO},
    /* ARRIVED   */ {NO, NO, DO, NO, NO, NO},
    /* DONE      */ {NO, NO, NO, NO, NO, NO},
    /* CANCELLED */ {NO, NO, NO, NO, NO, DO},
    /* EXPIRED   */ {NO, NO, NO, NO, NO, DO},
};
/* clang-format on */

/** Facts under which every guard of the event holds. */
static struct visit_facts facts_for(enum visit_event event) {
    struct visit_facts facts = willing;
    if (event == VISIT_EXPIRE) facts.lease_live = false;
    return facts;
}

//= RULES.md R-VIS-1
//  PLANNED → EN_ROUTE → ARRIVED → DONE; PLANNED → ARRIVED (no en-route report); PLANNED or EN_ROUTE →
//  CANCELLED (supervisor) or EXPIRED (lease over, nothing reported). CANCELLED or EXPIRED → DONE by a journal
//  entry made under the lease that synced late (flagged). … No other edge exists.
static void every_state_and_event_does_what_the_matrix_says(void **state) {
    (void)state;
    for (int from = 0; from < VISIT_STATE_COUNT; from++) {
        for (int event = 0; event < VISIT_EVENT_COUNT; event++) {
            struct visit_facts facts = facts_for((enum visit_event)event);
            struct visit_step step = {.to = (enum visit_state)99};
            tagih_err err = visit_apply((enum visit_state)from, (enum visit_event)event, &facts, &step);
            if (matrix[from][event] == NO) {
                assert_int_equal(err.reason, ERR_VISIT_ILLEGAL_TRANSITION);
                assert_int_equal(step.to, 99);
                continue;
            }
            assert_int_equal(err.reason, ERR_OK);
            assert_int_equal(step.to, matrix[from][event]);
            assert_int_equal(step.flagged, event == VISIT_FINISH_LATE);
            assert_true((int)step.edge->from == from && (int)step.edge->event == event);
        }
    }
}

static void states_and_events_outside_the_list_have_no_edge(void **state) {
    (void)state;
    struct visit_step step;
    assert_int_equal(visit_apply((enum visit_state)6, VISIT_DEPART, &willing, &step).reason,
                     ERR_VISIT_ILLEGAL_TRANSITION);
    assert_int_equal(visit_apply(VISIT_PLANNED, (enum visit_event)6, &willing, &step).reason,
                     ERR_VISIT_ILLEGAL_TRANSITION);
    assert_string_equal(visit_state_name((enum visit_state)6), "?");
    assert_string_equal(visit_event_name((enum visit_event)6), "?");
}

//= RULES.md R-VIS-1
//  DONE always has an outcome.
static void a_visit_is_never_done_without_an_outcome(void **state) {
    (void)state;
    for (int from = 0; from < VISIT_STATE_COUNT; from++) {
        for (int event = 0; event < VISIT_EVENT_COUNT; event++) {
            struct visit_facts facts = facts_for((enum visit_event)event);
            struct visit_step step = {.to = VISIT_PLANNED};
            facts.has_outcome = false;
            tagih_err err = visit_apply((enum visit_state)from, (enum visit_event)event, &facts, &step);
            assert_false(err_is_ok(err) && step.to == VISIT_DONE);
            if (matrix[from][event] == DO) assert_int_equal(err.reason, ERR_VISIT_OUTCOME_MISSING);
        }
    }
}

//= RULES.md R-VIS-1a
//  A step needs its guard: … A guard that fails refuses the step and never the work.
static void each_guard_refuses_by_its_own_reason(void **state) {
    (void)state;
    struct visit_step step;
    struct visit_facts facts = willing;
    assert_int_equal(visit_apply(VISIT_PLANNED, VISIT_EXPIRE, &facts, &step).reason, ERR_VISIT_LEASE_LIVE);
    assert_int_equal(visit_apply(VISIT_EN_ROUTE, VISIT_EXPIRE, &facts, &step).reason, ERR_VISIT_LEASE_LIVE);
    facts.by_supervisor = false;
    assert_int_equal(visit_apply(VISIT_PLANNED, VISIT_CANCEL, &facts, &step).reason,
                     ERR_VISIT_NOT_SUPERVISOR);
    assert_int_equal(visit_apply(VISIT_EN_ROUTE, VISIT_CANCEL, &facts, &step).reason,
                     ERR_VISIT_NOT_SUPERVISOR);
    facts.made_under_lease = false;
    assert_int_equal(visit_apply(VISIT_PLANNED, VISIT_DEPART, &facts, &step).reason, ERR_VISIT_LEASE_OVER);
    assert_int_equal(visit_apply(VISIT_PLANNED, VISIT_ARRIVE, &facts, &step).reason, ERR_VISIT_LEASE_OVER);
    assert_int_equal(visit_apply(VISIT_EN_ROUTE, VISIT_ARRIVE, &facts, &step).reason, ERR_VISIT_LEASE_OVER);
    assert_int_equal(visit_apply(VISIT_EXPIRED, VISIT_FINISH_LATE, &facts, &step).reason,
                     ERR_VISIT_LEASE_OVER);
    assert_int_equal(visit_apply(VISIT_CANCELLED, VISIT_FINISH_LATE, &facts, &step).reason,
                     ERR_VISIT_LEASE_OVER);
}

//= RULES.md R-VIS-3
//  Work reported under a revoked or expired lease is kept, posted and flagged for the supervisor; it is never
//  refused.
static void work_done_in_time_that_arrives_late_counts_and_is_flagged(void **state) {
    (void)state;
    struct visit_facts late = willing;
    struct visit_step step;
    late.lease_live = false;
    assert_int_equal(visit_apply(VISIT_PLANNED, VISIT_ARRIVE, &late, &step).reason, ERR_OK);
    assert_true(step.flagged && step.to == VISIT_ARRIVED);
    late.made_under_lease = false; /* he arrived in time and left after the lease */
    assert_int_equal(visit_apply(VISIT_ARRIVED, VISIT_FINISH, &late, &step).reason, ERR_OK);
    assert_true(step.flagged && step.to == VISIT_DONE);
}

static void an_act_of_the_office_is_never_flagged(void **state) {
    (void)state;
    struct visit_facts over = {.by_supervisor = true};
    struct visit_step step;
    assert_int_equal(visit_apply(VISIT_PLANNED, VISIT_CANCEL, &over, &step).reason, ERR_OK);
    assert_false(step.flagged);
    assert_int_equal(visit_apply(VISIT_PLANNED, VISIT_EXPIRE, &over, &step).reason, ERR_OK);
    assert_false(step.flagged);
}

static void every_edge_says_why_and_by_which_rule(void **state) {
    (void)state;
    size_t count = 0, expected = 0;
    for (int i = 0; i < VISIT_STATE_COUNT * VISIT_EVENT_COUNT; i++)
        expected += matrix[i / VISIT_EVENT_COUNT][i % VISIT_EVENT_COUNT] != NO;
    for (const struct visit_edge *edge; (edge = visit_edge_at(count)) != NULL; count++) {
        assert_int_equal(matrix[edge->from][edge->event], edge->to);
        assert_true(strlen(edge->why) > 5 && strlen(edge->guard) > 5);
        assert_string_equal(edge->rule, "R-VIS-1");
    }
    assert_int_equal(count, expected);
}

static void the_machine_draws_every_edge_of_itself(void **state) {
    (void)state;
    static uint8_t memory[32768];
    struct arena arena;
    const char *text = NULL;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(visit_print_mermaid(&arena, &text).reason, ERR_OK);
    assert_int_equal(strncmp(text, "stateDiagram-v2\n    [*] --> PLANNED\n", 36), 0);
    for (size_t i = 0; visit_edge_at(i); i++) {
        const struct visit_edge *edge = visit_edge_at(i);
        char line[128];
        snprintf(line, sizeof line, "    %s --> %s: %s [", visit_state_name(edge->from),
                 visit_state_name(edge->to), visit_event_name(edge->event));
        assert_non_null(strstr(text, line));
    }
    assert_non_null(strstr(text, "    DONE --> [*]\n"));
}

static void a_diagram_that_does_not_fit_is_an_error(void **state) {
    (void)state;
    static uint8_t memory[4096];
    const char *text = NULL;
    for (size_t size = 256; size <= 1024; size += 256) {
        struct arena arena;
        arena_init(&arena, memory, size);
        assert_int_equal(visit_print_mermaid(&arena, &text).reason, ERR_OUT_OF_MEMORY);
        assert_null(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_event_does_what_the_matrix_says),
        cmocka_unit_test(states_and_events_outside_the_list_have_no_edge),
        cmocka_unit_test(a_visit_is_never_done_without_an_outcome),
        cmocka_unit_test(each_guard_refuses_by_its_own_reason),
        cmocka_unit_test(work_done_in_time_that_arrives_late_counts_and_is_flagged),
        cmocka_unit_test(an_act_of_the_office_is_never_flagged),
        cmocka_unit_test(every_edge_says_why_and_by_which_rule),
        cmocka_unit_test(the_machine_draws_every_edge_of_itself),
        cmocka_unit_test(a_diagram_that_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests_name("visit", tests, NULL, NULL);
}
