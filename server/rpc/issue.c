/* SPDX-License-Identifier: Apache-2.0 */
/* Signing and keyed hashes. Secrets for hashes are derived from the token keys, so that servers that share keys agree. */
#include "rpc/issue.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "domain/allowance.h"
#include "domain/big_endian.h"
#include "engine/auth.h"
#include "run/random.h"

#define TOKEN_TEXT_SIZE (TOKEN_MAX * 4 / 3 + 4)

tagih_err issue_token(const struct rpc_server *server, struct rpc_item *item, agency_id agency, user_id user,
                      const device_id *device, instant now, char **text, int64_t *expires_us) {
    int64_t now_s = now.us / US_PER_S;
    struct token token = {.user = user, .agency = agency, .issued_s = now_s, .not_before_s = now_s,
                          .expires_s = now_s + TOKEN_LASTS_US / US_PER_S, .id = random_id(),
                          .caller = device ? TOKEN_DEVICE : TOKEN_STAFF, .has_device = device != NULL};
    if (device) token.device = *device;
    uint8_t raw[TOKEN_MAX];
    size_t len;
    const struct key *key = keyring_signing(server->keys, KEY_TOKEN);
    if (!key) return FAIL(INTERNAL);
    TRY(token_sign(&token, server->installation, &key->secret, raw, sizeof raw, &len));
    *text = rpc_alloc(item, TOKEN_TEXT_SIZE);
    if (!*text) return FAIL(OUT_OF_MEMORY);
    auth_encode(bytes_make(raw, len), *text, TOKEN_TEXT_SIZE);
    *expires_us = token.expires_s * US_PER_S;
    return TAGIH_OK;
}

tagih_err issue_certificate(const struct rpc_server *server, struct arena *arena,
                            const struct device_certificate *certificate, struct bytes *out, hash256 *hash) {
    const struct key *key = keyring_signing(server->keys, KEY_DEVICE);
    uint8_t *raw = arena_alloc(arena, ENVELOPE_MAX);
    if (!raw || !key) return raw ? FAIL(INTERNAL) : FAIL(OUT_OF_MEMORY);
    size_t len;
    TRY(device_certificate_sign(certificate, server->installation, &key->secret, raw, ENVELOPE_MAX, &len));
    struct device_certificate again;
    struct envelope envelope;
    *out = bytes_make(raw, len);
    TRY(device_certificate_open(*out, server->installation, &again, &envelope));
    *hash = envelope.hash;
    return TAGIH_OK;
}

tagih_err issue_allowance(const struct rpc_server *server, struct arena *arena, device_id device, user_id user,
                          const struct cash_terms *terms, instant issued, struct bytes *out) {
    const struct key *key = keyring_signing(server->keys, KEY_DEVICE);
    uint8_t *raw = arena_alloc(arena, ENVELOPE_MAX);
    if (!raw || !key) return raw ? FAIL(INTERNAL) : FAIL(OUT_OF_MEMORY);
    struct cash_limits limits = terms->has_limits ? terms->limits : cash_limits_default(terms->currency);
    struct allowance allowance = {.device = device, .user = user, .currency = terms->currency, .count = ALLOWANCE_RECEIPTS,
                                  .per_receipt_minor = limits.receipt_minor,
                                  .cash_held_minor = cash_allowed_minor(&limits, terms->aged_minor), .issued = issued,
                                  .until = terms->until};
    size_t len;
    TRY(allowance_sign(&allowance, server->installation, &key->secret, raw, ENVELOPE_MAX, &len));
    *out = bytes_make(raw, len);
    return TAGIH_OK;
}

/* ---- keyed hashes --------------------------------------------------------------------------------------------- */

/* One secret a purpose, from the seed of a token key: what is given away by one purpose says nothing about another. */
static void derive(const struct key *key, const char *purpose, uint8_t out[32]) {
    crypto_generichash(out, 32, (const uint8_t *)purpose, strlen(purpose), key->secret.b, 32);
}

#define TIME_BYTES 8
#define TAG_BYTES 24

static void nonce_tag(const struct key *key, const uint8_t time[TIME_BYTES], device_id device, uint8_t out[TAG_BYTES]) {
    uint8_t secret[32], said[TIME_BYTES + 16];
    derive(key, "tagih.nonce.1", secret);
    memcpy(said, time, TIME_BYTES);
    memcpy(said + TIME_BYTES, device.u.b, 16);
    crypto_generichash(out, TAG_BYTES, said, sizeof said, secret, sizeof secret);
    sodium_memzero(secret, sizeof secret);
}

void issue_nonce(const struct rpc_server *server, device_id device, instant now, uint8_t out[32]) {
    put_be64(out, (uint64_t)now.us);
    nonce_tag(keyring_signing(server->keys, KEY_TOKEN), out, device, out + TIME_BYTES);
}

/* A new token key may begin to sign on one server a moment before the others know it, so every secret one is tried. */
static bool is_ours(const struct keyring *keys, device_id device, const uint8_t nonce[32]) {
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->keys[i];
        uint8_t tag[TAG_BYTES];
        if (key->purpose != KEY_TOKEN || !key->has_secret) continue;
        nonce_tag(key, nonce, device, tag);
        if (sodium_memcmp(tag, nonce + TIME_BYTES, sizeof tag) == 0) return true;
    }
    return false;
}

tagih_err nonce_check(const struct rpc_server *server, device_id device, const uint8_t nonce[32], instant now) {
    if (!is_ours(server->keys, device, nonce)) return FAIL(NONCE_INVALID);
    int64_t made_us = 0;
    for (int i = 0; i < TIME_BYTES; i++) made_us = made_us << 8 | nonce[i];
    if (made_us - now.us > NONCE_LASTS_US) return FAIL(NONCE_INVALID); /* servers' clocks differ, but not so much */
    return now.us - made_us < NONCE_LASTS_US ? TAGIH_OK : FAIL(NONCE_EXPIRED);
}

void issue_code_bytes(const struct rpc_server *server, agency_id agency, user_id caller, user_id user, uuid id,
                      uint8_t out[12]) {
    uint8_t secret[32], said[64], tag[crypto_generichash_BYTES_MIN];
    derive(keyring_signing(server->keys, KEY_TOKEN), "tagih.enrol-code.1", secret);
    memcpy(said, agency.u.b, 16);
    memcpy(said + 16, caller.u.b, 16);
    memcpy(said + 32, user.u.b, 16);
    memcpy(said + 48, id.b, 16);
    crypto_generichash(tag, sizeof tag, said, sizeof said, secret, sizeof secret);
    memcpy(out, tag, 12);
    sodium_memzero(secret, sizeof secret);
}

void issue_fingerprint(const public_key *key, char out[5]) {
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, key->b, sizeof key->b);
    unsigned word = (unsigned)hash[0] << 24 | (unsigned)hash[1] << 16 | (unsigned)hash[2] << 8 | hash[3];
    snprintf(out, 5, "%04u", word % 10000u);
}
