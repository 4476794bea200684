/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a replay changed (R-ALL-7): two outcomes of one account are read side by side in fact order, which both share
 * because a fact's place never changes. A fact that one side lacks counts 0 there.
 */
#include "tagih/allocation.h"
#include "tagih/money.h"

static const struct allocation_effect no_effect;

static const struct allocation_fact *fact_at(const struct allocation_outcome *of, size_t position) {
    return position < of->n_facts ? &of->facts[of->order[position]] : NULL;
}

static tagih_err effect_sub(const struct allocation_effect *a, const struct allocation_effect *b,
                            struct allocation_effect *out) {
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        TRY(minor_sub(a->component_minor[c], b->component_minor[c], &out->component_minor[c]));
    }
    TRY(minor_sub(a->credit_minor, b->credit_minor, &out->credit_minor));
    return minor_sub(a->recoverable_minor, b->recoverable_minor, &out->recoverable_minor);
}

static tagih_err effect_add(struct allocation_effect *sum, const struct allocation_effect *more) {
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        TRY(minor_add(sum->component_minor[c], more->component_minor[c], &sum->component_minor[c]));
    }
    TRY(minor_add(sum->credit_minor, more->credit_minor, &sum->credit_minor));
    return minor_add(sum->recoverable_minor, more->recoverable_minor, &sum->recoverable_minor);
}

static bool effect_is_zero(const struct allocation_effect *effect) {
    bool zero = effect->credit_minor == 0 && effect->recoverable_minor == 0;
    for (int c = 0; c < COMPONENT_COUNT; c++) zero &= effect->component_minor[c] == 0;
    return zero;
}

/* Components + credit - recoverable: what the fact's other side is, with the sign of a payment. */
static tagih_err effect_sum(const struct allocation_effect *effect, int64_t *sum) {
    TRY(minor_sub(effect->credit_minor, effect->recoverable_minor, sum));
    for (int c = 0; c < COMPONENT_COUNT; c++) TRY(minor_add(*sum, effect->component_minor[c], sum));
    return TAGIH_OK;
}

static tagih_err diff_add_kind(struct allocation_diff *diff, const struct allocation_change *change) {
    int64_t sum;
    TRY(effect_sum(&change->delta, &sum));
    switch (change->kind) {
        case FACT_PAYMENT:
            return minor_add(diff->received_minor, sum, &diff->received_minor);
        case FACT_WAIVER:
            return minor_add(diff->waived_minor, sum, &diff->waived_minor);
        case FACT_WRITE_OFF:
            return minor_add(diff->written_off_minor, sum, &diff->written_off_minor);
        case FACT_CHARGE:
        case FACT_CREDITOR_RELIEF:
            return minor_sub(diff->charged_minor, sum, &diff->charged_minor);
        case FACT_REFUND:
            return minor_sub(diff->refunded_minor, sum, &diff->refunded_minor);
    }
    return FAIL(INTERNAL);
}

static tagih_err diff_add(struct allocation_diff *diff, const struct allocation_fact *fact,
                          const struct allocation_effect *before, const struct allocation_effect *after) {
    struct allocation_change change = {.fact_id = fact->id, .kind = fact->kind};
    TRY(effect_sub(after, before, &change.delta));
    if (effect_is_zero(&change.delta)) return TAGIH_OK;
    TRY(effect_add(&diff->total, &change.delta));
    TRY(diff_add_kind(diff, &change));
    diff->changes[diff->n_changes++] = change;
    return TAGIH_OK;
}

tagih_err allocation_diff(const struct allocation_outcome *before, const struct allocation_outcome *after,
                          struct arena *arena, struct allocation_diff *out) {
    *out = (struct allocation_diff){0};
    out->changes = ARENA_ARRAY(arena, before->n_facts + after->n_facts, struct allocation_change);
    if (!out->changes) return FAIL(OUT_OF_MEMORY);
    size_t b = 0, a = 0;
    while (b < before->n_facts || a < after->n_facts) {
        const struct allocation_fact *old = fact_at(before, b), *new = fact_at(after, a);
        int order = !old ? 1 : !new ? -1 : allocation_fact_compare(old, new);
        const struct allocation_effect *was = order <= 0 ? &before->results[before->order[b]].effect : &no_effect;
        const struct allocation_effect *is = order >= 0 ? &after->results[after->order[a]].effect : &no_effect;
        TRY(diff_add(out, order <= 0 ? old : new, was, is));
        b += order <= 0;
        a += order >= 0;
    }
    return TAGIH_OK;
}
