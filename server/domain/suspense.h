/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money whose account is not known, or may not take it (R-PAY-2): the machine of received money as one table, whose it
 * may be (hints, ranked, each with a plain reason), and how old it is. All of it is pure: what is stored and who decides
 * is told by the caller.
 */
#ifndef TAGIH_DOMAIN_SUSPENSE_H
#define TAGIH_DOMAIN_SUSPENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/arena.h"
#include "tagih/bytes.h"
#include "tagih/err.h"
#include "tagih/id.h"
#include "tagih/time.h"

/* ---- the machine ---------------------------------------------------------------------------------------------- */

/** Stored by number: add, never renumber. */
enum money_state { MONEY_RECEIVED = 1, MONEY_SUSPENSE = 2, MONEY_POSTED = 3, MONEY_RETURNED = 4, MONEY_REVERSED = 5 };
#define MONEY_STATE_END 6

enum money_event {
    MONEY_POST = 0,    /* its account is known and takes it */
    MONEY_HOLD = 1,    /* it is not, or does not */
    MONEY_RELEASE = 2, /* a person found the account */
    MONEY_RETURN = 3,  /* it goes back to whoever sent it */
    MONEY_REVERSE = 4  /* the payment is taken back */
};
#define MONEY_EVENT_COUNT 5

/** What guards look at. */
struct money_facts {
    bool by_second_person; /* whoever decides is not the one who asked */
    bool account_takes_it; /* of a release: the account is there, in its currency, and open to money of that instant */
};

struct money_edge {
    enum money_state from;
    enum money_event event;
    enum money_state to;
    const char *guard; /* names, comma separated, for people; "" for none */
    const char *why;
    const char *rule;
};

/** "SUSPENSE", "release"; "?" for a number outside the list. */
const char *money_state_name(enum money_state state);
const char *money_event_name(enum money_event event);

/** The i-th edge; NULL behind the last. */
const struct money_edge *money_edge_at(size_t i);

/**
 * Take one step.
 *
 * @param out  [out] the state that follows; untouched on error
 * @return OK · SUSPENSE_ILLEGAL_TRANSITION no such edge · SUSPENSE_SECOND_PERSON · SUSPENSE_ACCOUNT
 *
 * Pure. Rule R-PAY-2.
 */
TAGIH_MUST_USE tagih_err money_apply(enum money_state state, enum money_event event, const struct money_facts *facts,
                                     enum money_state *out);

/** The machine as a Mermaid state diagram. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err money_print_mermaid(struct arena *arena, const char **out);

/* ---- where an item comes from --------------------------------------------------------------------------------- */

/** Stored by number: add, never renumber. */
enum suspense_origin {
    SUSPENSE_OF_CALL = 1,     /* received as money of nobody known */
    SUSPENSE_OF_ACCOUNT = 2,  /* the account it was for may not take it (R-LIF-1) */
    SUSPENSE_OF_REVERSAL = 3, /* a payment was taken back, and its money stays (R-PAY-4) */
    SUSPENSE_OF_BANK_LINE = 4 /* a bank line that matched nothing */
};

/** "call", "account", "reversal", "bank_line"; "?" outside the list. */
const char *suspense_origin_name(int origin);

/* ---- whose it may be ------------------------------------------------------------------------------------------ */

/** Why an account is thought of, strongest first. */
enum suspense_hint_kind {
    HINT_NAMED,       /* it is the account that the money was sent for */
    HINT_ACCOUNT_NO,  /* its number stands in the text */
    HINT_CUSTOMER_NO, /* its customer's number does */
    HINT_PLATE,       /* the plate of its asset does */
    HINT_PAYER,       /* money of the same payer was posted to it before */
    HINT_PROMISE,     /* somebody promised this very amount */
    HINT_INSTALMENT,  /* an open instalment has this very amount */
    HINT_KIND_COUNT
};

/** One plain sentence. Never NULL. */
const char *suspense_hint_reason(enum suspense_hint_kind kind);

/** One reason for one account. */
struct suspense_hint {
    account_id account;
    enum suspense_hint_kind kind;
};

/** An account with all its reasons. */
struct suspense_match {
    account_id account;
    int32_t points; /* 1 to 100 */
    uint32_t kinds; /* 1 << enum suspense_hint_kind */
};

/**
 * Rank hints: the points of an account are the sum over its different reasons, at most 100; most points first, ties by
 * account id, so that arrival order never shows.
 *
 * @param hints  any order, repeats allowed
 * @param out    [out] at least n_max elements
 * @return how many, at most n_max
 */
size_t suspense_rank(const struct suspense_hint *hints, size_t n, struct suspense_match *out, size_t n_max);

#define SUSPENSE_TOKENS_MAX 32
#define SUSPENSE_TOKEN_MAX 64

/** What in a text may be a number of ours. */
struct suspense_token {
    char text[SUSPENSE_TOKEN_MAX + 1];
};

/**
 * The words of a reference text that hold a digit and have 4 to 64 bytes, as they stand there and in capitals, and every
 * registration plate (letters, digits, letters; spaces or hyphens between, or none) in its three spellings. Names of
 * people are not looked at. Each once; what is beyond SUSPENSE_TOKENS_MAX is left out.
 */
size_t suspense_tokens(struct bytes text, struct suspense_token out[SUSPENSE_TOKENS_MAX]);

/* ---- how old it is -------------------------------------------------------------------------------------------- */

/** Ages in days: 0–1, 2–7, 8–30, 31–90, over 90 (R-PAY-2c). */
#define SUSPENSE_AGES 5
/** The first day of each age but the first: 2, 8, 31, 91. */
extern const int32_t suspense_age_from[SUSPENSE_AGES - 1];

/** Which age money of a value date has on a day; money of tomorrow counts as of today. Pure. */
int suspense_age(civil_date value_on, civil_date today);

#endif
