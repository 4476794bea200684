/* SPDX-License-Identifier: Apache-2.0 */
/* What a second person decides about a repayment plan (R-PTP-3); its service is in repayment.c. */
#ifndef TAGIH_RPC_REPAYMENT_H
#define TAGIH_RPC_REPAYMENT_H

#include "rpc/approval.h"

extern const struct approval_kind plan_kind;

#endif
