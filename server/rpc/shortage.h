/* SPDX-License-Identifier: Apache-2.0 */
/* Shortages as proposals: what approval_kinds.c lists of them. */
#ifndef TAGIH_RPC_SHORTAGE_H
#define TAGIH_RPC_SHORTAGE_H

#include "rpc/approval.h"

extern const struct approval_kind shortage_write_off_kind, incident_decision_kind;

#endif
