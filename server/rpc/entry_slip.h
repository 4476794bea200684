/* SPDX-License-Identifier: Apache-2.0 */
/* PostSlip: a receipt that two people post from its verified slip (R-REC-8). */
#ifndef TAGIH_RPC_ENTRY_SLIP_H
#define TAGIH_RPC_ENTRY_SLIP_H

#include "rpc/approval.h"

tagih_err post_slip_check(struct rpc_item *item);
tagih_err post_slip(struct rpc_batch *batch);

extern const struct approval_kind slip_kind;

#endif
