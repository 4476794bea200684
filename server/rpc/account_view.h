/* SPDX-License-Identifier: Apache-2.0 */
/* An account as clients see it; one place, so that the office's lists and a phone's copy never differ. */
#ifndef TAGIH_RPC_ACCOUNT_VIEW_H
#define TAGIH_RPC_ACCOUNT_VIEW_H

#include "contract.h"
#include "rpc/rpc.h"
#include "store/account.h"

/**
 * Fill the message, instalments left out.
 *
 * @param days_past_due  of account->today (R-ACC-3)
 * @param out            [out] initialised and filled; what it points to is the call's. Without memory the item fails
 */
void account_view(struct rpc_item *item, const struct account_read *account, int32_t days_past_due,
                  Tagih__V1__Account *out);

#endif
