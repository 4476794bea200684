/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors as bytes (cursor.h). Called by feed.c and pull.c. */
#include "engine/cursor.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "domain/big_endian.h"

#define CURSOR_VERSION 1
#define TAG_BYTES 8
#define BODY_BYTES (CURSOR_BYTES - TAG_BYTES)

static int64_t get_be64(const uint8_t *in) {
    uint64_t value;
    memcpy(&value, in, sizeof value);
    return (int64_t)be64toh(value);
}

static void tag_of(const struct cursor_audience *audience, const uint8_t *body, uint8_t out[crypto_hash_sha256_BYTES]) {
    static const char domain[] = "tagih.cursor.1";
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)domain, sizeof domain);
    crypto_hash_sha256_update(&state, audience->installation.b, sizeof audience->installation.b);
    crypto_hash_sha256_update(&state, (const uint8_t *)audience->name, strlen(audience->name) + 1);
    crypto_hash_sha256_update(&state, audience->agency.u.b, sizeof audience->agency.u.b);
    crypto_hash_sha256_update(&state, audience->holder.u.b, sizeof audience->holder.u.b);
    crypto_hash_sha256_update(&state, body, BODY_BYTES);
    crypto_hash_sha256_final(&state, out);
}

void cursor_read(const struct cursor_audience *audience, struct bytes in, struct cursor *out) {
    *out = (struct cursor){.given = in.len > 0};
    if (in.len != CURSOR_BYTES || in.data[0] != CURSOR_VERSION) return;
    uint8_t tag[crypto_hash_sha256_BYTES];
    tag_of(audience, in.data, tag);
    if (memcmp(tag, in.data + BODY_BYTES, TAG_BYTES) != 0) return;
    out->placed = true;
    out->history_id = get_be64(in.data + 1);
    out->place.xid = get_be64(in.data + 9);
    out->place.n = get_be64(in.data + 17);
    memcpy(out->after.b, in.data + 25, sizeof out->after.b);
}

void cursor_write(const struct cursor_audience *audience, const struct cursor *cursor, uint8_t out[CURSOR_BYTES]) {
    out[0] = CURSOR_VERSION;
    put_be64(out + 1, (uint64_t)cursor->history_id);
    put_be64(out + 9, (uint64_t)cursor->place.xid);
    put_be64(out + 17, (uint64_t)cursor->place.n);
    memcpy(out + 25, cursor->after.b, sizeof cursor->after.b);
    uint8_t tag[crypto_hash_sha256_BYTES];
    tag_of(audience, out, tag);
    memcpy(out + BODY_BYTES, tag, TAG_BYTES);
}

bool cursor_holds(const struct cursor *cursor, const struct feed_position *position) {
    return cursor->placed && cursor->history_id == position->history_id && cursor->place.xid <= position->xid_next;
}

struct cursor cursor_now(const struct feed_position *position) {
    return (struct cursor){.placed = true, .history_id = position->history_id, .place = {position->xid_min, 0}};
}
