/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of cash (R-CSH-3): the defaults, and the minute's watch over who holds more, or holds it too long. */
#ifndef TAGIH_RPC_CASH_LIMIT_H
#define TAGIH_RPC_CASH_LIMIT_H

#include "store/cash.h"

/** Collectors looked at in one transaction. */
#define CASH_WATCH_MAX 200

/** Look at up to CASH_WATCH_MAX collectors of one agency whose cash, limits or day changed; every breach that begins is a
 *  fact and an event in the feed, once. *n [out] how many were looked at. @return OK · as tx_run */
TAGIH_MUST_USE tagih_err cash_watch(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us,
                                    size_t *n);

#endif
