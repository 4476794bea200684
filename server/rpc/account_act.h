/* SPDX-License-Identifier: Apache-2.0 */
/* What people do to accounts (R-LIF-1, R-LIF-5): rows of AccountService, and the kind of proposal where money would be
 * lost to sight. */
#ifndef TAGIH_RPC_ACCOUNT_ACT_H
#define TAGIH_RPC_ACCOUNT_ACT_H

#include "rpc/approval.h"

tagih_err account_hold_check(struct rpc_item *item);
tagih_err account_release_check(struct rpc_item *item);
tagih_err account_reassign_check(struct rpc_item *item);
tagih_err account_recall_check(struct rpc_item *item);
tagih_err account_close_check(struct rpc_item *item);
/** One for all of them: what is to be done was understood by the check. */
tagih_err account_act(struct rpc_batch *batch);

tagih_err account_candidates_check(struct rpc_item *item);
tagih_err account_candidates(struct rpc_batch *batch);

extern const struct approval_kind account_closing_kind;

#endif
