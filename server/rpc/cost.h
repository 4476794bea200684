/* SPDX-License-Identifier: Apache-2.0 */
/* Bills: what approval_kinds.c lists of costs of taking, and what a charge that passes a bill on asks for (R-RPO-7a). */
#ifndef TAGIH_RPC_COST_H
#define TAGIH_RPC_COST_H

#include "rpc/approval.h"
#include "store/cost.h"

#define COST_REFERENCE_MAX 100

/** A reference of 1 to 100 bytes with a letter or digit: these are what is compared. */
bool cost_check_reference(struct rpc_item *item, const char *field, const char *text);
/** SHA-256: 32 bytes. */
bool cost_check_digest(struct rpc_item *item, const char *field, ProtobufCBinaryData digest);

/** May a bill be booked, after it was booked like this? @return OK · COST_SPENT · COST_CHARGED. Pure. */
TAGIH_MUST_USE tagih_err cost_once(enum cost_use used);

/* Taken back (cost_reversal.c). */
tagih_err cost_reversal_check(struct rpc_item *item);
tagih_err reverse_taking_cost(struct rpc_batch *batch);

extern const struct approval_kind taking_cost_kind, taking_cost_reversal_kind;

#endif
