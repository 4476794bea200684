/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a visit, as one table of edges that runs, prints itself and is walked by the tests (R-VIS-1,
 * R-VIS-3).
 *
 * visit_apply is the only thing that says what state follows. A guard that fails refuses the *step*; what to
 * do with the work is the caller's: an office call is refused, a journal entry is kept and flagged (fate
 * LEASE), its receipt posts, and the visit stays where it is.
 */
#ifndef TAGIH_DOMAIN_VISIT_H
#define TAGIH_DOMAIN_VISIT_H

#include <stdbool.h>
#include <stddef.h>

#include "tagih/arena.h"
#include "tagih/err.h"

/** Stored by number: add, never renumber. */
enum visit_state {
    VISIT_PLANNED = 0,
    VISIT_EN_ROUTE = 1,
    VISIT_ARRIVED = 2,
    VISIT_DONE = 3,
    VISIT_CANCELLED = 4,
    VISIT_EXPIRED = 5
};
#define VISIT_STATE_COUNT 6

enum visit_event {
    VISIT_DEPART = 0,     /* the collector sets out */
    VISIT_ARRIVE = 1,     /* a check-in */
    VISIT_FINISH = 2,     /* an outcome */
    VISIT_CANCEL = 3,     /* a supervisor takes it back */
    VISIT_EXPIRE = 4,     /* the lease ended with nothing reported */
    VISIT_FINISH_LATE = 5 /* an outcome from a journal, for a visit already cancelled or expired */
};
#define VISIT_EVENT_COUNT 6

/** What guards look at. All of it is decided by the caller from rows and rules; nothing here reads a clock.
 */
struct visit_facts {
    bool lease_live;       /* the lease is live now, at the server */
    bool made_under_lease; /* the reporter held the lease at the fact's value instant (R-TIM-3) */
    bool has_outcome;
    bool by_supervisor;
};

/** One edge of the machine. */
struct visit_edge {
    enum visit_state from;
    enum visit_event event;
    enum visit_state to;
    const char *guard; /* names, comma separated, for people */
    const char *why;   /* shown to people, printed in the diagram */
    const char *rule;
};

/** What a step does. */
struct visit_step {
    enum visit_state to;
    bool flagged; /* done, and a supervisor should see it (R-VIS-3) */
    const struct visit_edge *edge;
};

/** "EN_ROUTE", "finish_late"; "?" for a number outside the list. */
const char *visit_state_name(enum visit_state state);
const char *visit_event_name(enum visit_event event);

/** The i-th edge, in the order of a visit's life; NULL behind the last. */
const struct visit_edge *visit_edge_at(size_t i);

/**
 * Take one step.
 *
 * @param out  [out] the state that follows; flagged when the lease was no longer live as the report came in,
 * or when the visit had been cancelled or expired; untouched on error
 * @return OK · VISIT_ILLEGAL_TRANSITION no such edge · VISIT_LEASE_OVER not made under the lease ·
 *         VISIT_LEASE_LIVE nothing to expire yet · VISIT_OUTCOME_MISSING · VISIT_NOT_SUPERVISOR
 *
 * Pure. Rules R-VIS-1, R-VIS-3.
 */
TAGIH_MUST_USE tagih_err visit_apply(enum visit_state state, enum visit_event event,
                                     const struct visit_facts *facts, struct visit_step *out);

/**
 * The machine as a Mermaid state diagram, one line an edge.
 *
 * @param out  [out] NUL-terminated text in the arena
 * @return OK · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err visit_print_mermaid(struct arena *arena, const char **out);

#endif
