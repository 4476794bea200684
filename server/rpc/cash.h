/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CashService's parts: settlements (settlement.c), deposits (deposit.c), shortages (shortage.c), limits and exposure
 * (cash.c), and the fields and messages that they share (cash_view.c).
 */
#ifndef TAGIH_RPC_CASH_H
#define TAGIH_RPC_CASH_H

#include "book/posting.h"
#include "contract.h"
#include "domain/cash.h"
#include "domain/change.h"
#include "engine/rpc.h"
#include "store/deposit.h"
#include "store/settlement.h"
#include "store/shortage.h"

/* ---- fields --------------------------------------------------------------------------------------------------------- */

/** An amount from `min_minor` to 10^13. False: the problem was reported. */
bool cash_check_money(struct rpc_item *item, const char *field, const Tagih__V1__Money *money, int64_t min_minor,
                      struct money *out);
/** Notes and coins that sum to what stands beside them. @param out  [out] sorted by value */
bool cash_check_pieces(struct rpc_item *item, Tagih__V1__CashPieces *const *pieces, size_t n, struct money sum,
                       struct cash_pieces **out);

/* ---- messages ------------------------------------------------------------------------------------------------------- */

Tagih__V1__Settlement *settlement_view(struct rpc_item *item, const struct settlement_read *read);
Tagih__V1__Shortage *shortage_view(struct rpc_item *item, const struct shortage_read *read);
Tagih__V1__Deposit *deposit_view(struct rpc_item *item, const struct deposit_read *read);

/** A settlement's etag: its version, and what is expected of it. */
char *settlement_etag(struct rpc_item *item, const struct settlement_read *read);
/** The same version, whatever is expected now? What a count must fit. */
bool settlement_etag_version(const char *etag, int32_t version);
/** The same version and expectation? What an acceptance must fit. */
bool settlement_etag_is(const char *etag, const struct settlement_read *read);
char *cash_etag(struct rpc_item *item, char letter, int32_t version);
bool cash_etag_is(const char *etag, char letter, int32_t version);

/* ---- the book ------------------------------------------------------------------------------------------------------- */

/** A post of cash under way: one move, its rows of facts. */
struct cash_move {
    struct post post;
    struct book book;
    struct params facts[POST_FACTS_MAX];
};

/** Begin a move about `subject`; `collector` nil: nobody's bag moves. Queues LOCK and LOAD of the book; what else the caller
 *  locks or loads comes behind, then tx_sync, then cash_move_take. */
TAGIH_MUST_USE tagih_err cash_move_begin(struct rpc_batch *batch, struct cash_move *move, enum posting_kind kind, uuid subject,
                                         user_id collector, currency in, user_id actor);
TAGIH_MUST_USE tagih_err cash_move_take(struct cash_move *move);
/** Room for one more row of facts. */
struct params *cash_move_fact(struct cash_move *move);
/** Decide and save. @return OK · PAYMENT_CASH_GONE more than a collector holds · as book_decide, book_save */
TAGIH_MUST_USE tagih_err cash_move_post(struct cash_move *move, enum change_kind change);

/* ---- handlers ------------------------------------------------------------------------------------------------------- */

#define CASH_HANDLER(name)                                   \
    tagih_err name##_check(struct rpc_item *item);           \
    tagih_err name(struct rpc_batch *batch);
CASH_HANDLER(list_settlements)
CASH_HANDLER(get_settlement)
CASH_HANDLER(declare_settlement)
CASH_HANDLER(count_settlement)
CASH_HANDLER(accept_settlement)
CASH_HANDLER(list_shortages)
CASH_HANDLER(repay_shortage)
CASH_HANDLER(write_off_shortage)
CASH_HANDLER(deposit_cash)
CASH_HANDLER(list_deposits)
CASH_HANDLER(match_deposit)
CASH_HANDLER(get_exposure)
CASH_HANDLER(get_cash_limits)
CASH_HANDLER(set_cash_limits)
#undef CASH_HANDLER

#endif
