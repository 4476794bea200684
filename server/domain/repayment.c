/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's machine: the table, the one function that walks it, and the diagram it draws of itself (R-PTP-3). */
#include "domain/repayment.h"

#include "tagih/money.h"

/* Guards, as bits of a row. */
enum { PERSON = 1, SECOND = 2, STARTED = 4, PAID = 8, MISSED = 16, NOT_PAID = 32, NOT_MISSED = 64, EXPIRED = 128 };

struct row {
    struct plan_edge edge;
    unsigned guards;
};

/* clang-format off */
static const struct row rows[] = {
    {{PLAN_PROPOSED,  PLAN_APPROVE, PLAN_APPROVED,  "by a second person",
     "somebody else than its maker agrees", "R-PTP-3"}, PERSON | SECOND},
    {{PLAN_PROPOSED,  PLAN_REJECT,  PLAN_REJECTED,  "by a person",
     "somebody does not agree, or its maker takes it back", "R-PTP-3"}, PERSON},
    {{PLAN_PROPOSED,  PLAN_EXPIRE,  PLAN_REJECTED,  "the time to decide is over",
     "nobody decided it", "R-PTP-3b"}, EXPIRED},
    {{PLAN_APPROVED,  PLAN_START,   PLAN_ACTIVE,    "its first day has come",
     "the debtor is held to it", "R-PTP-3b"}, STARTED},
    {{PLAN_ACTIVE,    PLAN_FULFIL,  PLAN_COMPLETED, "every instalment is paid",
     "the debtor kept it", "R-PTP-3"}, PAID},
    {{PLAN_ACTIVE,    PLAN_BREAK,   PLAN_BROKEN,    "an instalment is over and short",
     "a plan is one word: one missed instalment breaks it", "R-PTP-3a"}, MISSED},
    {{PLAN_COMPLETED, PLAN_REOPEN,  PLAN_ACTIVE,    "no longer paid",
     "a payment was taken back", "R-PTP-2"}, NOT_PAID},
    {{PLAN_BROKEN,    PLAN_REOPEN,  PLAN_ACTIVE,    "nothing missed any more",
     "money that was paid in time came to light late", "R-PTP-2"}, NOT_MISSED},
};
/* clang-format on */

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char *const state_names[PLAN_STATE_END] = {
    [PLAN_PROPOSED] = "PROPOSED",   [PLAN_APPROVED] = "APPROVED", [PLAN_ACTIVE] = "ACTIVE",
    [PLAN_COMPLETED] = "COMPLETED", [PLAN_BROKEN] = "BROKEN",     [PLAN_REJECTED] = "REJECTED"};
static const char *const step_names[PLAN_STEP_END] = {
    [PLAN_APPROVE] = "approve", [PLAN_REJECT] = "reject", [PLAN_START] = "start",
    [PLAN_FULFIL] = "fulfil",   [PLAN_BREAK] = "break",   [PLAN_REOPEN] = "reopen",
    [PLAN_EXPIRE] = "expire"};

const char *plan_state_name(enum plan_state state) {
    bool known = (unsigned)state < PLAN_STATE_END && state_names[state];
    return known ? state_names[state] : "?";
}

const char *plan_step_name(enum plan_step step) {
    bool known = (unsigned)step < PLAN_STEP_END && step_names[step];
    return known ? step_names[step] : "?";
}

const struct plan_edge *plan_edge_at(size_t i) {
    return i < ROW_COUNT ? &rows[i].edge : NULL;
}

static bool holds(unsigned guards, const struct plan_facts *facts) {
    if ((guards & STARTED) && !facts->started) return false;
    if ((guards & EXPIRED) && !facts->expired) return false;
    if ((guards & PAID) && !facts->paid) return false;
    if ((guards & MISSED) && !facts->missed) return false;
    if ((guards & NOT_PAID) && facts->paid) return false;
    return !((guards & NOT_MISSED) && facts->missed);
}

tagih_err plan_apply(enum plan_state state, enum plan_step step, const struct plan_facts *facts, enum plan_state *to) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        if (row->edge.from != state || row->edge.step != step) continue;
        if ((row->guards & SECOND) && !facts->second_person) return FAIL(PLAN_SECOND_PERSON);
        if (!holds(row->guards, facts)) break;
        *to = row->edge.to;
        return TAGIH_OK;
    }
    return FAIL(PLAN_ILLEGAL_TRANSITION);
}

enum plan_step plan_next(enum plan_state state, const struct plan_facts *facts) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        bool person = row->guards & PERSON;
        if (row->edge.from == state && !person && holds(row->guards, facts)) return row->edge.step;
    }
    return (enum plan_step)0;
}

void plan_facts_of(const enum promise_state *instalments, size_t n, struct plan_facts *facts) {
    facts->paid = true;
    facts->missed = false;
    for (size_t i = 0; i < n; i++) {
        enum promise_state s = instalments[i];
        facts->paid &= s == PROMISE_KEPT;
        facts->missed |= s == PROMISE_PARTIAL || s == PROMISE_BROKEN || s == PROMISE_SUPERSEDED;
    }
}

enum instalment_state plan_instalment_state(int64_t amount_minor, int64_t received_minor) {
    if (received_minor >= amount_minor) return INSTALMENT_PAID;
    return received_minor > 0 ? INSTALMENT_PARTIAL : INSTALMENT_UNPAID;
}

tagih_err plan_schedule_check(const struct plan_instalment *schedule, size_t n, civil_date made_on, int64_t *total_minor) {
    int64_t total = 0, before = (int64_t)made_on.days - 1;
    if (n < 2 || n > PLAN_INSTALMENTS_MAX) return FAIL(PLAN_SCHEDULE);
    if (schedule[0].due_on.days < made_on.days) return FAIL(PROMISE_PAST);
    for (size_t i = 0; i < n; i++) {
        if (schedule[i].amount_minor <= 0 || schedule[i].amount_minor > MONEY_AMOUNT_MAX_MINOR) return FAIL(PROMISE_AMOUNT);
        if (schedule[i].due_on.days <= before || schedule[i].due_on.days - (int64_t)made_on.days > PLAN_DAYS_MAX) {
            return FAIL(PLAN_SCHEDULE);
        }
        before = schedule[i].due_on.days;
        total += schedule[i].amount_minor;
    }
    if (total > MONEY_AMOUNT_MAX_MINOR) return FAIL(PROMISE_AMOUNT);
    *total_minor = total;
    return TAGIH_OK;
}

static const char *print_edge(struct arena *arena, const char *so_far, const struct plan_edge *edge) {
    return arena_printf(arena, "%s    %s --> %s: %s [%s] %s (%s)\n", so_far, plan_state_name(edge->from),
                        plan_state_name(edge->to), plan_step_name(edge->step), edge->guard, edge->why, edge->rule);
}

tagih_err plan_print_mermaid(struct arena *arena, const char **out) {
    const char *text = "stateDiagram-v2\n    [*] --> PROPOSED\n";
    for (size_t i = 0; i < ROW_COUNT && text; i++) text = print_edge(arena, text, &rows[i].edge);
    if (text) text = arena_printf(arena, "%s    REJECTED --> [*]\n    COMPLETED --> [*]\n    BROKEN --> [*]\n", text);
    if (!text) return FAIL(OUT_OF_MEMORY);
    *out = text;
    return TAGIH_OK;
}
