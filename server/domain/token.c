/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens (RFC 8392). Registered claims keep their numbers; agency, device and caller use CWT's private
 * range (below -65536). For a caller all failures look alike: TOKEN_INVALID.
 */
#include "tagih/token.h"

#include "domain/document.h"

/* Seconds that stay in range when they become microseconds. */
#define ANY_SECOND RANGE(0, INSTANT_MAX_US / US_PER_S)

#define RECORD struct token
static const struct field token_fields[] = {
    {2, FIELD_FIXED, "sub", MEMBER(user)},
    {4, FIELD_INT, "exp", MEMBER(expires_s), ANY_SECOND},
    {5, FIELD_INT, "nbf", MEMBER(not_before_s), ANY_SECOND},
    {6, FIELD_INT, "iat", MEMBER(issued_s), ANY_SECOND},
    {7, FIELD_FIXED, "cti", MEMBER(id)},
    {-65537, FIELD_FIXED, "agency_id", MEMBER(agency)},
    {-65538, FIELD_FIXED, "device_id", MEMBER(device), IF(device)},
    {-65539, FIELD_UINT, "caller", MEMBER(caller), ANY_CODE},
};
SCHEMA(token_schema, "access-token", token_fields);
#undef RECORD

tagih_err token_sign(const struct token *token, installation_id installation, const secret_key *key,
                     uint8_t *out, size_t size, size_t *len) {
    uint8_t payload[TOKEN_MAX];
    size_t payload_len;
    TRY(schema_encode(&token_schema, token, payload, sizeof payload, &payload_len));
    return envelope_sign(ENVELOPE_ACCESS_TOKEN, installation, key, bytes_make(payload, payload_len), out,
                         size, len);
}

tagih_err token_open(struct bytes in, installation_id installation, struct token *out,
                     struct envelope *envelope) {
    bool bad_text;
    if (in.len > TOKEN_MAX) return FAIL(TOKEN_INVALID);
    if (!err_is_ok(envelope_open(in, ENVELOPE_ACCESS_TOKEN, installation, envelope)))
        return FAIL(TOKEN_INVALID);
    if (!err_is_ok(schema_decode(&token_schema, envelope->payload, out, &bad_text)))
        return FAIL(TOKEN_INVALID);
    return TAGIH_OK;
}

tagih_err token_check_time(const struct token *token, instant now) {
    if (now.us >= token->expires_s * US_PER_S) return FAIL(TOKEN_EXPIRED);
    return now.us >= (token->not_before_s - TOKEN_SKEW_S) * US_PER_S ? TAGIH_OK : FAIL(TOKEN_INVALID);
}

tagih_err token_open_verify(struct bytes in, installation_id installation, const public_key *key, instant now,
                            struct token *out) {
    struct envelope envelope;
    TRY(token_open(in, installation, out, &envelope));
    if (!key_id_equal(envelope.kid, key_id_of(key))) return FAIL(TOKEN_INVALID);
    if (!err_is_ok(envelope_verify(&envelope, key))) return FAIL(TOKEN_INVALID);
    return token_check_time(out, now);
}
