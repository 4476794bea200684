/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an account, as one table of edges that runs, prints itself and is walked by the tests (R-LIF-1), and what
 * the end of a hold means (R-LIF-2, R-LIF-3): is it extended, and until when; is it time for a warning.
 *
 * account_apply is the only thing that says which state follows. Holds end at 00:00 agency time of a day; a date here is
 * always that instant, "until 23 May" means that 22 May still belongs to the holder.
 */
#ifndef TAGIH_DOMAIN_LIFECYCLE_H
#define TAGIH_DOMAIN_LIFECYCLE_H

#include "domain/account.h"
#include "tagih/arena.h"

/* ---- the machine ---------------------------------------------------------------------------------------------- */

/** X(NAME, "name in the diagram", "KIND of account_event"). */
#define ACCOUNT_ACTS(X)                            \
    X(PLACE, "place", "PLACED")                    \
    X(HOLD, "hold", "HELD")                        \
    X(REASSIGN, "reassign", "REASSIGNED")          \
    X(EXTEND, "extend", "HOLD_EXTENDED")           \
    X(RELEASE, "release", "RELEASED")              \
    X(TAKE_OVER, "take_over", "TAKEN_OVER")        \
    X(GIVE_BACK, "give_back", "RELEASED")          \
    X(GO_LEGAL, "go_legal", "LEGAL")               \
    X(WRITE_OFF, "write_off", "WRITTEN_OFF")       \
    X(PAY_OFF, "pay_off", "CLOSED")                \
    X(SETTLE, "settle", "CLOSED")                  \
    X(RECALL, "recall", "RECALLED")                \
    X(BURY, "bury", "CLOSED")                      \
    X(REACTIVATE, "reactivate", "REACTIVATED")     \
    X(REOPEN, "reopen", "REOPENED")

enum account_act {
#define X(name, text, kind) ACCOUNT_ACT_##name,
    ACCOUNT_ACTS(X)
#undef X
    ACCOUNT_ACT_COUNT
};

/** "take_over"; "?" outside the list. Never NULL. Pure. */
const char *account_act_name(enum account_act act);
/** The kind of event that an act leaves, "TAKEN_OVER" (R-LIF-5). "?" outside the list. Pure. */
const char *account_act_kind(enum account_act act);

/** What guards look at; decided by the caller from rows and rules. */
struct account_facts {
    bool by_person;       /* an act of the office, not of the day's run */
    bool hold_over;       /* the hold has ended, and nothing extends it */
    bool paid;            /* nothing is open */
    bool settled;         /* an offer to settle was fulfilled (R-WAI-1) */
    int former;           /* reopening: the state before the closing */
};

/** One line of the machine. A line from several states, or to "what it was before", is one line all the same. */
struct account_edge {
    uint32_t from;        /* bits of enum account_status */
    enum account_act act;
    int to;               /* enum account_status; 0: the state before the closing */
    const char *guard;    /* for people */
    const char *why;      /* shown to people, printed in the diagram */
    const char *rule;
};

/** The i-th line, in the order of a life; NULL behind the last. Pure. */
const struct account_edge *account_edge_at(size_t i);

/**
 * Take one step.
 *
 * @param out  [out] the state that follows; untouched on error
 * @return OK · ACCOUNT_ILLEGAL_TRANSITION no such edge · ACCOUNT_HOLD_LIVE the hold has not ended, or is extended ·
 *         ACCOUNT_OWES something is open · ACCOUNT_NOT_SETTLED no offer was fulfilled · ACCOUNT_NEEDS_PERSON
 *
 * Pure. Rule R-LIF-1.
 */
TAGIH_MUST_USE tagih_err account_apply(int from, enum account_act act, const struct account_facts *facts, int *out);

/** The machine as a Mermaid state diagram. @param out [out] NUL-terminated, in the arena @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err account_print_mermaid(struct arena *arena, const char **out);

/* ---- the hold ------------------------------------------------------------------------------------------------- */

/** The hold's length in civil days (R-LIF-2, default). */
#define HOLD_DAYS 30
/** A promise extends a hold when it is due at most this many days after its end (R-LIF-3, default). */
#define HOLD_PROMISE_WITHIN_DAYS 3
/** Days that a promise may be late (R-PTP-2, default). */
#define HOLD_PROMISE_GRACE_DAYS 2
/** By how much promises extend a hold, all together (R-LIF-3, default). */
#define HOLD_PROMISE_DAYS_MAX 15
/** A running repossession extends from week to week (R-LIF-3b). */
#define HOLD_REPOSSESSION_DAYS 7

/** The first day that is no longer the holder's: the hold ends at 00:00 agency time on start + 30 days. Pure. */
civil_date hold_until(civil_date start_on);

/** What is known of a held account at 00:00 of the day on which its hold, or its extension, ends. */
struct hold_facts {
    civil_date until_on;
    int32_t promise_days;       /* by which promises have extended this hold before */
    bool has_promise;           /* one is open that may extend: accepted, not superseded */
    civil_date promise_due_on;  /* of several the latest that is due within HOLD_PROMISE_WITHIN_DAYS */
    bool has_plan;              /* an active plan with an open instalment */
    civil_date plan_due_on;     /* of its next open one */
    bool repossession;          /* one is running */
};

enum hold_reason { HOLD_ENDS = 0, HOLD_PROMISE = 1, HOLD_PLAN = 2, HOLD_REPOSSESSION = 3 };

/** One sentence for people, stored with the event. Never NULL. Pure. */
const char *hold_reason_text(enum hold_reason reason);

struct hold_verdict {
    enum hold_reason reason;
    civil_date until_on;   /* the new end; the old one when it ends */
    int32_t promise_days;  /* by which promises have extended now */
};

/** May a promise due then still extend a hold that ends at `until_on`? Overdue within its grace counts. Pure. */
bool hold_promise_counts(civil_date until_on, civil_date due_on);

/**
 * Judge a hold at its end: the latest of what a promise, a plan and a repossession give (R-LIF-3). Ties by the order of
 * enum hold_reason, the last one first, so that days of promises are not used up where something else carries the hold.
 * Pure.
 */
struct hold_verdict hold_judge(const struct hold_facts *facts);

/** The days before the end at which the holder is warned (R-LIF-5), the first one first. */
#define HOLD_WARNINGS 2
extern const int32_t hold_warning_days[HOLD_WARNINGS];

/**
 * How many warnings a hold that ends at `until_on` should have had by the end of `today`: 0 to HOLD_WARNINGS. A missed
 * one is made up for, in one with the next when that is due too; none once the hold is over. Pure.
 */
int hold_warnings_due(civil_date until_on, civil_date today);

#endif
