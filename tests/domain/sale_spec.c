/* SPDX-License-Identifier: Apache-2.0 */
/* Proceeds of a sale: the waterfall as a function, and the steps of a sale, all of them in every state. */
#include "domain/sale.h"

#include "tests/support/case.h"

#define MILLION INT64_C(1000000)

static struct sale_shares poured(int64_t hammer_minor, int64_t sale_costs_minor, int64_t taking_costs_minor, int64_t debt_minor) {
    struct sale_claims claims = {hammer_minor, sale_costs_minor, taking_costs_minor, debt_minor};
    struct sale_shares out;
    assert_ok(sale_waterfall(&claims, &out));
    assert_true(out.sale_costs_minor + out.taking_costs_minor + out.debt_minor + out.surplus_minor == hammer_minor);
    return out;
}

static void assert_shares(struct sale_shares s, int64_t sale_costs_minor, int64_t taking_costs_minor, int64_t debt_minor,
                          int64_t surplus_minor, int64_t shortfall_minor) {
    assert_int_equal(s.sale_costs_minor, sale_costs_minor);
    assert_int_equal(s.taking_costs_minor, taking_costs_minor);
    assert_int_equal(s.debt_minor, debt_minor);
    assert_int_equal(s.surplus_minor, surplus_minor);
    assert_int_equal(s.shortfall_minor, shortfall_minor);
}

//= RULES.md R-RPO-7
//  Proceeds: sale costs → taking costs → debt by its rule set → surplus owed to the debtor with a deadline, or shortfall
//  still owed.
static void proceeds_are_poured_in_one_order(void **state) {
    (void)state;
    /* J26: sale 1 500 000, taking 2 000 000, debt 20 000 000 of 30 000 000 */
    assert_shares(poured(3000 * MILLION, 150 * MILLION, 200 * MILLION, 2000 * MILLION), 150 * MILLION, 200 * MILLION, 2000 * MILLION,
                  650 * MILLION, 0);
    assert_shares(poured(2350, 150, 200, 2000), 150, 200, 2000, 0, 0);
    assert_shares(poured(2349, 150, 200, 2000), 150, 200, 1999, 0, 1);
    assert_shares(poured(300, 150, 200, 2000), 150, 150, 0, 0, 2050);
    assert_shares(poured(150, 150, 200, 2000), 150, 0, 0, 0, 2200);
    assert_shares(poured(1, 0, 0, 0), 0, 0, 0, 1, 0);
}

static void claims_that_cannot_be_are_refused(void **state) {
    (void)state;
    struct sale_shares out = {.surplus_minor = 77};
    assert_fails(sale_waterfall(&(struct sale_claims){0, 0, 0, 1}, &out), SALE_AMOUNT);
    assert_fails(sale_waterfall(&(struct sale_claims){-1, 0, 0, 1}, &out), SALE_AMOUNT);
    assert_fails(sale_waterfall(&(struct sale_claims){100, -1, 0, 1}, &out), SALE_AMOUNT);
    assert_fails(sale_waterfall(&(struct sale_claims){100, 0, -1, 1}, &out), SALE_AMOUNT);
    assert_fails(sale_waterfall(&(struct sale_claims){100, 0, 0, -1}, &out), SALE_AMOUNT);
    assert_fails(sale_waterfall(&(struct sale_claims){100, 101, 0, 1}, &out), SALE_COSTS);
    assert_fails(sale_waterfall(&(struct sale_claims){100, 0, INT64_MAX, 1}, &out), MONEY_OVERFLOW);
    assert_int_equal(out.surplus_minor, 77); /* untouched */
}

/* Σ shares = hammer price, nothing below zero, nobody before his turn: 100 000 random claims. */
static void nobody_gets_anything_before_those_ahead_of_him_have_all(void **state) {
    (void)state;
    uint64_t seed = 20261127;
    for (int i = 0; i < 100000; i++) {
        int64_t hammer = 1 + (int64_t)random_below(&seed, 1000), sale = (int64_t)random_below(&seed, (uint64_t)hammer + 1);
        int64_t taking = (int64_t)random_below(&seed, 600), debt = (int64_t)random_below(&seed, 1200);
        struct sale_shares s = poured(hammer, sale, taking, debt);
        assert_int_equal(s.sale_costs_minor, sale);
        assert_in_range(s.taking_costs_minor, 0, taking);
        assert_in_range(s.debt_minor, 0, debt);
        assert_true(s.surplus_minor >= 0);
        if (s.debt_minor > 0) assert_int_equal(s.taking_costs_minor, taking);
        if (s.surplus_minor > 0) assert_int_equal(s.debt_minor, debt);
        assert_int_equal(s.shortfall_minor, taking + debt - s.taking_costs_minor - s.debt_minor);
        assert_true(s.surplus_minor == 0 || s.shortfall_minor == 0);
    }
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static const struct sale_now shared = {.state = SALE_SETTLED, .hammer_minor = 100,
                                       .shares = {.sale_costs_minor = 10, .debt_minor = 60, .surplus_minor = 30}};

/* Where a step leads from a state when its guard is content; 0: nowhere. */
static const enum sale_state matrix[SALE_STATE_END][SALE_EVENT_END] = {
    [SALE_HAMMERED] = {[SALE_SETTLE] = SALE_SETTLED, [SALE_TAKE_BACK] = SALE_TAKEN_BACK},
    [SALE_SETTLED] = {[SALE_RECEIVE] = SALE_SETTLED, [SALE_PAY_SURPLUS] = SALE_SETTLED, [SALE_TAKE_BACK] = SALE_HAMMERED},
};

//= RULES.md R-RPO-7b
//  HAMMERED → SETTLED → HAMMERED while no money has moved, HAMMERED → TAKEN_BACK
static void every_step_in_every_state_does_what_is_written(void **state) {
    (void)state;
    for (int from = SALE_HAMMERED; from < SALE_STATE_END; from++) {
        for (int event = SALE_SETTLE; event < SALE_EVENT_END; event++) {
            struct sale_now now = shared;
            now.state = (enum sale_state)from;
            int64_t amount_minor = event == SALE_RECEIVE ? 90 : 30;
            enum sale_state to = SALE_STATE_END;
            tagih_err err = sale_apply(&now, (enum sale_event)event, amount_minor, &to);
            if (matrix[from][event]) assert_ok(err);
            else assert_fails(err, SALE_STEP);
            assert_int_equal(to, matrix[from][event] ? (int)matrix[from][event] : SALE_STATE_END);
        }
    }
}

//= RULES.md R-RPO-7b
//  the house pays once, exactly the hammer price less its costs; the debtor in parts, up to his surplus
static void what_moves_is_what_is_owed(void **state) {
    (void)state;
    enum sale_state to;
    struct sale_now now = shared;
    assert_fails(sale_apply(&now, SALE_RECEIVE, 89, &to), SALE_NET);
    assert_fails(sale_apply(&now, SALE_RECEIVE, 91, &to), SALE_NET);
    assert_fails(sale_apply(&now, SALE_RECEIVE, 0, &to), SALE_NET);
    assert_fails(sale_apply(&now, SALE_PAY_SURPLUS, 31, &to), SALE_SURPLUS);
    assert_fails(sale_apply(&now, SALE_PAY_SURPLUS, 0, &to), SALE_SURPLUS);
    assert_fails(sale_apply(&now, SALE_PAY_SURPLUS, -1, &to), SALE_SURPLUS);
    now.surplus_paid_minor = 20;
    assert_ok(sale_apply(&now, SALE_PAY_SURPLUS, 10, &to));
    assert_fails(sale_apply(&now, SALE_PAY_SURPLUS, 11, &to), SALE_SURPLUS);
    assert_fails(sale_apply(&now, SALE_TAKE_BACK, 0, &to), SALE_MONEY_MOVED);
    now = shared;
    now.received = true;
    assert_fails(sale_apply(&now, SALE_RECEIVE, 90, &to), SALE_STEP);
    assert_fails(sale_apply(&now, SALE_TAKE_BACK, 0, &to), SALE_MONEY_MOVED);
    now.shares.sale_costs_minor = 100; /* a house that keeps all of it */
    now.received = false;
    assert_ok(sale_apply(&now, SALE_RECEIVE, 0, &to));
}

static void states_and_events_have_names(void **state) {
    (void)state;
    assert_string_equal(sale_state_name(SALE_TAKEN_BACK), "TAKEN_BACK");
    assert_string_equal(sale_state_name(SALE_STATE_END), "?");
    assert_string_equal(sale_event_name(SALE_PAY_SURPLUS), "pay_surplus");
    assert_string_equal(sale_event_name(SALE_EVENT_END), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proceeds_are_poured_in_one_order),
        cmocka_unit_test(claims_that_cannot_be_are_refused),
        cmocka_unit_test(nobody_gets_anything_before_those_ahead_of_him_have_all),
        cmocka_unit_test(every_step_in_every_state_does_what_is_written),
        cmocka_unit_test(what_moves_is_what_is_owed),
        cmocka_unit_test(states_and_events_have_names),
    };
    return cmocka_run_group_tests_name("sale", tests, NULL, NULL);
}
