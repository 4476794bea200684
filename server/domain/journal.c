/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries to bytes and back. The tables in journal_fields.c do the work; this is the door to them. */
#include "tagih/journal.h"

#include "domain/journal_fields.h"

const char *journal_kind_name(uint16_t kind) {
    switch (kind) {
#define X(name, number) \
    case number:        \
        return #name;
        JOURNAL_KINDS(X)
#undef X
        default:
            return NULL;
    }
}

const struct journal_money *journal_money_of(const struct journal_entry *entry) {
    switch (entry->kind) {
        case JOURNAL_RECEIPT:
            return &entry->body.receipt.money;
        case JOURNAL_VOID:
            return &entry->body.voided.money;
        default:
            return NULL;
    }
}

tagih_err journal_encode(const struct journal_entry *entry, uint8_t *out, size_t size, size_t *len) {
    return schema_encode(&journal_entry_schema, entry, out, size, len);
}

tagih_err journal_sign(const struct journal_entry *entry, installation_id installation, const secret_key *key,
                       uint8_t *out, size_t size, size_t *len) {
    uint8_t payload[ENVELOPE_MAX];
    size_t payload_len;
    tagih_err err = journal_encode(entry, payload, sizeof payload, &payload_len);
    if (err_is(err, ERR_BUFFER_SMALL)) return FAIL(ENVELOPE_TOO_LARGE);
    TRY(err);
    return envelope_sign(ENVELOPE_JOURNAL_ENTRY, installation, key, bytes_make(payload, payload_len), out,
                         size, len);
}

tagih_err journal_decode(struct bytes in, struct journal_entry *out) {
    bool bad_text = false;
    TRY(schema_decode(&journal_entry_schema, in, out, &bad_text));
    out->bad_text = bad_text;
    return TAGIH_OK;
}
