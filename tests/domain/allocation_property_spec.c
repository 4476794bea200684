/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every account, tried on 100 000 generated ones. Facts one after the other:
 * arrival_property_spec.c. */
#include "support/generated_account.h"

static _Alignas(16) uint8_t memory[1 << 16];
static struct arena arena;

static struct allocation_outcome replay(const struct account *account, const struct allocation_fact *facts,
                                        size_t n_facts) {
    struct allocation_outcome out;
    struct rule_history rules = rules_of(account);
    assert_ok(allocation_replay_under(&rules, account->schedule, account->n, facts, n_facts, account->as_of, &arena, &out));
    return out;
}

static void each_case(void (*check)(const struct account *account, uint64_t *seed)) {
    for (uint64_t number = 1; number <= CASES; number++) {
        uint64_t seed = number * UINT64_C(0x9E3779B97F4A7C15);
        struct account account = random_account(seed);
        arena_init(&arena, memory, sizeof memory);
        check(&account, &seed);
    }
}

static void check_sums(const struct account *account, uint64_t *seed) {
    (void)seed;
    struct allocation_outcome out = replay(account, account->facts, account->n_facts);
    int64_t credit = 0, refunded = 0, paid[INSTALMENTS_MAX + 1][COMPONENT_COUNT] = {{0}};
    for (size_t f = 0; f < out.n_facts; f++) {
        const struct allocation_result *result = &out.results[f];
        int64_t parts = 0;
        for (size_t p = result->part_first; p < result->part_first + result->n_parts; p++) {
            assert_int_equal(out.parts[p].fact, f);
            assert_true(out.parts[p].amount_minor > 0);
            parts += out.parts[p].amount_minor;
            paid[out.parts[p].instalment_no][out.parts[p].component] += out.parts[p].amount_minor;
        }
        credit += result->credit_left_minor;
        if (account->facts[f].kind == FACT_REFUND) refunded -= result->effect.credit_minor;
        if (account->facts[f].kind != FACT_PAYMENT) continue;
        assert_int_equal(parts + result->effect.credit_minor, account->facts[f].amount_minor);
        assert_true(result->credit_left_minor <= result->effect.credit_minor);
        refunded -= result->effect.credit_minor - result->credit_left_minor;
    }
    assert_int_equal(credit, out.credit_minor);
    assert_int_equal(refunded, 0); /* what refunds took is what payments lost */
    for (size_t i = 0; i < out.n_lines; i++) {
        for (int c = 0; c < COMPONENT_COUNT; c++) {
            assert_true(out.lines[i].open_minor[c] >= 0);
            assert_int_equal(out.lines[i].owed_minor[c] - out.lines[i].open_minor[c],
                             paid[out.lines[i].no][c]);
        }
    }
    assert_false(allocation_credit_waits(out.lines, out.n_lines, out.credit_minor, account->as_of));
}

//= RULES.md R-ALL-4
//  Σ parts = amount, to the minor unit; no component falls below zero; the excess is customer credit, never
//  negative debt.
static void parts_and_credit_are_the_amount_and_nothing_falls_below_zero(void **state) {
    (void)state;
    each_case(check_sums);
}

static void shuffle(struct allocation_fact *facts, size_t n, uint64_t *seed) {
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(seed, i);
        struct allocation_fact fact = facts[i - 1];
        facts[i - 1] = facts[j];
        facts[j] = fact;
    }
}

/* Same parts, results and lines, although the facts stand at other places of their array. */
static void assert_same(const struct allocation_outcome *a, const struct allocation_outcome *b) {
    assert_int_equal(a->n_parts, b->n_parts);
    assert_memory_equal(a->lines, b->lines, a->n_lines * sizeof *a->lines);
    for (size_t i = 0; i < a->n_facts; i++) {
        assert_true(uuid_equal(a->facts[a->order[i]].id, b->facts[b->order[i]].id));
        assert_memory_equal(&a->results[a->order[i]], &b->results[b->order[i]], sizeof *a->results);
    }
    for (size_t i = 0; i < a->n_parts; i++) {
        const struct allocation_part *x = &a->parts[i], *y = &b->parts[i];
        assert_true(x->instalment_no == y->instalment_no && x->component == y->component);
        assert_true(x->origin == y->origin && x->amount_minor == y->amount_minor);
    }
}

static void check_permutation(const struct account *account, uint64_t *seed) {
    struct allocation_fact shuffled[FACTS_MAX];
    struct account other = *account; /* its changes the other way round */
    memcpy(shuffled, account->facts, sizeof shuffled);
    shuffle(shuffled, account->n_facts, seed);
    for (size_t i = 0; i < account->n_changes; i++) other.changes[i] = account->changes[account->n_changes - 1 - i];
    struct allocation_outcome a = replay(account, account->facts, account->n_facts);
    struct allocation_outcome b = replay(&other, shuffled, account->n_facts);
    assert_same(&a, &b);
}

//= RULES.md R-ALL-1
//  **Any arrival order of the same facts gives identical balances, allocations and closed months**
static void any_arrival_order_gives_the_same_figures(void **state) {
    (void)state;
    each_case(check_permutation);
}

static void check_apply(const struct account *account, uint64_t *seed) {
    (void)seed;
    struct allocation_outcome all = replay(account, account->facts, account->n_facts);
    struct allocation_fact sorted[FACTS_MAX];
    for (size_t i = 0; i < all.n_facts; i++) sorted[i] = account->facts[all.order[i]];
    for (size_t i = 0; i < all.n_facts; i++) {
        if (sorted[i].kind != FACT_PAYMENT) continue;
        struct account then = *account;
        then.as_of = sorted[i].value_on; /* the state in which the payment finds the account */
        struct allocation_outcome before = replay(&then, sorted, i), after = replay(&then, sorted, i + 1);
        assert_false(allocation_credit_waits(before.lines, before.n_lines, before.credit_minor, then.as_of));
        struct allocation_part parts[INSTALMENTS_MAX * COMPONENT_COUNT];
        size_t n;
        int64_t credit, sum = 0;
        struct rule_history rules = rules_of(account);
        assert_ok(allocation_apply(rule_set_at(&rules, sorted[i].value_on), before.lines, before.n_lines, sorted[i].amount_minor,
                                   sorted[i].value_on, parts, COUNT_OF(parts), &n, &credit));
        assert_memory_equal(before.lines, after.lines, before.n_lines * sizeof *before.lines);
        assert_int_equal(before.credit_minor + credit, after.credit_minor);
        assert_int_equal(n, after.results[i].n_parts);
        for (size_t p = 0; p < n; p++) sum += parts[p].amount_minor;
        assert_int_equal(sum + credit, sorted[i].amount_minor);
    }
}

//= RULES.md R-ALL-1
//  Allocation is a pure function of (schedule, facts in fact order, rule set).
static void payments_applied_one_by_one_in_order_equal_the_replay(void **state) {
    (void)state;
    each_case(check_apply);
}

static void check_diff(const struct account *account, uint64_t *seed) {
    size_t known = random_below(seed, account->n_facts + 1);
    struct account then = *account; /* when not every change was known */
    then.n_changes = random_below(seed, account->n_changes + 1);
    struct allocation_outcome before = replay(&then, account->facts, known);
    struct allocation_outcome after = replay(account, account->facts, account->n_facts);
    struct allocation_diff diff;
    assert_ok(allocation_diff(&before, &after, &arena, &diff));
    int64_t was[COMPONENT_COUNT], is[COMPONENT_COUNT];
    assert_ok(allocation_balance(before.lines, before.n_lines, was));
    assert_ok(allocation_balance(after.lines, after.n_lines, is));
    for (int c = 0; c < COMPONENT_COUNT; c++) assert_int_equal(was[c] - diff.total.component_minor[c], is[c]);
    assert_int_equal(before.credit_minor + diff.total.credit_minor, after.credit_minor);
    assert_int_equal(before.recoverable_minor + diff.total.recoverable_minor, after.recoverable_minor);
}

//= RULES.md R-ALL-7
//  per payment and component, new − old (zero differences left out)
static void old_figures_plus_the_difference_are_the_new_ones(void **state) {
    (void)state;
    each_case(check_diff);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_and_credit_are_the_amount_and_nothing_falls_below_zero),
        cmocka_unit_test(any_arrival_order_gives_the_same_figures),
        cmocka_unit_test(payments_applied_one_by_one_in_order_equal_the_replay),
        cmocka_unit_test(old_figures_plus_the_difference_are_the_new_ones),
    };
    return cmocka_run_group_tests_name("allocation properties", tests, NULL, NULL);
}
