/* SPDX-License-Identifier: Apache-2.0 */
/* The account's machine: the table, the one function that walks it, the diagram it draws of itself (R-LIF-1); and the end
 * of a hold (R-LIF-2, R-LIF-3). */
#include "domain/lifecycle.h"

#define BIT(status) (1u << ACCOUNT_##status)
#define LIVE (BIT(IMPORTED) | BIT(POOL) | BIT(HELD) | BIT(TAKEOVER) | BIT(LEGAL) | BIT(WRITTEN_OFF))
#define CLOSED (BIT(CLOSED_PAID) | BIT(CLOSED_SETTLED) | BIT(CLOSED_RETURNED) | BIT(CLOSED_DECEASED))
#define FORMER 0

/* Guards, as bits of a row. */
enum { PERSON = 1, HOLD_OVER = 2, PAID = 4, SETTLED = 8, WAS_LIVE = 16 };

struct row {
    struct account_edge edge;
    unsigned guards;
};

/* clang-format off */
static const struct row rows[] = {
    /* from              act                     to                       guard
       why (shown to people), rule, guards */
    {{BIT(IMPORTED),     ACCOUNT_ACT_PLACE,      ACCOUNT_POOL,            "",
     "the creditor's row is good", "R-LIF-1"}, 0},
    {{BIT(POOL),         ACCOUNT_ACT_HOLD,       ACCOUNT_HELD,            "",
     "the agency gets it for 30 days", "R-LIF-2"}, 0},
    {{BIT(HELD),         ACCOUNT_ACT_REASSIGN,   ACCOUNT_HELD,            "by a person",
     "another collector works it; the hold runs on", "R-LIF-2"}, PERSON},
    {{BIT(HELD),         ACCOUNT_ACT_EXTEND,     ACCOUNT_HELD,            "a promise, plan or repossession runs",
     "the hold ends later", "R-LIF-3"}, 0},
    {{BIT(HELD),         ACCOUNT_ACT_RELEASE,    ACCOUNT_POOL,            "by a person",
     "the agency gives it up before its time", "R-LIF-1"}, PERSON},
    {{BIT(HELD),         ACCOUNT_ACT_TAKE_OVER,  ACCOUNT_TAKEOVER,        "the hold is over and nothing extends it",
     "the holder's time is up", "R-LIF-3"}, HOLD_OVER},
    {{BIT(TAKEOVER),     ACCOUNT_ACT_GIVE_BACK,  ACCOUNT_POOL,            "by a person",
     "it may be held anew", "R-LIF-1"}, PERSON},
    {{BIT(TAKEOVER),     ACCOUNT_ACT_GO_LEGAL,   ACCOUNT_LEGAL,           "by a person",
     "lawyers take it on", "R-LIF-1"}, PERSON},
    {{BIT(TAKEOVER),     ACCOUNT_ACT_WRITE_OFF,  ACCOUNT_WRITTEN_OFF,     "by two people",
     "nobody works it any more", "R-LIF-1"}, PERSON},
    {{LIVE,              ACCOUNT_ACT_PAY_OFF,    ACCOUNT_CLOSED_PAID,     "nothing is open",
     "the day's run finds it paid", "R-LIF-1"}, PAID},
    {{LIVE,              ACCOUNT_ACT_SETTLE,     ACCOUNT_CLOSED_SETTLED,  "an offer to settle is fulfilled",
     "the day's run finds it settled", "R-LIF-1"}, SETTLED},
    {{LIVE,              ACCOUNT_ACT_RECALL,     ACCOUNT_CLOSED_RETURNED, "by a person",
     "the creditor has it back", "R-LIF-1"}, PERSON},
    {{LIVE,              ACCOUNT_ACT_BURY,       ACCOUNT_CLOSED_DECEASED, "by a person, by two where something is owed",
     "the debtor has died", "R-LIF-1"}, PERSON},
    {{BIT(CLOSED_PAID) | BIT(CLOSED_SETTLED), ACCOUNT_ACT_REOPEN, FORMER, "it was live before",
     "a reversal or late charge leaves something open, so its former state and hold are back", "R-LIF-1"}, WAS_LIVE},
    {{CLOSED | BIT(TAKEOVER), ACCOUNT_ACT_REACTIVATE, ACCOUNT_REACTIVATED, "",
     "the creditor sends it again", "R-LIF-1"}, 0},
    {{BIT(REACTIVATED),  ACCOUNT_ACT_PLACE,      ACCOUNT_POOL,            "",
     "a new placement begins", "R-LIF-1"}, 0},
};
/* clang-format on */

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const struct {
    const char *name, *kind;
} acts[ACCOUNT_ACT_COUNT] = {
#define X(name, text, kind) {text, kind},
    ACCOUNT_ACTS(X)
#undef X
};

const char *account_act_name(enum account_act act) {
    return (size_t)act < ACCOUNT_ACT_COUNT ? acts[act].name : "?";
}

const char *account_act_kind(enum account_act act) {
    return (size_t)act < ACCOUNT_ACT_COUNT ? acts[act].kind : "?";
}

bool account_status_is_closed(int status) {
    return status > 0 && status < 32 && (CLOSED >> status & 1);
}

const struct account_edge *account_edge_at(size_t i) {
    return i < ROW_COUNT ? &rows[i].edge : NULL;
}

static bool is_live(int status) {
    return status > 0 && status < 32 && (LIVE >> status & 1);
}

static tagih_err guard(unsigned guards, const struct account_facts *facts) {
    if ((guards & PERSON) && !facts->by_person) return FAIL(ACCOUNT_NEEDS_PERSON);
    if ((guards & HOLD_OVER) && !facts->hold_over) return FAIL(ACCOUNT_HOLD_LIVE);
    if ((guards & PAID) && !facts->paid) return FAIL(ACCOUNT_OWES);
    if ((guards & SETTLED) && !facts->settled) return FAIL(ACCOUNT_NOT_SETTLED);
    if ((guards & WAS_LIVE) && !is_live(facts->former)) return FAIL(ACCOUNT_ILLEGAL_TRANSITION);
    return TAGIH_OK;
}

tagih_err account_apply(int from, enum account_act act, const struct account_facts *facts, int *out) {
    for (size_t i = 0; i < ROW_COUNT && from > 0 && from < 32; i++) {
        const struct row *row = &rows[i];
        if (row->edge.act != act || !(row->edge.from >> from & 1)) continue;
        TRY(guard(row->guards, facts));
        *out = row->edge.to == FORMER ? facts->former : row->edge.to;
        return TAGIH_OK;
    }
    return FAIL(ACCOUNT_ILLEGAL_TRANSITION);
}

/* ---- the diagram ---------------------------------------------------------------------------------------------- */

static const int statuses[] = {
#define X(name, number, text, closed) number,
    ACCOUNT_STATUSES(X)
#undef X
};

static const char *node(int status) {
    switch (status) {
#define X(name, number, text, closed) \
    case number: return #name;
        ACCOUNT_STATUSES(X)
#undef X
        default: return "LIVE";
    }
}

/* Edges between live states stand inside the group that the others start from. */
static bool is_inside(const struct account_edge *edge) {
    return is_live(edge->to) && (edge->from & ~LIVE) == 0;
}

static const char *print_line(struct arena *arena, const char *so_far, const char *from, const struct account_edge *edge) {
    bool guarded = *edge->guard != 0;
    return arena_printf(arena, "%s%s%s --> %s: %s%s%s%s %s (%s)\n", so_far, is_inside(edge) ? "        " : "    ", from,
                        node(edge->to), account_act_name(edge->act),
                        guarded ? " [" : "", edge->guard, guarded ? "]" : "", edge->why, edge->rule);
}

/* From all live states it is one line; else one for each. */
static const char *print_edge(struct arena *arena, const char *text, const struct account_edge *edge) {
    if (edge->from == LIVE) return print_line(arena, text, "LIVE", edge);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses && text; i++) {
        if (edge->from >> statuses[i] & 1) text = print_line(arena, text, node(statuses[i]), edge);
    }
    return text;
}

static const char *print_all(struct arena *arena, const char *text, bool inside) {
    for (size_t i = 0; i < ROW_COUNT && text; i++) {
        if (is_inside(&rows[i].edge) == inside) text = print_edge(arena, text, &rows[i].edge);
    }
    return text;
}

tagih_err account_print_mermaid(struct arena *arena, const char **out) {
    const char *text = "stateDiagram-v2\n    [*] --> IMPORTED\n    state LIVE {\n";
    text = print_all(arena, text, true);
    if (text) text = arena_printf(arena, "%s    }\n", text);
    if (text) text = print_all(arena, text, false);
    if (!text) return FAIL(OUT_OF_MEMORY);
    *out = text;
    return TAGIH_OK;
}

/* ---- the hold ------------------------------------------------------------------------------------------------- */

const int32_t hold_warning_days[HOLD_WARNINGS] = {5, 1};

civil_date hold_until(civil_date start_on) {
    return (civil_date){start_on.days + HOLD_DAYS};
}

const char *hold_reason_text(enum hold_reason reason) {
    switch (reason) {
        case HOLD_PROMISE: return "an open promise is due within 3 days";
        case HOLD_PLAN: return "a plan is active";
        case HOLD_REPOSSESSION: return "a repossession is running";
        default: return "the hold is over";
    }
}

/* The last moment of a promise is the end of its grace's last day. */
static civil_date grace_over(civil_date due_on) {
    return (civil_date){due_on.days + HOLD_PROMISE_GRACE_DAYS + 1};
}

bool hold_promise_counts(civil_date until_on, civil_date due_on) {
    return grace_over(due_on).days > until_on.days && due_on.days <= until_on.days + HOLD_PROMISE_WITHIN_DAYS;
}

static struct hold_verdict by_promise(const struct hold_facts *facts) {
    struct hold_verdict out = {HOLD_ENDS, facts->until_on, facts->promise_days};
    if (!facts->has_promise || !hold_promise_counts(facts->until_on, facts->promise_due_on)) return out;
    int32_t days = grace_over(facts->promise_due_on).days - facts->until_on.days;
    int32_t left = HOLD_PROMISE_DAYS_MAX - facts->promise_days;
    if (days > left) days = left;
    if (days <= 0) return out;
    return (struct hold_verdict){HOLD_PROMISE, {facts->until_on.days + days}, facts->promise_days + days};
}

static struct hold_verdict by_date(const struct hold_facts *facts, enum hold_reason reason, civil_date until_on) {
    return (struct hold_verdict){reason, until_on, facts->promise_days};
}

struct hold_verdict hold_judge(const struct hold_facts *facts) {
    struct hold_verdict best = by_promise(facts);
    if (facts->has_plan) {
        struct hold_verdict plan = by_date(facts, HOLD_PLAN, grace_over(facts->plan_due_on));
        if (plan.until_on.days > facts->until_on.days && plan.until_on.days >= best.until_on.days) best = plan;
    }
    if (facts->repossession) {
        civil_date until_on = {facts->until_on.days + HOLD_REPOSSESSION_DAYS};
        if (until_on.days >= best.until_on.days) best = by_date(facts, HOLD_REPOSSESSION, until_on);
    }
    return best;
}

int hold_warnings_due(civil_date until_on, civil_date today) {
    int32_t left = until_on.days - today.days;
    int due = 0;
    while (left > 0 && due < HOLD_WARNINGS && left <= hold_warning_days[due]) due++;
    return due;
}
