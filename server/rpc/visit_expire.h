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

/**
 * Queue the end of leases in a transaction that has these visits locked; a lease that would have run on ends now. The
 * array is worked on in place.
 *
 * @param reason  for people, lives as long as the arena   @param actor  NULL: the system itself
 */
TAGIH_MUST_USE tagih_err visits_end_leases(struct tx *tx, struct arena *arena, struct visit_read *visits, size_t n,
                                           const char *reason, const user_id *actor, instant now);

#endif
