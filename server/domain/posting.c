/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a posting, byte by byte as posting.h says. Streams: nothing is kept but two hash states. */
#include "domain/posting.h"

#include <assert.h>

#include "domain/big_endian.h"

enum { FIELD_NULL, FIELD_BOOL, FIELD_INT, FIELD_UUID, FIELD_BYTES, FIELD_TEXT, FIELD_DATE, FIELD_INSTANT };

static hash256 sha_end(crypto_hash_sha256_state *state) {
    hash256 out;
    crypto_hash_sha256_final(state, out.b);
    return out;
}

hash256 posting_chain_start(agency_id agency, int64_t writer) {
    static const uint8_t name[16] = "tagih.chain.1";
    uint8_t number[8];
    put_be64(number, (uint64_t)writer);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, name, sizeof name);
    crypto_hash_sha256_update(&state, agency.u.b, sizeof agency.u.b);
    crypto_hash_sha256_update(&state, number, sizeof number);
    return sha_end(&state);
}

void posting_begin(struct posting_digest *digest, const hash256 *prev) {
    static const uint8_t name[16] = "tagih.posting.1";
    *digest = (struct posting_digest){0};
    crypto_hash_sha256_init(&digest->all);
    crypto_hash_sha256_update(&digest->all, name, sizeof name);
    crypto_hash_sha256_update(&digest->all, prev->b, sizeof prev->b);
}

/* The row under way is complete: its hash goes into the whole. */
static void row_end(struct posting_digest *digest) {
    assert(digest->fields_left == 0);
    if (digest->n_rows == 0) return;
    hash256 row = sha_end(&digest->row);
    crypto_hash_sha256_update(&digest->all, row.b, sizeof row.b);
}

void posting_row(struct posting_digest *digest, enum posting_row kind, uint16_t n_fields) {
    row_end(digest);
    assert(kind >= digest->kind && kind < POSTING_ROW_END && n_fields > 0 && digest->n_rows < UINT32_MAX);
    digest->kind = kind;
    digest->fields_left = n_fields;
    digest->n_rows++;
    uint8_t head[4];
    put_be16(head, (uint16_t)kind);
    put_be16(head + 2, n_fields);
    crypto_hash_sha256_init(&digest->row);
    crypto_hash_sha256_update(&digest->row, head, sizeof head);
}

static void field(struct posting_digest *digest, uint8_t type, const void *data, size_t len) {
    assert(digest->fields_left > 0);
    digest->fields_left--;
    crypto_hash_sha256_update(&digest->row, &type, 1);
    crypto_hash_sha256_update(&digest->row, data, len);
}

static void field_sized(struct posting_digest *digest, uint8_t type, struct bytes value) {
    assert(value.len <= UINT32_MAX);
    uint8_t len[4];
    put_be32(len, (uint32_t)value.len);
    field(digest, type, len, sizeof len);
    if (value.len) crypto_hash_sha256_update(&digest->row, value.data, value.len);
}

static void field_64(struct posting_digest *digest, uint8_t type, int64_t value) {
    uint8_t data[8];
    put_be64(data, (uint64_t)value);
    field(digest, type, data, sizeof data);
}

void posting_null(struct posting_digest *digest) {
    field(digest, FIELD_NULL, "", 0);
}

void posting_bool(struct posting_digest *digest, bool value) {
    uint8_t data = value;
    field(digest, FIELD_BOOL, &data, 1);
}

void posting_int(struct posting_digest *digest, int64_t value) {
    field_64(digest, FIELD_INT, value);
}

void posting_uuid(struct posting_digest *digest, uuid value) {
    field(digest, FIELD_UUID, value.b, sizeof value.b);
}

void posting_bytes(struct posting_digest *digest, struct bytes value) {
    field_sized(digest, FIELD_BYTES, value);
}

void posting_text(struct posting_digest *digest, struct bytes value) {
    field_sized(digest, FIELD_TEXT, value);
}

void posting_date(struct posting_digest *digest, civil_date value) {
    uint8_t data[4];
    put_be32(data, (uint32_t)value.days);
    field(digest, FIELD_DATE, data, sizeof data);
}

void posting_instant(struct posting_digest *digest, instant value) {
    field_64(digest, FIELD_INSTANT, value.us);
}

hash256 posting_end(struct posting_digest *digest) {
    row_end(digest);
    uint8_t n[4];
    put_be32(n, digest->n_rows);
    crypto_hash_sha256_update(&digest->all, n, sizeof n);
    return sha_end(&digest->all);
}
