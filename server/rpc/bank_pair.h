/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that matched nothing when it came, and what it turned out to be (R-PAY-5a): the one way in which such a pair is
 * settled, whether the matcher finds it (after an import, every minute), MatchDeposit does, or two people say so. Money
 * that stands in suspense leaves it for what it clears, so the bank is booked once, by its line.
 */
#ifndef TAGIH_RPC_BANK_PAIR_H
#define TAGIH_RPC_BANK_PAIR_H

#include "book/posting.h"
#include "store/bank.h"
#include "store/db.h"

/** Cash on its way: its deposit and settlements follow. */
bool bank_is_transit(const struct bank_candidate *thing);
/** Something that a payment is CONFIRMED by (R-BON-6). */
bool bank_is_payment(const struct bank_candidate *thing);
/** What it clears against the bank. */
struct ledger_side bank_side_of(const struct bank_candidate *thing);
/** Whose balance that is; nil: no collector's. */
user_id bank_collector_of(const struct bank_candidate *thing);

/** LOCK and LOAD of a begun book and, behind it, of things: which of them are open still. One round trip. */
TAGIH_MUST_USE tagih_err bank_book_open(struct book *book, const uuid *things, bool *open, size_t n);

struct approval;

/** Whose word it is. */
struct bank_word {
    bool has_actor;
    user_id actor;
    struct bytes reason;       /* kept with the decision */
    struct rpc_batch *batch;   /* with a proposal: it is joined */
    struct approval *proposal; /* NULL: none */
};

/**
 * Settle pairs of (line, thing), each of which is looked at again under the locks: what is no pair any more is left out.
 * Makes its own round trips; nothing may be queued.
 *
 * @param word  NULL: the matcher's own
 * @param done  [out] how many were settled
 * @return OK · OUT_OF_MEMORY · as book_save
 */
TAGIH_MUST_USE tagih_err bank_pairs_settle(struct tx *tx, struct arena *arena, int64_t writer, instant now, struct bank_pair *pairs,
                                           size_t n, const struct bank_word *word, size_t *done);

/** At most this many a transaction. */
#define BANK_LATE_MAX 200
/** Find and settle what came before its reason. As bank_pairs_settle. */
TAGIH_MUST_USE tagih_err bank_late_settle(struct tx *tx, struct arena *arena, int64_t writer, instant now, size_t *done);

/* A chore of the minute (chores.h). */
TAGIH_MUST_USE tagih_err bank_late_find(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out, size_t room,
                                        size_t *n);
TAGIH_MUST_USE tagih_err bank_late_work(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n);

#endif
