/* SPDX-License-Identifier: Apache-2.0 */
/* Adjustments as proposals: what approval_kinds.c lists of them, and the checks of their amounts. */
#ifndef TAGIH_RPC_ADJUSTMENT_H
#define TAGIH_RPC_ADJUSTMENT_H

#include "rpc/approval.h"

/** Parts of 0 to 10^13 each, not all of them 0; their sum is at most 4 * 10^13. */
void adjustment_check_parts(struct rpc_item *item, const char *field, const Tagih__V1__Components *parts,
                            int64_t out_minor[COMPONENT_COUNT], int64_t *sum_minor);

extern const struct approval_kind refund_kind, waiver_kind, write_off_kind;

#endif
