/* SPDX-License-Identifier: Apache-2.0 */
/* An account as clients see it; one place, so that the office's lists and a phone's copy never differ. */
#ifndef TAGIH_RPC_ACCOUNT_VIEW_H
#define TAGIH_RPC_ACCOUNT_VIEW_H

#include "contract.h"
#include "engine/rpc.h"
#include "store/account.h"

/**
 * Fill the message, instalments left out.
 *
 * @param days_past_due  of account->today (R-ACC-3)
 * @param out            [out] initialised and filled; what it points to is the call's. Without memory the item fails
 */
void account_view(struct rpc_item *item, const struct account_read *account, int32_t days_past_due,
                  Tagih__V1__Account *out);

/** Read an account back, after what was queued before: with its open instalments. @return as tx_sync · INTERNAL none there */
TAGIH_MUST_USE tagih_err account_answer(struct rpc_batch *batch, struct rpc_item *item, account_id id, Tagih__V1__Account **out);

#endif
