/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents' tables and their two functions each. As with entries: keys and types can never change, a new
 * field is a new optional key at the end.
 */
#include "tagih/document.h"

#include "domain/document.h"

#define RECORD struct device_certificate
static const struct field device_certificate_fields[] = {
    {1, FIELD_FIXED, "agency_id", MEMBER(agency)},
    {2, FIELD_FIXED, "device_id", MEMBER(device)},
    {3, FIELD_FIXED, "key", MEMBER(key)},
    {4, FIELD_UINT, "epoch", MEMBER(epoch), RANGE(1, INT32_MAX)},
    {5, FIELD_FIXED, "user_id", MEMBER(user)},
    {6, FIELD_INT, "valid_from_us", MEMBER(valid_from), ANY_TIME},
    {7, FIELD_BOOL, "rescue", MEMBER(rescue)},
};
SCHEMA(device_certificate_schema, "device-cert", device_certificate_fields);
#undef RECORD

#define RECORD struct acknowledgement
static const struct field acknowledgement_fields[] = {
    {1, FIELD_FIXED, "entry_hash", MEMBER(entry_hash)},
    {2, FIELD_UINT, "fate", MEMBER(fate), ANY_CODE},
    {3, FIELD_UINTS, "reasons", ELEMENT(reasons, reason_count), ANY_CODE},
    {4, FIELD_INT, "received_us", MEMBER(received), ANY_TIME},
    {5, FIELD_FIXED, "missing_id", MEMBER(missing), IF(missing)},
};
SCHEMA(acknowledgement_schema, "ack", acknowledgement_fields);
#undef RECORD

#define RECORD struct chain_gap
static const struct field chain_gap_fields[] = {
    {1, FIELD_INT, "first_seq", MEMBER(first), RANGE(1, INT64_MAX)},
    {2, FIELD_INT, "last_seq", MEMBER(last), RANGE(1, INT64_MAX)},
};
SCHEMA(chain_gap_schema, "gap", chain_gap_fields);
#undef RECORD

#define RECORD struct chain_certificate
static const struct field chain_certificate_fields[] = {
    {1, FIELD_FIXED, "device_id", MEMBER(device)},
    {2, FIELD_UINT, "epoch", MEMBER(epoch), RANGE(1, INT32_MAX)},
    {3, FIELD_INT, "contiguous_seq", MEMBER(contiguous_seq), ANY_COUNT},
    {4, FIELD_FIXED, "head_hash", MEMBER(head_hash)},
    {5, FIELD_INT, "received_us", MEMBER(received), ANY_TIME},
    {6, FIELD_MAPS, "gaps", ELEMENT(gaps, gap_count), .sub = &chain_gap_schema},
};
SCHEMA(chain_certificate_schema, "chain-cert", chain_certificate_fields);
#undef RECORD

#define RECORD struct allowance
static const struct field allowance_fields[] = {
    {1, FIELD_FIXED, "device_id", MEMBER(device)},
    {2, FIELD_FIXED, "user_id", MEMBER(user)},
    {3, FIELD_INT, "per_receipt_minor", MEMBER(per_receipt_minor), ANY_COUNT},
    {4, FIELD_INT, "cash_held_minor", MEMBER(cash_held_minor), ANY_COUNT},
    {5, FIELD_UINT, "count", MEMBER(count), RANGE(0, UINT32_MAX)},
    {6, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {7, FIELD_INT, "issued_us", MEMBER(issued), ANY_TIME},
    {8, FIELD_INT, "until_us", MEMBER(until), ANY_TIME},
};
SCHEMA(allowance_schema, "allowance", allowance_fields);
#undef RECORD

#define RECORD struct enrolment_proof
static const struct field enrolment_proof_fields[] = {
    {1, FIELD_FIXED, "key", MEMBER(key)},
    {2, FIELD_FIXED, "code_hash", MEMBER(code_hash)},
    {3, FIELD_INT, "made_us", MEMBER(made), ANY_TIME},
};
SCHEMA(enrolment_proof_schema, "enrolment-proof", enrolment_proof_fields);
#undef RECORD

#define RECORD struct nonce_proof
static const struct field nonce_proof_fields[] = {
    {1, FIELD_FIXED, "device_id", MEMBER(device)},
    {2, FIELD_UINT, "epoch", MEMBER(epoch), RANGE(1, INT32_MAX)},
    {3, FIELD_FIXED, "nonce", MEMBER(nonce)},
};
SCHEMA(nonce_proof_schema, "nonce-proof", nonce_proof_fields);
#undef RECORD

#define RECORD struct posting_head
static const struct field posting_head_fields[] = {
    {1, FIELD_FIXED, "agency_id", MEMBER(agency)},
    {2, FIELD_UINT, "writer", MEMBER(writer), RANGE(0, INT64_MAX)},
    {3, FIELD_INT, "number", MEMBER(number), RANGE(1, INT64_MAX)},
    {4, FIELD_FIXED, "digest", MEMBER(digest)},
    {5, FIELD_INT, "made_us", MEMBER(made), ANY_TIME},
    {6, FIELD_INT, "month_days", MEMBER(month), ANY_E7, IF(month)},
};
SCHEMA(posting_head_schema, "posting-head", posting_head_fields);
#undef RECORD

static tagih_err sign(enum envelope_type type, const struct schema *schema, const void *document,
                      installation_id installation, const secret_key *key, uint8_t *out, size_t size,
                      size_t *len) {
    uint8_t payload[ENVELOPE_PAYLOAD_MAX];
    size_t payload_len;
    TRY(schema_encode(schema, document, payload, sizeof payload, &payload_len));
    return envelope_sign(type, installation, key, bytes_make(payload, payload_len), out, size, len);
}

static tagih_err open_document(enum envelope_type type, const struct schema *schema, struct bytes in,
                               installation_id installation, void *document, struct envelope *envelope) {
    bool bad_text;
    TRY(envelope_open(in, type, installation, envelope));
    return schema_decode(schema, envelope->payload, document, &bad_text);
}

#define DEFINE_DOCUMENT(name, type)                                                                         \
    tagih_err name##_sign(const struct name *document, installation_id installation, const secret_key *key, \
                          uint8_t *out, size_t size, size_t *len) {                                         \
        return sign(type, &name##_schema, document, installation, key, out, size, len);                     \
    }                                                                                                       \
    tagih_err name##_open(struct bytes in, installation_id installation, struct name *document,             \
                          struct envelope *envelope) {                                                      \
        return open_document(type, &name##_schema, in, installation, document, envelope);                   \
    }                                                                                                       \
    _Static_assert(sizeof(struct name) > 0, "a document has fields")

DEFINE_DOCUMENT(device_certificate, ENVELOPE_DEVICE_CERTIFICATE);
DEFINE_DOCUMENT(acknowledgement, ENVELOPE_ACKNOWLEDGEMENT);
DEFINE_DOCUMENT(chain_certificate, ENVELOPE_CHAIN_CERTIFICATE);
DEFINE_DOCUMENT(allowance, ENVELOPE_ALLOWANCE);
DEFINE_DOCUMENT(enrolment_proof, ENVELOPE_ENROLMENT_PROOF);
DEFINE_DOCUMENT(nonce_proof, ENVELOPE_NONCE_PROOF);
DEFINE_DOCUMENT(posting_head, ENVELOPE_POSTING_HEAD);
