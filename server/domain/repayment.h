/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a repayment plan, as one table of edges that runs, prints itself and is walked by the tests (R-PTP-3).
 *
 * A plan is a list of promises, its instalments; where each of them stands is told by tagih/promise.h, and what follows
 * for the plan is read off them. So a plan goes back as its facts do: a reversal reopens a completed one, money that was
 * valued in time and came late a broken one.
 */
#ifndef TAGIH_DOMAIN_REPAYMENT_H
#define TAGIH_DOMAIN_REPAYMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "tagih/allocation.h"
#include "tagih/promise.h"

/** Stored by number: add, never renumber. */
enum plan_state {
    PLAN_PROPOSED = 1,
    PLAN_APPROVED = 2,
    PLAN_ACTIVE = 3,
    PLAN_COMPLETED = 4,
    PLAN_BROKEN = 5,
    PLAN_REJECTED = 6,
    PLAN_STATE_END
};

/** Stored by number as well. */
enum plan_step {
    PLAN_APPROVE = 1, /* a second person says yes */
    PLAN_REJECT = 2,  /* or no, or its maker takes it back */
    PLAN_START = 3,   /* its first day has come */
    PLAN_FULFIL = 4,  /* every instalment is paid */
    PLAN_BREAK = 5,   /* an instalment is over and short */
    PLAN_REOPEN = 6,  /* facts changed: neither holds any more */
    PLAN_EXPIRE = 7,  /* nobody decided it in time */
    PLAN_STEP_END
};

/** What guards look at. All of it is decided by the caller; nothing here reads a clock. */
struct plan_facts {
    bool second_person; /* who decides is not who proposed */
    bool expired;       /* the time to decide it is over */
    bool started;       /* its first day has come */
    bool paid;          /* every instalment is paid in full */
    bool missed;        /* an instalment is over and short, or a later plan took its place */
};

struct plan_edge {
    enum plan_state from;
    enum plan_step step;
    enum plan_state to;
    const char *guard; /* for people */
    const char *why;   /* shown to people, printed in the diagram */
    const char *rule;
};

/** "ACTIVE", "fulfil"; "?" for a number outside the list. Never NULL. */
const char *plan_state_name(enum plan_state state);
const char *plan_step_name(enum plan_step step);

/** The i-th edge, in the order of a plan's life; NULL behind the last. */
const struct plan_edge *plan_edge_at(size_t i);

/**
 * Take one step: the only thing that says what state follows.
 *
 * @return OK · PLAN_ILLEGAL_TRANSITION no such edge, or its guard does not hold · PLAN_SECOND_PERSON decided by its maker
 * Pure. Rule R-PTP-3.
 */
TAGIH_MUST_USE tagih_err plan_apply(enum plan_state state, enum plan_step step, const struct plan_facts *facts,
                                    enum plan_state *to);

/** The step that facts call for, without any person; 0: none. Repeated until there is none it ends after at most two. */
enum plan_step plan_next(enum plan_state state, const struct plan_facts *facts);

/** What the states of a plan's instalments say: sets `paid` and `missed`. Pure. */
void plan_facts_of(const enum promise_state *instalments, size_t n, struct plan_facts *facts);

/** An instalment is UNPAID, PARTIAL or PAID by what it received. Pure. */
enum instalment_state plan_instalment_state(int64_t amount_minor, int64_t received_minor);

/** Plans have 2 to so many instalments … */
#define PLAN_INSTALMENTS_MAX 60
/** … and end within so many days of the day they are made on. */
#define PLAN_DAYS_MAX 1830

struct plan_instalment {
    civil_date due_on;
    int64_t amount_minor;
};

/**
 * Check a schedule before it is proposed: 2 to 60 instalments, due dates strictly ascending from the day it is made on
 * (that day may be the first) within five years, amounts positive, their sum within a single amount that posts.
 *
 * @param total_minor [out] the sum
 * @return OK · PLAN_SCHEDULE · PROMISE_AMOUNT · PROMISE_PAST. Pure.
 */
TAGIH_MUST_USE tagih_err plan_schedule_check(const struct plan_instalment *schedule, size_t n, civil_date made_on,
                                             int64_t *total_minor);

/** The machine as a Mermaid state diagram, one line an edge. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err plan_print_mermaid(struct arena *arena, const char **out);

#endif
