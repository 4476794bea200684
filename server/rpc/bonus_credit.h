/* SPDX-License-Identifier: Apache-2.0 */
/* Who is credited for a payment (R-BON-8): BonusService's calls about it, and their kinds of proposal; the rows stand in bonus.c. */
#ifndef TAGIH_RPC_BONUS_CREDIT_H
#define TAGIH_RPC_BONUS_CREDIT_H

#include "rpc/approval.h"

/* Lines on hold: bonus_credit.c. */
TAGIH_MUST_USE tagih_err bonus_held_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err bonus_held(struct rpc_batch *batch);
TAGIH_MUST_USE tagih_err bonus_credit_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err bonus_credit(struct rpc_batch *batch);

/* Splits and own accounts: bonus_split.c. */
TAGIH_MUST_USE tagih_err bonus_split_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err bonus_split_propose(struct rpc_batch *batch);
TAGIH_MUST_USE tagih_err bonus_splits_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err bonus_splits(struct rpc_batch *batch);
TAGIH_MUST_USE tagih_err own_customer_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err own_customer_set(struct rpc_batch *batch);

extern const struct approval_kind bonus_hold_kind, bonus_split_kind;

#endif
