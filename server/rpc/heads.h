/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed heads: hourly and when a month was closed the server signs where each chain of postings stands, and the chain over
 * the seals (migrations/0017). Whoever holds such a head can tell that nothing before it was changed or cut off since.
 *
 *   digest of the seals' head n = SHA-256( "tagih.seals.1" 00 00 00 ‖ head n - 1, 32 bytes, zeros before the first ‖
 *                                          SHA-256( the digests of its seals, in the order of transactions ) )
 */
#ifndef TAGIH_RPC_HEADS_H
#define TAGIH_RPC_HEADS_H

#include "engine/server.h"
#include "store/db.h"

/** How many chains are signed at once; what is beyond waits an hour. */
#define HEADS_MAX 1000

/** Agencies whose heads are due. As chore.find. */
TAGIH_MUST_USE tagih_err heads_due(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out,
                                   size_t room, size_t *n);
/** Sign them. As chore.work. @return also INTERNAL: there is no key to sign with */
TAGIH_MUST_USE tagih_err heads_sign(const struct rpc_server *server, struct db *db, struct arena *arena, agency_id agency,
                                    instant now, int64_t deadline_us, size_t *n);

/** The digest of the seals' head. Pure. */
hash256 heads__seals(const hash256 *before, const hash256 *content);

#endif
