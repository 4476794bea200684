/* SPDX-License-Identifier: Apache-2.0 */
/* Between settlement.c and settlement_gap.c: the acceptance itself, whoever decided it. */
#ifndef TAGIH_RPC_SETTLEMENT_H
#define TAGIH_RPC_SETTLEMENT_H

#include "rpc/approval.h"
#include "rpc/cash.h"

/** Who accepts, and on what ground. */
struct acceptance {
    user_id actor;
    struct bytes reason;
    bool has_expected; /* nothing else may be expected than what the caller saw */
    int64_t expected_minor;
    const uuid *proposal; /* a supervisor's decision about a gap; NULL: none */
    struct approval *decision; /* likewise: becomes a fact of the same posting */
};

/** Accept a settlement that was read under its lock. @return OK · SETTLEMENT_* · as tx_sync */
TAGIH_MUST_USE tagih_err settlement_accept(struct rpc_batch *batch, const struct settlement_read *seen, const struct acceptance *a);

/** With entries missing before the cut, a supervisor's decision is proposed (R-CSH-2). */
TAGIH_MUST_USE tagih_err settlement_gap_propose(struct rpc_batch *batch, const struct settlement_read *read,
                                                Tagih__V1__AcceptSettlementResponse *out);

extern const struct approval_kind settlement_gap_kind;

#endif
