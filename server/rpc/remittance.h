/* SPDX-License-Identifier: Apache-2.0 */
/* Remittances: what approval_kinds.c lists of them. */
#ifndef TAGIH_RPC_REMITTANCE_H
#define TAGIH_RPC_REMITTANCE_H

#include "rpc/approval.h"

extern const struct approval_kind remittance_kind;

#endif
