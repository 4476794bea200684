/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handovers whose halves are both here and that wait for the giver's cash, once a minute (chores.h): posted when it has
 * come, quarantined when nothing of his journal is missing any more and it is not there (R-CSH-4b).
 */
#ifndef TAGIH_RPC_HANDOVER_DUE_H
#define TAGIH_RPC_HANDOVER_DUE_H

#include "store/handover.h"

/** The most handovers in one transaction. */
#define HANDOVER_DUE_MAX 64

/** Look at up to HANDOVER_DUE_MAX of one agency. *n [out] how many were found. @return OK · as tx_run */
TAGIH_MUST_USE tagih_err handovers_due(struct db *db, struct arena *arena, agency_id agency, instant now,
                                       int64_t deadline_us, size_t *n);

#endif
