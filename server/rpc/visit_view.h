/* SPDX-License-Identifier: Apache-2.0 */
/* A visit, and the list of outcomes, as clients see them; one place for lists, changes and a phone's copy. */
#ifndef TAGIH_RPC_VISIT_VIEW_H
#define TAGIH_RPC_VISIT_VIEW_H

#include "contract.h"
#include "engine/rpc.h"
#include "store/visit.h"

/** Fill the message; what it points to is the call's. Without memory the item fails. */
void visit_view(struct rpc_item *item, const struct visit_read *visit, Tagih__V1__Visit *out);

/** Fill the list of a version, 0 for the newest. @return OK · OUTCOME_LIST_UNKNOWN · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err outcomes_view(struct rpc_item *item, uint32_t version, Tagih__V1__ListOutcomesResponse *out);

#endif
