/* SPDX-License-Identifier: Apache-2.0 */
/* The visit's machine: the table, the one function that walks it, and the diagram it draws of itself
 * (R-VIS-1). */
#include "visit.h"

/* Guards, as bits of a row. */
enum { UNDER_LEASE = 1, HAS_OUTCOME = 2, LEASE_OVER = 4, SUPERVISOR = 8 };

struct row {
    struct visit_edge edge;
    unsigned guards;
    bool late; /* the visit was over already: always flagged */
};

#define LEASE "made under the lease"
#define LATE "made under the lease, has an outcome"

/* clang-format off */
static const struct row rows[] = {
    /* from             event              to                guard
       why (shown to people), rule, guards, late */
    {{VISIT_PLANNED,   VISIT_DEPART,      VISIT_EN_ROUTE,  LEASE,
     "the collector sets out", "R-VIS-1"}, UNDER_LEASE, false},
    {{VISIT_PLANNED,   VISIT_ARRIVE,      VISIT_ARRIVED,   LEASE,
     "he checks in without having said that he set out", "R-VIS-1"}, UNDER_LEASE, false},
    {{VISIT_EN_ROUTE,  VISIT_ARRIVE,      VISIT_ARRIVED,   LEASE,
     "he checks in", "R-VIS-1"}, UNDER_LEASE, false},
    {{VISIT_ARRIVED,   VISIT_FINISH,      VISIT_DONE,      "has an outcome",
     "a visit ends with an outcome, never silently", "R-VIS-1"}, HAS_OUTCOME, false},
    {{VISIT_PLANNED,   VISIT_CANCEL,      VISIT_CANCELLED, "by a supervisor",
     "it is taken back before anybody set out", "R-VIS-1"}, SUPERVISOR, false},
    {{VISIT_EN_ROUTE,  VISIT_CANCEL,      VISIT_CANCELLED, "by a supervisor",
     "it is taken back on the way", "R-VIS-1"}, SUPERVISOR, false},
    {{VISIT_PLANNED,   VISIT_EXPIRE,      VISIT_EXPIRED,   "the lease is over",
     "nobody reported anything in time", "R-VIS-1"}, LEASE_OVER, false},
    {{VISIT_EN_ROUTE,  VISIT_EXPIRE,      VISIT_EXPIRED,   "the lease is over",
     "he set out and reported no arrival in time", "R-VIS-1"}, LEASE_OVER, false},
    {{VISIT_CANCELLED, VISIT_FINISH_LATE, VISIT_DONE,      LATE,
     "work done before the phone knew of the cancelling counts", "R-VIS-1"}, UNDER_LEASE | HAS_OUTCOME, true},
    {{VISIT_EXPIRED,   VISIT_FINISH_LATE, VISIT_DONE,      LATE,
     "work done in time that synced late counts", "R-VIS-1"}, UNDER_LEASE | HAS_OUTCOME, true},
};
/* clang-format on */

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char *const state_names[VISIT_STATE_COUNT] = {"PLANNED", "EN_ROUTE",  "ARRIVED",
                                                           "DONE",    "CANCELLED", "EXPIRED"};
static const char *const event_names[VISIT_EVENT_COUNT] = {"depart", "arrive", "finish",
                                                           "cancel", "expire", "finish_late"};

const char *visit_state_name(enum visit_state state) {
    return (size_t)state < VISIT_STATE_COUNT ? state_names[state] : "?";
}

const char *visit_event_name(enum visit_event event) {
    return (size_t)event < VISIT_EVENT_COUNT ? event_names[event] : "?";
}

const struct visit_edge *visit_edge_at(size_t i) {
    return i < ROW_COUNT ? &rows[i].edge : NULL;
}

static tagih_err guard(unsigned guards, const struct visit_facts *facts) {
    if ((guards & UNDER_LEASE) && !facts->made_under_lease) return FAIL(VISIT_LEASE_OVER);
    if ((guards & HAS_OUTCOME) && !facts->has_outcome) return FAIL(VISIT_OUTCOME_MISSING);
    if ((guards & LEASE_OVER) && facts->lease_live) return FAIL(VISIT_LEASE_LIVE);
    if ((guards & SUPERVISOR) && !facts->by_supervisor) return FAIL(VISIT_NOT_SUPERVISOR);
    return TAGIH_OK;
}

/** Is this work reported by the field, as against an act of the office? */
static bool is_report(enum visit_event event) {
    return event != VISIT_CANCEL && event != VISIT_EXPIRE;
}

tagih_err visit_apply(enum visit_state state, enum visit_event event, const struct visit_facts *facts,
                      struct visit_step *out) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        if (row->edge.from != state || row->edge.event != event) continue;
        TRY(guard(row->guards, facts));
        bool over = !facts->lease_live || !facts->made_under_lease;
        *out = (struct visit_step){row->edge.to, row->late || (is_report(event) && over), &row->edge};
        return TAGIH_OK;
    }
    return FAIL(VISIT_ILLEGAL_TRANSITION);
}

/** One edge as a line of the diagram, appended to the text so far. */
static const char *print_edge(struct arena *arena, const char *so_far, const struct visit_edge *edge) {
    return arena_printf(arena, "%s    %s --> %s: %s [%s] %s (%s)\n", so_far, visit_state_name(edge->from),
                        visit_state_name(edge->to), visit_event_name(edge->event), edge->guard, edge->why,
                        edge->rule);
}

tagih_err visit_print_mermaid(struct arena *arena, const char **out) {
    const char *text = "stateDiagram-v2\n    [*] --> PLANNED\n";
    for (size_t i = 0; i < ROW_COUNT && text; i++) text = print_edge(arena, text, &rows[i].edge);
    if (text) text = arena_printf(arena, "%s    DONE --> [*]\n", text);
    if (!text) return FAIL(OUT_OF_MEMORY);
    *out = text;
    return TAGIH_OK;
}
