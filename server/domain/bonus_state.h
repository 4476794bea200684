/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a bonus line, as one table of edges (R-BON-6): PROVISIONAL → LOCKED → APPROVED → PAID.
 * CONFIRMED and ON_HOLD are flags beside the state: guards look at them, no edge sets them.
 */
#ifndef TAGIH_DOMAIN_BONUS_STATE_H
#define TAGIH_DOMAIN_BONUS_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "tagih/arena.h"
#include "tagih/err.h"

/** Shown and stored by number: add, never renumber. */
enum bonus_state { BONUS_PROVISIONAL = 1, BONUS_LOCKED = 2, BONUS_APPROVED = 3, BONUS_PAID = 4 };
#define BONUS_STATE_END 5

enum bonus_event { BONUS_CLOSE = 1, BONUS_APPROVE = 2, BONUS_PAY = 3 };
#define BONUS_EVENT_END 4

/** Why the money behind a line has not been seen: as payment_unconfirmed() answers it. 0: it has. */
enum bonus_unconfirmed {
    BONUS_CONFIRMED = 0,
    BONUS_UNSETTLED = 1,
    BONUS_NOT_ACCEPTED = 2,
    BONUS_SHORT = 3,
    BONUS_NO_BANK_LINE = 4
};
#define BONUS_UNCONFIRMED_END 5

/** What is missing, one sentence; "" when nothing is. Pure. */
const char *bonus_unconfirmed_text(enum bonus_unconfirmed why);

/** What guards look at. */
struct bonus_state_facts {
    bool confirmed; /* the money behind it has been seen: R-BON-6 */
    bool on_hold;   /* whose it is is not clear (R-BON-8) */
};

struct bonus_edge {
    enum bonus_state from;
    enum bonus_event event;
    enum bonus_state to;
    bool needs_confirmed, needs_clear;
    const char *guard; /* for people */
    const char *why;   /* shown to people, printed in the diagram */
    const char *rule;
};

/** "LOCKED", "approve"; "?" for a number outside the list. Pure. */
const char *bonus_state_name(enum bonus_state state);
const char *bonus_event_name(enum bonus_event event);

/** The i-th edge; NULL behind the last. Pure. */
const struct bonus_edge *bonus_edge_at(size_t i);

/**
 * Take one step.
 *
 * @param out [out] the state that follows; untouched on error
 * @return OK · BONUS_ILLEGAL_TRANSITION no such edge · BONUS_ON_HOLD · BONUS_NOT_CONFIRMED
 *
 * Pure. Rule R-BON-6.
 */
TAGIH_MUST_USE tagih_err bonus_state_apply(enum bonus_state state, enum bonus_event event,
                                           const struct bonus_state_facts *facts, enum bonus_state *out);

/** The machine as a Mermaid state diagram, in the arena. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err bonus_state_print_mermaid(struct arena *arena, const char **out);

#endif
