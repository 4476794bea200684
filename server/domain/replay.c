/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay: an account's whole story from its schedule and its facts, in fact order (R-ALL-1, R-ALL-6).
 *
 * Invariant between two events: credit > 0 only while nothing that is due is open. Parts are written in the order in
 * which they happen and grouped by payment at the end. There are at most 4 n + 2 facts of them: each part finishes a
 * line (which only a charge opens again) or the money of a payment, as payment or later as credit.
 */
#include "domain/allocation_walk.h"
#include "domain/sort.h"
#include "tagih/money.h"

#define DUE_MAX_MINOR INT64_C(1000000000000000)

struct replay {
    struct allocation_walk walk;
    const struct rule_history *rules;
    const struct allocation_fact *facts;
    struct allocation_outcome *out;
    size_t oldest_credit; /* position in fact order: nothing before it has credit left */
    size_t next_due;      /* first instalment whose due date the timeline has not reached */
};

static int compare_i64(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

int allocation_fact_compare(const struct allocation_fact *a, const struct allocation_fact *b) {
    int order = compare_i64(a->value_on.days, b->value_on.days);
    if (order == 0) order = fact_changes_dues(b->kind) - fact_changes_dues(a->kind);
    if (order == 0) order = compare_i64(a->value.us, b->value.us);
    return order ? order : uuid_compare(a->id, b->id);
}

static int compare_facts(const void *items, uint32_t a, uint32_t b) {
    const struct allocation_fact *facts = items;
    return allocation_fact_compare(&facts[a], &facts[b]);
}

static int compare_instalments(const void *items, uint32_t a, uint32_t b) {
    const struct instalment *schedule = items;
    int order = compare_i64(schedule[a].due_on.days, schedule[b].due_on.days);
    return order ? order : compare_i64(schedule[a].no, schedule[b].no);
}

static int compare_numbers(const void *items, uint32_t a, uint32_t b) {
    const struct instalment *schedule = items;
    return compare_i64(schedule[a].no, schedule[b].no);
}

static tagih_err check_schedule(const struct instalment *schedule, size_t n, struct arena *arena) {
    const uint32_t *by_number = sort_indices(schedule, n, compare_numbers, arena);
    if (!by_number) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && schedule[by_number[i]].no == schedule[by_number[i - 1]].no) return FAIL(ALLOCATION_INSTALMENT);
        for (int c = 0; c < COMPONENT_COUNT; c++) {
            int64_t due = schedule[i].due_minor[c];
            if (due < 0 || due > DUE_MAX_MINOR) return FAIL(ALLOCATION_AMOUNT);
        }
    }
    return TAGIH_OK;
}

static tagih_err check_facts(const struct allocation_fact *facts, const uint32_t *order, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct allocation_fact *fact = &facts[order[i]];
        if (fact->amount_minor <= 0 || fact->amount_minor > MONEY_AMOUNT_MAX_MINOR) return FAIL(ALLOCATION_AMOUNT);
        if ((unsigned)fact->component >= COMPONENT_COUNT) return FAIL(ALLOCATION_INSTALMENT);
        if (i > 0 && allocation_fact_compare(&facts[order[i - 1]], fact) == 0) return FAIL(ALLOCATION_FACT_TWICE);
    }
    return TAGIH_OK;
}

static tagih_err replay_prepare(struct replay *replay, const struct instalment *schedule, size_t n,
                                struct arena *arena) {
    struct allocation_outcome *out = replay->out;
    TRY(check_schedule(schedule, n, arena));
    const uint32_t *by_due = sort_indices(schedule, n, compare_instalments, arena);
    out->order = sort_indices(replay->facts, out->n_facts, compare_facts, arena);
    out->results = ARENA_ARRAY(arena, out->n_facts, struct allocation_result);
    out->lines = ARENA_ARRAY(arena, n, struct instalment_open);
    out->n_lines = n;
    replay->walk.lines = out->lines;
    replay->walk.n = n;
    replay->walk.parts = ARENA_ARRAY(arena, COMPONENT_COUNT * n + 2 * out->n_facts, struct allocation_part);
    if (!by_due || !out->order || !out->results || !out->lines || !replay->walk.parts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) out->lines[i] = instalment_start(&schedule[by_due[i]]);
    return check_facts(replay->facts, out->order, out->n_facts);
}

/* Spend `amount_minor` for payment `fact` by the rule set of that day; the answer is what is left. */
static int64_t spend(struct replay *replay, uint32_t fact, int64_t amount_minor, civil_date value_on,
                     bool from_credit) {
    struct allocation_walk *walk = &replay->walk;
    walk->rules = rule_set_at(replay->rules, value_on);
    walk->fact = fact;
    walk->left_minor = amount_minor;
    walk->value_on = value_on;
    walk->from_credit = from_credit;
    allocation_walk_run(walk);
    return walk->left_minor;
}

/* The oldest payment with credit left, or NULL. */
static struct allocation_result *credit_oldest(struct replay *replay, size_t reached, uint32_t *fact) {
    for (; replay->oldest_credit < reached; replay->oldest_credit++) {
        *fact = replay->out->order[replay->oldest_credit];
        if (replay->out->results[*fact].credit_left_minor > 0) return &replay->out->results[*fact];
    }
    return NULL;
}

/* Credit pays what is due at `on`, oldest credit first. `reached`: facts already on the timeline. */
static void credit_meet_dues(struct replay *replay, size_t reached, civil_date on) {
    uint32_t fact = 0;
    struct allocation_result *result;
    while ((result = credit_oldest(replay, reached, &fact)) != NULL) {
        int64_t left = spend(replay, fact, result->credit_left_minor, on, true);
        replay->out->credit_minor -= result->credit_left_minor - left;
        result->credit_left_minor = left;
        if (left > 0) return; /* nothing that is due is open any more */
    }
}

/* Let the timeline pass every due date up to `on`. */
static void reach_date(struct replay *replay, size_t reached, civil_date on) {
    const struct allocation_walk *walk = &replay->walk;
    while (replay->next_due < walk->n && walk->lines[replay->next_due].due_on.days <= on.days) {
        civil_date due_on = walk->lines[replay->next_due].due_on;
        while (replay->next_due < walk->n && walk->lines[replay->next_due].due_on.days == due_on.days) {
            replay->next_due++;
        }
        credit_meet_dues(replay, reached, due_on);
    }
}

static struct instalment_open *find_line(const struct replay *replay, int32_t no) {
    for (size_t i = 0; i < replay->walk.n; i++) {
        if (replay->walk.lines[i].no == no) return &replay->walk.lines[i];
    }
    return NULL;
}

static tagih_err put_charge(struct replay *replay, const struct allocation_fact *fact,
                            struct allocation_result *result) {
    struct instalment_open *line = find_line(replay, fact->instalment_no);
    if (!line) return FAIL(ALLOCATION_INSTALMENT);
    TRY(minor_add(line->owed_minor[fact->component], fact->amount_minor, &line->owed_minor[fact->component]));
    line->open_minor[fact->component] += fact->amount_minor; /* open <= owed */
    result->effect.component_minor[fact->component] = -fact->amount_minor;
    return TAGIH_OK;
}

static tagih_err put_waiver(struct replay *replay, const struct allocation_fact *fact,
                            struct allocation_result *result) {
    struct instalment_open *line = find_line(replay, fact->instalment_no);
    if (!line) return FAIL(ALLOCATION_INSTALMENT);
    int64_t open = line->open_minor[fact->component];
    int64_t waived = fact->amount_minor < open ? fact->amount_minor : open;
    line->open_minor[fact->component] -= waived;
    line->owed_minor[fact->component] -= waived;
    result->effect.component_minor[fact->component] = waived;
    return TAGIH_OK;
}

static tagih_err put_payment(struct replay *replay, const struct allocation_fact *fact,
                             struct allocation_result *result) {
    uint32_t index = (uint32_t)(fact - replay->facts);
    result->credit_left_minor = spend(replay, index, fact->amount_minor, fact->value_on, false);
    result->effect.credit_minor = result->credit_left_minor;
    return minor_add(replay->out->credit_minor, result->credit_left_minor, &replay->out->credit_minor);
}

static void put_refund(struct replay *replay, size_t reached, const struct allocation_fact *fact,
                       struct allocation_result *result) {
    int64_t left = fact->amount_minor;
    uint32_t from_fact = 0;
    struct allocation_result *from;
    while (left > 0 && (from = credit_oldest(replay, reached, &from_fact)) != NULL) {
        int64_t taken = left < from->credit_left_minor ? left : from->credit_left_minor;
        from->credit_left_minor -= taken;
        left -= taken;
    }
    replay->out->credit_minor -= fact->amount_minor - left;
    result->effect.credit_minor = left - fact->amount_minor;
    result->effect.recoverable_minor = left;
}

static tagih_err put_fact(struct replay *replay, size_t position) {
    uint32_t index = replay->out->order[position];
    const struct allocation_fact *fact = &replay->facts[index];
    struct allocation_result *result = &replay->out->results[index];
    reach_date(replay, position, fact->value_on);
    switch (fact->kind) {
        case FACT_CHARGE:
            TRY(put_charge(replay, fact, result));
            credit_meet_dues(replay, position, fact->value_on);
            return TAGIH_OK;
        case FACT_WAIVER:
        case FACT_WRITE_OFF:
        case FACT_CREDITOR_RELIEF:
            return put_waiver(replay, fact, result);
        case FACT_PAYMENT:
            return put_payment(replay, fact, result);
        case FACT_REFUND:
            put_refund(replay, position, fact, result);
            return minor_add(replay->out->recoverable_minor, result->effect.recoverable_minor,
                             &replay->out->recoverable_minor);
    }
    return FAIL(INTERNAL);
}

struct part_order {
    const struct allocation_part *parts;
    const uint32_t *place; /* of a fact in fact order */
};

static int compare_parts(const void *items, uint32_t a, uint32_t b) {
    const struct part_order *order = items;
    const struct allocation_part *x = &order->parts[a], *y = &order->parts[b];
    int by = compare_i64(order->place[x->fact], order->place[y->fact]);
    if (by == 0) by = compare_i64(x->instalment_no, y->instalment_no);
    if (by == 0) by = compare_i64(x->component, y->component);
    return by ? by : compare_i64(x->origin, y->origin);
}

static bool is_same_place(const struct allocation_part *a, const struct allocation_part *b) {
    return a->fact == b->fact && a->instalment_no == b->instalment_no && a->component == b->component &&
           a->origin == b->origin;
}

/* Sort the parts by payment and place, and add up those of one place. */
static tagih_err group_parts(struct replay *replay, struct arena *arena) {
    struct allocation_outcome *out = replay->out;
    size_t n = replay->walk.n_parts;
    uint32_t *place = ARENA_ARRAY(arena, out->n_facts, uint32_t);
    out->parts = ARENA_ARRAY(arena, n, struct allocation_part);
    if (!place || !out->parts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_facts; i++) place[out->order[i]] = (uint32_t)i;
    struct part_order order = {replay->walk.parts, place};
    const uint32_t *sorted = sort_indices(&order, n, compare_parts, arena);
    if (!sorted) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct allocation_part *part = &replay->walk.parts[sorted[i]];
        if (out->n_parts > 0 && is_same_place(&out->parts[out->n_parts - 1], part)) {
            out->parts[out->n_parts - 1].amount_minor += part->amount_minor; /* within the payment's amount */
        } else {
            out->parts[out->n_parts++] = *part;
        }
    }
    return TAGIH_OK;
}

/* What each payment did in all: its parts, and its credit without what credit paid later. */
static tagih_err sum_parts(struct allocation_outcome *out) {
    for (size_t i = 0; i < out->n_parts; i++) {
        const struct allocation_part *part = &out->parts[i];
        struct allocation_result *result = &out->results[part->fact];
        if (result->n_parts++ == 0) result->part_first = (uint32_t)i;
        result->effect.component_minor[part->component] += part->amount_minor;
        if (part->origin == PART_CREDIT) result->effect.credit_minor -= part->amount_minor;
        if (part->origin != PART_DEBT) continue;
        result->debt_minor += part->amount_minor;
        TRY(minor_add(out->debt_minor, part->amount_minor, &out->debt_minor));
    }
    return TAGIH_OK;
}

static tagih_err check_rules(const struct rule_history *rules) {
    TRY(rule_set_check(rules->first));
    for (size_t i = 0; i < rules->n_changes; i++) {
        if (!rules->changes[i].rules) return FAIL(ALLOCATION_RULES);
        TRY(rule_set_check(rules->changes[i].rules));
    }
    return TAGIH_OK;
}

tagih_err allocation_replay(const struct rule_set *rules, const struct instalment *schedule, size_t n,
                            const struct allocation_fact *facts, size_t n_facts, civil_date as_of,
                            struct arena *arena, struct allocation_outcome *out) {
    struct rule_history history = {.first = rules};
    return allocation_replay_under(&history, schedule, n, facts, n_facts, as_of, arena, out);
}

tagih_err allocation_replay_under(const struct rule_history *rules, const struct instalment *schedule, size_t n,
                                  const struct allocation_fact *facts, size_t n_facts, civil_date as_of,
                                  struct arena *arena, struct allocation_outcome *out) {
    *out = (struct allocation_outcome){.facts = facts, .n_facts = n_facts};
    struct replay replay = {.rules = rules, .facts = facts, .out = out};
    TRY(check_rules(rules));
    TRY(replay_prepare(&replay, schedule, n, arena));
    for (size_t i = 0; i < n_facts; i++) TRY(put_fact(&replay, i));
    reach_date(&replay, n_facts, as_of);
    TRY(group_parts(&replay, arena));
    return sum_parts(out);
}
