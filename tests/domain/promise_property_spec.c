/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for the promises of every account, tried on 100 000 generated stories: few days and small
 * amounts, so that promises, plans, payments, reversals and withdrawals meet often. The cases are the same on
 * every machine.
 */
#include "support/case.h"

#include "tagih/promise.h"

enum { CASES = 100000, PROMISES_MAX = 6, PAYMENTS_MAX = 6, DAYS = 24 };

static _Alignas(16) uint8_t memory[1 << 16];
static struct arena arena;

struct story {
    struct promise_settings settings;
    struct promise_fact promises[PROMISES_MAX];
    size_t n;
    struct promise_payment payments[PAYMENTS_MAX];
    size_t m;
    instant now;
};

/* Three instants a day, so that many coincide. */
static instant random_instant(uint64_t *seed, int64_t from_day, uint64_t days) {
    return (instant){((from_day + (int64_t)random_below(seed, days)) * 3 + (int64_t)random_below(seed, 3)) *
                     (US_PER_DAY / 3)};
}

static struct promise_fact random_promise(uint64_t *seed, const struct promise_settings *settings,
                                          size_t index) {
    struct promise_fact p = {.amount_minor = 1 + (int64_t)random_below(seed, 60),
                             .made = random_instant(seed, 0, DAYS / 2)};
    p.due_on.days = (int32_t)(p.made.us / US_PER_DAY) + (int32_t)random_below(seed, 8);
    p.closes.us = (p.due_on.days + settings->grace_days + 1) * US_PER_DAY;
    p.withdrawn = random_below(seed, 8) == 0;
    if (p.withdrawn) p.withdrawn_at = random_instant(seed, 0, DAYS);
    p.id.u.b[0] = (uint8_t)random_below(seed, 256);
    p.id.u.b[15] = (uint8_t)index; /* distinct */
    return p;
}

static struct promise_payment random_payment(uint64_t *seed, size_t index) {
    struct promise_payment p = {.amount_minor = 1 + (int64_t)random_below(seed, 80),
                                .value = random_instant(seed, 0, DAYS)};
    p.value_on.days = (int32_t)(p.value.us / US_PER_DAY);
    p.tag = random_below(seed, 8) ? TAG_FIELD_CASH : TAG_COLLATERAL;
    p.reversed = random_below(seed, 6) == 0;
    p.id.u.b[0] = (uint8_t)random_below(seed, 256);
    p.id.u.b[15] = (uint8_t)index;
    return p;
}

/* Some of the promises become the instalments of one plan. */
static void make_plan(struct story *story, uint64_t *seed) {
    if (random_below(seed, 2)) return;
    instant made = random_instant(seed, 0, DAYS / 2);
    for (size_t i = 0; i < story->n / 2 + 1 && i < story->n; i++) {
        struct promise_fact *p = &story->promises[i];
        p->made = made;
        p->withdrawn = false;
        p->due_on.days = (int32_t)(made.us / US_PER_DAY) + (int32_t)random_below(seed, 12);
        p->closes.us = (p->due_on.days + story->settings.grace_days + 1) * US_PER_DAY;
        p->plan.u.b[0] = 1;
    }
}

static struct story random_story(uint64_t seed) {
    struct story story = {.settings = promise_settings_default};
    story.settings.open_max = 1 + (int32_t)random_below(&seed, 2);
    story.n = random_below(&seed, PROMISES_MAX + 1);
    story.m = random_below(&seed, PAYMENTS_MAX + 1);
    story.now = random_instant(&seed, 0, DAYS + 6);
    for (size_t i = 0; i < story.n; i++) story.promises[i] = random_promise(&seed, &story.settings, i);
    for (size_t i = 0; i < story.m; i++) story.payments[i] = random_payment(&seed, i);
    make_plan(&story, &seed);
    return story;
}

static struct promise_outcome evaluate(const struct story *story) {
    struct promise_outcome out;
    assert_ok(promise_evaluate(&story->settings, story->promises, story->n, story->payments, story->m,
                               story->now, &arena, &out));
    return out;
}

static void each_case(void (*check)(const struct story *story, uint64_t *seed)) {
    for (uint64_t number = 1; number <= CASES; number++) {
        uint64_t seed = number * UINT64_C(0x9E3779B97F4A7C15);
        struct story story = random_story(seed);
        arena_init(&arena, memory, sizeof memory);
        check(&story, &seed);
    }
}

static const struct promise_result *result_of(const struct story *story, const struct promise_outcome *out,
                                              promise_id id) {
    for (size_t i = 0; i < story->n; i++) {
        if (uuid_equal(story->promises[i].id.u, id.u)) return &out->results[i];
    }
    return NULL;
}

/* Every promise of `a` stands in `b` as it does in `a`. */
static void assert_same(const struct story *a, const struct promise_outcome *out_a, const struct story *b,
                        const struct promise_outcome *out_b) {
    for (size_t i = 0; i < a->n; i++) {
        const struct promise_result *one = &out_a->results[i],
                                    *other = result_of(b, out_b, a->promises[i].id);
        assert_non_null(other);
        assert_int_equal(one->state, other->state);
        assert_int_equal(one->received_minor, other->received_minor);
        assert_memory_equal(&one->by, &other->by, sizeof one->by);
    }
}

static void shuffle(struct story *story, uint64_t *seed) {
    for (size_t i = story->n; i > 1; i--) {
        size_t j = random_below(seed, i);
        struct promise_fact fact = story->promises[i - 1];
        story->promises[i - 1] = story->promises[j];
        story->promises[j] = fact;
    }
    for (size_t i = story->m; i > 1; i--) {
        size_t j = random_below(seed, i);
        struct promise_payment payment = story->payments[i - 1];
        story->payments[i - 1] = story->payments[j];
        story->payments[j] = payment;
    }
}

static void check_shuffled(const struct story *story, uint64_t *seed) {
    struct story other = *story;
    struct promise_outcome one = evaluate(story);
    for (int i = 0; i < 3; i++) {
        shuffle(&other, seed);
        struct promise_outcome two = evaluate(&other);
        assert_same(story, &one, &other, &two);
    }
}

//= RULES.md R-PTP-2
//  The state of all promises of an account is a pure function of facts and the current instant
static void any_arrival_order_gives_the_same_states(void **state) {
    (void)state;
    each_case(check_shuffled);
}

/* All orders of up to four payments, one after the other (Heap's algorithm). */
static void check_orders(const struct story *story, const struct promise_outcome *expected,
                         struct story *other, size_t k) {
    if (k <= 1) {
        struct promise_outcome out = evaluate(other);
        assert_same(story, expected, other, &out);
        return;
    }
    for (size_t i = 0; i < k; i++) {
        check_orders(story, expected, other, k - 1);
        size_t from = k % 2 ? 0 : i;
        struct promise_payment payment = other->payments[from];
        other->payments[from] = other->payments[k - 1];
        other->payments[k - 1] = payment;
    }
}

static void check_every_order(const struct story *story, uint64_t *seed) {
    if (random_below(seed, 8) || story->m > 4 || story->n == 0) return;
    struct story other = *story;
    struct promise_outcome out = evaluate(story);
    check_orders(story, &out, &other, story->m);
}

//= RULES.md R-PTP-2
//  The state of all promises of an account is a pure function of facts and the current instant
static void every_order_of_a_few_payments_gives_the_same_states(void **state) {
    (void)state;
    each_case(check_every_order);
}

static void check_reversal(const struct story *story, uint64_t *seed) {
    if (story->m == 0) return;
    struct story without = *story, undone = *story;
    size_t i = random_below(seed, story->m);
    without.payments[i] = without.payments[--without.m];
    undone.payments[i].reversed = true;
    struct promise_outcome before = evaluate(&without), after = evaluate(&undone);
    assert_same(&without, &before, &undone, &after);
}

//= RULES.md R-PTP-2
//  Any of OPEN, KEPT, PARTIAL, BROKEN may follow another when facts change
//= RULES.md R-PAY-3
//  Reversal restores balances as though the payment were absent
static void a_reversed_payment_leaves_the_states_as_though_it_were_absent(void **state) {
    (void)state;
    each_case(check_reversal);
}

static bool may_fill(const struct promise_fact *p, const struct promise_payment *payment) {
    bool open = p->made.us < payment->value.us && payment->value.us < p->closes.us;
    bool withdrawn = p->withdrawn && p->withdrawn_at.us <= payment->value.us;
    return open && !withdrawn && !payment->reversed && payment_tag_fills_promise(payment->tag);
}

static void check_rupiahs(const struct story *story, uint64_t *seed) {
    (void)seed;
    struct promise_outcome out = evaluate(story);
    int64_t given[PAYMENTS_MAX] = {0}, got[PROMISES_MAX] = {0};
    for (size_t i = 0; i < out.n_fills; i++) {
        const struct promise_fill *fill = &out.fills[i];
        assert_true(fill->amount_minor > 0);
        assert_true(may_fill(&story->promises[fill->promise], &story->payments[fill->payment]));
        given[fill->payment] += fill->amount_minor;
        got[fill->promise] += fill->amount_minor;
    }
    for (size_t i = 0; i < story->m; i++) assert_true(given[i] <= story->payments[i].amount_minor);
    for (size_t i = 0; i < story->n; i++) {
        const struct promise_result *r = &out.results[i];
        assert_int_equal(r->received_minor, got[i]);
        assert_true(got[i] <= story->promises[i].amount_minor);
        assert_int_equal(r->state == PROMISE_KEPT, got[i] == story->promises[i].amount_minor);
        assert_true(r->state != PROMISE_PARTIAL || got[i] > 0);
        assert_true(r->state != PROMISE_BROKEN || got[i] == 0);
        bool over = story->now.us >= story->promises[i].closes.us;
        if (r->state == PROMISE_PARTIAL || r->state == PROMISE_BROKEN) assert_true(over);
        if (r->state == PROMISE_OPEN) assert_false(over);
    }
}

//= RULES.md R-PTP-2
//  surplus flows to the next; each rupiah once
static void each_rupiah_goes_into_one_promise_at_most(void **state) {
    (void)state;
    each_case(check_rupiahs);
}

/* A payment flows on until it is spent: nothing is left while a promise that it may fill is short. */
static void check_surplus(const struct story *story, uint64_t *seed) {
    (void)seed;
    struct promise_outcome out = evaluate(story);
    int64_t given[PAYMENTS_MAX] = {0};
    for (size_t i = 0; i < out.n_fills; i++) given[out.fills[i].payment] += out.fills[i].amount_minor;
    for (size_t i = 0; i < story->m; i++) {
        if (given[i] == story->payments[i].amount_minor) continue;
        for (size_t k = 0; k < story->n; k++) {
            enum promise_state s = out.results[k].state;
            bool ended = s == PROMISE_SUPERSEDED || s == PROMISE_LAPSED; /* perhaps before this payment */
            if (may_fill(&story->promises[k], &story->payments[i]) && !ended)
                assert_int_equal(s, PROMISE_KEPT);
        }
    }
}

//= RULES.md R-PTP-2
//  surplus flows to the next
static void no_money_is_left_beside_a_promise_that_it_could_fill(void **state) {
    (void)state;
    each_case(check_surplus);
}

/* Asked at an instant after all of them were made: nobody asks before. */
static void check_open(const struct story *story, uint64_t *seed) {
    (void)seed;
    for (size_t i = 0; i < story->n; i++) {
        if (story->promises[i].made.us >= story->now.us) return;
    }
    struct promise_outcome out = evaluate(story);
    int32_t open = 0;
    for (size_t i = 0; i < story->n; i++)
        open += uuid_is_nil(story->promises[i].plan.u) && out.results[i].state == PROMISE_OPEN;
    assert_true(open <= story->settings.open_max);
}

//= RULES.md R-PTP-2a
//  A promise that is made while as many are open as may be supersedes the earliest made of them
static void never_are_more_promises_open_than_may_be(void **state) {
    (void)state;
    each_case(check_open);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_arrival_order_gives_the_same_states),
        cmocka_unit_test(every_order_of_a_few_payments_gives_the_same_states),
        cmocka_unit_test(a_reversed_payment_leaves_the_states_as_though_it_were_absent),
        cmocka_unit_test(each_rupiah_goes_into_one_promise_at_most),
        cmocka_unit_test(no_money_is_left_beside_a_promise_that_it_could_fill),
        cmocka_unit_test(never_are_more_promises_open_than_may_be),
    };
    return cmocka_run_group_tests_name("promise properties", tests, NULL, NULL);
}
