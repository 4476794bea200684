/* SPDX-License-Identifier: Apache-2.0 */
/* Promises: what is accepted, and where each one stands (R-PTP-1, R-PTP-2). Local days are UTC + 7 here. */
#include "support/case.h"

#include "tagih/promise.h"

#define ZONE_US (7 * 60 * US_PER_MINUTE)
#define JAN(d) (date_make(2026, 1, (d)))

static _Alignas(16) uint8_t memory[1 << 16];
static struct arena arena;

static int begin(void **state) {
    (void)state;
    arena_init(&arena, memory, sizeof memory);
    return 0;
}

/* An hour of a local day. */
static instant at(civil_date on, int hour, int minute) {
    return (instant){on.days * US_PER_DAY + (hour * 60 + minute) * US_PER_MINUTE - ZONE_US};
}

static uuid id_of(uint8_t n) {
    return (uuid){{[15] = n}};
}

static struct promise_fact promise(uint8_t n, int64_t amount_minor, civil_date made_on, civil_date due_on) {
    civil_date over = {due_on.days + promise_settings_default.grace_days + 1};
    return (struct promise_fact){.id = {id_of(n)},
                                 .amount_minor = amount_minor,
                                 .due_on = due_on,
                                 .made = at(made_on, 12, 0),
                                 .closes = at(over, 0, 0)};
}

static struct promise_payment payment(uint8_t n, int64_t amount_minor, civil_date on, int hour) {
    return (struct promise_payment){.id = {id_of((uint8_t)(100 + n))},
                                    .amount_minor = amount_minor,
                                    .value_on = on,
                                    .value = at(on, hour, 0),
                                    .tag = TAG_FIELD_CASH};
}

static struct promise_outcome evaluate(const struct promise_fact *promises, size_t n,
                                       const struct promise_payment *payments, size_t m, instant now) {
    struct promise_outcome out;
    assert_ok(promise_evaluate(&promise_settings_default, promises, n, payments, m, now, &arena, &out));
    return out;
}

static void assert_stands(const struct promise_outcome *out, size_t i, enum promise_state state,
                          int64_t received_minor) {
    assert_string_equal(promise_state_name(out->results[i].state), promise_state_name(state));
    assert_int_equal(out->results[i].received_minor, received_minor);
}

/* ---- R-PTP-2
 * -------------------------------------------------------------------------------------------------- */

//= RULES.md R-PTP-2
//  Reached → KEPT at once. After due + grace: > 0 → PARTIAL, 0 → BROKEN.
static void a_promise_is_kept_at_once_and_judged_after_due_and_grace(void **state) {
    (void)state;
    struct promise_fact p = promise(1, 500, JAN(5), JAN(10));
    struct promise_payment paid[] = {payment(1, 200, JAN(6), 9), payment(2, 300, JAN(12), 23)};
    struct promise_outcome out = evaluate(&p, 1, paid, 0, at(JAN(12), 23, 59));
    assert_stands(&out, 0, PROMISE_OPEN, 0);
    out = evaluate(&p, 1, paid, 0, at(JAN(13), 0, 0));
    assert_stands(&out, 0, PROMISE_BROKEN, 0);
    out = evaluate(&p, 1, paid, 1, at(JAN(12), 23, 59));
    assert_stands(&out, 0, PROMISE_OPEN, 200);
    out = evaluate(&p, 1, paid, 1, at(JAN(13), 0, 0));
    assert_stands(&out, 0, PROMISE_PARTIAL, 200);
    out = evaluate(&p, 1, paid, 2, at(JAN(12), 23, 1));
    assert_stands(&out, 0, PROMISE_KEPT, 500);
    assert_memory_equal(&out.results[0].by, &paid[1].id, sizeof(uuid));
}

//= RULES.md R-PTP-2
//  a payment fills only promises made before its value instant and not past due + grace (2 days **default**,
//  end of that local day)
static void only_money_between_the_word_and_the_end_of_its_grace_counts(void **state) {
    (void)state;
    struct promise_fact p = promise(1, 500, JAN(5), JAN(10));
    struct promise_payment at_its_instant = payment(1, 500, JAN(5), 12), after = payment(2, 500, JAN(13), 0);
    struct promise_payment last = payment(3, 500, JAN(12), 23), first = at_its_instant;
    first.value.us++;
    struct promise_outcome out = evaluate(&p, 1, &at_its_instant, 1, at(JAN(20), 0, 0));
    assert_stands(&out, 0, PROMISE_BROKEN, 0);
    out = evaluate(&p, 1, &after, 1, at(JAN(20), 0, 0));
    assert_stands(&out, 0, PROMISE_BROKEN, 0);
    out = evaluate(&p, 1, &last, 1, at(JAN(20), 0, 0));
    assert_stands(&out, 0, PROMISE_KEPT, 500);
    out = evaluate(&p, 1, &first, 1, at(JAN(20), 0, 0));
    assert_stands(&out, 0, PROMISE_KEPT, 500);
}

//= RULES.md R-PTP-2
//  Payments (whole amount, any tag but COLLATERAL, AUCTION, GUARANTEE_FUND, INSURANCE)
static void money_that_the_debtor_did_not_pay_keeps_no_promise(void **state) {
    (void)state;
    struct promise_fact p = promise(1, 500, JAN(5), JAN(10));
    for (int tag = 1; tag < TAG_END; tag++) {
        bool refused =
            tag == TAG_COLLATERAL || tag == TAG_AUCTION || tag == TAG_GUARANTEE_FUND || tag == TAG_INSURANCE;
        struct promise_payment paid = payment(1, 500, JAN(6), 9);
        paid.tag = (enum payment_tag)tag;
        struct promise_outcome out = evaluate(&p, 1, &paid, 1, at(JAN(7), 0, 0));
        assert_stands(&out, 0, refused ? PROMISE_OPEN : PROMISE_KEPT, refused ? 0 : 500);
    }
}

//= RULES.md R-PTP-2
//  in fact order fill promises in order (due date, promise instant, id) … surplus flows to the next; each
//  rupiah once
static void money_fills_the_earliest_due_and_the_rest_flows_on(void **state) {
    (void)state;
    struct promise_settings three = promise_settings_default;
    three.open_max = 3;
    struct promise_fact p[] = {promise(1, 500, JAN(2), JAN(12)), promise(2, 300, JAN(3), JAN(10)),
                               promise(3, 400, JAN(4), JAN(12))};
    struct promise_payment paid[] = {payment(1, 1000, JAN(5), 9), payment(2, 100, JAN(6), 9)};
    struct promise_outcome out;
    assert_ok(promise_evaluate(&three, p, 3, paid, 2, at(JAN(7), 0, 0), &arena, &out));
    assert_stands(&out, 1, PROMISE_KEPT, 300);
    assert_stands(&out, 0, PROMISE_KEPT, 500);
    assert_stands(&out, 2, PROMISE_OPEN, 300);
    static const struct promise_fill expected[] = {{1, 0, 300}, {0, 0, 500}, {2, 0, 200}, {2, 1, 100}};
    assert_int_equal(out.n_fills, COUNT_OF(expected));
    for (size_t i = 0; i < out.n_fills; i++) {
        assert_int_equal(out.fills[i].promise, expected[i].promise);
        assert_int_equal(out.fills[i].payment, expected[i].payment);
        assert_int_equal(out.fills[i].amount_minor, expected[i].amount_minor);
    }
}

//= RULES.md R-PTP-2
//  Any of OPEN, KEPT, PARTIAL, BROKEN may follow another when facts change
static void facts_that_change_take_a_promise_in_any_direction(void **state) {
    (void)state;
    struct promise_fact p = promise(1, 500, JAN(5), JAN(10));
    struct promise_payment paid[] = {payment(1, 300, JAN(6), 9), payment(2, 200, JAN(7), 9)};
    instant before = at(JAN(8), 0, 0), after = at(JAN(20), 0, 0);
    struct promise_outcome out = evaluate(&p, 1, paid, 2, before);
    assert_stands(&out, 0, PROMISE_KEPT, 500);
    paid[1].reversed = true; /* KEPT → OPEN, and PARTIAL once it is over */
    out = evaluate(&p, 1, paid, 2, before);
    assert_stands(&out, 0, PROMISE_OPEN, 300);
    out = evaluate(&p, 1, paid, 2, after);
    assert_stands(&out, 0, PROMISE_PARTIAL, 300);
    paid[0].reversed = true;
    out = evaluate(&p, 1, paid, 2, after);
    assert_stands(&out, 0, PROMISE_BROKEN, 0);
    paid[0].reversed = paid[1].reversed = false; /* late arrivals: BROKEN → KEPT */
    out = evaluate(&p, 1, paid, 2, after);
    assert_stands(&out, 0, PROMISE_KEPT, 500);
}

//= RULES.md R-PTP-2
//  Two offline promises for one debt: the later supersedes, both kept, the superseded one takes nothing.
//= RULES.md R-PTP-2a
//  A promise that is made while as many are open as may be supersedes the earliest made of them
static void the_later_of_two_open_promises_takes_the_place_of_the_earlier(void **state) {
    (void)state;
    struct promise_fact p[] = {promise(1, 500, JAN(5), JAN(10)), promise(2, 400, JAN(6), JAN(14))};
    struct promise_payment paid[] = {payment(1, 450, JAN(7), 9), payment(2, 500, JAN(5), 15)};
    struct promise_outcome out = evaluate(p, 2, paid, 0, at(JAN(8), 0, 0));
    assert_stands(&out, 0, PROMISE_SUPERSEDED, 0);
    assert_memory_equal(&out.results[0].by, &p[1].id, sizeof(uuid));
    assert_stands(&out, 1, PROMISE_OPEN, 0);
    out = evaluate(p, 2, paid, 1, at(JAN(20), 0, 0));
    assert_stands(&out, 0, PROMISE_SUPERSEDED, 0);
    assert_stands(&out, 1, PROMISE_KEPT, 400);
    out = evaluate(p, 2, paid, 2, at(JAN(20), 0, 0)); /* kept before the second word was given */
    assert_stands(&out, 0, PROMISE_KEPT, 500);
    assert_stands(&out, 1, PROMISE_KEPT, 400);
    struct promise_fact second = promise(2, 400, JAN(13), JAN(20)); /* made when the first one was over */
    out = evaluate((struct promise_fact[]){p[0], second}, 2, paid, 0, at(JAN(14), 0, 0));
    assert_stands(&out, 0, PROMISE_BROKEN, 0);
    assert_stands(&out, 1, PROMISE_OPEN, 0);
}

//= RULES.md R-PTP-2b
//  A promise may be withdrawn by a supervisor while it is open: it takes nothing from then on, and is not
//  broken.
static void a_withdrawn_promise_takes_nothing_and_is_not_broken(void **state) {
    (void)state;
    struct promise_fact p = promise(1, 500, JAN(5), JAN(10));
    p.withdrawn = true;
    p.withdrawn_at = at(JAN(7), 0, 0);
    struct promise_payment early = payment(1, 500, JAN(6), 9), late = payment(2, 500, JAN(7), 9);
    struct promise_outcome out = evaluate(&p, 1, &late, 1, at(JAN(20), 0, 0));
    assert_stands(&out, 0, PROMISE_WITHDRAWN, 0);
    out = evaluate(&p, 1, &early, 1, at(JAN(20), 0, 0)); /* a late arrival shows that it had been kept */
    assert_stands(&out, 0, PROMISE_KEPT, 500);
    p.withdrawn_at = at(JAN(13), 0, 0); /* too late: it was over */
    out = evaluate(&p, 1, NULL, 0, at(JAN(20), 0, 0));
    assert_stands(&out, 0, PROMISE_BROKEN, 0);
}

//= RULES.md R-PTP-3a
//  A plan is broken at the end of the grace of the first instalment that is not paid in full; the others
//  lapse then
static void instalments_end_with_their_broken_plan(void **state) {
    (void)state;
    struct promise_fact p[] = {promise(1, 100, JAN(5), JAN(10)), promise(2, 100, JAN(5), JAN(17)),
                               promise(3, 100, JAN(5), JAN(24)), promise(4, 300, JAN(4), JAN(12))};
    for (size_t i = 0; i < 3; i++) p[i].plan = (plan_id){id_of(9)};
    struct promise_payment paid[] = {payment(1, 150, JAN(6), 9), payment(2, 300, JAN(22), 9),
                                     payment(3, 50, JAN(18), 9)};
    struct promise_outcome out = evaluate(p, 4, paid, 1, at(JAN(8), 0, 0));
    assert_stands(&out, 3, PROMISE_SUPERSEDED, 0); /* a plan is for the whole debt */
    assert_stands(&out, 0, PROMISE_KEPT, 100);
    assert_stands(&out, 1, PROMISE_OPEN, 50);
    out = evaluate(p, 4, paid, 2, at(JAN(23), 0, 0));
    assert_stands(&out, 1, PROMISE_PARTIAL, 50);
    assert_stands(&out, 2, PROMISE_LAPSED, 0);        /* what came on the 22nd came too late for the plan */
    out = evaluate(p, 4, paid, 3, at(JAN(23), 0, 0)); /* 50 valued in time turn up: the plan stands again */
    assert_stands(&out, 1, PROMISE_KEPT, 100);
    assert_stands(&out, 2, PROMISE_KEPT, 100);
}

static void nothing_counts_twice_and_nothing_is_of_no_amount(void **state) {
    (void)state;
    struct promise_outcome out;
    struct promise_fact p[] = {promise(1, 500, JAN(5), JAN(10)), promise(1, 400, JAN(6), JAN(14))};
    struct promise_payment twice[] = {payment(1, 100, JAN(6), 9), payment(1, 100, JAN(6), 9)};
    instant now = at(JAN(8), 0, 0);
    assert_fails(promise_evaluate(&promise_settings_default, p, 2, twice, 1, now, &arena, &out),
                 PROMISE_FACT_TWICE);
    assert_fails(promise_evaluate(&promise_settings_default, p, 1, twice, 2, now, &arena, &out),
                 PROMISE_FACT_TWICE);
    twice[0].amount_minor = 0;
    assert_fails(promise_evaluate(&promise_settings_default, p, 1, twice, 1, now, &arena, &out),
                 PROMISE_AMOUNT);
    p[0].amount_minor = -1;
    assert_fails(promise_evaluate(&promise_settings_default, p, 1, NULL, 0, now, &arena, &out),
                 PROMISE_AMOUNT);
}

/* ---- R-PTP-1
 * -------------------------------------------------------------------------------------------------- */

static struct promise_offer offer(int64_t amount_minor, civil_date made_on, civil_date due_on) {
    return (struct promise_offer){.amount_minor = amount_minor,
                                  .due_on = due_on,
                                  .made = at(made_on, 12, 0),
                                  .made_on = made_on,
                                  .arrears_minor = 10000};
}

static unsigned refused(struct promise_offer o, const struct promise_fact *promises, size_t n,
                        const struct promise_payment *payments, size_t m) {
    unsigned bits;
    assert_ok(promise_terms(&promise_settings_default, &o, promises, n, payments, m, &arena, &bits));
    return bits;
}

//= RULES.md R-PTP-1
//  Not accepted, with reason codes, when beyond 14 days **(default)**, below 10 % of the arrears
//  **(default)**
static void a_promise_that_is_too_late_or_too_small_is_refused_with_its_reason(void **state) {
    (void)state;
    assert_int_equal(refused(offer(1000, JAN(5), JAN(19)), NULL, 0, NULL, 0), 0);
    assert_int_equal(refused(offer(1000, JAN(5), JAN(5)), NULL, 0, NULL, 0), 0);
    assert_int_equal(refused(offer(1000, JAN(5), JAN(20)), NULL, 0, NULL, 0), PROMISE_REFUSED_BEYOND);
    assert_int_equal(refused(offer(999, JAN(5), JAN(19)), NULL, 0, NULL, 0), PROMISE_REFUSED_SMALL);
    assert_int_equal(refused(offer(1000, JAN(5), JAN(4)), NULL, 0, NULL, 0), PROMISE_REFUSED_PAST);
    assert_int_equal(refused(offer(1, JAN(5), JAN(25)), NULL, 0, NULL, 0),
                     PROMISE_REFUSED_SMALL | PROMISE_REFUSED_BEYOND);
    struct promise_offer odd = offer(1001, JAN(5), JAN(19));
    odd.arrears_minor = 10011; /* a tenth is 1001.1: nothing is rounded */
    assert_int_equal(refused(odd, NULL, 0, NULL, 0), PROMISE_REFUSED_SMALL);
    odd.arrears_minor = INT64_MAX;
    odd.amount_minor = INT64_MAX / 10;
    assert_int_equal(refused(odd, NULL, 0, NULL, 0), PROMISE_REFUSED_SMALL);
    assert_fails(promise_refusal_error(PROMISE_REFUSED_PAST | PROMISE_REFUSED_SMALL), PROMISE_PAST);
    assert_fails(promise_refusal_error(PROMISE_REFUSED_BEYOND), PROMISE_BEYOND);
    assert_fails(promise_refusal_error(PROMISE_REFUSED_SMALL | PROMISE_REFUSED_OPEN), PROMISE_SMALL);
    assert_fails(promise_refusal_error(PROMISE_REFUSED_OPEN), PROMISE_OPEN);
    assert_fails(promise_refusal_error(PROMISE_REFUSED_BROKEN), PROMISE_BROKEN);
    assert_ok(promise_refusal_error(0));
}

//= RULES.md R-PTP-1
//  more than 1 open or 3 broken in the 90 days before **(default)**
//= RULES.md R-PTP-1a
//  "More than 1 open" counts the new one … a third broken one refuses the next
static void one_open_or_three_broken_promises_refuse_the_next(void **state) {
    (void)state;
    struct promise_fact open = promise(1, 2000, JAN(5), JAN(10));
    struct promise_payment paid = payment(1, 2000, JAN(6), 9);
    assert_int_equal(refused(offer(1000, JAN(6), JAN(12)), &open, 1, NULL, 0), PROMISE_REFUSED_OPEN);
    assert_int_equal(refused(offer(1000, JAN(6), JAN(12)), &open, 1, &paid, 1), 0); /* kept */
    assert_int_equal(refused(offer(1000, JAN(13), JAN(19)), &open, 1, NULL, 0), 0); /* broken */
    assert_int_equal(refused(offer(1000, JAN(4), JAN(12)), &open, 1, NULL, 0),
                     0); /* made later than this one */
    struct promise_fact broken[3];
    for (uint8_t i = 0; i < 3; i++) broken[i] = promise(i, 500, JAN(1 + 5 * i), JAN(2 + 5 * i));
    civil_date last = {JAN(2).days + 3 + 90}; /* the first was found broken on the 5th */
    struct promise_offer then = offer(1000, last, last),
                         later = offer(1000, (civil_date){last.days + 1}, (civil_date){last.days + 1});
    assert_int_equal(refused(then, broken, 3, NULL, 0), PROMISE_REFUSED_BROKEN);
    assert_int_equal(refused(then, broken, 2, NULL, 0), 0);
    assert_int_equal(refused(later, broken, 3, NULL, 0), 0);
    struct promise_payment part = payment(1, 1, JAN(2), 9);
    assert_int_equal(refused(then, broken, 3, &part, 1), 0); /* PARTIAL does not count as broken */
}

//= RULES.md R-PTP-1
//  Reminders: one at T−1 and one at T, once per (promise, slot), none after payment.
static void an_open_promise_is_due_for_a_reminder_on_two_days(void **state) {
    (void)state;
    assert_int_equal(promise_reminder_slot(PROMISE_OPEN, JAN(10), JAN(8)), -1);
    assert_int_equal(promise_reminder_slot(PROMISE_OPEN, JAN(10), JAN(9)), 1);
    assert_int_equal(promise_reminder_slot(PROMISE_OPEN, JAN(10), JAN(10)), 0);
    assert_int_equal(promise_reminder_slot(PROMISE_OPEN, JAN(10), JAN(11)), -1);
    for (int s = PROMISE_KEPT; s < PROMISE_STATE_END; s++) {
        assert_int_equal(promise_reminder_slot((enum promise_state)s, JAN(10), JAN(10)), -1);
    }
    assert_string_equal(promise_state_name(PROMISE_STATE_END), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_promise_is_kept_at_once_and_judged_after_due_and_grace, begin),
        cmocka_unit_test_setup(only_money_between_the_word_and_the_end_of_its_grace_counts, begin),
        cmocka_unit_test_setup(money_that_the_debtor_did_not_pay_keeps_no_promise, begin),
        cmocka_unit_test_setup(money_fills_the_earliest_due_and_the_rest_flows_on, begin),
        cmocka_unit_test_setup(facts_that_change_take_a_promise_in_any_direction, begin),
        cmocka_unit_test_setup(the_later_of_two_open_promises_takes_the_place_of_the_earlier, begin),
        cmocka_unit_test_setup(a_withdrawn_promise_takes_nothing_and_is_not_broken, begin),
        cmocka_unit_test_setup(instalments_end_with_their_broken_plan, begin),
        cmocka_unit_test_setup(nothing_counts_twice_and_nothing_is_of_no_amount, begin),
        cmocka_unit_test_setup(a_promise_that_is_too_late_or_too_small_is_refused_with_its_reason, begin),
        cmocka_unit_test_setup(one_open_or_three_broken_promises_refuse_the_next, begin),
        cmocka_unit_test_setup(an_open_promise_is_due_for_a_reminder_on_two_days, begin),
    };
    return cmocka_run_group_tests_name("promises", tests, NULL, NULL);
}
