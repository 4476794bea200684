/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: from the authorization header to claims, with a cache of verified tokens. */
#ifndef TAGIH_ENGINE_AUTH_H
#define TAGIH_ENGINE_AUTH_H

#include "engine/rpc.h"

struct token_cache;
struct rate_limits;

/** A cache of 8 192 tokens, 1 MiB; NULL without memory. Lives as long as the process. */
struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *cache);

/**
 * Read and verify "Bearer <token>". Claims alone: whether the caller may is read in the call's transaction.
 *
 * @param now  wall clock
 * @param out  [out] agency, user and device; roles stay 0
 * @return OK · TOKEN_MISSING · TOKEN_INVALID · TOKEN_EXPIRED
 *
 * About 1 µs for a token that was verified before (its keyed hash is kept until it ends), else 45 µs. Any thread.
 */
TAGIH_MUST_USE tagih_err auth_check(const struct rpc_server *server, struct bytes header, instant now,
                                    struct rpc_caller *out);

/** Token buckets of 65 536 callers in this server's memory; NULL without memory. 0 calls a second: no limit. */
struct rate_limits *rate_limits_new(int calls_per_s, int burst);
void rate_limits_free(struct rate_limits *limits);

/**
 * Take one token from a caller's bucket. Two callers that share a place push each other out, which forgives.
 *
 * @param retry_after_us  [out] when refused: how long until there is one
 * @return OK · RATE_LIMIT
 */
TAGIH_MUST_USE tagih_err rate_take(struct rate_limits *limits, uuid who, int64_t now_us, int64_t *retry_after_us);

/** Write the header value's token part: base64url without padding. `out` holds size bytes. @return its length */
size_t auth_encode(struct bytes token, char *out, size_t size);

#endif
