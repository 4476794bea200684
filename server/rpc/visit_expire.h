/* SPDX-License-Identifier: Apache-2.0 */
/* Leases that ran out with nothing reported: a job of the server and of `tagihd plan --expire` (R-VIS-1). */
#ifndef TAGIH_RPC_VISIT_EXPIRE_H
#define TAGIH_RPC_VISIT_EXPIRE_H

#include "store/visit.h"

#define VISIT_EXPIRE_MAX 1000

/**
 * End up to VISIT_EXPIRE_MAX leases of one agency that are over; call again while *n is that many. May run twice at
 * once: each lease is ended once. A visit that somebody arrived at stays ARRIVED, it still owes its outcome; its account
 * is free for another visit.
 *
 * @param n  [out] how many were looked at
 * @return OK · OUT_OF_MEMORY · as tx_run
 */
TAGIH_MUST_USE tagih_err visits_expire(struct db *db, struct arena *arena, agency_id agency, instant now,
                                       int64_t deadline_us, size_t *n);

#endif
