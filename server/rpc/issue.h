/* SPDX-License-Identifier: Apache-2.0 */
/* What the server signs and gives away: access tokens, device certificates, allowances, and nonces that it recognises
 * later without having kept them. */
#ifndef TAGIH_RPC_ISSUE_H
#define TAGIH_RPC_ISSUE_H

#include "engine/server.h"
#include "store/cash.h"
#include "tagih/document.h"
#include "tagih/token.h"

#define TOKEN_LASTS_US (15 * US_PER_MINUTE)
#define NONCE_LASTS_US (60 * US_PER_S)

/**
 * Sign an access token of 15 minutes for a staff session, or a phone's when `device` is not NULL.
 *
 * @param text  [out] for the header, in the call's memory
 * @return OK · OUT_OF_MEMORY · as token_sign
 */
TAGIH_MUST_USE tagih_err issue_token(const struct rpc_server *server, struct rpc_item *item, agency_id agency, user_id user,
                                     const device_id *device, instant now, char **text, int64_t *expires_us);

/** Sign a device certificate into the arena. @param hash  [out] where the phone's chain starts */
TAGIH_MUST_USE tagih_err issue_certificate(const struct rpc_server *server, struct arena *arena,
                                           const struct device_certificate *certificate, struct bytes *out, hash256 *hash);

/** Sign the offline allowance into the arena (R-REC-5, R-CSH-3a). */
TAGIH_MUST_USE tagih_err issue_allowance(const struct rpc_server *server, struct arena *arena, device_id device, user_id user,
                                         const struct cash_terms *terms, instant issued, struct bytes *out);

/** A nonce for a phone: the time, and a keyed hash of time and phone. Any server with the same token key knows it again. */
void issue_nonce(const struct rpc_server *server, device_id device, instant now, uint8_t out[32]);

/** @return OK · NONCE_INVALID not ours, or another phone's · NONCE_EXPIRED given more than 60 s ago */
TAGIH_MUST_USE tagih_err nonce_check(const struct rpc_server *server, device_id device, const uint8_t nonce[32], instant now);

/** Twelve bytes that the same caller gets again for the same id, and nobody can foretell: the code of an enrolment. */
void issue_code_bytes(const struct rpc_server *server, agency_id agency, user_id caller, user_id user, uuid id,
                      uint8_t out[12]);

/** Four digits of a key's fingerprint for two people to compare. */
void issue_fingerprint(const public_key *key, char out[5]);

#endif
