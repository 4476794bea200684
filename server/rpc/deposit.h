/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank has a deposit (R-CSH-2, the second half of J15): for MatchDeposit, and for whoever reads statements of banks.
 * Each match is one post of a book, which may hold others too:
 *
 *     deposits_find(tx, arena, matches, n)      which deposits are meant; locks them and their settlements
 *     deposit_match_post(&match, now, &post)    for each match->found: the post's currency and collector
 *     book_begin … book_take_load
 *     deposit_match_build(tx, arena, &match, &post, now)   its lines and rows of facts
 *     book_decide, book_save, then deposits_matched(tx, arena, matches, n)
 *
 * Locks: deposits, then settlements, both before accounts and collectors.
 */
#ifndef TAGIH_RPC_DEPOSIT_H
#define TAGIH_RPC_DEPOSIT_H

#include "rpc/posting.h"
#include "store/deposit.h"

struct deposit_match {
    /* in */
    struct deposit_key key; /* reference, currency, amount: as the bank's line says */
    bool has_line, has_actor;
    uuid line;              /* the bank's line */
    user_id actor;
    struct bytes reason;    /* kept with it; empty: none */
    /* out */
    bool found;
    struct deposit_read deposit;
    struct settlement_now *settlements; /* that it took to the bank, sorted by id */
    size_t n_settlements;
    struct params *facts;
};

/**
 * Find the deposits that lines of a bank's statement speak of: on their way, with this reference, amount and currency, the
 * oldest first, each for one line alone. Three round trips when any is found, one when none is.
 *
 * @return OK · OUT_OF_MEMORY · as tx_sync
 */
TAGIH_MUST_USE tagih_err deposits_find(struct tx *tx, struct arena *arena, struct deposit_match *matches, size_t n);

/** Read and lock deposits by their ids, in matches whose `deposit.id` is set. One round trip. */
TAGIH_MUST_USE tagih_err deposits_lock(struct tx *tx, struct arena *arena, struct deposit_match *matches, size_t n);

/** The post of a match: a move from deposit in transit to the bank. Its id is new. */
void deposit_match_post(const struct deposit_match *match, instant now, struct post *out);

/** Its lines, and its rows of facts. Between book_take_load and book_decide. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err deposit_match_build(struct tx *tx, struct arena *arena, struct deposit_match *match, struct post *post,
                                             instant now);

/** Queue the states of deposits and settlements, after book_save. */
TAGIH_MUST_USE tagih_err deposits_matched(struct tx *tx, struct arena *arena, const struct deposit_match *matches, size_t n);

#endif
