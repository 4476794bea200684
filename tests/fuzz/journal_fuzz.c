/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever decodes encodes to the bytes it came from: envelopes, entries and every document. Anything else
 * would let two different bytes mean one thing. Input is taken as an envelope and, in its place, as a bare
 * payload.
 */
#include <stdlib.h>
#include <string.h>

#include "domain/document.h"
#include "domain/journal_fields.h"
#include "tagih/document.h"
#include "tagih/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union record {
    struct journal_entry entry;
    struct device_certificate certificate;
    struct acknowledgement acknowledgement;
    struct chain_certificate chain;
    struct allowance allowance;
};

static const struct schema *const schemas[] = {
    &journal_entry_schema,     &device_certificate_schema, &acknowledgement_schema,
    &chain_certificate_schema, &allowance_schema,          &enrolment_proof_schema,
    &nonce_proof_schema,       &posting_head_schema,       &token_schema};

static void check_payload(struct bytes in) {
    static union record record;
    static uint8_t again[1 << 16];
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        bool bad_text;
        size_t len;
        if (!err_is_ok(schema_decode(schemas[i], in, &record, &bad_text))) continue;
        if (!err_is_ok(schema_encode(schemas[i], &record, again, sizeof again, &len))) abort();
        if (!bytes_equal(in, bytes_make(again, len))) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const installation_id installation = {{0}};
    struct envelope envelope;
    if (size > ENVELOPE_MAX) return -1;
    check_payload(bytes_make(data, size));
    for (int type = 0; type < ENVELOPE_TYPE_COUNT; type++) {
        tagih_err err =
            envelope_open(bytes_make(data, size), (enum envelope_type)type, installation, &envelope);
        if (err_is_ok(err)) check_payload(envelope.payload);
    }
    return 0;
}
