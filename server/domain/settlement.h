/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a settlement, as one table of edges that runs, prints itself and is walked by the tests
 * (R-CSH-2).
 *
 * A settlement hands over what a collector holds in one currency up to a cut in his journal. OPEN has no row:
 * it is what he holds behind the last cut. ACCEPTED is three states, because the money says which: what was
 * counted against what the ledger expects. settlement_apply is the only thing that says what state follows.
 */
#ifndef TAGIH_DOMAIN_SETTLEMENT_H
#define TAGIH_DOMAIN_SETTLEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/arena.h"
#include "tagih/err.h"
#include "tagih/id.h"
#include "tagih/money.h"

/** Stored by number: add, never renumber. */
enum settlement_state {
    SETTLEMENT_OPEN = 1,
    SETTLEMENT_DECLARED = 2,
    SETTLEMENT_COUNTED = 3,
    SETTLEMENT_MATCHED = 4,
    SETTLEMENT_SHORT = 5,
    SETTLEMENT_OVER = 6,
    SETTLEMENT_DEPOSITED = 7,
    SETTLEMENT_BANK_MATCHED = 8
};
#define SETTLEMENT_STATE_END 9

enum settlement_event {
    SETTLEMENT_DECLARE = 0, /* DAY_CLOSE, or a supervisor for a phone that is dead */
    SETTLEMENT_COUNT = 1,   /* by a cashier, again and again */
    SETTLEMENT_ACCEPT = 2,  /* the only step with ledger lines */
    SETTLEMENT_DEPOSIT = 3, /* from the vault to a bank */
    SETTLEMENT_MATCH = 4    /* a line of the bank's statement */
};
#define SETTLEMENT_EVENT_COUNT 5

/** What guards look at, decided by the caller from rows; nothing here reads a clock. */
struct settlement_facts {
    bool own;         /* who acts is the collector whose cash it is */
    bool gap;         /* entries before the cut are missing */
    bool gap_decided; /* a supervisor decided to go on without them */
    int64_t expected_minor, counted_minor;
};

/** One edge of the machine. */
struct settlement_edge {
    enum settlement_state from;
    enum settlement_event event;
    enum settlement_state to;
    const char *guard; /* for people */
    const char *why;   /* shown to people, printed in the diagram */
    const char *rule;
};

/** "COUNTED", "accept"; "?" for a number outside the list. */
const char *settlement_state_name(enum settlement_state state);
const char *settlement_event_name(enum settlement_event event);

/** Its cash is in a vault or beyond: MATCHED, SHORT, OVER, DEPOSITED, BANK_MATCHED. */
bool settlement_is_accepted(enum settlement_state state);

/** The id of a day close's settlement: of its first currency (NULL) the entry's own, of another one made from both. Pure. */
uuid settlement_id_of(uuid entry, const currency *other);

/** The i-th edge, in the order of a settlement's life; NULL behind the last. */
const struct settlement_edge *settlement_edge_at(size_t i);

/**
 * Take one step.
 *
 * @param out  [out] the state that follows; untouched on error
 * @return OK · SETTLEMENT_ILLEGAL_TRANSITION no such edge · SETTLEMENT_OWN the collector counts or accepts
 * his own · SETTLEMENT_GAP entries are missing and no supervisor decided
 *
 * Pure. Rule R-CSH-2.
 */
TAGIH_MUST_USE tagih_err settlement_apply(enum settlement_state state, enum settlement_event event,
                                          const struct settlement_facts *facts, enum settlement_state *out);

/** The machine as a Mermaid state diagram, one line an edge. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err settlement_print_mermaid(struct arena *arena, const char **out);

#endif
