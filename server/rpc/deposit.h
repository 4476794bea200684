/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank has a deposit (R-CSH-2, the second half of J15): for MatchDeposit, and for the one matcher of lines (bank_pair.h,
 * bank_import.h), which knows deposits by what is expected of the bank. Each match is one post of a book:
 *
 *     deposits_lock(tx, arena, matches, n)      reads and locks deposits and their settlements
 *     book_begin … book_take_load
 *     deposit_match_build(tx, arena, &match, &post, now)   its lines and rows of facts
 *     book_decide, book_save, then deposits_matched(tx, arena, matches, n)
 *
 * Locks: deposits, then settlements, both before accounts and collectors.
 */
#ifndef TAGIH_RPC_DEPOSIT_H
#define TAGIH_RPC_DEPOSIT_H

#include "book/posting.h"
#include "store/deposit.h"

struct deposit_match {
    /* in */
    uuid id;
    bool has_line, has_actor;
    uuid line;              /* the bank's line */
    bool in_suspense;       /* whose money stands there: it was faster than the deposit */
    user_id actor;
    struct bytes reason;    /* kept with it; empty: none */
    /* out */
    bool found, matched;
    struct deposit_read deposit;
    struct settlement_now *settlements; /* that it took to the bank, sorted by id */
    size_t n_settlements;
    struct params *facts;
};

/** Read and lock deposits by `id`, each once; nil ids are passed over. One round trip. @return OK · OUT_OF_MEMORY · as tx_sync */
TAGIH_MUST_USE tagih_err deposits_lock(struct tx *tx, struct arena *arena, struct deposit_match *matches, size_t n);

/** The post of a match: a move from deposit in transit to the bank. Its id is new. */
void deposit_match_post(const struct deposit_match *match, instant now, struct post *out);

/** Its lines, and its rows of facts, of which there may be more. Between book_take_load and book_decide. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err deposit_match_build(struct tx *tx, struct arena *arena, struct deposit_match *match, struct post *post,
                                             instant now);

/** Queue the states of the deposits that were matched and of their settlements, after book_save. */
TAGIH_MUST_USE tagih_err deposits_matched(struct tx *tx, struct arena *arena, const struct deposit_match *matches, size_t n);

#endif
