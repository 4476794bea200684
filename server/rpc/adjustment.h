/* SPDX-License-Identifier: Apache-2.0 */
/* Adjustments as proposals: what approval_kinds.c lists of them. */
#ifndef TAGIH_RPC_ADJUSTMENT_H
#define TAGIH_RPC_ADJUSTMENT_H

#include "rpc/approval.h"

extern const struct approval_kind refund_kind, waiver_kind, write_off_kind;

#endif
