/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spending money on an open state: one walk along a rule set's steps. A payment that comes in order, the payments of
 * a replay and credit that meets a new due all take this walk, so they cannot disagree.
 *
 * Invariant: money left + Σ parts taken = amount, and no open figure falls below zero, since every take is the
 * smaller of the two.
 */
#include "domain/allocation_walk.h"

#include "tagih/money.h"

struct instalment_open instalment_start(const struct instalment *instalment) {
    struct instalment_open line = {.no = instalment->no, .due_on = instalment->due_on};
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        line.owed_minor[c] = line.open_minor[c] = instalment->due_minor[c];
    }
    return line;
}

enum instalment_state instalment_state_of(const struct instalment_open *line) {
    bool any_open = false, any_paid = false;
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        any_open |= line->open_minor[c] != 0;
        any_paid |= line->open_minor[c] != line->owed_minor[c];
    }
    return !any_open ? INSTALMENT_PAID : any_paid ? INSTALMENT_PARTIAL : INSTALMENT_UNPAID;
}

/* Move as much as both sides allow from the money to one component of one instalment. */
static void take(struct allocation_walk *walk, size_t line, int component, enum due_class due) {
    int64_t *open = &walk->lines[line].open_minor[component];
    int64_t amount = *open < walk->left_minor ? *open : walk->left_minor;
    if (amount == 0) return;
    *open -= amount;
    walk->left_minor -= amount;
    walk->parts[walk->n_parts++] = (struct allocation_part){
        .instalment_no = walk->lines[line].no,
        .component = (uint8_t)component,
        .origin = (uint8_t)(walk->from_credit ? PART_CREDIT : due == DUE_ADVANCE ? PART_ADVANCE : PART_DEBT),
        .fact = walk->fact,
        .amount_minor = amount,
    };
}

static void take_steps(struct allocation_walk *walk, size_t line, enum due_class due, const struct rule_step *steps,
                       size_t n_steps) {
    for (size_t s = 0; s < n_steps && walk->left_minor > 0; s++) {
        if (steps[s].due == due) take(walk, line, steps[s].component, due);
    }
}

/* Number of instalments that are due at the value date; they come first. */
static size_t count_due(const struct allocation_walk *walk) {
    size_t n = 0;
    while (n < walk->n && walk->lines[n].due_on.days <= walk->value_on.days) n++;
    return n;
}

static void walk_horizontal(struct allocation_walk *walk, const struct rule_step *steps, size_t n_steps,
                            size_t n_due) {
    for (size_t i = 0; i < n_due && walk->left_minor > 0; i++) {
        take_steps(walk, i, due_class_at(walk->lines[i].due_on, walk->value_on), steps, n_steps);
    }
}

static void walk_vertical(struct allocation_walk *walk, const struct rule_step *steps, size_t n_steps, size_t n_due) {
    for (size_t s = 0; s < n_steps; s++) {
        for (size_t i = 0; i < n_due && walk->left_minor > 0; i++) {
            take_steps(walk, i, due_class_at(walk->lines[i].due_on, walk->value_on), &steps[s], 1);
        }
    }
}

/* In advance an instalment is finished before the next one is begun, whatever the direction. */
static void walk_advance(struct allocation_walk *walk, size_t n_due) {
    const struct rule_set *rules = walk->rules;
    for (size_t k = n_due; k < walk->n && walk->left_minor > 0; k++) {
        size_t i = rules->advance == ADVANCE_TO_LAST ? walk->n - 1 - (k - n_due) : k;
        take_steps(walk, i, DUE_ADVANCE, rules->steps, rules->n_steps);
    }
}

void allocation_walk_run(struct allocation_walk *walk) {
    const struct rule_set *rules = walk->rules;
    size_t n_due = count_due(walk);
    for (size_t from = 0, to; from < rules->n_steps && walk->left_minor > 0; from = to) {
        for (to = from + 1; to < rules->n_steps && rules->steps[to].phase == rules->steps[from].phase;) to++;
        if (rules->direction == ALLOCATE_HORIZONTAL) {
            walk_horizontal(walk, rules->steps + from, to - from, n_due);
        } else {
            walk_vertical(walk, rules->steps + from, to - from, n_due);
        }
    }
    if (rules->advance != ADVANCE_TO_CREDIT && !walk->from_credit) walk_advance(walk, n_due);
}

static bool is_ascending(const struct instalment_open *lines, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const struct instalment_open *a = &lines[i - 1], *b = &lines[i];
        if (a->due_on.days > b->due_on.days || (a->due_on.days == b->due_on.days && a->no >= b->no)) return false;
    }
    return true;
}

tagih_err allocation_apply(const struct rule_set *rules, struct instalment_open *lines, size_t n,
                           int64_t amount_minor, civil_date value_on, struct allocation_part *parts,
                           size_t parts_cap, size_t *n_parts, int64_t *credit_minor) {
    if (amount_minor <= 0 || amount_minor > MONEY_AMOUNT_MAX_MINOR) return FAIL(ALLOCATION_AMOUNT);
    if (!is_ascending(lines, n)) return FAIL(ALLOCATION_ORDER);
    if (parts_cap < allocation_parts_max(n)) return FAIL(BUFFER_SMALL);
    struct allocation_walk walk = {
        .rules = rules, .lines = lines, .n = n, .value_on = value_on, .left_minor = amount_minor, .parts = parts};
    allocation_walk_run(&walk);
    *n_parts = walk.n_parts;
    *credit_minor = walk.left_minor;
    return TAGIH_OK;
}

bool allocation_credit_waits(const struct instalment_open *lines, size_t n, int64_t credit_minor, civil_date on) {
    for (size_t i = 0; i < n && credit_minor > 0; i++) {
        for (int c = 0; c < COMPONENT_COUNT; c++) {
            if (lines[i].due_on.days <= on.days && lines[i].open_minor[c] > 0) return true;
        }
    }
    return false;
}

tagih_err allocation_balance(const struct instalment_open *lines, size_t n, int64_t balance_minor[COMPONENT_COUNT]) {
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        int64_t sum = 0;
        for (size_t i = 0; i < n; i++) TRY(minor_add(sum, lines[i].open_minor[c], &sum));
        balance_minor[c] = sum;
    }
    return TAGIH_OK;
}

/* The instalment that is due last, of those the highest number; NULL without any. */
static const struct instalment *last_instalment(const struct instalment *schedule, size_t n) {
    const struct instalment *last = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct instalment *each = &schedule[i];
        bool later = last && (each->due_on.days > last->due_on.days || (each->due_on.days == last->due_on.days && each->no > last->no));
        if (!last || later) last = each;
    }
    return last;
}

static bool is_scheduled(const struct instalment *schedule, size_t n, int32_t no) {
    for (size_t i = 0; i < n; i++) {
        if (schedule[i].no == no) return true;
    }
    return false;
}

void allocation_fit(struct allocation_fact *facts, size_t n_facts, const struct instalment *schedule, size_t n) {
    const struct instalment *last = last_instalment(schedule, n);
    for (size_t i = 0; last && i < n_facts; i++) {
        bool named = facts[i].kind == FACT_CHARGE || facts[i].kind == FACT_WAIVER;
        if (named && !is_scheduled(schedule, n, facts[i].instalment_no)) facts[i].instalment_no = last->no;
    }
}
