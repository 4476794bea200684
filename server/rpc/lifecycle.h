/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of accounts (R-LIF-1..5): steps, whoever takes them, and the day's runs. A step is decided by the machine
 * (domain/lifecycle.h) under the account's lock and saved as three things: the new state, the event that tells owner
 * before and after, reason and actor, and the change in the feed. Leases end with the hold.
 *
 * The runs work in transactions of LIFECYCLE_BATCH accounts: they may stand beside payments and beside each other, and
 * one that was killed goes on where it was, because what is done is not found again.
 */
#ifndef TAGIH_RPC_LIFECYCLE_H
#define TAGIH_RPC_LIFECYCLE_H

#include "book/posting.h"
#include "store/lifecycle.h"

/** Accounts of one transaction. */
#define LIFECYCLE_BATCH 500

/** One account's step. */
struct lifecycle_step {
    struct lifecycle_account before, after;
    enum account_act act;
    const char *kind;   /* of the event: the act's own, or TAKEOVER_WARNING, LATE_FACT, which change no state */
    const char *reason; /* lives as long as the arena */
    instant at;         /* when it took effect; never before the account's newest event */
    bool has_object;
    uuid object;
};

/**
 * Decide a step: status by the machine, and what follows for hold and collector.
 *
 * @param now  when it takes effect
 * @return as account_apply
 */
TAGIH_MUST_USE tagih_err lifecycle_step(const struct lifecycle_account *account, enum account_act act,
                                        const struct account_facts *facts, const char *reason, instant now,
                                        struct lifecycle_step *out);

/** Does an act end the hold, and with it the leases of its visits? */
bool lifecycle_ends_hold(enum account_act act);

/** All steps of a transaction: one posting without money, whose facts are their events. */
struct lifecycle_posting {
    struct book book;
    struct post post;
};

/** Begin it. @return as book_begin */
TAGIH_MUST_USE tagih_err lifecycle_begin(struct lifecycle_posting *posting, struct tx *tx, struct arena *arena, int64_t writer,
                                         instant now);
/** Queue LOCK of the months, the accounts and their visits with a live lease, and LOAD; in the one lock order. */
TAGIH_MUST_USE tagih_err lifecycle_send(struct lifecycle_posting *posting, const account_id *ids, size_t n);
/** Take all of it (the caller has synced). @param accounts [out] one an id @param visits [out] those that were locked */
TAGIH_MUST_USE tagih_err lifecycle_take(struct lifecycle_posting *posting, struct lifecycle_account *accounts, size_t n,
                                        visit_id **visits, size_t *n_visits);

/** Queue SAVE of steps, one an account at most. @param actor  NULL: the day's run */
TAGIH_MUST_USE tagih_err lifecycle_save(struct lifecycle_posting *posting, const struct lifecycle_step *steps, size_t n,
                                        const user_id *actor);

/** End the live leases among `visits` (locked) whose account's step ends its hold. One round trip. */
TAGIH_MUST_USE tagih_err lifecycle_end_leases(struct tx *tx, struct arena *arena, const struct lifecycle_step *steps, size_t n,
                                              const visit_id *visits, size_t n_visits, const user_id *actor, instant now);

/* ---- the day's runs ------------------------------------------------------------------------------------------- */

/** Told of each account that a run did something to, after its transaction was committed. */
typedef void (*lifecycle_told_fn)(void *context, const struct lifecycle_step *step);

struct lifecycle_run {
    struct db *db;
    struct arena *arena; /* emptied again and again */
    agency_id agency;
    int64_t writer;      /* of this process's chain of postings */
    civil_date today;    /* in the agency's zone */
    bool dry;            /* say what would be done */
    lifecycle_told_fn told; /* NULL: nobody */
    void *context;
    /* out */
    size_t taken, extended, warned, paid, settled, late, failed;
};

/**
 * Mark every hold that is over by `until_on`, in the order of days (R-LIF-3): taken over, or extended.
 *
 * @param until_on  not after today
 * @return OK · as tx_run_halving, what is done stays
 */
TAGIH_MUST_USE tagih_err lifecycle_mark_takeover(struct lifecycle_run *run, civil_date until_on);

/** The day's run (R-LIF-1, R-LIF-5): what is paid is closed, holders are warned, late facts are reported. */
TAGIH_MUST_USE tagih_err lifecycle_run_day(struct lifecycle_run *run);

#endif
