/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of money in suspense: one person proposes, another decides, and then it is posted or goes back (J21). */
#ifndef TAGIH_RPC_SUSPENSE_DECIDE_H
#define TAGIH_RPC_SUSPENSE_DECIDE_H

#include "rpc/approval.h"

extern const struct approval_kind suspense_release_kind, suspense_return_kind;

/* Rows of SuspenseService. */
TAGIH_MUST_USE tagih_err release_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err release_suspense(struct rpc_batch *batch);
TAGIH_MUST_USE tagih_err return_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err return_suspense(struct rpc_batch *batch);

#endif
