/* SPDX-License-Identifier: Apache-2.0 */
/* The settlement's machine against a written matrix of all states and events, and its diagram. */
#include "domain/settlement.h"

#include "tests/support/case.h"

#define OP SETTLEMENT_OPEN
#define DE SETTLEMENT_DECLARED
#define CO SETTLEMENT_COUNTED
#define MA SETTLEMENT_MATCHED
#define DP SETTLEMENT_DEPOSITED
#define BM SETTLEMENT_BANK_MATCHED

/* What follows from each state (rows) on each event (columns) when the counted sum is the expected one; 0: no
 * such edge. */
/* clang-format off */
static const int matrix[SETTLEMENT_STATE_END][SETTLEMENT_EVENT_COUNT] = {
    /*                              declare count accept deposit match */
    [SETTLEMENT_OPEN]            = {DE,     0,    0,     0,      0},
    [SETTLEMENT_DECLARED]        = {0,      CO,   0,     0,      0},
    [SETTLEMENT_COUNTED]         = {0,      CO,   MA,    0,      0},
    [SETTLEMENT_MATCHED]         = {0,      0,    0,     DP,     0},
    [SETTLEMENT_SHORT]           = {0,      0,    0,     DP,     0},
    [SETTLEMENT_OVER]            = {0,      0,    0,     DP,     0},
    [SETTLEMENT_DEPOSITED]       = {0,      0,    0,     0,      BM},
    [SETTLEMENT_BANK_MATCHED]    = {0,      0,    0,     0,      0},
};
/* clang-format on */

//= RULES.md R-CSH-2
//  OPEN → DECLARED (…) → COUNTED by a cashier who is not the collector (repeatable) → ACCEPTED(MATCHED,
//  SHORT, OVER) → DEPOSITED (bank reference) → BANK_MATCHED.
static void every_state_and_event_does_what_the_matrix_says(void **state) {
    (void)state;
    const struct settlement_facts facts = {.expected_minor = 100, .counted_minor = 100};
    for (int from = 0; from < SETTLEMENT_STATE_END; from++) {
        for (int event = 0; event < SETTLEMENT_EVENT_COUNT; event++) {
            enum settlement_state to = (enum settlement_state)99;
            tagih_err err =
                settlement_apply((enum settlement_state)from, (enum settlement_event)event, &facts, &to);
            if (matrix[from][event] == 0) {
                assert_fails(err, SETTLEMENT_ILLEGAL_TRANSITION);
                assert_int_equal(to, 99);
                continue;
            }
            assert_ok(err);
            assert_int_equal(to, matrix[from][event]);
        }
    }
}

static enum settlement_state accepted(int64_t expected_minor, int64_t counted_minor) {
    struct settlement_facts facts = {.expected_minor = expected_minor, .counted_minor = counted_minor};
    enum settlement_state to = SETTLEMENT_OPEN;
    assert_ok(settlement_apply(SETTLEMENT_COUNTED, SETTLEMENT_ACCEPT, &facts, &to));
    return to;
}

//= RULES.md R-CSH-2
//  ACCEPTED(MATCHED, SHORT, OVER)
static void the_count_against_the_ledger_says_how_it_is_accepted(void **state) {
    (void)state;
    assert_int_equal(accepted(1000000000, 1000000000), SETTLEMENT_MATCHED);
    assert_int_equal(accepted(1000000000, 980000000), SETTLEMENT_SHORT);
    assert_int_equal(accepted(1000000000, 1010000000), SETTLEMENT_OVER);
    assert_int_equal(accepted(0, 0), SETTLEMENT_MATCHED);
    assert_int_equal(accepted(1, 0), SETTLEMENT_SHORT);
    assert_int_equal(accepted(0, 1), SETTLEMENT_OVER);
    assert_int_equal(accepted(INT64_MAX, INT64_MAX - 1), SETTLEMENT_SHORT);
}

//= RULES.md R-CSH-2
//  COUNTED by a cashier who is not the collector
static void nobody_counts_or_accepts_his_own_cash(void **state) {
    (void)state;
    struct settlement_facts facts = {.own = true};
    enum settlement_state to = SETTLEMENT_OPEN;
    assert_fails(settlement_apply(SETTLEMENT_DECLARED, SETTLEMENT_COUNT, &facts, &to), SETTLEMENT_OWN);
    assert_fails(settlement_apply(SETTLEMENT_COUNTED, SETTLEMENT_COUNT, &facts, &to), SETTLEMENT_OWN);
    assert_fails(settlement_apply(SETTLEMENT_COUNTED, SETTLEMENT_ACCEPT, &facts, &to), SETTLEMENT_OWN);
    assert_int_equal(to, SETTLEMENT_OPEN);
    assert_ok(settlement_apply(SETTLEMENT_OPEN, SETTLEMENT_DECLARE, &facts, &to));
    assert_int_equal(to, SETTLEMENT_DECLARED);
}

//= RULES.md R-CSH-2
//  with a gap before it, ACCEPTED needs a supervisor
static void behind_a_gap_only_a_supervisors_decision_accepts(void **state) {
    (void)state;
    const int64_t counted[] = {90, 100, 110};
    for (size_t i = 0; i < COUNT_OF(counted); i++) {
        struct settlement_facts facts = {.gap = true, .expected_minor = 100, .counted_minor = counted[i]};
        enum settlement_state to = SETTLEMENT_OPEN;
        assert_ok(settlement_apply(SETTLEMENT_DECLARED, SETTLEMENT_COUNT, &facts, &to));
        assert_fails(settlement_apply(SETTLEMENT_COUNTED, SETTLEMENT_ACCEPT, &facts, &to), SETTLEMENT_GAP);
        facts.gap_decided = true;
        assert_ok(settlement_apply(SETTLEMENT_COUNTED, SETTLEMENT_ACCEPT, &facts, &to));
        assert_true(settlement_is_accepted(to));
    }
}

static void names_are_total(void **state) {
    (void)state;
    assert_string_equal(settlement_state_name(SETTLEMENT_BANK_MATCHED), "BANK_MATCHED");
    assert_string_equal(settlement_state_name((enum settlement_state)0), "?");
    assert_string_equal(settlement_state_name((enum settlement_state)SETTLEMENT_STATE_END), "?");
    assert_string_equal(settlement_event_name(SETTLEMENT_MATCH), "match");
    assert_string_equal(settlement_event_name((enum settlement_event)SETTLEMENT_EVENT_COUNT), "?");
    assert_false(settlement_is_accepted(SETTLEMENT_COUNTED));
    assert_false(settlement_is_accepted((enum settlement_state)SETTLEMENT_STATE_END));
    assert_true(settlement_is_accepted(SETTLEMENT_DEPOSITED));
}

static size_t count_of(const char *text, const char *word) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) n++;
    return n;
}

static void the_machine_prints_every_edge_once(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[32768];
    struct arena arena;
    const char *text = NULL;
    arena_init(&arena, memory, sizeof memory);
    assert_ok(settlement_print_mermaid(&arena, &text));
    size_t edges = 0;
    while (settlement_edge_at(edges)) {
        const struct settlement_edge *edge = settlement_edge_at(edges++);
        char line[200];
        snprintf(line, sizeof line, "    %s --> %s: %s [%s] %s (%s)\n", settlement_state_name(edge->from),
                 settlement_state_name(edge->to), settlement_event_name(edge->event), edge->guard, edge->why,
                 edge->rule);
        assert_int_equal(count_of(text, line), 1);
    }
    assert_int_equal(count_of(text, "-->"), edges + 2);
    arena_init(&arena, memory, 256);
    assert_fails(settlement_print_mermaid(&arena, &text), OUT_OF_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_event_does_what_the_matrix_says),
        cmocka_unit_test(the_count_against_the_ledger_says_how_it_is_accepted),
        cmocka_unit_test(nobody_counts_or_accepts_his_own_cash),
        cmocka_unit_test(behind_a_gap_only_a_supervisors_decision_accepts),
        cmocka_unit_test(names_are_total),
        cmocka_unit_test(the_machine_prints_every_edge_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
